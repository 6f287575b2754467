/** What every {@linkcode Kv} does, refusals included; Deno KV and the simulated one run this suite. */

import assert from "node:assert/strict";
import type { StoreKey } from "../../lib/base/ports.ts";
import type { Kv } from "../../lib/storage/kv_port.ts";
import {
  kvBatchMax,
  kvCommitBytesMax,
  kvKeyBytesMax,
  kvSetKeysBytesMax,
  kvValueBytesMax,
} from "../../lib/sim/limits.ts";
import { storeMutationsMax, storeReadKeysMax } from "../../lib/storage/limits.ts";

/** Registers the suite for one implementation. */
export function kvContract(name: string, open: () => Promise<Kv>): void {
  const contract = (does: string, check: (kv: Kv) => Promise<void>) =>
    Deno.test(`${name} ${does}`, async () => {
      const kv = await open();
      let isClosed = false;
      const close = kv.close.bind(kv);
      kv.close = () => {
        isClosed = true;
        close();
      };
      try {
        await check(kv);
      } finally {
        if (!isClosed) close();
      }
    });
  contract("takes a transaction at each of its limits, and refuses it whole beyond", async (kv) => {
    for (const [what, at, beyond, refusal] of transactionLimits) {
      await write(kv, at).catch((error) => assert.fail(`${what}: ${error.message}`));
      await assert.rejects(write(kv, [{ key: ["beside"], bytes: 1 }, ...beyond]), {
        name: "TypeError",
        message: refusal,
      }, what);
    }
    assert.equal((await kv.get(["beside"])).value, null);
  });
  contract("reads keys at its limits, and refuses those beyond", async (kv) => {
    const keys = (count: number) => Array.from({ length: count }, (_, i) => [i]);
    assert.equal((await kv.getMany(keys(storeReadKeysMax))).length, storeReadKeysMax);
    await assert.rejects(async () => await kv.getMany(keys(storeReadKeysMax + 1)), {
      message: "Too many ranges (max 10)",
    });
    assert.equal((await kv.get(longKey(kvKeyBytesMax, 0))).value, null);
    await assert.rejects(async () => await kv.get(longKey(kvKeyBytesMax + 1, 0)), {
      message: "Key too large for read (max 2049 bytes)",
    });
    const list = (batchSize: number) => Array.fromAsync(kv.list({ prefix: ["x"] }, { batchSize }));
    assert.deepEqual(await list(kvBatchMax), []);
    await assert.rejects(list(kvBatchMax + 1), { message: "Too many entries (max 1000)" });
  });
  contract(
    "lists what is below a prefix in order, whatever the batches, and not the prefix itself",
    async (kv) => {
      const keys: StoreKey[] = [
        ["p"],
        ["p", bytes(0)],
        ["p", bytes(0), "x"],
        ["p", "a"],
        ["p", "b"],
        ["p", -1],
        ["p", 2],
        ["q"],
      ];
      await write(kv, keys.toReversed().map((key) => ({ key, bytes: 1 })));
      for (const batchSize of [1, 2, 3, 100]) {
        const entries = await Array.fromAsync(kv.list({ prefix: ["p"] }, { batchSize }));
        assert.deepEqual(entries.map(({ key }) => key), keys.slice(1, -1));
      }
    },
  );
  contract("applies the writes of a transaction in their order, and shares no bytes", async (kv) => {
    const value = bytes(1);
    const transaction = kv.atomic().set(["a"], bytes(9)).delete(["a"]).set(["a"], value).set(["b"], value)
      .delete(["b"]);
    const committed = transaction.commit();
    value[0] = 7;
    await committed;
    const read = await kv.get(["a"]);
    assert.deepEqual(read.value, bytes(1));
    (read.value as Uint8Array)[0] = 8;
    assert.deepEqual((await kv.getMany([["b"], ["a"]])).map((entry) => entry.value), [null, bytes(1)]);
  });
  contract("refuses calls once closed", async (kv) => {
    await write(kv, [{ key: ["a"], bytes: 1 }]);
    kv.close();
    await assert.rejects(async () => await kv.get(["a"]), { message: "Bad resource ID" });
    await assert.rejects(write(kv, [{ key: ["a"], bytes: 1 }]), { message: "Bad resource ID" });
    await assert.rejects(Array.fromAsync(kv.list({ prefix: [] })), { message: "Bad resource ID" });
  });
}

/** One write: so many bytes, or a removal. */
interface Write {
  readonly key: StoreKey;
  readonly bytes: number | null;
}

/** What a transaction may come to, what is too much, and the refusal. */
const transactionLimits: readonly [what: string, at: Write[], beyond: Write[], refusal: string][] = [
  [
    "a key",
    [{ key: longKey(kvKeyBytesMax, 0), bytes: 1 }],
    [{ key: longKey(kvKeyBytesMax + 1, 0), bytes: 1 }],
    "Key too large for write (max 2048 bytes)",
  ],
  [
    "a value",
    [{ key: ["v"], bytes: kvValueBytesMax }],
    [{ key: ["v"], bytes: kvValueBytesMax + 1 }],
    "Value too large (max 65536 bytes)",
  ],
  [
    "mutations",
    writes(storeMutationsMax, (i) => ({ key: [i], bytes: i % 2 === 0 ? 1 : null })),
    writes(storeMutationsMax, (i) => ({ key: [i], bytes: i % 2 === 0 ? 1 : null })),
    "Too many mutations (max 1000)",
  ],
  [
    "all bytes, where a set's key counts twice",
    heavy(0),
    heavy(1),
    "Total mutation size too large (max 819200 bytes)",
  ],
  [
    "all bytes, where a removal's key counts once",
    writes(kvCommitBytesMax / 2_048, (i) => ({ key: longKey(2_048, i), bytes: null })),
    writes(kvCommitBytesMax / 2_048, (i) => ({ key: longKey(2_048, i), bytes: null })),
    "Total mutation size too large (max 819200 bytes)",
  ],
  [
    "the keys of sets",
    writes(kvSetKeysBytesMax / 2_048, (i) => ({ key: longKey(2_048, i), bytes: 1 })),
    writes(kvSetKeysBytesMax / 2_048, (i) => ({ key: longKey(2_048, i), bytes: 1 })),
    "Total key size too large (max 81920 bytes)",
  ],
  ["a key without parts", [{ key: ["k"], bytes: 0 }], [{ key: [], bytes: 1 }], "key cannot be empty"],
];

/** Twelve keys of 100 bytes with zeros, a number and values that fill a transaction, and `over` bytes more. */
function heavy(over: number): Write[] {
  const many = writes(
    12,
    (i) => ({ key: [bytes(0, 0, 0, ...Array(92).fill(i + 1))], bytes: kvValueBytesMax }),
  );
  const spent = 12 * (2 * 100 + kvValueBytesMax) + 2 * 9;
  return [...many, { key: [1], bytes: kvCommitBytesMax - spent + over }];
}

function writes(count: number, make: (i: number) => Write): Write[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

/** A key of so many bytes as Deno KV counts them, and distinct. */
function longKey(keyBytes: number, i: number): StoreKey {
  return ["k".repeat(keyBytes - 2 - 9), i];
}

async function write(kv: Kv, all: readonly Write[]): Promise<void> {
  const transaction = kv.atomic();
  for (const { key, bytes } of all) {
    if (bytes === null) transaction.delete(key);
    else transaction.set(key, new Uint8Array(bytes));
  }
  await transaction.commit();
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}
