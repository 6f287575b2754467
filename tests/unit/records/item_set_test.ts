import assert from "node:assert/strict";
import { hex } from "../../../lib/base/bytes.ts";
import { below, SeededRandom } from "../../../lib/base/random.ts";
import { GroupPolicy } from "../../../lib/groups/group_policy.ts";
import { RoleBit } from "../../../lib/groups/roles.ts";
import {
  asideAuthorityItemsMax,
  asideItemsMax,
  recordSpanMsMaxDefault,
  shelfItemsMax,
} from "../../../lib/records/limits.ts";
import type { Item } from "../../../lib/records/item.ts";
import { elementOf, ItemSet, type SetChange } from "../../../lib/records/item_set.ts";
import { CreatorPolicy } from "../../../lib/records/policy.ts";
import {
  bytesOf,
  fakeAt,
  fakeCredential,
  fakeDelete,
  fakeExtension,
  fakeFounding,
  fakeList,
  fakeRemoval,
  fakeVersion,
  hashFrom,
  type Party,
  partyOf,
  recordIdOf,
  recordOf,
} from "../../fixtures/items.ts";

const alice: Party = { author: bytesOf("alice"), credential: null };
const bob: Party = { author: bytesOf("bob"), credential: null };
const record = recordOf(alice.author);
const id = recordIdOf(record);
const now = fakeAt + 10;

function plainSet(...items: Item[]): ItemSet {
  const set = new ItemSet(new CreatorPolicy());
  for (const item of items) set.add([item], now);
  return set;
}

/** Where items stand: "in", "shelf", "aside" or "unknown". */
function places(set: ItemSet, ...items: readonly Item[]): string {
  return items.map((item) => set.entry(item.id)?.place ?? "unknown").join(" ");
}

/** A change in short: which of the named items entered, left, … */
function summaryOf(change: SetChange, names: Readonly<Record<string, Item>>): unknown {
  const nameOf = (item: Item) => Object.keys(names).find((name) => names[name] === item);
  return {
    entered: change.entered.map(({ item }) => nameOf(item)),
    left: change.left.map(({ item }) => nameOf(item)),
    outside: change.outside.map(({ item }) => nameOf(item)),
    dropped: change.dropped.map(nameOf),
    shown: change.records.map(({ before, after }) => [
      before && nameOf(before.item),
      after && nameOf(after.item),
    ]),
  };
}

const nothing = { entered: [], left: [], outside: [], dropped: [], shown: [] };

/** A group with its creator's credential and Bob's, an admin. */
function groupItems() {
  const groupKey = bytesOf("group key");
  const founding = fakeFounding(groupKey, alice.author);
  const root = fakeCredential({ author: groupKey, credential: founding.hash }, alice.author, RoleBit.creator);
  const creator = partyOf(root);
  const credential = fakeCredential(creator, bob.author, RoleBit.admin);
  const policy = new GroupPolicy(founding.hash);
  return { founding, root, creator, credential, admin: partyOf(credential), policy };
}

Deno.test("[R02] add() of a new version enters it and shows the record, once", () => {
  const first = fakeVersion(alice, record, { expires: fakeAt + 500 });
  const set = plainSet();
  const change = set.add([first, first], now);
  assert.deepEqual(summaryOf(change, { first }), {
    ...nothing,
    entered: ["first"],
    shown: [[null, "first"]],
  });
  assert.deepEqual(set.shown(id), { item: first, expires: fakeAt + 500 });
  assert.deepEqual(summaryOf(set.add([first], now), { first }), nothing);
});

Deno.test("[R03] add() of a higher version shelves the one before", () => {
  const [first, second] = [fakeVersion(alice, record), fakeVersion(alice, record, { version: 2 })];
  const set = plainSet(first);
  assert.deepEqual(summaryOf(set.add([second], now), { first, second }), {
    ...nothing,
    entered: ["second"],
    left: ["first"],
    shown: [["first", "second"]],
  });
  assert.equal(places(set, first, second), "shelf in");
});

Deno.test("[R04] add() of a version after the record's delete changes nothing that is shown", () => {
  const gone = fakeDelete(alice, record);
  const late = fakeVersion(alice, record, { version: 2 ** 31 });
  const set = plainSet(fakeVersion(alice, record), gone);
  assert.deepEqual(summaryOf(set.add([late], now), { late }), { ...nothing, outside: ["late"] });
  assert.equal(set.shown(id), null);
  assert.equal(places(set, gone, late), "in shelf");
});

Deno.test("[R04] add() of a delete before any version keeps the record from being shown", () => {
  const set = plainSet(fakeDelete(alice, record), fakeVersion(alice, record));
  assert.deepEqual([set.shown(id), [...set.allShown()]], [null, []]);
});

