/**
 * Datagrams of a cloud, in clear and sealed.
 *
 * | type | bytes after version and type | sent |
 * | --- | --- | --- |
 * | hello | sender key 32, nonce 16, zeros up to 96 in all | to an address, to learn its key |
 * | key | nonce 16, key 32, token 16 | as the answer |
 * | token | nonce 12, token 16 | as the answer to a request without a good token |
 * | request | sender key 32, token 16, nonce 12, ciphertext | |
 * | response | the same; the token is one for the receiver's next request | as the answer |
 *
 * A token is a MAC over the address and the key of who gets it, so whoever shows it receives what is
 * sent to that address. Before it was shown, answers are no longer than what they answer and cost no
 * public-key work (T1); a type that answers is itself never answered (T2).
 */

import { packAddress } from "../base/address.ts";
import { hkdf } from "../base/hkdf.ts";
import { BoundedMap } from "../base/bounded.ts";
import { concat, equalSecrets, hex, utf8 } from "../base/bytes.ts";
import type { Address, Crypto, Random } from "../base/ports.ts";
import { datagramBytesMax } from "../wire/limits.ts";
import { pairKeysMax, tokenSecretMs } from "./limits.ts";

/** Types of datagrams. The numbers are on the wire and never change their meaning. */
export const PacketType = { hello: 1, key: 2, token: 3, request: 4, response: 5 } as const;

/** Asks an address for its key. */
export interface HelloPacket {
  readonly type: typeof PacketType.hello;
  readonly sender: Uint8Array;
  readonly nonce: Uint8Array;
}

/** Tells the key behind an address, and a token for who asked. */
export interface KeyPacket {
  readonly type: typeof PacketType.key;
  /** The hello's. */
  readonly nonce: Uint8Array;
  readonly sender: Uint8Array;
  readonly token: Uint8Array;
}

/** Gives a token to who sent a request without a good one. */
export interface TokenPacket {
  readonly type: typeof PacketType.token;
  /** The request's. */
  readonly nonce: Uint8Array;
  readonly token: Uint8Array;
}

/** Carries one message under the key of one direction of a pair. */
export interface SealedPacket {
  readonly type: typeof PacketType.request | typeof PacketType.response;
  readonly sender: Uint8Array;
  readonly token: Uint8Array;
  readonly nonce: Uint8Array;
  /** Everything before the ciphertext: authenticated with it. */
  readonly header: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** A datagram by its clear part. */
export type Packet = HelloPacket | KeyPacket | TokenPacket | SealedPacket;

/** Why bytes are no datagram of Kith. */
export type PacketRejection = "wrong_size" | "unknown_version" | "unknown_type" | "not_padded";

/** A datagram, or why there is none. */
export type OpenedPacket =
  | { readonly ok: true; readonly packet: Packet }
  | { readonly ok: false; readonly reason: PacketRejection };

/** Bytes of plaintext that a sealed datagram carries. */
export const plaintextBytesMax: number = datagramBytesMax - 78;

/** Reads the clear part of a datagram. Nothing in it is believed yet. */
export function openPacket(bytes: Uint8Array): OpenedPacket {
  if (bytes.length < tokenBytes || bytes.length > datagramBytesMax) return wrongSize;
  if (bytes[0] !== version) return { ok: false, reason: "unknown_version" };
  switch (bytes[1]) {
    case PacketType.hello:
      return openHello(bytes);
    case PacketType.key:
      return bytes.length === keyBytes ? { ok: true, packet: openKey(bytes) } : wrongSize;
    case PacketType.token:
      return bytes.length === tokenBytes ? { ok: true, packet: openToken(bytes) } : wrongSize;
    case PacketType.request:
    case PacketType.response:
      return bytes.length > headerBytes + tagBytes
        ? { ok: true, packet: openSealed(bytes, bytes[1] as SealedPacket["type"]) }
        : wrongSize;
    default:
      return { ok: false, reason: "unknown_type" };
  }
}

/** A hello. It is padded so that its answer is shorter than itself. */
export function helloPacket(sender: Uint8Array, nonce: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(helloBytes);
  bytes.set([version, PacketType.hello]);
  bytes.set(sender, 2);
  bytes.set(nonce, 34);
  return bytes;
}

/** The answer to a hello. */
export function keyPacket(nonce: Uint8Array, key: Uint8Array, token: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(version, PacketType.key), nonce, key, token);
}

/** The answer to a request without a good token. */
export function tokenPacket(nonce: Uint8Array, token: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(version, PacketType.token), nonce, token);
}

/** A request or response around a message. */
export function sealPacket(
  crypto: Crypto,
  type: SealedPacket["type"],
  sender: Uint8Array,
  token: Uint8Array,
  nonce: Uint8Array,
  sendKey: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  const header = concat(Uint8Array.of(version, type), sender, token, nonce);
  return concat(header, crypto.aead.seal(sendKey, nonce, header, plaintext));
}

/** Random bytes of a hello's nonce. */
export const helloNonceBytes: number = 16;

