/**
 * What a contact answers to others. The order is that of cost: size, token, key agreement, AEAD,
 * decoding; whatever does not pass is dropped there, and only the first two steps are open to whoever
 * has not proven an address (T1, T7).
 */

import { packAddress } from "../base/address.ts";
import { BoundedMap } from "../base/bounded.ts";
import { equalBytes, hex } from "../base/bytes.ts";
import type { Address } from "../base/ports.ts";
import { addressGroup, type Contact, createContact, packHint, sameAddress } from "./contact.ts";
import type { CloudContext } from "./context.ts";
import {
  type HelloPacket,
  keyPacket,
  packetNonceBytes,
  PacketType,
  type PairKeyCache,
  plaintextBytesMax,
  type SealedPacket,
  sealPacket,
  tokenPacket,
  type Tokens,
} from "./datagram.ts";
import type { Holdings } from "./holdings.ts";
import { distanceShare } from "./id_space.ts";
import {
  answerHintsMax,
  answerValuesMax,
  bucketContactsMax,
  clearAnswerGroupsMax,
  clearAnswersBurst,
  clearAnswersPerSecond,
  hintsBesideValues,
  regionReachMax,
} from "./limits.ts";
import {
  decodeRequest,
  encodeFound,
  encodeResponse,
  type Message,
  type RequestBody,
  StoreVerdict,
} from "./messages.ts";
import type { Publications } from "./publications.ts";
import { openRegistration } from "./registration.ts";
import type { RoutingTable } from "./routing_table.ts";

/** The answering side of one cloud machine. */
export class Responder {
  readonly #context: CloudContext;
  readonly #tokens: Tokens;
  readonly #pairs: PairKeyCache;
  readonly #table: RoutingTable;
  readonly #holdings: Holdings;
  readonly #publications: Publications;
  readonly #onContact: (contact: Contact) => void;
  /** Answers in clear that each address group may still get. */
  readonly #budgets = new BoundedMap<string, { left: number; atMs: number }>(clearAnswerGroupsMax);

  /** `onContact` is told of each sender whose request was authentic, unless it only asked for a pong. */
  constructor(
    context: CloudContext,
    parts: {
      tokens: Tokens;
      pairs: PairKeyCache;
      table: RoutingTable;
      holdings: Holdings;
      publications: Publications;
      onContact: (contact: Contact) => void;
    },
  ) {
    this.#context = context;
    this.#tokens = parts.tokens;
    this.#pairs = parts.pairs;
    this.#table = parts.table;
    this.#holdings = parts.holdings;
    this.#publications = parts.publications;
    this.#onContact = parts.onContact;
  }

