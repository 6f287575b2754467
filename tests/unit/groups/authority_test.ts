import assert from "node:assert/strict";
import { hex } from "../../../lib/base/bytes.ts";
import { SeededRandom, shuffled } from "../../../lib/base/random.ts";
import { type Authority, judgeAuthority } from "../../../lib/groups/authority.ts";
import { leavesMax } from "../../../lib/groups/limits.ts";
import { Lists } from "../../../lib/groups/lists.ts";
import { depthOf } from "../../../lib/groups/rank.ts";
import {
  type AuthorityItem,
  isAuthority,
  type Item,
  ItemKind,
  type ListItem,
} from "../../../lib/records/item.ts";
import { listPartsMax } from "../../../lib/records/limits.ts";
import {
  bytesOf,
  fakeAdmission,
  fakeAt,
  fakeCredential,
  fakeFounding,
  type FakeHead,
  fakeInvitation,
  fakeItem,
  fakeLeave,
  fakeList,
  fakeRemoval,
  fakeVersion,
  hashFrom,
  type Party,
  partyOf,
  recordOf,
} from "../../fixtures/items.ts";

const [creatorRole, adminRole, memberRole, readerRole] = [1, 2, 8, 16];
const [alice, bob, carol, dave, erin] = ["alice", "bob", "carol", "dave", "erin"].map(bytesOf) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const groupKey = bytesOf("group key");
const names = new Map(
  Object.entries({ alice, bob, carol, dave, erin }).map(([name, key]) => [hex(key), name]),
);
const founding = fakeFounding(groupKey, alice, { depthMax: 4 });
const key: Party = { author: groupKey, credential: founding.hash };
const root = fakeCredential(key, alice, creatorRole);
const byAlice = partyOf(root);
// Bob ranks above Carol by his number; Dave stands below Bob, Erin below Carol.
const bobs = fakeCredential(byAlice, bob, adminRole, { seq: 2 });
const carols = fakeCredential(byAlice, carol, adminRole, { seq: 3 });
const [byBob, byCarol] = [partyOf(bobs), partyOf(carols)];
const daves = fakeCredential(byBob, dave, memberRole);
const byDave = partyOf(daves);
const group = [founding, root, bobs, carols, daves];

function judge(...items: readonly (Item | readonly Item[])[]): Authority {
  const all = [...group, ...items.flat()] as (AuthorityItem | ListItem)[];
  const authority = new Map(all.filter(isAuthority).map((item) => [item.id, item]));
  const lists = new Map(
    all.filter((item): item is ListItem => !isAuthority(item)).map((item) => [item.id, item]),
  );
  return judgeAuthority(founding.id, authority, new Lists(lists));
}

function judgements(authority: Authority, ...items: readonly Item[]): string {
  return items.map(({ id }) => authority.judgements.get(id)).join(" ");
}

/** Names of who holds a credential that nothing counts against. */
function live(authority: Authority): string[] {
  return [...authority.standings.values()].filter(({ against }) => against.length === 0)
    .map(({ lineage }) => names.get(lineage) ?? "somebody").sort();
}

const everybody = ["alice", "bob", "carol", "dave"];

Deno.test("[S10] a chain from the creator down stands, each a step deeper", () => {
  const authority = judge();
  assert.equal(judgements(authority, ...group), "in in in in in");
  assert.deepEqual(live(authority), everybody);
  assert.deepEqual([root, bobs, daves].map(({ id }) => depthOf(authority.standings.get(id)!.rank)), [
    1,
    2,
    3,
  ]);
});

Deno.test("[S10] a credential deeper than the group allows is void, and so is what is below it", () => {
  const chain = [fakeCredential(byAlice, bob, adminRole)];
  while (chain.length < 5) chain.push(fakeCredential(partyOf(chain.at(-1)!), bob, adminRole));
  assert.equal(judgements(judge(chain), ...chain), "in in in void void");
});

Deno.test("[S10] a circle of credentials leads to nobody", () => {
  const a = fakeCredential({ author: bob, credential: hashFrom(2) }, carol, adminRole, { hash: hashFrom(1) });
  const b = fakeCredential({ author: carol, credential: hashFrom(1) }, bob, adminRole, { hash: hashFrom(2) });
  assert.equal(judgements(judge(a, b), a, b), "void void");
});

