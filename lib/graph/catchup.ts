/**
 * Catching up with one neighbor (protocol §5): both ends say what they hold of a set, each sends what
 * the other lacks, and both compare again until the sets are equal. Authority first, to completion.
 *
 * A returning neighbor is served by its arrival cursor, exactly what came since; one whose cursor is
 * unknown here gets everything (if it holds nothing) or the list of elements and says which it wants.
 * Both ends take the same steps, so neither is the client.
 */

import { equalBytes, hex } from "../base/bytes.ts";
import type { Crypto } from "../base/ports.ts";
import type { Arrivals } from "../records/arrivals.ts";
import type { Entry } from "../records/entry.ts";
import type { Item } from "../records/item.ts";
import type { ItemSet } from "../records/item_set.ts";
import {
  answersWaitingMax,
  catchupRoundsMax,
  elementsPageMax,
  itemsMessageBytes,
  pagesAheadMax,
} from "./limits.ts";
import { type Cursor, elementBytes, type GraphMessage, SetKind, type Summary } from "./messages.ts";
import type { LinkWindow } from "./outbox.ts";

/** What a catch-up needs from its replica. */
export interface CatchupContext {
  readonly set: ItemSet;
  readonly crypto: Crypto;
  /** What this node has seen of the neighbor's arrivals. */
  cursor(set: SetKind): Cursor | null;
  /** The neighbor's arrivals are known here up to this. */
  saveCursor(set: SetKind, cursor: Cursor): void;
  /** Whether a catch-up may begin; if not, it is begun again when it may. */
  mayBegin(): boolean;
  /** The highest arrival number below which nothing is on its way to the store. */
  settledArrival(): number;
}

/** A list that is being gone through; pages hold their elements joined, as thousands of views would take several times as much. */
interface Listed {
  readonly head: Cursor | null;
  /** Pages to be sent, and those that wait for an answer. */
  readonly pages: Uint8Array[];
  readonly asked: Uint8Array[];
}

/** How far a catch-up is. */
export type CatchupState = "idle" | "authority" | "data";

/** One side of the conversation with one neighbor. */
export class Catchup {
  readonly #context: CatchupContext;
  readonly #window: LinkWindow;
  #state: CatchupState = "idle";
  #round = 1;
  #mine: Summary | null = null;
  #theirs: Summary | null = null;
  #served = false;
  #gotServed = false;
  // Where the arrivals stood when a list was begun: what came since travels by itself.
  #listed: Listed | null = null;
  // What the other end began with before it was this end's time to begin.
  #asked: Summary | null = null;
  #result: "none" | "equal" | "diverged" = "none";

  constructor(context: CatchupContext, window: LinkWindow) {
    this.#context = context;
    this.#window = window;
  }

