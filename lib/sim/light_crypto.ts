/**
 * Crypto for simulations: keyed hashes of 32-bit arithmetic in place of each primitive, with the shapes
 * and the manners of the real ones. A wrong key, another message or one changed bit fails as it should;
 * what is sealed shows nothing of itself; keys and signatures have the canonical form that the codecs
 * ask for. Some microseconds become some tenths of one, and every machine gives the same bytes.
 *
 * It protects nothing: a signature is a hash under the public key, so whoever wants to can forge one.
 * What the real primitives hold against forgers is tested with the real ones.
 */

import { assert } from "../base/assert.ts";
import { compareBytes, equalBytes } from "../base/bytes.ts";
import type { Aead, Crypto, Ed25519, X25519 } from "../base/ports.ts";
import { createCrypto } from "../platform/crypto.ts";

/** Stand-ins for all primitives but SHA-256, whose digests are names: those are the platform's unless others are given. */
export function createLightCrypto(sha256: Crypto["sha256"] = createCrypto().sha256): Crypto {
  return { sha256, hmacSha256: authenticate, ed25519, x25519, aead: { seal, open } };
}

/** A digest of 32 bytes that has nothing of SHA-256 but its length and its even spread. */
export function lightDigest(...parts: readonly Uint8Array[]): Uint8Array {
  const state = new HashState(Use.digest);
  for (const part of parts) state.absorb(part);
  return state.squeeze(32);
}

function authenticate(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const state = new HashState(Use.mac).absorb(key);
  // As a block of its own, so that no byte of the key may count as one of the message.
  state.pad();
  for (const part of parts) state.absorb(part);
  return state.squeeze(32);
}

const ed25519: Ed25519 = {
  publicKey(seed) {
    assert(seed.length === 32, "a secret key has 32 bytes");
    const key = keyedHash(Use.signerKey, [seed]).squeeze(32);
    key[31]! &= 0x3f; // below the field's prime: canonical
    return key;
  },
  sign: (seed, message) => signatureOf(ed25519.publicKey(seed), message),
  verify(publicKey, message, signature) {
    return publicKey.length === 32 && equalBytes(signatureOf(publicKey, message), signature);
  },
};

function signatureOf(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  const signature = keyedHash(Use.signature, [publicKey, message]).squeeze(64);
  signature[31]! &= 0x3f; // R below the field's prime
  signature[63]! &= 0x0f; // S below the group's order
  return signature;
}

const x25519: X25519 = {
  publicKey(secretKey) {
    assert(secretKey.length === 32, "a secret key has 32 bytes");
    return keyedHash(Use.agreementKey, [secretKey]).squeeze(32);
  },
  agree(secretKey, publicKey) {
    const own = x25519.publicKey(secretKey);
    assert(publicKey.length === 32, "a public key has 32 bytes");
    if (publicKey.every((byte) => byte === 0)) return null;
    const pair = compareBytes(own, publicKey) < 0 ? [own, publicKey] : [publicKey, own];
    return keyedHash(Use.agreement, pair).squeeze(32);
  },
};

const seal: Aead["seal"] = (key, nonce, associated, plaintext) => {
  assert(key.length === 32 && nonce.length === 12, "the AEAD takes 32 bytes of key and 12 of nonce");
  const sealed = new Uint8Array(plaintext.length + tagBytes);
  sealed.set(plaintext);
  const ciphertext = sealed.subarray(0, plaintext.length);
  keyedHash(Use.keystream, [key, nonce]).squeezeOver(ciphertext);
  sealed.set(tagOf(key, nonce, associated, ciphertext), plaintext.length);
  return sealed;
};

const open: Aead["open"] = (key, nonce, associated, ciphertext) => {
  assert(key.length === 32 && nonce.length === 12, "the AEAD takes 32 bytes of key and 12 of nonce");
  const length = ciphertext.length - tagBytes;
  if (length < 0) return null;
  const tag = tagOf(key, nonce, associated, ciphertext.subarray(0, length));
  if (!equalBytes(tag, ciphertext.subarray(length))) return null;
  const plaintext = new Uint8Array(ciphertext.subarray(0, length));
  keyedHash(Use.keystream, [key, nonce]).squeezeOver(plaintext);
  return plaintext;
};