Deno.test("[S16] what names something that is not here waits, and so does what is below it", () => {
  const lost = fakeCredential({ author: bob, credential: hashFrom(9) }, carol, adminRole);
  const below = fakeCredential(partyOf(lost), dave, memberRole);
  assert.equal(judgements(judge(lost, below), lost, below), "wait wait");
});

Deno.test("a long chain that leads nowhere is judged without recursion", () => {
  const chain = [fakeCredential({ author: bob, credential: hashFrom(9) }, bob, adminRole)];
  while (chain.length < 30_000) chain.push(fakeCredential(partyOf(chain.at(-1)!), bob, adminRole));
  const authority = judge(chain.toReversed());
  assert.equal(judgements(authority, chain.at(-1)!), "wait");
});

Deno.test("the group key makes the creator's credential and nothing else", () => {
  const others = [
    fakeCredential(key, bob, creatorRole),
    fakeCredential(key, alice, adminRole),
    fakeCredential({ ...key, author: bob }, alice, creatorRole),
    fakeInvitation(key),
    ...fakeRemoval(key, bob),
  ];
  assert.equal(judgements(judge(others), ...others), "void void void void void wait");
});

Deno.test("what the group key signs waits as all others do for what it names", () => {
  const [removal] = fakeRemoval(key, bob);
  const admission = fakeAdmission(key, { ...fakeInvitation(byAlice), hash: hashFrom(9) }, dave);
  assert.equal(judgements(judge(removal, admission), removal, admission), "wait wait");
});

Deno.test("another founding item founds nothing", () => {
  const other = fakeFounding(groupKey, bob);
  const below = fakeCredential({ author: groupKey, credential: other.hash }, bob, creatorRole);
  assert.equal(judgements(judge(other, below), other, below), "void void");
});

Deno.test("[S14] an item under a credential that is somebody else's is void", () => {
  const forged = fakeCredential({ author: dave, credential: bobs.hash }, erin, memberRole);
  assert.equal(judgements(judge(forged), forged), "void");
});

Deno.test("[S06] [S14] only creator and admins give, invite and remove, and nobody makes a creator", () => {
  const made = [byAlice, byBob, byDave].flatMap((by) => [
    fakeCredential(by, erin, adminRole),
    fakeInvitation(by),
    fakeRemoval(by, erin),
  ]);
  const authority = judge(...made);
  const each = made.flat().filter((item) => item.body.kind !== ItemKind.list);
  assert.equal(judgements(authority, ...each), "in in in in in in void void void");
  const creators = [byAlice, byBob].map((by) => fakeCredential(by, erin, creatorRole | memberRole));
  assert.equal(judgements(judge(creators), ...creators), "void void");
});

Deno.test("[S12] a credential gives authority within its time, and a later lapse ends nothing", () => {
  const [from, until] = [fakeAt + 1000, fakeAt + 5000];
  const timed = fakeCredential(byAlice, erin, adminRole, { notBefore: from, notAfter: until });
  const made = [from - 1, from, until, until + 1].map((at) =>
    fakeCredential(partyOf(timed), dave, memberRole, { at })
  );
  assert.equal(judgements(judge(timed, made), ...made), "void in in void");
});

Deno.test("[S31] a removal ends all that its list does not name", () => {
  const [kept, lost] = [fakeCredential(byBob, erin, memberRole), fakeInvitation(byBob)];
  const removal = fakeRemoval(byAlice, bob, [kept]);
  const authority = judge(kept, lost, removal);
  assert.equal(judgements(authority, kept, lost, daves, ...removal), "in void void in in");
  assert.deepEqual(live(authority), ["alice", "carol", "erin"]);
});

