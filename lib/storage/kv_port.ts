/**
 * What a store asks of a key-value database, and no more: `Deno.Kv` is one, `StrictKv` of the simulator
 * another. Without `expireIn`, `sum` and queues in the interface no code of ours can come to use them.
 */

import type { StoreKey } from "../base/ports.ts";

/** A key-value database. */
export interface Kv {
  /** One value; `null` if there is none. */
  get(key: StoreKey): Promise<KvEntry>;
  /** Several values in the order of the keys; Deno KV takes 10 (measured). */
  getMany(keys: readonly StoreKey[]): Promise<readonly KvEntry[]>;
  /** The entries below a prefix in key order. */
  list(
    selector: { readonly prefix: StoreKey },
    options?: { readonly batchSize?: number },
  ): AsyncIterableIterator<KvEntry>;
  /** Begins a transaction. */
  atomic(): KvTransaction;
  /** Lets go of it. */
  close(): void;
}

/** What stands at a key. */
export interface KvEntry {
  /** The parts of the key; a foreign program may have written any. */
  readonly key: readonly unknown[];
  /** The value; a foreign program may have written any. */
  readonly value: unknown;
}

/** Writes that come to count together or not at all. */
export interface KvTransaction {
  /** Adds a write. */
  set(key: StoreKey, value: Uint8Array): KvTransaction;
  /** Adds a removal. */
  delete(key: StoreKey): KvTransaction;
  /** Makes them durable; without checks its answer is always ok, and failures throw. */
  commit(): Promise<unknown>;
}
