/**
 * The way to the store: changes in order, those that wait together in one bounded commit.
 *
 * Single sets cost a disk sync each, batches hardly more than one (reliability §8), so whatever came
 * while a commit was under way goes into the next. A commit that fails, fails everything behind it too:
 * nothing overtakes what was refused. Of one that took too long nobody knows whether it counts: it is
 * made again, and only when that does not help is its failure told, as an uncertain one.
 */

import { type ErrorCode, messageOf, PeerError } from "../base/errors.ts";
import { storeChangeBytesMax, storeChangeEntriesMax } from "../base/limits.ts";
import type { RecordStore, StoreEntry, StoreKey, Timers } from "../base/ports.ts";
import { storeChangeKeyBytesMax } from "../storage/limits.ts";
import { weighStoreChange } from "../storage/store_change.ts";
import { storeKeyText } from "../storage/store_key.ts";
import { storeRepeatPauseMs, storeRepeatsMax } from "./limits.ts";

/** A change that waits for the store. What it both sets and deletes is deleted. */
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
  readonly #timers: Timers;
  #units: StoreUnit[] = [];
  #running: Promise<void> | null = null;
  #failure: StoreFailure | null = null;

  constructor(store: RecordStore, timers: Timers) {
    this.#store = store;
    this.#timers = timers;
  }

  /** Queues a change. Its callbacks run in a later turn. */
  push(unit: StoreUnit): void {
    this.#units.push(unit);
    this.#running ??= this.#run();
  }

  /** Resolves when everything queued so far was stored or has failed. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      this.push({ sets: [], deletes: [], stored: resolve, failed: () => resolve() });
    });
  }

  /** Why the store took nothing when it was asked last; `null` if it did. */
  get failure(): StoreFailure | null {
    return this.#failure;
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
      if (batch.some(isChange)) this.#failure = failure;
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
    const load = new Load();
    let count = 0;
    for (const unit of this.#units) {
      load.add(unit);
      if (count > 0 && load.isTooMuch) break;
      count++;
    }
    return this.#units.splice(0, count);
  }

  async #commit(batch: readonly StoreUnit[]): Promise<StoreFailure | null> {
    let certain = true;
    const onUncertain = () => certain = false;
    try {
      const change = changeOf(batch);
      for (const part of batch.length === 1 ? partsOf(change) : [change]) {
        await this.#commitPart(part, onUncertain);
        certain = false; // if a later part fails, this one is stored all the same
      }
      return null;
    } catch (error) {
      const code = error instanceof PeerError ? error.code : "store_failed";
      return { code, message: messageOf(error), certain };
    }
  }

  /** Makes one commit, again and again while it stays open whether it counts. */
  async #commitPart(part: Change, onUncertain: () => void): Promise<void> {
    for (let repeats = 0;; repeats++) {
      try {
        return await this.#store.commit(part);
      } catch (error) {
        if (!(error instanceof PeerError) || error.code !== "timeout") throw error;
        onUncertain(); // for good: the first attempt may come to count after a later one has failed
        if (repeats >= storeRepeatsMax) throw error;
      }
      await new Promise<void>((resolve) => this.#timers.set(storeRepeatPauseMs, resolve));
    }
  }
}

interface Change {
  readonly sets: readonly StoreEntry[];
  readonly deletes: readonly StoreKey[];
}

/** What several units come to in one change, which writes before it removes: of each key what came last. */
function changeOf(batch: readonly StoreUnit[]): Change {
  const sets = batch.flatMap((unit) => unit.sets);
  const deletes = batch.flatMap((unit) => unit.deletes);
  if (batch.length === 1 || sets.length === 0 || deletes.length === 0) return { sets, deletes };
  const last = new Map<string, StoreEntry | StoreKey>();
  for (const unit of batch) {
    for (const entry of unit.sets) last.set(storeKeyText(entry.key), entry);
    for (const key of unit.deletes) last.set(storeKeyText(key), key);
  }
  const isSet = (one: StoreEntry | StoreKey): one is StoreEntry => "value" in one;
  return {
    sets: [...last.values()].filter(isSet),
    deletes: [...last.values()].filter((one): one is StoreKey => !isSet(one)),
  };
}

/** A change in parts that fit a commit each. */
function* partsOf({ sets, deletes }: Change): Generator<Change> {
  let part: { sets: StoreEntry[]; deletes: StoreKey[] } = { sets: [], deletes: [] };
  let load = new Load();
  for (const one of [...sets, ...deletes]) {
    const piece = "value" in one ? { sets: [one], deletes: [] } : { sets: [], deletes: [one] };
    load.add(piece);
    if (load.isTooMuch) {
      yield part;
      part = { sets: [], deletes: [] };
      load = new Load();
      load.add(piece);
    }
    part.sets.push(...piece.sets);
    part.deletes.push(...piece.deletes);
  }
  if (isChange(part)) yield part;
}

/** What a commit would have to carry. */
class Load {
  #entries = 0;
  #valueBytes = 0;
  #keyBytes = 0;

  add(change: Change): void {
    const { entries, valueBytes, keyBytes } = weighStoreChange(change);
    this.#entries += entries;
    this.#valueBytes += valueBytes;
    this.#keyBytes += keyBytes;
  }

  get isTooMuch(): boolean {
    return this.#entries > storeChangeEntriesMax || this.#valueBytes > storeChangeBytesMax ||
      this.#keyBytes > storeChangeKeyBytesMax;
  }
}

function isChange({ sets, deletes }: Change): boolean {
  return sets.length + deletes.length > 0;
}
