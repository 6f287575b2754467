import assert from "node:assert/strict";
import { hex } from "../../../lib/base/bytes.ts";
import { GroupPolicy } from "../../../lib/groups/group_policy.ts";
import type { AuthorityItem, DataItem, ListItem } from "../../../lib/records/item.ts";
import { asideAuthorityItemsMax } from "../../../lib/records/limits.ts";
import {
  bytesOf,
  fakeAdmission,
  fakeAt,
  fakeCredential,
  fakeDelete,
  fakeExtension,
  fakeFounding,
  fakeInvitation,
  fakeLeave,
  fakeList,
  fakeRemoval,
  fakeVersion,
  hashFrom,
  type Party,
  partyOf,
  recordOf,
  sampleItems,
} from "../../fixtures/items.ts";

const [alice, bob, carol, dave] = ["alice", "bob", "carol", "dave"].map(bytesOf) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const groupKey = bytesOf("group key");
const founding = fakeFounding(groupKey, alice);
const root = fakeCredential({ author: groupKey, credential: founding.hash }, alice, 1);
const byAlice = partyOf(root);
const bobs = fakeCredential(byAlice, bob, 2, { seq: 1 });
const carols = fakeCredential(byAlice, carol, 8, { seq: 2 });
const readers = fakeCredential(byAlice, dave, 16, { seq: 3 });
const [byBob, byCarol, byDave] = [partyOf(bobs), partyOf(carols), partyOf(readers)];
const group = [founding, root, bobs, carols, readers];

function policyOf(...items: readonly (AuthorityItem | ListItem)[]): GroupPolicy {
  const policy = new GroupPolicy(founding.hash);
  policy.learn([...group, ...items]);
  return policy;
}

/** Whether each party may do each thing to a record of Carol's. */
function permitted(policy: GroupPolicy, parties: readonly Party[]): unknown {
  const record = recordOf(carol);
  return parties.map((by) =>
    [
      fakeVersion(by, record, { version: 2 }),
      fakeDelete(by, record),
      fakeExtension(by, record, record.until),
    ].map((item: DataItem) => policy.mayWrite(item))
  );
}

Deno.test("[S14] mayWrite() lets creator and admins change and delete others' records, members their own", () => {
  const policy = policyOf();
  assert.deepEqual(permitted(policy, [byAlice, byBob, byCarol, byDave]), [
    [true, true, false],
    [true, true, false],
    [true, true, true],
    [false, false, false],
  ]);
  assert.equal(policy.mayWrite(fakeVersion(byDave, recordOf(dave))), false);
});

Deno.test("[S14] mayWrite() lets creator and admins extend a record whose creator is gone", () => {
  const removed = policyOf(...fakeRemoval(byAlice, carol));
  const left = policyOf(...fakeLeave(byCarol));
  for (const policy of [removed, left]) {
    assert.deepEqual(permitted(policy, [byAlice, byBob, byDave]), [
      [true, true, true],
      [true, true, true],
      [false, false, false],
    ]);
  }
});

Deno.test("[S14] mayWrite() takes the roles of the credential that is named, not of another one", () => {
  const admins = fakeCredential(byAlice, dave, 2, { seq: 4 });
  const policy = policyOf(admins);
  const record = recordOf(carol);
  const items = [byDave, partyOf(admins)].map((by) => fakeVersion(by, record, { version: 2 }));
  assert.deepEqual(items.map((item) => policy.mayWrite(item)), [false, true]);
});

Deno.test("[S16] judge() lets data wait for the founding item and for its credential", () => {
  const version = fakeVersion(byCarol, recordOf(carol));
  const policy = new GroupPolicy(founding.hash);
  assert.equal(policy.judge(version), "wait");
  policy.learn([founding, root]);
  assert.equal(policy.judge(version), "wait");
  policy.learn([carols]);
  assert.equal(policy.judge(version), "in");
});

