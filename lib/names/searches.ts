/** Carries look-ups out: asks who they name, and gives them what is answered. */

import { hex } from "../base/bytes.ts";
import type { Address } from "../base/ports.ts";
import { type Contact, type Hint, isContact, mayUse } from "./contact.ts";
import type { CloudContext } from "./context.ts";
import type { Exchanges, Outcome } from "./exchanges.ts";
import { bucketContactsMax, lookupMs, lookupParallel, lookupParallelClosest } from "./limits.ts";
import { type Aim, Lookup } from "./lookup.ts";
import type { HeldValue } from "./messages.ts";
import type { RoutingTable } from "./routing_table.ts";

/** What a holder's values are to who seeks: some are good, none is, or one is a forgery, which no honest contact holds. */
export type ValuesVerdict = "good" | "useless" | "forged";

/** A search to start. */
export interface SearchRequest {
  readonly target: Uint8Array;
  readonly aim: Aim;
  /** How many contacts are sought; `bucketContactsMax` and the whole region if left out. */
  readonly width?: number;
  /** A holder answered with values; judges them. */
  readonly onValues?: (from: Address, values: readonly HeldValue[]) => ValuesVerdict;
  /** How many values beyond those it has shown a holder may be asked for. */
  readonly valuesMax?: number;
  /** The search ended; `isCut` if time was over before everybody was heard. */
  readonly onDone: (lookup: Lookup, isCut: boolean) => void;
}

interface Search {
  readonly id: number;
  readonly request: SearchRequest;
  readonly lookup: Lookup;
}

/** The look-ups under way in one cloud machine. */
export class Searches {
  readonly #context: CloudContext;
  readonly #exchanges: Exchanges;
  readonly #table: RoutingTable;
  readonly #anchors: () => readonly Contact[];
  readonly #onHint: (contact: Contact) => void;
  readonly #running = new Map<number, Search>();
  #nextId = 0;

  /** `anchors` are contacts that each search of values asks besides the closest ones: the bootstraps. */
  constructor(
    context: CloudContext,
    exchanges: Exchanges,
    table: RoutingTable,
    anchors: () => readonly Contact[],
    onHint: (contact: Contact) => void,
  ) {
    this.#context = context;
    this.#exchanges = exchanges;
    this.#table = table;
    this.#anchors = anchors;
    this.#onHint = onHint;
  }

  /** Starts a search and returns its id. `onDone` may come before this returns. */
  start(request: SearchRequest): number {
    const { target, aim, width } = request;
    const seeds = this.#table.closest(target, bucketContactsMax);
    if (aim === "values") {
      for (const anchor of this.#anchors()) {
        if (!seeds.some((seed) => seed.keyHex === anchor.keyHex)) seeds.push(anchor);
      }
    }
    // Where 20 contacts would lie if all were honest: ids made to lie nearer push nobody out (T21).
    const regionShare = width === undefined ? bucketContactsMax / this.#table.estimatedSize() : 0;
    const lookup = new Lookup({
      target,
      aim,
      seeds,
      regionShare,
      selfHex: hex(this.#context.key),
      parallel: aim === "values" ? lookupParallel : lookupParallelClosest,
      ...(width === undefined ? {} : { width }),
    });
    const search = { id: this.#nextId++, request, lookup };
    this.#running.set(search.id, search);
    this.#context.setAlarm(`search ${search.id}`, lookupMs, () => this.#end(search, true));
    this.#step(search);
    return search.id;
  }

  /** Ends a search without telling anybody. */
  cancel(id: number): void {
    this.#running.delete(id);
    this.#context.clearAlarm(`search ${id}`);
  }

  /** How many searches run. */
  get size(): number {
    return this.#running.size;
  }

  #step(search: Search): void {
    const offset = search.request.aim === "values" ? 0 : null;
    for (const contact of search.lookup.next()) this.#ask(search, contact, offset);
    if (this.#running.has(search.id) && search.lookup.isDone()) this.#end(search, false);
  }

  #ask(search: Search, contact: Contact, offset: number | null): void {
    const body = { kind: "find", target: search.lookup.target, offset } as const;
    this.#exchanges.ask(contact, body, (outcome) => {
      if (!this.#running.has(search.id)) return;
      this.#onOutcome(search, contact, offset ?? 0, outcome);
      if (this.#running.has(search.id)) this.#step(search);
    });
  }

  #onOutcome(search: Search, contact: Contact, offset: number, outcome: Outcome): void {
    const { lookup, request } = search;
    if (outcome.kind === "slow") return lookup.onSlow(contact);
    if (outcome.kind === "failed" || outcome.body.kind !== "found") return lookup.onFailed(contact);
    const { hints, values, total } = outcome.body;
    const verdict = values.length === 0 ? "useless" : request.onValues?.(outcome.from, values) ?? "useless";
    if (!this.#running.has(search.id)) return;
    if (verdict === "forged") return lookup.onLie(contact);
    const next = offset + values.length;
    if (verdict === "good" && next < total && next < (request.valuesMax ?? 0)) {
      this.#ask(search, contact, next); // the same holder has more; it counts as answered when all is here
    } else {
      // Only who showed something good is a holder: else three liars end a search (past bug R21).
      const isHolder = verdict === "good" || offset > 0;
      lookup.onAnswer(contact, this.#contactsOf(hints, outcome.from), isHolder);
    }
  }

  #contactsOf(hints: readonly Hint[], from: Address): Contact[] {
    const { book, scope } = this.#context;
    const contacts: Contact[] = [];
    for (const hint of hints) {
      const addresses = hint.addresses.filter((address) => mayUse(scope, address, from));
      if (addresses.length === 0) continue;
      const known = this.#table.entry(isContact(hint) ? hint.keyHex : hex(hint.key))?.contact;
      const isWhole = isContact(hint) && addresses.length === hint.addresses.length;
      const contact = known ?? (isWhole ? hint : book.contactOf(hint.key, addresses));
      contacts.push(contact);
      if (known === undefined) this.#onHint(contact);
    }
    return contacts;
  }

  #end(search: Search, isCut: boolean): void {
    search.lookup.end();
    this.cancel(search.id);
    search.request.onDone(search.lookup, isCut);
  }
}
