/** Random histories, and one hand-made history for each rule: data, credentials, what is aside. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { historyOf, shuffled, someOf, steps } from "./histories.ts";
import { ADMIN, CREATOR, INVITER, MEMBER, type ModelItem, READER } from "./items.ts";
import { evaluate } from "./model.ts";
import {
  admission,
  alice,
  all,
  bob,
  carol,
  credential,
  dave,
  deletion,
  extension,
  founding,
  group,
  invitation,
  key,
  leave,
  list,
  members,
  partyOf,
  places,
  record,
  removal,
  sign,
  stateWith,
  version,
  winners,
} from "./story.ts";

// Random histories

const SEED = 20240917;
const RUNS = 1500;
const time = fc.integer({ min: 8, max: 20 });
const salt = fc.nat(0xffff);

Deno.test("the order of the known items makes no difference, nor does it if some are missing", () => {
  fc.assert(
    fc.property(fc.boolean(), steps, time, salt, (isGroup, taken, peerTime, salt) => {
      const { items, groupId } = historyOf(isGroup, taken);
      const known = someOf(items, salt, [0, 0, 0.05, 0.2][salt % 4]!);
      const state = evaluate(known, peerTime, groupId);
      for (const order of [known.toReversed(), shuffled(known, salt), shuffled([...known, ...known], salt)]) {
        assert.deepEqual(evaluate(order, peerTime, groupId), state);
      }
      const placed = [...state.inSet, ...state.shelf, ...state.aside];
      // Data that can never stand has no place.
      const data = ["version", "delete", "extension"];
      const placeless = known.filter(({ hash, body }) => data.includes(body.kind) && !placed.includes(hash));
      assert.deepEqual(
        [...placed, ...placeless.map(({ hash }) => hash)].sort(),
        known.map(({ hash }) => hash).sort(),
      );
    }),
    { seed: SEED, numRuns: RUNS },
  );
});

Deno.test("nothing outside the set influences the set or the state", () => {
  fc.assert(
    fc.property(fc.boolean(), steps, time, salt, (isGroup, taken, peerTime, salt) => {
      const { items, groupId } = historyOf(isGroup, taken);
      const known = someOf(items, salt, [0, 0.05][salt % 2]!);
      const { inSet, members, records } = evaluate(known, peerTime, groupId);
      const inside = known.filter(({ hash }) => inSet.includes(hash));
      const outside = known.filter(({ hash }) => !inSet.includes(hash));
      assert.deepEqual(evaluate(inside, peerTime, groupId), {
        inSet,
        shelf: [],
        aside: [],
        members,
        records,
      });
      const fewer = evaluate([...inside, ...someOf(outside, salt, 0.5)], peerTime, groupId);
      assert.deepEqual([fewer.inSet, fewer.members, fewer.records], [inSet, members, records]);
    }),
    { seed: SEED, numRuns: RUNS },
  );
});

Deno.test("whom the creator has removed changes nothing any more", () => {
  fc.assert(
    fc.property(steps, steps, time, fc.nat(3), (before, after, peerTime, index) => {
      const exMember = ["0a", "2c", "3d", "4e"][index]!;
      const history = historyOf(true, before);
      const creator = history.signed.find(({ body }) => body.kind === "credential")!;
      const listed = history.items.map(({ hash }) => hash);
      history.items.push(...removal("the removal", partyOf(creator), exMember, listed));
      const state = evaluate(history.items, peerTime, "group");
      // A removal by the creator is in force unless the creator left.
      if (!state.inSet.includes("the removal")) return;
      for (const step of after) history.take(step, exMember);
      const now = evaluate(history.items, peerTime, "group");
      assert.deepEqual([now.inSet, now.members, now.records], [state.inSet, state.members, state.records]);
    }),
    { seed: SEED, numRuns: RUNS },
  );
});

// Data

Deno.test("a plain graph keeps each author's newest and shows the creator's", () => {
  const note = record("ann");
  const ann = { author: "ann", credential: null };
  const eve = { author: "eve", credential: null };
  const items = [
    version("a1", ann, note, 1),
    version("a2", ann, note, 2),
    version("b2", ann, note, 2),
    version("e9", eve, note, 9),
    deletion("ee", eve, record("bea")),
    version("b1", { author: "bea", credential: null }, record("bea"), 1, 300),
    sign("x", alice, { ...note, kind: "delete" }),
    founding("ann"),
  ];
  assert.deepEqual(evaluate(items, 200, null), {
    inSet: ["b1", "b2", "e9", "ee"],
    shelf: ["a1", "a2", "group"],
    aside: ["x"],
    members: [],
    records: [
      { record: "record of ann", winner: "b2", version: 2, expires: 1000 },
      { record: "record of bea", winner: "b1", version: 1, expires: 300 },
    ],
  });
});

Deno.test("a delete beats a higher version, for keeping and in state", () => {
  const note = record("dave");
  const state = stateWith(
    version("v9", dave, note, 9),
    deletion("gone", dave, note),
    version("w9", alice, note, 9),
  );
  assert.equal(places(state, "v9", "gone", "w9"), "shelf in in");
  assert.deepEqual(winners(state), []);
});

Deno.test("of several deletes the one of higher hash is kept", () => {
  const state = stateWith(deletion("d1", dave, record("dave")), deletion("d2", dave, record("dave")));
  assert.equal(places(state, "d1", "d2"), "shelf in");
});

Deno.test("a void delete or version uncovers what it replaced", () => {
  const note = record("dave");
  const items = [version("v1", dave, note, 1), version("v2", dave, note, 2), deletion("gone", dave, note)];
  const state = stateWith(items, removal("r", alice, "dave", ["v1"]));
  assert.equal(places(state, "v1", "v2", "gone"), "in shelf shelf");
  assert.deepEqual(winners(state), ["v1"]);
});

Deno.test("keeping is for each record and credential, extensions apart", () => {
  const note = record("dave");
  const again = credential("c-dave2", alice, "dave", MEMBER, { seq: 9 });
  const state = stateWith(
    again,
    version("v1", dave, note, 1),
    version("v2", dave, note, 2),
    version("w1", partyOf(again), note, 1),
    version("u1", dave, record("other"), 1),
    extension("e1", dave, note, 400),
    extension("e2", dave, note, 300),
    extension("e3", dave, note, 400),
  );
  assert.equal(places(state, "v1", "v2", "w1", "u1"), "shelf in in in");
  assert.equal(places(state, "e1", "e2", "e3"), "shelf shelf in");
});

Deno.test("the winner has the higher version, then the higher rank", () => {
  const note = record("dave");
  const low = version("z", carol, note, 5);
  const high = version("a", bob, note, 5);
  assert.deepEqual(winners(stateWith(version("0", dave, note, 4), low, high)), ["a"]);
  assert.deepEqual(winners(stateWith(version("0", dave, note, 6), low, high)), ["0"]);
});

Deno.test("an extension carries a record beyond its winner's expiry, and a record that ran out returns", () => {
  const note = record("dave");
  const first = version("v1", dave, note, 1, 150);
  assert.deepEqual(stateWith(first).records, []);
  assert.equal(places(stateWith(first), "v1"), "in");
  const returned = stateWith(first, extension("e", dave, note, 200));
  assert.deepEqual(returned.records, [{ record: "record of dave", winner: "v1", version: 1, expires: 200 }]);
  const later = stateWith(version("v1", dave, note, 1, 700), extension("e", dave, note, 300));
  assert.equal(later.records[0]?.expires, 700);
});

Deno.test("only an admin extends another's record, and only when its creator is gone", () => {
  const note = record("dave");
  const items = [version("v1", dave, note, 1, 150), extension("e", bob, note, 300)];
  assert.deepEqual(winners(stateWith(items)), []);
  assert.deepEqual(winners(stateWith(items, removal("r", bob, "dave", ["v1"]))), ["v1"]);
  assert.deepEqual(winners(stateWith(items, leave("l", dave, ["v1"]))), ["v1"]);
  const erin = credential("c-erin", bob, "erin", MEMBER);
  const byMember = [erin, items[0]!, extension("e", partyOf(erin), note, 300)];
  assert.deepEqual(winners(stateWith(byMember, removal("r", bob, "dave", ["v1"]))), []);
});

Deno.test("a data item past its until is on the shelf and supersedes nothing", () => {
  const state = stateWith(
    version("v1", dave, record("dave", 200), 1),
    version("v2", dave, record("dave", 199), 2),
  );
  assert.equal(places(state, "v1", "v2"), "in shelf");
});

Deno.test("roles on data decide in state only", () => {
  const rita = credential("c-rita", bob, "rita", READER);
  const ivan = credential("c-ivan", bob, "ivan", INVITER);
  const state = stateWith(
    rita,
    ivan,
    version("v1", partyOf(rita), record("rita"), 1),
    version("v2", partyOf(ivan), record("ivan"), 1),
    version("v3", dave, record("carol"), 9),
    version("v4", carol, record("carol"), 1),
    deletion("d1", dave, record("alice")),
    version("v5", alice, record("alice"), 1),
    deletion("d2", bob, record("dave")),
    version("v6", dave, record("dave"), 1),
  );
  const data = ["v1", "v2", "v3", "v4", "d1", "v5", "d2", "v6"];
  assert.equal(places(state, ...data), "in in in in in in in in");
  assert.deepEqual(winners(state), ["v5", "v4"]);
});

// Credentials and rank

Deno.test("members are the subjects of live credentials, with the union of their roles", () => {
  const more = credential("c-dave2", carol, "dave", READER);
  assert.deepEqual(stateWith(more).members, [
    { lineage: "alice", roles: CREATOR },
    { lineage: "bob", roles: ADMIN },
    { lineage: "carol", roles: ADMIN },
    { lineage: "dave", roles: MEMBER | READER },
  ]);
  const erin = credential("c-erin", bob, "erin", ADMIN);
  const state = stateWith(erin, more, removal("r", partyOf(erin), "dave")); // Ranks between Dave's two.
  assert.deepEqual(state.members.find(({ lineage }) => lineage === "dave")?.roles, MEMBER);
});

Deno.test("an item counts only under a credential of its author", () => {
  const forged = version("v", { author: "eve", credential: "c-dave" }, record("eve"), 1);
  const credentialForged = credential("c", { author: "dave", credential: "c-bob" }, "eve", MEMBER);
  assert.equal(places(stateWith(forged, credentialForged), "v", "c"), "unknown shelf");
});

Deno.test("the group key makes the creator's credential and nothing else", () => {
  const state = stateWith(
    credential("c1", key, "eve", CREATOR),
    credential("c2", key, "alice", ADMIN),
    version("v", key, record("key"), 1),
    removal("r", key, "bob"),
    leave("l", key),
    invitation("i", key, 1),
    admission("a", key, "i", "eve"),
    credential("c3", { author: "alice", credential: "group" }, "alice", CREATOR),
  );
  assert.equal(places(state, "c1", "c2", "r", "l", "i", "a", "c3"), Array(7).fill("shelf").join(" "));
  assert.equal(places(state, "v"), "unknown");
  assert.deepEqual(members(state), all);
});

Deno.test("another founding item is on the shelf, with all that is made under it", () => {
  const other = { ...founding("eve"), hash: "other", author: "eve" };
  const eve = credential("c-eve", { author: "eve", credential: "other" }, "eve", CREATOR);
  assert.equal(places(stateWith(other, eve), "other", "c-eve"), "shelf shelf");
});

Deno.test("members and readers issue nothing, and nobody gives the creator's role", () => {
  const state = stateWith(
    credential("c1", dave, "eve", MEMBER),
    invitation("i1", dave, 1),
    removal("r1", dave, "eve"),
    credential("c2", alice, "eve", CREATOR | ADMIN),
    invitation("i2", bob, 1, { roles: CREATOR }),
    credential("c3", bob, "erin", ADMIN),
  );
  assert.equal(places(state, "c1", "i1", "r1", "c2", "i2", "c3"), "shelf shelf shelf shelf shelf in");
});

Deno.test("a credential is judged at its own issue, within its issuer's validity", () => {
  const erin = credential("c-erin", alice, "erin", ADMIN, { seq: 9, notBefore: 50, notAfter: 150 });
  const by = partyOf(erin);
  const state = stateWith(
    erin,
    [49, 50, 150, 151].map((at) => credential(`c${at}`, by, `s${at}`, MEMBER, { at })),
    [49, 150].map((at) => invitation(`i${at}`, by, 1, { at })),
    [49, 150].map((at) => admission(`a${at}`, by, "i150", "eve", { at })),
    version("v", { ...by, credential: "c-erin" }, record("erin"), 1),
    sign("late", by, { ...record("erin2"), kind: "delete" }, { at: 999 }),
    removal("r", by, "nobody", [], { at: 999 }),
  );
  assert.equal(places(state, "c49", "c50", "c150", "c151"), "shelf in in shelf");
  assert.equal(places(state, "i49", "i150", "a49", "a150"), "shelf in shelf in");
  assert.equal(places(state, "v", "late", "r"), "in in in");
  assert.ok(members(state).includes("erin")); // The validity is over at peer time; that voids nothing.
});

Deno.test("a credential deeper than the group allows is out, and what is made under it", () => {
  const items: ModelItem[] = [founding("s0", 30), credential("c1", key, "s0", CREATOR)];
  for (let depth = 2; depth <= 26; depth++) {
    const by = { author: `s${depth - 2}`, credential: `c${depth - 1}` };
    items.push(credential(`c${depth}`, by, `s${depth - 1}`, ADMIN));
  }
  assert.equal(places(evaluate(items, 200, "group"), "c24", "c25", "c26"), "in shelf shelf");
  const shallow = [founding("s0", 2), ...items.slice(1)];
  assert.equal(places(evaluate(shallow, 200, "group"), "c2", "c3"), "in shelf");
});

Deno.test("rank is depth, then the lower parent's rank, then writer, seq and hash", () => {
  const admins = [
    credential("c7", carol, "g7", ADMIN, { writer: "00", seq: 1 }),
    credential("c6", bob, "f6", ADMIN, { writer: "02", seq: 1 }),
    credential("c5", bob, "e5", ADMIN, { writer: "01", seq: 3 }),
    credential("c4", bob, "d4", ADMIN, { writer: "01", seq: 2 }),
    credential("c3", bob, "c3", ADMIN, { writer: "01", seq: 2 }),
  ];
  // Each removes all others: only the highest of those still present has effect.
  const removals = admins.flatMap((admin) =>
    admins.filter((other) => other !== admin)
      .flatMap((other) => removal(`${admin.hash} ${other.hash}`, partyOf(admin), partyOf(other).author))
  );
  const survivors = [];
  for (let count = admins.length; count > 0; count--) {
    const state = stateWith(admins.slice(0, count), removals);
    survivors.push(members(state).filter((lineage) => !all.includes(lineage)).join());
  }
  assert.deepEqual(survivors, ["c3", "d4", "e5", "f6", "g7"]);
});

// Aside

Deno.test("what names something unknown or aside is aside, even if something else that it names is void", () => {
  const lost = { author: "eve", credential: "c-eve" };
  const state = stateWith(
    credential("c-fred", lost, "fred", MEMBER),
    version("v", { author: "fred", credential: "c-fred" }, record("fred"), 1),
    invitation("i-lost", lost, 1),
    admission("a1", dave, "i-lost", "gus"),
    admission("a2", dave, "i-none", "gus"),
    version("w", { author: "gus", credential: "a2" }, record("gus"), 1),
    removal("r", alice, "dave"),
  );
  assert.equal(
    places(state, "c-fred", "v", "i-lost", "a1", "a2", "w"),
    "aside aside aside aside aside aside",
  );
});

Deno.test("without its founding item a group has nothing", () => {
  const state = evaluate(group.slice(1), 200, "group");
  assert.deepEqual(state.aside, ["c-alice", "c-bob", "c-carol", "c-dave"]);
  assert.deepEqual([state.inSet, state.shelf, state.members], [[], [], []]);
});

Deno.test("a removal without its complete list has no effect", () => {
  const [removed] = removal("r", alice, "dave", ["v"]);
  const data = [version("v", dave, record("dave"), 1), version("w", dave, record("dave2"), 1)];
  const first = list("list of r", ["v"], "part 2");
  const second = list("part 2", ["w"]);
  for (const parts of [[], [first], [second]]) {
    const state = stateWith(data, removed, parts);
    assert.equal(places(state, "r", "v", "w"), "aside in in");
    assert.deepEqual(members(state), all);
    assert.equal(state.inSet.includes("part 2") || state.inSet.includes("list of r"), false);
  }
  const state = stateWith(data, removed, first, second);
  assert.equal(places(state, "r", "v", "w", "list of r", "part 2"), "in in in in in");
  assert.deepEqual(members(state), ["alice", "bob", "carol"]);
});

Deno.test("a list is in the set only where a removal or leave in the set leads to it", () => {
  const state = stateWith(list("stray", []), removal("r", dave, "bob"), leave("l", dave));
  assert.equal(places(state, "stray", "r", "list of r", "l", "list of l"), "aside shelf aside in in");
});
