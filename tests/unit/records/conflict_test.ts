import assert from "node:assert/strict";
import {
  isConcurrentLoser,
  isKeptOver,
  prevAfter,
  type VersionItem,
  winsOver,
} from "../../../lib/records/conflict.ts";
import { bytesOf, fakeDelete, fakeExtension, fakeVersion, hashFrom, recordOf } from "../../fixtures/items.ts";

const alice = { author: bytesOf("alice"), credential: null };
const record = recordOf(alice.author);
const version = (number: number, hash?: Uint8Array, prev: readonly Uint8Array[] = []) =>
  fakeVersion(alice, record, { version: number, prev, ...(hash === undefined ? {} : { hash }) });

Deno.test("[R04] isKeptOver() puts a delete over every version", () => {
  const gone = fakeDelete(alice, record, { hash: hashFrom(0) });
  const highest = version(2 ** 31, hashFrom(255));
  assert.deepEqual([isKeptOver(gone, highest), isKeptOver(highest, gone)], [true, false]);
});

Deno.test("[R15] isKeptOver() puts the higher version first, whatever the hash", () => {
  const [low, high] = [version(1, hashFrom(9)), version(2, hashFrom(1))];
  assert.deepEqual([isKeptOver(high, low), isKeptOver(low, high)], [true, false]);
});

Deno.test("[R15] isKeptOver() puts the higher hash first among equal versions and among deletes", () => {
  const [a, b] = [version(2, hashFrom(1)), version(2, hashFrom(2))];
  assert.deepEqual([isKeptOver(a, b), isKeptOver(b, a)], [false, true]);
  const [c, d] = [
    fakeDelete(alice, record, { hash: hashFrom(1) }),
    fakeDelete(alice, record, { hash: hashFrom(2) }),
  ];
  assert.deepEqual([isKeptOver(c, d), isKeptOver(d, c)], [false, true]);
});

Deno.test("[R12] isKeptOver() puts the longer extension first", () => {
  const short = fakeExtension(alice, record, record.created + 1, { hash: hashFrom(9) });
  const long = fakeExtension(alice, record, record.created + 2, { hash: hashFrom(1) });
  assert.deepEqual([isKeptOver(long, short), isKeptOver(short, long)], [true, false]);
});

Deno.test("[R15] winsOver() goes by version, then rank, then hash", () => {
  const [one, two, other] = [version(1, hashFrom(9)), version(2, hashFrom(1)), version(2, hashFrom(2))];
  assert.equal(winsOver(two, "b", one, "a"), true);
  assert.equal(winsOver(one, "a", two, "b"), false);
  assert.equal(winsOver(two, "a", other, "b"), true);
  assert.equal(winsOver(other, "b", two, "a"), false);
  assert.equal(winsOver(other, "a", two, "a"), true);
  assert.equal(winsOver(two, "a", other, "a"), false);
});

Deno.test("prevAfter() names the last eight versions by eight bytes each, newest last", () => {
  let item: VersionItem = version(1, hashFrom(1));
  for (let number = 2; number <= 10; number++) item = version(number, hashFrom(number), prevAfter(item));
  assert.deepEqual(item.body.prev, [2, 3, 4, 5, 6, 7, 8, 9].map((byte) => new Uint8Array(8).fill(byte)));
});

Deno.test("[R23] isConcurrentLoser() knows a version that the winner's author had not seen", () => {
  const seen = version(1, hashFrom(1));
  const unseen = version(1, hashFrom(2));
  const winner = version(2, hashFrom(3), prevAfter(seen));
  assert.equal(isConcurrentLoser(seen, winner), false);
  assert.equal(isConcurrentLoser(unseen, winner), true);
  assert.equal(isConcurrentLoser(winner, winner), false);
});

Deno.test("[R23] isConcurrentLoser() says nothing of versions beyond the reach of prev", () => {
  const old = version(1, hashFrom(1));
  assert.equal(isConcurrentLoser(old, version(9, hashFrom(2))), true);
  assert.equal(isConcurrentLoser(old, version(10, hashFrom(2))), false);
});
