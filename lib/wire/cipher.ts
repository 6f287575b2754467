/**
 * CipherState of the Noise Protocol Framework, revision 34, §5.1: a key, and a nonce that counts what
 * was sealed or opened. Bytes that do not open change nothing, so garbage cannot put the two ends out of
 * step. Both the handshake and the frames after it use it.
 */

import { assert } from "../base/assert.ts";
import type { Aead } from "../base/ports.ts";

/** Bytes that sealing adds. */
export const tagBytes: number = 16;

/** A key and its counter, for one direction. */
export class CipherState {
  readonly #aead: Aead;
  #key: Uint8Array;
  #counter = 0;

  /** Starts counting from 0 under a key of 32 bytes. */
  constructor(aead: Aead, key: Uint8Array) {
    assert(key.length === 32, "a cipher key has 32 bytes");
    this.#aead = aead;
    this.#key = key;
  }

  /** Seals and counts on. */
  seal(associated: Uint8Array, plaintext: Uint8Array): Uint8Array {
    return this.#aead.seal(this.#key, counterNonce(this.#counter++), associated, plaintext);
  }

  /** Opens and counts on, or gives `null` and stays as it was. */
  open(associated: Uint8Array, ciphertext: Uint8Array): Uint8Array | null {
    const plaintext = this.#aead.open(this.#key, counterNonce(this.#counter), associated, ciphertext);
    if (plaintext !== null) this.#counter++;
    return plaintext;
  }

  /** Moves on to the next key (§4.2, REKEY), from which the former cannot be found. The counter stays. */
  rekey(): void {
    const sealed = this.#aead.seal(this.#key, rekeyNonce, empty, zeros);
    this.#key = sealed.slice(0, 32);
  }

  /** A state that goes its own way from here. */
  clone(): CipherState {
    const copy = new CipherState(this.#aead, this.#key);
    copy.#counter = this.#counter;
    return copy;
  }
}

/** 32 bits of zeros and the counter in 64 bits, little-endian (§12.3). */
function counterNonce(counter: number): Uint8Array {
  assert(counter < Number.MAX_SAFE_INTEGER, "a key ends long before its counter");
  const nonce = new Uint8Array(12);
  for (let i = 4, rest = counter; rest > 0; i++, rest = Math.floor(rest / 256)) nonce[i] = rest % 256;
  return nonce;
}

const empty = new Uint8Array();
const zeros = new Uint8Array(32);

/** Counter 2^64 − 1, which no message uses. */
const rekeyNonce = new Uint8Array(12).fill(0xff, 4);
