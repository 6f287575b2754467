import assert from "node:assert/strict";
import { hex } from "../../../lib/base/bytes.ts";
import { Arrivals } from "../../../lib/records/arrivals.ts";
import type { Item } from "../../../lib/records/item.ts";
import { bytesOf, fakeList, fixtureCrypto as crypto } from "../../fixtures/items.ts";

interface Entry {
  readonly item: Item;
  arrival: number;
}

function entryOf(arrival: number, hash: Uint8Array = bytesOf(`item ${arrival}`)): Entry {
  return { item: fakeList([], null, hash), arrival };
}

function arrivalsOf(...entries: Entry[]): Arrivals<Entry> {
  const arrivals = new Arrivals<Entry>();
  for (const entry of entries) arrivals.enter(entry);
  return arrivals;
}

function leave(arrivals: Arrivals<Entry>, entry: Entry): void {
  arrivals.leave(entry);
  entry.arrival = 0;
}

const fingerprint = (arrivals: Arrivals<Entry>) => hex(arrivals.fingerprint(crypto));

Deno.test("since() gives what came after a number, in the order of arrival", () => {
  const [one, two, five] = [entryOf(1), entryOf(2), entryOf(5)];
  const arrivals = arrivalsOf(one, two, five);
  assert.deepEqual([...arrivals.since(0)], [one, two, five]);
  assert.deepEqual([...arrivals.since(1)], [two, five]);
  assert.deepEqual([...arrivals.since(3)], [five]);
  assert.deepEqual([...arrivals.since(5)], []);
});

Deno.test("since() gives what a store gave back in another order in the order of arrival", () => {
  const [one, two, three] = [entryOf(1), entryOf(2), entryOf(3)];
  assert.deepEqual([...arrivalsOf(three, one, two).since(1)], [two, three]);
});

Deno.test("since() leaves out what left, and gives what returned under its new number", () => {
  const [one, two] = [entryOf(1), entryOf(2)];
  const arrivals = arrivalsOf(one, two);
  leave(arrivals, one);
  assert.deepEqual([...arrivals.since(0)], [two]);
  one.arrival = 3;
  arrivals.enter(one);
  assert.deepEqual([...arrivals.since(0)], [two, one]);
  assert.equal(arrivals.count, 2);
});

Deno.test("at() and latest() find an entry by its number", () => {
  const [one, three] = [entryOf(1), entryOf(3)];
  const arrivals = arrivalsOf(one, three);
  assert.deepEqual([arrivals.at(1), arrivals.at(2), arrivals.at(3)], [one, null, three]);
  assert.deepEqual([arrivals.latest(), arrivals.latest(2), arrivals.latest(0)], [three, one, null]);
  leave(arrivals, three);
  assert.deepEqual([arrivals.at(3), arrivals.latest()], [null, one]);
});

Deno.test("fingerprint() is 16 bytes that depend on the items alone, not on their order", () => {
  const [one, two, three] = [entryOf(1), entryOf(2), entryOf(3)];
  const all = fingerprint(arrivalsOf(one, two, three));
  assert.equal(all.length, 32);
  assert.equal(fingerprint(arrivalsOf(three, one, two)), all);
  assert.notEqual(fingerprint(arrivalsOf(one, two)), all);
});

Deno.test("fingerprint() after leaving is that of the rest, with carries through all words", () => {
  const big = entryOf(1, new Uint8Array(32).fill(255));
  const small = entryOf(2, new Uint8Array(32).with(31, 1));
  const other = entryOf(3);
  const empty = fingerprint(arrivalsOf());
  const arrivals = arrivalsOf(big, small);
  assert.equal(fingerprint(arrivals), empty); // 2^256 − 1 and 1 make 0
  arrivals.enter(other);
  leave(arrivals, big);
  assert.equal(fingerprint(arrivals), fingerprint(arrivalsOf(other, small)));
  leave(arrivals, small);
  leave(arrivals, other);
  assert.deepEqual([fingerprint(arrivals), arrivals.count], [empty, 0]);
});

Deno.test("a thousand entries that leave give their room back and disturb nobody", () => {
  const entries = Array.from({ length: 1000 }, (_, i) => entryOf(i + 1));
  const arrivals = arrivalsOf(...entries);
  for (const entry of entries.slice(0, 990)) leave(arrivals, entry);
  assert.deepEqual([...arrivals.since(0)], entries.slice(990));
  assert.equal(fingerprint(arrivals), fingerprint(arrivalsOf(...entries.slice(990))));
});
