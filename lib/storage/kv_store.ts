/**
 * The store on Deno KV: a file, memory, or a KV Connect server.
 *
 * Of KV only `get`, `list`, `set` and `delete` are used. Its expiry wakes a sweeper that ends the
 * process when the disk is full (measured), `sum` can fail half way (measured), and servers have no
 * queues. A change that fits goes in one atomic commit. Where
 * bodies are too large for that they go ahead, under a mark; then the index commit counts, and the
 * next opening clears what a crash left between the two (`kv_layout.ts`).
 *
 * Commits run one after the other: SQLite has no more to give to concurrent ones. Each call has a
 * deadline of its own, since a foreign lock or a server holds calls for ever otherwise.
 */

import { concat } from "../base/bytes.ts";
import { messageOf, PeerError } from "../base/errors.ts";
import { storeValueBytesMax } from "../base/limits.ts";
import type { Log, RecordStore, StoreChange, StoreEntry, StoreKey, Timers } from "../base/ports.ts";
import * as layout from "./kv_layout.ts";
import type { Kv } from "./kv_port.ts";
import { kvError, kvTimeoutError, requireKv } from "./kv_open.ts";
import {
  storeBodyBatchBytesMax,
  storeCommitMsMax,
  storeListBatch,
  storeMutationsMax,
  storeReadKeysMax,
  storeReadMsMax,
  storeSingleCommitBytesMax,
} from "./limits.ts";
import { hasHash, storeClosedError } from "./memory_store.ts";
import { bodiesToDrop, checkBodyHash, checkStoreChange, type StoreChangeWeight } from "./store_change.ts";

/** What a store on KV needs of its surroundings. */
export interface KvStoreOptions {
  /** For the deadlines of calls. */
  readonly timers: Timers;
  /** Hears of damaged entries. */
  readonly log?: Log;
}

/** A {@linkcode RecordStore} on Deno KV. */
export class KvStore implements RecordStore {
  readonly #kv: Kv;
  readonly #place: string;
  readonly #options: KvStoreOptions;
  /** Bodies with a mark: staged by a change that has not counted, or dropped and not cleared. */
  readonly #marked = new Set<string>();
  #last: Promise<void> = Promise.resolve();
  #closing: Promise<void> | null = null;
  #damaged = 0;

  /**
   * Opens a store at a path, in `":memory:"`, or at the URL of a KV Connect server. The caller holds
   * the lock of a path (`lockStore`). Fails with `flag_missing`, `permission_denied`, `store_damaged`,
   * `store_in_use`, `store_failed` or `invalid_address`, and says what to do.
   */
  static async open(place: string, options: KvStoreOptions): Promise<KvStore> {
    await requireKv(place);
    const action = `open the store ${place}`;
    const opening = Deno.openKv(place);
    const kv = await within(options.timers, opening, storeCommitMsMax, action, () => {
      opening.then((late) => late.close(), () => {
        /* the caller has its failure already */
      });
      return kvTimeoutError(action, storeCommitMsMax);
    });
    return await KvStore.openOn(kv, place, options);
  }

