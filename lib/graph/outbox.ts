/** Effects of one step, and the fair window of each link: bulk waits for `writable`, live items wait bounded. */

import { assert } from "../base/assert.ts";
import { BoundedQueue } from "../base/bounded.ts";
import type { Effect, LinkId, ReplicaEvent } from "./machine.ts";
import { sendQueueBytesMax, sendWindowBytes } from "./limits.ts";
import type { GraphMessage } from "./messages.ts";
import type { GraphWire } from "./wire.ts";

/** Collects the effects of a step. */
export class Outbox {
  /** What messages are sent through. */
  readonly wire: GraphWire;
  #effects: Effect[] = [];

  constructor(wire: GraphWire) {
    this.wire = wire;
  }

  /** Adds an effect. */
  push(effect: Effect): void {
    this.#effects.push(effect);
  }

  /** Adds an event. */
  emit(event: ReplicaEvent): void {
    this.#effects.push({ kind: "emit", event });
  }

  /** Returns the effects of the step and begins the next. */
  take(): Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}

/** The sending side of one link. */
export class LinkWindow {
  readonly #link: LinkId;
  readonly #outbox: Outbox;
  readonly #onServed: (bytes: number) => void;
  readonly #waiting = new BoundedQueue<Uint8Array>(16_384, sendQueueBytesMax, (bytes) => bytes.length);
  #bulk: Iterator<GraphMessage | Uint8Array>[] = [];
  #used = 0;
  #missed = false;

  /** `onServed` is told the bytes of bulk as they leave. */
  constructor(link: LinkId, outbox: Outbox, onServed: (bytes: number) => void = () => {}) {
    this.#link = link;
    this.#outbox = outbox;
    this.#onServed = onServed;
  }

  /** Sends a message in its turn; tells whether it had to be dropped. */
  send(message: GraphMessage): boolean {
    return this.sendEncoded(this.#outbox.wire.encode(message));
  }

  /** Sends the bytes of a message in their turn. What does not fit is dropped and remembered as missed. */
  sendEncoded(bytes: Uint8Array): boolean {
    if (this.#waiting.size === 0 && this.#bulk.length === 0 && this.#used < sendWindowBytes) {
      this.#transmit(bytes);
      return true;
    }
    if (this.#waiting.push(bytes)) return true;
    this.#missed = true;
    return false;
  }

  /** Sends a sequence of messages as the window allows, after what waits already. Nothing of it is dropped. */
  sendBulk(messages: Iterator<GraphMessage>): void {
    this.#bulk.push(messages);
    this.#pump();
  }

  /** Sends a message after the sequences that wait; it is not dropped, and held as the bytes that it is sent in. */
  sendInTurn(message: GraphMessage): void {
    this.#bulk.push([this.#outbox.wire.encode(message)].values());
    this.#pump();
  }

  /** Sends the last message of a link at once: nobody will report that the window is open again. */
  sendLast(message: GraphMessage): void {
    this.#transmit(this.#outbox.wire.encode(message));
  }

  /** The link has taken everything that was sent. */
  onWritable(): void {
    this.#used = 0;
    this.#pump();
  }

  /** Whether something was dropped since this was asked last. */
  takeMissed(): boolean {
    const missed = this.#missed;
    this.#missed = false;
    return missed;
  }

  /** Sequences that have not been sent to their end. */
  get waitingBulk(): number {
    return this.#bulk.length;
  }

  /** Bytes that wait for the window. */
  get waitingBytes(): number {
    return this.#waiting.bytes;
  }

  #pump(): void {
    // A catch-up's answers keep their order: bulk first, then what was said after it began.
    while (this.#used < sendWindowBytes) {
      const bulk = this.#bulk[0];
      if (bulk === undefined) break;
      const next = bulk.next();
      if (next.done) {
        this.#bulk.shift();
        continue;
      }
      const bytes = next.value instanceof Uint8Array ? next.value : this.#outbox.wire.encode(next.value);
      this.#onServed(bytes.length);
      this.#transmit(bytes);
    }
    if (this.#bulk.length > 0) return;
    while (this.#used < sendWindowBytes && this.#waiting.size > 0) this.#transmit(this.#waiting.shift()!);
  }

  #transmit(bytes: Uint8Array): void {
    assert(bytes.length > 0, "a message has bytes");
    this.#used += bytes.length;
    this.#outbox.push({ kind: "send", links: [this.#link], bytes });
  }
}
