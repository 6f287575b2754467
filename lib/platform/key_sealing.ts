/**
 * Bytes sealed by a passphrase: the key file and the export of an identity.
 *
 * Form 1: version, log2 of scrypt's N, r, p (a byte each) ‖ 16 bytes of salt ‖ 12 of nonce ‖ 16 that
 * show whether the passphrase is right ‖ ChaCha20-Poly1305 ciphertext ‖ 8 of SHA-256 over all before.
 * scrypt (RFC 7914) yields the AEAD key and the 16 bytes; everything before the ciphertext is
 * authenticated. The closing bytes are no protection: they tell a file that rotted from a wrong
 * passphrase, and spare the half second.
 */

import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, createHash, scrypt } from "node:crypto";
import { concat, equalBytes, equalSecrets, utf8 } from "../base/bytes.ts";
import { PeerError } from "../base/errors.ts";
import type { Random } from "../base/ports.ts";
import { sealBlockSize, sealCostLog2, sealCostLog2Max, sealParallelism } from "./limits.ts";
import { createRandom } from "./random.ts";

/** Seals bytes so that only the passphrase opens them. Takes about half a second and 128 MiB. */
export async function sealWithPassphrase(
  bytes: Uint8Array,
  passphrase: string,
  random: Random = createRandom(),
): Promise<Uint8Array> {
  const cost = Uint8Array.of(formatVersion, sealCostLog2, sealBlockSize, sealParallelism);
  const salt = random.bytes(saltBytes);
  const nonce = random.bytes(nonceBytes);
  const { key, check } = await deriveKey(passphrase, salt, sealCostLog2);
  const head = concat(cost, salt, nonce, check);
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(head), { plaintextLength: bytes.length });
  const sealed = concat(head, cipher.update(bytes), cipher.final(), cipher.getAuthTag());
  return concat(sealed, checksum(sealed));
}

/** Opens what {@linkcode sealWithPassphrase} sealed; fails with `bad_passphrase` or `keys_damaged`. */
export async function openWithPassphrase(sealed: Uint8Array, passphrase: string): Promise<Uint8Array> {
  const end = sealed.length - checksumBytes;
  const isWhole = end >= headBytes + tagBytes &&
    equalBytes(sealed.subarray(end), checksum(sealed.subarray(0, end)));
  if (!isWhole || !isKnownForm(sealed)) throw damagedError();
  const head = sealed.subarray(0, headBytes);
  const salt = head.subarray(costBytes, costBytes + saltBytes);
  const nonce = head.subarray(costBytes + saltBytes, headBytes - checkBytes);
  const { key, check } = await deriveKey(passphrase, salt, head[1]!);
  if (!equalSecrets(check, head.subarray(headBytes - checkBytes))) {
    throw new PeerError(
      "bad_passphrase",
      "Cannot open the keys: the passphrase is not the one they were sealed with",
    );
  }
  return openBody(key, nonce, head, sealed.subarray(headBytes, end));
}

function openBody(key: Uint8Array, nonce: Uint8Array, head: Uint8Array, body: Uint8Array): Uint8Array {
  const textLength = body.length - tagBytes;
  const decipher = createDecipheriv("chacha20-poly1305", key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(head), { plaintextLength: textLength });
  decipher.setAuthTag(Buffer.from(body.subarray(textLength)));
  try {
    return concat(decipher.update(body.subarray(0, textLength)), decipher.final());
  } catch (error) {
    throw damagedError(error);
  }
}

/** Costs are bounded before any work is done: the file may come from somebody else. */
function isKnownForm(sealed: Uint8Array): boolean {
  const [version, costLog2, blockSize, parallelism] = sealed;
  return version === formatVersion && costLog2! >= costLog2Min && costLog2! <= sealCostLog2Max &&
    blockSize === sealBlockSize && parallelism === sealParallelism;
}

function deriveKey(
  passphrase: string,
  salt: Uint8Array,
  costLog2: number,
): Promise<{ key: Uint8Array; check: Uint8Array }> {
  const cost = 2 ** costLog2;
  const options = { N: cost, r: sealBlockSize, p: sealParallelism, maxmem: 2 * 128 * sealBlockSize * cost };
  return new Promise((resolve, reject) => {
    // The same passphrase typed on another keyboard may be composed otherwise.
    scrypt(utf8(passphrase.normalize("NFC")), salt, keyBytes + checkBytes, options, (error, derived) => {
      if (error !== null || derived === undefined) return reject(error);
      resolve({ key: derived.subarray(0, keyBytes), check: derived.subarray(keyBytes) });
    });
  });
}

function checksum(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest().subarray(0, checksumBytes);
}

function damagedError(cause?: unknown): PeerError {
  const message =
    "Cannot open the keys: they are not what Kith sealed, or were altered; restore them from a backup";
  return new PeerError("keys_damaged", message, { cause });
}

const formatVersion = 1;
const costBytes = 4;
const saltBytes = 16;
const nonceBytes = 12;
const keyBytes = 32;
const checkBytes = 16;
const tagBytes = 16;
const checksumBytes = 8;
const headBytes = costBytes + saltBytes + nonceBytes + checkBytes;

/** Below this a passphrase would be cheap to guess; nothing of ours was sealed so. */
const costLog2Min = 14;