  /** Opens a store on a database that is open; `place` is its name in messages. A failure closes the database. */
  static async openOn(kv: Kv, place: string, options: KvStoreOptions): Promise<KvStore> {
    const store = new KvStore(kv, place, options);
    try {
      await within(options.timers, store.#prepare(), storeCommitMsMax, `open the store ${place}`);
      return store;
    } catch (error) {
      kv.close();
      throw error;
    }
  }

  private constructor(kv: Kv, place: string, options: KvStoreOptions) {
    this.#kv = kv;
    this.#place = place;
    this.#options = options;
  }

  /**
   * Makes a change durable: the disk has it when this resolves. A rejection with `timeout` leaves open
   * whether it counts; then the same change is to be committed again. With any other it does not count.
   */
  async commit(change: StoreChange): Promise<void> {
    this.#checkOpen("write to");
    const weight = checkStoreChange(change);
    const job: Job = { givenUp: false, counting: false };
    const done = this.#last.then(() => job.givenUp ? undefined : this.#write(change, weight, job));
    // What was given up before it could count drops nothing.
    this.#last = done.then(() => job.counting ? this.#clear(bodiesToDrop(change)) : undefined, () => {
      /* told to this commit's caller; the next one goes on */
    });
    await this.#call(done, storeCommitMsMax, "write to", (action) => {
      job.givenUp = true;
      return kvTimeoutError(action, storeCommitMsMax, job.counting ? "timeout" : "store_failed");
    });
  }

  /** The entries under a prefix; damaged ones are passed over and counted. */
  async *list(prefix: StoreKey): AsyncIterable<StoreEntry> {
    this.#checkOpen("list");
    const selector = { prefix: [...layout.indexRoot, ...prefix] };
    const entries = this.#kv.list(selector, { batchSize: storeListBatch });
    for (;;) {
      const { done, value: entry } = await this.#call(entries.next(), storeReadMsMax, "list");
      if (done) return;
      const key = entry.key.slice(layout.indexRoot.length) as StoreKey;
      const value = this.#checked(key, entry.value);
      if (value !== null) yield { key, value };
    }
  }

  /** One value; `null` also where it is damaged. */
  async read(key: StoreKey): Promise<Uint8Array | null> {
    this.#checkOpen("read");
    const entry = await this.#get([...layout.indexRoot, ...key]);
    return entry === null ? null : this.#checked(key, entry);
  }

  /** One body, its chunks joined and its hash checked. */
  async readBody(hash: string): Promise<Uint8Array | null> {
    this.#checkOpen("read");
    checkBodyHash(hash);
    const first = await this.#get(layout.chunkKey(hash, 0));
    if (first === null) return null;
    const bytes = await this.#joinChunks(hash, first);
    if (bytes !== null && hasHash(bytes, hash)) return bytes;
    this.#reportDamage("body", hash);
    return null;
  }

  /** Closes the store once its commits are done or given up. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** How many damaged entries and bodies were met and not given out. */
  get damaged(): number {
    return this.#damaged;
  }

  /** Checks the format, and clears the bodies that a crash left without an owner. */
  async #prepare(): Promise<void> {
    const format = (await this.#kv.get(layout.formatKey)).value;
    if (format === null) await this.#atomic([{ key: layout.formatKey, value: layout.kvFormat }]);
    else if (!(format instanceof Uint8Array && format[0] === layout.kvFormat[0])) {
      const message = `Cannot open the store ${this.#place}: it is of another program or of a later Kith; ` +
        "update Kith, or give another path";
      throw new PeerError("store_damaged", message);
    }
    const left: string[] = [];
    for await (const { key } of this.#kv.list({ prefix: layout.markRoot })) {
      if (key[1] instanceof Uint8Array) left.push(key[1].toHex());
    }
    await this.#clear(left);
  }

  async #write(change: StoreChange, weight: StoreChangeWeight, job: Job): Promise<void> {
    const bodies = change.bodies ?? [];
    const drops = bodiesToDrop(change);
    const single: layout.Mutation[] = indexMutations(change, drops, this.#marked);
    if (fitsOneCommit(weight, bodies, single.length)) {
      for (const { hash, bytes } of bodies) single.push(...layout.bodyMutations(hash, bytes));
    } else {
      await this.#stage(bodies, job);
      // Staging marked them: the index commit takes the marks away.
      single.splice(0, single.length, ...indexMutations(change, drops, this.#marked));
    }
    if (job.givenUp || single.length === 0) return;
    job.counting = true;
    // Before, for if the answer is lost the marks may be there; to take away one that is not is harmless.
    for (const hash of drops) this.#marked.add(hash);
    await this.#atomic(single);
    for (const { hash } of bodies) this.#marked.delete(hash);
  }

  /** Writes bodies ahead of the index, in bounded commits that may be cut anywhere. */
  async #stage(bodies: NonNullable<StoreChange["bodies"]>, job: Job): Promise<void> {
    let batch: layout.Mutation[] = [];
    let batchBytes = 0;
    for (const { hash, bytes } of bodies) {
      if (await this.readBody(hash) !== null) continue; // whole already: a repeated write
      this.#marked.add(hash);
      const mark = { key: layout.markKey(hash), value: new Uint8Array() };
      for (const mutation of [mark, ...layout.bodyMutations(hash, bytes)]) {
        const size = mutation.value?.length ?? 0;
        if (batch.length === storeMutationsMax || batchBytes + size > storeBodyBatchBytesMax) {
          if (job.givenUp) return;
          await this.#atomic(batch);
          batch = [];
          batchBytes = 0;
        }
        batch.push(mutation);
        batchBytes += size;
      }
    }
    if (batch.length > 0 && !job.givenUp) await this.#atomic(batch);
  }

  /** Removes what is left of bodies without an owner, then their marks. What fails waits for the next opening. */
  async #clear(hashes: readonly string[]): Promise<void> {
    try {
      let batch: layout.Mutation[] = [];
      for (const hash of hashes) {
        const rest = this.#kv.list({ prefix: layout.bodyRoot(hash) });
        for await (const { key } of rest) batch.push({ key: key as StoreKey, value: null });
        batch.push({ key: layout.markKey(hash), value: null });
        for (; batch.length >= storeMutationsMax; batch = batch.slice(storeMutationsMax)) {
          await this.#atomic(batch.slice(0, storeMutationsMax));
        }
      }
      if (batch.length > 0) await this.#atomic(batch);
      for (const hash of hashes) this.#marked.delete(hash);
    } catch (error) {
      this.#options.log?.warn("The store could not clear dropped bodies", { error: messageOf(error) });
    }
  }

  async #atomic(mutations: readonly layout.Mutation[]): Promise<void> {
    const atomic = this.#kv.atomic();
    for (const { key, value } of mutations) {
      if (value === null) atomic.delete(key);
      else atomic.set(key, value);
    }
    await atomic.commit(); // without checks its answer is always ok; failures throw
  }

  async #get(key: StoreKey): Promise<Uint8Array | null> {
    const { value } = await this.#call(this.#kv.get(key), storeReadMsMax, "read");
    return value instanceof Uint8Array ? value : null;
  }

  async #joinChunks(hash: string, firstValue: Uint8Array): Promise<Uint8Array | null> {
    const first = layout.readFirstChunk(firstValue);
    if (first === null) return null;
    const chunks = [first.chunk];
    while (chunks.length < first.count) {
      const count = Math.min(storeReadKeysMax, first.count - chunks.length);
      const keys = Array.from({ length: count }, (_, i) => layout.chunkKey(hash, chunks.length + i));
      const entries = await this.#call(this.#kv.getMany(keys), storeReadMsMax, "read");
      for (const { value } of entries) {
        if (!(value instanceof Uint8Array)) return null;
        chunks.push(value);
      }
    }
    return concat(...chunks);
  }

  #checked(key: StoreKey, stored: unknown): Uint8Array | null {
    const value = layout.readIndexValue(key, stored);
    if (value === null) this.#reportDamage("entry", String(key[0] instanceof Uint8Array ? "" : key[0]));
    return value;
  }

  #reportDamage(kind: string, name: string): void {
    this.#damaged++;
    this.#options.log?.warn("The store holds something damaged; it is passed over", { kind, name });
  }

  #checkOpen(action: string): void {
    if (this.#closing !== null) throw storeClosedError(action);
  }

  async #call<T>(work: Promise<T>, maxMs: number, action: string, giveUp?: GiveUp): Promise<T> {
    const named = `${action} the store ${this.#place}`;
    try {
      return await within(this.#options.timers, work, maxMs, named, giveUp);
    } catch (error) {
      // A read that the closing overtook fails in KV's own words.
      const isOvertaken = this.#closing !== null && error instanceof PeerError &&
        error.code === "store_failed";
      throw isOvertaken ? storeClosedError(action) : error;
    }
  }

  async #close(): Promise<void> {
    try {
      await within(this.#options.timers, this.#last, storeCommitMsMax, `close the store ${this.#place}`);
    } catch (error) {
      this.#options.log?.warn("The store was closed over a commit that did not end", {
        error: messageOf(error),
      });
    }
    this.#kv.close();
  }
}

