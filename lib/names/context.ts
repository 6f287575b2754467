/**
 * What the parts of one cloud machine share: its keys and ports, the present instant, the effects of
 * the input being handled, and the one deadline table.
 */

import { DeadlineTable } from "../base/deadlines.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { Address, Crypto, Instant, Random } from "../base/ports.ts";
import { type CloudScope, type Contact, ContactBook } from "./contact.ts";
import { cloudId, contactId } from "./id_space.ts";
import { contactsKeptMax } from "./limits.ts";
import type { PayloadInfo, SignedStatement } from "./registration.ts";
import type { CloudWire, CloudWireConfig } from "./wire.ts";

/** What a cloud machine is made with. */
export interface CloudConfig {
  /** The cloud's name; all who use it and find each other are one cloud. */
  readonly name: string;
  readonly scope: CloudScope;
  /** The X25519 secret of the contact key. 32 bytes, for this cloud only. */
  readonly secretKey: Uint8Array;
  readonly crypto: Crypto;
  readonly random: Random;
  /** What it sends and receives through; sealed datagrams if left out. */
  readonly wire?: (config: CloudWireConfig) => CloudWire;
  /** Where it looks contacts up; a book of its own if left out. */
  readonly book?: ContactBook;
  /** Contacts that answered before there was this machine: its table begins with them. None if left out. */
  readonly known?: readonly Contact[];
}

/** What a cloud can do at present. */
export type CloudState =
  /** There is no socket to send from. */
  | "no_network"
  /** No contact is known. */
  | "alone"
  /** Contacts are being sought. */
  | "synchronising"
  /** Contacts are known. */
  | "active";

/** One publisher of a resolved name. */
export interface Resolution {
  readonly statement: SignedStatement;
  /** The payload, `null` if there is none or it could not be fetched. */
  readonly payload: Uint8Array | null;
  readonly payloadInfo: PayloadInfo | null;
  /** Whether the publisher itself confirmed the statement just now. */
  readonly verified: boolean;
}

/** How a resolve went. */
export interface ResolveSummary {
  readonly found: readonly Resolution[];
  /** Contacts asked. */
  readonly asked: number;
  /** Referrals from what this peer knew to the first holder that answered. */
  readonly hops: number;
}

/** What a call settles with, by its kind. */
export type CallResult =
  | { readonly kind: "bootstrapped"; readonly contacts: number }
  | { readonly kind: "published"; readonly seq: number; readonly expires: number; readonly holders: number }
  | { readonly kind: "unpublished" }
  | { readonly kind: "resolved"; readonly summary: ResolveSummary };

/** What happened in a cloud. */
export type CloudEvent =
  | { readonly kind: "found"; readonly call: number; readonly resolution: Resolution }
  | { readonly kind: "state"; readonly state: CloudState };

/** What the driver of a cloud machine is to do. */
export type CloudEffect =
  | { readonly kind: "send"; readonly bytes: Uint8Array; readonly to: Address }
  | { readonly kind: "settle"; readonly call: number; readonly result: CallResult }
  | { readonly kind: "fail"; readonly call: number; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: "emit"; readonly event: CloudEvent };

/** What a cloud machine shows of itself. */
export interface CloudSnapshot {
  readonly name: string;
  readonly scope: CloudScope;
  /** The cloud's id in hex. */
  readonly id: string;
  readonly state: CloudState;
  /** This peer's contact key in hex. */
  readonly key: string;
  /** How many participants the cloud is thought to have. */
  readonly sizeEstimate: number;
  readonly contacts: readonly {
    readonly key: string;
    readonly address: string;
    readonly roundTripMs: number | null;
    readonly failures: number;
  }[];
  readonly publications: readonly {
    readonly nameKey: string;
    readonly seq: number;
    readonly expires: number;
    readonly isRevoked: boolean;
    readonly holders: number;
  }[];
  /** Registrations held for others. */
  readonly held: number;
  readonly requests: number;
  readonly searches: number;
  readonly resolves: number;
  /** Key agreements computed so far. */
  readonly agreements: number;
  /** Datagrams dropped so far, by reason. */
  readonly drops: Readonly<Record<string, number>>;
}

/** The shared part of one cloud machine. */
export class CloudContext {
  readonly name: string;
  readonly scope: CloudScope;
  readonly cloud: Uint8Array;
  readonly crypto: Crypto;
  readonly random: Random;
  /** This peer's contact key. */
  readonly key: Uint8Array;
  /** Where this peer lies. */
  readonly id: Uint8Array;
  readonly book: ContactBook;
  /** The instant of the input being handled. */
  now: Instant = { monoMs: 0, wallMs: 0 };
  readonly #alarms = new DeadlineTable<string>();
  readonly #actions = new Map<string, () => void>();
  #effects: CloudEffect[] = [];

  constructor(config: CloudConfig) {
    this.name = config.name;
    this.scope = config.scope;
    this.cloud = cloudId(config.crypto, config.name);
    this.crypto = config.crypto;
    this.random = config.random;
    this.key = config.crypto.x25519.publicKey(config.secretKey);
    this.id = contactId(config.crypto, this.cloud, this.key);
    this.book = config.book ?? new ContactBook(config.crypto, this.cloud, contactsKeptMax);
  }

  /** Adds an effect of the input being handled. */
  effect(effect: CloudEffect): void {
    this.#effects.push(effect);
  }

  /** The effects so far, which are the driver's from here on. */
  takeEffects(): readonly CloudEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** Runs `action` once, `delayMs` from now, instead of what `key` stood for before. */
  setAlarm(key: string, delayMs: number, action: () => void): void {
    this.#alarms.set(key, this.now.monoMs + delayMs);
    this.#actions.set(key, action);
  }

  /** Drops an alarm, if it stands. */
  clearAlarm(key: string): void {
    this.#alarms.clear(key);
    this.#actions.delete(key);
  }

  /** Runs what is due. */
  runDue(): void {
    for (const key of this.#alarms.takeDue(this.now.monoMs)) {
      const action = this.#actions.get(key);
      // An earlier action of this round may have dropped or moved it.
      if (action === undefined || this.#alarms.at(key) !== null) continue;
      this.#actions.delete(key);
      action();
    }
  }

  /** When the earliest alarm is due (monotonic). */
  nextDeadline(): number | null {
    return this.#alarms.next();
  }
}
