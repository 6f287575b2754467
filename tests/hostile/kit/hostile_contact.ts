/**
 * A participant of a cloud that speaks the protocol without its rules: it holds valid keys, crafts any
 * datagram (unsigned, mis-sealed, repeated, from a spoofed source, of any type) and answers whatever a
 * test tells it to. It is made of the product's codecs alone and takes part in a {@linkcode NamesWorld}.
 */

import { addressText, packAddress } from "../../../lib/base/address.ts";
import { hex } from "../../../lib/base/bytes.ts";
import type { Address } from "../../../lib/base/ports.ts";
import { type Contact, createContact, packHint } from "../../../lib/names/contact.ts";
import {
  helloPacket,
  keyPacket,
  noToken,
  openPacket,
  type Packet,
  PacketType,
  PairKeyCache,
  type PairKeys,
  type SealedPacket,
  sealPacket,
} from "../../../lib/names/datagram.ts";
import { classifierHash, cloudId, compareDistance, nameKey } from "../../../lib/names/id_space.ts";
import {
  decodeRequest,
  decodeResponse,
  encodeFound,
  encodeRequest,
  encodeResponse,
  type Message,
  type RequestBody,
  type ResponseBody,
} from "../../../lib/names/messages.ts";
import {
  openRegistration,
  type RegistrationBody,
  sealRegistration,
} from "../../../lib/names/registration.ts";
import type { Signer } from "../../../lib/wire/envelope.ts";
import type { NamesWorld, SimPeer } from "../../sim/names_world.ts";

/** What a hostile contact answers: the plaintext of a response, or `null` for nothing. */
export type Lie = (request: Message<RequestBody>, by: HostileContact, from: Address) => Uint8Array | null;

/** Parts of a sealed datagram that are not as they should be. */
export interface SealOptions {
  readonly type?: SealedPacket["type"];
  /** The one it was given if left out, or none. */
  readonly token?: Uint8Array;
  readonly nonce?: Uint8Array;
  /** Whose key stands in the header; its own if left out. */
  readonly sender?: Uint8Array;
  /** The key that seals; the right one of the pair if left out. */
  readonly sealKey?: Uint8Array;
}

/** A registration to make up. */
export interface StatementOptions {
  readonly authority?: Uint8Array | null;
  readonly classifier?: string | null;
  readonly signer: Signer;
  /** Whose contact key it names; its own if left out. */
  readonly publisher?: Uint8Array;
  readonly seq?: number;
  readonly expires?: number;
  readonly body?: RegistrationBody | null;
  readonly cloud?: string;
}

/** One hostile participant. */
export class HostileContact {
  readonly world: NamesWorld;
  readonly address: Address;
  readonly cloud: Uint8Array;
  readonly secretKey: Uint8Array;
  readonly contact: Contact;
  /** Every datagram that came, oldest first. */
  readonly heard: { readonly bytes: Uint8Array; readonly packet: Packet | null; readonly from: Address }[] =
    [];
  /** What came sealed to it as answers. */
  readonly answers: Message<ResponseBody>[] = [];
  /** What it answers to requests; nothing at first. */
  lie: Lie;
  /** Whether it tells its key to who says hello. */
  tellsKey = true;
  readonly #pairs: PairKeyCache;
  readonly #tokens = new Map<string, Uint8Array>();
  readonly #keys = new Map<string, Uint8Array>();
  readonly #waiting = new Map<string, RequestBody[]>();

