/**
 * A store in memory that fails, waits and crashes when a test says so.
 *
 * What a commit has not finished is lost in a crash, and nothing that was asked of a crashed store
 * ever settles: its process is gone.
 */

import { assert } from "../base/assert.ts";
import { type ErrorCode, PeerError } from "../base/errors.ts";
import type { RecordStore, StoreChange, StoreEntry, StoreKey, Timers } from "../base/ports.ts";
import { MemoryStore, storeClosedError } from "../storage/memory_store.ts";

/** Failures of a commit that stores have. */
export type StoreFault = Extract<ErrorCode, "store_full" | "store_failed" | "store_in_use" | "store_damaged">;

/**
 * A {@linkcode RecordStore} under a test's control.
 *
 * @example A full disk, then a crash
 * ```ts
 * import { FaultyStore } from "@kith/peer/testing";
 *
 * const store = new FaultyStore();
 * store.failNext("store_full");
 * await store.commit({}).catch((error) => console.log(error.code)); // store_full
 *
 * await store.commit({ sets: [{ key: ["kept"], value: Uint8Array.of(1) }] });
 * const after = store.crash();
 * console.log(await after.read(["kept"])); // Uint8Array [ 1 ]
 * ```
 */
export class FaultyStore implements RecordStore {
  readonly #timers: Timers | null;
  readonly #disk: MemoryStore;
  #faults: StoreFault[] = [];
  #standingFault: StoreFault | null = null;
  #delayMs = 0;
  #gate: PromiseWithResolvers<void> | null = null;
  #last: Promise<void> = Promise.resolve();
  #committed = 0;
  #crashPoint: { readonly commit: number; readonly when: "before" | "after" } | null = null;
  #state: "open" | "closed" | "crashed" = "open";

  /** A store on an empty disk unless given one; timers are needed only for {@linkcode FaultyStore.delay}. */
  constructor(options: { readonly timers?: Timers; readonly disk?: MemoryStore } = {}) {
    this.#timers = options.timers ?? null;
    this.#disk = options.disk ?? new MemoryStore();
  }

  /** The next commits fail so and change nothing. */
  failNext(fault: StoreFault, count = 1): void {
    for (let i = 0; i < count; i++) this.#faults.push(fault);
  }

  /** All commits fail so until told otherwise by `null`. */
  failAlways(fault: StoreFault | null): void {
    this.#standingFault = fault;
  }

  /** Each commit from now on takes so long. */
  delay(commitMs: number): void {
    assert(this.#timers !== null || commitMs === 0, "a store that delays was given timers");
    this.#delayMs = commitMs;
  }

  /** Commits wait from now on until {@linkcode FaultyStore.release}. */
  hold(): void {
    this.#gate ??= Promise.withResolvers<void>();
  }

  /** Lets the commits go on that were held. */
  release(): void {
    this.#gate?.resolve();
    this.#gate = null;
  }

  /** Crashes at the commit with this number (from 1): before it counts, or before it is told. */
  crashAt(commit: number, when: "before" | "after"): void {
    this.#crashPoint = { commit, when };
  }

  /** Crashes now, if it has not yet, and returns the store as the next start finds it. */
  crash(): FaultyStore {
    this.#state = "crashed";
    return this.#reopened();
  }

  /** The store as the next start finds it after a clean end. */
  reopen(): FaultyStore {
    assert(this.#state === "closed", "a store is closed before it is opened again");
    return this.#reopened();
  }

  /** Alters a byte of a body, as a failing disk does. */
  async damageBody(hash: string): Promise<void> {
    const bytes = await this.#disk.readBody(hash);
    assert(bytes !== null && bytes.length > 0, "the body to damage is there");
    bytes[bytes.length >> 1]! ^= 1;
    await this.#disk.commit({ bodies: [{ hash, bytes }] });
  }

  /** How many commits became durable. */
  get committed(): number {
    return this.#committed;
  }

  /** Whether it has crashed, by itself or when told. */
  get crashed(): boolean {
    return this.#state === "crashed";
  }

  /** Makes a change durable, in turn and with what was arranged. */
  commit(change: StoreChange): Promise<void> {
    const done = this.#last.then(() => this.#commit(change));
    this.#last = done.catch(() => {
      /* told to this commit's caller; the next one goes on */
    });
    return done;
  }

  /** The entries under a prefix. */
  async *list(prefix: StoreKey): AsyncIterable<StoreEntry> {
    await this.#alive("list");
    yield* this.#disk.list(prefix);
  }

  /** One value. */
  async read(key: StoreKey): Promise<Uint8Array | null> {
    await this.#alive("read");
    return await this.#disk.read(key);
  }

  /** One body. */
  async readBody(hash: string): Promise<Uint8Array | null> {
    await this.#alive("read");
    return await this.#disk.readBody(hash);
  }

  /** Closes the store once its commits are done. */
  async close(): Promise<void> {
    await this.#last;
    if (this.#state === "open") this.#state = "closed";
  }

  async #commit(change: StoreChange): Promise<void> {
    await this.#alive("write to");
    if (this.#delayMs > 0) await new Promise<void>((resolve) => this.#timers!.set(this.#delayMs, resolve));
    while (this.#gate !== null) await this.#gate.promise;
    const fault = this.#faults.shift() ?? this.#standingFault;
    if (fault !== null) throw new PeerError(fault, `Cannot write to the store: the test says ${fault}`);
    const { commit, when } = this.#crashPoint ?? {};
    if (commit === this.#committed + 1 && when === "before") this.#state = "crashed";
    await this.#alive("write to");
    await this.#disk.commit(change);
    this.#committed++;
    if (commit === this.#committed) this.#state = "crashed";
    await this.#alive("write to");
  }

  /** Never settles once crashed. */
  #alive(action: string): Promise<void> {
    if (this.#state === "crashed") return new Promise(() => {});
    if (this.#state === "closed") return Promise.reject(storeClosedError(action));
    return Promise.resolve();
  }

  #reopened(): FaultyStore {
    const disk = this.#disk;
    return new FaultyStore(this.#timers === null ? { disk } : { disk, timers: this.#timers });
  }
}
