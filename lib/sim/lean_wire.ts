/**
 * Messages of cloud machines by reference: no CBOR, no key agreement, no cipher and no MAC. What travels is
 * as long as the true datagram and stands for the message itself. The machine and its rules are the same;
 * what hostile bytes meet is not there, and is tested with the true wire.
 */

import { packedAddressBytes } from "../base/address.ts";
import { equalBytes } from "../base/bytes.ts";
import type { Address, Random } from "../base/ports.ts";
import { packedHintBytes } from "../names/contact.ts";
import { type OpenedPacket, openPacket, PacketType, type SealedPacket } from "../names/datagram.ts";
import { tokenSecretMs } from "../names/limits.ts";
import type { Message, RequestBody, ResponseBody } from "../names/messages.ts";
import { type OpenedRegistration, openRegistration } from "../names/registration.ts";
import { datagramBytesMax } from "../wire/limits.ts";
import type { CloudWire, CloudWireConfig, OpenedMessage, Seal } from "../names/wire.ts";

/** Registrations that were taken apart, by their bytes: all machines of a cloud share what came of it. */
export type LeanRegistrations = WeakMap<Uint8Array, OpenedRegistration>;

/** The wire of one machine. */
export class LeanWire implements CloudWire {
  readonly agreements: number = 0;
  readonly #config: CloudWireConfig;
  readonly #registrations: LeanRegistrations;
  readonly #tokens: LeanTokens;

  constructor(config: CloudWireConfig, registrations: LeanRegistrations) {
    this.#config = config;
    this.#registrations = registrations;
    this.#tokens = new LeanTokens(config.random);
  }

  read(bytes: Uint8Array): OpenedPacket {
    return bytes instanceof Parcel ? { ok: true, packet: bytes.packet } : openPacket(bytes);
  }

  sealRequest(seal: Seal, message: Message<RequestBody>): Uint8Array {
    const packet = new LeanPacket(PacketType.request, this.#config.key, seal, message);
    return new Parcel(packet, requestBytes(message.body));
  }

  sealResponse(seal: Seal, message: Message<ResponseBody>): Uint8Array {
    const packet = new LeanPacket(PacketType.response, this.#config.key, seal, message);
    return new Parcel(packet, responseBytes(message.body));
  }

  openRequest(packet: SealedPacket): OpenedMessage<RequestBody> {
    return this.#open(packet);
  }

  openResponse(packet: SealedPacket): OpenedMessage<ResponseBody> {
    return this.#open(packet);
  }

  giveToken(_address: Address, _key: Uint8Array, nowMs: number): Uint8Array {
    return this.#tokens.give(nowMs);
  }

  renewToken(token: Uint8Array, _address: Address, _key: Uint8Array, nowMs: number): Uint8Array | null {
    return this.#tokens.renewed(token, nowMs);
  }

  openRegistration(bytes: Uint8Array): OpenedRegistration {
    const known = this.#registrations.get(bytes);
    if (known !== undefined) return known;
    const opened = openRegistration(this.#config.crypto, this.#config.cloud, bytes);
    this.#registrations.set(bytes, opened);
    return opened;
  }

  #open<B>(packet: SealedPacket): OpenedMessage<B> {
    if (!(packet instanceof LeanPacket) || !equalBytes(packet.to, this.#config.key)) return notAuthentic;
    return { ok: true, message: packet.message as Message<B> };
  }
}

/** Tokens that hold for everybody: one a period, under the rules of time of the true ones. */
class LeanTokens {
  readonly #random: Random;
  #period = -1;
  #token: Uint8Array | null = null;
  #tokenBefore: Uint8Array | null = null;

  constructor(random: Random) {
    this.#random = random;
  }

  give(nowMs: number): Uint8Array {
    const period = Math.floor(nowMs / tokenSecretMs);
    if (period !== this.#period) {
      this.#tokenBefore = period === this.#period + 1 ? this.#token : null;
      // As many bytes as the true secret, so that both draw alike.
      this.#token = this.#random.bytes(32).subarray(0, 16);
      this.#period = period;
    }
    return this.#token!;
  }

  renewed(token: Uint8Array, nowMs: number): Uint8Array | null {
    const present = this.give(nowMs);
    if (equalBytes(token, present)) return present;
    return this.#tokenBefore !== null && equalBytes(token, this.#tokenBefore) ? present : null;
  }
}

/** A sealed packet that carries its message. */
class LeanPacket implements SealedPacket {
  readonly type: SealedPacket["type"];
  readonly sender: Uint8Array;
  readonly token: Uint8Array;
  readonly nonce: Uint8Array;
  readonly header: Uint8Array = nothing;
  readonly ciphertext: Uint8Array = nothing;
  readonly to: Uint8Array;
  readonly message: Message<RequestBody | ResponseBody>;

  constructor(
    type: SealedPacket["type"],
    sender: Uint8Array,
    { to, token, nonce }: Seal,
    message: Message<RequestBody | ResponseBody>,
  ) {
    this.type = type;
    this.sender = sender;
    this.token = token;
    this.nonce = nonce;
    this.to = to;
    this.message = message;
  }
}

/** Zeros in place of a datagram, of its length, and the packet that they stand for. */
class Parcel extends Uint8Array {
  readonly packet: LeanPacket;

  constructor(packet: LeanPacket, plaintextBytes: number) {
    super(zeros, 0, sealBytes + plaintextBytes);
    this.packet = packet;
  }

  /** A copy is bytes and nothing more. */
  static get [Symbol.species](): Uint8ArrayConstructor {
    return Uint8Array;
  }
}

/** Bytes of a request in CBOR. */
function requestBytes(body: RequestBody): number {
  switch (body.kind) {
    case "ping":
      return headBytes;
    case "find":
      return headBytes + stringBytes(32) + (body.offset === null ? 1 : uintBytes(body.offset));
    case "store":
      return headBytes + stringBytes(body.registration.length);
    case "inquire":
      return headBytes + stringBytes(32) + uintBytes(body.part);
  }
}

/** Bytes of a response in CBOR. */
function responseBytes(body: ResponseBody): number {
  switch (body.kind) {
    case "pong":
      return headBytes;
    case "found":
      return headBytes + foundBytes(body);
    case "stored":
      return headBytes + uintBytes(body.verdict);
    case "answer":
      return headBytes + optionalBytes(body.registration) + optionalBytes(body.bytes);
  }
}

function foundBytes({ hints, values, total }: Extract<ResponseBody, { kind: "found" }>): number {
  let bytes = uintBytes(hints.length) + uintBytes(values.length) + uintBytes(total);
  for (const hint of hints) bytes += stringBytes(packedHintBytes(hint));
  for (const { registration, from } of values) {
    bytes += 1 + stringBytes(registration.length) + stringBytes(from === null ? 0 : packedAddressBytes(from));
  }
  return bytes;
}

function optionalBytes(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : stringBytes(bytes.length);
}

/** Bytes of a byte string with its head. */
function stringBytes(length: number): number {
  return uintBytes(length) + length;
}

/** Bytes of a number, or of the head of a list or string of that length. */
function uintBytes(value: number): number {
  return value < 24 ? 1 : value < 256 ? 2 : 3;
}

/** Array head, type and id. */
const headBytes = 1 + 1 + 17;

/** What sealing adds: version, type, sender, token, nonce and tag. */
const sealBytes = 2 + 32 + 16 + 12 + 16;
const nothing = new Uint8Array(0);
const zeros = new ArrayBuffer(datagramBytesMax);
const notAuthentic = { ok: false, reason: "not_authentic" } as const;
