/**
 * Requests under way: each gets a key and a token first where they are missing, is sent up to three
 * times, and ends with exactly one answer or failure. A response counts only if its 16-byte id, its
 * sender's key and its exact source are those of a request (T28); anything else is dropped before
 * any public-key work and causes nothing (T2).
 */

import { addressText } from "../base/address.ts";
import { BoundedMap } from "../base/bounded.ts";
import { equalBytes, hex } from "../base/bytes.ts";
import type { Address } from "../base/ports.ts";
import { type Contact, mayUse, sameAddress } from "./contact.ts";
import type { CloudContext } from "./context.ts";
import {
  helloNonceBytes,
  helloPacket,
  type KeyPacket,
  noToken,
  packetNonceBytes,
  type SealedPacket,
  type TokenPacket,
} from "./datagram.ts";
import { GroupBudgets } from "./group_budgets.ts";
import { hellosBurst, hellosPerSecond, requestAttemptsMax, requestsMax, tokensMax } from "./limits.ts";
import { type RequestBody, requestIdBytes, type ResponseBody } from "./messages.ts";
import { RoundTrip, type RoutingTable } from "./routing_table.ts";
import type { CloudWire } from "./wire.ts";

/** What becomes of a request: `slow` comes at most once, before one of the others. */
export type Outcome =
  | {
    readonly kind: "answered";
    readonly contact: Contact;
    readonly from: Address;
    readonly body: ResponseBody;
  }
  | { readonly kind: "slow" }
  | { readonly kind: "failed" };

/** Takes what becomes of a request. */
export type OutcomeHandler = (outcome: Outcome) => void;

interface Pending {
  readonly id: Uint8Array;
  readonly idHex: string;
  readonly body: RequestBody;
  readonly handler: OutcomeHandler;
  readonly addresses: readonly Address[];
  /** Whom it goes to; `null` until an address told its key. */
  contact: Contact | null;
  /** Which address is being tried. */
  turn: number;
  /** Times sent in the present phase, and when last. */
  attempts: number;
  sentMs: number;
  /** The hello that waits for its key, in hex; `null` once the request itself is out. */
  helloNonce: string | null;
  /** The last sealed packet's nonce in hex while a token may answer it. */
  packetNonce: string | null;
  isSlow: boolean;
}

/** Told of each contact that answered, with its round trip where that was measured. */
export type AnsweredHandler = (contact: Contact, from: Address, roundTripMs: number | null) => void;

/** The requests of one cloud machine. */
export class Exchanges {
  readonly #context: CloudContext;
  readonly #wire: CloudWire;
  readonly #table: RoutingTable;
  readonly #onAnswered: AnsweredHandler;
  readonly #onLost: (contact: Contact) => void;
  readonly #pending = new Map<string, Pending>();
  readonly #hellos = new Map<string, Pending>();
  readonly #nonces = new Map<string, Pending>();
  readonly #byPeer = new Map<string, Set<Pending>>();
  readonly #tokens = new BoundedMap<string, Uint8Array>(tokensMax);
  /** Hellos that each address group may still get at addresses that others named. */
  readonly #budgets = new GroupBudgets(hellosBurst, hellosPerSecond);
  /** Of all contacts together: what a new one is judged by. */
  readonly #roundTrip = new RoundTrip();

  constructor(
    context: CloudContext,
    wire: CloudWire,
    parts: { table: RoutingTable; onAnswered: AnsweredHandler; onLost: (contact: Contact) => void },
  ) {
    this.#context = context;
    this.#wire = wire;
    this.#table = parts.table;
    this.#onAnswered = parts.onAnswered;
    this.#onLost = parts.onLost;
  }

  /** Sends a request to a contact. */
  ask(contact: Contact, body: RequestBody, handler: OutcomeHandler): void {
    this.#start(contact, contact.addresses, body, handler);
  }

  /** Sends a request to whoever is at an address. */
  askAddress(address: Address, body: RequestBody, handler: OutcomeHandler): void {
    this.#start(null, [address], body, handler);
  }

