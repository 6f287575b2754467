/**
 * A key-value database in memory that takes what Deno KV takes and nothing more. Its limits and its words
 * are Deno KV's (2.9.6, measured; `kv_contract.ts` runs on both), its failures those that `StoreFaults`
 * arranges: a transaction fails as a whole, counts as a whole, or leaves open which.
 */

import { utf8 } from "../base/bytes.ts";
import type { StoreKey } from "../base/ports.ts";
import type { Mutation } from "../storage/kv_layout.ts";
import type { Kv, KvEntry, KvTransaction } from "../storage/kv_port.ts";
import { storeMutationsMax, storeReadKeysMax } from "../storage/limits.ts";
import { storeKeyText } from "../storage/store_key.ts";
import { kvBatchMax, kvCommitBytesMax, kvKeyBytesMax, kvSetKeysBytesMax, kvValueBytesMax } from "./limits.ts";
import type { StoreFaults } from "./store_faults.ts";
import type { StrictDisk } from "./strict_disk.ts";

/** The process that a {@linkcode StrictKv} runs in. */
export interface KvProcess {
  /** Whether it has crashed: then nothing settles any more. */
  hasCrashed(): boolean;
  /** It crashes. */
  crash(): void;
  /** A transaction is durable; its answer is still to come. */
  onDurable(transaction: readonly Mutation[]): void;
  /** It asked for what Deno KV refuses: a mistake of ours. */
  onBreach(message: string): void;
}

/** One opening of a disk. */
export class StrictKv implements Kv {
  readonly #disk: StrictDisk;
  readonly #faults: StoreFaults;
  readonly #process: KvProcess;
  #last: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** Opens a disk. */
  constructor(disk: StrictDisk, faults: StoreFaults, process: KvProcess) {
    this.#disk = disk;
    this.#faults = faults;
    this.#process = process;
  }

  /** One value. */
  async get(key: StoreKey): Promise<KvEntry> {
    const [entry] = await this.getMany([key]);
    return entry!;
  }

  /** Several values. */
  async getMany(keys: readonly StoreKey[]): Promise<readonly KvEntry[]> {
    this.#require(keys.length <= storeReadKeysMax, `Too many ranges (max ${storeReadKeysMax})`);
    for (const key of keys) this.#requireReadKey(key);
    await this.#read();
    return keys.map((key) => ({ key, value: this.#disk.read(key)?.slice() ?? null }));
  }

  /** The entries below a prefix, fetched in batches: what changes meanwhile may show. */
  async *list(
    { prefix }: { readonly prefix: StoreKey },
    { batchSize = 100 }: { readonly batchSize?: number } = {},
  ): AsyncIterableIterator<KvEntry> {
    this.#require(batchSize <= kvBatchMax, `Too many entries (max ${kvBatchMax})`);
    this.#requireReadKey(prefix);
    for (let after = "";;) {
      await this.#read();
      const batch = this.#disk.list(prefix, after, batchSize);
      for (const { key, value } of batch) yield { key: copyKey(key), value: value.slice() };
      if (batch.length < batchSize) return;
      after = storeKeyText(batch.at(-1)!.key);
    }
  }

  /** Begins a transaction. */
  atomic(): KvTransaction {
    const mutations: Mutation[] = [];
    const transaction: KvTransaction = {
      set: (key, value) => {
        mutations.push({ key, value });
        return transaction;
      },
      delete: (key) => {
        mutations.push({ key, value: null });
        return transaction;
      },
      commit: () => this.#commit(mutations.map(copy)),
    };
    return transaction;
  }

  /** Refuses all further calls. */
  close(): void {
    this.#isClosed = true;
  }

  /** One transaction after the other: there is one writer. */
  #commit(mutations: readonly Mutation[]): Promise<void> {
    const done = this.#last.then(() => this.#write(mutations));
    this.#last = done.catch(() => {
      /* told to this transaction's caller; the next one goes on */
    });
    return done;
  }

  async #write(mutations: readonly Mutation[]): Promise<void> {
    await this.#alive();
    this.#requireTransaction(mutations);
    const fate = await this.#faults.beforeWrite();
    await this.#alive();
    if (fate.kind === "fails") throw fate.error;
    if (fate.kind === "crashes" && fate.when === "before") return await this.#crash();
    if (fate.kind === "lost" && !fate.counts) throw fate.error;
    this.#disk.write(mutations);
    await this.#faults.beforeSync();
    await this.#alive();
    this.#disk.sync();
    this.#process.onDurable(mutations);
    if (fate.kind === "crashes") return await this.#crash();
    if (fate.kind === "lost") throw fate.error;
  }

  async #read(): Promise<void> {
    await this.#alive();
    await this.#faults.beforeRead();
    await this.#alive();
  }

  #crash(): Promise<never> {
    this.#process.crash();
    return never();
  }

  /** Never settles once the process has crashed. */
  #alive(): Promise<void> {
    if (this.#process.hasCrashed()) return never();
    if (this.#isClosed) return Promise.reject(new Error("Bad resource ID"));
    return Promise.resolve();
  }

  #requireReadKey(key: StoreKey): void {
    this.#require(
      kvKeyBytes(key) <= kvKeyBytesMax,
      `Key too large for read (max ${kvKeyBytesMax + 1} bytes)`,
    );
  }

  #requireTransaction(mutations: readonly Mutation[]): void {
    let setKeyBytes = 0;
    let totalBytes = 0;
    this.#require(mutations.length <= storeMutationsMax, `Too many mutations (max ${storeMutationsMax})`);
    for (const { key, value } of mutations) {
      const keyBytes = kvKeyBytes(key);
      this.#require(key.length > 0, "key cannot be empty");
      this.#require(keyBytes <= kvKeyBytesMax, `Key too large for write (max ${kvKeyBytesMax} bytes)`);
      // A set counts its key twice, a removal once (measured).
      totalBytes += keyBytes;
      if (value === null) continue;
      this.#require(value.length <= kvValueBytesMax, `Value too large (max ${kvValueBytesMax} bytes)`);
      totalBytes += keyBytes + value.length;
      setKeyBytes += keyBytes;
    }
    this.#require(
      totalBytes <= kvCommitBytesMax,
      `Total mutation size too large (max ${kvCommitBytesMax} bytes)`,
    );
    this.#require(
      setKeyBytes <= kvSetKeysBytesMax,
      `Total key size too large (max ${kvSetKeysBytesMax} bytes)`,
    );
  }

  #require(holds: boolean, message: string): void {
    if (holds) return;
    this.#process.onBreach(message);
    throw new TypeError(message);
  }
}

/** The size of a key as Deno KV encodes it (measured): one byte for the kind, content, and a zero behind text and bytes. */
function kvKeyBytes(key: StoreKey): number {
  let bytes = 0;
  for (const part of key) {
    if (typeof part === "number") {
      bytes += 9;
      continue;
    }
    const content = typeof part === "string" ? utf8(part) : part;
    bytes += 2 + content.length;
    for (const byte of content) if (byte === 0) bytes++; // escaped
  }
  return bytes;
}

function copyKey(key: StoreKey): StoreKey {
  return key.map((part) => part instanceof Uint8Array ? part.slice() : part);
}

/** Deno KV takes the bytes as they are when a transaction is committed (measured). */
function copy({ key, value }: Mutation): Mutation {
  return { key: copyKey(key), value: value?.slice() ?? null };
}

/** What is asked of a process that is gone. */
function never(): Promise<never> {
  return new Promise(() => {});
}