Deno.test("[S15] judge() rejects data under a credential of somebody else, or under what is none", () => {
  const policy = policyOf();
  const forged = [bobs.hash, founding.hash].map((credential) =>
    fakeVersion({ author: carol, credential }, recordOf(carol))
  );
  assert.deepEqual(forged.map((item) => policy.judge(item)), ["reject", "reject"]);
});

Deno.test("judge() rejects data without a credential, and records that span too long", () => {
  const policy = policyOf();
  const long = recordOf(carol, { until: fakeAt + 864_000_001 });
  const items = [
    fakeVersion({ author: carol, credential: null }, recordOf(carol)),
    fakeVersion(byCarol, long),
  ];
  assert.deepEqual(items.map((item) => policy.judge(item)), ["reject", "reject"]);
});

Deno.test("[S31] judge() voids a removed member's data but for what the list names", () => {
  const [kept, lost] = [fakeVersion(byCarol, recordOf(carol)), fakeVersion(byCarol, recordOf(carol))];
  const policy = policyOf(...fakeRemoval(byBob, carol, [kept]));
  assert.deepEqual([policy.judge(kept), policy.judge(lost)], ["in", "void"]);
});

Deno.test("[S31] judge() lets data stay only if all removals and leaves list it", () => {
  const [both, single] = [fakeVersion(byCarol, recordOf(carol)), fakeVersion(byCarol, recordOf(carol))];
  const policy = policyOf(...fakeRemoval(byBob, carol, [both, single]), ...fakeLeave(byCarol, [both]));
  // The leave itself is void: the removal does not list it.
  assert.deepEqual([policy.judge(both), policy.judge(single)], ["in", "in"]);
  policy.learn(fakeRemoval(byAlice, carol, [both]));
  assert.deepEqual([policy.judge(both), policy.judge(single)], ["in", "void"]);
});

Deno.test("learn() says whose data must be judged again", () => {
  const policy = policyOf();
  const [removal, list] = fakeRemoval(byBob, carol);
  assert.deepEqual(policy.learn([removal]).lineages, new Set());
  const again = policy.learn([list]);
  assert.ok(again.keepers.has(carols.id));
  assert.deepEqual(again.lineages, new Set([hex(carol)]));
});

Deno.test("learn() of what changes nothing names nobody", () => {
  const policy = policyOf();
  assert.deepEqual(policy.learn([bobs]), { keepers: new Set(), lineages: new Set() });
});

Deno.test("[S18] members() are those with a live credential, with all their roles together", () => {
  const second = fakeCredential(byBob, carol, 16);
  const policy = policyOf(second, ...fakeRemoval(byBob, dave));
  const members = [...policy.members().values()].map(({ lineage, roles }) => [lineage, roles]);
  assert.deepEqual(
    new Set(members.map(String)),
    new Set([[hex(alice), 1], [hex(bob), 2], [hex(carol), 24]].map(String)),
  );
  assert.equal(policy.member(hex(carol))?.standing.item, carols);
  assert.equal(policy.member(hex(dave)), null);
});

Deno.test("[S37] member() of one who left is nobody, and standings() still tells what it held", () => {
  const policy = policyOf(...fakeLeave(byCarol));
  assert.equal(policy.member(hex(carol)), null);
  assert.deepEqual(policy.standings(hex(carol)).map(({ item }) => item), [carols]);
});

Deno.test("rank() of data is that of its credential, the senior's text being smaller", () => {
  const policy = policyOf();
  const [a, b, c] = [byAlice, byBob, byCarol].map((by) => policy.rank(fakeVersion(by, recordOf(by.author))));
  assert.ok(a! < b! && b! < c!);
});

Deno.test("chain() leads from the founding to a standing, each item after all that it names", () => {
  const invitation = fakeInvitation(byAlice);
  const admission = fakeAdmission(byBob, invitation, bytesOf("erin"));
  const policy = policyOf(invitation, admission);
  const chain = policy.chain(policy.standingAt(admission.id)!);
  assert.deepEqual(chain, [founding, root, bobs, invitation, admission]);
});

