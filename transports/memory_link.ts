/** Addresses of a network in memory and the directions between them: what each does to what is sent. */

import type { BoundedQueue } from "../lib/base/bounded.ts";
import type { TimerHandle } from "../lib/base/ports.ts";
import type { NetworkConditions } from "./memory_conditions.ts";
import { changedConditions } from "./memory_conditions.ts";
import type { Flight } from "./memory_datagrams.ts";
import type { MemoryHost } from "./memory_host.ts";
import type { Translation, Translator } from "./memory_nat.ts";
import type { Schedule } from "./memory_schedule.ts";

/** One address: who stands there at present, and what the network does there. It outlives hosts. */
export class Place {
  /** The address. */
  readonly name: string;
  /** Who stands there. */
  host: MemoryHost | null = null;
  /** Whether what arrives waits. */
  isPaused = false;
  /** Datagrams that wait for a paused host, by port. */
  readonly held: Map<number, BoundedQueue<Flight>> = new Map();
  /** On which island of the partition it is; `null`: on all. */
  island: number | null = null;
  /** The translator that it stands behind. */
  behind: Translation | null = null;
  /** The translator whose outside this address is. */
  outside: Translator | null = null;
  /** Breaks the streams that cross the translator. */
  readonly crossings: Set<() => void> = new Set();
  /** From here, by where they lead. */
  readonly directions: Map<Place, Direction> = new Map();

  /** An address where nobody stands. */
  constructor(name: string) {
    this.name = name;
  }
}

/** What waits for room in a direction of limited capacity. */
export interface Waiting {
  /** How much it would send next. */
  readonly nextBytes: number;
  /** Sends that, and tells whether there is more. */
  departNext(queueMs: number): boolean;
}

/** One direction between two addresses. */
export class Direction {
  /** Where it begins. */
  readonly from: Place;
  /** Where it leads. */
  readonly to: Place;
  /** Whether it was cut. */
  isCut = false;
  readonly #schedule: Schedule;
  readonly #waiting: Waiting[] = [];
  #conditions: NetworkConditions;
  #own: Partial<NetworkConditions> | null = null;
  #isBad = false;
  /** When all that was sent so far has left. */
  #freeAtMs = 0;
  #roomTimer: TimerHandle | null = null;

  /** A direction under the conditions of all. */
  constructor(from: Place, to: Place, conditions: NetworkConditions, schedule: Schedule) {
    this.from = from;
    this.to = to;
    this.#conditions = conditions;
    this.#schedule = schedule;
  }

  /** How it treats what is sent. */
  get conditions(): NetworkConditions {
    return this.#conditions;
  }

  /** Whether a cut or a partition lies on it. */
  get isSevered(): boolean {
    if (this.isCut) return true;
    const { from, to } = this;
    return from.island !== to.island && from.island !== null && to.island !== null;
  }

  /** Whether streams get no further at present. */
  get isHeldUp(): boolean {
    return this.to.isPaused || this.isSevered;
  }

  /** The conditions of all changed. */
  follow(general: NetworkConditions): void {
    this.#conditions = this.#own === null ? general : changedConditions(general, this.#own);
    if (this.#waiting.length > 0) this.#letIn();
  }

  /** Conditions of its own over those of all, besides those it has; `null`: none any more. */
  change(general: NetworkConditions, own: Partial<NetworkConditions> | null): void {
    const changed = own === null ? null : { ...this.#own, ...own };
    if (changed !== null) changedConditions(general, changed); // refuses what is impossible
    this.#own = changed;
    this.follow(general);
  }

  /** Draws whether the next datagram, or load of a stream, is lost, and how. */
  loss(): "loss" | "burst" | null {
    const { burst, lossShare } = this.#conditions;
    if (burst !== null) {
      if (this.#schedule.hits(this.#isBad ? burst.leaveShare : burst.enterShare)) this.#isBad = !this.#isBad;
      if (this.#isBad && this.#schedule.hits(burst.lossShare)) return "burst";
    }
    return this.#schedule.hits(lossShare) ? "loss" : null;
  }

  /** Draws whether the next datagram is doubled. */
  isDoubled(): boolean {
    return this.#schedule.hits(this.#conditions.duplicateShare);
  }

  /** Draws whether a bit of a datagram flips, and flips it. */
  corrupt(bytes: Uint8Array): void {
    if (bytes.length === 0 || !this.#schedule.hits(this.#conditions.corruptShare)) return;
    const bit = this.#schedule.below(bytes.length * 8);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
  }

  /** Draws how long a datagram takes once it has left. */
  datagramMs(): number {
    const { jitterMs, reorderShare, reorderMs } = this.#conditions;
    const usualMs = this.latencyMs() + this.#schedule.upTo(jitterMs);
    return this.#schedule.hits(reorderShare) ? usualMs + this.#schedule.upTo(reorderMs) : usualMs;
  }

  /** How long it takes at least. */
  latencyMs(): number {
    const { latencyMs } = this.#conditions;
    return typeof latencyMs === "number" ? latencyMs : latencyMs(this.from.name, this.to.name);
  }

  /** How long until these bytes have left, or `null` if they find no room in the queue. */
  enqueue(bytes: number): number | null {
    const { bytesPerSecond, queueBytesMax } = this.#conditions;
    if (bytesPerSecond === null) return 0;
    const nowMs = this.#schedule.nowMs();
    const queueMs = Math.max(0, this.#freeAtMs - nowMs);
    const queueBytes = queueMs * bytesPerSecond / 1000;
    // The one byte is for rounding. What is longer than the queue still finds room in an empty one.
    if (queueMs > 0 && bytes > 0 && queueBytes + bytes > queueBytesMax + 1) return null;
    this.#freeAtMs = nowMs + queueMs + bytes * 1000 / bytesPerSecond;
    return this.#freeAtMs - nowMs;
  }

  /** {@linkcode enqueue} for a stream, which overtakes no other that waits. */
  enqueueInTurn(bytes: number): number | null {
    return this.#waiting.length > 0 ? null : this.enqueue(bytes);
  }

  /** Lets a stream send as soon as there is room, one piece of each in turn. */
  waitForRoom(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (this.#roomTimer === null) this.#letIn();
  }

  #letIn(): void {
    if (this.#roomTimer !== null) this.#schedule.cancel(this.#roomTimer);
    this.#roomTimer = null;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const queueMs = this.enqueue(first.nextBytes);
      if (queueMs === null) return this.#letInAfter(this.#roomMs(first.nextBytes));
      this.#waiting.shift();
      if (first.departNext(queueMs)) this.#waiting.push(first);
    }
  }

  #letInAfter(delayMs: number): void {
    this.#roomTimer = this.#schedule.after(delayMs, () => {
      this.#roomTimer = null;
      this.#letIn();
    });
  }

  /** How long until there is room for so many bytes. */
  #roomMs(bytes: number): number {
    const { bytesPerSecond, queueBytesMax } = this.#conditions;
    const queueMs = this.#freeAtMs - this.#schedule.nowMs();
    const excessMs = (bytes - queueBytesMax) * 1000 / (bytesPerSecond ?? 1);
    return Math.max(roomStepMs, Math.min(queueMs, queueMs + excessMs));
  }
}

/** Shortest wait for room: below, the clock's fractions would no longer move. */
const roomStepMs = 0.01;