Deno.test("[S31] a removal without its complete list has no effect", () => {
  const second = fakeList([]);
  const first = fakeList([daves.hash], second.hash);
  const removal = fakeItem(byAlice, { kind: ItemKind.removal, subject: bob, list: first.hash, closes: [] });
  assert.equal(judgements(judge(removal, first), removal, first), "wait wait");
  assert.deepEqual(live(judge(removal, first)), everybody);
  assert.equal(judgements(judge(removal, first, second), removal, first, second, daves), "in in in in");
  assert.deepEqual(live(judge(removal, first, second)), ["alice", "carol", "dave"]);
});

Deno.test("[S14] a removal does not count against a senior, an equal or oneself", () => {
  const removals = [fakeRemoval(byCarol, bob), fakeRemoval(byBob, alice), fakeRemoval(byBob, bob)];
  const authority = judge(...removals);
  assert.deepEqual(live(authority), everybody);
  assert.equal(judgements(authority, ...removals.map(([item]) => item)), "in in in");
});

Deno.test("of two who remove each other the senior stays", () => {
  const [byHigh, byLow] = [fakeRemoval(byBob, carol), fakeRemoval(byCarol, bob)];
  const authority = judge(byHigh, byLow);
  assert.equal(judgements(authority, byHigh[0], byLow[0]), "in void");
  assert.deepEqual(live(authority), ["alice", "bob", "dave"]);
});

Deno.test("a void removal brings its subject back", () => {
  const removal = fakeRemoval(byBob, carol);
  const authority = judge(removal, fakeRemoval(byAlice, bob, [daves]));
  assert.deepEqual(live(authority), ["alice", "carol", "dave"]);
});

Deno.test("where several removals name a lineage an item stays only if all list it", () => {
  const invitation = fakeInvitation(byAlice, { joinersMax: 5 });
  const [both, other] = [fakeAdmission(byDave, invitation, erin), fakeAdmission(byDave, invitation, bob)];
  const authority = judge(
    invitation,
    both,
    other,
    fakeRemoval(byAlice, dave, [both, other]),
    fakeRemoval(byBob, dave, [both]),
  );
  assert.equal(judgements(authority, both, other), "in void");
});

Deno.test("a removal does not reach a later credential that ranks above it", () => {
  const again = fakeCredential(byAlice, dave, memberRole, { seq: 1 });
  assert.deepEqual(live(judge(fakeRemoval(byBob, dave), again)), everybody);
  const below = fakeCredential(byCarol, dave, memberRole);
  assert.deepEqual(live(judge(fakeRemoval(byBob, dave), below)), ["alice", "bob", "carol"]);
});

Deno.test("a removal with garbage in its list counts, and the garbage does nothing", () => {
  const [another] = fakeRemoval(byCarol, erin);
  const removal = fakeRemoval(byAlice, bob, [{ hash: hashFrom(3) }, founding, another]);
  assert.deepEqual(live(judge(removal)), ["alice", "carol"]);
});

Deno.test("a list that nothing in the set leads to waits", () => {
  const [removal, list] = fakeRemoval(byDave, carol);
  assert.equal(judgements(judge(removal, list), removal, list), "void wait");
});

Deno.test("[S37] a leave ends one's own credential, and what it lists stays", () => {
  const [kept, lost] = [fakeCredential(byBob, erin, memberRole), fakeInvitation(byBob)];
  const leave = fakeLeave(byBob, [kept]);
  const authority = judge(kept, lost, leave);
  assert.equal(judgements(authority, kept, lost, leave[0]), "in void in");
  assert.deepEqual(live(authority), ["alice", "carol", "erin"]);
});

Deno.test("[S37] a leave ends lower credentials of its lineage, not higher ones", () => {
  const lower = fakeCredential(byDave, bob, memberRole);
  const second = fakeCredential(byCarol, bob, memberRole, { seq: 5 });
  const leave = fakeLeave(byBob);
  assert.deepEqual(live(judge(lower, second, leave)), ["alice", "carol"]);
  assert.deepEqual(live(judge(second, fakeLeave(partyOf(second)))), everybody);
});

Deno.test("[S37] leaves do not void leaves, and an item stays only if all list it", () => {
  const [a, b] = [fakeCredential(byBob, erin, memberRole), fakeInvitation(byBob)];
  const [one, two] = [fakeLeave(byBob, [a, b]), fakeLeave(byBob, [a])];
  assert.equal(judgements(judge(a, b, one, two), one[0], two[0], a, b), "in in in void");
});