  /** Begins, unless it is under way or the other end has been served too much; then it begins later. */
  begin(): void {
    if (this.#state !== "idle" || !this.#context.mayBegin()) return;
    const asked = this.#asked;
    this.#asked = null;
    this.#state = "authority";
    this.#beginRound(1);
    if (asked !== null) this.#onSummary(asked);
  }

  /** Handles a message of the conversation; `false` if it does not belong to this step. */
  onMessage(message: GraphMessage): boolean {
    switch (message.type) {
      case "summary":
        return this.#onSummary(message);
      case "elements":
        return this.#onElements(message.set, message.elements, message.last);
      case "want":
        return this.#onWant(message.set, message.elements, message.last);
      case "served":
        return this.#onServed(message.set, message.cursor);
      default:
        return false;
    }
  }

  /** Takes the next step if both ends have done this one. Returns whether the whole catch-up ended now. */
  advance(): boolean {
    if (this.#state === "idle" || !this.#served || !this.#gotServed) return false;
    if (this.#mine === null || this.#theirs === null) return false;
    const equal = areEqual(this.#mine, this.#theirs);
    if (!equal && this.#round < catchupRoundsMax) {
      this.#beginRound(this.#round + 1);
    } else if (this.#state === "authority") {
      this.#state = "data";
      this.#result = equal ? "none" : "diverged";
      this.#beginRound(1);
    } else {
      this.#state = "idle";
      this.#result = equal && this.#result !== "diverged" ? "equal" : "diverged";
      return true;
    }
    return false;
  }

  /** How far it is. */
  get state(): CatchupState {
    return this.#state;
  }

  /** How the last catch-up ended. */
  get result(): "none" | "equal" | "diverged" {
    return this.#result;
  }

  #beginRound(round: number): void {
    this.#round = round;
    this.#theirs = null;
    this.#served = false;
    this.#gotServed = false;
    this.#listed = null;
    const set = this.#set();
    const arrivals = this.#arrivals();
    this.#mine = {
      type: "summary",
      set,
      round,
      count: arrivals.count,
      fingerprint: arrivals.fingerprint(this.#context.crypto),
      // A cursor that left a difference in the first round is not asked again.
      cursor: round === 1 ? this.#context.cursor(set) : null,
    };
    this.#say(this.#mine);
  }

  #onSummary(theirs: Summary): boolean {
    if (this.#state === "idle") {
      if (theirs.set !== SetKind.authority || theirs.round !== 1 || this.#asked !== null) return false;
      this.#asked = theirs;
      this.begin();
      return true;
    }
    if (theirs.set !== this.#set() || theirs.round !== this.#round || this.#theirs !== null) return false;
    this.#theirs = theirs;
    const arrivals = this.#arrivals();
    if (areEqual(this.#mine!, theirs)) {
      this.#window.sendBulk(this.#finish(this.#head()));
    } else if (theirs.count === 0 || this.#knows(theirs.cursor)) {
      this.#window.sendBulk(this.#since(arrivals, theirs.count === 0 ? 0 : theirs.cursor!.arrival));
    } else {
      this.#list(arrivals);
    }
    return true;
  }

  #onElements(set: SetKind, elements: readonly Uint8Array[], last: boolean): boolean {
    if (this.#state === "idle" || set !== this.#set() || this.#gotServed) return false;
    if (this.#window.waitingBulk >= answersWaitingMax) return false;
    const missing = elements.filter((element) => this.#context.set.byElement(hex(element)) === null);
    this.#say({ type: "want", set, elements: missing, last });
    return true;
  }

  #onWant(set: SetKind, elements: readonly Uint8Array[], last: boolean): boolean {
    if (this.#state === "idle" || set !== this.#set() || this.#served || this.#listed === null) return false;
    const page = this.#listed.asked.shift();
    if (page === undefined || !isPartOf(elements, page)) return false;
    const items: Item[] = [];
    for (const element of elements) {
      const entry = this.#context.set.byElement(hex(element));
      if (entry?.place === "in") items.push(entry.item);
    }
    const head = this.#listed.head;
    this.#window.sendBulk(packed(items));
    if (last) {
      this.#listed = null;
      this.#window.sendBulk(this.#finish(head));
    } else this.#sendPages(this.#listed);
    return true;
  }

  #onServed(set: SetKind, cursor: Cursor | null): boolean {
    if (this.#state === "idle" || set !== this.#set() || this.#gotServed) return false;
    this.#gotServed = true;
    if (cursor !== null) this.#context.saveCursor(set, cursor);
    return true;
  }

  #list(arrivals: Arrivals<Entry>): void {
    const elements = new Uint8Array(arrivals.count * elementBytes);
    let at = 0;
    for (const { item } of arrivals.since(0)) {
      elements.set(item.hash.subarray(0, elementBytes), at);
      at += elementBytes;
    }
    const pages: Uint8Array[] = [];
    for (let i = 0; i === 0 || i < elements.length; i += pageBytes) {
      pages.push(elements.subarray(i, i + pageBytes));
    }
    this.#listed = { head: this.#head(), pages, asked: [] };
    this.#sendPages(this.#listed);
  }

  /** Sends pages as the other end answers them: it must hold what it answers until its link takes that. */
  #sendPages({ pages, asked }: Listed): void {
    const set = this.#set();
    while (asked.length < pagesAheadMax && pages.length > 0) {
      const page = pages.shift()!;
      asked.push(page);
      this.#window.sendBulk(pageOf(set, page, pages.length === 0));
    }
  }

  *#since(arrivals: Arrivals<Entry>, after: number): Generator<GraphMessage> {
    const head = this.#head();
    for (let from = after;;) {
      // Asked anew for each message: the order may change while the link is busy.
      const batch: Item[] = [];
      let bytes = 0;
      for (const entry of arrivals.since(from)) {
        if (batch.length > 0 && bytes + entry.item.bytes.length > itemsMessageBytes) break;
        batch.push(entry.item);
        bytes += entry.item.bytes.length;
        from = entry.arrival;
      }
      if (batch.length === 0) break;
      yield { type: "items", items: batch.map((item) => item.bytes) };
    }
    yield* this.#finish(head);
  }

  *#finish(head: Cursor | null): Generator<GraphMessage> {
    this.#served = true;
    yield { type: "served", set: this.#set(), cursor: head };
  }

  /** Says something that the conversation would not go on without: it waits its turn and is never dropped. */
  #say(message: GraphMessage): void {
    this.#window.sendInTurn(message);
  }

  #head(): Cursor | null {
    const entry = this.#arrivals().latest(this.#context.settledArrival());
    if (entry === null) return null;
    return { arrival: entry.arrival, element: entry.item.hash.subarray(0, elementBytes) };
  }

  #knows(cursor: Cursor | null): boolean {
    if (cursor === null) return false;
    const entry = this.#arrivals().at(cursor.arrival);
    return entry !== null && hex(entry.item.hash.subarray(0, elementBytes)) === hex(cursor.element);
  }

  #set(): SetKind {
    return this.#state === "data" ? SetKind.data : SetKind.authority;
  }

  #arrivals(): Arrivals<Entry> {
    return this.#state === "data" ? this.#context.set.data : this.#context.set.authority;
  }
}

/** Messages that carry these items, as few as fit. */
export function* packed(items: readonly Item[]): Generator<GraphMessage> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for (const item of items) {
    if (batch.length > 0 && bytes + item.bytes.length > itemsMessageBytes) {
      yield { type: "items", items: batch };
      batch = [];
      bytes = 0;
    }
    batch.push(item.bytes);
    bytes += item.bytes.length;
  }
  if (batch.length > 0) yield { type: "items", items: batch };
}

function* pageOf(set: SetKind, page: Uint8Array, last: boolean): Generator<GraphMessage> {
  yield { type: "elements", set, elements: elementsOf(page), last };
}

/** Whether these are some of a page's elements, in its order: each is served once. */
function isPartOf(elements: readonly Uint8Array[], page: Uint8Array): boolean {
  const listed = elementsOf(page);
  let at = 0;
  return elements.every((element) => {
    while (at < listed.length && !equalBytes(listed[at]!, element)) at++;
    return at++ < listed.length;
  });
}

function elementsOf(page: Uint8Array): Uint8Array[] {
  const count = page.length / elementBytes;
  return Array.from({ length: count }, (_, i) => page.subarray(i * elementBytes, (i + 1) * elementBytes));
}

function areEqual(a: Summary, b: Summary): boolean {
  return a.count === b.count && hex(a.fingerprint) === hex(b.fingerprint);
}

const pageBytes = elementsPageMax * elementBytes;
