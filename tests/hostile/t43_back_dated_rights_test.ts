/**
 * T43: the shapes of the Hydra flaws: a change that is dated back, or forked off, to where its author still
 * had the right. Here an item names the credential it is made under by hash, and whoever removes that
 * credential's holder lists by hash what stays; so no branch and no date brings anything back.
 */

import assert from "node:assert/strict";
import { RoleBit } from "../../lib/groups/roles.ts";
import { fakeAt } from "../fixtures/items.ts";
import { judge, namesOf, SmallGroup, stands } from "./kit/small_groups.ts";

const dates = [1, fakeAt - 1_000, fakeAt, fakeAt + 1_000_000];

Deno.test("[T43] what a removed admin signs under its old credential is void, whatever its date, number and writer", () => {
  for (const at of dates) {
    for (const seq of [1, 7, 2 ** 53 - 1]) {
      const group = new SmallGroup();
      const removal = group.do({ kind: "removal", by: "alice", subject: "bob", stays: "all" });
      const late = [
        ...group.do({ kind: "write", by: "bob" }, { at, seq }),
        ...group.do({ kind: "delete", by: "bob" }, { at, seq }),
        ...group.do({ kind: "credential", by: "bob", subject: "erin", roles: RoleBit.admin }, { at, seq }),
      ];
      const replica = judge(group.group, group.items, [...late, ...removal], `${at} ${seq}`);
      for (const item of late) assert.equal(stands(replica, item), false);
      assert.equal(namesOf(replica), "alice carol dave");
    }
  }
});

Deno.test("[T43] a ban and a concurrent change by the banned one: the change counts only if the ban lists it", () => {
  for (const isSeen of [false, true]) {
    const group = new SmallGroup();
    const made = isSeen ? group.do({ kind: "write", by: "dave" }) : [];
    const banned = group.do({ kind: "removal", by: "bob", subject: "dave", stays: "all" });
    if (!isSeen) made.push(...group.do({ kind: "write", by: "dave" }, { at: 1 }));
    const replica = judge(group.group, group.items, [...made, ...banned], `${isSeen}`);
    assert.equal(replica.set.entry(made[0]!.id)?.place, isSeen ? "in" : "shelf");
  }
});

Deno.test("[T43] a right that came by somebody banned later goes with it, however it was passed on before", () => {
  const group = new SmallGroup();
  const chain = [
    ...group.do({ kind: "credential", by: "carol", subject: "erin", roles: RoleBit.admin }),
    ...group.do({ kind: "credential", by: "erin", subject: "erin", roles: RoleBit.admin }, { at: 1 }),
    ...group.do({ kind: "removal", by: "erin", subject: "dave", stays: "none" }, { at: 1 }),
  ];
  const banned = group.do({ kind: "removal", by: "bob", subject: "carol", stays: "none" });
  const replica = judge(group.group, group.items, [...chain.slice(0, 3), ...banned], "passed on");
  assert.equal(namesOf(replica), "alice bob dave");
  for (const item of chain) assert.equal(stands(replica, item), false);
});

Deno.test("[T43] one removed by a junior and let in again by a senior acts under its new credential only", () => {
  const group = new SmallGroup();
  // Erin ranks below all that the founder gives, and above what she gives herself.
  group.do({ kind: "credential", by: "carol", subject: "erin", roles: RoleBit.admin });
  group.do({ kind: "credential", by: "erin", subject: "dave", roles: RoleBit.member });
  const old = group.party("dave");
  group.do({ kind: "removal", by: "erin", subject: "dave", stays: "none" });
  const before = group.do({ kind: "write", by: "dave" });
  group.do({ kind: "credential", by: "alice", subject: "dave", roles: RoleBit.member });
  assert.notDeepEqual(old.credential, group.party("dave").credential);
  const anew = group.do({ kind: "write", by: "dave" });
  const replica = judge(group.group, group.items, [...before, ...anew], "let in again");
  assert.equal(namesOf(replica), "alice bob carol dave erin");
  assert.equal(replica.set.entry(anew[0]!.id)?.place, "in");
  assert.equal(replica.set.entry(before[0]!.id)?.place, "shelf");
});

Deno.test("[T43] one removed by an admin is not let in again by a credential that ranks below that admin's", () => {
  const group = new SmallGroup();
  group.do({ kind: "removal", by: "bob", subject: "dave", stays: "all" });
  const given = group.do({ kind: "credential", by: "carol", subject: "dave", roles: RoleBit.admin }, {
    at: 1,
  });
  const late = group.do({ kind: "write", by: "dave" }, { at: 1 });
  const replica = judge(group.group, group.items, [...given, ...late], "by a junior");
  assert.equal(namesOf(replica), "alice bob carol");
  assert.equal(replica.set.entry(late[0]!.id)?.place, "shelf");
});