  /** A contact gave a token for its address along with something authentic. */
  keepToken(keyHex: string, address: Address, token: Uint8Array): void {
    this.#tokens.set(peerText(keyHex, address), token);
  }

  /** An address told its key. Tells the reason if it was dropped. */
  onKey(packet: KeyPacket, from: Address): string | null {
    const pending = this.#hellos.get(hex(packet.nonce));
    if (pending === undefined || !sameAddress(from, addressOf(pending))) return "unasked";
    const isOther = pending.contact !== null && !equalBytes(pending.contact.key, packet.sender);
    if (isOther || equalBytes(packet.sender, this.#context.key)) {
      this.#end(pending, { kind: "failed" });
      return "wrong_key";
    }
    pending.contact ??= this.#context.book.contactOf(packet.sender, [from]);
    this.#measure(pending);
    this.keepToken(pending.contact.keyHex, from, packet.token);
    this.#hellos.delete(pending.helloNonce!);
    pending.helloNonce = null;
    pending.attempts = 0;
    this.#send(pending);
    return null;
  }

  /** A contact wants a token that it gives. Tells the reason if it was dropped. */
  onToken(packet: TokenPacket, from: Address): string | null {
    const pending = this.#nonces.get(hex(packet.nonce));
    if (pending === undefined || !sameAddress(from, addressOf(pending))) return "unasked";
    this.keepToken(pending.contact!.keyHex, from, packet.token);
    this.#sendRequest(pending, false);
    return null;
  }

  /** A response arrived. Tells the reason if it was dropped. */
  onResponse(packet: SealedPacket, from: Address): string | null {
    const keyHex = hex(packet.sender);
    const candidates = this.#byPeer.get(peerText(keyHex, from));
    if (candidates === undefined) return "unasked";
    const opened = this.#wire.openResponse(packet);
    if (!opened.ok) return opened.reason;
    const { id, body } = opened.message;
    const pending = this.#pending.get(hex(id));
    if (pending === undefined || !candidates.has(pending)) return "unasked";
    if (!answers(body, pending.body)) return "wrong_kind";
    this.keepToken(keyHex, from, packet.token);
    const roundTripMs = pending.attempts === 1 ? this.#measure(pending) : null;
    const contact = pending.contact!;
    this.#onAnswered(contact, from, roundTripMs);
    this.#end(pending, { kind: "answered", contact, from, body });
    return null;
  }

  /** How many requests are under way. */
  get size(): number {
    return this.#pending.size;
  }

  #start(
    contact: Contact | null,
    addresses: readonly Address[],
    body: RequestBody,
    handler: OutcomeHandler,
  ): void {
    const { random, scope, key } = this.#context;
    const usable = addresses.filter((address) => mayUse(scope, address, null));
    const isSelf = contact !== null && equalBytes(contact.key, key);
    if (usable.length === 0 || isSelf || this.#pending.size >= requestsMax) {
      return handler({ kind: "failed" });
    }
    const id = random.bytes(requestIdBytes);
    const pending: Pending = {
      id,
      idHex: hex(id),
      body,
      handler,
      addresses: usable,
      contact,
      turn: 0,
      attempts: 0,
      sentMs: 0,
      helloNonce: null,
      packetNonce: null,
      isSlow: false,
    };
    this.#pending.set(pending.idHex, pending);
    this.#send(pending);
  }

  /** Sends a hello or the request itself, whichever is next, and waits for what it brings. */
  #send(pending: Pending): void {
    pending.attempts++;
    pending.sentMs = this.#context.now.monoMs;
    if (pending.contact === null || !this.#hasToken(pending)) this.#sendHello(pending);
    else this.#sendRequest(pending, true);
    if (this.#pending.get(pending.idHex) !== pending) return; // its contact's key turned out to be unusable
    this.#context.setAlarm(
      `request ${pending.idHex}`,
      this.#timeoutMs(pending),
      () => this.#onSilence(pending),
    );
  }

