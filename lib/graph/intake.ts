/**
 * What neighbors bring: items are looked at, taken if they hold, and answered if they are void. A part of the
 * {@linkcode Replica}; who brings too much that is bad is parted with by the conversations.
 */

import { BoundedMap } from "../base/bounded.ts";
import { hex } from "../base/bytes.ts";
import type { Instant } from "../base/ports.ts";
import { isAuthority, isData, type Item } from "../records/item.ts";
import type { SetChange } from "../records/item_set.ts";
import { aheadMsMax } from "../records/limits.ts";
import { packed } from "./catchup.ts";
import { numbersMax, servedPeersMax, strangerBytesMax, strangerItemsMax } from "./limits.ts";
import type { Neighbor } from "./neighbor.ts";
import { isStandingOf } from "./proof.ts";
import type { Replica } from "./replica.ts";
import { StrayBudget } from "./strays.ts";
import { numberOf } from "./writer.ts";

/** The intake of one graph. */
export class Intake {
  readonly #replica: Replica;
  /** Hashes of items by their writers and numbers. */
  readonly #numbers = new BoundedMap<string, string>(numbersMax);
  readonly #strays = new BoundedMap<string, StrayBudget>(servedPeersMax);

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  /** Items came from the store: what has the number of one of them later is a fork. */
  onLoaded(items: readonly Item[]): void {
    for (const item of items) {
      const number = numberOf(item);
      if (number !== null) this.#numbers.set(number, item.id);
    }
  }

  /** An item is known now. Two with one number: nothing is void by it, but it is told. */
  noteNumber(item: Item): void {
    const number = numberOf(item);
    if (number === null || item.head === null) return;
    const known = this.#numbers.get(number);
    if (known === undefined) this.#numbers.set(number, item.id);
    else if (known !== item.id) this.#replica.outbox.emit({ kind: "fork", author: item.head.author });
  }

  /**
   * Takes authority items that a neighbor shows before it may take part; nothing else is taken then. `false` if
   * it brought too much, or too much that is bad.
   */
  onProof(neighbor: Neighbor, list: readonly Uint8Array[], now: Instant): boolean {
    const { wire } = this.#replica;
    neighbor.itemsShown += list.length;
    neighbor.bytesShown += list.reduce((sum, bytes) => sum + bytes.length, 0);
    if (neighbor.itemsShown > strangerItemsMax || neighbor.bytesShown > strangerBytesMax) return false;
    const shown = list.filter((bytes) => {
      const parsed = wire.parseItem(bytes);
      if (parsed.ok && isStandingOf(parsed.item, neighbor.peer)) neighbor.claims = true;
      return parsed.ok && !isData(parsed.item);
    });
    return this.onItems(neighbor, shown, now);
  }

  /** Takes items; `false` if the neighbor brought too much that is bad. */
  onItems(neighbor: Neighbor, list: readonly Uint8Array[], now: Instant): boolean {
    const items = this.#verified(neighbor, list, now);
    if (items === null || items.size === 0) return items !== null;
    const { set } = this.#replica;
    const isStranger = neighbor.phase !== "open";
    const change = this.#replica.learn([...items.values()], neighbor, now);
    if (isStranger) this.#replica.forget(change.outside);
    for (const item of items.values()) if (!isStranger || set.has(item.id)) this.noteNumber(item);
    this.#answerVoid(neighbor, change);
    if (isStranger) return true;
    // What the policy rejects no honest node passes on.
    const gone = new Set(change.dropped.map(({ id }) => id));
    const bad = [...items.keys()].filter((id) => !set.has(id) && !gone.has(id)).length;
    return !isTooBad(neighbor, bad) && !this.#isStrayTooOften(neighbor, change, now);
  }

  /** The items that are new here and hold; `null` if too many are bad: whoever sends them costs no check more. */
  #verified(neighbor: Neighbor, list: readonly Uint8Array[], now: Instant): Map<string, Item> | null {
    const { wire, set, peerTime } = this.#replica;
    const items = new Map<string, Item>();
    for (const bytes of list) {
      const id = wire.itemIdOf(bytes);
      if (id !== null && set.has(id)) continue;
      const parsed = wire.parseItem(bytes);
      if (!parsed.ok) {
        if (isTooBad(neighbor, 1)) return null;
      } else if (!set.has(parsed.item.id) && !items.has(parsed.item.id)) {
        const { item } = parsed;
        // Too far ahead is not taken yet; whoever holds it offers it again.
        if (isData(item) && item.head.at > peerTime.at(now) + aheadMsMax) continue;
        if (wire.verifyItem(item)) items.set(item.id, item);
        else if (isTooBad(neighbor, 1)) return null;
      }
    }
    return items;
  }

  /** Void authority is looked at as closely as what stands: nobody may bring it one item at a time without end. */
  #isStrayTooOften({ id }: Neighbor, { outside }: SetChange, now: Instant): boolean {
    const { policy } = this.#replica;
    if (!outside.some(({ item }) => isAuthority(item) && policy.judgeAuthority(item) === "void")) {
      return false;
    }
    const budget = this.#strays.get(id) ?? new StrayBudget();
    this.#strays.set(id, budget);
    return budget.charge(now.monoMs);
  }

  /** A void item is answered with what voids it, once for each lineage. */
  #answerVoid(neighbor: Neighbor, change: SetChange): void {
    if (neighbor.phase !== "open") return;
    const { policy } = this.#replica;
    for (const { item, place } of change.outside) {
      if (place !== "shelf" || !isData(item) || policy.judge(item) !== "void") continue;
      if (!neighbor.told.add(hex(item.head.author))) continue;
      for (const message of packed(policy.reasonsAgainst(item.head.author))) neighbor.window.send(message);
    }
  }
}

function isTooBad(neighbor: Neighbor, count: number): boolean {
  return count > 0 && neighbor.onBad(count);
}
