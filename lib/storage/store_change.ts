/** What a change of the store weighs, and the bounds that its maker must keep. */

import { assert } from "../base/assert.ts";
import {
  storeBodyBytesMax,
  storeChangeBytesMax,
  storeChangeEntriesMax,
  storeValueBytesMax,
} from "../base/limits.ts";
import type { StoreChange, StoreKey } from "../base/ports.ts";
import { storeChangeKeyBytesMax, storeKeyBytesMax } from "./limits.ts";
import { storeKeyBytes } from "./store_key.ts";

/** The weight of one change, for who cuts work into bounded changes. */
export interface StoreChangeWeight {
  /** Entries set and removed and bodies written and dropped: at most `storeChangeEntriesMax`. */
  readonly entries: number;
  /** Bytes of the values set: at most `storeChangeBytesMax`. */
  readonly valueBytes: number;
  /** Bytes of all keys as the store encodes them: at most `storeChangeKeyBytesMax`. */
  readonly keyBytes: number;
  /** Bytes of the bodies; only each body is bounded. */
  readonly bodyBytes: number;
}

/** Weighs a change. */
export function weighStoreChange(change: StoreChange): StoreChangeWeight {
  const { sets = [], deletes = [], bodies = [], dropBodies = [] } = change;
  let keyBytes = (bodies.length + dropBodies.length) * bodyKeyBytes;
  let valueBytes = 0;
  let bodyBytes = 0;
  for (const { key, value } of sets) {
    keyBytes += rootBytes + storeKeyBytes(key);
    valueBytes += value.length;
  }
  for (const key of deletes) keyBytes += rootBytes + storeKeyBytes(key);
  for (const body of bodies) bodyBytes += body.bytes.length;
  const entries = sets.length + deletes.length + bodies.length + dropBodies.length;
  return { entries, valueBytes, keyBytes, bodyBytes };
}

/** Asserts that a change is within its bounds and returns its weight. */
export function checkStoreChange(change: StoreChange): StoreChangeWeight {
  for (const { key, value } of change.sets ?? []) {
    checkKey(key);
    assert(value.length <= storeValueBytesMax, "a value of the store is within its bound");
  }
  for (const key of change.deletes ?? []) checkKey(key);
  for (const { hash, bytes } of change.bodies ?? []) {
    checkBodyHash(hash);
    assert(bytes.length <= storeBodyBytesMax, "a body of the store is within its bound");
  }
  for (const hash of change.dropBodies ?? []) checkBodyHash(hash);
  const weight = weighStoreChange(change);
  assert(weight.entries <= storeChangeEntriesMax, "a change of the store has few enough entries");
  assert(weight.valueBytes <= storeChangeBytesMax, "a change of the store has few enough bytes");
  assert(weight.keyBytes <= storeChangeKeyBytesMax, "the keys of a change are short enough");
  return weight;
}

/** Asserts that a text is the name of a body. */
export function checkBodyHash(hash: string): void {
  assert(/^[0-9a-f]{64}$/.test(hash), "a body is named by its SHA-256 in lower-case hex");
}

/** The bodies to drop: one that the same change brings stays, for to keep too much is the harmless mistake. */
export function bodiesToDrop(change: StoreChange): readonly string[] {
  const brought = new Set(change.bodies?.map((body) => body.hash));
  return (change.dropBodies ?? []).filter((hash) => !brought.has(hash));
}

function checkKey(key: StoreKey): void {
  assert(key.length > 0, "a key of the store has a part");
  assert(storeKeyBytes(key) <= storeKeyBytesMax, "a key of the store is within its bound");
}

/** What the store's own first part adds to a key. */
const rootBytes = 3;

/** What the store's own two keys of a body take: its first chunk's and its mark's, zeros in the hash included. */
const bodyKeyBytes = 100;
