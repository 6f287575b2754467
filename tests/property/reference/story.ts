/** Short makers of abstract items, for hand-made and random histories. */

import type { DataBody, List, ModelItem, ModelState, RecordFields, Signed } from "./items.ts";
import { ADMIN, CREATOR, MEMBER } from "./items.ts";
import { evaluate } from "./model.ts";

/** Who signs: a lineage, under one of its credentials. */
export interface Party {
  readonly author: string;
  readonly credential: string | null;
}
type Fields = Partial<Pick<Signed, "writer" | "seq" | "at" | "author">>;

/** A signed item with the defaults of these stories. */
export function sign(hash: string, by: Party, body: Signed["body"], fields: Fields = {}): Signed {
  return { hash, writer: "00", seq: 1, at: 100, ...by, body, ...fields };
}

export function founding(creator: string, depthMax: number = 8): Signed {
  return sign("group", { author: "key", credential: null }, { kind: "founding", creator, depthMax });
}

export function credential(
  hash: string,
  by: Party,
  subject: string,
  roles: number,
  fields: Fields & { readonly notBefore?: number | null; readonly notAfter?: number | null } = {},
): Signed {
  const { notBefore = null, notAfter = null, ...rest } = fields;
  return sign(hash, by, { kind: "credential", subject, roles, notBefore, notAfter }, rest);
}

export function invitation(
  hash: string,
  by: Party,
  joinersMax: number,
  fields: Fields & { readonly roles?: number; readonly expires?: number } = {},
): Signed {
  const { roles = MEMBER, expires = 500, ...rest } = fields;
  return sign(
    hash,
    by,
    { kind: "invitation", bearer: `bearer of ${hash}`, joinersMax, roles, expires },
    rest,
  );
}

export function admission(
  hash: string,
  witness: Party,
  invitation: string,
  joiner: string,
  fields: Fields & { readonly bearer?: string } = {},
): Signed {
  const { bearer = `bearer of ${invitation}`, ...rest } = fields;
  return sign(hash, witness, { kind: "admission", invitation, bearer, joiner }, rest);
}

/** A removal and its list of one part. */
export function removal(
  hash: string,
  by: Party,
  subject: string,
  stays: readonly string[] = [],
  fields: Fields & { readonly closes?: readonly string[] } = {},
): [Signed, List] {
  const { closes = [], ...rest } = fields;
  const listed = list(`list of ${hash}`, stays);
  return [sign(hash, by, { kind: "removal", subject, list: listed.hash, closes }, rest), listed];
}

/** A leave and its list of one part. */
export function leave(hash: string, by: Party, stays: readonly string[] = []): [Signed, List] {
  const listed = list(`list of ${hash}`, stays);
  return [sign(hash, by, { kind: "leave", list: listed.hash }), listed];
}

export function list(hash: string, hashes: readonly string[], next: string | null = null): List {
  return { hash, body: { kind: "list", hashes, next } };
}

export function record(creator: string, until: number = 1000): RecordFields {
  return { record: `record of ${creator}`, type: "note", creator, created: 0, until };
}

export function version(
  hash: string,
  by: Party,
  of: RecordFields,
  number: number,
  expires: number = of.until,
): Signed {
  const body: DataBody = { kind: "version", ...of, version: number, expires, prev: [] };
  return sign(hash, by, body);
}

export function deletion(hash: string, by: Party, of: RecordFields): Signed {
  return sign(hash, by, { kind: "delete", ...of });
}

export function extension(hash: string, by: Party, of: RecordFields, expires: number): Signed {
  return sign(hash, by, { kind: "extension", ...of, expires });
}

/** The party that a credential or an admission makes. */
export function partyOf(item: Signed): Party {
  if (item.body.kind === "credential") return { author: item.body.subject, credential: item.hash };
  if (item.body.kind === "admission") return { author: item.body.joiner, credential: item.hash };
  return { author: item.author, credential: item.hash };
}

export const key: Party = { author: "key", credential: "group" };
export const alice: Party = { author: "alice", credential: "c-alice" };
export const bob: Party = { author: "bob", credential: "c-bob" };
export const carol: Party = { author: "carol", credential: "c-carol" };
export const dave: Party = { author: "dave", credential: "c-dave" };

/** A group of its creator Alice, the admins Bob and Carol (Bob ranks above Carol), and Bob's member Dave. */
export const group: readonly Signed[] = [
  founding("alice"),
  credential("c-alice", key, "alice", CREATOR),
  credential("c-bob", alice, "bob", ADMIN, { seq: 2 }),
  credential("c-carol", alice, "carol", ADMIN, { seq: 3 }),
  credential("c-dave", bob, "dave", MEMBER),
];

/** The lineages of the standard group. */
export const all: readonly string[] = ["alice", "bob", "carol", "dave"];

/** The state of the standard group with some more items. */
export function stateWith(...items: (ModelItem | readonly ModelItem[])[]): ModelState {
  return evaluate([...group, ...items.flat()], 200, "group");
}

/** The lineages of the members. */
export function members(state: ModelState): string[] {
  return state.members.map(({ lineage }) => lineage);
}

/** Where items are: `places(state, "a", "b")` is for instance "in shelf". */
export function places(state: ModelState, ...hashes: string[]): string {
  return hashes.map((hash) =>
    state.inSet.includes(hash)
      ? "in"
      : state.shelf.includes(hash)
      ? "shelf"
      : state.aside.includes(hash)
      ? "aside"
      : "unknown"
  ).join(" ");
}

/** The winners of the visible records. */
export function winners(state: ModelState): string[] {
  return state.records.map(({ winner }) => winner);
}
