/** Known items and where they stand. */

import type { Item } from "./item.ts";

/** Where a known item stands. */
export type Place = "in" | "shelf" | "aside";

/** A known item and its place. */
export interface Entry {
  readonly item: Item;
  readonly place: Place;
  /** Number in the order of arrival; 0 outside the set. */
  readonly arrival: number;
}

/** An entry as those keep it who move it. */
export interface MovableEntry extends Entry {
  /** Who brought it: a lineage in hex, or "" if it came from the store or from here. */
  readonly bringer: string;
  place: Place;
  arrival: number;
}
