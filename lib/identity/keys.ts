/**
 * Which keys may be used at all. What makes an Ed25519 key and signature acceptable is decided once, in
 * `lib/wire/signature.ts`, because envelopes need it too.
 */

export {
  isCanonicalSignature,
  parsePublicKey,
  publicKeyBytes,
  signatureBytes,
  verifySignature,
} from "../wire/signature.ts";

/**
 * Whether an X25519 public key may be used: 32 bytes, and none of the points that lead every secret key
 * to zero. Non-canonical keys stay legal (RFC 7748 §5); only what was sent enters a transcript.
 */
export function isAgreementKey(bytes: Uint8Array): boolean {
  return bytes.length === 32 && !smallOrderU.some((u) => hasU(bytes, u));
}

/** Whether the key is this u; the top bit means nothing (RFC 7748 §5). */
function hasU(bytes: Uint8Array, u: Uint8Array): boolean {
  for (let i = 0; i < 31; i++) if (bytes[i] !== u[i]) return false;
  return (bytes[31]! & 0x7f) === u[31];
}

/** The u of the points of small order on curve and twist, in every form below 2^255 (cr.yp.to/ecdh.html). */
const smallOrderU = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].map((u) => Uint8Array.fromHex(u));
