import assert from "node:assert/strict";
import { utf8 } from "../../../lib/base/bytes.ts";
import { createCrypto } from "../../../lib/platform/crypto.ts";
import { CipherState } from "../../../lib/wire/cipher.ts";

const { aead } = createCrypto();
const key = new Uint8Array(32).fill(1);
const associated = utf8("head");
const text = utf8("heron");

Deno.test("open() stays where it is after bytes that do not open", () => {
  const sealer = new CipherState(aead, key);
  const opener = new CipherState(aead, key);
  const [first, second] = [sealer.seal(associated, text), sealer.seal(associated, text)];
  for (let i = 0; i < 3; i++) assert.equal(opener.open(associated, second), null);
  assert.equal(opener.open(text, first), null);
  assert.equal(opener.open(associated, new Uint8Array(3)), null);
  assert.deepEqual(opener.open(associated, first), text);
  assert.equal(opener.open(associated, first), null);
  assert.deepEqual(opener.open(associated, second), text);
});

Deno.test("seal() counts its nonce in the last eight bytes, little-endian", () => {
  const sealer = new CipherState(aead, key);
  const nonce = new Uint8Array(12);
  for (let i = 0; i < 300; i++) {
    nonce[4] = i & 255;
    nonce[5] = i >>> 8;
    assert.deepEqual(sealer.seal(associated, text), aead.seal(key, nonce, associated, text));
  }
});

Deno.test("rekey() takes the next key as Noise has it and keeps the counter", () => {
  const sealer = new CipherState(aead, key);
  sealer.seal(associated, text);
  sealer.rekey();
  const zeros = new Uint8Array(32);
  const last = Uint8Array.fromHex("00000000ffffffffffffffff");
  const nextKey = aead.seal(key, last, new Uint8Array(), zeros).subarray(0, 32);
  const nonce = new Uint8Array(12).with(4, 1);
  assert.deepEqual(sealer.seal(associated, text), aead.seal(nextKey, nonce, associated, text));
});

Deno.test("clone() goes its own way", () => {
  const sealer = new CipherState(aead, key);
  const copy = sealer.clone();
  copy.seal(associated, text);
  copy.rekey();
  assert.deepEqual(sealer.seal(associated, text), new CipherState(aead, key).seal(associated, text));
});
