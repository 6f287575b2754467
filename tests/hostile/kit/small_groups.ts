/**
 * Small groups for exhaustive tests of authority: Alice founded it, Bob and Carol are admins (Bob ranks above
 * Carol), Dave is a member, Erin is nobody yet. What is done in it is judged by the product in several orders
 * of arrival and by the reference model, and all must say the same.
 */

import assert from "node:assert/strict";
import { hex } from "../../../lib/base/bytes.ts";
import { RoleBit } from "../../../lib/groups/roles.ts";
import {
  type AdmissionBody,
  type CredentialBody,
  isData,
  type Item,
  ItemKind,
  type SignedItem,
} from "../../../lib/records/item.ts";
import {
  bytesOf,
  fakeAdmission,
  fakeAt,
  fakeCredential,
  fakeDelete,
  fakeFounding,
  type FakeHead,
  fakeInvitation,
  fakeLeave,
  fakeRemoval,
  fakeVersion,
  type Party,
  partyOf,
  recordOf,
} from "../../fixtures/items.ts";
import { modelStateOf, referenceState, type Replica, replicaOf, stateBytes } from "../../property/algebra.ts";

/** Who acts. */
export type Actor = "alice" | "bob" | "carol" | "dave" | "erin";

/** The people of these groups, by name. */
export const people: Readonly<Record<Actor, Uint8Array>> = {
  alice: bytesOf("alice"),
  bob: bytesOf("bob"),
  carol: bytesOf("carol"),
  dave: bytesOf("dave"),
  erin: bytesOf("erin"),
};

/** One thing that somebody does, whether it may or not. */
export type Operation =
  | { readonly kind: "credential"; readonly by: Actor; readonly subject: Actor; readonly roles: number }
  | { readonly kind: "removal"; readonly by: Actor; readonly subject: Actor; readonly stays: "all" | "none" }
  | { readonly kind: "leave"; readonly by: Actor }
  | { readonly kind: "admit"; readonly by: Actor }
  | { readonly kind: "write"; readonly by: Actor }
  | { readonly kind: "delete"; readonly by: Actor };

const founding = fakeFounding(bytesOf("group key"), people.alice, {}, head("founding", 0));
const root = fakeCredential(
  { author: bytesOf("group key"), credential: founding.hash },
  ...[people.alice, RoleBit.creator, head("root", 0)] as const,
);
const alice = partyOf(root);
const bob = fakeCredential(alice, people.bob, RoleBit.admin, head("bob", 2));
const carol = fakeCredential(alice, people.carol, RoleBit.admin, head("carol", 3));
const dave = fakeCredential(partyOf(bob), people.dave, RoleBit.member, head("dave", 1));
const record = recordOf(people.alice);
const note = fakeVersion(alice, record, head("note", 9));

/** A group in which things are done one after the other; what is made never depends on what comes later. */
export class SmallGroup {
  readonly group: Uint8Array = founding.hash;
  readonly items: Item[] = [founding, root, bob, carol, dave, note];
  readonly #parties = new Map<Actor, Party>([
    ["alice", alice],
    ["bob", partyOf(bob)],
    ["carol", partyOf(carol)],
    ["dave", partyOf(dave)],
    ["erin", { author: people.erin, credential: dave.hash }],
  ]);

  /** Does it under the newest credential that the actor was given, by whoever and rightly or not. */
  do(operation: Operation, fields: FakeHead = {}): Item[] {
    const by = this.#parties.get(operation.by)!;
    const made = this.#make(operation, by, { ...head(`${this.items.length}`, this.items.length), ...fields });
    this.items.push(...made);
    return made;
  }

  /** The credential that an actor acts under. */
  party(actor: Actor): Party {
    return this.#parties.get(actor)!;
  }

  #make(operation: Operation, by: Party, fields: FakeHead): Item[] {
    switch (operation.kind) {
      case "credential": {
        const item = fakeCredential(by, people[operation.subject], operation.roles, fields);
        this.#give(operation.subject, item);
        return [item];
      }
      case "removal": {
        const stays = operation.stays === "none" ? [] : this.items;
        return fakeRemoval(by, people[operation.subject], stays, fields);
      }
      case "leave":
        return fakeLeave(by, this.items, fields);
      case "admit": {
        const bearer = bytesOf(`bearer ${hex(fields.hash!)}`);
        const invitation = fakeInvitation(by, { ...fields, roles: RoleBit.admin, bearer });
        const hash = bytesOf(`admission ${hex(fields.hash!)}`);
        const item = fakeAdmission(by, invitation, people.erin, { ...fields, hash });
        this.#give("erin", item);
        return [invitation, item];
      }
      case "write":
        return [fakeVersion(by, record, { ...fields, version: this.items.length })];
      case "delete":
        return [fakeDelete(by, record, fields)];
    }
  }

  #give(subject: Actor, item: SignedItem<CredentialBody> | SignedItem<AdmissionBody>): void {
    this.#parties.set(subject, partyOf(item));
  }
}

