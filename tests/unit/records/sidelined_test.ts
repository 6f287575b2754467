import assert from "node:assert/strict";
import { below, SeededRandom } from "../../../lib/base/random.ts";
import type { Item } from "../../../lib/records/item.ts";
import { Sidelined } from "../../../lib/records/sidelined.ts";
import { bytesOf, fakeVersion, recordOf } from "../../fixtures/items.ts";

interface Entry {
  readonly item: Item;
  readonly owner: string;
}

const entryOf = (owner: string, size = 0): Entry => {
  const author = bytesOf("author");
  const item = fakeVersion({ author, credential: null }, recordOf(author));
  return { item: { ...item, bytes: new Uint8Array(size) }, owner };
};

function collection(countMax: number, bytesMax: number): Sidelined<Entry> {
  return new Sidelined({ countMax, bytesMax, ownerOf: ({ owner }) => owner });
}

/** Removes what has to go, and returns it. */
function pushOut(sidelined: Sidelined<Entry>): Entry[] {
  const out: Entry[] = [];
  for (let entry = sidelined.overflow(); entry !== null; entry = sidelined.overflow()) {
    sidelined.delete(entry);
    out.push(entry);
  }
  return out;
}

Deno.test("overflow() names the oldest entry of whoever has most", () => {
  const sidelined = collection(4, 1_000);
  const [alice, first, second, bob, third] = ["alice", "mallory", "mallory", "bob", "mallory"].map(entryOf);
  for (const entry of [alice, first, second, bob]) sidelined.add(entry!);
  assert.equal(sidelined.overflow(), null);
  sidelined.add(third!);
  assert.equal(sidelined.overflow(), first);
  sidelined.delete(first!);
  assert.equal(sidelined.overflow(), null);
  assert.deepEqual([...sidelined.values()], [alice, second, bob, third]);
  sidelined.delete(first!);
  assert.equal(sidelined.size, 4);
});

Deno.test("overflow() names the oldest entry also when some left, came back and were named before", () => {
  const random = new SeededRandom(7);
  const sidelined = collection(20, 1_000_000);
  const entries = Array.from({ length: 40 }, (_, i) => entryOf(`${i % 3}`));
  const ordered = new Set<Entry>();
  const oldestOfMost = () => {
    const owners = Map.groupBy(sidelined.values(), ({ owner }) => owner);
    const most = Math.max(...[...owners.values()].map(({ length }) => length));
    return [...owners.values()].filter(({ length }) => length === most).map(([first]) => first!);
  };
  let named = 0;
  for (let step = 0; step < 5_000; step++) {
    const entry = entries[below(random, entries.length)]!;
    if (ordered.delete(entry)) sidelined.delete(entry);
    else sidelined.add(entry), ordered.add(entry);
    assert.deepEqual([...sidelined.values()], [...ordered]);
    const out = sidelined.overflow();
    assert.equal(out === null, ordered.size <= 20);
    if (out === null) continue;
    named++;
    assert.ok(oldestOfMost().includes(out), `step ${step}`);
    // Now and then it stays for a while, as others come and go.
    if (below(random, 3) > 0) sidelined.delete(out), ordered.delete(out);
  }
  assert.ok(named > 500);
});

Deno.test("[T31] few large entries of one owner do not push out many small ones of another, nor many small ones a few large", () => {
  const few = collection(100, 10_000);
  for (let n = 0; n < 40; n++) few.add(entryOf("honest", 10));
  const large = Array.from({ length: 30 }, () => entryOf("mallory", 1_000));
  const out = large.flatMap((entry) => {
    few.add(entry);
    return pushOut(few);
  });
  assert.deepEqual(out, large.slice(0, 21), "9 of 1,000 bytes are left beside 400 bytes");

  const many = collection(100, 10_000);
  const honest = Array.from({ length: 6 }, () => entryOf("honest", 1_000));
  for (const entry of honest) many.add(entry);
  const gone = Array.from({ length: 200 }, () => {
    many.add(entryOf("mallory", 1));
    return pushOut(many);
  }).flat();
  assert.ok(gone.length === 106 && gone.every(({ owner }) => owner === "mallory"));
});

Deno.test("entries and bytes are counted right over random histories", () => {
  const random = new SeededRandom(7);
  const sidelined = collection(40, 4_000);
  const here = new Set<Entry>();
  for (let step = 0; step < 2_000; step++) {
    const known = [...here];
    if (known.length > 0 && below(random, 3) === 0) {
      const entry = known[below(random, known.length)]!;
      sidelined.delete(entry);
      here.delete(entry);
    } else {
      const entry = entryOf(`${below(random, 6)}`, below(random, 300));
      sidelined.add(entry);
      here.add(entry);
      for (const out of pushOut(sidelined)) here.delete(out);
    }
    assert.equal(sidelined.size, here.size, `step ${step}`);
    const bytes = [...here].reduce((sum, { item }) => sum + item.bytes.length, 0);
    assert.equal(sidelined.bytes, bytes, `step ${step}`);
    assert.deepEqual(new Set(sidelined.values()), here);
  }
});