Deno.test("chain() convinces a policy that knows the group's id alone", () => {
  const { items, group: id } = sampleItems();
  const policy = new GroupPolicy(id);
  policy.learn(
    ["founding", "root", "credential", "invitation", "admission"].map((name) =>
      items.get(name) as AuthorityItem
    ),
  );
  const carolsStanding = policy.standingAt(items.get("admission")!.id)!;
  const other = new GroupPolicy(id);
  other.learn(policy.chain(carolsStanding));
  assert.deepEqual(other.member(carolsStanding.lineage), policy.member(carolsStanding.lineage));
});

Deno.test("[S31] endings() convinces a policy that knows the subject's chain alone", () => {
  const removal = fakeRemoval(byBob, carol);
  const policy = policyOf(...removal);
  const other = new GroupPolicy(founding.hash);
  other.learn([founding, root, carols]);
  assert.notEqual(other.member(hex(carol)), null);
  other.learn(policy.endings(hex(carol)));
  assert.equal(other.member(hex(carol)), null);
});

Deno.test("joinersOf() and isClosed() tell what is left of an invitation", () => {
  const invitation = fakeInvitation(byBob, { joinersMax: 1 });
  const [in1, out] = [
    fakeAdmission(byCarol, invitation, dave),
    fakeAdmission(byCarol, invitation, bytesOf("erin"), { seq: 2 }),
  ];
  const policy = policyOf(invitation, in1, out);
  assert.deepEqual(policy.joinersOf(invitation.id), new Set([hex(dave)]));
  assert.equal(policy.isClosed(invitation), false);
  policy.learn(fakeRemoval(byAlice, bob, [invitation]));
  assert.equal(policy.isClosed(invitation), true);
});

Deno.test("isClosed() knows invitations that a removal names", () => {
  const [named, other] = [fakeInvitation(byAlice), fakeInvitation(byAlice)];
  const policy = policyOf(named, other, ...fakeRemoval(byBob, carol, [], { closes: [named] }));
  assert.deepEqual([named, other].map((item) => policy.isClosed(item)), [true, false]);
});

Deno.test("item() and items() give what is in the set alone", () => {
  const forged = fakeInvitation(byCarol);
  const policy = policyOf(forged);
  assert.deepEqual([policy.item(forged.id), policy.item(bobs.id), policy.item(hex(hashFrom(1)))], [
    null,
    bobs,
    null,
  ]);
  assert.deepEqual([...policy.items()], group);
});

Deno.test("properties, name and creator come from the founding item", () => {
  const policy = new GroupPolicy(founding.hash);
  assert.deepEqual([policy.properties, policy.name, policy.creator], [null, null, null]);
  policy.learn([founding]);
  assert.deepEqual([policy.properties, policy.name, policy.creator], [
    founding.body.properties,
    "Herons",
    hex(alice),
  ]);
});

const erin = bytesOf("erin");
const erins = fakeCredential(byAlice, erin, 2, { seq: 4 });
const byErin = partyOf(erins);

/** The policy of the group with Erin, an admin below Bob. */
function adminsOf(...items: readonly (AuthorityItem | ListItem)[]): GroupPolicy {
  return policyOf(erins, ...items);
}

Deno.test("[T36] what surely waits costs no look at what stands, and counts when what it names comes", () => {
  let reads = 0;
  const counted = <T extends object>(value: T): T =>
    new Proxy(value, {
      get: (target, name) => {
        reads++;
        return Reflect.get(target, name);
      },
    });
  const policy = adminsOf(
    ...Array.from({ length: 50 }, (_, i) => counted(fakeCredential(byErin, bytesOf(`${i}`), 8))),
  );
  const parent = fakeCredential(byErin, bytesOf("parent"), 2);
  const child = fakeCredential(partyOf(parent), bytesOf("child"), 2);
  const [removal, list] = fakeRemoval(byErin, bytesOf("1"));
  const waiting = [
    child,
    fakeInvitation(partyOf(child)),
    fakeCredential({ author: erin, credential: hashFrom(9) }, erin, 8),
    removal,
    fakeList([]),
  ];
  reads = 0;
  for (const item of waiting) {
    assert.ok(policy.learn([item]).keepers.has(item.id));
    assert.equal(policy.judgeAuthority(item), "wait");
  }
  assert.equal(reads, 0);
  policy.learn([parent]);
  assert.ok(reads > 0);
  assert.deepEqual(waiting.map((item) => policy.judgeAuthority(item)), ["in", "in", "wait", "wait", "wait"]);
  policy.learn([list]);
  assert.equal(policy.judgeAuthority(removal), "in");
});

