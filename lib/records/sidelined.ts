/**
 * Items that are known and not in the set, bounded in number and bytes, and fair to owners: when there are too many,
 * the oldest of whoever takes the largest part of the room gives way, be it by number or by bytes. So nobody can push
 * out what is kept for others by bringing a lot, in few large items or in many small ones.
 */

import { assert } from "../base/assert.ts";
import type { Item } from "./item.ts";

interface Holding<E> {
  readonly entries: Map<string, E>;
  /** Goes through the entries, the oldest first, those included that come yet. */
  readonly walk: Iterator<E>;
  /** The oldest, once it was asked for: a map that is asked anew passes by all that was deleted before. */
  oldest: E | null;
  bytes: number;
}

/** What a collection of sidelined entries is made of. */
export interface SidelinedOptions<E> {
  readonly countMax: number;
  readonly bytesMax: number;
  /** On whose account an entry is kept. The answer must not change while it is here. */
  readonly ownerOf: (entry: E) => string;
}

/** A bounded collection of entries by owner. */
export class Sidelined<E extends { readonly item: Item }> {
  readonly #options: SidelinedOptions<E>;
  readonly #all = new Map<string, E>();
  readonly #byOwner = new Map<string, Holding<E>>();
  #bytes = 0;

  constructor(options: SidelinedOptions<E>) {
    this.#options = options;
  }

  /** Adds an entry; there may be too many then, see {@linkcode Sidelined.overflow}. */
  add(entry: E): void {
    const { item } = entry;
    if (this.#all.has(item.id)) return;
    this.#all.set(item.id, entry);
    this.#bytes += item.bytes.length;
    const owner = this.#options.ownerOf(entry);
    const holding: Holding<E> = this.#byOwner.getOrInsertComputed(owner, newHolding<E>);
    holding.entries.set(item.id, entry);
    holding.bytes += item.bytes.length;
  }

  /** Removes an entry, if it is here. */
  delete(entry: E): void {
    const { item } = entry;
    if (!this.#all.delete(item.id)) return;
    this.#bytes -= item.bytes.length;
    const owner = this.#options.ownerOf(entry);
    const holding = this.#byOwner.get(owner);
    assert(holding?.entries.delete(item.id) === true, "an entry keeps its owner while it is here");
    holding.bytes -= item.bytes.length;
    if (holding.oldest?.item.id === item.id) holding.oldest = null;
    if (holding.entries.size === 0) this.#byOwner.delete(owner);
  }

  /** The entry that has to go, while there are too many. */
  overflow(): E | null {
    const { countMax, bytesMax } = this.#options;
    if (this.#all.size <= countMax && this.#bytes <= bytesMax) return null;
    let most: Holding<E> | null = null;
    for (const holding of this.#byOwner.values()) {
      if (most === null || this.#shareOf(holding) > this.#shareOf(most)) most = holding;
    }
    return most!.oldest ??= most!.walk.next().value!;
  }

  /** The entries, in the order in which they came. */
  values(): IterableIterator<E> {
    return this.#all.values();
  }

  /** How many entries there are. */
  get size(): number {
    return this.#all.size;
  }

  /** Bytes of their items. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How much of the room an owner takes, by number or by bytes, whichever is more. */
  #shareOf({ entries, bytes }: Holding<E>): number {
    const { countMax, bytesMax } = this.#options;
    return Math.max(entries.size / countMax, bytes / bytesMax);
  }
}

function newHolding<E>(): Holding<E> {
  const entries = new Map<string, E>();
  return { entries, walk: entries.values(), oldest: null, bytes: 0 };
}
