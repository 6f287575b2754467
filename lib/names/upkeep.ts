/**
 * Keeps the routing table full and true: contacts that might enter are asked first, silent ones are
 * asked whether they are there, and buckets with room are looked up now and then.
 */

import { BoundedMap } from "../base/bounded.ts";
import { jittered } from "../base/random.ts";
import { addressGroup, type Contact } from "./contact.ts";
import type { CloudContext } from "./context.ts";
import type { Exchanges } from "./exchanges.ts";
import { randomIdSharing } from "./id_space.ts";
import {
  bucketRefreshMs,
  candidatesGroupMax,
  candidatesInFlightMax,
  candidatesMax,
  contactSilenceMs,
  lookupPathWidth,
  maintenanceMs,
  maintenancePingsMax,
} from "./limits.ts";
import type { RoutingTable } from "./routing_table.ts";
import type { Searches } from "./searches.ts";

/** The upkeep of one cloud machine's table. */
export class Upkeep {
  readonly #context: CloudContext;
  readonly #exchanges: Exchanges;
  readonly #searches: Searches;
  readonly #table: RoutingTable;
  /** Contacts that sent a request, and contacts that others named; the former are asked first (T22). */
  readonly #visitors = new BoundedMap<string, Contact>(candidatesMax);
  readonly #named = new BoundedMap<string, Contact>(candidatesMax);
  readonly #asking = new Set<string>();
  #isFilling = false;
  #refreshedMs = 0;

  constructor(context: CloudContext, exchanges: Exchanges, searches: Searches, table: RoutingTable) {
    this.#context = context;
    this.#exchanges = exchanges;
    this.#searches = searches;
    this.#table = table;
  }

  /** Somebody sent a request: it is asked whether it is there if the table has room for it. */
  considerVisitor(contact: Contact): void {
    if (this.#asking.has(contact.keyHex) || !this.#table.hasRoom(contact)) return;
    const group = addressGroup(contact.addresses[0]!);
    if (group !== null && !this.#visitors.has(contact.keyHex)) {
      // Keys cost nothing: one site must not be all who are asked.
      const others = [...this.#visitors.values()].filter(({ addresses }) =>
        addressGroup(addresses[0]!) === group
      );
      if (others.length >= candidatesGroupMax) return;
    }
    this.#visitors.set(contact.keyHex, contact);
    this.#askCandidates();
  }

  /** Somebody was named: it is asked if the table has room for it, and nobody better waits. */
  considerNamed(contact: Contact): void {
    if (this.#asking.has(contact.keyHex) || !this.#table.hasRoom(contact)) return;
    this.#named.set(contact.keyHex, contact);
    this.#askCandidates();
  }

  /** Fills the buckets that have room, one after the other, and begins regular maintenance. The neighborhood is known. */
  start(): void {
    this.#fill(false);
    this.#planMaintenance();
  }

  /** Stops maintenance while there is nobody to ask. */
  stop(): void {
    this.#context.clearAlarm("maintenance");
  }

  #askCandidates(): void {
    for (const candidates of [this.#visitors, this.#named]) {
      for (const [keyHex, contact] of candidates.entries()) {
        if (this.#asking.size >= candidatesInFlightMax) return;
        candidates.delete(keyHex);
        if (!this.#asking.has(keyHex) && this.#table.hasRoom(contact)) this.#askCandidate(contact);
      }
    }
  }

  #askCandidate(contact: Contact): void {
    this.#asking.add(contact.keyHex);
    this.#exchanges.ask(contact, { kind: "ping" }, (outcome) => {
      if (outcome.kind === "slow") return;
      this.#asking.delete(contact.keyHex);
      this.#askCandidates();
    });
  }

  #planMaintenance(): void {
    const delayMs = jittered(this.#context.random, maintenanceMs);
    this.#context.setAlarm("maintenance", delayMs, () => this.#maintain());
  }

  #maintain(): void {
    const nowMs = this.#context.now.monoMs;
    const silent = [...this.#table.entries()].filter((entry) => nowMs - entry.seenMs >= contactSilenceMs);
    silent.sort((a, b) => a.seenMs - b.seenMs);
    for (const entry of silent.slice(0, maintenancePingsMax)) {
      this.#exchanges.ask(entry.contact, { kind: "ping" }, () => {});
    }
    if (nowMs - this.#refreshedMs >= bucketRefreshMs) this.#fill(true);
    this.#planMaintenance();
  }

  /** Looks up this peer's own neighborhood if need be, then a random id of each bucket with room. */
  #fill(isNeighborhoodDue: boolean): void {
    if (this.#isFilling) return;
    this.#isFilling = true;
    this.#refreshedMs = this.#context.now.monoMs;
    if (!isNeighborhoodDue) return this.#fillBuckets(this.#table.openBuckets());
    this.#searches.start({
      target: this.#context.id,
      aim: "closest",
      onDone: () => this.#fillBuckets(this.#table.openBuckets()),
    });
  }

  #fillBuckets([bits, ...rest]: readonly number[]): void {
    if (bits === undefined) {
      this.#isFilling = false;
      return;
    }
    const target = randomIdSharing(this.#context.random, this.#context.id, bits);
    this.#searches.start({
      target,
      aim: "closest",
      width: lookupPathWidth,
      onDone: () => this.#fillBuckets(rest),
    });
  }
}
