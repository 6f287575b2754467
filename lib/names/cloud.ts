/**
 * The machine of one cloud: publishes and resolves names among contacts that reach each other by
 * datagrams, without any server (`docs/PROTOCOL.md`, "Names").
 *
 * One door: {@linkcode CloudMachine.handle}. Its parts are plain classes: the routing table,
 * look-ups, requests under way, the answering side, publications, resolves and upkeep.
 */

import { addressText } from "../base/address.ts";
import { unreachable } from "../base/assert.ts";
import { BoundedMap } from "../base/bounded.ts";
import { hex } from "../base/bytes.ts";
import type { Address, Instant } from "../base/ports.ts";
import { jittered } from "../base/random.ts";
import type { Signer } from "../wire/envelope.ts";
import { type Contact, mayUse } from "./contact.ts";
import {
  type CloudConfig,
  CloudContext,
  type CloudEffect,
  type CloudSnapshot,
  type CloudState,
} from "./context.ts";
import { PacketType } from "./datagram.ts";
import { Exchanges } from "./exchanges.ts";
import { Holdings } from "./holdings.ts";
import { classifierHash, nameKey } from "./id_space.ts";
import {
  answerTimeoutMsMin,
  bootstrapRetryMsMax,
  bootstrapRetryMsMin,
  bootstrapsMax,
  clockSetMs,
  maintenanceMs,
} from "./limits.ts";
import { type PublicationContent, Publications } from "./publications.ts";
import { Resolves } from "./resolves.ts";
import { Responder } from "./responder.ts";
import { Returns } from "./returns.ts";
import { RoutingTable } from "./routing_table.ts";
import { Searches } from "./searches.ts";
import { Upkeep } from "./upkeep.ts";
import { type CloudWire, SealedWire } from "./wire.ts";

export type {
  CallResult,
  CloudConfig,
  CloudEffect,
  CloudEvent,
  CloudSnapshot,
  CloudState,
  Resolution,
  ResolveSummary,
} from "./context.ts";

/** What a caller asks of a cloud. */
export type CloudRequest =
  /** Finds contacts, starting from addresses; they are kept and tried again when the peer is alone. */
  | { readonly kind: "bootstrap"; readonly addresses: readonly Address[] }
  | {
    readonly kind: "register";
    readonly authority: Uint8Array | null;
    readonly classifier: string | null;
    readonly signer: Signer;
    readonly content: PublicationContent;
  }
  /** `nameKey` as {@linkcode CloudMachine.nameKeyOf} gives it. */
  | { readonly kind: "update"; readonly nameKey: string; readonly content: PublicationContent }
  | { readonly kind: "unregister"; readonly nameKey: string }
  | {
    readonly kind: "resolve";
    readonly authority: Uint8Array | null;
    readonly classifier: string | null;
    readonly resultsMax: number;
  };

/** What happens to a cloud machine. */
export type CloudInput =
  | { readonly kind: "call"; readonly call: number; readonly request: CloudRequest }
  /** The caller of a call gave up; nothing more is said about it. */
  | { readonly kind: "cancel"; readonly call: number }
  | { readonly kind: "datagram"; readonly bytes: Uint8Array; readonly from: Address }
  | { readonly kind: "network"; readonly isUp: boolean }
  | { readonly kind: "deadline" };

/** One participant of one cloud. */
export class CloudMachine {
  readonly #context: CloudContext;
  readonly #wire: CloudWire;
  readonly #table: RoutingTable;
  readonly #exchanges: Exchanges;
  readonly #searches: Searches;
  readonly #upkeep: Upkeep;
  readonly #holdings: Holdings;
  readonly #publications: Publications;
  readonly #resolves: Resolves;
  readonly #responder: Responder;
  readonly #drops = new Map<string, number>();
  #state: CloudState = "no_network";
  #isUp = false;
  #clocksApartMs: number | null = null;
  /** Whether contacts are being sought. */
  #isSeeking = false;
  #retryMs = bootstrapRetryMsMin;
  readonly #returns: Returns;
  /** Addresses to start from. */
  readonly #bootstraps = new Map<string, Address>();
  /** Addresses that were given while contacts were being sought at others. */
  readonly #untried = new Set<string>();
  /** Contacts behind the addresses that were given. */
  readonly #anchors = new BoundedMap<string, Contact>(bootstrapsMax);
  /** Calls that wait until contacts were sought. */
  readonly #waiting = new Map<number, () => void>();