  /** Somebody asks for the key behind this address. Tells the reason if it gets no answer. */
  onHello(packet: HelloPacket, from: Address): string | null {
    if (!this.#mayAnswerInClear(from)) return "over_budget";
    const { key, now } = this.#context;
    const token = this.#tokens.give(from, packet.sender, now.monoMs);
    this.#context.effect({ kind: "send", bytes: keyPacket(packet.nonce, key, token), to: from });
    return null;
  }

  /** A request arrived. Tells the reason if it was dropped. */
  onRequest(packet: SealedPacket, from: Address): string | null {
    const { crypto, cloud, key, random, now } = this.#context;
    const token = this.#tokens.renewed(packet.token, from, packet.sender, now.monoMs);
    if (token === null) {
      if (!this.#mayAnswerInClear(from)) return "over_budget";
      const first = this.#tokens.give(from, packet.sender, now.monoMs);
      this.#context.effect({ kind: "send", bytes: tokenPacket(packet.nonce, first), to: from });
      return "no_token";
    }
    if (equalBytes(packet.sender, key)) return "own_key";
    const keys = this.#pairs.with(packet.sender);
    const plaintext = keys &&
      crypto.aead.open(keys.receiveKey, packet.nonce, packet.header, packet.ciphertext);
    if (keys === null || plaintext === null) return "not_authentic";
    const decoded = decodeRequest(plaintext);
    if (!decoded.ok) return decoded.reason;
    const known = this.#table.entry(hex(packet.sender))?.contact;
    const isSame = known !== undefined && sameAddress(known.addresses[0]!, from);
    const sender = isSame ? known : createContact(crypto, cloud, packet.sender, [from]);
    const response = this.#answer(decoded.message, sender, from);
    const nonce = random.bytes(packetNonceBytes);
    const bytes = sealPacket(crypto, PacketType.response, key, token, nonce, keys.sendKey, response);
    this.#context.effect({ kind: "send", bytes, to: from });
    // A pong is all that a ping brings about: two contacts cannot ping each other for ever.
    if (decoded.message.body.kind !== "ping") this.#onContact(sender);
    return null;
  }

  #answer({ id, body }: Message<RequestBody>, sender: Contact, from: Address): Uint8Array {
    switch (body.kind) {
      case "ping":
        return encodeResponse({ id, body: { kind: "pong" } });
      case "find":
        return this.#found(id, body.target, body.offset, sender);
      case "store": {
        const verdict = this.#store(body.registration, sender, from);
        return encodeResponse({ id, body: { kind: "stored", verdict } });
      }
      case "inquire":
        return encodeResponse({ id, body: this.#publications.part(body.nameKey, body.part) });
    }
  }

  /** The closest contacts and, from an offset on, the values held, as many as fit. */
  #found(id: Uint8Array, target: Uint8Array, offset: number | null, sender: Contact): Uint8Array {
    let room = plaintextBytesMax - foundHeadBytes;
    const packed = offset === null ? [] : this.#valuesOf(target);
    const hints: Uint8Array[] = [];
    const takeHints = (contacts: readonly Contact[], countMax: number) => {
      for (const contact of contacts) {
        if (hints.length >= countMax) return;
        if (contact.keyHex === sender.keyHex) continue;
        const hint = packHint(contact);
        if (room < hint.length + bytesHeadMax) return;
        room -= hint.length + bytesHeadMax;
        hints.push(hint);
      }
    };
    // A later page brings values alone: its asker knows the contacts from the first.
    const contacts = (offset ?? 0) > 0 ? [] : this.#table.closest(target, answerHintsMax + 1);
    takeHints(contacts, packed.length > 0 ? hintsBesideValues : answerHintsMax);
    const values: [Uint8Array, Uint8Array][] = [];
    for (const value of packed.slice(offset ?? 0)) {
      const bytes = value[0].length + value[1].length + 2 * bytesHeadMax;
      if (values.length >= answerValuesMax || room < bytes) break;
      room -= bytes;
      values.push(value);
    }
    takeHints(contacts.slice(hints.length), answerHintsMax);
    return encodeFound(id, hints, values, packed.length);
  }

  /** What this peer publishes (without an address: it is who answers) and holds for others. */
  #valuesOf(key: Uint8Array): [Uint8Array, Uint8Array][] {
    const own = this.#publications.statementOf(key);
    const values: [Uint8Array, Uint8Array][] = own === null ? [] : [[own.bytes, new Uint8Array(0)]];
    for (const held of this.#holdings.of(key, this.#context.now.monoMs)) {
      values.push([held.statement.bytes, packAddress(held.from)]);
    }
    return values;
  }

  #store(bytes: Uint8Array, sender: Contact, from: Address): StoreVerdict {
    const { crypto, cloud, now } = this.#context;
    const opened = openRegistration(crypto, cloud, bytes);
    if (!opened.ok) return StoreVerdict.refused;
    // Only the publisher stores, or anybody could speak over an unsecured publisher.
    if (!equalBytes(opened.statement.publisher, sender.key)) return StoreVerdict.refused;
    if (this.#isFar(opened.statement.nameKey)) return StoreVerdict.far;
    return this.#holdings.store(opened.statement, from, now);
  }

  #isFar(key: Uint8Array): boolean {
    const { id } = this.#context;
    if (this.#table.size <= bucketContactsMax) return false;
    const nearest = this.#table.closest(id, bucketContactsMax);
    return distanceShare(id, key) > regionReachMax * distanceShare(id, nearest.at(-1)!.id);
  }

  #mayAnswerInClear(from: Address): boolean {
    const group = addressGroup(from);
    if (group === null) return true;
    const nowMs = this.#context.now.monoMs;
    const budget = this.#budgets.get(group) ?? { left: clearAnswersBurst, atMs: nowMs };
    const gained = ((nowMs - budget.atMs) / 1_000) * clearAnswersPerSecond;
    const left = Math.min(budget.left + gained, clearAnswersBurst);
    if (left < 1) return false;
    this.#budgets.set(group, { left: left - 1, atMs: nowMs });
    return true;
  }
}

/** Bytes of a `found` around its hints and values: array, type, id, two array heads, count. */
const foundHeadBytes = 32;

/** The longest head of a byte string or pair in a datagram. */
const bytesHeadMax = 3;