Deno.test("[S37] a removal voids a leave that it does not list", () => {
  const leave = fakeLeave(byBob, [daves]);
  assert.equal(judgements(judge(leave, fakeRemoval(byAlice, bob, [daves])), leave[0], daves), "void in");
});

Deno.test("any member may witness an admission, and the joiner gets the invitation's roles", () => {
  const reader = fakeCredential(byAlice, erin, readerRole);
  const invitation = fakeInvitation(byBob, { roles: adminRole });
  const admission = fakeAdmission(partyOf(reader), invitation, bytesOf("frank"));
  const standing = judge(reader, invitation, admission).standings.get(admission.id)!;
  assert.deepEqual([standing.lineage, standing.roles], [hex(bytesOf("frank")), adminRole]);
});

Deno.test("an admission ranks below the lower of its parents", () => {
  const invitation = fakeInvitation(byAlice);
  const admission = fakeAdmission(byDave, invitation, erin);
  const authority = judge(invitation, admission);
  assert.equal(depthOf(authority.standings.get(admission.id)!.rank), 4);
});

Deno.test("[S04] an admission too late, for another bearer or for the group key is void", () => {
  const invitation = fakeInvitation(byAlice, { expires: fakeAt + 5, joinersMax: 9 });
  const made = [
    fakeAdmission(byBob, invitation, erin, { at: fakeAt + 5 }),
    fakeAdmission(byBob, invitation, erin, { at: fakeAt + 6 }),
    fakeAdmission(byBob, invitation, erin, { bearer: bytesOf("another bearer") }),
    fakeAdmission(byBob, invitation, groupKey),
  ];
  assert.equal(judgements(judge(invitation, made), ...made), "in void void void");
});

Deno.test("an admission waits for its invitation even if its witness may not make it", () => {
  const invitation = fakeInvitation(byAlice);
  const admission = fakeAdmission({ ...byBob, author: erin }, invitation, dave);
  assert.equal(judgements(judge(admission), admission), "wait");
  assert.equal(judgements(judge(invitation, admission), admission), "void");
});

Deno.test("an admission on what is no invitation is void", () => {
  const admission = fakeAdmission(byBob, { ...fakeInvitation(byAlice), hash: daves.hash }, erin);
  assert.equal(judgements(judge(admission), admission), "void");
});

Deno.test("an admission under no credential is void and disturbs nothing", () => {
  const invitation = fakeInvitation(byAlice);
  const admission = fakeAdmission({ author: erin, credential: null }, invitation, erin);
  assert.equal(judgements(judge(invitation, admission), invitation, admission), "in void");
});

Deno.test("an admission under a founding item that founds nothing is void", () => {
  const other = fakeFounding(groupKey, bob);
  const invitation = fakeInvitation(byAlice);
  const admission = fakeAdmission({ author: groupKey, credential: other.hash }, invitation, erin);
  assert.equal(judgements(judge(other, invitation, admission), admission), "void");
});

Deno.test("the joiners of highest rank stand, each lineage counted once", () => {
  const invitation = fakeInvitation(byAlice, { joinersMax: 2 });
  const admit = (joiner: Uint8Array, seq: number, fields: FakeHead = {}) =>
    fakeAdmission(byBob, invitation, joiner, { seq, ...fields });
  const made = [admit(erin, 5), admit(bytesOf("frank"), 8), admit(bytesOf("grace"), 7), admit(erin, 9)];
  assert.equal(judgements(judge(invitation, made), ...made), "in void in in");
});

Deno.test("[S31] a removal closes its subject's invitations: listed admissions stay, others end", () => {
  const invitation = fakeInvitation(byBob, { joinersMax: 5 });
  const [kept, lost] = [erin, bytesOf("frank")].map((joiner) =>
    fakeAdmission(byCarol, invitation, joiner)
  ) as [
    ReturnType<typeof fakeAdmission>,
    ReturnType<typeof fakeAdmission>,
  ];
  const removal = fakeRemoval(byAlice, bob, [invitation, kept]);
  assert.equal(judgements(judge(invitation, kept, lost, removal), invitation, kept, lost), "in in void");
});

