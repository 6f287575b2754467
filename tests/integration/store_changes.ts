/** Changes whose parts can be checked against each other after a crash. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { RecordStore, StoreChange } from "../../lib/base/ports.ts";

/** Change n: three entries and a body, small and large by turns; it drops the body of change n − 2. */
export function numberedChange(n: number): StoreChange {
  const body = numberedBody(n);
  const value = Uint8Array.of(n & 255, n >> 8);
  const sets = ["a", "b", "c"].map((part) => ({ key: ["n", n, part], value }));
  return n < 2
    ? { bodies: [body], sets }
    : { bodies: [body], sets, dropBodies: [numberedBody(n - 2).hash], deletes: [["n", n - 2, "c"]] };
}

/** Checks that a store holds changes 0 … n whole for some n, and nothing else; returns n (−1 for none). */
export async function checkNumbered(store: RecordStore): Promise<number> {
  const names = (await Array.fromAsync(store.list(["n"]))).map(({ key }) => `${key[1]}${key[2]}`);
  const last = names.length === 0 ? -1 : Math.max(...names.map((name) => parseInt(name)));
  const expected = Array.from({ length: last + 1 }, (_, n) => {
    return n <= last - 2 ? [`${n}a`, `${n}b`] : [`${n}a`, `${n}b`, `${n}c`];
  });
  assert.deepEqual(names, expected.flat());
  for (let n = 0; n <= last; n++) {
    const body = await store.readBody(numberedBody(n).hash);
    assert.equal(
      body?.length ?? null,
      n <= last - 2 ? null : numberedBody(n).bytes.length,
      `body ${n} of ${last}`,
    );
  }
  return last;
}

function numberedBody(n: number): { hash: string; bytes: Uint8Array } {
  const bytes = new Uint8Array(n % 3 === 2 ? 900_000 : 2_000).fill(n);
  new DataView(bytes.buffer).setUint32(0, n);
  return { hash: createHash("sha256").update(bytes).digest("hex"), bytes };
}
