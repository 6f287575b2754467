/** What every {@linkcode Kem} promises, whatever its mathematics: the simulator's runs it too. */

import assert from "node:assert/strict";
import type { Kem } from "../../lib/base/ports.ts";

/** Registers the contract's tests for one implementation. */
export function kemContract(name: string, create: () => Kem): void {
  const test = (what: string, run: (kem: Kem) => Promise<void>) =>
    Deno.test(`Kem of ${name}: ${what}`, () => run(create()));

  test("both ends share a secret; keys and ciphertexts have the sizes of ML-KEM-768", async (kem) => {
    const pair = await kem.generate();
    assert.equal(pair.publicKey.length, 1_184);
    const sent = await kem.encapsulate(pair.publicKey);
    assert(sent !== null);
    assert.equal(sent.ciphertext.length, 1_088);
    assert.equal(sent.sharedSecret.length, 32);
    assert.deepEqual(await pair.decapsulate(sent.ciphertext), sent.sharedSecret);
  });

  test("every key pair and every encapsulation is fresh", async (kem) => {
    const pair = await kem.generate();
    assert.notDeepEqual((await kem.generate()).publicKey, pair.publicKey);
    const first = await kem.encapsulate(pair.publicKey);
    const second = await kem.encapsulate(pair.publicKey);
    assert.notDeepEqual(first?.ciphertext, second?.ciphertext);
    assert.notDeepEqual(first?.sharedSecret, second?.sharedSecret);
  });

  test("an altered ciphertext and another's key give another secret, never an exception", async (kem) => {
    const pair = await kem.generate();
    const sent = await kem.encapsulate(pair.publicKey);
    assert(sent !== null);
    const altered = sent.ciphertext.slice();
    altered[7]! ^= 1;
    assert.notDeepEqual(await pair.decapsulate(altered), sent.sharedSecret);
    assert.notDeepEqual(await (await kem.generate()).decapsulate(sent.ciphertext), sent.sharedSecret);
  });

  test("malformed keys and ciphertexts give null", async (kem) => {
    const pair = await kem.generate();
    assert.equal(await kem.encapsulate(pair.publicKey.slice(1)), null);
    assert.equal(await kem.encapsulate(new Uint8Array()), null);
    assert.equal(await kem.encapsulate(new Uint8Array(1_184).fill(0xff)), null);
    assert.equal(await pair.decapsulate(new Uint8Array(1_087)), null);
    assert.equal(await pair.decapsulate(new Uint8Array()), null);
  });
}
