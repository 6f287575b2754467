/**
 * What a replica keeps in the store: items with their arrival numbers, how far it has seen each
 * neighbor's arrivals, and where peers are. Others' items are kept behind their use: they are checked,
 * shown and forwarded at once, and offered to the store until it takes them.
 */

import { compareBytes, concat, hex, uintBytes } from "../base/bytes.ts";
import type { Crypto, StoreEntry, StoreKey } from "../base/ports.ts";
import type { Entry } from "../records/entry.ts";
import type { Item } from "../records/item.ts";
import { parseItem } from "../records/item_codec.ts";
import { decode, encode, isArray, isBytes, isText, isUint, type Value } from "../wire/codec.ts";
import { contactEndpointsMax } from "./limits.ts";
import type { KnownContact } from "./contacts.ts";
import { type Cursor, elementBytes, type SetKind } from "./messages.ts";

/** What a store held of one graph. */
export interface Restored {
  readonly items: readonly { readonly item: Item; readonly arrival: number }[];
  readonly cursors: ReadonlyMap<string, Cursor>;
  readonly contacts: readonly KnownContact[];
  /** Entries that no longer are what was written. */
  readonly damaged: readonly StoreEntry[];
}

const formatItem = 1;
const digestBytes = 16;
const itemHeadBytes = 1 + 8 + digestBytes;

/** Everything of one graph begins with this key. */
export function graphPrefix(graph: Uint8Array): StoreKey {
  return ["graph", graph];
}

/**
 * Where items are stored: each in a numbered slot, in the order in which they came. Ascending keys make
 * a commit several times as fast as keys by hash, which scatter over the whole file (measured: 50,000
 * against 9,000 a second).
 */
export class Slots {
  readonly #graph: Uint8Array;
  readonly #slots = new Map<string, number>();
  #next = 1;

  constructor(graph: Uint8Array) {
    this.#graph = graph;
  }

  /** The key of an item; its first use gives it a slot for good. */
  keyOf(item: Item): StoreKey {
    return this.#key(this.#slots.getOrInsertComputed(item.id, () => this.#next++));
  }

  /** The key of an item that leaves the store, or `null` if it has none. */
  free(item: Item): StoreKey | null {
    const slot = this.#slots.get(item.id);
    this.#slots.delete(item.id);
    return slot === undefined ? null : this.#key(slot);
  }

  /** An item was found in a slot. */
  restore(item: Item, slot: number): void {
    this.#slots.set(item.id, slot);
  }

  /** A slot is taken, whatever is in it. */
  reserve(slot: number): void {
    this.#next = Math.max(this.#next, slot + 1);
  }

  #key(slot: number): StoreKey {
    return [...graphPrefix(this.#graph), "item", slot];
  }
}

/** An item as it is stored: format, arrival number, digest of that and the bytes, bytes. */
export function itemEntry(crypto: Crypto, slots: Slots, item: Item, arrival: number): StoreEntry {
  const number = uintBytes(arrival, 8);
  const digest = crypto.sha256(number, item.bytes).subarray(0, digestBytes);
  const value = concat(Uint8Array.of(formatItem), number, digest, item.bytes);
  return { key: slots.keyOf(item), value };
}

/** How far a neighbor's arrivals were seen, as it is stored. */
export function cursorEntry(graph: Uint8Array, peer: Uint8Array, set: SetKind, cursor: Cursor): StoreEntry {
  const key = [...graphPrefix(graph), "cursor", peer, set];
  return { key, value: encode([cursor.arrival, cursor.element]) };
}

/** Where a peer may be reached by its own word and by others', as it is stored. */
export function contactEntry(graph: Uint8Array, { peer, own, hearsay }: KnownContact): StoreEntry {
  return { key: contactKey(graph, peer), value: encode([own, hearsay]) };
}

/** Where a contact is stored. */
export function contactKey(graph: Uint8Array, peer: Uint8Array): StoreKey {
  return [...graphPrefix(graph), "contact", peer];
}

/** Where the cursor with this name is stored. */
export function cursorKey(graph: Uint8Array, name: string): StoreKey {
  const [peer, set] = name.split(":");
  return [...graphPrefix(graph), "cursor", Uint8Array.fromHex(peer!), Number(set)];
}

/** Key of a cursor in {@linkcode Restored.cursors}. */
export function cursorName(peer: string, set: SetKind): string {
  return `${peer}:${set}`;
}

/** Reads back what was stored. What does not hold is named as damaged, never used and never thrown at. */
export function restore(
  crypto: Crypto,
  graph: Uint8Array,
  slots: Slots,
  entries: readonly StoreEntry[],
): Restored {
  const items: { item: Item; arrival: number }[] = [];
  const cursors = new Map<string, Cursor>();
  const contacts: KnownContact[] = [];
  const damaged: StoreEntry[] = [];
  for (const entry of entries) {
    const [, , kind, id, set] = entry.key;
    if (kind === "item" && typeof id === "number") {
      const found = readItem(crypto, graph, entry);
      slots.reserve(id);
      if (found !== null) slots.restore(found.item, id);
      if (found === null) damaged.push(entry);
      else items.push(found);
    } else if (kind === "cursor" && id instanceof Uint8Array) {
      const cursor = readCursor(entry.value);
      if (cursor === null) damaged.push(entry);
      else cursors.set(cursorName(hex(id), set as SetKind), cursor);
    } else if (kind === "contact" && id instanceof Uint8Array) {
      const hint = readContact(id, entry.value);
      if (hint === null) damaged.push(entry);
      else contacts.push(hint);
    }
  }
  items.sort((a, b) => a.arrival - b.arrival || compareBytes(a.item.hash, b.item.hash));
  return { items, cursors, contacts, damaged };
}

/** Items that still have to reach the store, each once, with the arrival number it has by then. */
export class Unstored {
  readonly #items = new Map<string, Entry>();
  readonly #dropped = new Map<string, Item>();

