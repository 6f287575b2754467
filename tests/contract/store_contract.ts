/** What every {@linkcode RecordStore} does; each implementation runs this suite. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { PeerError } from "../../lib/base/errors.ts";
import { storeChangeEntriesMax, storeValueBytesMax } from "../../lib/base/limits.ts";
import type { RecordStore, StoreEntry, StoreKey } from "../../lib/base/ports.ts";

/** One store under test. */
export interface OpenedStore {
  readonly store: RecordStore;
  /** Closes the store and opens the same again; only for stores that outlive that. */
  readonly reopen?: () => Promise<RecordStore>;
  dispose(): Promise<void>;
}

/** Registers the suite for one implementation; a row's id leads the name of what proves it. */
export function storeContract(
  name: string,
  open: () => Promise<OpenedStore>,
  options: { readonly reopens: boolean } = { reopens: false },
): void {
  const contract = (does: string, check: (opened: OpenedStore) => Promise<void>) =>
    Deno.test(does.replace(/^(\[.*\] )?/, `$1${name} `), async () => {
      const opened = await open();
      try {
        await check(opened);
      } finally {
        await opened.dispose();
      }
    });
  entryContract(contract);
  orderContract(contract);
  bodyContract(contract);
  boundContract(contract);
  closeContract(contract);
  if (options.reopens) reopenContract(contract);
}

/** SHA-256 in the form in which stores name bodies. */
export function bodyHash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Compares by hash: the difference of large bytes would take minutes to print. */
export function sameBytes(actual: Uint8Array | null, expected: Uint8Array | null): void {
  assert.equal(actual === null ? null : bodyHash(actual), expected === null ? null : bodyHash(expected));
}

/** Everything under a prefix. */
export function listAll(store: RecordStore, prefix: StoreKey): Promise<StoreEntry[]> {
  return Array.fromAsync(store.list(prefix));
}

type Contract = (does: string, check: (opened: OpenedStore) => Promise<void>) => void;

function entryContract(contract: Contract): void {
  contract("returns what was set, and null for what was not", async ({ store }) => {
    await store.commit({ sets: [{ key: ["a", 1], value: bytes(1, 2) }] });
    assert.deepEqual(await store.read(["a", 1]), bytes(1, 2));
    assert.equal(await store.read(["a", 2]), null);
    assert.equal(await store.read(["a"]), null);
  });
  contract("replaces and removes", async ({ store }) => {
    await store.commit({ sets: [{ key: ["a"], value: bytes(1) }, { key: ["b"], value: bytes(2) }] });
    await store.commit({ sets: [{ key: ["a"], value: bytes(3) }], deletes: [["b"], ["never there"]] });
    assert.deepEqual(await store.read(["a"]), bytes(3));
    assert.equal(await store.read(["b"]), null);
  });
  contract("keeps an empty value apart from none", async ({ store }) => {
    await store.commit({ sets: [{ key: ["empty"], value: bytes() }] });
    assert.deepEqual(await store.read(["empty"]), bytes());
  });
  contract("does not share bytes with its callers", async ({ store }) => {
    const value = bytes(1, 2, 3);
    const id = bytes(7, 7);
    await store.commit({ sets: [{ key: [id], value }] });
    value[0] = 9;
    id[0] = 9;
    const first = await store.read([bytes(7, 7)]);
    assert.deepEqual(first, bytes(1, 2, 3));
    first![0] = 9;
    assert.deepEqual(await store.read([bytes(7, 7)]), bytes(1, 2, 3));
    assert.deepEqual((await listAll(store, [])).map((entry) => entry.key), [[bytes(7, 7)]]);
  });
  contract("takes an empty change, and a change twice", async ({ store }) => {
    await store.commit({});
    const change = { sets: [{ key: ["x"], value: bytes(1) }], deletes: [["y"]] };
    await store.commit(change);
    await store.commit(change);
    assert.equal((await listAll(store, [])).length, 1);
  });
  contract("applies concurrent changes in the order of the calls", async ({ store }) => {
    const commits = Array.from(
      { length: 20 },
      (_, i) => store.commit({ sets: [{ key: ["n"], value: bytes(i) }] }),
    );
    await Promise.all(commits);
    assert.deepEqual(await store.read(["n"]), bytes(19));
  });
}

