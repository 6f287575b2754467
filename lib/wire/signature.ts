/**
 * When an Ed25519 signature holds. Every peer must give the same verdict, so the rule is exact: the
 * cofactorless check of RFC 8032 §5.1.7 as OpenSSL does it, S < L, A and R canonical and neither of
 * small order. The platform's back ends take small-order and non-canonical keys, under which one
 * fixed signature may hold for any message; so keys pass {@linkcode parsePublicKey} before any use.
 */

import type { Crypto } from "../base/ports.ts";

/** Bytes of an Ed25519 public key. */
export const publicKeyBytes: number = 32;

/** Bytes of an Ed25519 signature. */
export const signatureBytes: number = 64;

/** A copy of the key, or `null` if it is none, is not canonical or is of small order. */
export function parsePublicKey(bytes: Uint8Array): Uint8Array | null {
  if (bytes.length !== publicKeyBytes || !isSafePoint(bytes, 0)) return null;
  return new Uint8Array(bytes);
}

/** Whether a signature has its only form: S < L, R canonical and not of small order. */
export function isCanonicalSignature(signature: Uint8Array): boolean {
  return signature.length === signatureBytes && isSafePoint(signature, 0) && isReducedScalar(signature, 32);
}

/** Whether the signature over `message` holds, by the rule of this file and nothing less. */
export function verifySignature(
  crypto: Crypto,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== publicKeyBytes || !isSafePoint(publicKey, 0)) return false;
  if (!isCanonicalSignature(signature)) return false;
  return crypto.ed25519.verify(publicKey, message, signature);
}

/** Whether the point encoded at `offset` is canonical (y < p) and not of small order. */
function isSafePoint(bytes: Uint8Array, offset: number): boolean {
  if (!isBelow(bytes, offset, fieldPrime, 0x7f)) return false;
  for (const y of smallOrderY) if (hasY(bytes, offset, y)) return false;
  return true;
}

function isReducedScalar(bytes: Uint8Array, offset: number): boolean {
  return isBelow(bytes, offset, groupOrder, 0xff);
}

/** Whether the little-endian number at `offset`, its top byte masked, is below `bound`. */
function isBelow(bytes: Uint8Array, offset: number, bound: Uint8Array, topMask: number): boolean {
  for (let i = 31; i >= 0; i--) {
    const byte = bytes[offset + i]! & (i === 31 ? topMask : 0xff);
    if (byte !== bound[i]!) return byte < bound[i]!;
  }
  return false;
}

/** Whether the point at `offset` has this y; its sign bit is not looked at. */
function hasY(bytes: Uint8Array, offset: number, y: Uint8Array): boolean {
  if ((bytes[offset + 31]! & 0x7f) !== y[31]!) return false;
  for (let i = 0; i < 31; i++) if (bytes[offset + i]! !== y[i]!) return false;
  return true;
}

/** p = 2^255 − 19, little-endian. */
const fieldPrime = Uint8Array.fromHex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");

/** L = 2^252 + 27742317777372353535851937790883648493, little-endian (RFC 8032 §5.1). */
const groupOrder = Uint8Array.fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");

/** The y of the eight points of small order, in canonical form: order 4, 1, 2, 8 and 8. */
const smallOrderY = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
].map((y) => Uint8Array.fromHex(y));
