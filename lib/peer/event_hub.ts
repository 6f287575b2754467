/** Streams of events: each reader has a bounded queue of its own and never holds up the others. */

import { eventsQueuedMax, subscribersMax } from "./limits.ts";
import { PeerError } from "../base/errors.ts";

/** What a reader gets: an event, or word that it was too slow and missed some. */
export type Delivery<E> = { readonly kind: "event"; readonly event: E } | { readonly kind: "gap" };

/** Hands events to any number of readers. What a reader has not taken when its stream ends is dropped. */
export class EventHub<E> {
  readonly #subscriptions = new Set<Subscription<E>>();
  #isClosed = false;

  /** Gives an event to every reader. */
  emit(event: E): void {
    for (const subscription of this.#subscriptions) subscription.push(event);
  }

  /** Ends all streams. */
  close(): void {
    this.#isClosed = true;
    for (const subscription of [...this.#subscriptions]) subscription.end();
  }

  /**
   * Events from this moment on, until the reader breaks off, the signal fires or the hub closes. The
   * subscription stands as soon as this returns, before the first event is asked for.
   */
  subscribe(signal?: AbortSignal): AsyncIterableIterator<Delivery<E>> {
    if (this.#subscriptions.size >= subscribersMax) {
      throw new PeerError(
        "too_many",
        `Cannot watch: ${subscribersMax} readers watch already; end some first`,
      );
    }
    const subscription = new Subscription<E>(signal, () => this.#subscriptions.delete(subscription));
    if (this.#isClosed || signal?.aborted) subscription.end();
    else this.#subscriptions.add(subscription);
    return subscription;
  }

  /** How many readers there are. */
  get size(): number {
    return this.#subscriptions.size;
  }
}

/** One reader. Not a generator: one that is never read could not be ended. */
class Subscription<E> implements AsyncIterableIterator<Delivery<E>> {
  readonly #signal: AbortSignal | undefined;
  readonly #onEnd: () => void;
  readonly #end: () => void;
  #queue: E[] = [];
  #missed = false;
  #hasEnded = false;
  #waiting: ((result: IteratorResult<Delivery<E>>) => void)[] = [];

  constructor(signal: AbortSignal | undefined, onEnd: () => void) {
    this.#signal = signal;
    this.#onEnd = onEnd;
    this.#end = () => this.end();
    signal?.addEventListener("abort", this.#end);
  }

  push(event: E): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return waiting({ done: false, value: { kind: "event", event } });
    if (this.#missed) return;
    this.#queue.push(event);
    if (this.#queue.length <= eventsQueuedMax) return;
    // A reader that slow is told to look again rather than fed from an endless queue.
    this.#queue = [];
    this.#missed = true;
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#queue = [];
    this.#signal?.removeEventListener("abort", this.#end);
    this.#onEnd();
    for (const waiting of this.#waiting.splice(0)) waiting({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<Delivery<E>>> {
    if (this.#hasEnded) return Promise.resolve({ done: true, value: undefined });
    const event = this.#queue.shift();
    if (event !== undefined) return Promise.resolve({ done: false, value: { kind: "event", event } });
    if (this.#missed) {
      this.#missed = false;
      return Promise.resolve({ done: false, value: { kind: "gap" } });
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<Delivery<E>>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** The events of a stream as others, any number for each delivery. Ended before it is read, it lets go all the same. */
export function mapDeliveries<E, T>(
  deliveries: AsyncIterableIterator<Delivery<E>>,
  map: (delivery: Delivery<E>) => readonly T[],
): AsyncIterableIterator<T> {
  return new Mapped(deliveries, map);
}

/** Not a generator either: its `return` would do nothing before the first event is asked for. */
class Mapped<E, T> implements AsyncIterableIterator<T> {
  readonly #deliveries: AsyncIterableIterator<Delivery<E>>;
  readonly #map: (delivery: Delivery<E>) => readonly T[];
  #ready: T[] = [];
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    deliveries: AsyncIterableIterator<Delivery<E>>,
    map: (delivery: Delivery<E>) => readonly T[],
  ) {
    this.#deliveries = deliveries;
    this.#map = map;
  }

  next(): Promise<IteratorResult<T>> {
    const next = this.#turn.then(() => this.#take());
    this.#turn = next.catch(() => {
      /* told to whoever asked for that event */
    });
    return next;
  }

  async return(): Promise<IteratorResult<T>> {
    await this.#deliveries.return?.();
    this.#ready = [];
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #take(): Promise<IteratorResult<T>> {
    for (;;) {
      if (this.#ready.length > 0) return { done: false, value: this.#ready.shift()! };
      const { done, value } = await this.#deliveries.next();
      if (done) return { done: true, value: undefined };
      this.#ready.push(...this.#map(value));
    }
  }
}
