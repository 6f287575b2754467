/**
 * The set of items of one graph, and what is known beside it (protocol §4, "In the set").
 *
 * Every known item has a place: in the set, on the shelf (superseded, void or past its `until`), or
 * aside (it names something that is not here). Places are a function of the known items, the policy
 * and peer time alone; this class keeps them current as items come, touching only what can change.
 * Which record is shown follows from the set by {@linkcode ItemSet.shown}.
 */

import { assert } from "../base/assert.ts";
import { DeadlineTable } from "../base/deadlines.ts";
import { Arrivals } from "./arrivals.ts";
import { Beside } from "./beside.ts";
import { isKeptOver } from "./conflict.ts";
import type { Entry, MovableEntry, Place } from "./entry.ts";
import { type AuthorityItem, type DataItem, isData, type Item, ItemKind, type ListItem } from "./item.ts";
import { isOfAuthority, keeperOf, type RecordPolicy } from "./policy.ts";
import { RecordIndex } from "./record_index.ts";
import { judgeShown, type RecordChange, type Shown } from "./shown.ts";

/** What adding items did. */
export interface SetChange {
  /** Items that entered the set, returns from the shelf included. */
  readonly entered: readonly Entry[];
  /** Items that left the set and are on the shelf or aside now. */
  readonly left: readonly Entry[];
  /** New items that went to the shelf or aside at once. */
  readonly outside: readonly Entry[];
  /** Items that are no longer known. */
  readonly dropped: readonly Item[];
  readonly records: readonly RecordChange[];
}

/** Where items come from. */
interface Origin {
  readonly bringer: string;
  /** The arrival numbers that they had; `null`: they are new here. */
  readonly numbers: ReadonlyMap<string, number> | null;
}

interface Draft {
  readonly entered: Set<MovableEntry>;
  readonly left: Set<MovableEntry>;
  readonly outside: MovableEntry[];
  readonly dropped: Item[];
  /** Records that may show something else now. */
  readonly touched: Set<string>;
}

/** The items of one graph. */
export class ItemSet {
  readonly #policy: RecordPolicy;
  readonly #entries = new Map<string, MovableEntry>();
  // By the first 16 bytes of the hash, which is what reconciliation names items by.
  readonly #elements = new Map<string, MovableEntry>();
  readonly #records = new RecordIndex();
  readonly #shown = new Map<string, Shown>();
  readonly #untils = new DeadlineTable<string>();
  readonly #beside = new Beside();
  readonly #authority = new Set<MovableEntry>();
  /** Authority items and lists in the set. */
  readonly authority: Arrivals<Entry> = new Arrivals();
  /** Data items in the set. */
  readonly data: Arrivals<Entry> = new Arrivals();
  #arrival = 0;
  #peerTime = 0;

  constructor(policy: RecordPolicy) {
    this.#policy = policy;
  }

  /**
   * Takes items whose form and signature hold. Known ones change nothing. `bringer` is the lineage (hex) of the
   * neighbor that brought them, on whose account is kept what has no effect.
   */
  add(items: readonly Item[], peerTime: number, bringer = ""): SetChange {
    return this.#change(items, peerTime, { bringer, numbers: null });
  }

  /** Takes back what was stored, each item with the arrival number it had (0: none). */
  restore(stored: readonly { readonly item: Item; readonly arrival: number }[], peerTime: number): SetChange {
    const numbers = new Map(stored.map(({ item, arrival }) => [item.id, arrival]));
    return this.#change(stored.map(({ item }) => item), peerTime, { bringer: "", numbers });
  }

  /** Moves what is past its `until` at this peer time to the shelf, and back if the clock was wrong before. */
  judgeTime(peerTime: number): SetChange {
    const draft = newDraft();
    if (peerTime < this.#peerTime) {
      this.#peerTime = peerTime;
      const outside = [...this.#beside.data("shelf"), ...this.#beside.data("aside")];
      for (const entry of outside) this.#placeAgain(entry, draft);
    }
    this.#peerTime = peerTime;
    for (const id of this.#untils.takeDue(peerTime)) {
      const entry = this.#entries.get(id);
      if (entry !== undefined) this.#placeAgain(entry, draft);
    }
    return this.#finish(draft);
  }

  /** Forgets items for good: damaged in the store, or past everything that could bring them back. */
  forget(ids: readonly string[]): SetChange {
    const draft = newDraft();
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (entry === undefined) continue;
      assert(isData(entry.item) || entry.place !== "in", "authority in the set is not forgotten");
      this.#drop(entry, draft);
      if (isData(entry.item)) this.#placeKeeper(entry.item.record, keeperOf(entry.item), draft);
    }
    return this.#finish(draft);
  }

