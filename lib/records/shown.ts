/** What a record shows: of the versions that stand, the one that wins, and until when. */

import { isVersion, type VersionItem, winsOver } from "./conflict.ts";
import { type DataItem, ItemKind } from "./item.ts";
import type { RecordPolicy } from "./policy.ts";
import type { Keeper } from "./record_index.ts";

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

/** What a record shows by what is kept of it; `null` if nothing: deleted, or written by nobody who may. */
export function judgeShown(keepers: Iterable<Keeper>, policy: RecordPolicy): Shown | null {
  let winner: VersionItem | null = null;
  let extended = 0;
  for (const { kept, extension } of keepers) {
    const item = kept === null ? null : kept.item as DataItem;
    if (item !== null && policy.mayWrite(item)) {
      if (!isVersion(item)) return null;
      if (winner === null || winsOver(item, policy.rank(item), winner, policy.rank(winner))) winner = item;
    }
    const longer = extension?.item as DataItem | undefined;
    if (longer?.body.kind === ItemKind.extension && policy.mayWrite(longer)) {
      extended = Math.max(extended, longer.body.expires);
    }
  }
  if (winner === null) return null;
  return { item: winner, expires: Math.min(winner.body.until, Math.max(winner.body.expires, extended)) };
}