  #sendHello(pending: Pending): void {
    const { random, key, now } = this.#context;
    // Whoever is only named may be a victim that others want us to write to. What is not sent stays unanswered.
    const isHearsay = pending.contact !== null && this.#table.entry(pending.contact.keyHex) === undefined;
    if (isHearsay && !this.#budgets.take(addressOf(pending), now.monoMs)) return;
    const nonce = random.bytes(helloNonceBytes);
    if (pending.helloNonce !== null) this.#hellos.delete(pending.helloNonce);
    pending.helloNonce = hex(nonce);
    this.#hellos.set(pending.helloNonce, pending);
    this.#context.effect({ kind: "send", bytes: helloPacket(key, nonce), to: addressOf(pending) });
  }

  /** `takesToken` is set where we send of our own accord, so that two ends cannot keep each other busy. */
  #sendRequest(pending: Pending, takesToken: boolean): void {
    const contact = pending.contact!;
    const address = addressOf(pending);
    const peer = peerText(contact.keyHex, address);
    const waiting = this.#byPeer.get(peer) ?? new Set();
    this.#byPeer.set(peer, waiting.add(pending));
    const token = this.#tokens.get(peer) ?? noToken;
    const nonce = this.#context.random.bytes(packetNonceBytes);
    const { id, body } = pending;
    const bytes = this.#wire.sealRequest({ to: contact.key, token, nonce }, { id, body });
    if (bytes === null) return this.#end(pending, { kind: "failed" });
    this.#forgetNonce(pending);
    if (takesToken) {
      pending.packetNonce = hex(nonce);
      this.#nonces.set(pending.packetNonce, pending);
    }
    this.#context.effect({ kind: "send", bytes, to: address });
  }

  #onSilence(pending: Pending): void {
    if (!pending.isSlow) {
      pending.isSlow = true;
      pending.handler({ kind: "slow" });
      if (this.#pending.get(pending.idHex) !== pending) return;
    }
    this.#failAttempt(pending);
  }

  #failAttempt(pending: Pending): void {
    if (pending.attempts >= requestAttemptsMax) return this.#end(pending, { kind: "failed" });
    pending.turn++;
    this.#send(pending);
  }

  #end(pending: Pending, outcome: Outcome): void {
    this.#pending.delete(pending.idHex);
    this.#context.clearAlarm(`request ${pending.idHex}`);
    if (pending.helloNonce !== null) this.#hellos.delete(pending.helloNonce);
    this.#forgetNonce(pending);
    for (const address of pending.contact === null ? [] : pending.addresses) {
      const peer = peerText(pending.contact!.keyHex, address);
      const waiting = this.#byPeer.get(peer);
      waiting?.delete(pending);
      if (waiting?.size === 0) this.#byPeer.delete(peer);
    }
    const { contact } = pending;
    if (outcome.kind === "failed" && contact !== null && this.#table.failed(contact.keyHex)) {
      this.#onLost(contact);
    }
    pending.handler(outcome);
  }

  #forgetNonce(pending: Pending): void {
    if (pending.packetNonce !== null) this.#nonces.delete(pending.packetNonce);
    pending.packetNonce = null;
  }

  #hasToken(pending: Pending): boolean {
    return this.#tokens.has(peerText(pending.contact!.keyHex, addressOf(pending)));
  }

  #timeoutMs(pending: Pending): number {
    const entry = pending.contact === null ? undefined : this.#table.entry(pending.contact.keyHex);
    const known = entry !== undefined && entry.roundTrip.smoothedMs !== null;
    return (known ? entry.roundTrip : this.#roundTrip).timeoutMs();
  }

  #measure(pending: Pending): number | null {
    if (pending.attempts !== 1) return null; // it is not known which of them was answered (Karn)
    const ms = this.#context.now.monoMs - pending.sentMs;
    this.#roundTrip.add(ms);
    return ms;
  }
}

function addressOf(pending: Pending): Address {
  return pending.addresses[pending.turn % pending.addresses.length]!;
}

function peerText(keyHex: string, address: Address): string {
  return `${keyHex} ${addressText(address)}`;
}

function answers(response: ResponseBody, request: RequestBody): boolean {
  return response.kind === answerKinds[request.kind];
}

const answerKinds = { ping: "pong", find: "found", store: "stored", inquire: "answer" } as const;
