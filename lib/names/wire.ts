/**
 * How what a cloud machine says becomes datagrams, and back: its codec, the keys that it shares with
 * other contacts, and the tokens that it gives. The machine itself speaks in messages.
 */

import { packAddress } from "../base/address.ts";
import type { Address, Crypto, Random } from "../base/ports.ts";
import { packHint } from "./contact.ts";
import {
  type OpenedPacket,
  openPacket,
  PacketType,
  PairKeyCache,
  type SealedPacket,
  sealPacket,
  Tokens,
} from "./datagram.ts";
import {
  type DecodedMessage,
  decodeRequest,
  decodeResponse,
  encodeFound,
  encodeRequest,
  encodeResponse,
  type Message,
  type MessageRejection,
  type RequestBody,
  type ResponseBody,
} from "./messages.ts";
import { type OpenedRegistration, openRegistration } from "./registration.ts";

/** To whom a message is sealed, and what goes along in clear. */
export interface Seal {
  /** The receiver's contact key. */
  readonly to: Uint8Array;
  readonly token: Uint8Array;
  /** `packetNonceBytes` fresh bytes. */
  readonly nonce: Uint8Array;
}

/** A message that was sealed for this contact, or why there is none. */
export type OpenedMessage<B> =
  | { readonly ok: true; readonly message: Message<B> }
  | { readonly ok: false; readonly reason: MessageRejection | "not_authentic" };

/**
 * What a cloud machine sends and receives through. {@linkcode SealedWire} is the product's; a simulation
 * may carry messages by reference, as long as the machine cannot tell.
 */
export interface CloudWire {
  /** Reads the clear part of a datagram. Nothing in it is believed yet. */
  read(bytes: Uint8Array): OpenedPacket;
  /** A request as a datagram; `null` if the receiver's key is none. */
  sealRequest(seal: Seal, message: Message<RequestBody>): Uint8Array | null;
  /** A response as a datagram; `null` if the receiver's key is none. */
  sealResponse(seal: Seal, message: Message<ResponseBody>): Uint8Array | null;
  /** The request in a packet, once it is shown to come from its sender. */
  openRequest(packet: SealedPacket): OpenedMessage<RequestBody>;
  /** The response in a packet, once it is shown to come from its sender. */
  openResponse(packet: SealedPacket): OpenedMessage<ResponseBody>;
  /** A token for who sends from `address` with `key`. */
  giveToken(address: Address, key: Uint8Array, nowMs: number): Uint8Array;
  /** The token to give in return for a good one; `null` if it is not good, see {@linkcode Tokens.renewed}. */
  renewToken(token: Uint8Array, address: Address, key: Uint8Array, nowMs: number): Uint8Array | null;
  /** Takes a registration apart and judges everything about it but its signature and time. */
  openRegistration(bytes: Uint8Array): OpenedRegistration;
  /** Key agreements computed so far: what public-key work was done. */
  readonly agreements: number;
}

/** What a wire is made with. */
export interface CloudWireConfig {
  readonly crypto: Crypto;
  readonly random: Random;
  /** The cloud's id. */
  readonly cloud: Uint8Array;
  /** This contact's keys. */
  readonly key: Uint8Array;
  readonly secretKey: Uint8Array;
}

/** Messages in CBOR, sealed for the two contacts of a pair. */
export class SealedWire implements CloudWire {
  readonly #config: CloudWireConfig;
  readonly #pairs: PairKeyCache;
  readonly #tokens: Tokens;

  constructor(config: CloudWireConfig) {
    this.#config = config;
    this.#pairs = new PairKeyCache(config.crypto, config.cloud, config.secretKey);
    this.#tokens = new Tokens(config.crypto, config.random);
  }

  read(bytes: Uint8Array): OpenedPacket {
    return openPacket(bytes);
  }

  sealRequest(seal: Seal, message: Message<RequestBody>): Uint8Array | null {
    return this.#seal(PacketType.request, seal, encodeRequest(message));
  }

  sealResponse(seal: Seal, { id, body }: Message<ResponseBody>): Uint8Array | null {
    return this.#seal(
      PacketType.response,
      seal,
      body.kind === "found" ? packFound(id, body) : encodeResponse({ id, body }),
    );
  }

  openRequest(packet: SealedPacket): OpenedMessage<RequestBody> {
    return this.#open(packet, decodeRequest);
  }

  openResponse(packet: SealedPacket): OpenedMessage<ResponseBody> {
    return this.#open(packet, decodeResponse);
  }

  giveToken(address: Address, key: Uint8Array, nowMs: number): Uint8Array {
    return this.#tokens.give(address, key, nowMs);
  }

  renewToken(token: Uint8Array, address: Address, key: Uint8Array, nowMs: number): Uint8Array | null {
    return this.#tokens.renewed(token, address, key, nowMs);
  }

  openRegistration(bytes: Uint8Array): OpenedRegistration {
    return openRegistration(this.#config.crypto, this.#config.cloud, bytes);
  }

  get agreements(): number {
    return this.#pairs.agreements;
  }

  #seal(type: SealedPacket["type"], { to, token, nonce }: Seal, plaintext: Uint8Array): Uint8Array | null {
    const keys = this.#pairs.with(to);
    if (keys === null) return null;
    const { crypto, key } = this.#config;
    return sealPacket(crypto, type, key, token, nonce, keys.sendKey, plaintext);
  }

  #open<B>(packet: SealedPacket, decode: (plaintext: Uint8Array) => DecodedMessage<B>): OpenedMessage<B> {
    const { sender, nonce, header, ciphertext } = packet;
    const keys = this.#pairs.with(sender);
    const plaintext = keys && this.#config.crypto.aead.open(keys.receiveKey, nonce, header, ciphertext);
    return plaintext === null ? notAuthentic : decode(plaintext);
  }
}

function packFound(id: Uint8Array, body: Extract<ResponseBody, { kind: "found" }>): Uint8Array {
  const values = body.values.map(({ registration, from }) =>
    [registration, from === null ? noAddress : packAddress(from)] as const
  );
  return encodeFound(id, body.hints.map(packHint), values, body.total);
}

const noAddress = new Uint8Array(0);
const notAuthentic = { ok: false, reason: "not_authentic" } as const;