/** Random bytes of a sealed packet's nonce: enough for 2^32 packets under one key. */
export const packetNonceBytes: number = 12;

/** The token of who has none. */
export const noToken: Uint8Array = new Uint8Array(16);

/** Gives and judges tokens. */
export class Tokens {
  readonly #crypto: Crypto;
  readonly #random: Random;
  #period = -1;
  #secret: Uint8Array = noToken;
  #secretBefore: Uint8Array | null = null;

  constructor(crypto: Crypto, random: Random) {
    this.#crypto = crypto;
    this.#random = random;
  }

  /** A token for who sends from `address` with `key`. */
  give(address: Address, key: Uint8Array, nowMs: number): Uint8Array {
    this.#turn(nowMs);
    return this.#mac(this.#secret, address, key);
  }

  /**
   * The token to give in return for a good one, which is itself as long as its secret is the present
   * one; `null` if it was not given to this address and key, or not in the present or the last period.
   */
  renewed(token: Uint8Array, address: Address, key: Uint8Array, nowMs: number): Uint8Array | null {
    this.#turn(nowMs);
    const present = this.#mac(this.#secret, address, key);
    if (equalSecrets(token, present)) return present;
    const before = this.#secretBefore && this.#mac(this.#secretBefore, address, key);
    return before !== null && equalSecrets(token, before) ? present : null;
  }

  #turn(nowMs: number): void {
    const period = Math.floor(nowMs / tokenSecretMs);
    if (period === this.#period) return;
    this.#secretBefore = period === this.#period + 1 && this.#period >= 0 ? this.#secret : null;
    this.#secret = this.#random.bytes(32);
    this.#period = period;
  }

  #mac(secret: Uint8Array, address: Address, key: Uint8Array): Uint8Array {
    return this.#crypto.hmacSha256(secret, packAddress(address), key).slice(0, 16);
  }
}

/** The keys of a pair of contacts, one for each direction. */
export interface PairKeys {
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
}

/** Key agreements with contacts of one cloud, remembered up to a bound. */
export class PairKeyCache {
  readonly #crypto: Crypto;
  readonly #cloud: Uint8Array;
  readonly #secretKey: Uint8Array;
  readonly #key: Uint8Array;
  readonly #pairs = new BoundedMap<string, PairKeys | null>(pairKeysMax);
  /** Agreements computed so far: what public-key work was done. */
  agreements = 0;

  constructor(crypto: Crypto, cloud: Uint8Array, secretKey: Uint8Array) {
    this.#crypto = crypto;
    this.#cloud = cloud;
    this.#secretKey = secretKey;
    this.#key = crypto.x25519.publicKey(secretKey);
  }

  /** The keys shared with the holder of `key`, or `null` if it is no usable key. */
  with(key: Uint8Array): PairKeys | null {
    const known = this.#pairs.get(hex(key));
    if (known !== undefined) return known;
    const pair = this.#agree(key);
    this.#pairs.set(hex(key), pair); // a key that is none too: to find that out costs as much
    return pair;
  }

  #agree(key: Uint8Array): PairKeys | null {
    this.agreements++;
    const secret = this.#crypto.x25519.agree(this.#secretKey, key);
    return secret && {
      sendKey: this.#derive(secret, this.#key, key),
      receiveKey: this.#derive(secret, key, this.#key),
    };
  }

  #derive(secret: Uint8Array, from: Uint8Array, to: Uint8Array): Uint8Array {
    const info = concat(utf8("kith/datagram/1"), this.#cloud, from, to);
    return hkdf(this.#crypto, secret, new Uint8Array(0), info, 32);
  }
}

function openHello(bytes: Uint8Array): OpenedPacket {
  if (bytes.length !== helloBytes) return wrongSize;
  for (let i = 50; i < helloBytes; i++) if (bytes[i] !== 0) return { ok: false, reason: "not_padded" };
  const packet = { type: PacketType.hello, sender: bytes.slice(2, 34), nonce: bytes.slice(34, 50) };
  return { ok: true, packet };
}

function openKey(bytes: Uint8Array): KeyPacket {
  return {
    type: PacketType.key,
    nonce: bytes.slice(2, 18),
    sender: bytes.slice(18, 50),
    token: bytes.slice(50, 66),
  };
}

function openToken(bytes: Uint8Array): TokenPacket {
  return { type: PacketType.token, nonce: bytes.slice(2, 14), token: bytes.slice(14, 30) };
}

function openSealed(bytes: Uint8Array, type: SealedPacket["type"]): SealedPacket {
  return {
    type,
    sender: bytes.slice(2, 34),
    token: bytes.slice(34, 50),
    nonce: bytes.slice(50, 62),
    header: bytes.subarray(0, headerBytes),
    ciphertext: bytes.subarray(headerBytes),
  };
}

const version = 1;
const helloBytes = 96;
const keyBytes = 66;
const tokenBytes = 30;
const headerBytes = 62;
const tagBytes = 16;
const wrongSize = { ok: false, reason: "wrong_size" } as const;
