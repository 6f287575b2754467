/** HKDF with SHA-256 (RFC 5869): keys for one use each out of one shared secret. */

import { assert } from "./assert.ts";
import { concat } from "./bytes.ts";
import type { Crypto } from "./ports.ts";

/** `length` bytes derived from a secret; `info` says for what, an empty `salt` means none. */
export function hkdf(
  crypto: Crypto,
  secret: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array {
  assert(length >= 1 && length <= 255 * 32, "HKDF yields 1 to 8,160 bytes");
  const key = crypto.hmacSha256(salt.length > 0 ? salt : new Uint8Array(32), secret);
  const blocks: Uint8Array[] = [];
  let previous: Uint8Array = new Uint8Array(0);
  for (let i = 1; i <= Math.ceil(length / 32); i++) {
    previous = crypto.hmacSha256(key, previous, info, Uint8Array.of(i));
    blocks.push(previous);
  }
  return concat(...blocks).slice(0, length);
}