/** Everything that one of these actors might do: 20 operations each. */
export function operationsOf(actors: readonly Actor[]): Operation[] {
  const subjects: readonly Actor[] = ["alice", "bob", "carol", "dave"];
  return actors.flatMap((by): Operation[] => [
    ...[...new Set<Actor>([by, "dave", "erin"])].flatMap((subject) =>
      [RoleBit.creator, RoleBit.admin, RoleBit.member].map((roles) =>
        ({ kind: "credential", by, subject, roles }) as const
      )
    ),
    ...subjects.flatMap((subject) =>
      (["all", "none"] as const).map((stays) => ({ kind: "removal", by, subject, stays }) as const)
    ),
    ...(["leave", "admit", "write", "delete"] as const).map((kind) => ({ kind, by })),
  ]);
}

/**
 * Judges items in the order in which they were made, in reverse, and in every order of `late` after the rest.
 * All must come to equal bytes, and to what the reference model says.
 */
export function judge(
  group: Uint8Array,
  items: readonly Item[],
  late: readonly Item[],
  why: string,
): Replica {
  const replica = replicaOf(group, items);
  const bytes = hex(stateBytes(replica));
  assert.deepEqual(modelStateOf(replica), referenceState(group, items), `${why}: the model says otherwise`);
  assert.equal(hex(stateBytes(replicaOf(group, items.toReversed()))), bytes, `${why}: in reverse`);
  const early = items.filter((item) => !late.includes(item));
  for (const order of late.length > 1 ? permutations(late) : []) {
    assert.equal(hex(stateBytes(replicaOf(group, [...early, ...order]))), bytes, `${why}: in another order`);
  }
  const roles = new Map([...replica.policy!.members().values()].map((one) => [one.lineage, one.roles]));
  const hasLeft = items.some(({ head, body }) =>
    body.kind === ItemKind.leave && hex(head!.author) === hex(people.alice)
  );
  const founders = roles.get(hex(people.alice)) ?? 0;
  assert(hasLeft || (founders & RoleBit.creator) !== 0, `${why}: the founder stays`);
  for (const [lineage, bits] of roles) {
    assert(lineage === hex(people.alice) || (bits & RoleBit.creator) === 0, `${why}: nobody else is creator`);
  }
  return replica;
}

/** The names of the members, in order. */
export function namesOf(replica: Replica): string {
  const names = Object.entries(people).filter(([, key]) => replica.policy!.member(hex(key)) !== null);
  return names.map(([name]) => name).join(" ");
}

/** Roles that one of the people holds, 0 for nobody. */
export function rolesAt(replica: Replica, actor: Actor): number {
  return replica.policy!.member(hex(people[actor]))?.roles ?? 0;
}

/** Whether an item has its effect. */
export function stands(replica: Replica, item: Item): boolean {
  return replica.set.entry(item.id)?.place === "in" &&
    (!isData(item) || replica.policy!.mayWrite(item)) && item.body.kind !== ItemKind.list;
}

/** All orders of a few things. */
export function* permutations<T>(things: readonly T[]): Generator<T[]> {
  if (things.length <= 1) return void (yield [...things]);
  for (const [i, first] of things.entries()) {
    for (const rest of permutations(things.filter((_, j) => j !== i))) yield [first, ...rest];
  }
}

function head(name: string, seq: number): Required<FakeHead> {
  return { hash: bytesOf(`small group: ${name}`), writer: new Uint8Array(8), seq: seq + 1, at: fakeAt };
}
