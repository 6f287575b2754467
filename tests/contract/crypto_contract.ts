/** What every {@linkcode Crypto} promises, whatever its mathematics: the simulator's runs it too. */

import assert from "node:assert/strict";
import { utf8 } from "../../lib/base/bytes.ts";
import type { Crypto } from "../../lib/base/ports.ts";

/** Registers the contract's tests for one implementation. */
export function cryptoContract(name: string, create: () => Crypto): void {
  const test = (what: string, run: (crypto: Crypto) => void) =>
    Deno.test(`Crypto of ${name}: ${what}`, () => run(create()));

  test("a digest is 32 bytes and does not depend on how the input is cut", (crypto) => {
    const whole = crypto.sha256(utf8("heron at the north pond"));
    assert.equal(whole.length, 32);
    assert.deepEqual(crypto.sha256(utf8("heron at "), new Uint8Array(), utf8("the north pond")), whole);
    assert.notDeepEqual(crypto.sha256(utf8("heron at the south pond")), whole);
    assert.equal(crypto.sha256().length, 32);
  });

  test("an authenticator is 32 bytes, depends on the key, and not on how the input is cut", (crypto) => {
    const whole = crypto.hmacSha256(bytes(1), utf8("heron"));
    assert.equal(whole.length, 32);
    assert.deepEqual(crypto.hmacSha256(bytes(1), utf8("her"), utf8("on")), whole);
    assert.notDeepEqual(crypto.hmacSha256(bytes(2), utf8("heron")), whole);
  });

  test("a signature holds for its key and message alone", (crypto) => {
    const key = crypto.ed25519.publicKey(bytes(1));
    const signature = crypto.ed25519.sign(bytes(1), utf8("heron"));
    assert.equal(key.length, 32);
    assert.equal(signature.length, 64);
    assert.deepEqual(crypto.ed25519.sign(bytes(1), utf8("heron")), signature);
    assert(crypto.ed25519.verify(key, utf8("heron"), signature));
    assert(!crypto.ed25519.verify(key, utf8("Heron"), signature));
    assert(!crypto.ed25519.verify(crypto.ed25519.publicKey(bytes(2)), utf8("heron"), signature));
    for (let i = 0; i < 64; i++) {
      assert(!crypto.ed25519.verify(key, utf8("heron"), flipped(signature, i)), `byte ${i}`);
    }
  });

  test("verify() is false for anything malformed", (crypto) => {
    const key = crypto.ed25519.publicKey(bytes(1));
    const signature = crypto.ed25519.sign(bytes(1), utf8("heron"));
    assert(!crypto.ed25519.verify(key, utf8("heron"), signature.slice(1)));
    assert(!crypto.ed25519.verify(key, utf8("heron"), new Uint8Array()));
    assert(!crypto.ed25519.verify(key.slice(1), utf8("heron"), signature));
    assert(!crypto.ed25519.verify(bytes(0xfe), utf8("heron"), signature));
  });

  test("both ends of an agreement share a secret that nobody else has", (crypto) => {
    const a = crypto.x25519.publicKey(bytes(1));
    const b = crypto.x25519.publicKey(bytes(2));
    const c = crypto.x25519.publicKey(bytes(3));
    const shared = crypto.x25519.agree(bytes(1), b);
    assert.equal(shared?.length, 32);
    assert.deepEqual(crypto.x25519.agree(bytes(2), a), shared);
    assert.notDeepEqual(crypto.x25519.agree(bytes(3), a), shared);
    assert.notDeepEqual(crypto.x25519.agree(bytes(1), c), shared);
  });

  test("agree() is null for the key of all zeros", (crypto) => {
    assert.equal(crypto.x25519.agree(bytes(1), new Uint8Array(32)), null);
  });

  test("sealed bytes open with the same key, nonce and associated data, and no other", (crypto) => {
    const nonce = new Uint8Array(12).fill(1);
    for (const length of [0, 1, 15, 16, 17, 16_384]) {
      const plaintext = new Uint8Array(length).fill(7);
      const sealed = crypto.aead.seal(bytes(1), nonce, utf8("head"), plaintext);
      assert.equal(sealed.length, length + 16);
      assert.deepEqual(crypto.aead.open(bytes(1), nonce, utf8("head"), sealed), plaintext);
      assert.equal(crypto.aead.open(bytes(2), nonce, utf8("head"), sealed), null);
      assert.equal(crypto.aead.open(bytes(1), new Uint8Array(12), utf8("head"), sealed), null);
      assert.equal(crypto.aead.open(bytes(1), nonce, utf8("Head"), sealed), null);
      assert.equal(crypto.aead.open(bytes(1), nonce, utf8("head"), flipped(sealed, 0)), null);
      assert.equal(crypto.aead.open(bytes(1), nonce, utf8("head"), flipped(sealed, length + 15)), null);
      assert.equal(crypto.aead.open(bytes(1), nonce, utf8("head"), sealed.slice(1)), null);
    }
    assert.equal(crypto.aead.open(bytes(1), nonce, utf8("head"), new Uint8Array(15)), null);
  });

  test("secrets of the wrong length are our own mistake", (crypto) => {
    const short = new Uint8Array(31);
    assert.throws(() => crypto.ed25519.publicKey(short));
    assert.throws(() => crypto.ed25519.sign(short, short));
    assert.throws(() => crypto.x25519.publicKey(short));
    assert.throws(() => crypto.x25519.agree(bytes(1), short));
    assert.throws(() => crypto.aead.seal(short, new Uint8Array(12), short, short));
    assert.throws(() => crypto.aead.seal(bytes(1), new Uint8Array(11), short, short));
    assert.throws(() => crypto.aead.open(short, new Uint8Array(12), short, bytes(1)));
  });

  test("what it returns is the caller's: plain bytes that change nothing when written to", (crypto) => {
    const nonce = new Uint8Array(12);
    const results = () => [
      crypto.sha256(utf8("heron")),
      crypto.hmacSha256(bytes(1), utf8("heron")),
      crypto.ed25519.publicKey(bytes(1)),
      crypto.ed25519.sign(bytes(1), utf8("heron")),
      crypto.x25519.publicKey(bytes(1)),
      crypto.x25519.agree(bytes(1), crypto.x25519.publicKey(bytes(2)))!,
      crypto.aead.seal(bytes(1), nonce, nonce, bytes(1)),
      crypto.aead.open(bytes(1), nonce, nonce, crypto.aead.seal(bytes(1), nonce, nonce, bytes(1)))!,
    ];
    const before = results();
    for (const result of before) assert.equal(Object.getPrototypeOf(result), Uint8Array.prototype);
    const copies = before.map((result) => result.slice());
    for (const result of before) result.fill(0);
    assert.deepEqual(results(), copies);
  });
}

function bytes(value: number): Uint8Array {
  return new Uint8Array(32).fill(value);
}

function flipped(original: Uint8Array, index: number): Uint8Array {
  const copy = original.slice();
  copy[index]! ^= 1;
  return copy;
}
