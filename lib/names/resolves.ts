/**
 * Resolves under way: values are collected from holders, each publisher is asked itself, and what it
 * confirms is told at once. A publisher that cannot be reached is told too, marked unverified
 * (PNRP's INQUIRE, but nothing is withheld).
 */

import { addressText } from "../base/address.ts";
import { equalBytes, hex } from "../base/bytes.ts";
import type { Address } from "../base/ports.ts";
import { type Contact, mayUse, sameAddress } from "./contact.ts";
import type { CloudContext, Resolution } from "./context.ts";
import type { Exchanges, Outcome } from "./exchanges.ts";
import type { Holdings } from "./holdings.ts";
import {
  contactAddressesMax,
  payloadPartBytes,
  publisherPlacesMax,
  resolveChecksMax,
  resolveInquiriesMax,
  resolveResultsMax,
  resolvesMax,
} from "./limits.ts";
import type { Lookup } from "./lookup.ts";
import type { HeldValue } from "./messages.ts";
import type { Publications } from "./publications.ts";
import { publisherOf, replaces, type SignedStatement, verifyRegistration } from "./registration.ts";
import type { RoutingTable } from "./routing_table.ts";
import type { Searches, ValuesVerdict } from "./searches.ts";
import type { CloudWire } from "./wire.ts";

/** One publisher that a resolve learned of. */
interface Publisher {
  readonly keyHex: string;
  statement: SignedStatement;
  /** Where holders saw it. */
  readonly places: Place[];
  /** Holders that named a place: each may name one. */
  readonly witnesses: Set<string>;
  /** `lost`: it does not answer where it was seen so far, but the search goes on. */
  state: "waiting" | "asked" | "lost" | "ended";
  /** Through whom it was last asked; `null` before. */
  contact: Contact | null;
  /** Slices of the payload, as they arrive. */
  parts: (Uint8Array | null)[];
  /** Whether its payload changed while it was fetched, so that it is asked a second time. */
  isSecondTry: boolean;
}

interface Place {
  readonly address: Address;
  /** How many holders say so. */
  votes: number;
  isTried: boolean;
}

interface Resolve {
  readonly call: number;
  readonly key: Uint8Array;
  readonly resultsMax: number;
  readonly publishers: Map<string, Publisher>;
  /** Registrations looked at by their digest and whether their signature held, so that none is checked twice. */
  readonly seen: Map<string, boolean>;
  readonly found: Resolution[];
  search: number | null;
  lookup: Lookup | null;
  isCut: boolean;
}

/** The resolves of one cloud machine. */
export class Resolves {
  readonly #context: CloudContext;
  readonly #wire: CloudWire;
  readonly #exchanges: Exchanges;
  readonly #searches: Searches;
  readonly #table: RoutingTable;
  readonly #publications: Publications;
  readonly #holdings: Holdings;
  readonly #running = new Map<number, Resolve>();

  constructor(
    context: CloudContext,
    wire: CloudWire,
    parts: {
      exchanges: Exchanges;
      searches: Searches;
      table: RoutingTable;
      publications: Publications;
      holdings: Holdings;
    },
  ) {
    this.#context = context;
    this.#wire = wire;
    this.#exchanges = parts.exchanges;
    this.#searches = parts.searches;
    this.#table = parts.table;
    this.#publications = parts.publications;
    this.#holdings = parts.holdings;
  }

  /** Resolves the name that lies at `key`. */
  start(call: number, key: Uint8Array, resultsMax: number): void {
    if (this.#running.size >= resolvesMax) {
      const message = `At most ${resolvesMax} names are resolved at once in one cloud; wait for some to end`;
      return this.#context.effect({ kind: "fail", call, code: "too_many", message });
    }
    const resolve: Resolve = {
      call,
      key,
      resultsMax: Math.min(resultsMax, resolveResultsMax),
      publishers: new Map(),
      seen: new Map(),
      found: [],
      search: null,
      lookup: null,
      isCut: false,
    };
    this.#running.set(call, resolve);
    this.#takeOwn(resolve);
    if (!this.#running.has(call)) return;
    const search = this.#searches.start({
      target: key,
      aim: "values",
      valuesMax: resolveResultsMax,
      onValues: (from, values) => this.#onValues(resolve, from, values),
      onDone: (lookup, isCut) => {
        resolve.lookup = lookup;
        resolve.isCut = isCut;
        this.#giveUpLost(resolve);
        this.#endIfDone(resolve);
      },
    });
    if (this.#running.has(call)) resolve.search = search;
    else this.#searches.cancel(search);
  }

