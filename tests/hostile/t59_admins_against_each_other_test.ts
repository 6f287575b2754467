/**
 * T59: admins that remove each other, in pairs and in circles, at once and back-dated. Rank decides and time
 * does not: the senior stays, the founder stays always, and there is one answer in any order of arrival.
 *
 * Demotion (withdrawal) and readmission are reserved in this version: a demoted admin is a removed one here.
 */

import assert from "node:assert/strict";
import { RoleBit } from "../../lib/groups/roles.ts";
import { fakeAt } from "../fixtures/items.ts";
import { judge, namesOf, rolesAt, SmallGroup, stands } from "./kit/small_groups.ts";

Deno.test("[T59] of two admins that remove each other the senior stays, whoever was first by whatever clock", () => {
  for (const [first, second] of [["bob", "carol"], ["carol", "bob"]] as const) {
    for (const early of [fakeAt, 1, fakeAt + 1_000_000]) {
      const group = new SmallGroup();
      const late = [
        ...group.do({ kind: "removal", by: first, subject: second, stays: "none" }, { at: early }),
        ...group.do({ kind: "removal", by: second, subject: first, stays: "none" }, { at: fakeAt }),
      ];
      const replica = judge(group.group, group.items, late, `${first} first`);
      assert.equal(namesOf(replica), "alice bob dave");
    }
  }
});

Deno.test("[T59] nobody removes the founder, nor the founder itself; whoever tries loses nothing by it but may be removed", () => {
  for (const by of ["alice", "bob", "carol", "dave"] as const) {
    const group = new SmallGroup();
    const late = [
      ...group.do({ kind: "removal", by, subject: "alice", stays: "none" }),
      ...group.do({ kind: "removal", by: "alice", subject: "carol", stays: "all" }),
    ];
    const replica = judge(group.group, group.items, late, by);
    assert.equal(namesOf(replica), "alice bob dave");
  }
});

Deno.test("[T59] a circle of removals is cut at its highest rank", () => {
  const group = new SmallGroup();
  group.do({ kind: "credential", by: "carol", subject: "erin", roles: RoleBit.admin });
  const late = [
    ...group.do({ kind: "removal", by: "bob", subject: "carol", stays: "all" }),
    ...group.do({ kind: "removal", by: "carol", subject: "erin", stays: "none" }),
    ...group.do({ kind: "removal", by: "erin", subject: "bob", stays: "none" }),
  ];
  const replica = judge(group.group, group.items, late.slice(0, 5), "circle");
  // Bob's list was made before Carol's removal: that is void, so Erin stays; she does not reach Bob.
  assert.equal(namesOf(replica), "alice bob dave erin");
});

Deno.test("[T59] an admin that is removed makes itself accomplices in the past: none of them stands", () => {
  const group = new SmallGroup();
  const removed = group.do({ kind: "removal", by: "alice", subject: "bob", stays: "all" });
  const late = [
    ...group.do({ kind: "credential", by: "bob", subject: "erin", roles: RoleBit.admin }, { at: 1, seq: 1 }),
    ...group.do({ kind: "removal", by: "bob", subject: "carol", stays: "none" }, { at: 1, seq: 1 }),
    ...group.do({ kind: "removal", by: "erin", subject: "carol", stays: "none" }, { at: 1, seq: 1 }),
  ];
  const replica = judge(
    group.group,
    group.items,
    [...removed.slice(0, 1), ...late.slice(0, 4)],
    "back-dated",
  );
  assert.equal(namesOf(replica), "alice carol dave");
  for (const item of late) assert.equal(stands(replica, item), false);
});

Deno.test("[T59] a removal that turns out void brings its subject back, the same at everybody", () => {
  const group = new SmallGroup();
  const late = [
    ...group.do({ kind: "removal", by: "bob", subject: "dave", stays: "none" }),
    ...group.do({ kind: "removal", by: "alice", subject: "bob", stays: "none" }),
  ];
  const replica = judge(group.group, group.items, late, "void");
  // Dave's own credential was Bob's to give, and Alice's list does not name it.
  assert.equal(namesOf(replica), "alice carol");
  const kept = new SmallGroup();
  const removal = kept.do({ kind: "removal", by: "alice", subject: "bob", stays: "all" });
  const undone = kept.do({ kind: "removal", by: "bob", subject: "dave", stays: "none" });
  const listed = judge(kept.group, kept.items, [...removal, ...undone], "listed");
  assert.equal(namesOf(listed), "alice carol dave");
  assert.equal(rolesAt(listed, "dave"), RoleBit.member);
});
