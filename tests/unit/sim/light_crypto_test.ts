/** The stand-ins of the primitives: canonical where the codecs look, repeatable, and opaque on the wire. */

import assert from "node:assert/strict";
import { concat, equalBytes, hex, utf8 } from "../../../lib/base/bytes.ts";
import { SeededRandom } from "../../../lib/base/random.ts";
import { createLightCrypto, lightDigest } from "../../../lib/sim/light_crypto.ts";
import { openEnvelope, sealEnvelope, verifyEnvelope } from "../../../lib/wire/envelope.ts";
import { Purpose } from "../../../lib/wire/purposes.ts";
import { isCanonicalSignature, parsePublicKey } from "../../../lib/wire/signature.ts";
import { cryptoContract } from "../../contract/crypto_contract.ts";

const crypto = createLightCrypto();

cryptoContract("the simulator", () => createLightCrypto());
cryptoContract("the simulator, light digests", () => createLightCrypto(lightDigest));

Deno.test("light keys and signatures are canonical, and envelopes hold under them", () => {
  const random = new SeededRandom(1);
  for (let i = 0; i < 500; i++) {
    const seed = random.bytes(32);
    const publicKey = crypto.ed25519.publicKey(seed);
    assert(parsePublicKey(publicKey) !== null);
    const sign = (message: Uint8Array) => crypto.ed25519.sign(seed, message);
    assert(isCanonicalSignature(sign(random.bytes(i % 70))));
    const bytes = sealEnvelope(crypto, { publicKey, sign }, Purpose.item, seed, random.bytes(i));
    const opened = openEnvelope(bytes);
    assert(opened.ok);
    assert(verifyEnvelope(crypto, opened, Purpose.item, seed, publicKey));
    assert(!verifyEnvelope(crypto, opened, Purpose.item, publicKey, publicKey));
  }
});

Deno.test("one changed bit of a message or of what is authenticated is noticed", () => {
  const random = new SeededRandom(2);
  const seed = random.bytes(32);
  const nonce = random.bytes(12);
  for (const length of [1, 2, 3, 4, 5, 31, 64, 97]) {
    const message = random.bytes(length);
    const publicKey = crypto.ed25519.publicKey(seed);
    const signature = crypto.ed25519.sign(seed, message);
    const sealed = crypto.aead.seal(seed, nonce, message, message);
    for (let bit = 0; bit < 8 * length; bit++) {
      const other = flipped(message, bit);
      assert(!crypto.ed25519.verify(publicKey, other, signature), `message of ${length}, bit ${bit}`);
      assert.equal(crypto.aead.open(seed, nonce, other, sealed), null, `head of ${length}, bit ${bit}`);
    }
    for (let bit = 0; bit < 8 * sealed.length; bit++) {
      const opened = crypto.aead.open(seed, nonce, message, flipped(sealed, bit));
      assert.equal(opened, null, `sealed ${length}, bit ${bit}`);
    }
  }
});

Deno.test("what is sealed shows nothing of itself, and no two nonces share a keystream", () => {
  const key = new SeededRandom(3).bytes(32);
  const plaintext = utf8("heron at the north pond, heron at the south pond, no heron in the reeds");
  const sealed = crypto.aead.seal(key, new Uint8Array(12), plaintext, plaintext);
  const other = crypto.aead.seal(key, new Uint8Array(12).fill(1), plaintext, plaintext);
  for (let i = 0; i + 4 <= plaintext.length; i++) {
    const part = plaintext.subarray(i, i + 4);
    assert(!equalBytes(part, sealed.subarray(i, i + 4)) && !equalBytes(part, other.subarray(i, i + 4)));
    assert(!equalBytes(sealed.subarray(i, i + 4), other.subarray(i, i + 4)));
  }
});

Deno.test("keys of agreement and of hashing are told apart from what they are used on", () => {
  const secret = new SeededRandom(4).bytes(32);
  assert.notDeepEqual(crypto.x25519.publicKey(secret), secret);
  assert.notDeepEqual(crypto.x25519.publicKey(secret), crypto.ed25519.publicKey(secret));
  const long = concat(secret, utf8("he"));
  assert.notDeepEqual(crypto.hmacSha256(secret, utf8("heron")), crypto.hmacSha256(long, utf8("ron")));
});

Deno.test("the stand-ins give the same bytes everywhere", () => {
  const seed = new Uint8Array(32).fill(1);
  const signed = crypto.ed25519.sign(seed, utf8("heron"));
  const sealed = crypto.aead.seal(seed, seed.subarray(0, 12), utf8("head"), utf8("heron"));
  const shared = crypto.x25519.agree(seed, crypto.x25519.publicKey(new Uint8Array(32).fill(2)))!;
  const all = [signed, sealed, shared, crypto.hmacSha256(seed, utf8("heron")), lightDigest(utf8("heron"))];
  assert.equal(hex(lightDigest(...all)), "d3a84de140b50cb800a380b4b82678848028870b52a7e43805564585be5d14a3");
});

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}
