/**
 * What a contact answers to others. The order is that of cost: size, token, key agreement, AEAD,
 * decoding; whatever does not pass is dropped there, and only the first two steps are open to whoever
 * has not proven an address (T1, T7).
 */

import { packedAddressBytes } from "../base/address.ts";
import { BoundedSet } from "../base/bounded.ts";
import { equalBytes, hex } from "../base/bytes.ts";
import type { Address } from "../base/ports.ts";
import { type Contact, packedHintBytes, sameAddress } from "./contact.ts";
import type { CloudContext } from "./context.ts";
import {
  type HelloPacket,
  keyPacket,
  packetNonceBytes,
  plaintextBytesMax,
  type SealedPacket,
  tokenPacket,
} from "./datagram.ts";
import { GroupBudgets } from "./group_budgets.ts";
import type { Holdings } from "./holdings.ts";
import { distanceShare } from "./id_space.ts";
import {
  answeredRequestsMax,
  answerHintsMax,
  answerValuesMax,
  bucketContactsMax,
  clearAnswersBurst,
  clearAnswersPerSecond,
  hintsBesideValues,
  regionReachMax,
} from "./limits.ts";
import { type HeldValue, type RequestBody, type ResponseBody, StoreVerdict } from "./messages.ts";
import type { Publications } from "./publications.ts";
import type { RoutingTable } from "./routing_table.ts";
import type { CloudWire } from "./wire.ts";

/** The answering side of one cloud machine. */
export class Responder {
  readonly #context: CloudContext;
  readonly #wire: CloudWire;
  readonly #table: RoutingTable;
  readonly #holdings: Holdings;
  readonly #publications: Publications;
  readonly #onContact: (contact: Contact) => void;
  /** Answers in clear that each address group may still get. */
  readonly #budgets = new GroupBudgets(clearAnswersBurst, clearAnswersPerSecond);
  /** Nonces of requests that were answered. */
  readonly #answered = new BoundedSet<string>(answeredRequestsMax);

  /** `onContact` is told of each sender whose request was authentic, unless it only asked for a pong. */
  constructor(
    context: CloudContext,
    parts: {
      wire: CloudWire;
      table: RoutingTable;
      holdings: Holdings;
      publications: Publications;
      onContact: (contact: Contact) => void;
    },
  ) {
    this.#context = context;
    this.#wire = parts.wire;
    this.#table = parts.table;
    this.#holdings = parts.holdings;
    this.#publications = parts.publications;
    this.#onContact = parts.onContact;
  }