/** One commit: whether its caller has been refused, and whether its index commit is under way. */
interface Job {
  givenUp: boolean;
  counting: boolean;
}

/** What to do and to say when a call is late. */
type GiveUp = (action: string) => PeerError;

/** The writes of a change but its bodies' chunks. */
function indexMutations(
  change: StoreChange,
  drops: readonly string[],
  marked: ReadonlySet<string>,
): layout.Mutation[] {
  const mutations: layout.Mutation[] = (change.sets ?? []).map(layout.indexMutation);
  for (const key of change.deletes ?? []) {
    mutations.push({ key: [...layout.indexRoot, ...key], value: null });
  }
  for (const hash of drops) {
    mutations.push({ key: layout.chunkKey(hash, 0), value: null });
    mutations.push({ key: layout.markKey(hash), value: new Uint8Array() });
  }
  for (const { hash } of change.bodies ?? []) {
    if (marked.has(hash)) mutations.push({ key: layout.markKey(hash), value: null });
  }
  return mutations;
}

function fitsOneCommit(
  weight: StoreChangeWeight,
  bodies: NonNullable<StoreChange["bodies"]>,
  indexMutationCount: number,
): boolean {
  const chunks = bodies.length + weight.bodyBytes / storeValueBytesMax;
  // Deno KV counts the key of a write twice (measured).
  return weight.valueBytes + weight.bodyBytes + 2 * weight.keyBytes <= storeSingleCommitBytesMax &&
    indexMutationCount + chunks <= storeMutationsMax;
}

/** Waits for a call of KV, but not for ever; its failure comes out in our terms. */
async function within<T>(
  timers: Timers,
  work: Promise<T>,
  maxMs: number,
  action: string,
  giveUp: GiveUp = () => kvTimeoutError(action, maxMs),
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = timers.set(maxMs, () => reject(giveUp(action)));
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    throw kvError(error, action);
  } finally {
    timer.cancel();
  }
}