  constructor(
    world: NamesWorld,
    address: Address,
    options: { readonly lie?: Lie; readonly secretKey?: Uint8Array; readonly cloud?: string } = {},
  ) {
    this.world = world;
    this.address = address;
    this.cloud = cloudId(world.crypto, options.cloud ?? "test");
    this.secretKey = options.secretKey ?? world.random.bytes(32);
    const key = world.crypto.x25519.publicKey(this.secretKey);
    this.contact = createContact(world.crypto, this.cloud, key, [address]);
    this.lie = options.lie ?? (() => null);
    this.#pairs = new PairKeyCache(world.crypto, this.cloud, this.secretKey);
    world.addListener(address, (bytes, from) => this.#onDatagram(bytes, from));
  }

  get key(): Uint8Array {
    return this.contact.key;
  }

  /** Sends any bytes, from any source. */
  send(bytes: Uint8Array, to: Address, from: Address = this.address): void {
    this.world.send(bytes, from, to);
  }

  /** Asks somebody as an honest contact would: for its key and a token first. */
  ask(to: Address, body: RequestBody): void {
    const at = addressText(to);
    if (this.#tokens.has(at)) return this.send(this.requestTo(to, body), to);
    const waiting = this.#waiting.get(at) ?? [];
    this.#waiting.set(at, waiting);
    waiting.push(body);
    this.send(helloPacket(this.key, this.world.random.bytes(16)), to);
  }

  /** Makes itself known to peers, as joining does: each of them pings it and may take it into its table. */
  joinBy(peers: readonly SimPeer[]): void {
    for (const peer of peers) this.ask(peer.address, { kind: "find", target: this.contact.id, offset: null });
  }

  /** A request to somebody whose key and token it was told. */
  requestTo(to: Address, body: RequestBody, options: SealOptions = {}): Uint8Array {
    const plaintext = encodeRequest({ id: this.world.random.bytes(16), body });
    const key = this.#keys.get(addressText(to))!;
    return this.seal(key, plaintext, { token: this.#tokens.get(addressText(to)) ?? noToken, ...options });
  }

  /** Any plaintext as a request (or a response) for the holder of `key`. */
  seal(key: Uint8Array, plaintext: Uint8Array, options: SealOptions = {}): Uint8Array {
    const { type = PacketType.request, token = noToken, sender = this.key } = options;
    const nonce = options.nonce ?? this.world.random.bytes(12);
    const sealKey = options.sealKey ?? this.pairWith(key).sendKey;
    return sealPacket(this.world.crypto, type, sender, token, nonce, sealKey, plaintext);
  }

  /** The keys that it shares with somebody. */
  pairWith(key: Uint8Array): PairKeys {
    return this.#pairs.with(key)!;
  }

  /** The token that somebody gave it for its own address. */
  tokenFrom(from: Address): Uint8Array | undefined {
    return this.#tokens.get(addressText(from));
  }

  /** A registration of its own making, rightly signed by whoever signs. */
  statement(options: StatementOptions): Uint8Array {
    const { crypto } = this.world;
    const { authority = null, signer, publisher = this.key, seq = 1, body = emptyBody } = options;
    const cloud = options.cloud === undefined ? this.cloud : cloudId(crypto, options.cloud);
    const classifier = classifierHash(crypto, options.classifier ?? null);
    const expires = options.expires ?? Math.floor(this.world.now().wallMs) + 3_600_000;
    const key = nameKey(crypto, cloud, authority, classifier);
    const { publicKey } = signer;
    const stated = { nameKey: key, authority, classifier, signer: publicKey, publisher, seq, expires, body };
    return sealRegistration(crypto, cloud, signer, stated).bytes;
  }

  #onDatagram(bytes: Uint8Array, from: Address): void {
    const opened = openPacket(bytes);
    const packet = opened.ok ? opened.packet : null;
    this.heard.push({ bytes, packet, from });
    if (packet === null) return;
    switch (packet.type) {
      case PacketType.hello:
        if (this.tellsKey) this.send(keyPacket(packet.nonce, this.key, ownToken), from);
        return;
      case PacketType.key:
        this.#keys.set(addressText(from), packet.sender);
        return this.#onToken(packet.token, from);
      case PacketType.token:
        return this.#onToken(packet.token, from);
      case PacketType.request:
        return this.#onRequest(packet, from);
      case PacketType.response:
        return this.#onResponse(packet, from);
    }
  }

  #onToken(token: Uint8Array, from: Address): void {
    const at = addressText(from);
    this.#tokens.set(at, token);
    for (const body of this.#waiting.get(at) ?? []) this.send(this.requestTo(from, body), from);
    this.#waiting.delete(at);
  }

  #onRequest(packet: SealedPacket, from: Address): void {
    const plaintext = this.#open(packet);
    const decoded = plaintext && decodeRequest(plaintext);
    if (!decoded?.ok) return;
    const answer = this.lie(decoded.message, this, from);
    if (answer === null) return;
    this.send(this.seal(packet.sender, answer, { type: PacketType.response, token: ownToken }), from);
  }

  #onResponse(packet: SealedPacket, from: Address): void {
    this.#tokens.set(addressText(from), packet.token);
    const plaintext = this.#open(packet);
    const decoded = plaintext && decodeResponse(plaintext);
    if (decoded?.ok) this.answers.push(decoded.message);
  }

  #open(packet: SealedPacket): Uint8Array | null {
    const { receiveKey } = this.pairWith(packet.sender);
    return this.world.crypto.aead.open(receiveKey, packet.nonce, packet.header, packet.ciphertext);
  }
}

