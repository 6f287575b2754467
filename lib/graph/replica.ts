/**
 * The replica: the machine of one graph at one node. It holds the local copy of the set of items, this
 * node's side of every conversation with a neighbor, and what users see of it (protocol §4 to §6).
 *
 * Parts: {@linkcode ItemSet} (what stands), {@linkcode Writer} (own items), {@linkcode Neighbor} and
 * its catch-up (conversations), {@linkcode Intake} (what neighbors bring), {@linkcode Contacts} and
 * {@linkcode Neighborhood} (whom to dial), {@linkcode Showing} (events and expiry), {@linkcode Sweeping} (what
 * goes by time), {@linkcode Backlog} and keeping (the store). Others' items are
 * forwarded as soon as they are checked; own ones when they are durable.
 */

import { hex } from "../base/bytes.ts";
import { DeadlineTable } from "../base/deadlines.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { Crypto, Instant, Random, StoreEntry, StoreKey } from "../base/ports.ts";
import { jittered } from "../base/random.ts";
import type { Entry } from "../records/entry.ts";
import type { AuthorityItem, Item } from "../records/item.ts";
import { ItemSet, type SetChange } from "../records/item_set.ts";
import { isOfAuthority } from "../records/policy.ts";
import type { Shown } from "../records/shown.ts";
import type { Signer } from "../wire/envelope.ts";
import { Backlog } from "./backlog.ts";
import { Catchups } from "./catchups.ts";
import { Contacts } from "./contacts.ts";
import { Conversations } from "./conversations.ts";
import { Intake } from "./intake.ts";
import { contactKey, itemEntry, restore, Slots } from "./keeping.ts";
import { storeRetryMsMax, storeRetryMsMin, tickMs } from "./limits.ts";
import type { Effect, Input, LinkId, Machine, Outcome, Request } from "./machine.ts";
import type { Neighbor } from "./neighbor.ts";
import { Neighborhood } from "./neighborhood.ts";
import { Outbox } from "./outbox.ts";
import { PeerTime } from "./peer_time.ts";
import type { GraphPolicy } from "./policy.ts";
import { Showing } from "./showing.ts";
import { Sweeping } from "./sweeping.ts";
import { CodecWire, type GraphWire } from "./wire.ts";
import { Writer } from "./writer.ts";

/** What a replica is made of. */
export interface ReplicaOptions {
  /** 32 bytes. */
  readonly graph: Uint8Array;
  readonly signer: Signer;
  readonly policy: GraphPolicy;
  readonly crypto: Crypto;
  readonly random: Random;
  /** What it sends and receives through; the codec if left out. */
  readonly wire?: GraphWire;
}

/** A replica's state as plain data. */
export interface ReplicaSnapshot {
  readonly isLoaded: boolean;
  readonly isClosed: boolean;
  readonly neighbors: readonly {
    readonly peer: string;
    readonly phase: string;
    readonly catchup: string;
    readonly isSynchronised: boolean;
    readonly waitingBytes: number;
  }[];
  readonly contacts: number;
  readonly known: number;
  readonly aside: number;
  readonly shelf: number;
  readonly authorityItems: number;
  readonly dataItems: number;
  readonly authorityFingerprint: string;
  readonly dataFingerprint: string;
  readonly visibleRecords: number;
  readonly pendingWrites: number;
  readonly unstored: boolean;
  readonly peerTimeOffsetMs: number;
  readonly isClockWrong: boolean;
}

type Deadline = "tick" | "seek" | "storeRetry" | `greeting:${LinkId}` | `catchup:${LinkId}`;

/** The machine of one graph. */
export class Replica implements Machine<Input, Effect, ReplicaSnapshot> {
  readonly graph: Uint8Array;
  /** What stands. Read only. */
  readonly set: ItemSet;
  readonly policy: GraphPolicy;
  readonly signer: Signer;
  readonly crypto: Crypto;
  readonly peerTime: PeerTime = new PeerTime();
  readonly wire: GraphWire;
  readonly outbox: Outbox;
  readonly deadlines: DeadlineTable<Deadline> = new DeadlineTable();
  readonly contacts: Contacts;
  readonly neighborhood: Neighborhood;
  readonly catchups: Catchups;
  readonly intake: Intake;
  readonly showing: Showing;
  readonly #random: Random;
  readonly #writer: Writer;
  readonly #slots: Slots;
  readonly #backlog: Backlog;
  readonly #sweeping: Sweeping;
  readonly #conversations: Conversations;
  #ticket = 0;
  #storeFailures = 0;
  #isLoaded = false;
  #isClosed = false;
  #last: Instant = { monoMs: 0, wallMs: 0 };