Deno.test("[T36] outvoting() of a lineage that was admitted in vain many times looks at each invitation once", () => {
  const invitation = fakeInvitation(byErin);
  const stands = fakeAdmission(byErin, invitation, bytesOf("first"), { seq: 1 });
  const surplus = Array.from(
    { length: 100 },
    (_, i) => fakeAdmission(byErin, invitation, bytesOf("late"), { seq: 2 + i }),
  );
  const policy = adminsOf(invitation, stands, ...surplus);
  let chains = 0;
  const chain = policy.chain.bind(policy);
  policy.chain = (standing) => {
    chains++;
    return chain(standing);
  };
  assert.ok(policy.outvoting(hex(bytesOf("late"))).some(({ id }) => id === stands.id));
  assert.equal(chains, 1);
});

Deno.test("outvoting() shows the removal of the witness that voids an admission", () => {
  const witness = fakeCredential(byBob, bytesOf("witness"), 8);
  const invitation = fakeInvitation(byBob);
  const admission = fakeAdmission(partyOf(witness), invitation, bytesOf("gus"));
  const [removal, list] = fakeRemoval(byBob, bytesOf("witness"), [witness]);
  const policy = adminsOf(witness, invitation, admission, removal, list);
  assert.equal(policy.judgeAuthority(admission), "void");
  const shown = policy.outvoting(hex(bytesOf("gus"))).map(({ id }) => id);
  assert.ok(shown.includes(removal.id) && shown.includes(list.id));
});

Deno.test("isClosed() does not count what an issuer says of itself", () => {
  const invitation = fakeInvitation(byBob);
  const policy = adminsOf(invitation, ...fakeRemoval(byBob, bob));
  assert.equal(policy.isClosed(invitation), false);
});

Deno.test("[T59] learn() tells of a credential against which one removal took the place of another", () => {
  const daves = fakeCredential(byAlice, bytesOf("dave"), 8, { seq: 9 });
  const policy = adminsOf(daves, ...fakeRemoval(byErin, bytesOf("dave"), [daves]));
  assert.equal(policy.standingAt(daves.id)?.against.length, 1);
  const { keepers, lineages } = policy.learn([
    ...fakeRemoval(byBob, erin),
    ...fakeRemoval(byBob, bytesOf("dave"), [daves]),
  ]);
  assert.equal(policy.standingAt(daves.id)?.against.length, 1);
  assert.ok(keepers.has(daves.id) && lineages.has(hex(bytesOf("dave"))));
});

Deno.test("[T36] learn() judges anew when too much was asked for in vain, and then knows what is still missing", () => {
  let looks = 0;
  const other = fakeCredential(byErin, bytesOf("other"), 8);
  const watched = {
    ...other,
    get head() {
      looks++;
      return other.head;
    },
  };
  const policy = adminsOf(watched);
  const [kept, list] = fakeRemoval(byErin, carol, [carols]);
  policy.learn([kept]);
  looks = 0;
  for (let i = 0; i <= 2 * asideAuthorityItemsMax; i++) {
    const [removal] = fakeRemoval(byErin, dave);
    policy.learn([removal]);
    policy.forget([removal.id]);
  }
  assert.ok(looks > 0);
  policy.learn([list]);
  assert.equal(policy.judgeAuthority(kept), "in");
});