function orderContract(contract: Contract): void {
  contract("lists in key order: bytes before text before numbers", async ({ store }) => {
    const keys: StoreKey[] = [
      [bytes()],
      [bytes(0)],
      [bytes(0, 0)],
      [bytes(0, 1)],
      [bytes(1)],
      [bytes(1), "then"],
      [bytes(255)],
      [""],
      ["\u0000"],
      ["a"],
      ["a", bytes(1)],
      ["a", "b"],
      ["a", -1.5],
      ["a", 0],
      ["a", 2],
      ["a", 10],
      ["a\u0000"],
      ["aa"],
      ["é"],
      ["\uffff"],
      ["\u{10000}"],
      [Number.NEGATIVE_INFINITY],
      [-2],
      [-1],
      [0],
      [1e-300],
      [1],
      [2 ** 53],
    ];
    const shuffled = keys.map((key, i) => ({ key, at: (i * 17) % keys.length })).sort((a, b) => a.at - b.at);
    await store.commit({ sets: shuffled.map(({ key }) => ({ key, value: bytes(1) })) });
    assert.deepEqual((await listAll(store, [])).map((entry) => entry.key), keys);
  });
  contract("lists what is below a prefix, not the prefix itself nor longer parts", async ({ store }) => {
    const keys: StoreKey[] = [["p"], ["p", "a"], ["p", "a", 1], ["p", bytes(1)], ["pa", "a"], ["o", "z"]];
    await store.commit({ sets: keys.map((key, i) => ({ key, value: bytes(i) })) });
    const below = await listAll(store, ["p"]);
    assert.deepEqual(below.map(({ key }) => key), [["p", bytes(1)], ["p", "a"], ["p", "a", 1]]);
    assert.deepEqual(below.map(({ value }) => value), [bytes(3), bytes(1), bytes(2)]);
    assert.deepEqual((await listAll(store, ["p", "a"])).map(({ key }) => key), [["p", "a", 1]]);
    assert.deepEqual(await listAll(store, ["q"]), []);
    await store.commit({
      sets: [{ key: ["\u0000", 1], value: bytes(1) }, { key: ["\u0001", 1], value: bytes(1) }],
    });
    assert.deepEqual(await listAll(store, [""]), []);
  });
  contract("lists again after entries were removed and set again", async ({ store }) => {
    const set = (text: string) => ({ key: ["k", text], value: bytes(1) });
    await store.commit({ sets: [set("b"), set("a"), set("c")] });
    await listAll(store, ["k"]);
    await store.commit({ deletes: [["k", "b"]] });
    assert.deepEqual((await listAll(store, ["k"])).map(({ key }) => key[1]), ["a", "c"]);
    await store.commit({ sets: [set("b")] });
    assert.deepEqual((await listAll(store, ["k"])).map(({ key }) => key[1]), ["a", "b", "c"]);
  });
  contract("lists more than one batch, and can be left early", async ({ store }) => {
    for (let part = 0; part < 2; part++) {
      const ids = Array.from({ length: 400 }, (_, i) => part * 400 + i);
      await store.commit({ sets: ids.map((id) => ({ key: ["n", id], value: bytes(id % 256) })) });
    }
    assert.deepEqual(
      (await listAll(store, ["n"])).map(({ key }) => key[1]),
      Array.from({ length: 800 }, (_, i) => i),
    );
    for await (const { key } of store.list(["n"])) if (key[1] === 3) break;
  });
}

