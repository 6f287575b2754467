import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { concat } from "../../../lib/base/bytes.ts";
import { SeededRandom } from "../../../lib/base/random.ts";
import { sealCostLog2Max } from "../../../lib/platform/limits.ts";
import { openWithPassphrase, sealWithPassphrase } from "../../../lib/platform/key_sealing.ts";

const secret = Uint8Array.from({ length: 70 }, (_, i) => i);
const passphrase = "heron at the n\u00f6rdlichen pond"; // composed; the decomposed form must open too
const sealed = await sealWithPassphrase(secret, passphrase, new SeededRandom(5));

/** Alters bytes and makes the closing bytes right again, as an attacker would. */
function forged(alter: (bytes: Uint8Array) => void): Uint8Array {
  const body = sealed.slice(0, -8);
  alter(body);
  return concat(body, createHash("sha256").update(body).digest().subarray(0, 8));
}

Deno.test("[I06] [I12] sealed bytes open with their passphrase, however its letters are composed", async () => {
  assert.deepEqual(await openWithPassphrase(sealed, passphrase.normalize("NFD")), secret);
  assert.ok(!sealed.toHex().includes(secret.toHex().slice(0, 16)));
});

Deno.test("[I06] a wrong passphrase and damage are different failures", async () => {
  await assert.rejects(openWithPassphrase(sealed, "another"), { code: "bad_passphrase" });
  const altered = forged((bytes) => bytes[bytes.length - 20]! ^= 1);
  await assert.rejects(openWithPassphrase(altered, passphrase), { code: "keys_damaged" });
});

Deno.test("every flipped byte and every cut is told as damage before any costly work", async () => {
  for (let at = 0; at < sealed.length; at++) {
    const flipped = sealed.slice();
    flipped[at]! ^= 1 << (at % 8);
    await assert.rejects(openWithPassphrase(flipped, passphrase), { code: "keys_damaged" });
    await assert.rejects(openWithPassphrase(sealed.subarray(0, at), passphrase), { code: "keys_damaged" });
  }
});

Deno.test("costs out of bounds are refused, whoever closed the file", async () => {
  const alterations: [at: number, value: number][] = [[0, 2], [1, sealCostLog2Max + 1], [1, 255], [1, 1], [
    2,
    255,
  ], [3, 9]];
  for (const [at, value] of alterations) {
    await assert.rejects(openWithPassphrase(forged((bytes) => bytes[at] = value), passphrase), {
      code: "keys_damaged",
    });
  }
});
