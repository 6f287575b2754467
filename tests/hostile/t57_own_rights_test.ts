/**
 * T57: a member that raises its own role, signs beyond its rights, gives what it does not hold, deeper than the
 * group allows. Sequences of what four members and an outsider may try are judged by the product, in several
 * orders, and by the reference model; the slow run tries more of them.
 */

import assert from "node:assert/strict";
import { hex } from "../../lib/base/bytes.ts";
import { RoleBit } from "../../lib/groups/roles.ts";
import { bytesOf, fakeCredential, fakeFounding, partyOf } from "../fixtures/items.ts";
import { replicaOf } from "../property/algebra.ts";
import {
  type Actor,
  judge,
  namesOf,
  type Operation,
  operationsOf,
  people,
  rolesAt,
  SmallGroup,
  stands,
} from "./kit/small_groups.ts";
import { judgeAll, judgeSome } from "./kit/small_group_runs.ts";

Deno.test("[T57] every pair of operations by two admins and a member comes to what the reference says, in any order", () => {
  const operations = operationsOf(["bob", "carol", "dave"]);
  assert.equal(judgeAll(operations, 2), operations.length ** 2);
});

Deno.test("[T57] sequences of five by four actors and an outsider come to what the reference says", () => {
  judgeSome(20_301_125, 1_000, 5);
});

Deno.test("[T57] nothing that a member or an outsider does alone, five deep, gives it a right", () => {
  for (const by of ["dave", "erin"] as const) {
    const group = new SmallGroup();
    const self: Operation[] = [RoleBit.creator, RoleBit.admin, RoleBit.member].flatMap((roles) =>
      (["dave", "erin"] as const).map((subject) => ({ kind: "credential", by, subject, roles }) as const)
    );
    const others: Operation[] = (["alice", "bob", "carol"] as const).map((subject) =>
      ({ kind: "removal", by, subject, stays: "none" }) as const
    );
    const made = [...self, ...others, { kind: "admit", by } as const, { kind: "delete", by } as const]
      .flatMap((operation) => group.do(operation));
    const replica = judge(group.group, group.items, [], by);
    assert.equal(namesOf(replica), "alice bob carol dave");
    assert.equal(rolesAt(replica, "dave"), RoleBit.member);
    assert.equal(replica.set.shown([...replica.set.allShown()][0]![0])?.item.head.seq, 10, "the note stands");
    for (const item of made) assert.equal(stands(replica, item), false, `${item.body.kind}`);
  }
});

Deno.test("[T57] roles are what a chain gives: an admin makes admins and members, no creator, and a member makes nobody", () => {
  const cases: [Actor, number, boolean][] = [
    ["alice", RoleBit.admin, true],
    ["alice", RoleBit.creator, false],
    ["alice", RoleBit.creator | RoleBit.admin, false],
    ["bob", RoleBit.admin, true],
    ["bob", RoleBit.member, true],
    ["bob", RoleBit.creator, false],
    ["dave", RoleBit.member, false],
    ["dave", RoleBit.reader, false],
    ["erin", RoleBit.member, false],
  ];
  for (const [by, roles, isGiven] of cases) {
    const group = new SmallGroup();
    group.do({ kind: "credential", by, subject: "erin", roles });
    const replica = judge(group.group, group.items, [], by);
    assert.equal(rolesAt(replica, "erin"), isGiven ? roles : 0, `${by} gives ${roles}`);
  }
});

Deno.test("[T57] a chain deeper than the group allows ends where it is too deep, whatever is under it", () => {
  for (const depthMax of [1, 2, 8, 24]) {
    const founding = fakeFounding(bytesOf("group key"), people.alice, { depthMax });
    const by = { author: bytesOf("group key"), credential: founding.hash };
    let last = fakeCredential(by, people.alice, RoleBit.creator);
    const items = [founding, last];
    for (let depth = 2; depth <= 30; depth++) {
      last = fakeCredential(partyOf(last), bytesOf(`heir ${depth}`), RoleBit.admin);
      items.push(last);
    }
    const { policy } = replicaOf(founding.hash, items.toReversed());
    assert.equal(policy!.members().size, Math.min(depthMax, 30));
    assert.equal(policy!.member(hex(bytesOf(`heir ${depthMax + 1}`))), null);
  }
});
