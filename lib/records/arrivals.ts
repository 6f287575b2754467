/**
 * The order in which items entered the set here, and the set's fingerprint. A returning neighbor asks
 * for what came after the last number it saw; strangers compare count and fingerprint first.
 */

import type { Crypto } from "../base/ports.ts";
import type { Item } from "./item.ts";

/** An item that is, or was, in the set. */
export interface Arrived {
  readonly item: Item;
  /** Its number in the order of arrival; 0 while it is not in the set. */
  readonly arrival: number;
}

/** One of a graph's two sets (authority, data) in its order of arrival. */
export class Arrivals<E extends Arrived> {
  #order: { readonly arrival: number; readonly entry: E }[] = [];
  #sorted = true;
  #count = 0;
  #bytes = 0;
  #head = 0;
  // Sum of all hashes modulo 2^256, least significant word first: order does not matter, and leaving undoes entering.
  readonly #sum = new Uint32Array(8);

  /** An entry entered with the arrival number it now carries. */
  enter(entry: E): void {
    this.#sorted &&= entry.arrival > this.#head;
    this.#head = Math.max(this.#head, entry.arrival);
    this.#order.push({ arrival: entry.arrival, entry });
    this.#count++;
    this.#bytes += entry.item.bytes.length;
    this.#fold(entry.item.hash, 1);
  }

  /** An entry left. */
  leave(entry: E): void {
    this.#count--;
    this.#bytes -= entry.item.bytes.length;
    this.#fold(entry.item.hash, -1);
    if (this.#order.length > 64 && this.#order.length > 2 * this.#count) this.#compact();
  }

  /** Entries that arrived after number `after`, in order of arrival. */
  *since(after: number): IterableIterator<E> {
    this.#sort();
    for (let i = this.#firstAfter(after); i < this.#order.length; i++) {
      const { arrival, entry } = this.#order[i]!;
      if (entry.arrival === arrival) yield entry;
    }
  }

  /** The entry with this arrival number, if it is still in the set. */
  at(arrival: number): E | null {
    this.#sort();
    const found = this.#order[this.#firstAfter(arrival - 1)];
    return found?.arrival === arrival && found.entry.arrival === arrival ? found.entry : null;
  }

  /** The latest entry with a number up to `limit`, or `null` if there is none. */
  latest(limit: number = Number.MAX_SAFE_INTEGER): E | null {
    this.#sort();
    for (let i = this.#firstAfter(limit) - 1; i >= 0; i--) {
      const { arrival, entry } = this.#order[i]!;
      if (entry.arrival === arrival) return entry;
    }
    return null;
  }

  /** 16 bytes that equal sets share. */
  fingerprint(crypto: Crypto): Uint8Array {
    return crypto.sha256(new Uint8Array(this.#sum.buffer)).slice(0, 16);
  }

  /** How many entries are in the set. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the items in the set, as they travel. */
  get bytes(): number {
    return this.#bytes;
  }

  #firstAfter(after: number): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#order[middle]!.arrival > after) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #sort(): void {
    if (this.#sorted) return;
    this.#order.sort((a, b) => a.arrival - b.arrival);
    this.#sorted = true;
  }

  #compact(): void {
    this.#order = this.#order.filter(({ arrival, entry }) => entry.arrival === arrival);
  }

  #fold(hash: Uint8Array, sign: 1 | -1): void {
    const words = new DataView(hash.buffer, hash.byteOffset, 32);
    let carry = 0;
    for (let i = 0; i < 8; i++) {
      const total = this.#sum[i]! + sign * words.getUint32(28 - 4 * i) + carry;
      this.#sum[i] = total; // modulo 2^32 by the array's type
      carry = Math.floor(total / 2 ** 32);
    }
  }
}
