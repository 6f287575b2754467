/**
 * Items that are known and not in the set, bounded in number and bytes, and fair to authors: when there are too many,
 * the oldest of whoever has most gives way. So nobody can push out what others superseded by writing a lot.
 */

import { hex } from "../base/bytes.ts";
import type { Item } from "./item.ts";

/** A bounded collection of entries by author. */
export class Sidelined<E extends { readonly item: Item }> {
  readonly #all = new Map<string, E>();
  readonly #byAuthor = new Map<string, Map<string, E>>();
  readonly #countMax: number;
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(countMax: number, bytesMax: number) {
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
  }

  /** Adds an entry; there may be too many then, see {@linkcode Sidelined.overflow}. */
  add(entry: E): void {
    if (this.#all.has(entry.item.id)) return;
    this.#all.set(entry.item.id, entry);
    this.#bytes += entry.item.bytes.length;
    this.#byAuthor.getOrInsertComputed(authorOf(entry.item), () => new Map()).set(entry.item.id, entry);
  }

  /** Removes an entry, if it is here. */
  delete({ item }: E): void {
    if (!this.#all.delete(item.id)) return;
    this.#bytes -= item.bytes.length;
    const author = authorOf(item);
    const entries = this.#byAuthor.get(author)!;
    entries.delete(item.id);
    if (entries.size === 0) this.#byAuthor.delete(author);
  }

  /** The entry that has to go, while there are too many. */
  overflow(): E | null {
    if (this.#all.size <= this.#countMax && this.#bytes <= this.#bytesMax) return null;
    let most: Map<string, E> | null = null;
    for (const entries of this.#byAuthor.values()) {
      if (most === null || entries.size > most.size) most = entries;
    }
    return most!.values().next().value!;
  }

  /** The entries, in the order in which they came. */
  values(): IterableIterator<E> {
    return this.#all.values();
  }

  /** How many entries there are. */
  get size(): number {
    return this.#all.size;
  }
}

/** Lists have no author and share one part. */
function authorOf(item: Item): string {
  return item.head === null ? "" : hex(item.head.author);
}
