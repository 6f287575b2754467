/**
 * Link proofs: an identity states that the static key of a link is its own. The statement travels as a
 * payload inside the handshake, so nobody outside sees who meets; the static key is signed as the
 * scope as well, so a proof holds for one static key alone.
 */

import { equalBytes } from "../base/bytes.ts";
import type { Crypto } from "../base/ports.ts";
import { decode, encode, isArray, isBytes, isUint } from "../wire/codec.ts";
import { openEnvelope, sealEnvelope, type Signer, verifyEnvelope } from "../wire/envelope.ts";
import { Purpose } from "../wire/purposes.ts";
import { parsePublicKey } from "./keys.ts";

/** Why a link proof was refused. */
export type LinkProofRejection = "malformed" | "bad_key" | "other_static_key" | "bad_signature";

/** Whom a static key belongs to, or why that is not shown. */
export type CheckedLinkProof =
  | { readonly ok: true; readonly identityKey: Uint8Array; readonly issuedMs: number }
  | { readonly ok: false; readonly reason: LinkProofRejection };

/** States that `staticKey` (X25519, public) belongs to the signer, as of `atMs` by the wall clock. */
export function createLinkProof(
  crypto: Crypto,
  signer: Signer,
  staticKey: Uint8Array,
  atMs: number,
): Uint8Array {
  const payload = encode([linkProofVersion, signer.publicKey, staticKey, atMs]);
  return sealEnvelope(crypto, signer, Purpose.handshake, staticKey, payload);
}

/** The identity behind the static key that the handshake has shown. */
export function checkLinkProof(crypto: Crypto, bytes: Uint8Array, staticKey: Uint8Array): CheckedLinkProof {
  const envelope = openEnvelope(bytes);
  if (!envelope.ok) return refused("malformed");
  const decoded = decode(envelope.payload, { bytesMax: linkProofPayloadBytesMax });
  if (!decoded.ok || !isArray(decoded.value, 4)) return refused("malformed");
  const [version, key, provenKey, issuedMs] = decoded.value;
  if (version !== linkProofVersion) return refused("malformed");
  if (!isBytes(key, 32) || !isBytes(provenKey, 32) || !isUint(issuedMs)) return refused("malformed");
  const identityKey = parsePublicKey(key);
  if (identityKey === null) return refused("bad_key");
  if (!equalBytes(provenKey, staticKey)) return refused("other_static_key");
  if (!verifyEnvelope(crypto, envelope, Purpose.handshake, staticKey, identityKey)) {
    return refused("bad_signature");
  }
  return { ok: true, identityKey, issuedMs };
}

function refused(reason: LinkProofRejection): CheckedLinkProof {
  return { ok: false, reason };
}

const linkProofVersion = 1;

/** Two keys, a version and a time: 79 bytes. */
const linkProofPayloadBytesMax = 96;
