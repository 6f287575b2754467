/**
 * What is known beside the set, each place with room of its own for what decides who may do what. Superseded
 * data is kept on its author's account. What waits may name any author and any credential, and void authority
 * too: it is kept on the account of whoever brought it.
 */

import { hex } from "../base/bytes.ts";
import type { MovableEntry, Place } from "./entry.ts";
import { isData, type Item } from "./item.ts";
import {
  asideAuthorityItemsMax,
  asideItemsMax,
  shelfAuthorityItemsMax,
  shelfItemsMax,
  sidelinedBytesMax,
} from "./limits.ts";
import { Sidelined } from "./sidelined.ts";

/** The items of one graph that stand on its shelf or aside. */
export class Beside {
  readonly #shelf: Room = {
    data: sidelined(shelfItemsMax, ({ item }) => authorOf(item)),
    authority: sidelined(shelfAuthorityItemsMax, ({ bringer }) => bringer),
  };
  readonly #aside: Room = {
    data: sidelined(asideItemsMax, ({ bringer }) => bringer),
    authority: sidelined(asideAuthorityItemsMax, ({ bringer }) => bringer),
  };

  /** Adds an entry to where it stands; there may be too many there then, see {@linkcode Beside.overflow}. */
  add(entry: MovableEntry): void {
    this.#among(entry)?.add(entry);
  }

  /** Removes an entry from where it stands, if that is here. */
  delete(entry: MovableEntry): void {
    this.#among(entry)?.delete(entry);
  }

  /** An entry that has to go, while there are too many anywhere. */
  overflow(): MovableEntry | null {
    for (const { data, authority } of [this.#shelf, this.#aside]) {
      const entry = data.overflow() ?? authority.overflow();
      if (entry !== null) return entry;
    }
    return null;
  }

  /** The data in a place, the longest there first. */
  data(place: Exclude<Place, "in">): IterableIterator<MovableEntry> {
    return this.#roomAt(place).data.values();
  }

  /** How many entries stand in a place. */
  size(place: Exclude<Place, "in">): number {
    const { data, authority } = this.#roomAt(place);
    return data.size + authority.size;
  }

  #among({ item, place }: MovableEntry): Sidelined<MovableEntry> | null {
    if (place === "in") return null;
    const { data, authority } = this.#roomAt(place);
    return isData(item) ? data : authority;
  }

  #roomAt(place: Exclude<Place, "in">): Room {
    return place === "shelf" ? this.#shelf : this.#aside;
  }
}

interface Room {
  readonly data: Sidelined<MovableEntry>;
  readonly authority: Sidelined<MovableEntry>;
}

function sidelined(countMax: number, ownerOf: (entry: MovableEntry) => string): Sidelined<MovableEntry> {
  return new Sidelined({ countMax, bytesMax: sidelinedBytesMax, ownerOf });
}

function authorOf(item: Item): string {
  return item.head === null ? "" : hex(item.head.author);
}