  /** Somebody asks for the key behind this address. Tells the reason if it gets no answer. */
  onHello(packet: HelloPacket, from: Address): string | null {
    const { key, now } = this.#context;
    if (!this.#budgets.take(from, now.monoMs)) return "over_budget";
    const token = this.#wire.giveToken(from, packet.sender, now.monoMs);
    this.#context.effect({ kind: "send", bytes: keyPacket(packet.nonce, key, token), to: from });
    return null;
  }

  /** A request arrived. Tells the reason if it was dropped. */
  onRequest(packet: SealedPacket, from: Address): string | null {
    const { book, key, random, now } = this.#context;
    const token = this.#wire.renewToken(packet.token, from, packet.sender, now.monoMs);
    if (token === null) {
      if (!this.#budgets.take(from, now.monoMs)) return "over_budget";
      const first = this.#wire.giveToken(from, packet.sender, now.monoMs);
      this.#context.effect({ kind: "send", bytes: tokenPacket(packet.nonce, first), to: from });
      return "no_token";
    }
    if (equalBytes(packet.sender, key)) return "own_key";
    const opened = this.#wire.openRequest(packet);
    if (!opened.ok) return opened.reason;
    // Who sends a request again seals it again. A copy is the network's, or somebody's who recorded it.
    if (!this.#answered.add(hex(packet.nonce))) return "repeated";
    const { id, body } = opened.message;
    const known = this.#table.entry(hex(packet.sender))?.contact;
    const isSame = known !== undefined && sameAddress(known.addresses[0]!, from);
    const sender = isSame ? known : book.contactOf(packet.sender, [from]);
    const answer = this.#answer(body, sender, from);
    const nonce = random.bytes(packetNonceBytes);
    const bytes = this.#wire.sealResponse({ to: packet.sender, token, nonce }, { id, body: answer });
    if (bytes !== null) this.#context.effect({ kind: "send", bytes, to: from });
    // A pong is all that a ping brings about: two contacts cannot ping each other for ever.
    if (body.kind !== "ping") this.#onContact(sender);
    return null;
  }

  #answer(body: RequestBody, sender: Contact, from: Address): ResponseBody {
    switch (body.kind) {
      case "ping":
        return { kind: "pong" };
      case "find":
        return this.#found(body.target, body.offset, sender);
      case "store":
        return { kind: "stored", verdict: this.#store(body.registration, sender, from) };
      case "inquire":
        return this.#publications.part(body.nameKey, body.part);
    }
  }

  /** The closest contacts and, from an offset on, the values held, as many as fit. */
  #found(target: Uint8Array, offset: number | null, sender: Contact): ResponseBody {
    let room = plaintextBytesMax - foundHeadBytes;
    const all = offset === null ? [] : this.#valuesOf(target);
    const hints: Contact[] = [];
    const takeHints = (contacts: readonly Contact[], countMax: number) => {
      for (const contact of contacts) {
        if (hints.length >= countMax) return;
        if (contact.keyHex === sender.keyHex) continue;
        const bytes = packedHintBytes(contact) + bytesHeadMax;
        if (room < bytes) return;
        room -= bytes;
        hints.push(contact);
      }
    };
    // A later page brings values alone: its asker knows the contacts from the first.
    const contacts = (offset ?? 0) > 0 ? [] : this.#table.closest(target, answerHintsMax + 1);
    takeHints(contacts, all.length > 0 ? hintsBesideValues : answerHintsMax);
    const values: HeldValue[] = [];
    for (const value of all.slice(offset ?? 0)) {
      const fromBytes = value.from === null ? 0 : packedAddressBytes(value.from);
      const bytes = value.registration.length + fromBytes + 2 * bytesHeadMax;
      if (values.length >= answerValuesMax || room < bytes) break;
      room -= bytes;
      values.push(value);
    }
    takeHints(contacts.slice(hints.length), answerHintsMax);
    return { kind: "found", hints, values, total: all.length };
  }

  /** What this peer publishes (without an address: it is who answers) and holds for others. */
  #valuesOf(key: Uint8Array): HeldValue[] {
    const own = this.#publications.statementOf(key);
    const values: HeldValue[] = own === null ? [] : [{ registration: own.bytes, from: null }];
    for (const { statement, from } of this.#holdings.of(key, this.#context.now.monoMs)) {
      values.push({ registration: statement.bytes, from });
    }
    return values;
  }

  #store(bytes: Uint8Array, sender: Contact, from: Address): StoreVerdict {
    const opened = this.#wire.openRegistration(bytes);
    if (!opened.ok) return StoreVerdict.refused;
    // Only the publisher stores, or anybody could speak over an unsecured publisher.
    if (!equalBytes(opened.statement.publisher, sender.key)) return StoreVerdict.refused;
    if (this.#isFar(opened.statement.nameKey)) return StoreVerdict.far;
    return this.#holdings.store(opened.statement, from, this.#context.now);
  }

  #isFar(key: Uint8Array): boolean {
    const { id } = this.#context;
    if (this.#table.size <= bucketContactsMax) return false;
    const nearest = this.#table.closest(id, bucketContactsMax);
    return distanceShare(id, key) > regionReachMax * distanceShare(id, nearest.at(-1)!.id);
  }
}

/** Bytes of a `found` around its hints and values: array, type, id, two array heads, count. */
const foundHeadBytes = 32;

/** The longest head of a byte string or pair in a datagram. */
const bytesHeadMax = 3;