  /** The known item with this hash. */
  entry(id: string): Entry | null {
    return this.#entries.get(id) ?? null;
  }

  /** The known item whose hash begins with these 16 bytes, in hex. */
  byElement(element: string): Entry | null {
    return this.#elements.get(element) ?? null;
  }

  /** A number for an item of ours that is on its way to the store and enters the set by {@linkcode ItemSet.restore}. */
  reserveArrival(): number {
    return ++this.#arrival;
  }

  /** Whether an item with this hash is known, wherever it stands. */
  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** All known items. */
  entries(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  /** The data that stands on the shelf, the longest there first. */
  shelf(): IterableIterator<Entry> {
    return this.#beside.data("shelf");
  }

  /** All records that show something, by id; expiry is left to the reader's clock. */
  allShown(): IterableIterator<[string, Shown]> {
    return this.#shown.entries();
  }

  /** What a record shows; `null` if nothing: unknown, deleted, or written by nobody who may. */
  shown(record: string): Shown | null {
    return this.#shown.get(record) ?? null;
  }

  /** The known items of a record, in no order. */
  itemsOf(record: string): Entry[] {
    return [...this.#records.keepersOf(record)].flatMap((keeper) => keeper.entries);
  }

  /** The highest arrival number given so far. */
  get arrival(): number {
    return this.#arrival;
  }

  /** Earliest peer time at which {@linkcode ItemSet.judgeTime} has something to do. */
  nextUntil(): number | null {
    return this.#untils.next();
  }

  /** How many items stand where, and how many authors and credentials the records are found by. */
  get sizes(): {
    readonly known: number;
    readonly shelf: number;
    readonly aside: number;
    readonly indexed: number;
  } {
    const [shelf, aside] = [this.#beside.size("shelf"), this.#beside.size("aside")];
    return { known: this.#entries.size, shelf, aside, indexed: this.#records.size };
  }

  #change(items: readonly Item[], peerTime: number, origin: Origin): SetChange {
    const { numbers } = origin;
    this.#peerTime = Math.max(this.#peerTime, peerTime);
    const draft = newDraft();
    const fresh = items.filter((item) => !this.#entries.has(item.id));
    if (numbers !== null) {
      for (const number of numbers.values()) this.#arrival = Math.max(this.#arrival, number);
    }
    this.#learn(fresh.filter(isOfAuthority), origin, draft);
    for (const item of fresh) {
      if (isData(item) && !this.#entries.has(item.id)) this.#learnData(item, origin, draft);
    }
    return this.#finish(draft);
  }

  #learn(items: readonly (AuthorityItem | ListItem)[], origin: Origin, draft: Draft): void {
    if (items.length === 0) return;
    const { keepers, lineages } = this.#policy.learn(items);
    for (const item of items) {
      if (this.#entries.has(item.id) || this.#policy.judgeAuthority(item) === "reject") continue;
      const entry = newEntry(item, origin);
      this.#know(entry);
      this.#authority.add(entry);
      draft.outside.push(entry);
    }
    for (const entry of this.#authority) {
      const judgement = this.#policy.judgeAuthority(entry.item as AuthorityItem | ListItem);
      this.#move(entry, judgement === "in" ? "in" : judgement === "wait" ? "aside" : "shelf", draft);
    }
    for (const keeper of keepers) {
      for (const record of this.#records.ofKeeper(keeper)) {
        draft.touched.add(record);
        this.#placeKeeper(record, keeper, draft);
      }
    }
    for (const lineage of lineages) {
      for (const record of this.#records.ofCreator(lineage)) draft.touched.add(record);
    }
  }

  #learnData(item: DataItem, origin: Origin, draft: Draft): void {
    const judgement = this.#policy.judge(item);
    if (judgement === "reject") return;
    const entry = newEntry(item, origin);
    draft.touched.add(item.record);
    const keeper = this.#records.add(entry, item);
    this.#know(entry);
    this.#untils.set(item.id, item.body.until + 1);
    draft.outside.push(entry);
    if (judgement === "wait") return;
    if (judgement === "void" || this.#isPast(item)) return this.#move(entry, "shelf", draft);
    const slot = item.body.kind === ItemKind.extension ? "extension" : "kept";
    const rival = keeper[slot];
    if (rival !== null && !isKeptOver(item, rival.item as DataItem)) return this.#move(entry, "shelf", draft);
    keeper[slot] = entry;
    if (rival !== null) this.#move(rival, "shelf", draft);
    this.#move(entry, "in", draft);
  }

  #placeAgain(entry: MovableEntry, draft: Draft): void {
    if (!isData(entry.item)) return;
    draft.touched.add(entry.item.record);
    if (!this.#isPast(entry.item)) this.#untils.set(entry.item.id, entry.item.body.until + 1);
    this.#placeKeeper(entry.item.record, keeperOf(entry.item), draft);
  }

  /** Judges all items of one keeper again, keeping 1 included. */
  #placeKeeper(record: string, keeperId: string, draft: Draft): void {
    const keeper = this.#records.keeper(record, keeperId);
    if (keeper === null) return;
    keeper.kept = null;
    keeper.extension = null;
    const places = new Map<MovableEntry, Place>();
    const rejected: MovableEntry[] = [];
    for (const entry of keeper.entries) {
      const item = entry.item as DataItem;
      const judgement = this.#policy.judge(item);
      if (judgement === "reject") rejected.push(entry);
      places.set(entry, judgement === "wait" ? "aside" : "shelf");
      if (judgement !== "in" || this.#isPast(item)) continue;
      const slot = item.body.kind === ItemKind.extension ? "extension" : "kept";
      const rival = keeper[slot];
      if (rival === null || isKeptOver(item, rival.item as DataItem)) keeper[slot] = entry;
    }
    if (keeper.kept !== null) places.set(keeper.kept, "in");
    if (keeper.extension !== null) places.set(keeper.extension, "in");
    for (const [entry, place] of places) this.#move(entry, place, draft);
    for (const entry of rejected) this.#drop(entry, draft);
  }

  #know(entry: MovableEntry): void {
    this.#entries.set(entry.item.id, entry);
    this.#elements.set(elementOf(entry.item), entry);
    this.#beside.add(entry);
  }

  #move(entry: MovableEntry, place: Place, draft: Draft): void {
    if (entry.place === place) return;
    const set = isData(entry.item) ? this.data : this.authority;
    if (entry.place === "in") {
      set.leave(entry);
      entry.arrival = 0;
      if (!draft.entered.delete(entry)) draft.left.add(entry);
    }
    this.#beside.delete(entry);
    entry.place = place;
    if (place === "in") {
      if (entry.arrival === 0) entry.arrival = ++this.#arrival;
      set.enter(entry);
      draft.left.delete(entry);
      draft.entered.add(entry);
    } else this.#beside.add(entry);
  }

  #drop(entry: MovableEntry, draft: Draft): void {
    const item = entry.item;
    this.#move(entry, "shelf", draft);
    this.#beside.delete(entry);
    this.#entries.delete(item.id);
    this.#elements.delete(elementOf(item));
    this.#untils.clear(item.id);
    draft.dropped.push(item);
    if (!isData(item)) {
      this.#authority.delete(entry);
      return this.#policy.forget([item.id]);
    }
    draft.touched.add(item.record);
    this.#records.remove(entry, item);
  }

  #finish(draft: Draft): SetChange {
    for (let entry = this.#beside.overflow(); entry !== null; entry = this.#beside.overflow()) {
      this.#drop(entry, draft);
    }
    const records: RecordChange[] = [];
    for (const record of draft.touched) {
      const before = this.shown(record);
      const after = judgeShown(this.#records.keepersOf(record), this.#policy);
      if (before?.item === after?.item && before?.expires === after?.expires) continue;
      if (after === null) this.#shown.delete(record);
      else this.#shown.set(record, after);
      records.push({ record, before, after });
    }
    const outside = draft.outside.filter((entry) => entry.place !== "in" && !draft.left.has(entry));
    // A number from the store counts only if the item is in the set again: a later return is a new arrival.
    for (const entry of outside) entry.arrival = 0;
    return { entered: [...draft.entered], left: [...draft.left], outside, dropped: draft.dropped, records };
  }

  #isPast(item: DataItem): boolean {
    assert(this.#peerTime > 0, "the set is told the peer time before it judges it");
    return item.body.until < this.#peerTime;
  }
}

/** What reconciliation names an item by: the first 16 bytes of its hash, in hex. */
export function elementOf(item: Item): string {
  return item.id.slice(0, 32);
}

function newEntry(item: Item, { bringer, numbers }: Origin): MovableEntry {
  return { item, place: "aside", arrival: numbers?.get(item.id) ?? 0, bringer };
}

function newDraft(): Draft {
  return { entered: new Set(), left: new Set(), outside: [], dropped: [], touched: new Set() };
}
