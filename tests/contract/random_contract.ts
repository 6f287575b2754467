/** What every {@linkcode Random} does. */

import assert from "node:assert/strict";
import type { Random } from "../../lib/base/ports.ts";

/** Runs the suite. */
export function randomContract(name: string, open: () => Random): void {
  Deno.test(`${name}: bytes() gives fresh bytes of any length`, () => {
    const random = open();
    for (const length of [0, 1, 32, 65_536, 65_537, 200_000]) {
      assert.equal(random.bytes(length).length, length);
    }
    const seen = new Set(Array.from({ length: 1_000 }, () => random.bytes(16).toHex()));
    assert.equal(seen.size, 1_000);
    assert.ok(random.bytes(200_000).subarray(-1_000).some((byte) => byte !== 0), "the last part is filled");
  });
  Deno.test(`${name}: draws are whole, in range and spread evenly`, () => {
    const random = open();
    const ofBytes = new Array<number>(16).fill(0);
    const ofNumbers = new Array<number>(16).fill(0);
    for (let i = 0; i < 16_000; i++) {
      const number = random.uint32();
      assert.ok(Number.isInteger(number) && number >= 0 && number < 2 ** 32);
      ofNumbers[number >>> 28]!++;
    }
    for (const byte of random.bytes(16_000)) ofBytes[byte >> 4]!++;
    // Twelve standard deviations (about 31 each): chance alone never fails this.
    for (const count of [...ofBytes, ...ofNumbers]) {
      assert.ok(Math.abs(count - 1_000) < 370, `${count} of 1,000`);
    }
  });
}
