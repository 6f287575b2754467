/**
 * How long items have stood on the shelf. What is past its `until` for good, or stood there for as long as
 * a removal may reach back, is dropped from memory and store.
 *
 * Ages are counted on the monotonic clock from when this process first saw them: a wall clock that was set
 * wrong for a while destroys nothing (reliability §0.6).
 */

import type { Entry } from "./entry.ts";
import { isData } from "./item.ts";
import { pastMsMax, shelfMsMax } from "./limits.ts";

interface Stay {
  readonly monoMs: number;
  readonly isPast: boolean;
}

/** Watches the shelf of one graph. */
export class ShelfAge {
  #stays = new Map<string, Stay>();

  /** Ids of the data items that have stood on the shelf long enough to be dropped. */
  due(shelf: Iterable<Entry>, peerTime: number, monoMs: number): string[] {
    const stays = new Map<string, Stay>();
    const due: string[] = [];
    for (const { item } of shelf) {
      if (!isData(item)) continue;
      const isPast = item.body.until < peerTime;
      const known = this.#stays.get(item.id);
      // Counted anew when it goes past its time: until then it might have come back into the set.
      const begun = known?.isPast === isPast ? known : { monoMs, isPast };
      if (monoMs - begun.monoMs >= (isPast ? pastMsMax : shelfMsMax)) due.push(item.id);
      else stays.set(item.id, begun);
    }
    this.#stays = stays;
    return due;
  }
}
