/**
 * A store that is stricter than the one that users run, and the same code: `KvStore` itself on a simulated
 * key-value database. So what is tested is the real layout (bodies ahead under marks, then one index
 * commit, then the clearing), cut between its real transactions; a model of it beside it could only agree
 * with itself. The database refuses what Deno KV refuses (`strict_kv.ts`), its disk forgets in a crash
 * what was not synced (`strict_disk.ts`), and everything that can go wrong between the two is arranged
 * by a test or drawn from a seed (`store_faults.ts`).
 *
 * Nothing that was asked of a crashed store ever settles: its process is gone.
 */

import { assert } from "../base/assert.ts";
import { PeerError } from "../base/errors.ts";
import type { Log, Random, RecordStore, StoreChange, StoreEntry, StoreKey, Timers } from "../base/ports.ts";
import { below, pick } from "../base/random.ts";
import { chunkKey, formatKey, indexRoot, type Mutation, readIndexValue } from "../storage/kv_layout.ts";
import { KvStore } from "../storage/kv_store.ts";
import { storeClosedError } from "../storage/memory_store.ts";
import type { DiskLog } from "./commit_log.ts";
import { EndingTimers } from "./ending_timers.ts";
import { type StoreFault, StoreFaults, type StoreOdds } from "./store_faults.ts";
import { type DiskEntries, type DiskEntry, StrictDisk } from "./strict_disk.ts";
import { StrictKv } from "./strict_kv.ts";

/** What a {@linkcode StrictStore} is made with. */
export interface StrictStoreOptions {
  /** For delays, and for the deadlines of the store's calls; without them no call is ever late. */
  readonly timers?: Timers;
  /** For what is drawn: which faults, how long a call takes, what a crash keeps of what was not synced. */
  readonly random?: Random;
  /** Takes every transaction and every answer (`CommitLog.disk`). */
  readonly commits?: DiskLog;
  /** Hears of damaged entries. */
  readonly log?: Log;
  /** What lies on the disk; nothing unless given. */
  readonly entries?: DiskEntries;
}

/**
 * A {@linkcode RecordStore} under a test's control. It opens with the first call.
 *
 * @example A full disk, a lost answer, a crash
 * ```ts
 * import { StrictStore } from "@kith/peer/testing";
 *
 * const store = new StrictStore();
 * store.failNext("store_full");
 * await store.commit({}).catch((error) => console.log(error.code)); // store_full
 *
 * const change = { sets: [{ key: ["kept"], value: Uint8Array.of(1) }] };
 * store.loseAnswers(1, { count: true });
 * await store.commit(change).catch((error) => console.log(error.code)); // timeout
 * await store.commit(change);
 *
 * const after = store.crash();
 * console.log(await after.read(["kept"])); // Uint8Array [ 1 ]
 * ```
 */
export class StrictStore implements RecordStore {
  readonly #options: StrictStoreOptions;
  readonly #disk: StrictDisk;
  readonly #timers: EndingTimers;
  readonly #faults: StoreFaults;
  readonly #breaches: string[] = [];
  #opening: Promise<KvStore> | null = null;
  #store: KvStore | null = null;
  #state: "open" | "closed" | "crashed" = "open";

  /** A store on an empty disk unless given entries. */
  constructor(options: StrictStoreOptions = {}) {
    this.#options = options;
    this.#disk = new StrictDisk(options.entries);
    this.#timers = new EndingTimers(options.timers ?? noTimers);
    const timers = options.timers === undefined ? null : this.#timers;
    this.#faults = new StoreFaults(timers, options.random ?? null);
  }

  /** The next transactions fail so and change nothing. */
  failNext(fault: StoreFault, count = 1): void {
    this.#faults.failNext(fault, count);
  }

  /** All transactions fail so until told otherwise by `null`. */
  failAlways(fault: StoreFault | null): void {
    this.#faults.failAlways(fault);
  }