Deno.test("[S31] a removal closes the invitations that it names: the way its subject came by", () => {
  const invitation = fakeInvitation(byAlice, { joinersMax: 5 });
  const cameBy = fakeAdmission(byCarol, invitation, erin);
  const accomplice = fakeAdmission(byCarol, invitation, bytesOf("frank"));
  const open = judge(invitation, cameBy, accomplice, fakeRemoval(byAlice, erin, [cameBy]));
  const closed = judge(
    invitation,
    cameBy,
    accomplice,
    fakeRemoval(byAlice, erin, [cameBy], { closes: [invitation] }),
  );
  assert.deepEqual([judgements(open, accomplice), judgements(closed, accomplice)], ["in", "void"]);
});

Deno.test("a removal does not reach an admission that ranks above it, until a senior removes", () => {
  // The known residual: a senior who has not heard of a junior's removal is the witness.
  const invitation = fakeInvitation(byAlice, { joinersMax: 5 });
  const junior = fakeCredential(byBob, erin, adminRole, { seq: 4 });
  const frank = fakeAdmission(partyOf(junior), invitation, bytesOf("frank"));
  const accomplice = fakeAdmission(byAlice, invitation, bytesOf("grace"));
  const closes = { closes: [invitation] };
  const removal = fakeRemoval(partyOf(junior), bytesOf("frank"), [], closes);
  const items = [invitation, junior, frank, accomplice, ...removal];
  assert.equal(judgements(judge(items), accomplice), "in");
  const answer = fakeRemoval(byAlice, bytesOf("frank"), [], closes);
  assert.equal(judgements(judge(items, answer), accomplice), "void");
});

Deno.test("a closed invitation's surplus is not counted: who is closed out takes no place", () => {
  const invitation = fakeInvitation(byBob, { joinersMax: 1 });
  const high = fakeAdmission(byCarol, invitation, erin, { seq: 1 });
  const low = fakeAdmission(byCarol, invitation, bytesOf("frank"), { seq: 2 });
  assert.equal(judgements(judge(invitation, high, low), high, low), "in void");
  const removal = fakeRemoval(byAlice, bob, [invitation, low]);
  assert.equal(judgements(judge(invitation, high, low, removal), high, low), "void in");
});

Deno.test("a leave closes no invitation that it lists, and one that it does not is void with its joiners", () => {
  const [listed, unlisted] = [fakeInvitation(byBob), fakeInvitation(byBob)];
  const [kept, lost] = [fakeAdmission(byCarol, listed, erin), fakeAdmission(byCarol, unlisted, erin)];
  const authority = judge(listed, unlisted, kept, lost, fakeLeave(byBob, [listed]));
  assert.equal(judgements(authority, listed, unlisted, kept, lost), "in void in void");
});

/** A map that counts how often each of its values is read. */
class CountingMap<V> extends Map<string, V> {
  reads = 0;

  override get(key: string): V | undefined {
    this.reads++;
    return super.get(key);
  }
}

