/** The known data items of one graph by record, and in which records a credential or a creator has a part. */

import { hex } from "../base/bytes.ts";
import type { MovableEntry } from "./entry.ts";
import type { DataItem } from "./item.ts";
import { keeperOf } from "./policy.ts";

/** All known items of one record under one credential (plain graph: of one author). */
export interface Keeper {
  readonly entries: MovableEntry[];
  /** The newest version or delete that stands. */
  kept: MovableEntry | null;
  /** The largest extension that stands. */
  extension: MovableEntry | null;
}

/** The index. */
export class RecordIndex {
  readonly #records = new Map<string, Map<string, Keeper>>();
  readonly #byKeeper = new Map<string, Set<string>>();
  readonly #byCreator = new Map<string, Set<string>>();

  /** Takes in an entry of this item; returns the keeper that has it. */
  add(entry: MovableEntry, item: DataItem): Keeper {
    const keeperId = keeperOf(item);
    this.#byKeeper.getOrInsertComputed(keeperId, () => new Set()).add(item.record);
    this.#byCreator.getOrInsertComputed(hex(item.body.creator), () => new Set()).add(item.record);
    const keepers = this.#records.getOrInsertComputed(item.record, () => new Map());
    const keeper: Keeper = keepers.getOrInsertComputed(keeperId, newKeeper);
    keeper.entries.push(entry);
    return keeper;
  }

  /** Takes out an entry of this item, and whatever was there for it alone: who comes and goes leaves nothing. */
  remove(entry: MovableEntry, item: DataItem): void {
    const keeperId = keeperOf(item);
    const keepers = this.#records.get(item.record)!;
    const keeper = keepers.get(keeperId)!;
    keeper.entries.splice(keeper.entries.indexOf(entry), 1);
    if (keeper.kept === entry) keeper.kept = null;
    if (keeper.extension === entry) keeper.extension = null;
    if (keeper.entries.length > 0) return;
    keepers.delete(keeperId);
    deleteFrom(this.#byKeeper, keeperId, item.record);
    if (keepers.size > 0) return;
    this.#records.delete(item.record);
    deleteFrom(this.#byCreator, hex(item.body.creator), item.record);
  }

  /** What is kept of a record under one credential. */
  keeper(record: string, keeperId: string): Keeper | null {
    return this.#records.get(record)?.get(keeperId) ?? null;
  }

  /** What is kept of a record, for each credential. */
  keepersOf(record: string): Iterable<Keeper> {
    return this.#records.get(record)?.values() ?? [];
  }

  /** Records in which a credential has a part. */
  ofKeeper(keeperId: string): Iterable<string> {
    return this.#byKeeper.get(keeperId) ?? [];
  }

  /** Records that a lineage created. */
  ofCreator(lineage: string): Iterable<string> {
    return this.#byCreator.get(lineage) ?? [];
  }

  /** How many credentials and creators records are found by. */
  get size(): number {
    return this.#byKeeper.size + this.#byCreator.size;
  }
}

function newKeeper(): Keeper {
  return { entries: [], kept: null, extension: null };
}

function deleteFrom(sets: Map<string, Set<string>>, key: string, value: string): void {
  const values = sets.get(key);
  values?.delete(value);
  if (values?.size === 0) sets.delete(key);
}
