/**
 * The way to the store: changes in order, those that wait together in one bounded commit.
 *
 * Single sets cost a disk sync each, batches hardly more than one (reliability §8), so whatever came
 * while a commit was under way goes into the next. A commit that fails, fails everything behind it too:
 * nothing overtakes what was refused.
 */

import { type ErrorCode, messageOf, PeerError } from "../base/errors.ts";
import { storeChangeBytesMax, storeChangeEntriesMax } from "../base/limits.ts";
import type { RecordStore, StoreEntry, StoreKey } from "../base/ports.ts";

/** A change that waits for the store. */
export interface StoreUnit {
  readonly sets: readonly StoreEntry[];
  readonly deletes: readonly StoreKey[];
  /** Called once the whole unit is durable. */
  stored(): void;
  /** Called if it is not; `certain` if nothing of it can have been written. */
  failed(failure: StoreFailure): void;
}

/** Why a change was not stored. */
export interface StoreFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly certain: boolean;
}

/** Hands changes to a store. */
export class StoreQueue {
  readonly #store: RecordStore;
  #units: StoreUnit[] = [];
  #running: Promise<void> | null = null;

  constructor(store: RecordStore) {
    this.#store = store;
  }

  /** Queues a change. Its callbacks run in a later turn. */
  push(unit: StoreUnit): void {
    this.#units.push(unit);
    this.#running ??= this.#run();
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async #run(): Promise<void> {
    await null; // what is pushed in the same turn shares the first commit
    while (this.#units.length > 0) {
      const batch = this.#takeBatch();
      const failure = await this.#commit(batch);
      if (failure === null) {
        for (const unit of batch) unit.stored();
        continue;
      }
      const behind = this.#units;
      this.#units = [];
      for (const unit of batch) unit.failed(failure);
      for (const unit of behind) unit.failed({ ...failure, certain: true });
    }
    this.#running = null;
  }

  /** As many units as one commit takes; a unit that is larger goes alone, in parts. */
  #takeBatch(): StoreUnit[] {
    let entries = 0;
    let bytes = 0;
    let count = 0;
    for (const unit of this.#units) {
      entries += unit.sets.length + unit.deletes.length;
      bytes += bytesOf(unit.sets);
      if (count > 0 && (entries > storeChangeEntriesMax || bytes > storeChangeBytesMax)) break;
      count++;
    }
    return this.#units.splice(0, count);
  }

  async #commit(batch: readonly StoreUnit[]): Promise<StoreFailure | null> {
    const deletes = batch.flatMap((unit) => unit.deletes);
    const sets = batch.flatMap((unit) => unit.sets);
    let committed = false;
    try {
      for (const part of partsOf(sets, deletes)) {
        await this.#store.commit(part);
        committed = true;
      }
      return null;
    } catch (error) {
      const code = error instanceof PeerError ? error.code : "store_failed";
      // Of a commit that took too long nobody knows; whatever else failed, left the index as it was.
      return { code, message: messageOf(error), certain: code !== "timeout" && !committed };
    }
  }
}

function* partsOf(
  sets: readonly StoreEntry[],
  deletes: readonly StoreKey[],
): Generator<{ sets: StoreEntry[]; deletes: StoreKey[] }> {
  let part: { sets: StoreEntry[]; deletes: StoreKey[] } = { sets: [], deletes: [] };
  let bytes = 0;
  const isFull = (): boolean => part.sets.length + part.deletes.length >= storeChangeEntriesMax;
  for (const entry of sets) {
    if (isFull() || (bytes > 0 && bytes + entry.value.length > storeChangeBytesMax)) {
      yield part;
      part = { sets: [], deletes: [] };
      bytes = 0;
    }
    part.sets.push(entry);
    bytes += entry.value.length;
  }
  for (const key of deletes) {
    if (isFull()) {
      yield part;
      part = { sets: [], deletes: [] };
    }
    part.deletes.push(key);
  }
  if (part.sets.length + part.deletes.length > 0) yield part;
}

function bytesOf(sets: readonly StoreEntry[]): number {
  return sets.reduce((sum, entry) => sum + entry.value.length, 0);
}
