/** One hand-made history for each rule of the reference model: removals, invitations, leaves. */

import assert from "node:assert/strict";
import { ADMIN, INVITER, MEMBER, READER } from "./items.ts";
import {
  admission,
  alice,
  all,
  bob,
  carol,
  credential,
  dave,
  invitation,
  leave,
  members,
  partyOf,
  places,
  record,
  removal,
  stateWith,
  version,
  winners,
} from "./story.ts";

// Removals

Deno.test("a removed member's unlisted items are void, listed ones stay", () => {
  const data = [version("v", dave, record("dave"), 1), version("w", dave, record("dave2"), 1)];
  const state = stateWith(data, removal("r", bob, "dave", ["v"]));
  assert.equal(places(state, "r", "list of r", "v", "w", "c-dave"), "in in in shelf in");
  assert.deepEqual(members(state), ["alice", "bob", "carol"]);
  assert.deepEqual(winners(state), ["v"]);
});

Deno.test("an admin's removal voids the credentials that are not listed, and all under them", () => {
  const erin = credential("c-erin", bob, "erin", MEMBER);
  const state = stateWith(
    erin,
    version("v", dave, record("dave"), 1),
    version("w", partyOf(erin), record("erin"), 1),
    removal("r", alice, "bob", ["c-erin"]),
  );
  assert.equal(places(state, "c-dave", "v", "c-erin", "w"), "shelf shelf in in");
  assert.deepEqual(members(state), ["alice", "carol", "erin"]);
});

Deno.test("of two admins who remove each other the higher one stays", () => {
  const state = stateWith(removal("r-bob", carol, "bob"), removal("r-carol", bob, "carol"));
  assert.equal(places(state, "r-bob", "r-carol"), "shelf in");
  assert.deepEqual(members(state), ["alice", "bob", "dave"]);
});

Deno.test("a junior's removal of a senior has no effect", () => {
  const state = stateWith(version("v", bob, record("bob"), 1), removal("r", carol, "bob"));
  assert.equal(places(state, "r", "v"), "in in");
  assert.deepEqual(members(state), all);
});

Deno.test("the founder cannot be removed", () => {
  const state = stateWith(removal("r1", bob, "alice"), removal("r2", alice, "alice"));
  assert.deepEqual(members(state), all);
});

Deno.test("where several removals name a lineage an item stays only if all list it", () => {
  const data = ["u", "v", "w"].map((hash) => version(hash, dave, record(`of ${hash}`), 1));
  const state = stateWith(
    data,
    removal("r1", bob, "dave", ["u", "v"]),
    removal("r2", carol, "dave", ["v", "w"]),
  );
  assert.equal(places(state, "u", "v", "w"), "shelf in shelf");
});

Deno.test("a void removal brings its subject back", () => {
  const removed = removal("r", bob, "dave");
  assert.equal(members(stateWith(removed)).includes("dave"), false);
  const state = stateWith(removed, removal("s", alice, "bob", ["c-dave"]));
  assert.equal(places(state, "r", "list of r"), "shelf aside");
  assert.deepEqual(members(state), ["alice", "carol", "dave"]);
  // A listed removal stays in force though its author is a member no more.
  assert.deepEqual(members(stateWith(removed, removal("s", alice, "bob", ["c-dave", "r"]))), [
    "alice",
    "carol",
  ]);
});

Deno.test("a removal does not reach a new credential of higher rank than its own", () => {
  const again = credential("c-dave2", alice, "dave", MEMBER, { seq: 1 });
  const data = [version("v", dave, record("dave"), 1), version("w", partyOf(again), record("dave2"), 1)];
  const state = stateWith(again, data, removal("r", carol, "dave"));
  assert.equal(places(state, "v", "w"), "shelf in");
  assert.deepEqual(members(state), all);
});

// Invitations and admissions

Deno.test("any member, a reader too, may be a witness; the joiner gets the invitation's roles", () => {
  const rita = credential("c-rita", bob, "rita", READER);
  const joined = admission("a", partyOf(rita), "i", "gus");
  const state = stateWith(
    rita,
    invitation("i", bob, 1, { roles: MEMBER | INVITER }),
    joined,
    version("v", partyOf(joined), record("gus"), 1),
  );
  assert.deepEqual(state.members.find(({ lineage }) => lineage === "gus")?.roles, MEMBER | INVITER);
  assert.deepEqual(winners(state), ["v"]);
});

Deno.test("an admission needs its invitation's bearer and time, and a joiner that is not the group key", () => {
  const state = stateWith(
    invitation("i", bob, 9),
    admission("bearer", dave, "i", "gus", { bearer: "else" }),
    admission("late", dave, "i", "gus", { at: 501 }),
    admission("key", dave, "i", "key"),
    admission("wrong", dave, "c-dave", "gus"),
    admission("good", dave, "i", "hal", { at: 500 }),
  );
  assert.equal(places(state, "bearer", "late", "key", "wrong", "good"), "shelf shelf shelf shelf in");
});

Deno.test("of the joiners on one invitation the N of highest rank stand, each counted once", () => {
  const items = [
    invitation("i", bob, 2),
    ...[1, 2, 3, 4].map((seq) =>
      admission(`a${seq}`, dave, "i", ["ann", "ann", "ben", "cid"][seq - 1]!, { seq })
    ),
    admission("a5", dave, "i", "ben", { seq: 5 }),
    admission("a0", alice, "j", "dot"),
    invitation("j", alice, 0),
  ];
  assert.equal(places(stateWith(items), "a1", "a2", "a3", "a4", "a5", "a0"), "in in in shelf in shelf");
  // A void admission takes no place: the surplus is back by itself.
  const state = stateWith(items, removal("r", bob, "dave", ["a3", "a4", "a5"]));
  assert.equal(places(state, "a1", "a2", "a3", "a4", "a5"), "shelf shelf in in in");
});

