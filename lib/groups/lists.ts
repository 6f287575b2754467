/**
 * The list parts of a group and the lists that they make. Each list is put together once, however many items
 * name it and however often authority is judged; and a part is news only when it completes a list that
 * something waits for: parts may come one at a time, and anybody may bring any number that nobody asked for.
 */

import { hex } from "../base/bytes.ts";
import type { ListItem } from "../records/item.ts";
import { asideAuthorityItemsMax, listPartsMax } from "../records/limits.ts";

/** All known list parts of one group. */
export class Lists {
  readonly #parts: Map<string, ListItem>;
  /** The parts of lists that were asked for since the pass began; `null`: one is missing. */
  readonly #chains = new Map<string, readonly ListItem[] | null>();
  /** What whole lists hold, as read by this pass, and by the one before it. */
  #sets = new Map<string, ReadonlySet<string>>();
  #setsBefore = new Map<string, ReadonlySet<string>>();
  /** Parts that lists lack which were asked for, and the known parts that lead to these. */
  readonly #missing = new Set<string>();
  readonly #reached = new Set<string>();

  /** Begins with these parts, by hash in hex. */
  constructor(parts: Map<string, ListItem> = new Map()) {
    this.#parts = parts;
  }

  /** A pass over the group's authority begins: what no pass asks for any more is let go. */
  beginPass(): void {
    this.#chains.clear();
    this.#missing.clear();
    this.#reached.clear();
    this.#setsBefore = this.#sets;
    this.#sets = new Map();
  }

  /** Takes a part, and tells whether it may complete a list that was asked for. */
  add(part: ListItem): boolean {
    this.#parts.set(part.id, part);
    return this.#missing.delete(part.id) && this.#follow(part.hash) !== null;
  }

  /** Forgets a part. */
  delete(id: string): void {
    if (this.#parts.delete(id) && this.#reached.delete(id)) this.#missing.add(id);
  }

  /** The part with this hash (hex). */
  part(id: string): ListItem | null {
    return this.#parts.get(id) ?? null;
  }

  /** Hashes of all known parts, in hex. */
  ids(): IterableIterator<string> {
    return this.#parts.keys();
  }

  /**
   * Whether so many parts are missing that most of them must be asked for by what is no longer known: a pass
   * finds anew which are.
   */
  get isCrowded(): boolean {
    return this.#missing.size + this.#reached.size > 2 * asideAuthorityItemsMax;
  }

  /** Whether the list that begins with this part is not whole; its missing part is news when it comes. */
  lacks(first: Uint8Array): boolean {
    return this.#follow(first) === null;
  }

  /** All parts of a list, or `null` while one is missing. To be asked within a pass. */
  parts(first: Uint8Array): readonly ListItem[] | null {
    return this.#chains.getOrInsertComputed(hex(first), () => this.#follow(first));
  }

  /** What a list holds, in hex, or `null` while a part is missing. To be asked within a pass. */
  hashes(first: Uint8Array): ReadonlySet<string> | null {
    const parts = this.parts(first);
    if (parts === null) return null;
    const id = hex(first);
    return this.#sets.getOrInsertComputed(
      id,
      () => this.#setsBefore.get(id) ?? new Set(parts.flatMap((part) => part.body.hashes.map(hex))),
    );
  }

  #follow(first: Uint8Array): ListItem[] | null {
    const parts: ListItem[] = [];
    for (let hash: Uint8Array | null = first; hash !== null;) {
      const part = this.#parts.get(hex(hash));
      if (part === undefined) this.#missing.add(hex(hash));
      if (part === undefined || parts.length === listPartsMax) {
        for (const { id } of parts) this.#reached.add(id);
        return null;
      }
      parts.push(part);
      hash = part.body.next;
    }
    return parts;
  }
}