  /** All reads fail so until told otherwise by `null`. */
  failReads(fault: StoreFault | null): void {
    this.#faults.failReads(fault);
  }

  /** Of the next transactions nobody is told whether they count: who waits gets `timeout`. */
  loseAnswers(transactions: number, options: { readonly count: boolean }): void {
    this.#faults.loseAnswers(transactions, options.count);
  }

  /** From now on chance decides what fails; `{}` ends that. */
  disturb(odds: StoreOdds): void {
    this.#faults.disturb(odds);
  }

  /** Each transaction from now on takes so long, a part of it between being written and being durable. */
  delay(minMs: number, maxMs: number = minMs): void {
    this.#faults.delay(minMs, maxMs);
  }

  /** Each read from now on takes so long. */
  delayReads(minMs: number, maxMs: number = minMs): void {
    this.#faults.delayReads(minMs, maxMs);
  }

  /** Transactions hang from now on until {@linkcode StrictStore.release}; the deadlines of calls run. */
  hold(): void {
    this.#faults.hold();
  }

  /** Lets the transactions go on that were held: they count even where their callers were given up. */
  release(): void {
    this.#faults.release();
  }

  /**
   * Crashes at the transaction with this number (from 1, see {@linkcode StrictStore.committed}): before
   * it counts, or before it is told. A commit with large bodies is several transactions.
   */
  crashAt(transaction: number, when: "before" | "after"): void {
    this.#faults.crashAt(transaction, when);
  }

  /** Crashes now, if it has not yet, and returns the store as the next start finds it. */
  crash(): StrictStore {
    this.#end();
    return this.#reopened();
  }