/** The contact of an honest peer, as anybody in the cloud may know it. */
export function contactOf(peer: SimPeer): Contact {
  const { key, id } = peer.machine.snapshot();
  return createContact(peer.world.crypto, Uint8Array.fromHex(id), Uint8Array.fromHex(key), [peer.address]);
}

/** The contacts closest to a target, closest first. */
export function closestOf(contacts: readonly Contact[], target: Uint8Array, count = 20): Contact[] {
  return [...contacts].sort((a, b) => compareDistance(target, a.id, b.id)).slice(0, count);
}

/** An answer that refers to these contacts, as many as fit, and shows these values. */
export function found(
  id: Uint8Array,
  contacts: readonly Contact[],
  values: readonly (readonly [Uint8Array, Uint8Array])[] = [],
  total: number = values.length,
): Uint8Array {
  return encodeFound(id, contacts.slice(0, 20).map(packHint), values, total);
}

/** Answers pings, acknowledges what it is given to hold and forgets it, and is silent otherwise. */
export function silentLie(): Lie {
  return ({ id, body }) => {
    if (body.kind === "ping") return encodeResponse({ id, body: { kind: "pong" } });
    if (body.kind === "store") return encodeResponse({ id, body: { kind: "stored", verdict: 0 } });
    return null;
  };
}

/** Answers every search by `answer`, and everything else as {@linkcode silentLie} does. */
export function searchLie(
  answer: (target: Uint8Array, id: Uint8Array, asksValues: boolean) => Uint8Array | null,
): Lie {
  const other = silentLie();
  return (request, by, from) => {
    const { id, body } = request;
    return body.kind === "find" ? answer(body.target, id, body.offset !== null) : other(request, by, from);
  };
}

/** Does what an honest contact does, with the whole cloud for a routing table. */
export function honestLie(everybody: () => readonly Contact[]): Lie {
  const held = new Map<string, Map<string, [Uint8Array, Uint8Array]>>();
  return ({ id, body }, by, from) => {
    switch (body.kind) {
      case "ping":
        return encodeResponse({ id, body: { kind: "pong" } });
      case "store": {
        const opened = openRegistration(by.world.crypto, by.cloud, body.registration);
        if (!opened.ok) return null;
        const name = hex(opened.statement.nameKey);
        const values = held.get(name) ?? new Map();
        held.set(name, values.set(addressText(from), [body.registration, packAddress(from)]));
        return encodeResponse({ id, body: { kind: "stored", verdict: 0 } });
      }
      case "find": {
        const values = body.offset === null ? [] : [...held.get(hex(body.target))?.values() ?? []];
        const others = everybody().filter(({ keyHex }) => keyHex !== by.contact.keyHex);
        return found(id, closestOf(others, body.target, values.length > 0 ? 8 : 20), values.slice(0, 1));
      }
      case "inquire":
        return encodeResponse({ id, body: { kind: "answer", registration: null, bytes: null } });
    }
  };
}

/** What its tokens look like: it proves nothing, so they need not either. */
export const ownToken: Uint8Array = new Uint8Array(16).fill(0x70);

const emptyBody: RegistrationBody = { endpoints: [], comment: "", payload: null };
