/** The store in memory: what a peer without a path uses, and what simulations stand on. */

import { createHash } from "node:crypto";
import { PeerError } from "../base/errors.ts";
import type { RecordStore, StoreChange, StoreEntry, StoreKey } from "../base/ports.ts";
import { bodiesToDrop, checkBodyHash, checkStoreChange } from "./store_change.ts";
import { storeKeyText } from "./store_key.ts";

/** A {@linkcode RecordStore} that ends with the process. */
export class MemoryStore implements RecordStore {
  /** By ordered key text; sorted up to where the last listing sorted it, so that sorting again is cheap. */
  #entries = new Map<string, StoreEntry>();
  #order: string[] | null = [];
  readonly #bodies = new Map<string, Uint8Array>();
  #closed = false;

  /** Applies a change. What the caller does with its bytes afterwards changes nothing here. */
  commit(change: StoreChange): Promise<void> {
    return this.#answer("write to", () => {
      checkStoreChange(change);
      for (const { hash, bytes } of change.bodies ?? []) this.#bodies.set(hash, bytes.slice());
      for (const { key, value } of change.sets ?? []) this.#set(key, value);
      for (const key of change.deletes ?? []) this.#entries.delete(storeKeyText(key));
      for (const hash of bodiesToDrop(change)) this.#bodies.delete(hash);
    });
  }

  /** The entries under a prefix as they are when the listing begins. */
  async *list(prefix: StoreKey): AsyncIterable<StoreEntry> {
    for (const entry of await this.#answer("list", () => this.#under(prefix))) yield copy(entry);
  }

  /** One value. */
  read(key: StoreKey): Promise<Uint8Array | null> {
    return this.#answer("read", () => this.#entries.get(storeKeyText(key))?.value.slice() ?? null);
  }

  /** One body, if it still has its hash. */
  readBody(hash: string): Promise<Uint8Array | null> {
    return this.#answer("read", () => {
      checkBodyHash(hash);
      const bytes = this.#bodies.get(hash);
      return bytes !== undefined && hasHash(bytes, hash) ? bytes.slice() : null;
    });
  }

  /** Refuses all further calls. */
  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  #set(key: StoreKey, value: Uint8Array): void {
    const text = storeKeyText(key);
    if (!this.#entries.has(text)) this.#order = null;
    this.#entries.set(text, copy({ key, value }));
  }

  #under(prefix: StoreKey): StoreEntry[] {
    const order = this.#order ??= this.#sort();
    const start = storeKeyText(prefix);
    const found: StoreEntry[] = [];
    for (let i = firstFrom(order, start); i < order.length && order[i]!.startsWith(start); i++) {
      const entry = this.#entries.get(order[i]!);
      if (entry !== undefined && entry.key.length > prefix.length) found.push(entry);
    }
    return found;
  }

  #sort(): string[] {
    const sorted = [...this.#entries].sort((a, b) => a[0] < b[0] ? -1 : 1);
    this.#entries = new Map(sorted);
    return sorted.map(([text]) => text);
  }

  #answer<T>(action: string, work: () => T): Promise<T> {
    return Promise.try(() => {
      if (this.#closed) throw storeClosedError(action);
      return work();
    });
  }
}

/** The failure of a call on a store that was closed. */
export function storeClosedError(action: string): PeerError {
  return new PeerError("closed", `Cannot ${action} the store: it was closed; open the peer again`);
}

/** Whether bytes have a SHA-256. */
export function hasHash(bytes: Uint8Array, hash: string): boolean {
  return createHash("sha256").update(bytes).digest("hex") === hash;
}

function copy(entry: StoreEntry): StoreEntry {
  const key = entry.key.map((part) => part instanceof Uint8Array ? part.slice() : part);
  return { key, value: entry.value.slice() };
}

/** Index of the first text that is not below `start`. */
function firstFrom(order: readonly string[], start: string): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (order[middle]! < start) low = middle + 1;
    else high = middle;
  }
  return low;
}