  constructor(options: ReplicaOptions) {
    this.graph = options.graph;
    this.#slots = new Slots(options.graph);
    this.signer = options.signer;
    this.policy = options.policy;
    this.crypto = options.crypto;
    this.wire = options.wire ?? new CodecWire(options.crypto, options.graph);
    this.outbox = new Outbox(this.wire);
    this.#random = options.random;
    this.set = new ItemSet(options.policy);
    this.#sweeping = new Sweeping(this.set, this.peerTime);
    this.contacts = new Contacts(options.random, (id) => this.#conversations.isOpen(id));
    this.showing = new Showing(this.set, hex(options.signer.publicKey));
    const { crypto, random, signer, graph, policy } = options;
    this.#writer = new Writer({ crypto, random, signer, graph, policy, set: this.set });
    this.#backlog = new Backlog({
      ...{ crypto, slots: this.#slots, takeTicket: () => ++this.#ticket },
      isKnown: (entry) => this.set.entry(entry.item.id) === entry,
    });
    this.#conversations = new Conversations(this);
    this.neighborhood = new Neighborhood(this, this.#conversations);
    this.intake = new Intake(this);
    this.catchups = new Catchups(this, options.random, () => this.#writer.firstPendingArrival());
  }

  /** Begins: asks for what the store holds. */
  start(now: Instant): readonly Effect[] {
    this.#last = now;
    this.deadlines.set("tick", now.monoMs + tickMs);
    this.outbox.push({ kind: "load" });
    return this.outbox.take();
  }

  handle(input: Input, now: Instant): readonly Effect[] {
    if (this.#isClosed) return this.#afterClose(input);
    this.#last = now;
    this.#judgeTime(now);
    this.#dispatch(input, now);
    if (this.#isLoaded) this.neighborhood.seek(now);
    this.#offerToStore();
    return this.outbox.take();
  }

  nextDeadline(): number | null {
    if (this.#isClosed) return null;
    const { monoMs } = this.#last;
    const times = [
      inMonoMs(this.showing.nextExpiry(), this.peerTime.at(this.#last), monoMs),
      inMonoMs(this.set.nextUntil(), this.peerTime.sweepAt(this.#last), monoMs),
    ];
    const due = [...times, this.deadlines.next()].filter((atMs) => atMs !== null);
    return due.length === 0 ? null : Math.min(...due);
  }

  /** Whether it has loaded what its store holds and was not closed. */
  get isRunning(): boolean {
    return this.#isLoaded && !this.#isClosed;
  }

  snapshot(): ReplicaSnapshot {
    const { known, aside, shelf } = this.set.sizes;
    return {
      isLoaded: this.#isLoaded,
      isClosed: this.#isClosed,
      neighbors: this.#conversations.snapshot(),
      contacts: this.contacts.hints().length,
      known,
      aside,
      shelf,
      authorityItems: this.set.authority.count,
      dataItems: this.set.data.count,
      authorityFingerprint: hex(this.set.authority.fingerprint(this.crypto)),
      dataFingerprint: hex(this.set.data.fingerprint(this.crypto)),
      visibleRecords: this.showing.count,
      pendingWrites: this.#writer.pending,
      unstored: !this.#backlog.isStored,
      peerTimeOffsetMs: this.peerTime.offsetMs,
      isClockWrong: this.peerTime.isWrong,
    };
  }

  /** What a record shows now, or `null`. */
  shown(record: string, now: Instant): Shown | null {
    return this.showing.at(record, this.peerTime.at(now));
  }

  /** All records that show something now. */
  allShown(now: Instant): IterableIterator<Shown> {
    return this.showing.all(this.peerTime.at(now));
  }

  /** All records that events have said to be there: what a reader of events begins with. */
  allTold(): IterableIterator<Shown> {
    return this.showing.told();
  }

  /** The neighbors, in the order in which they came. */
  neighbors(): Neighbor[] {
    return this.#conversations.all();
  }

  /** How many neighbors there are. */
  get neighborCount(): number {
    return this.#conversations.count;
  }

  /** The moment of the step at hand. */
  get present(): Instant {
    return this.#last;
  }

  /** How many own writes wait for the store. */
  get pendingWrites(): number {
    return this.#writer.pending;
  }

  /** Takes items that a neighbor (or a chain it showed) brought: checks are done, places are found, news is told. */
  learn(items: readonly Item[], from: Neighbor | null, now: Instant): SetChange {
    const change = this.set.add(items, this.#sweeping.timeFor(now), from?.id);
    this.#tell(change, from?.link ?? null, new Set(items.map((item) => item.id)), now);
    this.#backlog.onChange(change);
    return change;
  }

  /** Forgets what somebody brought who does not take part, and what has no effect: strangers fill nothing. */
  forget(entries: readonly Entry[]): void {
    this.#backlog.drop(this.set.forget(entries.map(({ item }) => item.id)).dropped);
  }

  /** Keeps an entry that is no item: a contact, a cursor. */
  keep(entry: StoreEntry): void {
    this.#backlog.keep(entry);
  }

  /** An entry that is no item leaves the store. */
  discard(key: StoreKey): void {
    this.#backlog.discard(key);
  }

  /** Writes an item for the conversations (an admission); it is told when durable. */
  issue(request: Request & { kind: "issue" }, now: Instant): number | null {
    if (this.peerTime.isWrong) return null;
    return this.#write(null, request, now);
  }

  #dispatch(input: Input, now: Instant): void {
    switch (input.kind) {
      case "call":
        return this.#onCall(input.call, input.request, now);
      case "linkUp":
        return this.#conversations.onLinkUp(input, now);
      case "linkDown":
        return this.#conversations.onLinkDown(input.link, now);
      case "connectFailed":
        return this.contacts.onDialled(input.peer, false, now.monoMs);
      case "frame":
        return this.#conversations.onFrame(input.link, input.bytes, now);
      case "writable":
        return this.#conversations.onWritable(input.link, now);
      case "stored":
        return this.#onStored(input.ticket, now);
      case "storeFailed":
        return this.#onStoreFailed(input, now);
      case "loaded":
        return this.#onLoaded(input.entries, input.damaged ?? 0, now);
      case "endpoints":
        return this.neighborhood.moveTo(input.endpoints);
      case "deadline":
        return this.#onDeadline(now);
    }
  }

  #onCall(call: number, request: Request, now: Instant): void {
    if (request.kind === "close") {
      this.#isClosed = true;
      for (const neighbor of this.neighbors()) {
        this.outbox.push({ kind: "disconnect", link: neighbor.link, reason: "closed" });
      }
      return this.#settle(call, { kind: "done" });
    }
    if (!this.#isLoaded) {
      return this.#fail(call, "closed", "Cannot write: the graph is still being loaded; await its opening");
    }
    if (this.peerTime.isWrong) {
      const message =
        "Cannot write: this machine's clock differs from its neighbors' by more than 10 minutes; set it";
      return this.#fail(call, "clock_wrong", message);
    }
    this.#write(call, request, now);
  }

  #write(call: number | null, request: Exclude<Request, { kind: "close" }>, now: Instant): number | null {
    const written = this.#writer.write(request, this.peerTime.at(now));
    if (!written.ok) {
      if (call !== null) this.#fail(call, written.code, written.message);
      return null;
    }
    const ticket = ++this.#ticket;
    const { items } = this.#writer.begin(ticket, call, written.items);
    const sets = items.map(({ item, arrival }) => itemEntry(this.crypto, this.#slots, item, arrival));
    this.outbox.push({ kind: "store", ticket, sets, deletes: [] });
    return ticket;
  }

  #onStored(ticket: number, now: Instant): void {
    this.#storeFailures = 0;
    this.#backlog.onStored(ticket);
    const write = this.#writer.end(ticket, "stored");
    if (write === null) return;
    const change = this.set.restore(write.items, this.#sweeping.timeFor(now));
    const items = write.items.map(({ item }) => item);
    // A joiner hears that it is admitted before anything that only members are told.
    this.#conversations.onIssued(ticket, items, now);
    this.#tell(change, null, new Set(), now);
    this.#backlog.onChange(change, write.items);
    if (write.call !== null) this.#settle(write.call, this.#outcomeOf(items));
  }

  #outcomeOf(items: readonly Item[]): Outcome {
    const record = items[0]?.record ?? null;
    const shown = record === null ? null : this.set.shown(record);
    if (record !== null && shown !== null) return { kind: "record", record, shown };
    if (record !== null) return { kind: "done" };
    return { kind: "issued", items: items.filter((item) => item.head !== null) as AuthorityItem[] };
  }

  #onStoreFailed(input: Input & { kind: "storeFailed" }, now: Instant): void {
    const { ticket, code, message, certain } = input;
    const write = this.#writer.end(ticket, certain ? "failed" : "unknown");
    if (write !== null && write.call !== null) this.#fail(write.call, code, message);
    if (write !== null) this.#conversations.onIssueFailed(ticket, now);
    this.#backlog.onFailed(ticket);
    if (this.#storeFailures === 0) this.outbox.emit({ kind: "storeTrouble", code, message });
    const pause = Math.min(storeRetryMsMax, storeRetryMsMin * 2 ** Math.min(this.#storeFailures++, 16));
    // One that is past has not been looked at: a machine that slept would ask a full disk again and again at once.
    const waits = this.deadlines.at("storeRetry");
    if (waits !== null && waits > now.monoMs) return;
    this.deadlines.set("storeRetry", now.monoMs + jittered(this.#random, pause));
  }

  #onLoaded(entries: readonly StoreEntry[], damaged: number, now: Instant): void {
    const restored = restore(this.crypto, this.graph, this.#slots, entries);
    const change = this.set.restore(restored.items, this.#sweeping.timeFor(now));
    this.showing.onChange(change, this.peerTime.at(now));
    this.#backlog.onChange(change, restored.items);
    this.intake.onLoaded(restored.items.map(({ item }) => item));
    // What the disk lost is fetched again: no neighbor may be told that we have it.
    const isWhole = damaged + restored.damaged.length === 0;
    if (isWhole) this.catchups.restore(restored.cursors);
    for (const { peer, own, hearsay } of restored.contacts) {
      this.contacts.learn({ peer, endpoints: own }, true, true);
      this.contacts.learn({ peer, endpoints: hearsay }, true, false);
    }
    for (const { key, value } of restored.damaged) {
      const quarantine: StoreEntry = { key: ["quarantine", ...key], value };
      this.outbox.push({ kind: "store", ticket: ++this.#ticket, sets: [quarantine], deletes: [key] });
    }
    this.#isLoaded = true;
    this.outbox.emit({ kind: "loaded" });
  }

  #onDeadline(now: Instant): void {
    for (const deadline of this.deadlines.takeDue(now.monoMs)) {
      if (deadline === "tick") {
        this.deadlines.set("tick", now.monoMs + tickMs);
        this.#backlog.drop(this.#sweeping.sweepShelf(now));
      } else if (deadline === "storeRetry") {
        this.#offerToStore();
      } else if (deadline.startsWith("greeting:")) {
        this.#conversations.onGreetingLate(Number(deadline.slice("greeting:".length)));
      } else if (deadline.startsWith("catchup:")) {
        this.#conversations.onCatchupDue(Number(deadline.slice("catchup:".length)), now);
      }
    }
  }

  /** News to users and neighbors, after a change of the set. */
  #tell(change: SetChange, from: LinkId | null, brought: ReadonlySet<string>, now: Instant): void {
    for (const event of this.showing.onChange(change, this.peerTime.at(now))) this.outbox.emit(event);
    const entered = change.entered.map((entry) => entry.item).filter(isOfAuthority);
    const left = change.left.map((entry) => entry.item).filter(isOfAuthority);
    if (entered.length > 0 || left.length > 0) this.outbox.emit({ kind: "authority", entered, left });
    this.#conversations.flood(change.entered.map((entry) => entry.item), from, brought);
    if (entered.length > 0 || left.length > 0) this.#conversations.onAuthority(now);
  }

  #judgeTime(now: Instant): void {
    this.peerTime.follow(now.monoMs);
    const peerTime = this.peerTime.at(now);
    for (const event of this.showing.onTime(peerTime)) this.outbox.emit(event);
    const change = this.#sweeping.judgeTime(now);
    if (change === null) return;
    for (const event of this.showing.onChange(change, peerTime)) this.outbox.emit(event);
    this.#backlog.onChange(change);
  }

  /** Hands others' items, contacts and cursors to the store. */
  #offerToStore(): void {
    for (const peer of this.contacts.takeForgotten()) this.#backlog.discard(contactKey(this.graph, peer));
    const waits = this.deadlines.at("storeRetry");
    if (waits !== null && waits > this.#last.monoMs) return;
    for (const commit of this.#backlog.take()) this.outbox.push({ kind: "store", ...commit });
  }

  #afterClose(input: Input): readonly Effect[] {
    if (input.kind === "call") this.#fail(input.call, "closed", "Cannot do that: the graph was closed");
    if (input.kind === "stored") {
      const write = this.#writer.end(input.ticket, "stored");
      if (write !== null && write.call !== null) this.#settle(write.call, { kind: "done" });
    }
    if (input.kind === "storeFailed") {
      const write = this.#writer.end(input.ticket, "failed");
      if (write !== null && write.call !== null) this.#fail(write.call, input.code, input.message);
    }
    return this.outbox.take();
  }

  #settle(call: number, outcome: Outcome): void {
    this.outbox.push({ kind: "settle", call, outcome });
  }

  #fail(call: number, code: ErrorCode, message: string): void {
    this.outbox.push({ kind: "fail", call, code, message });
  }
}

/** When a wall time comes, on the monotonic clock; what is past comes now. */
function inMonoMs(wallMs: number | null, nowWallMs: number, monoMs: number): number | null {
  return wallMs === null ? null : monoMs + Math.max(0, wallMs - nowWallMs);
}