Deno.test("an admission ranks below the lower of its parents", () => {
  // Dave (depth 3) is the witness on Alice's invitation, Alice herself on Bob's: depths 4 and 3.
  const items = [
    invitation("i", alice, 1, { roles: ADMIN }),
    admission("low", dave, "i", "lee"),
    invitation("j", bob, 1, { roles: ADMIN }),
    admission("high", alice, "j", "hal", { writer: "ff" }),
  ];
  const [low, high] = [{ author: "lee", credential: "low" }, { author: "hal", credential: "high" }];
  const state = stateWith(items, removal("r1", low, "hal"), removal("r2", high, "lee"));
  assert.equal(places(state, "r1", "r2"), "shelf in");
});

Deno.test("a removal closes its subject's invitations: listed admissions stay", () => {
  const items = [
    invitation("i", bob, 9),
    admission("a1", carol, "i", "ann"),
    admission("a2", carol, "i", "ben"),
  ];
  const state = stateWith(items, removal("r", alice, "bob", ["c-dave", "i", "a1"]));
  assert.equal(places(state, "i", "a1", "a2"), "in in shelf");
  assert.deepEqual(members(state), ["alice", "ann", "carol", "dave"]);
  const unlisted = stateWith(items, removal("r", alice, "bob", ["c-dave", "a1"]));
  assert.equal(places(unlisted, "i", "a1", "a2"), "shelf shelf shelf");
});

Deno.test("a removal closes the invitations that it names", () => {
  const items = [
    invitation("i", carol, 9),
    admission("a1", dave, "i", "ann"),
    admission("a2", carol, "i", "ben"),
    admission("a3", carol, "i", "cid", { seq: 2 }),
  ];
  const state = stateWith(items, removal("r", bob, "dave", ["a1", "a2"], { closes: ["i", "unknown"] }));
  assert.equal(places(state, "i", "a1", "a2", "a3"), "in in in shelf");
});

Deno.test("a junior's removal does not close for an admission that ranks above it", () => {
  const erin = credential("c-erin", bob, "erin", ADMIN, { writer: "05" });
  const items = [
    erin,
    invitation("i", alice, 9),
    admission("above", alice, "i", "ann"),
    admission("below", dave, "i", "ben"),
  ];
  const state = stateWith(items, removal("r", partyOf(erin), "nobody", [], { closes: ["i"] }));
  assert.equal(places(state, "above", "below"), "in shelf");
});

Deno.test("a removal of the invitation's author that does not count closes nothing", () => {
  const items = [invitation("i", bob, 9), admission("a", dave, "i", "ann")];
  assert.equal(places(stateWith(items, removal("r", carol, "bob")), "r", "i", "a"), "in in in");
});

// Leaves

Deno.test("a leave voids its author's unlisted items, listed ones stay", () => {
  const data = [version("v", dave, record("dave"), 1), version("w", dave, record("dave2"), 1)];
  const state = stateWith(data, leave("l", dave, ["v"]));
  assert.equal(places(state, "l", "v", "w"), "in in shelf");
  assert.deepEqual(members(state), ["alice", "bob", "carol"]);
  assert.deepEqual(winners(state), ["v"]);
});

Deno.test("a leave closes no invitation, but one that it does not list is void with its admissions", () => {
  const items = [
    invitation("i", bob, 9),
    admission("a", carol, "i", "ann"),
    admission("b", alice, "i", "ben"),
  ];
  const listed = stateWith(items, leave("l", bob, ["i"]));
  assert.equal(places(listed, "i", "a", "b"), "in in in");
  const unlisted = stateWith(items, leave("l", bob, ["a"]));
  assert.equal(places(unlisted, "i", "a", "b"), "shelf shelf shelf");
});

Deno.test("leaves do not void leaves, and several intersect", () => {
  const data = ["u", "v", "w"].map((hash) => version(hash, dave, record(`of ${hash}`), 1));
  const state = stateWith(data, leave("l1", dave, ["u", "v"]), leave("l2", dave, ["v", "w"]));
  assert.equal(places(state, "l1", "l2", "u", "v", "w"), "in in shelf in shelf");
});

Deno.test("a leave voids the removals of its own credential that it does not list", () => {
  const removed = removal("r", bob, "dave");
  assert.deepEqual(members(stateWith(removed, leave("l", bob, ["c-dave"]))), ["alice", "carol", "dave"]);
  assert.deepEqual(members(stateWith(removed, leave("l", bob, ["c-dave", "r"]))), ["alice", "carol"]);
});

Deno.test("a removal voids a leave that it does not list", () => {
  const items = [version("v", dave, record("dave"), 1), ...leave("l", dave)];
  assert.equal(places(stateWith(items, removal("r", bob, "dave", ["v"])), "l", "v"), "shelf in");
  assert.equal(places(stateWith(items, removal("r", bob, "dave", ["v", "l"])), "l", "v"), "in shelf");
});

Deno.test("a leave counts against lower credentials of its lineage, not against higher ones", () => {
  const again = credential("c-dave2", alice, "dave", MEMBER, { seq: 9 });
  const data = [version("low", dave, record("a"), 1), version("high", partyOf(again), record("b"), 1)];
  const fromHigh = stateWith(again, data, leave("l", partyOf(again)));
  assert.equal(places(fromHigh, "low", "high"), "shelf shelf");
  assert.equal(members(fromHigh).includes("dave"), false);
  const fromLow = stateWith(again, data, leave("l", dave));
  assert.equal(places(fromLow, "low", "high"), "shelf in");
  assert.ok(members(fromLow).includes("dave"));
});
