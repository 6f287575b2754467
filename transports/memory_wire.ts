/**
 * One direction of one stream on a network in memory. It keeps its order whatever happens: what is
 * lost or meets a cut is held up, with all behind it, as TCP holds it up until it is sent again.
 */

import type { Address, TimerHandle } from "../lib/base/ports.ts";
import { memoryPieceBytesMax, memoryRetransmissionMs } from "./limits.ts";
import type { Ledger } from "./memory_ledger.ts";
import type { Direction, Waiting } from "./memory_link.ts";
import type { Schedule } from "./memory_schedule.ts";

/** What all wires of a network share. */
export interface WireWorld {
  readonly schedule: Schedule;
  readonly ledger: Ledger;
  /** Wires behind a cut or a paused host. */
  readonly heldUp: Set<Wire>;
}

/** Takes what arrived; tells of a chunk whether the end still stands. */
type Deliver = (chunk: Uint8Array) => boolean | void;

interface Load {
  readonly chunk: Uint8Array | null;
  readonly deliver: Deliver;
  dueMs: number;
}

/** One direction of one stream. */
export class Wire implements Waiting {
  /** The address of the end that sends. */
  readonly from: Address;
  /** The address of the end that receives. */
  readonly to: Address;
  readonly #world: WireWorld;
  readonly #direction: Direction;
  /** What waits for room in the direction. */
  readonly #entering: Load[] = [];
  /** What is under way. */
  readonly #underWay: Load[] = [];
  #timer: TimerHandle | null = null;
  /** Jitter of this stream as a share of the direction's; drawn once, so that the order stays. */
  #jitterShare = -1;

  /** A wire along a direction. */
  constructor(world: WireWorld, direction: Direction, from: Address, to: Address) {
    this.#world = world;
    this.#direction = direction;
    this.from = from;
    this.to = to;
  }

  /** Carries a signal. */
  carry(deliver: () => void): void {
    this.#enter({ chunk: null, deliver, dueMs: 0 });
  }

  /** Carries bytes, in pieces where the capacity is limited. */
  carryChunk(chunk: Uint8Array, deliver: (chunk: Uint8Array) => boolean): void {
    const isWhole = this.#direction.conditions.bytesPerSecond === null;
    const pieceBytes = isWhole ? chunk.length : memoryPieceBytesMax;
    for (let start = 0; start < chunk.length; start += pieceBytes) {
      const piece = isWhole ? chunk : chunk.subarray(start, start + pieceBytes);
      this.#world.ledger.note("sent", "chunk", this.from, this.to, piece);
      this.#enter({ chunk: piece, deliver, dueMs: 0 });
    }
  }

  /** The end that sends broke. */
  noteBroken(): void {
    this.#world.ledger.note("broken", "stream", this.from, this.to);
  }

  /** How much waits first for room. */
  get nextBytes(): number {
    return this.#entering[0]?.chunk?.length ?? 0;
  }

  /** Sends what waits first for room, and tells whether more waits. */
  departNext(queueMs: number): boolean {
    this.#depart(this.#entering.shift()!, queueMs);
    return this.#entering.length > 0;
  }

  /** Delivers what is due, unless it is held up. */
  resume(): void {
    this.#deliverUntil(this.#world.schedule.nowMs());
  }

  #enter(load: Load): void {
    const isFirst = this.#entering.length === 0;
    const queueMs = isFirst ? this.#direction.enqueueInTurn(load.chunk?.length ?? 0) : null;
    if (queueMs !== null) return this.#depart(load, queueMs);
    this.#entering.push(load);
    if (isFirst) this.#direction.waitForRoom(this);
  }

  #depart(load: Load, queueMs: number): void {
    const delayMs = queueMs + this.#travelMs();
    if (delayMs <= 0 && this.#underWay.length === 0 && !this.#direction.isHeldUp) {
      return this.#deliver(load);
    }
    const nowMs = this.#world.schedule.nowMs();
    load.dueMs = nowMs + delayMs;
    this.#underWay.push(load);
    if (this.#timer === null) this.#deliverUntil(nowMs);
  }

  /** Loss shows as the time until what was lost has been sent again. */
  #travelMs(): number {
    const { schedule } = this.#world;
    const { jitterMs } = this.#direction.conditions;
    if (jitterMs > 0 && this.#jitterShare < 0) this.#jitterShare = schedule.upTo(1);
    const onceMs = this.#direction.latencyMs() + (jitterMs > 0 ? jitterMs * this.#jitterShare : 0);
    if (this.#direction.loss() === null) return onceMs;
    return onceMs + Math.max(memoryRetransmissionMs, 2 * onceMs);
  }

  #deliverUntil(reachedMs: number): void {
    const { heldUp, schedule } = this.#world;
    heldUp.delete(this);
    for (let first = this.#underWay[0]; first !== undefined; first = this.#underWay[0]) {
      if (first.dueMs > reachedMs) {
        this.#timer ??= schedule.after(first.dueMs - schedule.nowMs(), this.#onDue);
        break;
      }
      if (this.#direction.isHeldUp) {
        heldUp.add(this);
        break;
      }
      this.#underWay.shift();
      this.#deliver(first);
    }
  }

  readonly #onDue = (): void => {
    this.#timer = null;
    this.#deliverUntil(this.#world.schedule.nowMs());
  };

  #deliver({ chunk, deliver }: Load): void {
    if (chunk === null) return void deliver(none);
    const { ledger } = this.#world;
    if (deliver(chunk) !== false) ledger.note("delivered", "chunk", this.from, this.to, chunk);
    else ledger.note("dropped", "chunk", this.from, this.to, chunk, "closed");
  }
}

const none = new Uint8Array(0);
