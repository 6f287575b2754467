/**
 * Rank: the strict order of a group's credentials in which authority is judged (protocol §6).
 *
 * Shorter path from the root first, then the rank of the lower parent, then writer and sequence
 * number of the item that made it, then its hash. As text: the depth, then one step for each
 * ancestor along the lower parents. Texts compare as ranks do; **the smaller text is the higher rank**.
 */

import { hex, uintBytes } from "../base/bytes.ts";
import type { AuthorityItem } from "../records/item.ts";

/** The rank of the credential that `item` makes below `lowerParent` (`null`: the group key). */
export function rankBelow(lowerParent: string | null, item: AuthorityItem): string {
  const step = hex(item.head.writer) + hex(uintBytes(item.head.seq, 8)) + item.id;
  if (lowerParent === null) return depthText(1) + step;
  return depthText(depthOf(lowerParent) + 1) + lowerParent.slice(2) + step;
}

/** How many steps a rank is below the group key. */
export function depthOf(rank: string): number {
  return Number.parseInt(rank.slice(0, 2), 16);
}

/** Whether `a` ranks strictly higher than `b`. */
export function outranks(a: string, b: string): boolean {
  return a < b;
}

/** The lower of two ranks. */
export function lowerRank(a: string, b: string): string {
  return a > b ? a : b;
}

function depthText(depth: number): string {
  return hex(Uint8Array.of(depth));
}
