/**
 * Crypto for clouds of hundreds of machines in one process: hashes and signatures are real, key
 * agreement and AEAD are stand-ins with the same shapes (lengths, one key for each pair, a tag that
 * fails when a byte changes). What they protect is tested elsewhere with the real ones.
 */

import { compareBytes, concat, equalBytes } from "../../lib/base/bytes.ts";
import type { Aead, Crypto } from "../../lib/base/ports.ts";
import { createCrypto } from "../../lib/platform/crypto.ts";

/** Light crypto. */
export function createLightCrypto(): Crypto {
  const real = createCrypto();
  return {
    sha256: real.sha256,
    hmacSha256: (key, ...parts) => mixed([key, ...parts], 32),
    ed25519: real.ed25519,
    x25519: {
      publicKey: (secretKey) => secretKey.slice(),
      agree: (a, b) => real.sha256(...[a, b].sort(compareBytes)),
    },
    aead: { seal, open },
  };
}

const seal: Aead["seal"] = (key, nonce, associated, plaintext) =>
  concat(plaintext, mixed([key, nonce, associated, plaintext], 16));

const open: Aead["open"] = (key, nonce, associated, ciphertext) => {
  const plaintext = ciphertext.slice(0, ciphertext.length - 16);
  const tag = mixed([key, nonce, associated, plaintext], 16);
  return equalBytes(tag, ciphertext.subarray(ciphertext.length - 16)) ? plaintext : null;
};

/** `length` bytes that depend on every byte of the parts; no secret is safe with it. */
function mixed(parts: readonly Uint8Array[], length: number): Uint8Array {
  let a = 0x9e3779b9;
  let b = 0x85ebca6b;
  for (const part of parts) {
    a = Math.imul(a ^ part.length, 0x01000193);
    for (const byte of part) {
      a = Math.imul(a ^ byte, 0x01000193);
      b = (Math.imul(b, 31) + (a >>> 15)) | 0;
    }
  }
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    a = Math.imul(a ^ (b >>> 13), 0x85ebca6b);
    b = (Math.imul(b, 31) + (a >>> 11)) | 0;
    bytes[i] = (a ^ b) >>> 24;
  }
  return bytes;
}