Deno.test("[R15] add() keeps the higher hash of two equal versions, in either order", () => {
  const low = fakeVersion(alice, record, { hash: hashFrom(1) });
  const high = fakeVersion(alice, record, { hash: hashFrom(2) });
  assert.equal(places(plainSet(low, high), low, high), "shelf in");
  assert.equal(places(plainSet(high, low), low, high), "shelf in");
});

Deno.test("[R12] add() of an extension carries the record on, and the largest counts", () => {
  const version = fakeVersion(alice, record, { expires: fakeAt + 100 });
  const short = fakeExtension(alice, record, fakeAt + 200);
  const long = fakeExtension(alice, record, fakeAt + 300);
  const set = plainSet(version, long, short);
  assert.deepEqual(set.shown(id), { item: version, expires: fakeAt + 300 });
  assert.equal(places(set, version, short, long), "in shelf in");
});

Deno.test("[S15] add() shows nothing that somebody else does to a record of a plain graph", () => {
  const mine = fakeVersion(alice, record, { expires: fakeAt + 100 });
  const set = plainSet(
    mine,
    fakeVersion(bob, record, { version: 2 }),
    fakeDelete(bob, record),
    fakeExtension(bob, record, fakeAt + 300),
  );
  assert.deepEqual(set.shown(id), { item: mine, expires: fakeAt + 100 });
});

Deno.test("add() refuses authority items in a plain graph, and data under a credential", () => {
  const { founding, credential, creator } = groupItems();
  const set = plainSet(
    founding,
    credential,
    fakeVersion({ ...alice, credential: creator.credential }, record),
  );
  assert.deepEqual(set.sizes, { known: 0, shelf: 0, aside: 0, indexed: 0 });
});

Deno.test("add() refuses a record that spans longer than the graph allows", () => {
  const long = recordOf(alice.author, { until: fakeAt + recordSpanMsMaxDefault + 1 });
  const set = plainSet(fakeVersion(alice, long));
  assert.equal(set.sizes.known, 0);
});

Deno.test("[S16] [R17] add() sets data aside until the credential it names is here", () => {
  const { founding, root, credential, admin, policy } = groupItems();
  const bobs = recordOf(bob.author);
  const version = fakeVersion(admin, bobs);
  const set = new ItemSet(policy);
  assert.deepEqual(summaryOf(set.add([version], now), { version }), { ...nothing, outside: ["version"] });
  set.add([founding, root], now);
  assert.equal(places(set, version), "aside");
  assert.deepEqual(summaryOf(set.add([credential], now), { version, credential }), {
    ...nothing,
    entered: ["credential", "version"],
    shown: [[null, "version"]],
  });
});

Deno.test("[R18] add() takes a whole group in the reverse order", () => {
  const { founding, root, credential, admin, policy } = groupItems();
  const version = fakeVersion(admin, recordOf(bob.author));
  const set = new ItemSet(policy);
  for (const item of [version, credential, root, founding]) set.add([item], now);
  assert.equal(places(set, version, credential, root, founding), "in in in in");
});

Deno.test("add() drops data that waited for a group whose properties refuse it", () => {
  const { founding, root, credential, admin, policy } = groupItems();
  const long = fakeVersion(admin, recordOf(bob.author, { until: fakeAt + 864_000_001 }));
  const set = new ItemSet(policy);
  set.add([long], now);
  const change = set.add([founding, root, credential], now);
  assert.deepEqual(change.dropped, [long]);
  assert.equal(places(set, long), "unknown");
});

Deno.test("add() judges data under another founding item when the group's own arrives", () => {
  const { founding, policy } = groupItems();
  const other = fakeFounding(bytesOf("group key"), bob.author);
  const version = fakeVersion({ author: bob.author, credential: other.hash }, recordOf(bob.author));
  const set = new ItemSet(policy);
  for (const item of [other, version, founding]) set.add([item], now);
  assert.equal(places(set, other, version), "shelf unknown");
});

Deno.test("[S31] add() of a removal uncovers what an item that it voids had replaced", () => {
  const { founding, root, creator, credential, admin, policy } = groupItems();
  const bobs = recordOf(bob.author);
  const [first, gone] = [fakeVersion(admin, bobs), fakeDelete(admin, bobs)];
  const set = new ItemSet(policy);
  set.add([founding, root, credential, first, gone], now);
  assert.equal(places(set, first, gone), "shelf in");
  const [removal, list] = fakeRemoval(creator, bob.author, [first]);
  assert.deepEqual(summaryOf(set.add([removal, list], now), { first, gone, removal, list }), {
    ...nothing,
    entered: ["removal", "list", "first"],
    left: ["gone"],
    shown: [[null, "first"]],
  });
  assert.equal(set.shown(recordIdOf(bobs))?.item, first);
});

