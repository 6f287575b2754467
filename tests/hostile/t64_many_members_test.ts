/**
 * T64: one inviter adds members by the thousand. Nothing is decided by counting heads, so they gain nothing
 * by being many, and one removal ends them all.
 *
 * Not protected: no ceiling on how many one inviter adds is built, and each authority item that comes alone
 * costs a pass over all of them; an admin who adds thousands one by one costs everybody that work until it
 * is removed.
 */

import assert from "node:assert/strict";
import { hex } from "../../lib/base/bytes.ts";
import { pick, SeededRandom } from "../../lib/base/random.ts";
import { GroupPolicy } from "../../lib/groups/group_policy.ts";
import { RoleBit } from "../../lib/groups/roles.ts";
import {
  bytesOf,
  fakeAdmission,
  fakeCredential,
  fakeFounding,
  fakeInvitation,
  fakeRemoval,
  partyOf,
} from "../fixtures/items.ts";

Deno.test("[T64] ten thousand of one inviter's, all against one admin: nothing happens to it, and one removal ends them all", () => {
  const groupKey = bytesOf("group key");
  const founding = fakeFounding(groupKey, bytesOf("alice"));
  const root = fakeCredential(
    { author: groupKey, credential: founding.hash },
    bytesOf("alice"),
    RoleBit.creator,
  );
  const alice = partyOf(root);
  const bob = fakeCredential(alice, bytesOf("bob"), RoleBit.admin, { seq: 2 });
  const mallory = fakeCredential(alice, bytesOf("mallory"), RoleBit.admin, { seq: 3 });
  const invitation = fakeInvitation(partyOf(mallory), { joinersMax: 100_000, roles: RoleBit.admin });
  const crowd = Array.from(
    { length: 10_000 },
    (_, i) => fakeAdmission(partyOf(mallory), invitation, bytesOf(`one of many ${i}`), { seq: 10 + i }),
  );
  const random = new SeededRandom(1);
  // A hundred of them remove everybody above them.
  const votes = Array.from({ length: 100 }, () => partyOf(pick(random, crowd))).flatMap((by) =>
    ["alice", "bob"].flatMap((subject) => fakeRemoval(by, bytesOf(subject)))
  );
  const policy = new GroupPolicy(founding.hash);
  policy.learn([...votes, ...crowd, invitation, mallory, bob, root, founding]);
  assert.equal(policy.members().size, 10_003);
  for (const name of ["alice", "bob"]) assert.notEqual(policy.member(hex(bytesOf(name))), null);
  policy.learn(fakeRemoval(partyOf(bob), bytesOf("mallory")));
  assert.equal(policy.members().size, 2);
  assert.equal(policy.endings(hex(bytesOf("mallory"))).length > 0, true);
});
