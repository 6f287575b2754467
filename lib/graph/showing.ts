/** What users see of records over time: what is shown now, and the event of each change. */

import { DeadlineTable } from "../base/deadlines.ts";
import { hex } from "../base/bytes.ts";
import { isConcurrentLoser, type VersionItem } from "../records/conflict.ts";
import { ItemKind } from "../records/item.ts";
import type { ItemSet, RecordChange, SetChange, Shown } from "../records/item_set.ts";
import type { RecordEventCause, ReplicaEvent } from "./machine.ts";

/** The visible records of one graph, judged against peer time. */
export class Showing {
  readonly #set: ItemSet;
  readonly #self: string;
  readonly #visible = new Map<string, Shown>();
  readonly #expiries = new DeadlineTable<string>();

  /** `self` is this node's lineage in hex: conflicts are told to the loser's author alone. */
  constructor(set: ItemSet, self: string) {
    this.#set = set;
    this.#self = self;
  }

  /** The events of a change of the set. */
  onChange(change: SetChange, peerTime: number): ReplicaEvent[] {
    const events: ReplicaEvent[] = [];
    for (const record of change.records) {
      const event = this.#onRecord(record, peerTime);
      if (event !== null) events.push(event);
    }
    for (const { item } of [...change.left, ...change.entered, ...change.outside]) {
      if (item.body.kind === ItemKind.version) this.#findConflict(item as VersionItem, change, events);
    }
    return events;
  }

  /** The events of records whose time ran out by now. */
  onTime(peerTime: number): ReplicaEvent[] {
    const events: ReplicaEvent[] = [];
    for (const record of this.#expiries.takeDue(peerTime)) {
      const shown = this.#visible.get(record);
      if (shown === undefined) continue;
      this.#visible.delete(record);
      events.push({ kind: "record", cause: "expired", shown });
    }
    return events;
  }

  /** What a record shows at this peer time, or `null`. */
  at(record: string, peerTime: number): Shown | null {
    const shown = this.#set.shown(record);
    return shown !== null && peerTime <= shown.expires ? shown : null;
  }

  /** All records that show something at this peer time. */
  *all(peerTime: number): IterableIterator<Shown> {
    for (const [, shown] of this.#set.allShown()) {
      if (peerTime <= shown.expires) yield shown;
    }
  }

  /** The next peer time at which a record runs out, or `null`. */
  nextExpiry(): number | null {
    return this.#expiries.next();
  }

  /** How many records are visible, as of the last event. */
  get count(): number {
    return this.#visible.size;
  }

  #onRecord(change: RecordChange, peerTime: number): ReplicaEvent | null {
    const { record, before, after } = change;
    const wasVisible = this.#visible.get(record);
    const isVisible = after !== null && peerTime <= after.expires;
    if (isVisible) {
      this.#visible.set(record, after);
      this.#expiries.set(record, after.expires + 1);
      const cause = wasVisible !== undefined ? "updated" : before === null ? "added" : "returned";
      return { kind: "record", cause, shown: after };
    }
    this.#visible.delete(record);
    this.#expiries.clear(record);
    if (wasVisible === undefined) return null;
    return { kind: "record", cause: this.#causeOfLoss(record, after), shown: wasVisible };
  }

  #causeOfLoss(record: string, after: Shown | null): RecordEventCause {
    if (after !== null) return "expired";
    const isDeleted = this.#set.itemsOf(record).some(({ item, place }) =>
      place === "in" && item.body.kind === ItemKind.delete
    );
    return isDeleted ? "deleted" : "voided";
  }

  /** A version of ours that a winner was written beside: nobody may lose silently (checklist R23). */
  #findConflict(item: VersionItem, change: SetChange, events: ReplicaEvent[]): void {
    const winner = this.#set.shown(item.record);
    if (winner === null) return;
    const isNews = (id: string): boolean => change.entered.some((entry) => entry.item.id === id);
    if (isMine(item, this.#self) && item.id !== winner.item.id) {
      // Told once: when the winner comes, or when our version comes to stand beside it.
      if (isConcurrentLoser(item, winner.item)) events.push(conflict(item));
      return;
    }
    if (item.id !== winner.item.id || !isNews(item.id)) return;
    for (const { item: other } of this.#set.itemsOf(item.record)) {
      if (other.body.kind !== ItemKind.version || !isMine(other as VersionItem, this.#self)) continue;
      const isToldAlready = [...change.left, ...change.entered, ...change.outside].some((entry) =>
        entry.item === other
      );
      if (!isToldAlready && isConcurrentLoser(other as VersionItem, item)) {
        events.push(conflict(other as VersionItem));
      }
    }
  }
}

function isMine(item: VersionItem, self: string): boolean {
  return hex(item.head.author) === self;
}

function conflict(item: VersionItem): ReplicaEvent {
  return { kind: "record", cause: "conflict", shown: { item, expires: item.body.expires } };
}