Deno.test("[R10] judgeTime() shelves what is past its end, and nextUntil() says when", () => {
  const version = fakeVersion(alice, record);
  const set = plainSet(version);
  assert.equal(set.nextUntil(), record.until + 1);
  assert.deepEqual(summaryOf(set.judgeTime(record.until), { version }), nothing);
  assert.deepEqual(summaryOf(set.judgeTime(record.until + 1), { version }), {
    ...nothing,
    left: ["version"],
    shown: [["version", null]],
  });
  assert.equal(set.nextUntil(), null);
});

Deno.test("[R10] add() shelves at once what is past its end", () => {
  const version = fakeVersion(alice, record);
  const set = new ItemSet(new CreatorPolicy());
  const change = set.add([version], record.until + 1);
  assert.deepEqual(summaryOf(change, { version }), { ...nothing, outside: ["version"] });
});

Deno.test("judgeTime() brings back what a wrong clock had ended, until its time comes again", () => {
  const version = fakeVersion(alice, record);
  const set = plainSet(version);
  set.judgeTime(record.until + 1);
  assert.deepEqual(summaryOf(set.judgeTime(now), { version }), {
    ...nothing,
    entered: ["version"],
    shown: [[null, "version"]],
  });
  assert.equal(set.nextUntil(), record.until + 1);
  set.judgeTime(record.until + 1);
  assert.equal(places(set, version), "shelf");
});

Deno.test("judgeTime() does not forget the end of what waited while the clock was wrong", () => {
  const { founding, root, credential, admin, policy } = groupItems();
  const version = fakeVersion(admin, recordOf(bob.author));
  const set = new ItemSet(policy);
  set.add([version], now);
  set.judgeTime(record.until + 1);
  set.judgeTime(now);
  set.add([founding, root, credential], now);
  assert.equal(places(set, version), "in");
  set.judgeTime(record.until + 1);
  assert.equal(places(set, version), "shelf");
});

Deno.test("[R05] forget() drops an item here alone, and it may come back", () => {
  const version = fakeVersion(alice, record);
  const set = plainSet(version);
  assert.deepEqual(summaryOf(set.forget([version.id]), { version }), {
    ...nothing,
    left: ["version"],
    dropped: ["version"],
    shown: [["version", null]],
  });
  assert.equal(set.has(version.id), false);
  assert.deepEqual(set.itemsOf(id), []);
  set.add([version], now);
  assert.equal(set.shown(id)?.item, version);
});

Deno.test("forget() of a damaged version uncovers what it had replaced", () => {
  const [first, second] = [fakeVersion(alice, record), fakeVersion(alice, record, { version: 2 })];
  const set = plainSet(first, second);
  assert.deepEqual(summaryOf(set.forget([second.id]), { first, second }), {
    ...nothing,
    entered: ["first"],
    left: ["second"],
    dropped: ["second"],
    shown: [["second", "first"]],
  });
});

Deno.test("[R19] restore() gives items their places and arrival numbers back, in any order", () => {
  const items = [1, 2, 3].map((n) =>
    fakeVersion(alice, recordOf(alice.author, { nonce: new Uint8Array(16).fill(n) }))
  );
  const set = new ItemSet(new CreatorPolicy());
  const stored = [{ item: items[2]!, arrival: 9 }, { item: items[0]!, arrival: 4 }, {
    item: items[1]!,
    arrival: 7,
  }];
  set.restore(stored, now);
  assert.deepEqual([...set.data.since(4)].map(({ item }) => item), [items[1], items[2]]);
  const next = fakeVersion(alice, record);
  set.add([next], now);
  assert.equal(set.entry(next.id)?.arrival, 10);
});

Deno.test("[R19] restore() numbers anew what was outside the set and is in it now", () => {
  const version = fakeVersion(alice, record);
  const set = new ItemSet(new CreatorPolicy());
  set.restore([{ item: version, arrival: 0 }], now);
  assert.equal(set.entry(version.id)?.arrival, 1);
});

Deno.test("an item that returns to the set is a new arrival", () => {
  const { founding, root, creator, credential, admin, policy } = groupItems();
  const first = fakeVersion(admin, recordOf(bob.author));
  const second = fakeVersion(admin, recordOf(bob.author), { version: 2 });
  const set = new ItemSet(policy);
  set.add([founding, root, credential, first, second], now);
  const before = set.arrival;
  set.add(fakeRemoval(creator, bob.author, [first]), now);
  assert.deepEqual([...set.data.since(before)].map(({ item }) => item), [first]);
});

Deno.test("byElement() finds an item by the first half of its hash", () => {
  const version = fakeVersion(alice, record);
  const set = plainSet(version);
  assert.equal(set.byElement(elementOf(version))?.item, version);
  set.forget([version.id]);
  assert.equal(set.byElement(elementOf(version)), null);
});

