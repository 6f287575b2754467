/** What the tests of the algebra share: judging a history in the product and in the reference model. */

import { compareBytes, equalBytes, fromHex, hex } from "../../lib/base/bytes.ts";
import { below, type SeededRandom, shuffled } from "../../lib/base/random.ts";
import { GroupPolicy } from "../../lib/groups/group_policy.ts";
import { CreatorPolicy } from "../../lib/records/policy.ts";
import { type AuthorityItem, isData, type Item, ItemKind } from "../../lib/records/item.ts";
import { ItemSet, type SetChange } from "../../lib/records/item_set.ts";
import { encode, type Value } from "../../lib/wire/codec.ts";
import { type DataBody, evaluate, type ModelItem, type ModelState, type Signed } from "./reference/model.ts";
import { judgedAt } from "./histories.ts";

/** One peer's set of a graph, with what it knows of the group. */
export interface Replica {
  readonly set: ItemSet;
  readonly policy: GroupPolicy | null;
}

/** An empty replica of the group with this id (`null`: a plain graph). */
export function createReplica(group: Uint8Array | null): Replica {
  const policy = group === null ? null : new GroupPolicy(group);
  return { set: new ItemSet(policy ?? new CreatorPolicy()), policy };
}

/** A replica that took the items in this order, one by one. */
export function replicaOf(group: Uint8Array | null, items: readonly Item[]): Replica {
  const replica = createReplica(group);
  for (const item of items) replica.set.add([item], judgedAt);
  return replica;
}

/**
 * Peers that each hold a part of the items and then tell each other everything in random batches, as
 * often as it takes. They tell what is outside their set too, for what one cannot use another can.
 */
export function exchangingReplicas(
  random: SeededRandom,
  group: Uint8Array | null,
  items: readonly Item[],
): Replica[] {
  const replicas = Array.from({ length: 2 + below(random, 3) }, () => createReplica(group));
  for (const item of shuffled(random, items)) {
    // Some items begin at several peers.
    replicas[below(random, replicas.length)]!.set.add([item], judgedAt);
    if (below(random, 4) === 0) replicas[below(random, replicas.length)]!.set.add([item], judgedAt);
  }
  for (;;) {
    const exchanges = replicas.flatMap((from) => replicas.map((to) => ({ from, to })));
    let told = 0;
    for (const { from, to } of shuffled(random, exchanges)) {
      const missing = shuffled(random, [...from.set.entries()].map(({ item }) => item))
        .filter(({ id }) => !to.set.has(id));
      const batch = missing.slice(0, 1 + below(random, 6));
      to.set.add(batch, judgedAt);
      told += batch.length;
    }
    if (told === 0) return replicas;
  }
}

/** Places, members and shown records, as one text of bytes: equal states are equal bytes. */
export function stateBytes(replica: Replica): Uint8Array {
  const places = { in: [] as Uint8Array[], shelf: [] as Uint8Array[], aside: [] as Uint8Array[] };
  for (const { item, place } of replica.set.entries()) places[place].push(item.hash);
  for (const hashes of Object.values(places)) hashes.sort(compareBytes);
  return encode([places.in, places.shelf, places.aside, effectValue(replica)]);
}

/** Members and shown records alone: what users see. */
export function effectBytes(replica: Replica): Uint8Array {
  return encode(effectValue(replica));
}

function effectValue({ set, policy }: Replica): Value {
  const members = [...policy?.members().values() ?? []].map(({ lineage, roles }): [string, Value] => [
    lineage,
    [fromHex(lineage), roles],
  ]);
  const records = [...set.allShown()].filter(([, shown]) => judgedAt <= shown.expires)
    .map(([id, { item, expires }]): [string, Value] => [id, [fromHex(id), item.hash, expires]]);
  return [sortedValues(members), sortedValues(records)];
}

function sortedValues(entries: [string, Value][]): Value[] {
  return entries.sort(([a], [b]) => a < b ? -1 : 1).map(([, value]) => value);
}

/** The product's state in the words of the reference model. */
export function modelStateOf({ set, policy }: Replica): ModelState {
  const places = { in: [] as string[], shelf: [] as string[], aside: [] as string[] };
  for (const { item, place } of set.entries()) places[place].push(item.id);
  for (const ids of Object.values(places)) ids.sort();
  return {
    inSet: places.in,
    shelf: places.shelf,
    aside: places.aside,
    members: [...policy?.members().values() ?? []].map(({ lineage, roles }) => ({ lineage, roles }))
      .sort((a, b) => a.lineage < b.lineage ? -1 : 1),
    records: [...set.allShown()].filter(([, { expires }]) => judgedAt <= expires)
      .map(([record, { item, expires }]) => ({
        record,
        winner: item.id,
        version: item.body.version,
        expires,
      }))
      .sort((a, b) => a.record < b.record ? -1 : 1),
  };
}