function tagOf(
  key: Uint8Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array {
  return keyedHash(Use.tag, [key, nonce, associated, ciphertext]).squeeze(tagBytes);
}

/** A state that took each part behind its length. */
function keyedHash(use: number, parts: readonly Uint8Array[]): HashState {
  const state = new HashState(use);
  for (const part of parts) {
    state.absorb(part);
    state.pad();
  }
  return state;
}

/**
 * Four words that take in one word at a time and give one at a time. For a given state each step is a
 * bijection of the word, and for a given word one of the state: two inputs of one length that differ in
 * a single word never lead to the same state.
 */
class HashState {
  #a: number;
  #b = 0x85ebca6b | 0;
  #c = 0xc2b2ae35 | 0;
  #d = 0x27d4eb2f;
  /** Bytes that do not fill a word yet, and how many bytes came since the last {@linkcode HashState.pad}. */
  #word = 0;
  #length = 0;

  /** States of different uses have nothing in common. */
  constructor(use: number) {
    this.#a = Math.imul(use, prime);
  }

  /** Takes bytes; how they are cut into parts makes no difference. */
  absorb(bytes: Uint8Array): this {
    const { length } = bytes;
    let i = 0;
    while (i < length && (this.#length & 3) !== 0) this.#take(bytes[i++]!);
    const whole = i + ((length - i) & ~3);
    this.#length += whole - i;
    for (; i < whole; i += 4) {
      this.#step(bytes[i]! | bytes[i + 1]! << 8 | bytes[i + 2]! << 16 | bytes[i + 3]! << 24);
    }
    while (i < length) this.#take(bytes[i++]!);
    return this;
  }

  /** Ends a part: what follows begins a new word. */
  pad(): void {
    this.#step(this.#word);
    this.#step(this.#length);
    this.#word = 0;
    this.#length = 0;
  }

  /** Fresh bytes. */
  squeeze(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.squeezeOver(bytes);
    return bytes;
  }

  /** Changes bytes by what {@linkcode HashState.squeeze} would give: done twice it changes nothing. */
  squeezeOver(bytes: Uint8Array): void {
    this.pad();
    for (let i = 0; i < spreadSteps; i++) this.#step(i);
    const { length } = bytes;
    const whole = length & ~3;
    let i = 0;
    for (; i < whole; i += 4) {
      const word = this.#next();
      bytes[i]! ^= word;
      bytes[i + 1]! ^= word >>> 8;
      bytes[i + 2]! ^= word >>> 16;
      bytes[i + 3]! ^= word >>> 24;
    }
    for (let word = this.#next(); i < length; i++, word >>>= 8) bytes[i]! ^= word;
  }

  #next(): number {
    this.#step(prime);
    return this.#d ^ this.#b;
  }

  #take(byte: number): void {
    this.#word |= byte << 8 * (this.#length & 3);
    if ((++this.#length & 3) !== 0) return;
    this.#step(this.#word);
    this.#word = 0;
  }

  #step(word: number): void {
    const mixed = mixedIn(this.#a, word);
    this.#a = this.#b;
    this.#b = this.#c;
    this.#c = (this.#d + mixed) | 0;
    this.#d = mixed;
  }
}

/** The final mix of MurmurHash3 (Appleby), shortened: a bijection of each argument. */
function mixedIn(a: number, word: number): number {
  let mixed = Math.imul(a ^ word, prime);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, otherPrime);
  return mixed ^ mixed >>> 13;
}

/** What a hash is for. */
const Use = {
  digest: 1,
  mac: 2,
  signerKey: 3,
  signature: 4,
  agreementKey: 5,
  agreement: 6,
  keystream: 7,
  tag: 8,
} as const;

const prime = 0x9e3779b1 | 0;
const otherPrime = 0x85ebca77 | 0;
const tagBytes = 16;

/** Steps until each bit of the input has reached all four words. */
const spreadSteps = 8;
