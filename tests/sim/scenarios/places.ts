/** Where the machines of a scenario stand: in private networks, in global ones that are crowded, on islands. */

import { below, fraction } from "../../../lib/base/random.ts";
import type { Random } from "../../../lib/base/ports.ts";
import { islandHost } from "../../../lib/sim/invariants/network.ts";

/** A place; an island is private, and only global places know of it. */
export type Place = "private" | "global" | "island";

/** The places of one seed's first machines. In every second seed all are private. */
export class Places {
  readonly #places: readonly Place[];

  /** Draws them for `count` machines, of which the first `privateCount` are private. */
  constructor(random: Random, count: number, options: { privateCount: number; islandsMax?: number }) {
    const { privateCount, islandsMax = 0 } = options;
    const isMixed = below(random, 2) === 0;
    const islands = isMixed && count > privateCount + islandsMax ? below(random, islandsMax + 1) : 0;
    this.#places = Array.from({ length: count }, (_, i): Place => {
      if (!isMixed || i < privateCount) return "private";
      if (i >= count - islands) return "island";
      // One at least, for islands to begin from.
      return i === privateCount || fraction(random) < globalShare ? "global" : "private";
    });
  }

  /** Where the machine with this index stands; those beyond the first ones are private. */
  of(index: number): Place {
    return this.#places[index] ?? "private";
  }

  /** The address of the machine with this number, which is its index and one. */
  readonly host = (number: number): string => {
    switch (this.of(number - 1)) {
      case "private":
        return `10.0.${number}.1`;
      case "island":
        return islandHost(number);
      case "global":
        return number % 3 === 0 ? `2a00:1::${number.toString(16)}` : `20.0.${1 + number % 2}.${number}`;
    }
  };
}

/** The share of global addresses among those that may be: enough to crowd their three networks. */
const globalShare = 0.6;
