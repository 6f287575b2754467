/** Which item wins: the order inside one keeper, and the order between the versions of a record. */

import { compareBytes, equalBytes } from "../base/bytes.ts";
import { type DataItem, ItemKind, type SignedItem, type VersionBody } from "./item.ts";
import { prevBytes, prevMax } from "./limits.ts";

/** A version of a record. */
export type VersionItem = SignedItem<VersionBody>;

/** Whether an item is a version. */
export function isVersion(item: DataItem): item is VersionItem {
  return item.body.kind === ItemKind.version;
}

/**
 * Keeping 1 (protocol §4): whether `a` is kept over `b`, both of one record and keeper and both
 * extensions or both not. A delete stands over every version, then version, then hash.
 */
export function isKeptOver(a: DataItem, b: DataItem): boolean {
  const difference = weight(a) - weight(b);
  return difference !== 0 ? difference > 0 : compareBytes(a.hash, b.hash) > 0;
}

/** Whether version `a` wins over `b`: higher version, then higher rank of the author, then higher hash. */
export function winsOver(a: VersionItem, rankA: string, b: VersionItem, rankB: string): boolean {
  if (a.body.version !== b.body.version) return a.body.version > b.body.version;
  if (rankA !== rankB) return rankA < rankB;
  return compareBytes(a.hash, b.hash) > 0;
}

/** The `prev` of a version that follows `item`. */
export function prevAfter(item: VersionItem): readonly Uint8Array[] {
  return [...item.body.prev, item.hash.subarray(0, prevBytes)].slice(-prevMax);
}

/**
 * Whether `loser` was written beside `winner` and not before it: nobody who wrote `winner` had seen
 * it. Beyond the reach of `prev` nothing can be said, and nothing is.
 */
export function isConcurrentLoser(loser: VersionItem, winner: VersionItem): boolean {
  if (loser.id === winner.id || winner.body.version - loser.body.version > prevMax) return false;
  const prefix = loser.hash.subarray(0, prevBytes);
  return !winner.body.prev.some((seen) => equalBytes(seen, prefix));
}

function weight(item: DataItem): number {
  switch (item.body.kind) {
    case ItemKind.delete:
      return Number.MAX_SAFE_INTEGER;
    case ItemKind.version:
      return item.body.version;
    case ItemKind.extension:
      return item.body.expires;
  }
}
