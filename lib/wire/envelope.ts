/**
 * Envelopes: the one form of signed things. A version byte, then an untagged COSE_Sign1 (RFC 9052
 * §4.2) with `alg` −19 (Ed25519, RFC 9864) in the protected header and nothing in the other. Purpose
 * and scope are signed as external data and do not travel.
 *
 * As the headers are fixed, the layout is too, and is compared byte by byte instead of decoded:
 *
 * | bytes | what |
 * | --- | --- |
 * | `01` | version |
 * | `84` | array of four |
 * | `43 a1 01 32` | protected header: {1: −19} |
 * | `a0` | empty unprotected header |
 * | `40`… | payload, a byte string with its length in the shortest form |
 * | `58 40`, 64 bytes | signature |
 *
 * The payload is read first to learn the key, and believed only once {@linkcode verifyEnvelope} holds.
 */

import { assert } from "../base/assert.ts";
import { concat } from "../base/bytes.ts";
import type { Crypto } from "../base/ports.ts";
import { encode } from "./codec.ts";
import type { Purpose } from "./purposes.ts";
import { isCanonicalSignature, signatureBytes, verifySignature } from "./signature.ts";

/** Signs with a key that it keeps to itself. */
export interface Signer {
  /** The Ed25519 key under which the signatures hold. */
  readonly publicKey: Uint8Array;
  /** The signature over the message. */
  sign(message: Uint8Array): Uint8Array;
}

/** The two parts of an envelope, as views of its bytes. Nothing is verified yet. */
export interface Envelope {
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** Why bytes are no envelope. */
export type EnvelopeRejection = "unknown_version" | "not_an_envelope";

/** An envelope's parts, or why there are none. */
export type OpenedEnvelope =
  | { readonly ok: true; readonly payload: Uint8Array; readonly signature: Uint8Array }
  | { readonly ok: false; readonly reason: EnvelopeRejection };

/**
 * Signs a payload for one purpose within one scope. It is not verified again here, which would cost
 * twice what signing does; the port is taken so that an implementation may.
 */
export function sealEnvelope(
  _crypto: Crypto,
  signer: Signer,
  purpose: Purpose,
  scope: Uint8Array,
  payload: Uint8Array,
): Uint8Array {
  const signature = signer.sign(signedMessage(purpose, scope, payload));
  assert(isCanonicalSignature(signature), "a signer returns a signature that others take");
  return concat(layoutStart, bytesHead(payload.length), payload, layoutSignature, signature);
}

/** Takes an envelope apart, judging its form alone. */
export function openEnvelope(bytes: Uint8Array): OpenedEnvelope {
  if (bytes[0] !== envelopeVersion) return { ok: false, reason: "unknown_version" };
  if (!holdsAt(bytes, 0, layoutStart)) return notAnEnvelope;
  const signatureStart = bytes.length - signatureBytes;
  const payloadEnd = signatureStart - layoutSignature.length;
  const headLength = bytesHeadLength(payloadEnd - layoutStart.length);
  if (headLength === null) return notAnEnvelope;
  const payloadStart = layoutStart.length + headLength;
  if (!holdsAt(bytes, layoutStart.length, bytesHead(payloadEnd - payloadStart))) return notAnEnvelope;
  if (!holdsAt(bytes, payloadEnd, layoutSignature)) return notAnEnvelope;
  return {
    ok: true,
    payload: bytes.subarray(payloadStart, payloadEnd),
    signature: bytes.subarray(signatureStart),
  };
}

/** Whether an opened envelope was signed with this key, for this purpose, within this scope. */
export function verifyEnvelope(
  crypto: Crypto,
  envelope: Envelope,
  purpose: Purpose,
  scope: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  return verifySignature(
    crypto,
    publicKey,
    signedMessage(purpose, scope, envelope.payload),
    envelope.signature,
  );
}

/** Sig_structure of RFC 9052 §4.4. */
function signedMessage(purpose: Purpose, scope: Uint8Array, payload: Uint8Array): Uint8Array {
  const external = encode([purpose, scope]);
  return concat(messageStart, bytesHead(external.length), external, bytesHead(payload.length), payload);
}

/** How long the head is of the one byte string that fills `length` bytes with it, if there is one. */
function bytesHeadLength(length: number): number | null {
  for (const headLength of [1, 2, 3, 5]) {
    if (length >= headLength && bytesHead(length - headLength).length === headLength) return headLength;
  }
  return null;
}

/** Type and length of a byte string, in the shortest form. */
function bytesHead(length: number): Uint8Array {
  if (length < 24) return Uint8Array.of(0x40 | length);
  if (length < 2 ** 8) return Uint8Array.of(0x58, length);
  if (length < 2 ** 16) return Uint8Array.of(0x59, length >>> 8, length & 255);
  return Uint8Array.of(0x5a, length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255);
}

function holdsAt(bytes: Uint8Array, offset: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[offset + i] !== expected[i]) return false;
  return true;
}

const envelopeVersion = 0x01;
const protectedHeader = [0x43, 0xa1, 0x01, 0x32];
const layoutStart = Uint8Array.of(envelopeVersion, 0x84, ...protectedHeader, 0xa0);
const layoutSignature = Uint8Array.of(0x58, signatureBytes);

/** `["Signature1", protected header,` … */
const messageStart = Uint8Array.of(0x84, 0x6a, ...new TextEncoder().encode("Signature1"), ...protectedHeader);

const notAnEnvelope = { ok: false, reason: "not_an_envelope" } as const;
