/**
 * The set of items of one graph, and what is known beside it (protocol §4, "In the set").
 *
 * Every known item has a place: in the set, on the shelf (superseded, void or past its `until`), or
 * aside (it names something that is not here). Places are a function of the known items, the policy
 * and peer time alone; this class keeps them current as items come, touching only what can change.
 * Which record is shown follows from the set by {@linkcode ItemSet.shown}.
 */

import { assert } from "../base/assert.ts";
import { hex } from "../base/bytes.ts";
import { DeadlineTable } from "../base/deadlines.ts";
import { Arrivals } from "./arrivals.ts";
import { isKeptOver, isVersion, type VersionItem, winsOver } from "./conflict.ts";
import { type AuthorityItem, type DataItem, isData, type Item, ItemKind, type ListItem } from "./item.ts";
import {
  asideAuthorityItemsMax,
  asideItemsMax,
  shelfAuthorityItemsMax,
  shelfItemsMax,
  sidelinedBytesMax,
} from "./limits.ts";
import { isOfAuthority, keeperOf, type RecordPolicy } from "./policy.ts";
import { Sidelined } from "./sidelined.ts";

/** Where a known item stands. */
export type Place = "in" | "shelf" | "aside";

/** A known item and its place. */
export interface Entry {
  readonly item: Item;
  readonly place: Place;
  /** Number in the order of arrival; 0 outside the set. */
  readonly arrival: number;
}

/** What a record shows, leaving expiry to the reader's clock. */
export interface Shown {
  readonly item: VersionItem;
  /** Hidden after this peer time: the version's own expiry or the largest valid extension. */
  readonly expires: number;
}

/** A record that now shows something else. */
export interface RecordChange {
  readonly record: string;
  readonly before: Shown | null;
  readonly after: Shown | null;
}

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

interface MutableEntry {
  readonly item: Item;
  /** Who brought it: a lineage in hex, or "" if it came from the store or from here. */
  readonly bringer: string;
  place: Place;
  arrival: number;
}

/** Items outside the set that stand in one place: what decides who may do what has room of its own. */
interface Beside {
  readonly data: Sidelined<MutableEntry>;
  readonly authority: Sidelined<MutableEntry>;
}

/** All known items of one record under one credential (plain graph: of one author). */
interface Keeper {
  readonly entries: MutableEntry[];
  /** The newest version or delete that stands. */
  kept: MutableEntry | null;
  /** The largest extension that stands. */
  extension: MutableEntry | null;
}

/** Where items come from. */
interface Origin {
  readonly bringer: string;
  /** The arrival numbers that they had; `null`: they are new here. */
  readonly numbers: ReadonlyMap<string, number> | null;
}

interface Draft {
  readonly entered: Set<MutableEntry>;
  readonly left: Set<MutableEntry>;
  readonly outside: MutableEntry[];
  readonly dropped: Item[];
  /** Records that may show something else now. */
  readonly touched: Set<string>;
}