  /** An item is new, or has another arrival number than the store knows. */
  add(entry: Entry): void {
    this.#items.set(entry.item.id, entry);
    this.#dropped.delete(entry.item.id);
  }

  /** An item is no longer known and leaves the store. */
  drop(item: Item): void {
    this.#items.delete(item.id);
    this.#dropped.set(item.id, item);
  }

  /** Takes what waits, at most `count` items and about `bytes` bytes. Aside items are not kept: they are asked for again. */
  take(count: number, bytes: number): { readonly entries: Entry[]; readonly dropped: Item[] } {
    const entries: Entry[] = [];
    let total = 0;
    for (const [id, entry] of this.#items) {
      if (entries.length >= count || (entries.length > 0 && total + entry.item.bytes.length > bytes)) break;
      this.#items.delete(id);
      if (entry.place === "aside") continue;
      entries.push(entry);
      total += entry.item.bytes.length + itemHeadBytes;
    }
    return { entries, dropped: takeFirst(this.#dropped, count) };
  }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#items.size === 0 && this.#dropped.size === 0;
  }
}

/** Removes the first values of a map, `count` at most, and returns them. */
export function takeFirst<T>(map: Map<string, T>, count: number): T[] {
  const taken: T[] = [];
  for (const [name, value] of map) {
    if (taken.length === count) break;
    map.delete(name);
    taken.push(value);
  }
  return taken;
}

function readItem(
  crypto: Crypto,
  graph: Uint8Array,
  { value }: StoreEntry,
): { item: Item; arrival: number } | null {
  if (value[0] !== formatItem || value.length <= itemHeadBytes) return null;
  const bytes = value.subarray(itemHeadBytes);
  const digest = value.subarray(9, itemHeadBytes);
  // The disk may have changed a bit and no one would say so (reliability §0.11).
  const actual = crypto.sha256(value.subarray(1, 9), bytes).subarray(0, digestBytes);
  if (compareBytes(actual, digest) !== 0) return null;
  const parsed = parseItem(crypto, graph, bytes);
  if (!parsed.ok) return null;
  let arrival = 0;
  for (const byte of value.subarray(1, 9)) arrival = arrival * 256 + byte;
  return Number.isSafeInteger(arrival) ? { item: parsed.item, arrival } : null;
}

function readCursor(value: Uint8Array): Cursor | null {
  const decoded = decode(value);
  if (!decoded.ok || !isArray(decoded.value, 2)) return null;
  const [arrival, element] = decoded.value;
  return isUint(arrival) && isBytes(element, elementBytes) ? { arrival, element } : null;
}

function readContact(peer: Uint8Array, value: Uint8Array): KnownContact | null {
  const decoded = decode(value);
  if (!decoded.ok || !isArray(decoded.value) || peer.length !== 32) return null;
  // Earlier stores hold one list, which counts as the peer's own word.
  const [own, hearsay] = decoded.value.some((part) => isArray(part)) ? decoded.value : [decoded.value, []];
  if (!isEndpoints(own) || !isEndpoints(hearsay)) return null;
  return { peer, own, hearsay };
}

function isEndpoints(value: Value | undefined): value is readonly string[] {
  return value !== undefined && isArray(value) && value.length <= contactEndpointsMax &&
    value.every((endpoint) => isText(endpoint, 64));
}
