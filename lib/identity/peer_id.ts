/**
 * Peer ids: the text of an identity's public key. 56 letters of base 32: the key, two bytes of checksum so
 * that a mistyped id is noticed, and a version byte.
 */

import { base32, fromBase32 } from "../base/base32.ts";
import { concat, equalBytes, utf8 } from "../base/bytes.ts";
import type { Crypto } from "../base/ports.ts";
import { parsePublicKey, publicKeyBytes } from "./keys.ts";

/** Letters of a peer id. */
export const peerIdLetters: number = 56;

/** The peer id of a public key. */
export function peerIdText(crypto: Crypto, publicKey: Uint8Array): string {
  return base32(concat(publicKey, checksum(crypto, publicKey), version));
}

/** The public key of a peer id, or `null` if the text is none, was altered, or holds an unsafe key. */
export function parsePeerId(crypto: Crypto, text: string): Uint8Array | null {
  if (text.length !== peerIdLetters) return null;
  const bytes = fromBase32(text);
  if (bytes === null || bytes.at(-1) !== version[0]) return null;
  const publicKey = parsePublicKey(bytes.subarray(0, publicKeyBytes));
  if (publicKey === null) return null;
  return equalBytes(bytes.subarray(publicKeyBytes, -1), checksum(crypto, publicKey)) ? publicKey : null;
}

function checksum(crypto: Crypto, publicKey: Uint8Array): Uint8Array {
  return crypto.sha256(utf8("kith/peer-id"), publicKey, version).subarray(0, 2);
}

const version = Uint8Array.of(1);