Deno.test("a list is put together once in a pass, however many items name it", () => {
  const hashesPerPart = 20;
  let hashesRead = 0;
  const counted = (list: ListItem): ListItem => {
    const { hashes } = list.body;
    const body = {
      ...list.body,
      get hashes() {
        hashesRead++;
        return hashes;
      },
    };
    return { ...list, body };
  };
  const parts: ListItem[] = [];
  for (let i = 0; i < 250; i++) {
    const hashes = Array.from({ length: hashesPerPart }, (_, j) => bytesOf(`hash ${i} ${j}`));
    parts.unshift(counted(fakeList(hashes, parts[0]?.hash ?? null)));
  }
  const list = parts[0]!.hash;
  const leaveOf = (by: Party, i: number) => fakeItem(by, { kind: ItemKind.leave, list }, { seq: i + 10 });
  const removalOf = (by: Party, i: number) =>
    fakeItem(by, { kind: ItemKind.removal, subject: erin, list, closes: [] }, { seq: i + 5_000 });
  // Those of strangers under the group's id lead nowhere; those of members stand or fall.
  const strangers = Array.from(
    { length: 1_000 },
    (_, i) => leaveOf({ author: erin, credential: founding.hash }, i),
  );
  const own = Array.from({ length: 100 }, (_, i) => [leaveOf(byDave, i), removalOf(byBob, i)]).flat();
  const all = [...group, ...strangers, ...own] as AuthorityItem[];
  const lists = new CountingMap(parts.map((part) => [part.id, part]));
  const items = new Map(all.map((item) => [item.id, item]));
  const known = new Lists(lists);
  judgeAuthority(founding.id, items, known);
  const authority = judgeAuthority(founding.id, items, known);
  assert.equal(lists.reads, 2 * parts.length, "each part is looked up once a pass");
  assert.equal(hashesRead, parts.length, "and its hashes are turned into text once for all");
  assert.ok(strangers.every(({ id }) => authority.judgements.get(id) === "void"));
  const standing = own.filter(({ id }) => authority.judgements.get(id) === "in");
  assert.equal(standing.length, 100 + leavesMax);
  assert.ok(parts.every(({ id }) => authority.judgements.get(id) === "in"));
});

Deno.test("a list that is not whole is looked for once in a pass, and all that name it wait", () => {
  const tail = fakeList([], hashFrom(9));
  const parts = [tail];
  while (parts.length < 100) parts.unshift(fakeList([], parts[0]!.hash));
  const leaves = Array.from(
    { length: 500 },
    (_, i) => fakeItem(byDave, { kind: ItemKind.leave, list: parts[0]!.hash }, { seq: i + 10 }),
  );
  const all = [...group, ...leaves] as AuthorityItem[];
  const lists = new CountingMap(parts.map((part) => [part.id, part]));
  const items = new Map(all.map((item) => [item.id, item]));
  const authority = judgeAuthority(founding.id, items, new Lists(lists));
  assert.equal(lists.reads, parts.length + 1);
  assert.ok(leaves.every(({ id }) => authority.judgements.get(id) === "wait"));
});

Deno.test("[T58] of many leaves under one credential those of the lowest hashes count, whatever comes first; the rest is void", () => {
  const random = new SeededRandom(58);
  const version = fakeVersion(byDave, recordOf(dave));
  const made = Array.from({ length: 9 }, (_, i) => fakeLeave(byDave, [version], { hash: hashFrom(20 + i) }));
  const items = made.map(([leave]) => leave);
  for (let run = 0; run < 10; run++) {
    const authority = judge(...shuffled(random, made));
    const expected = items.map((_, i) => i < leavesMax ? "in" : "void").join(" ");
    assert.equal(judgements(authority, ...items), expected, `run ${run}`);
    assert.equal(authority.standings.get(daves.id)!.against.length, leavesMax);
  }
  // One that a removal voids takes no place; nor does one that waits for its list.
  const removal = fakeRemoval(byAlice, dave, [daves, ...items.slice(2)]);
  assert.equal(judgements(judge(...made, removal), ...items), "void void in in in in void void void");
  const waiting = judge(items[0]!, ...made.slice(1));
  assert.equal(judgements(waiting, ...items), "wait in in in in void void void void");
});

Deno.test("[T58] the lists of a credential's leaves are together no longer than one may be", () => {
  const listOf = (count: number) => {
    const parts = [fakeList([])];
    while (parts.length < count) parts.unshift(fakeList([], parts[0]!.hash));
    return parts;
  };
  const leaves = [listPartsMax, 1, listPartsMax - 1, listPartsMax + 1].map((count, i) => {
    const parts = listOf(count);
    const body = { kind: ItemKind.leave, list: parts[0]!.hash } as const;
    return [fakeItem(byDave, body, { hash: hashFrom([40, 20, 30, 10][i]!) }), parts] as const;
  });
  const items = leaves.map(([leave]) => leave);
  const authority = judge(...leaves.flatMap(([leave, parts]) => [leave, parts]));
  assert.equal(judgements(authority, ...items), "void in in wait");
});