  /** Ends a resolve without telling anybody. */
  cancel(call: number): void {
    const search = this.#running.get(call)?.search ?? null;
    if (search !== null) this.#searches.cancel(search);
    this.#running.delete(call);
  }

  /** How many resolves run. */
  get size(): number {
    return this.#running.size;
  }

  /** Takes what this peer itself publishes and holds. */
  #takeOwn(resolve: Resolve): void {
    const own = this.#publications.statementOf(resolve.key);
    if (own !== null && own.body !== null) {
      const payload = this.#publications.payloadOf(resolve.key);
      this.#tell(resolve, { statement: own, payload, payloadInfo: own.body.payload, verified: true });
    }
    for (const held of this.#holdings.of(resolve.key, this.#context.now.monoMs)) {
      if (this.#running.has(resolve.call)) this.#consider(resolve, held.statement.bytes, held.from, null);
    }
    if (this.#running.has(resolve.call)) this.#inquire(resolve);
  }

  #onValues(resolve: Resolve, holder: Address, values: readonly HeldValue[]): ValuesVerdict {
    let isGood = false;
    for (const value of values) {
      const from = value.from ?? holder;
      // Nobody may name addresses of a narrower scope than the one it speaks from.
      const isUsable = value.from === null || mayUse(this.#context.scope, from, holder);
      const verdict = this.#consider(resolve, value.registration, isUsable ? from : null, holder);
      if (verdict === "forged") return "forged"; // so that one liar costs one check, and uses up no other's
      isGood ||= verdict === "good";
    }
    this.#inquire(resolve);
    return isGood ? "good" : "useless";
  }

  /** Judges a registration that `holder` (`null`: this peer) has; `from` is where its publisher was seen. */
  #consider(
    resolve: Resolve,
    bytes: Uint8Array,
    from: Address | null,
    holder: Address | null,
  ): ValuesVerdict {
    const { crypto, cloud, key, now } = this.#context;
    const opened = this.#wire.openRegistration(bytes);
    if (!opened.ok) return "useless";
    const { statement } = opened;
    if (!equalBytes(statement.nameKey, resolve.key) || statement.expires <= now.wallMs) return "useless";
    if (equalBytes(statement.publisher, key)) return this.#judgeOwn(resolve, bytes);
    const digest = hex(crypto.sha256(bytes));
    if (!resolve.seen.has(digest)) {
      if (resolve.seen.size >= resolveChecksMax) return "useless";
      const isSigned = verifyRegistration(crypto, cloud, statement);
      resolve.seen.set(digest, isSigned);
      if (isSigned) this.#takeStatement(resolve, statement);
    }
    if (!resolve.seen.get(digest)) return "forged";
    const publisher = resolve.publishers.get(publisherOf(statement));
    if (publisher !== undefined && from !== null) addPlace(publisher, from, holder);
    return "good";
  }

