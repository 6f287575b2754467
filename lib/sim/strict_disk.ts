/**
 * The disk under a simulated store, in two layers. A transaction is written to the volatile layer, where
 * reads see it, and counts for the next start only from its sync. A crash keeps what is durable and of
 * the rest as many transactions, oldest first, as chance would have it: each whole or not at all, and
 * none without those before it. That is what SQLite's log leaves (each frame is checked, the log is cut
 * at the first that does not hold), and 16 kills placed between its writes and syncs left (reliability §0).
 */

import type { StoreKey } from "../base/ports.ts";
import type { Mutation } from "../storage/kv_layout.ts";
import { storeKeyText } from "../storage/store_key.ts";

/** What stands on the disk at one key. Nobody changes the bytes. */
export interface DiskEntry {
  /** Where it stands. */
  readonly key: StoreKey;
  /** What. */
  readonly value: Uint8Array;
}

/** Entries by ordered key text. */
export type DiskEntries = ReadonlyMap<string, DiskEntry>;

/** A disk that outlives the stores on it. */
export class StrictDisk {
  readonly #durable: Map<string, DiskEntry>;
  /** Transactions that were written and are not synced, oldest first. */
  #volatile: (readonly Mutation[])[] = [];
  /** The sorted texts of `#durable`, until a new one comes. */
  #order: string[] | null = null;

  /** An empty disk unless given entries. */
  constructor(entries: DiskEntries = new Map()) {
    this.#durable = new Map(entries);
  }

  /** Writes a transaction to the volatile layer. */
  write(transaction: readonly Mutation[]): void {
    this.#volatile.push(transaction);
  }

  /** Makes all that was written durable. */
  sync(): void {
    for (const transaction of this.#volatile) this.#apply(transaction);
    this.#volatile = [];
  }

  /** Loses the volatile layer but for its first `kept` transactions, which it returns. */
  crash(kept: number): readonly (readonly Mutation[])[] {
    const transactions = this.#volatile.slice(0, kept);
    this.#volatile = transactions;
    this.sync();
    return transactions;
  }

  /** How many transactions are not synced. */
  get unsynced(): number {
    return this.#volatile.length;
  }

  /** What is read at a key. */
  read(key: StoreKey): Uint8Array | null {
    const text = storeKeyText(key);
    for (const transaction of this.#volatile.toReversed()) {
      const last = transaction.findLast((write) => storeKeyText(write.key) === text);
      if (last !== undefined) return last.value;
    }
    return this.#durable.get(text)?.value ?? null;
  }

  /** Up to `count` entries below a prefix that come after the key text `after`. */
  list(prefix: StoreKey, after: string, count: number): DiskEntry[] {
    const order = this.#volatile.length === 0 ? this.#sorted() : null;
    const entries = order === null ? applied(this.#durable, this.#volatile) : this.#durable;
    const texts = order ?? [...entries.keys()].sort();
    const start = storeKeyText(prefix);
    const found: DiskEntry[] = [];
    for (let i = firstFrom(texts, after > start ? after : start); i < texts.length; i++) {
      const text = texts[i]!;
      if (!text.startsWith(start) || found.length === count) break;
      const entry = entries.get(text)!;
      if (text !== after && entry.key.length > prefix.length) found.push(entry);
    }
    return found;
  }

  /** Whether what is read at a key would be read there after a crash at this moment as well. */
  isDurable(key: StoreKey): boolean {
    const text = storeKeyText(key);
    const isTouched = this.#volatile.flat().some((write) => storeKeyText(write.key) === text);
    return !isTouched && this.#durable.has(text);
  }

  /** What a crash at this moment keeps for certain, in key order. */
  durable(): DiskEntry[] {
    return this.#sorted().map((text) => this.#durable.get(text)!);
  }

  /** The same, for another disk to begin with. */
  entries(): DiskEntries {
    return this.#durable;
  }

  #apply(transaction: readonly Mutation[]): void {
    if (apply(this.#durable, transaction)) this.#order = null;
  }

  #sorted(): string[] {
    return this.#order ??= [...this.#durable.keys()].sort();
  }
}

/** Entries after some transactions. */
export function applied(entries: DiskEntries, transactions: readonly (readonly Mutation[])[]): DiskEntries {
  const result = new Map(entries);
  for (const transaction of transactions) apply(result, transaction);
  return result;
}

/** Applies a transaction and tells whether the keys are others now. */
function apply(entries: Map<string, DiskEntry>, transaction: readonly Mutation[]): boolean {
  let isOther = false;
  for (const { key, value } of transaction) {
    const text = storeKeyText(key);
    if (value === null) isOther = entries.delete(text) || isOther;
    else {
      isOther ||= !entries.has(text);
      entries.set(text, { key, value });
    }
  }
  return isOther;
}

/** Index of the first text that is not below `start`. */
function firstFrom(texts: readonly string[], start: string): number {
  let low = 0;
  let high = texts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (texts[middle]! < start) low = middle + 1;
    else high = middle;
  }
  return low;
}