  /** The store as the next start finds it after a clean end. */
  reopen(): StrictStore {
    assert(this.#state === "closed", "a store is closed before it is opened again");
    return this.#reopened();
  }

  /** Alters a bit of an entry, as a failing disk does. */
  damage(key: StoreKey): void {
    this.#rot([...indexRoot, ...key]);
  }

  /** Alters a bit of a body. */
  damageBody(hash: string): void {
    this.#rot(chunkKey(hash, 0));
  }

  /** Alters a bit of whatever chance picks among the entries and bodies; tells whether there was any. */
  damageAny(): boolean {
    const { random } = this.#options;
    assert(random !== undefined, "a store that chance damages was given a random");
    const all = this.#disk.durable().filter(({ key, value }) => key[0] !== formatKey[0] && value.length > 0);
    if (all.length === 0) return false;
    const { key, value } = pick(random, all);
    this.#rot(key, below(random, 8 * value.length));
    return true;
  }

  /** How many transactions became durable in this opening; the first of an empty disk marks its format. */
  get committed(): number {
    return this.#faults.transactions;
  }

  /** What is wrong with it for as long as it is arranged, in words; `null` if nothing is. To be slow is not wrong. */
  get trouble(): string | null {
    return this.#faults.trouble;
  }

  /** Whether it has crashed, by itself or when told. */
  get crashed(): boolean {
    return this.#state === "crashed";
  }

  /** What was asked of Deno KV that it refuses: there must be nothing. */
  get breaches(): readonly string[] {
    return this.#breaches;
  }

  /** Whether what is read at a key would be read there after a crash at this moment as well. */
  isDurable(key: StoreKey): boolean {
    return this.#disk.isDurable([...indexRoot, ...key]);
  }

  /** The entries that a crash at this moment keeps for certain; damaged ones are left out. */
  durableEntries(): StoreEntry[] {
    const entries: StoreEntry[] = [];
    for (const { key, value: stored } of this.#disk.durable()) {
      if (key[0] !== indexRoot[0]) continue;
      const indexKey = key.slice(indexRoot.length);
      const value = readIndexValue(indexKey, stored);
      if (value !== null) entries.push({ key: indexKey, value });
    }
    return entries;
  }

  /** Everything that lies on the disk for certain, as the layout has it: for who looks for what is torn or left over. */
  diskEntries(): readonly DiskEntry[] {
    return this.#disk.durable();
  }

  /** How many damaged entries and bodies were met and not given out. */
  get damaged(): number {
    return this.#store?.damaged ?? 0;
  }

  /** Makes a change durable. */
  async commit(change: StoreChange): Promise<void> {
    const { commits } = this.#options;
    try {
      await this.#ask((store) => store.commit(change));
      commits?.answer(change, "stored");
    } catch (error) {
      if (error instanceof PeerError) commits?.answer(change, error.code);
      throw error;
    }
  }

  /** The entries under a prefix. */
  async *list(prefix: StoreKey): AsyncIterable<StoreEntry> {
    const entries = await this.#ask((store) => Promise.resolve(store.list(prefix)[Symbol.asyncIterator]()));
    for (;;) {
      const next = await this.#ask(() => entries.next());
      if (next.done) return;
      yield next.value;
    }
  }

  /** One value. */
  read(key: StoreKey): Promise<Uint8Array | null> {
    return this.#ask((store) => store.read(key));
  }

  /** One body. */
  readBody(hash: string): Promise<Uint8Array | null> {
    return this.#ask((store) => store.readBody(hash));
  }

  /** Closes the store once its commits are done or given up. */
  async close(): Promise<void> {
    if (this.#state === "closed") return;
    if (this.#opening === null && !this.crashed) this.#state = "closed";
    else await this.#ask((store) => store.close());
    if (!this.crashed) this.#state = "closed";
  }

  /** Hands a question to the store that users run, if this one is alive, and its answer on, if it still is. */
  async #ask<T>(question: (store: KvStore) => Promise<T>): Promise<T> {
    if (this.#state === "closed") throw storeClosedError("use");
    try {
      return await this.#unlessCrashed(question(await this.#opened()));
    } catch (error) {
      return await this.#unlessCrashed(Promise.reject(error));
    }
  }

  async #unlessCrashed<T>(answer: Promise<T>): Promise<T> {
    const [outcome] = await Promise.allSettled([answer]);
    if (this.crashed) return await new Promise(() => {});
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  }

  /** A failed opening is tried again by the next call. */
  #opened(): Promise<KvStore> {
    const { log } = this.#options;
    const options = { timers: this.#timers, ...(log && { log }) };
    return this.#opening ??= KvStore.openOn(this.#openKv(), "simulated", options).then(
      (store) => this.#store = store,
      (error) => {
        this.#opening = null;
        throw error;
      },
    );
  }

  #openKv(): StrictKv {
    return new StrictKv(this.#disk, this.#faults, {
      hasCrashed: () => this.crashed,
      crash: () => this.#end(),
      onBreach: (message) => void this.#breaches.push(message),
      onDurable: (writes) => {
        this.#faults.count();
        this.#options.commits?.transaction(writes);
      },
    });
  }

  #end(): void {
    if (this.#state !== "open") return;
    this.#state = "crashed";
    this.#timers.end();
    const { random, commits } = this.#options;
    const { unsynced } = this.#disk;
    const kept = random === undefined || unsynced === 0 ? 0 : below(random, unsynced + 1);
    for (const writes of this.#disk.crash(kept)) commits?.transaction(writes);
  }

  #rot(key: StoreKey, bit?: number): void {
    const value = this.#disk.read(key)?.slice();
    assert(value !== undefined && value.length > 0, "what is to be damaged is there");
    const at = bit ?? 8 * value.length - 1;
    value[at >> 3]! ^= 1 << (at & 7);
    const writes: readonly Mutation[] = [{ key, value }];
    this.#disk.write(writes);
    this.#disk.sync();
    this.#options.commits?.rot(writes);
  }

  #reopened(): StrictStore {
    return new StrictStore({ ...this.#options, entries: this.#disk.entries() });
  }
}

/** Nothing is ever late. */
const noTimers: Timers = { set: () => ({ cancel() {} }) };
