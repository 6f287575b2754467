import assert from "node:assert/strict";
import { hex } from "../../../lib/base/bytes.ts";
import { leaveOf, removalOf } from "../../../lib/groups/ending.ts";
import { GroupPolicy } from "../../../lib/groups/group_policy.ts";
import { RoleBit } from "../../../lib/groups/roles.ts";
import { type Item, ItemKind, type ListItem } from "../../../lib/records/item.ts";
import { ItemSet } from "../../../lib/records/item_set.ts";
import { removalClosesMax } from "../../../lib/records/limits.ts";
import {
  bytesOf,
  fakeAdmission,
  fakeAt,
  fakeCredential,
  fakeFounding,
  fakeInvitation,
  fakeVersion,
  fixtureCrypto,
  type Party,
  partyOf,
  recordOf,
} from "../../fixtures/items.ts";

const groupKey = bytesOf("group key");
const alice = bytesOf("alice");
const bob = bytesOf("bob");
const carol = bytesOf("carol");
const founding = fakeFounding(groupKey, alice);
const root = fakeCredential({ author: groupKey, credential: founding.hash }, alice, RoleBit.creator);
const founder: Party = partyOf(root);
const invitation = fakeInvitation(founder, { joinersMax: 2 });
const admission = fakeAdmission(founder, invitation, bob);
const other = fakeAdmission(founder, invitation, carol);
const bobs = partyOf(admission);

function groupOf(...items: Item[]): { policy: GroupPolicy; set: ItemSet } {
  const policy = new GroupPolicy(founding.hash);
  const set = new ItemSet(policy);
  set.add([founding, root, invitation, admission, other, ...items], fakeAt + 10);
  return { policy, set };
}

function hashesOf(lists: readonly ListItem[]): string[] {
  return lists.flatMap(({ body }) => body.hashes.map(hex)).sort();
}

Deno.test("removalOf() lets stand what the subject wrote, superseded versions too, and whom its invitation admitted", () => {
  const record = recordOf(bob);
  const old = fakeVersion(bobs, record, { version: 1 });
  const current = fakeVersion(bobs, record, { version: 2 });
  const foreign = fakeVersion(founder, recordOf(alice));
  const { policy, set } = groupOf(old, current, foreign);
  const { bodies, lists } = removalOf(fixtureCrypto, policy, set, bob, null);
  assert.deepEqual(bodies, [
    { kind: ItemKind.removal, subject: bob, list: lists[0]!.hash, closes: [invitation.hash] },
  ]);
  assert.deepEqual(hashesOf(lists), [old.id, current.id, admission.id, other.id].sort());
});

Deno.test("removalOf() leaves out what was made since a moment", () => {
  const early = fakeVersion(bobs, recordOf(bob), { at: fakeAt });
  const late = fakeVersion(bobs, recordOf(bob, { nonce: bytesOf("late").slice(0, 16) }), { at: fakeAt + 5 });
  const { policy, set } = groupOf(early, late);
  const { lists } = removalOf(fixtureCrypto, policy, set, bob, fakeAt + 5);
  assert.deepEqual(hashesOf(lists), [early.id, admission.id, other.id].sort());
});

Deno.test("removalOf() closes an invitation that the subject was one joiner too many for", () => {
  const narrow = fakeInvitation(founder, { joinersMax: 1 });
  const first = fakeAdmission(founder, narrow, carol, { seq: 90 });
  const surplus = fakeAdmission(founder, narrow, bob, { seq: 91 });
  const { policy, set } = groupOf(narrow, first, surplus);
  assert.equal(set.entry(surplus.id)?.place, "shelf");
  const { bodies } = removalOf(fixtureCrypto, policy, set, bob, null);
  const closes = bodies.flatMap((body) => body.kind === ItemKind.removal ? body.closes.map(hex) : []);
  assert.deepEqual(closes.sort(), [invitation.id, narrow.id].sort());
});

Deno.test("removalOf() spreads more closings than one removal names over several with one list", () => {
  const invitations = Array.from({ length: removalClosesMax + 1 }, () => fakeInvitation(founder));
  const admissions = invitations.map((made) => fakeAdmission(founder, made, bob));
  const { policy, set } = groupOf(...invitations, ...admissions);
  const { bodies, lists } = removalOf(fixtureCrypto, policy, set, bob, null);
  const removals = bodies.filter((body) => body.kind === ItemKind.removal);
  assert.deepEqual(removals.map(({ closes }) => closes.length), [removalClosesMax, 2]);
  assert.ok(removals.every(({ list }) => hex(list) === lists[0]!.id));
});

Deno.test("removalOf() is not led astray by admissions that prove nothing", () => {
  const open = fakeInvitation(founder, { joinersMax: 9 });
  const forged = fakeAdmission(founder, open, bob, { bearer: bytesOf("a key of bob's own") });
  const invented = fakeAdmission(founder, { ...open, hash: bytesOf("no invitation") }, bob);
  const { policy, set } = groupOf(open, forged, invented);
  const { bodies } = removalOf(fixtureCrypto, policy, set, bob, null);
  assert.deepEqual(bodies.map((body) => body.kind === ItemKind.removal && body.closes.map(hex)), [[
    invitation.id,
  ]]);
});

Deno.test("removalOf() with a moment does not believe what claims to be older than the membership", () => {
  const lie = fakeVersion(bobs, recordOf(bob, { created: 1 }), { at: 1 });
  const { policy, set } = groupOf(lie);
  assert.deepEqual(hashesOf(removalOf(fixtureCrypto, policy, set, bob, null).lists).includes(lie.id), true);
  assert.deepEqual(
    hashesOf(removalOf(fixtureCrypto, policy, set, bob, fakeAt + 5).lists).includes(lie.id),
    false,
  );
});

Deno.test("leaveOf() lets stand everything that one wrote", () => {
  const version = fakeVersion(bobs, recordOf(bob));
  const { policy, set } = groupOf(version);
  const { bodies, lists } = leaveOf(fixtureCrypto, policy, set, bob);
  assert.deepEqual(bodies, [{ kind: ItemKind.leave, list: lists[0]!.hash }]);
  assert.deepEqual(hashesOf(lists), [version.id]);
});