  constructor(config: CloudConfig) {
    const context = this.#context = new CloudContext(config);
    const { crypto, random, secretKey } = config;
    const { cloud, key } = context;
    const keys = { crypto, random, cloud, key, secretKey };
    const wire = this.#wire = config.wire?.(keys) ?? new SealedWire(keys);
    const table = this.#table = new RoutingTable(context.id);
    for (const contact of config.known ?? []) table.answered(contact, contact.addresses[0]!, null, 0);
    const exchanges = this.#exchanges = new Exchanges(context, wire, {
      table,
      onAnswered: (contact, from, roundTripMs) => this.#onAnswered(contact, from, roundTripMs),
      onLost: (contact) => this.#onLost(contact),
    });
    const onVisitor = (contact: Contact) => this.#upkeep.considerVisitor(contact);
    const onNamed = (contact: Contact) => this.#upkeep.considerNamed(contact);
    const anchors = () => [...this.#anchors.values()];
    const searches = this.#searches = new Searches(context, exchanges, table, anchors, onNamed);
    const onReturned = (text: string, contact: Contact) => this.#anchor(text, contact);
    const parts = { table, exchanges, searches, bootstraps: this.#bootstraps, onReturned };
    this.#returns = new Returns(context, parts);
    this.#upkeep = new Upkeep(context, exchanges, searches, table);
    const holdings = this.#holdings = new Holdings(crypto, cloud, random);
    const publications = this.#publications = new Publications(context, exchanges, searches);
    this.#resolves = new Resolves(context, wire, { exchanges, searches, table, publications, holdings });
    const answering = { wire, table, holdings, publications, onContact: onVisitor };
    this.#responder = new Responder(context, answering);
  }

  /** Takes one input and returns what is to be done about it. */
  handle(input: CloudInput, now: Instant): readonly CloudEffect[] {
    this.#context.now = now;
    this.#judgeClock(now);
    switch (input.kind) {
      case "call":
        this.#onCall(input.call, input.request);
        break;
      case "cancel":
        this.#waiting.delete(input.call);
        this.#resolves.cancel(input.call);
        break;
      case "datagram":
        this.#onDatagram(input.bytes, input.from);
        break;
      case "network":
        this.#isUp = input.isUp;
        if (input.isUp) this.#seekContacts();
        break;
      case "deadline":
        this.#context.runDue();
        break;
      default:
        unreachable(input);
    }
    this.#updateState();
    return this.#context.takeEffects();
  }

  /** When `deadline` is to be handled next (monotonic milliseconds), or `null`. */
  nextDeadline(): number | null {
    return this.#context.nextDeadline();
  }

  /** Where a name lies, in hex. */
  nameKeyOf(authority: Uint8Array | null, classifier: string | null): string {
    return hex(this.#keyOf(authority, classifier));
  }

  /** What the cloud can do at present. */
  get state(): CloudState {
    return this.#state;
  }

  /** Plain data about everything in here, without secrets. */
  snapshot(): CloudSnapshot {
    const { name, scope, cloud, key } = this.#context;
    return {
      name,
      scope,
      id: hex(cloud),
      state: this.#state,
      key: hex(key),
      sizeEstimate: this.#table.estimatedSize(),
      contacts: Array.from(this.#table.entries(), (entry) => ({
        key: entry.contact.keyHex,
        address: addressText(entry.contact.addresses[0]!),
        roundTripMs: entry.roundTrip.smoothedMs,
        failures: entry.failures,
      })),
      publications: this.#publications.snapshot(),
      held: this.#holdings.size,
      requests: this.#exchanges.size,
      searches: this.#searches.size,
      resolves: this.#resolves.size,
      agreements: this.#wire.agreements,
      drops: Object.fromEntries(this.#drops),
    };
  }

  #onCall(call: number, request: CloudRequest): void {
    switch (request.kind) {
      case "bootstrap":
        return this.#bootstrap(call, request.addresses);
      case "register": {
        const { authority, signer, content } = request;
        const classifier = classifierHash(this.#context.crypto, request.classifier);
        return this.#whenSought(call, () => {
          this.#publications.register(call, { authority, classifier, signer }, content);
        });
      }
      case "update":
        return this.#whenSought(
          call,
          () => this.#publications.update(call, request.nameKey, request.content),
        );
      case "unregister":
        return this.#publications.unregister(call, request.nameKey);
      case "resolve": {
        const key = this.#keyOf(request.authority, request.classifier);
        return this.#whenSought(call, () => this.#resolves.start(call, key, request.resultsMax));
      }
      default:
        unreachable(request);
    }
  }

  #bootstrap(call: number, addresses: readonly Address[]): void {
    for (const address of addresses) {
      if (this.#bootstraps.size >= bootstrapsMax) {
        const message = `A cloud takes at most ${bootstrapsMax} addresses to start from; leave some out`;
        return this.#context.effect({ kind: "fail", call, code: "too_many", message });
      }
      if (!mayUse(this.#context.scope, address, null)) {
        const message =
          `${addressText(address)} lies outside the scope of the ${this.#context.scope} cloud; ` +
          "give an address that its participants can reach";
        return this.#context.effect({ kind: "fail", call, code: "invalid_address", message });
      }
      this.#bootstraps.set(addressText(address), address);
      this.#untried.add(addressText(address));
    }
    this.#seekContacts();
    this.#whenSought(call, () => {
      const result = { kind: "bootstrapped", contacts: this.#table.size } as const;
      this.#context.effect({ kind: "settle", call, result });
    });
  }

  /** Runs a call at once, or when the contacts that are being sought were found or not. */
  #whenSought(call: number, action: () => void): void {
    if (this.#isSeeking) this.#waiting.set(call, action);
    else action();
  }

  /** Asks all addresses to start from; then the table is filled. */
  #seekContacts(): void {
    if (!this.#isUp || this.#isSeeking) return;
    this.#context.clearAlarm("seek");
    const addresses = this.#returns.addresses();
    if (addresses.size === 0) return;
    this.#isSeeking = true;
    this.#untried.clear();
    let left = addresses.size;
    let isFilling = false;
    const fill = () => {
      if (isFilling) return;
      isFilling = true;
      this.#context.clearAlarm("grace");
      this.#fillTable();
    };
    const body = { kind: "find", target: this.#context.id, offset: null } as const;
    for (const [text, address] of addresses) {
      this.#exchanges.askAddress(address, body, (outcome) => {
        if (outcome.kind === "slow") return;
        if (--left === 0) fill();
        if (outcome.kind === "failed") return;
        this.#anchor(text, outcome.contact);
        // Once one has answered, the others are not waited for much longer.
        if (!isFilling) this.#context.setAlarm("grace", answerTimeoutMsMin, fill);
      });
    }
  }

  /** Remembers who is behind an address that was given. */
  #anchor(text: string, contact: Contact): void {
    if (this.#bootstraps.has(text)) this.#anchors.set(contact.keyHex, contact);
  }

  #fillTable(): void {
    this.#searches.start({
      target: this.#context.id,
      aim: "closest",
      onDone: () => {
        this.#isSeeking = false;
        if (this.#untried.size > 0) this.#seekContacts();
        if (this.#isSeeking) return;
        this.#updateState();
        for (const [call, action] of this.#waiting) {
          this.#waiting.delete(call);
          action();
        }
      },
    });
  }

  #onDatagram(bytes: Uint8Array, from: Address): void {
    const reason = this.#takeDatagram(bytes, from);
    if (reason !== null) this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + 1);
  }

  /** Tells the reason if the datagram was dropped. */
  #takeDatagram(bytes: Uint8Array, from: Address): string | null {
    if (!mayUse(this.#context.scope, from, null)) return "out_of_scope";
    const opened = this.#wire.read(bytes);
    if (!opened.ok) return opened.reason;
    const { packet } = opened;
    switch (packet.type) {
      case PacketType.hello:
        return this.#responder.onHello(packet, from);
      case PacketType.key:
        return this.#exchanges.onKey(packet, from);
      case PacketType.token:
        return this.#exchanges.onToken(packet, from);
      case PacketType.request:
        return this.#responder.onRequest(packet, from);
      case PacketType.response:
        return this.#exchanges.onResponse(packet, from);
      default:
        return unreachable(packet);
    }
  }

  #onAnswered(contact: Contact, from: Address, roundTripMs: number | null): void {
    const isNew = this.#table.answered(contact, from, roundTripMs, this.#context.now.monoMs);
    if (isNew) this.#publications.onContact(this.#table.entry(contact.keyHex)!.contact);
  }

  #onLost(contact: Contact): void {
    this.#anchors.delete(contact.keyHex);
    this.#returns.onLost(contact);
  }

  /** Finds a wall clock that was set, by the monotonic one beside it. */
  #judgeClock({ monoMs, wallMs }: Instant): void {
    const apartMs = wallMs - monoMs;
    const before = this.#clocksApartMs ?? apartMs;
    this.#clocksApartMs ??= apartMs;
    if (Math.abs(apartMs - before) <= clockSetMs) return;
    this.#clocksApartMs = apartMs;
    this.#publications.stateAgain();
  }

  #updateState(): void {
    const before = this.#state;
    const state = this.#presentState();
    if (state === before) return;
    this.#state = state;
    this.#context.effect({ kind: "emit", event: { kind: "state", state } });
    if (state === "active") {
      this.#retryMs = bootstrapRetryMsMin;
      this.#context.clearAlarm("seek");
      this.#planSweep();
      this.#returns.start();
      this.#upkeep.start();
      this.#publications.spreadAll();
    } else if (state === "alone") {
      this.#upkeep.stop();
      this.#returns.stop();
      this.#planSeek();
    }
  }

  #presentState(): CloudState {
    if (!this.#isUp) return "no_network";
    if (this.#isSeeking) return "synchronising";
    return this.#table.size === 0 ? "alone" : "active";
  }

  #planSeek(): void {
    if (this.#returns.addresses().size === 0) return;
    const delayMs = jittered(this.#context.random, this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, bootstrapRetryMsMax);
    this.#context.setAlarm("seek", delayMs, () => this.#seekContacts());
  }

  #planSweep(): void {
    this.#context.setAlarm("sweep", maintenanceMs, () => {
      this.#holdings.sweep(this.#context.now.monoMs);
      this.#planSweep();
    });
  }

  #keyOf(authority: Uint8Array | null, classifier: string | null): Uint8Array {
    const { crypto, cloud } = this.#context;
    return nameKey(crypto, cloud, authority, classifierHash(crypto, classifier));
  }
}
