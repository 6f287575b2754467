import assert from "node:assert/strict";
import { depthOf, lowerRank, outranks, rankBelow } from "../../../lib/groups/rank.ts";
import { bytesOf, fakeCredential, type FakeHead, hashFrom } from "../../fixtures/items.ts";

const by = { author: bytesOf("alice"), credential: null };
const item = (fields: FakeHead = {}) =>
  fakeCredential(by, bytesOf("bob"), 8, { hash: hashFrom(1), ...fields });
const writer = (byte: number) => new Uint8Array(8).fill(byte);
const root = rankBelow(null, item());

Deno.test("rankBelow() counts the depth from the group key", () => {
  const child = rankBelow(root, item());
  assert.deepEqual([root, child, rankBelow(child, item())].map(depthOf), [1, 2, 3]);
  let deep = root;
  for (let depth = 2; depth <= 25; depth++) deep = rankBelow(deep, item());
  assert.equal(depthOf(deep), 25);
});

Deno.test("rankBelow() ranks a shorter path higher, whatever made it", () => {
  const lateButShort = rankBelow(root, item({ writer: writer(255), seq: 2 ** 53 - 1, hash: hashFrom(255) }));
  const earlyButLong = rankBelow(rankBelow(root, item({ writer: writer(0) })), item({ writer: writer(0) }));
  assert.equal(outranks(lateButShort, earlyButLong), true);
  assert.equal(outranks(earlyButLong, lateButShort), false);
});

Deno.test("rankBelow() ranks by the parent before the item's own writer", () => {
  const [high, low] = [
    rankBelow(root, item({ writer: writer(1) })),
    rankBelow(root, item({ writer: writer(2) })),
  ];
  const belowHigh = rankBelow(high, item({ writer: writer(9), seq: 9 }));
  const belowLow = rankBelow(low, item({ writer: writer(0), seq: 1 }));
  assert.equal(outranks(belowHigh, belowLow), true);
});

Deno.test("rankBelow() ranks by writer, then number, then hash, the smaller first", () => {
  const ranks = [
    item({ writer: writer(1), seq: 9, hash: hashFrom(9) }),
    item({ writer: writer(2), seq: 2, hash: hashFrom(9) }),
    item({ writer: writer(2), seq: 10, hash: hashFrom(1) }),
    item({ writer: writer(2), seq: 10, hash: hashFrom(2) }),
    item({ writer: writer(2), seq: 2 ** 32, hash: hashFrom(0) }),
  ].map((made) => rankBelow(root, made));
  assert.deepEqual(ranks.toSorted(), ranks);
  assert.deepEqual(ranks.slice(1).map((rank, i) => outranks(ranks[i]!, rank)), [true, true, true, true]);
});

Deno.test("outranks() is strict", () => {
  assert.equal(outranks(root, root), false);
});

Deno.test("lowerRank() is the rank that is outranked", () => {
  const child = rankBelow(root, item());
  assert.deepEqual([lowerRank(root, child), lowerRank(child, root)], [child, child]);
});
