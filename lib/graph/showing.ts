/** What users see of records over time: what is shown now, and the event of each change. */

import { DeadlineTable } from "../base/deadlines.ts";
import { BoundedSet } from "../base/bounded.ts";
import { hex } from "../base/bytes.ts";
import { isConcurrentLoser, type VersionItem } from "../records/conflict.ts";
import { ItemKind } from "../records/item.ts";
import type { ItemSet, SetChange } from "../records/item_set.ts";
import type { RecordChange, Shown } from "../records/shown.ts";
import { clockSetBackMs, conflictsToldMax } from "./limits.ts";
import type { RecordEventCause, ReplicaEvent } from "./machine.ts";

/** The visible records of one graph, judged against peer time. */
export class Showing {
  readonly #set: ItemSet;
  readonly #self: string;
  readonly #visible = new Map<string, Shown>();
  readonly #expiries = new DeadlineTable<string>();
  /** Records whose time ran out of late, by expiry: a clock that goes back a little brings them back. */
  readonly #lately = new Map<string, number>();
  readonly #conflicts = new BoundedSet<string>(conflictsToldMax);
  #time = 0;
  /** The latest time since all records were looked at last: many small steps back are a large one. */
  #latest = 0;

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
    const entered = new Set(change.entered.map(({ item }) => item.id));
    for (const { item } of [...change.left, ...change.entered, ...change.outside]) {
      if (item.body.kind === ItemKind.version) this.#findConflict(item as VersionItem, entered, events);
    }
    return events;
  }

  /** The events of records whose time ran out by now, or did so by a clock that was wrong and is set back. */
  onTime(peerTime: number): ReplicaEvent[] {
    const events: ReplicaEvent[] = [];
    if (peerTime < this.#latest - clockSetBackMs) this.#returnAll(peerTime, events);
    else if (peerTime < this.#time) this.#returnLate(peerTime, events);
    this.#time = peerTime;
    this.#latest = Math.max(this.#latest, peerTime);
    for (const record of this.#expiries.takeDue(peerTime)) {
      const shown = this.#visible.get(record);
      if (shown === undefined) continue;
      this.#visible.delete(record);
      this.#lately.set(record, shown.expires);
      events.push({ kind: "record", cause: "expired", shown });
    }
    for (const [record, expires] of this.#lately) {
      if (expires < this.#latest - clockSetBackMs) this.#lately.delete(record);
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

  /** All records that events have said to be there: what a new reader of events begins with. */
  told(): IterableIterator<Shown> {
    return this.#visible.values();
  }

  /** The next peer time at which a record runs out, or `null`. */
  nextExpiry(): number | null {
    return this.#expiries.next();
  }

  /** How many records are visible, as of the last event. */
  get count(): number {
    return this.#visible.size;
  }

  #returnAll(peerTime: number, events: ReplicaEvent[]): void {
    this.#latest = peerTime;
    this.#lately.clear();
    for (const [record, shown] of this.#set.allShown()) {
      this.#return(record, shown, peerTime, events);
      const isLate = shown.expires < peerTime && shown.expires >= peerTime - clockSetBackMs;
      if (isLate && !this.#visible.has(record)) this.#lately.set(record, shown.expires);
    }
  }

  /** The clocks of a graph are moved by milliseconds all the time: not all records are looked at for that. */
  #returnLate(peerTime: number, events: ReplicaEvent[]): void {
    for (const record of [...this.#lately.keys()]) {
      const shown = this.#set.shown(record);
      if (shown !== null) this.#return(record, shown, peerTime, events);
    }
  }

  #return(record: string, shown: Shown, peerTime: number, events: ReplicaEvent[]): void {
    if (this.#visible.has(record) || peerTime > shown.expires) return;
    this.#lately.delete(record);
    this.#visible.set(record, shown);
    this.#expiries.set(record, shown.expires + 1);
    events.push({ kind: "record", cause: "returned", shown });
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
    if (after !== null && after.expires >= this.#latest - clockSetBackMs) {
      this.#lately.set(record, after.expires);
    }
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
  #findConflict(item: VersionItem, entered: ReadonlySet<string>, events: ReplicaEvent[]): void {
    const winner = this.#set.shown(item.record);
    if (winner === null) return;
    if (isMine(item, this.#self) && item.id !== winner.item.id) {
      this.#tellConflict(item, winner.item, events);
      return;
    }
    if (item.id !== winner.item.id || !entered.has(item.id)) return;
    for (const { item: other } of this.#set.itemsOf(item.record)) {
      if (other.body.kind !== ItemKind.version || !isMine(other as VersionItem, this.#self)) continue;
      this.#tellConflict(other as VersionItem, item, events);
    }
  }

  /** Once for each version: a later one, of ours too, may build on the winner and leave it out. */
  #tellConflict(loser: VersionItem, winner: VersionItem, events: ReplicaEvent[]): void {
    if (!isConcurrentLoser(loser, winner) || !this.#conflicts.add(loser.id)) return;
    events.push({ kind: "record", cause: "conflict", shown: { item: loser, expires: loser.body.expires } });
  }
}

function isMine(item: VersionItem, self: string): boolean {
  return hex(item.head.author) === self;
}