  /** What this peer itself publishes is told already; who holds it is a holder all the same. */
  #judgeOwn(resolve: Resolve, bytes: Uint8Array): ValuesVerdict {
    const own = this.#publications.statementOf(resolve.key);
    return own !== null && equalBytes(own.bytes, bytes) ? "good" : "useless";
  }

  #takeStatement(resolve: Resolve, statement: SignedStatement): void {
    const known = resolve.publishers.get(publisherOf(statement));
    if (known === undefined) this.#addPublisher(resolve, statement);
    else if (replaces(statement, known.statement)) known.statement = statement;
  }

  #addPublisher(resolve: Resolve, statement: SignedStatement): void {
    if (resolve.publishers.size >= resolveResultsMax) return;
    resolve.publishers.set(publisherOf(statement), {
      keyHex: hex(statement.publisher),
      statement,
      places: [],
      witnesses: new Set(),
      state: "waiting",
      contact: null,
      parts: [],
      isSecondTry: false,
    });
  }

  /** Asks publishers that wait for it, as many as may be asked at once. */
  #inquire(resolve: Resolve): void {
    let asked = 0;
    for (const publisher of resolve.publishers.values()) if (publisher.state === "asked") asked++;
    for (const publisher of resolve.publishers.values()) {
      if (asked >= resolveInquiriesMax || !this.#running.has(resolve.call)) return;
      if (publisher.state !== "waiting") continue;
      asked++;
      publisher.state = "asked";
      this.#askStatement(resolve, publisher, this.#nextContact(publisher));
    }
  }

  #askStatement(resolve: Resolve, publisher: Publisher, contact: Contact): void {
    const body = { kind: "inquire", nameKey: resolve.key, part: 0 } as const;
    publisher.contact = contact;
    this.#ask(resolve, contact, body, (outcome) => {
      if (outcome.kind !== "answered" || outcome.body.kind !== "answer") {
        return this.#tryElsewhere(resolve, publisher);
      }
      publisher.contact = outcome.contact;
      const { registration, bytes } = outcome.body;
      const statement = registration === null ? null : this.#confirmed(publisher, registration);
      if (statement === null || statement.body === null) return this.#drop(resolve, publisher);
      publisher.statement = statement;
      const length = statement.body.payload?.length ?? 0;
      if (length === 0 || bytes !== null) {
        publisher.parts = bytes === null ? [] : [bytes];
        return this.#tellVerified(resolve, publisher);
      }
      publisher.parts = new Array<Uint8Array | null>(Math.ceil(length / payloadPartBytes)).fill(null);
      for (const i of publisher.parts.keys()) this.#askPart(resolve, publisher, i);
    });
  }

  #askPart(resolve: Resolve, publisher: Publisher, index: number): void {
    const body = { kind: "inquire", nameKey: resolve.key, part: index + 1 } as const;
    this.#ask(resolve, publisher.contact!, body, (outcome) => {
      if (publisher.state !== "asked") return;
      if (outcome.kind !== "answered" || outcome.body.kind !== "answer") {
        return this.#tellUnverified(resolve, publisher);
      }
      // Nothing there: the payload changed meanwhile, which its digest shows.
      publisher.parts[index] = outcome.body.bytes ?? new Uint8Array(0);
      if (!publisher.parts.includes(null)) this.#tellVerified(resolve, publisher);
    });
  }

  #ask(
    resolve: Resolve,
    contact: Contact,
    body: { kind: "inquire"; nameKey: Uint8Array; part: number },
    handler: (outcome: Outcome) => void,
  ): void {
    this.#exchanges.ask(contact, body, (outcome) => {
      if (outcome.kind === "slow" || !this.#running.has(resolve.call)) return;
      handler(outcome);
      if (!this.#running.has(resolve.call)) return;
      this.#inquire(resolve);
      this.#endIfDone(resolve);
    });
  }

  /** The publisher where this peer knows it; after that, where most holders saw it. */
  #nextContact(publisher: Publisher): Contact {
    const known = publisher.contact === null ? this.#table.entry(publisher.keyHex)?.contact : undefined;
    if (known !== undefined) return known;
    const untried = publisher.places.filter(({ isTried }) => !isTried).sort((a, b) => b.votes - a.votes);
    const next = untried.slice(0, contactAddressesMax);
    for (const place of next) place.isTried = true;
    return this.#context.book.contactOf(publisher.statement.publisher, next.map(({ address }) => address));
  }

  /** The publisher did not answer. Holders may lie about where it is, so one that was seen elsewhere is asked there. */
  #tryElsewhere(resolve: Resolve, publisher: Publisher): void {
    if (publisher.places.some(({ isTried }) => !isTried)) {
      return this.#askStatement(resolve, publisher, this.#nextContact(publisher));
    }
    if (resolve.lookup !== null) return this.#tellUnverified(resolve, publisher);
    publisher.state = "lost";
  }

  /** The search is over: nobody can tell another place of publishers that did not answer. */
  #giveUpLost(resolve: Resolve): void {
    for (const publisher of resolve.publishers.values()) {
      if (publisher.state === "lost" && this.#running.has(resolve.call)) {
        this.#tellUnverified(resolve, publisher);
      }
    }
  }

  /** What the publisher itself states, if it is a right statement and none older than what holders have. */
  #confirmed(publisher: Publisher, bytes: Uint8Array): SignedStatement | null {
    const { statement } = publisher;
    if (equalBytes(bytes, statement.bytes)) return statement;
    const { crypto, cloud, now } = this.#context;
    const opened = this.#wire.openRegistration(bytes);
    if (!opened.ok || publisherOf(opened.statement) !== publisherOf(statement)) return null;
    if (!equalBytes(opened.statement.nameKey, statement.nameKey)) return null;
    if (opened.statement.expires <= now.wallMs || !replaces(opened.statement, statement)) return null;
    return verifyRegistration(crypto, cloud, opened.statement) ? opened.statement : null;
  }

  #tellVerified(resolve: Resolve, publisher: Publisher): void {
    const { statement } = publisher;
    // A holder may have shown a later word of the publisher meanwhile: that the name is published no more.
    if (statement.body === null) return this.#drop(resolve, publisher);
    const info = statement.body.payload;
    const payload = info === null ? null : joined(publisher.parts);
    if (payload !== null && !equalBytes(this.#context.crypto.sha256(payload), info!.digest)) {
      if (publisher.isSecondTry) return this.#tellUnverified(resolve, publisher);
      publisher.isSecondTry = true;
      return this.#askStatement(resolve, publisher, publisher.contact!);
    }
    publisher.state = "ended";
    this.#tell(resolve, { statement, payload, payloadInfo: info, verified: true });
  }

  #tellUnverified(resolve: Resolve, publisher: Publisher): void {
    const { statement } = publisher;
    if (statement.body === null) return this.#drop(resolve, publisher);
    publisher.state = "ended";
    this.#tell(resolve, { statement, payload: null, payloadInfo: statement.body.payload, verified: false });
  }

  #drop(_resolve: Resolve, publisher: Publisher): void {
    publisher.state = "ended";
  }

  #tell(resolve: Resolve, resolution: Resolution): void {
    resolve.found.push(resolution);
    this.#context.effect({ kind: "emit", event: { kind: "found", call: resolve.call, resolution } });
    if (resolve.found.length >= resolve.resultsMax) this.#end(resolve);
  }

  #endIfDone(resolve: Resolve): void {
    if (resolve.lookup === null || !this.#running.has(resolve.call)) return;
    for (const publisher of resolve.publishers.values()) if (publisher.state !== "ended") return;
    this.#end(resolve);
  }

  #end(resolve: Resolve): void {
    const { call, found, lookup } = resolve;
    this.cancel(call);
    if (found.length === 0) return this.#fail(resolve);
    const summary = { found, asked: lookup?.asked ?? 0, hops: lookup?.hops ?? 0 };
    this.#context.effect({ kind: "settle", call, result: { kind: "resolved", summary } });
  }

  #fail({ call, lookup, isCut }: Resolve): void {
    const { name } = this.#context;
    if (lookup === null || lookup.answered === 0) {
      const message = `The cloud "${name}" has no contacts that answer: nobody could be asked for the name`;
      this.#context.effect({ kind: "fail", call, code: "no_contacts", message });
    } else if (isCut) {
      const message = `The cloud "${name}" was asked for the name, but not all answered in time`;
      this.#context.effect({ kind: "fail", call, code: "timeout", message });
    } else {
      const message = `The cloud "${name}" was asked and nobody has published the name`;
      this.#context.effect({ kind: "fail", call, code: "name_not_found", message });
    }
  }
}

/** A holder (`null`: this peer itself) saw the publisher at an address. */
function addPlace(publisher: Publisher, address: Address, holder: Address | null): void {
  const witness = holder === null ? "" : addressText(holder);
  if (publisher.witnesses.has(witness)) return;
  publisher.witnesses.add(witness);
  const known = publisher.places.find((place) => sameAddress(place.address, address));
  if (known !== undefined) known.votes++;
  else if (publisher.places.length < publisherPlacesMax) {
    publisher.places.push({ address, votes: 1, isTried: false });
    if (publisher.state === "lost") publisher.state = "waiting";
  }
}

function joined(parts: readonly (Uint8Array | null)[]): Uint8Array {
  const all = parts.map((part) => part ?? new Uint8Array(0));
  const bytes = new Uint8Array(all.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of all) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
