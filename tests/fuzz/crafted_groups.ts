/** Groups whose items were made to be dear to whoever judges them. */

import { GroupPolicy } from "../../lib/groups/group_policy.ts";
import { RoleBit } from "../../lib/groups/roles.ts";
import { type AuthorityItem, ItemKind, type ListItem } from "../../lib/records/item.ts";
import {
  bytesOf,
  credentialBody,
  fakeCredential,
  fakeFounding,
  fakeItem,
  fakeList,
  partyOf,
} from "../fixtures/items.ts";

/** A group, and the items that are to be learnt. */
export interface CraftedGroup {
  readonly policy: GroupPolicy;
  readonly items: readonly (AuthorityItem | ListItem)[];
}

/** Bob leaves `count` times, each time with the same list, by which the credentials that he gave stay. */
export function leavingMember(count: number, givenCount: number = count): CraftedGroup {
  const [key, alice, bob] = ["key", "alice", "bob"].map(bytesOf) as [Uint8Array, Uint8Array, Uint8Array];
  const founding = fakeFounding(key, alice);
  const root = fakeCredential({ author: key, credential: founding.hash }, alice, RoleBit.creator);
  const credential = fakeCredential(partyOf(root), bob, RoleBit.admin);
  const by = partyOf(credential);
  const given = Array.from({ length: givenCount }, (_, i) => {
    return fakeItem(by, credentialBody(bytesOf(`subject ${i}`), RoleBit.member), { seq: i + 1 });
  });
  const list = fakeList(given.map(({ hash }) => hash));
  const leaves = Array.from({ length: count }, (_, i) => {
    return fakeItem(by, { kind: ItemKind.leave, list: list.hash }, { seq: givenCount + i + 1 });
  });
  return {
    policy: new GroupPolicy(founding.hash),
    items: [founding, root, credential, list, ...given, ...leaves],
  };
}

/** `count` credentials that wait for one which nobody has. */
export function waitingCredentials(count: number): CraftedGroup {
  const founding = fakeFounding(bytesOf("key"), bytesOf("alice"));
  const missing = bytesOf("missing");
  const first = fakeCredential(
    { author: bytesOf("eve"), credential: missing },
    bytesOf("eve"),
    RoleBit.admin,
  );
  const by = partyOf(first);
  const others = Array.from({ length: count }, (_, i) => {
    return fakeItem(by, credentialBody(bytesOf(`subject ${i}`), RoleBit.member), { seq: i + 1 });
  });
  return { policy: new GroupPolicy(founding.hash), items: [founding, first, ...others] };
}