function bodyContract(contract: Contract): void {
  contract("keeps bodies of any size by their hash", async ({ store }) => {
    const bodies = [0, 1, storeValueBytesMax, storeValueBytesMax + 1, 2_000_003].map(patterned).map(body);
    for (const one of bodies) {
      await store.commit({ bodies: [one], sets: [{ key: [one.hash], value: bytes(1) }] });
    }
    for (const { hash, bytes } of bodies) sameBytes(await store.readBody(hash), bytes);
    assert.equal(await store.readBody(bodyHash(bytes(1, 2, 3))), null);
    assert.equal((await listAll(store, [])).length, bodies.length); // bodies do not show in the index
  });
  contract("writes a body again without harm, and drops it", async ({ store }) => {
    for (const one of [body(patterned(900)), body(patterned(1_500_000))]) {
      for (let i = 0; i < 2; i++) await store.commit({ bodies: [one] });
      sameBytes(await store.readBody(one.hash), one.bytes);
      await store.commit({ dropBodies: [one.hash, bodyHash(bytes(5))] });
      assert.equal(await store.readBody(one.hash), null);
      await store.commit({ bodies: [one] });
      sameBytes(await store.readBody(one.hash), one.bytes);
    }
  });
  contract("keeps a body that one change both brings and drops", async ({ store }) => {
    const one = body(patterned(10));
    await store.commit({ bodies: [one], dropBodies: [one.hash] });
    sameBytes(await store.readBody(one.hash), one.bytes);
  });
  contract("does not give out a body that has another hash", async ({ store }) => {
    const wrong = "00".repeat(32);
    await store.commit({ bodies: [{ hash: wrong, bytes: bytes(1) }] });
    assert.equal(await store.readBody(wrong), null);
    const right = body(bytes(1));
    await store.commit({ bodies: [right] });
    sameBytes(await store.readBody(right.hash), right.bytes);
  });
  contract("takes many bodies in one change", async ({ store }) => {
    const bodies = Array.from({ length: 200 }, (_, i) => body(patterned(4_000 + i)));
    await store.commit({ bodies, sets: bodies.map(({ hash }) => ({ key: [hash], value: bytes(1) })) });
    for (const { hash, bytes } of bodies) sameBytes(await store.readBody(hash), bytes);
  });
}

function boundContract(contract: Contract): void {
  contract("takes a change at its bounds and asserts beyond", async ({ store }) => {
    const value = patterned(storeValueBytesMax);
    await store.commit({ sets: Array.from({ length: 10 }, (_, i) => ({ key: ["large", i], value })) });
    sameBytes(await store.read(["large", 9]), value);
    const many = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ key: ["many", i], value: bytes(1) }));
    await store.commit({ sets: many(storeChangeEntriesMax) });
    const hashes = Array.from({ length: storeChangeEntriesMax }, (_, i) => bodyHash(bytes(i % 256, i >> 8)));
    await store.commit({ dropBodies: hashes });
    const long = new Uint8Array(storeValueBytesMax + 1);
    const failure = { name: "AssertionFailure" };
    await assert.rejects(store.commit({ sets: many(storeChangeEntriesMax + 1) }), failure);
    await assert.rejects(store.commit({ sets: [{ key: ["v"], value: long }] }), failure);
    await assert.rejects(store.commit({ sets: [{ key: [], value: bytes(1) }] }), failure);
    await assert.rejects(store.commit({ sets: [{ key: ["k".repeat(2_000)], value: bytes(1) }] }), failure);
    await assert.rejects(store.commit({ bodies: [{ hash: "AB", bytes: bytes(1) }] }), failure);
  });
}

function closeContract(contract: Contract): void {
  contract("[X03] refuses calls once closed, and closes twice", async ({ store }) => {
    await store.close();
    await store.close();
    const closed = (error: unknown) => error instanceof PeerError && error.code === "closed";
    await assert.rejects(store.commit({}), closed);
    await assert.rejects(store.read(["a"]), closed);
    await assert.rejects(store.readBody("00".repeat(32)), closed);
    await assert.rejects(listAll(store, []), closed);
  });
}

function reopenContract(contract: Contract): void {
  contract("[R19] keeps everything over a reopening", async ({ store, reopen }) => {
    assert.ok(reopen);
    const large = body(patterned(1_000_000));
    const small = body(patterned(100));
    const gone = body(patterned(900_000));
    await store.commit({ bodies: [large, small], sets: [{ key: ["kept", 1], value: bytes(4) }] });
    await store.commit({ bodies: [gone] });
    await store.commit({ dropBodies: [gone.hash] });
    const again = await reopen();
    assert.deepEqual(await listAll(again, []), [{ key: ["kept", 1], value: bytes(4) }]);
    sameBytes(await again.readBody(large.hash), large.bytes);
    sameBytes(await again.readBody(small.hash), small.bytes);
    assert.equal(await again.readBody(gone.hash), null);
  });
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

function body(content: Uint8Array): { hash: string; bytes: Uint8Array } {
  return { hash: bodyHash(content), bytes: content };
}

/** Bytes without a short period, so that misplaced chunks show. */
function patterned(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13 + (i >> 16)) & 255);
}
