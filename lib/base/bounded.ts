/** Collections with an end: each says at construction how much it holds and what gives way. */

import { assert } from "./assert.ts";

/** A map of at most `limit` entries; the least recently set or read one gives way. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #limit: number;

  constructor(limit: number) {
    assert(limit >= 1, "a bounded map holds at least one entry");
    this.#limit = limit;
  }

  /** Sets an entry and returns the one that gave way, if any. */
  set(key: K, value: V): readonly [K, V] | null {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#limit) return null;
    const oldest = this.#entries.entries().next().value!;
    this.#entries.delete(oldest[0]);
    return oldest;
  }

  /** Reads an entry and counts it as used. */
  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  /** Whether there is an entry; it does not count as used. */
  has(key: K): boolean {
    return this.#entries.has(key);
  }

  /** Removes an entry and tells whether it was there. */
  delete(key: K): boolean {
    return this.#entries.delete(key);
  }

  /** Removes all entries. */
  clear(): void {
    this.#entries.clear();
  }

  /** How many entries there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** The entries, least recently used first. */
  entries(): IterableIterator<[K, V]> {
    return this.#entries.entries();
  }

  /** The values, least recently used first. */
  values(): IterableIterator<V> {
    return this.#entries.values();
  }
}

/** A set of at most `limit` values; the oldest gives way. Used to remember what was seen. */
export class BoundedSet<T> {
  readonly #values = new Set<T>();
  readonly #limit: number;

  constructor(limit: number) {
    assert(limit >= 1, "a bounded set holds at least one value");
    this.#limit = limit;
  }

  /** Adds a value and tells whether it was new. */
  add(value: T): boolean {
    if (this.#values.has(value)) return false;
    this.#values.add(value);
    if (this.#values.size > this.#limit) this.#values.delete(this.#values.values().next().value!);
    return true;
  }

  /** Whether the value is remembered. */
  has(value: T): boolean {
    return this.#values.has(value);
  }

  /** Forgets a value. */
  delete(value: T): boolean {
    return this.#values.delete(value);
  }

  /** How many values are remembered. */
  get size(): number {
    return this.#values.size;
  }
}

/** A first-in first-out queue bounded by count and by bytes; what does not fit is refused. */
export class BoundedQueue<T> {
  #items: (T | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  readonly #countMax: number;
  readonly #bytesMax: number;
  readonly #bytesOf: (item: T) => number;

  constructor(countMax: number, bytesMax: number, bytesOf: (item: T) => number) {
    assert(countMax >= 1, "a bounded queue holds at least one item");
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
    this.#bytesOf = bytesOf;
  }

  /** Appends an item and tells whether it fitted. One item always fits into an empty queue. */
  push(item: T): boolean {
    const bytes = this.#bytesOf(item);
    if (this.size >= this.#countMax) return false;
    if (this.size > 0 && this.#bytes + bytes > this.#bytesMax) return false;
    this.#items.push(item);
    this.#bytes += bytes;
    return true;
  }

  /** Removes and returns the oldest item. */
  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#head]!;
    this.#items[this.#head++] = undefined;
    this.#bytes -= this.#bytesOf(item);
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** How many items wait. */
  get size(): number {
    return this.#items.length - this.#head;
  }

  /** How many bytes wait. */
  get bytes(): number {
    return this.#bytes;
  }
}
