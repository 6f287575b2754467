import assert from "node:assert/strict";
import fc from "fast-check";
import { compareBytes, utf8 } from "../../../lib/base/bytes.ts";
import type { StoreKey } from "../../../lib/base/ports.ts";
import { storeKeyBytes, storeKeyText } from "../../../lib/storage/store_key.ts";

const seed = 20_260_101;

const part = fc.oneof(
  fc.uint8Array({ maxLength: 4, max: 3 }),
  fc.uint8Array({ maxLength: 40 }),
  fc.string({ unit: fc.constantFrom("\u0000", "a", "b", "ÿ", "\uffff", "\u{10000}"), maxLength: 4 }),
  fc.double({ noNaN: true }).map((number) => number + 0), // −0 has no place
  fc.integer({ min: -3, max: 3 }).map((number) => number + 0),
);
const key = fc.array(part, { maxLength: 4 });

/** The order in words: type, then value, part by part; a beginning before what it begins. */
function compareKeys(a: StoreKey, b: StoreKey): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = compareParts(a[i]!, b[i]!);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function compareParts(a: StoreKey[number], b: StoreKey[number]): number {
  const rank = (value: StoreKey[number]) => typeof value === "number" ? 2 : typeof value === "string" ? 1 : 0;
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (typeof a === "number") return a < (b as number) ? -1 : a > (b as number) ? 1 : 0;
  const bytes = (value: StoreKey[number]) => typeof value === "string" ? utf8(value) : value as Uint8Array;
  return compareBytes(bytes(a), bytes(b));
}

Deno.test("storeKeyText() orders as keys do", () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      const [textA, textB] = [storeKeyText(a), storeKeyText(b)];
      assert.equal(Math.sign(compareKeys(a, b)), textA < textB ? -1 : textA > textB ? 1 : 0);
    }),
    { seed, numRuns: 20_000 },
  );
});

Deno.test("storeKeyText() begins with that of another key exactly if the key does", () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      const begins = a.length >= b.length && compareKeys(a.slice(0, b.length), b) === 0;
      assert.equal(storeKeyText(a).startsWith(storeKeyText(b)), begins);
    }),
    { seed, numRuns: 20_000 },
  );
});

Deno.test("Deno KV lists keys in the order of storeKeyText(), and takes keys that storeKeyBytes() allows", async () => {
  using kv = await Deno.openKv(":memory:");
  const keys = fc.sample(key.filter((parts) => parts.length > 0), { seed, numRuns: 600 });
  const byText = new Map(keys.map((one) => [storeKeyText(one), one]));
  for (const one of byText.values()) await kv.set([...one], 1);
  const listed = await Array.fromAsync(
    kv.list({ prefix: [] }),
    (entry) => storeKeyText(entry.key as StoreKey),
  );
  assert.deepEqual(listed, [...byText.keys()].sort());
  for (const fill of [0, 1]) {
    const longest = new Uint8Array(2_048).fill(fill);
    for (let length = 2_048; length > 1_000; length--) {
      if (storeKeyBytes([longest.subarray(0, length)]) > 2_048) continue;
      await kv.set([longest.subarray(0, length)], 1); // throws if KV thinks it longer
      break;
    }
  }
});

Deno.test("keys without a place in the order are our own mistake", () => {
  for (const bad of [NaN, -0, "\ud800"]) {
    assert.throws(() => storeKeyText([bad]), { name: "AssertionFailure" });
  }
});
