/**
 * What waits for a replica's store, besides own writes: others' items, contacts, cursors, and keys to
 * delete. It is offered in bounded commits; what the store refuses is offered again.
 */

import { hex } from "../base/bytes.ts";
import type { Crypto, StoreEntry, StoreKey } from "../base/ports.ts";
import type { Arrived } from "../records/arrivals.ts";
import type { Entry } from "../records/entry.ts";
import type { Item } from "../records/item.ts";
import type { SetChange } from "../records/item_set.ts";
import { itemEntry, type Slots, takeFirst, Unstored } from "./keeping.ts";
import { commitBytesMax, commitEntriesMax } from "./limits.ts";

/** One commit: what is written and what is deleted. */
export interface Commit {
  readonly ticket: number;
  readonly sets: readonly StoreEntry[];
  readonly deletes: readonly StoreKey[];
}

/** What a backlog needs of its replica. */
export interface BacklogContext {
  readonly crypto: Crypto;
  readonly slots: Slots;
  /** Whether it was not dropped since; an item that was learnt anew has another entry. */
  readonly isKnown: (entry: Entry) => boolean;
  /** A number for a commit that was not used before. */
  readonly takeTicket: () => number;
}

/** What waits for the store, and what is under way there. */
export class Backlog {
  readonly #context: BacklogContext;
  readonly #items = new Unstored();
  /** Contacts and cursors, each key once. */
  readonly #entries = new Map<string, StoreEntry>();
  /** Keys to delete, by name; never one that waits to be written. */
  readonly #deadKeys = new Map<string, StoreKey>();
  readonly #underWay = new Map<
    number,
    { readonly entries: readonly Entry[]; readonly deletes: readonly StoreKey[] }
  >();

  constructor(context: BacklogContext) {
    this.#context = context;
  }

  /** The set changed: what moved is written, what was dropped is deleted; `stored` is in the store with these numbers. */
  onChange(change: SetChange, stored: readonly Arrived[] = []): void {
    const numbers = new Map(stored.map(({ item, arrival }) => [item.id, arrival]));
    for (const entries of [change.entered, change.left, change.outside]) {
      for (const entry of entries) if (numbers.get(entry.item.id) !== entry.arrival) this.#items.add(entry);
    }
    this.drop(change.dropped);
  }

  /** Items are no longer known and leave the store. */
  drop(items: readonly Item[]): void {
    for (const item of items) this.#items.drop(item);
  }

  /** An entry that is no item: a contact, a cursor. */
  keep(entry: StoreEntry): void {
    const name = keyName(entry.key);
    this.#deadKeys.delete(name);
    this.#entries.set(name, entry);
  }

  /** An entry that is no item leaves the store. */
  discard(key: StoreKey): void {
    const name = keyName(key);
    this.#entries.delete(name);
    this.#deadKeys.set(name, key);
  }

  /** What to hand to the store now, a bounded commit at a time; it is under way until its end is told. */
  take(): Commit[] {
    const commits: Commit[] = [];
    const { crypto, slots, takeTicket } = this.#context;
    while (!this.#isOffered) {
      const { entries, dropped } = this.#items.take(commitEntriesMax, commitBytesMax);
      const sets = entries.map((entry) => itemEntry(crypto, slots, entry.item, entry.arrival));
      const deletes = [
        ...dropped.map((item) => slots.free(item)).filter((key) => key !== null),
        ...takeFirst(this.#deadKeys, commitEntriesMax),
      ];
      // Cursors and contacts go behind the items they speak of.
      if (this.#items.isEmpty) sets.push(...takeFirst(this.#entries, commitEntriesMax));
      if (sets.length === 0 && deletes.length === 0) continue;
      const ticket = takeTicket();
      this.#underWay.set(ticket, { entries, deletes });
      commits.push({ ticket, sets, deletes });
    }
    return commits;
  }

  /** A commit is durable. */
  onStored(ticket: number): void {
    this.#underWay.delete(ticket);
  }

  /** A commit failed: its deletions wait again, and its items that are known still. Contacts and cursors are found anew. */
  onFailed(ticket: number): void {
    const failed = this.#underWay.get(ticket);
    if (failed === undefined) return;
    for (const entry of failed.entries) if (this.#context.isKnown(entry)) this.#items.add(entry);
    for (const key of failed.deletes) if (!this.#entries.has(keyName(key))) this.discard(key);
    this.#underWay.delete(ticket);
  }

  /** Whether items neither wait nor are under way. */
  get isStored(): boolean {
    return this.#items.isEmpty && this.#underWay.size === 0;
  }

  /** Whether nothing waits to be handed over. */
  get #isOffered(): boolean {
    return this.#items.isEmpty && this.#entries.size === 0 && this.#deadKeys.size === 0;
  }
}

function keyName(key: StoreKey): string {
  return key.map((part) => part instanceof Uint8Array ? hex(part) : part).join();
}