/** The items of one graph. */
export class ItemSet {
  readonly #policy: RecordPolicy;
  readonly #entries = new Map<string, MutableEntry>();
  // By the first 16 bytes of the hash, which is what reconciliation names items by.
  readonly #elements = new Map<string, MutableEntry>();
  readonly #records = new Map<string, Map<string, Keeper>>();
  readonly #recordsOfKeeper = new Map<string, Set<string>>();
  readonly #recordsOfCreator = new Map<string, Set<string>>();
  readonly #shown = new Map<string, Shown>();
  readonly #untils = new DeadlineTable<string>();
  // Superseded data is kept on its author's account. What waits may name any author and any credential, and void
  // authority too: it is kept on the account of whoever brought it.
  readonly #shelf: Beside = {
    data: sidelined(shelfItemsMax, ({ item }) => authorOf(item)),
    authority: sidelined(shelfAuthorityItemsMax, ({ bringer }) => bringer),
  };
  readonly #aside: Beside = {
    data: sidelined(asideItemsMax, ({ bringer }) => bringer),
    authority: sidelined(asideAuthorityItemsMax, ({ bringer }) => bringer),
  };
  readonly #authority = new Set<MutableEntry>();
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
      const outside = [...this.#shelf.data.values(), ...this.#aside.data.values()];
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
    return this.#shelf.data.values();
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
    return [...this.#records.get(record)?.values() ?? []].flatMap((keeper) => keeper.entries);
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
    const indexed = this.#recordsOfKeeper.size + this.#recordsOfCreator.size;
    return { known: this.#entries.size, shelf: sizeOf(this.#shelf), aside: sizeOf(this.#aside), indexed };
  }

  #change(
    items: readonly Item[],
    peerTime: number,
    origin: Origin,
  ): SetChange {
    const { numbers } = origin;
    this.#peerTime = Math.max(this.#peerTime, peerTime);
    const draft = newDraft();
    const fresh = items.filter((item) => !this.#entries.has(item.id));
    if (numbers !== null) {
      for (const number of numbers.values()) this.#arrival = Math.max(this.#arrival, number);
    }
    this.#learn(fresh.filter(isOfAuthority), origin, draft);
    for (const item of fresh) {
      if (isData(item) && !this.#entries.has(item.id)) {
        this.#learnData(item, origin, draft);
      }
    }
    return this.#finish(draft);
  }

  #learn(
    items: readonly (AuthorityItem | ListItem)[],
    origin: Origin,
    draft: Draft,
  ): void {
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
      for (const record of this.#recordsOfKeeper.get(keeper) ?? []) {
        draft.touched.add(record);
        this.#placeKeeper(record, keeper, draft);
      }
    }
    for (const lineage of lineages) {
      for (const record of this.#recordsOfCreator.get(lineage) ?? []) draft.touched.add(record);
    }
  }

  #learnData(item: DataItem, origin: Origin, draft: Draft): void {
    const judgement = this.#policy.judge(item);
    if (judgement === "reject") return;
    const entry = newEntry(item, origin);
    draft.touched.add(item.record);
    const keeper = this.#keeper(item);
    keeper.entries.push(entry);
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

  #placeAgain(entry: MutableEntry, draft: Draft): void {
    if (!isData(entry.item)) return;
    draft.touched.add(entry.item.record);
    if (!this.#isPast(entry.item)) this.#untils.set(entry.item.id, entry.item.body.until + 1);
    this.#placeKeeper(entry.item.record, keeperOf(entry.item), draft);
  }

  /** Judges all items of one keeper again, keeping 1 included. */
  #placeKeeper(record: string, keeperId: string, draft: Draft): void {
    const keeper = this.#records.get(record)?.get(keeperId);
    if (keeper === undefined) return;
    keeper.kept = null;
    keeper.extension = null;
    const places = new Map<MutableEntry, Place>();
    const rejected: MutableEntry[] = [];
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

  #know(entry: MutableEntry): void {
    this.#entries.set(entry.item.id, entry);
    this.#elements.set(elementOf(entry.item), entry);
    besideOf(this.#aside, entry).add(entry);
  }

  #move(entry: MutableEntry, place: Place, draft: Draft): void {
    if (entry.place === place) return;
    const set = isData(entry.item) ? this.data : this.authority;
    if (entry.place === "in") {
      set.leave(entry);
      entry.arrival = 0;
      if (!draft.entered.delete(entry)) draft.left.add(entry);
    }
    besideOf(this.#shelf, entry).delete(entry);
    besideOf(this.#aside, entry).delete(entry);
    entry.place = place;
    if (place === "in") {
      if (entry.arrival === 0) entry.arrival = ++this.#arrival;
      set.enter(entry);
      draft.left.delete(entry);
      draft.entered.add(entry);
    } else {
      besideOf(place === "shelf" ? this.#shelf : this.#aside, entry).add(entry);
    }
  }

  #drop(entry: MutableEntry, draft: Draft): void {
    const item = entry.item;
    this.#move(entry, "shelf", draft);
    besideOf(this.#shelf, entry).delete(entry);
    this.#entries.delete(item.id);
    this.#elements.delete(elementOf(item));
    this.#untils.clear(item.id);
    draft.dropped.push(item);
    if (!isData(item)) {
      this.#authority.delete(entry);
      return this.#policy.forget([item.id]);
    }
    draft.touched.add(item.record);
    const keepers = this.#records.get(item.record)!;
    const keeper = keepers.get(keeperOf(item))!;
    keeper.entries.splice(keeper.entries.indexOf(entry), 1);
    if (keeper.kept === entry) keeper.kept = null;
    if (keeper.extension === entry) keeper.extension = null;
    if (keeper.entries.length > 0) return;
    keepers.delete(keeperOf(item));
    deleteFrom(this.#recordsOfKeeper, keeperOf(item), item.record);
    if (keepers.size > 0) return;
    this.#records.delete(item.record);
    deleteFrom(this.#recordsOfCreator, hex(item.body.creator), item.record);
  }

  #finish(draft: Draft): SetChange {
    for (const { data, authority } of [this.#shelf, this.#aside]) this.#dropSurplus([data, authority], draft);
    const records: RecordChange[] = [];
    for (const record of draft.touched) {
      const before = this.shown(record);
      const after = this.#judgeShown(record);
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

  #dropSurplus(collections: readonly Sidelined<MutableEntry>[], draft: Draft): void {
    for (const collection of collections) {
      for (let entry = collection.overflow(); entry !== null; entry = collection.overflow()) {
        this.#drop(entry, draft);
      }
    }
  }

  #keeper(item: DataItem): Keeper {
    const keeperId = keeperOf(item);
    const keepers = this.#records.getOrInsertComputed(item.record, () => new Map());
    this.#recordsOfKeeper.getOrInsertComputed(keeperId, () => new Set()).add(item.record);
    this.#recordsOfCreator.getOrInsertComputed(hex(item.body.creator), () => new Set()).add(item.record);
    return keepers.getOrInsertComputed(keeperId, () => ({ entries: [], kept: null, extension: null }));
  }

  #judgeShown(record: string): Shown | null {
    const keepers = this.#records.get(record);
    if (keepers === undefined) return null;
    let winner: VersionItem | null = null;
    let extended = 0;
    for (const { kept, extension } of keepers.values()) {
      const item = kept === null ? null : kept.item as DataItem;
      if (item !== null && this.#policy.mayWrite(item)) {
        if (!isVersion(item)) return null;
        if (winner === null || this.#wins(item, winner)) winner = item;
      }
      const longer = extension?.item as DataItem | undefined;
      if (longer?.body.kind === ItemKind.extension && this.#policy.mayWrite(longer)) {
        extended = Math.max(extended, longer.body.expires);
      }
    }
    return winner === null
      ? null
      : { item: winner, expires: Math.min(winner.body.until, Math.max(winner.body.expires, extended)) };
  }

  #wins(a: VersionItem, b: VersionItem): boolean {
    return winsOver(a, this.#policy.rank(a), b, this.#policy.rank(b));
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

function newEntry(item: Item, { bringer, numbers }: Origin): MutableEntry {
  return { item, place: "aside", arrival: numbers?.get(item.id) ?? 0, bringer };
}

function sidelined(countMax: number, ownerOf: (entry: MutableEntry) => string): Sidelined<MutableEntry> {
  return new Sidelined({ countMax, bytesMax: sidelinedBytesMax, ownerOf });
}

function besideOf({ data, authority }: Beside, { item }: MutableEntry): Sidelined<MutableEntry> {
  return isData(item) ? data : authority;
}

function sizeOf({ data, authority }: Beside): number {
  return data.size + authority.size;
}

function authorOf(item: Item): string {
  return item.head === null ? "" : hex(item.head.author);
}

/** Takes a value from a key's set, and the key with the last of them: whoever comes and goes leaves nothing. */
function deleteFrom(sets: Map<string, Set<string>>, key: string, value: string): void {
  const values = sets.get(key);
  values?.delete(value);
  if (values?.size === 0) sets.delete(key);
}

function newDraft(): Draft {
  return { entered: new Set(), left: new Set(), outside: [], dropped: [], touched: new Set() };
}