/** The reference model's state of the same items. */
export function referenceState(group: Uint8Array | null, items: readonly Item[]): ModelState {
  return evaluate(items.map(toModel), judgedAt, group === null ? null : hex(group));
}

function toModel(item: Item): ModelItem {
  if (item.body.kind === ItemKind.list) {
    const { hashes, next } = item.body;
    const body = { kind: "list", hashes: hashes.map(hex), next: next === null ? null : hex(next) } as const;
    return { hash: item.id, body };
  }
  const { author, writer, seq, at, credential } = item.head!;
  return {
    hash: item.id,
    author: hex(author),
    writer: hex(writer),
    seq,
    at,
    credential: credential === null ? null : hex(credential),
    body: isData(item) ? toModelData(item) : toModelAuthority(item as AuthorityItem),
  };
}

function toModelData({ body, record }: { body: Item["body"]; record: string | null }): DataBody {
  if (body.kind > ItemKind.extension) throw new TypeError("no data");
  const data = body as Extract<Item["body"], { type: string }>;
  const { type, created, until } = data;
  const head = { record: record!, type, creator: hex(data.creator), created, until };
  if (data.kind === ItemKind.delete) return { kind: "delete", ...head };
  if (data.kind === ItemKind.extension) return { kind: "extension", ...head, expires: data.expires };
  return { kind: "version", ...head, version: data.version, expires: data.expires, prev: data.prev.map(hex) };
}

function toModelAuthority({ body }: AuthorityItem): Signed["body"] {
  switch (body.kind) {
    case ItemKind.founding:
      return { kind: "founding", creator: hex(body.creator), depthMax: body.properties.depthMax };
    case ItemKind.credential: {
      const { roles, notBefore, notAfter } = body;
      return { kind: "credential", subject: hex(body.subject), roles, notBefore, notAfter };
    }
    case ItemKind.invitation: {
      const { joinersMax, roles, expires } = body;
      return { kind: "invitation", bearer: hex(body.bearer), joinersMax, roles, expires };
    }
    case ItemKind.admission: {
      const { invitation, bearer, joiner } = body.statement;
      return { kind: "admission", invitation: hex(invitation), bearer: hex(bearer), joiner: hex(joiner) };
    }
    case ItemKind.removal: {
      const { subject, list, closes } = body;
      return { kind: "removal", subject: hex(subject), list: hex(list), closes: closes.map(hex) };
    }
    case ItemKind.leave:
      return { kind: "leave", list: hex(body.list) };
  }
}

/** Whether two replicas stand equal, their fingerprints included. */
export function standEqual(
  a: Replica,
  b: Replica,
  crypto: Parameters<ItemSet["data"]["fingerprint"]>[0],
): boolean {
  return equalBytes(stateBytes(a), stateBytes(b)) &&
    equalBytes(a.set.data.fingerprint(crypto), b.set.data.fingerprint(crypto)) &&
    equalBytes(a.set.authority.fingerprint(crypto), b.set.authority.fingerprint(crypto));
}

/**
 * Follows a set by its changes alone, as a store and a user interface do, and compares at the end.
 */
export class Follower {
  readonly #in = new Map<string, number>();
  readonly #outside = new Set<string>();
  readonly #shown = new Map<string, string>();
  /** How many items came back into the set after they had left it or had begun outside. */
  returned = 0;

  follow(change: SetChange): void {
    for (const { item, arrival } of change.entered) {
      if (this.#outside.delete(item.id)) this.returned++;
      this.#in.set(item.id, arrival);
    }
    for (const { item } of [...change.left, ...change.outside]) {
      this.#in.delete(item.id);
      this.#outside.add(item.id);
    }
    for (const item of change.dropped) {
      this.#in.delete(item.id);
      this.#outside.delete(item.id);
    }
    for (const { record, after } of change.records) {
      if (after === null) this.#shown.delete(record);
      else this.#shown.set(record, `${after.item.id} ${after.expires}`);
    }
  }

  /** What it came to, for comparison with {@linkcode followedOf}. */
  result(): unknown {
    return {
      in: [...this.#in].sort(([a], [b]) => a < b ? -1 : 1),
      outside: [...this.#outside].sort(),
      shown: [...this.#shown].sort(([a], [b]) => a < b ? -1 : 1),
    };
  }
}

/** What a {@linkcode Follower} of this set must have come to. */
export function followedOf(set: ItemSet): unknown {
  const entries = [...set.entries()];
  return {
    in: entries.filter(({ place }) => place === "in").map(({ item, arrival }) => [item.id, arrival])
      .sort(([a], [b]) => a! < b! ? -1 : 1),
    outside: entries.filter(({ place }) => place !== "in").map(({ item }) => item.id).sort(),
    shown: [...set.allShown()].map(([record, { item, expires }]) => [record, `${item.id} ${expires}`])
      .sort(([a], [b]) => a! < b! ? -1 : 1),
  };
}
