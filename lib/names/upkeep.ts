/**
 * Keeps the routing table full and true: contacts that might enter are asked first, silent ones are
 * asked whether they are there, and buckets with room are looked up now and then.
 */

import { BoundedMap } from "../base/bounded.ts";
import { jittered } from "../base/random.ts";
import type { Contact } from "./contact.ts";
import type { CloudContext } from "./context.ts";
import type { Exchanges } from "./exchanges.ts";
import { randomIdSharing } from "./id_space.ts";
import {
  bucketRefreshMs,
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
  readonly #candidates = new BoundedMap<string, Contact>(candidatesMax);
  readonly #asking = new Set<string>();
  #isFilling = false;
  #refreshedMs = 0;

  constructor(context: CloudContext, exchanges: Exchanges, searches: Searches, table: RoutingTable) {
    this.#context = context;
    this.#exchanges = exchanges;
    this.#searches = searches;
    this.#table = table;
  }

  /** Somebody might be a contact for the table: it is asked if there is room for it. */
  consider(contact: Contact): void {
    if (this.#asking.has(contact.keyHex) || !this.#table.hasRoom(contact)) return;
    this.#candidates.set(contact.keyHex, contact);
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
    for (const [keyHex, contact] of this.#candidates.entries()) {
      if (this.#asking.size >= candidatesInFlightMax) return;
      this.#candidates.delete(keyHex);
      if (!this.#table.hasRoom(contact)) continue;
      this.#asking.add(keyHex);
      this.#exchanges.ask(contact, { kind: "ping" }, (outcome) => {
        if (outcome.kind === "slow") return;
        this.#asking.delete(keyHex);
        this.#askCandidates();
      });
    }
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