Deno.test("[R17] the oldest of too many waiting items gives way", () => {
  const { policy } = groupItems();
  const set = new ItemSet(policy);
  const items = Array.from(
    { length: asideAuthorityItemsMax + 2 },
    () => fakeCredential({ author: bob.author, credential: hashFrom(7) }, alice.author, RoleBit.member),
  );
  set.add(items.slice(0, asideAuthorityItemsMax), now);
  const change = set.add(items.slice(asideAuthorityItemsMax), now);
  assert.deepEqual(change.dropped, items.slice(0, 2));
  assert.equal(set.sizes.aside, asideAuthorityItemsMax);
});

Deno.test("[R27] the oldest of too many shelved items gives way", () => {
  const set = plainSet();
  const items = Array.from(
    { length: shelfItemsMax + 2 },
    (_, i) => fakeVersion(alice, record, { version: i + 1 }),
  );
  set.add(items.slice(0, -1), now);
  assert.deepEqual(set.sizes, {
    known: shelfItemsMax + 1,
    shelf: shelfItemsMax,
    aside: 0,
    indexed: 2,
  });
  assert.deepEqual(set.add(items.slice(-1), now).dropped, items.slice(0, 1));
});

Deno.test("[T38] what waits under credentials that nobody knows holds up no removal, be its list in many parts", () => {
  const { founding, root, creator, credential, policy } = groupItems();
  const set = new ItemSet(policy);
  set.add([founding, root, credential], now);
  const waiting = (count: number) =>
    Array.from({ length: count }, (_, i) => {
      const author = bytesOf(`nobody ${i}`);
      return fakeVersion({ author, credential: hashFrom(7) }, recordOf(author));
    });
  const idle = Array.from({ length: asideAuthorityItemsMax }, () => fakeList([hashFrom(1)]));
  set.add(waiting(asideItemsMax), now, "mallory");
  set.add(idle, now, "mallory");
  const last = fakeList([hashFrom(3)]);
  const middle = fakeList([hashFrom(2)], last.hash);
  const [removal, first] = fakeRemoval(creator, bob.author);
  const parts = [{ ...first, body: { ...first.body, next: middle.hash } }, middle, last];
  for (const item of [removal, ...parts]) {
    set.add([item], now, "honest");
    set.add(waiting(10), now, "mallory");
    set.add([fakeList([hashFrom(1)])], now, "mallory");
  }
  assert.equal(places(set, removal, ...parts), "in in in in");
  assert.equal(policy.member(hex(bob.author)), null);
});

Deno.test("[T38] of what waits the oldest gives way of whoever brought most, whatever authors it names", () => {
  const set = new ItemSet(groupItems().policy);
  const of = (name: string) => {
    const author = bytesOf(name);
    return fakeVersion({ author, credential: hashFrom(7) }, recordOf(author));
  };
  const honest = Array.from({ length: 50 }, () => of("honest"));
  set.add(honest, now, "honest");
  const flood = Array.from({ length: asideItemsMax }, (_, i) => of(`nobody ${i}`));
  assert.deepEqual(set.add(flood, now, "mallory").dropped, flood.slice(0, 50));
  assert.ok(honest.every(({ id }) => set.has(id)));
});

Deno.test("counts and bytes of both sets are right over random histories", () => {
  const random = new SeededRandom(22);
  const set = plainSet();
  for (let step = 0; step < 1_000; step++) {
    const by = [alice, bob][below(random, 2)]!;
    const nonce = new Uint8Array(16).fill(below(random, 8));
    const item = fakeVersion(by, recordOf(by.author, { nonce }), { version: 1 + below(random, 9) });
    const entries = [...set.entries()];
    if (entries.length > 0 && below(random, 4) === 0) {
      set.forget([entries[below(random, entries.length)]!.item.id]);
    } else {
      set.add([{ ...item, bytes: new Uint8Array(below(random, 99)) }], now);
    }
    const inside = [...set.entries()].filter(({ place }) => place === "in");
    assert.equal(set.data.count, inside.length, `step ${step}`);
    assert.equal(
      set.data.bytes,
      inside.reduce((sum, { item }) => sum + item.bytes.length, 0),
      `step ${step}`,
    );
    const numbers = [...set.entries()].map(({ place, arrival }) => [place === "in", arrival > 0]);
    assert.ok(numbers.every(([isIn, isNumbered]) => isIn === isNumbered), `step ${step}`);
  }
});

Deno.test("[R19] an arrival number from the store counts for nothing where the item is outside the set now", () => {
  const [old, current] = [1, 2].map((version) => fakeVersion(alice, record, { version }));
  const set = new ItemSet(new CreatorPolicy());
  set.restore([{ item: current!, arrival: 9 }, { item: old!, arrival: 4 }], now);
  assert.equal(set.entry(old!.id)?.arrival, 0);
  set.forget([current!.id]);
  assert.deepEqual([set.entry(old!.id)?.place, set.entry(old!.id)?.arrival], ["in", 10]);
});
