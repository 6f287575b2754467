/**
 * Server-sent events (HTML standard, §9.2): one reader each, a bounded queue, comments while nothing
 * happens, and an end when the reader, the API or the source ends.
 */

import { utf8 } from "../lib/base/bytes.ts";
import { messageOf, PeerError } from "../lib/base/errors.ts";
import type { TimerHandle, Timers } from "../lib/base/ports.ts";
import { eventHeartbeatMs, eventQueueMax, eventStreamsMax } from "./limits.ts";

/** One event as it is sent. */
export interface ServerEvent {
  /** A word without line breaks. */
  readonly event: string;
  /** Sent as one line of JSON. */
  readonly data: unknown;
}

/** Begins what a stream tells; the signal fires when nobody listens any more. */
export type EventSource = (signal: AbortSignal) => AsyncIterable<ServerEvent>;

/** The event streams of one API. */
export class EventStreams {
  readonly #timers: Timers;
  readonly #open = new Set<EventStream>();
  #isClosed = false;

  /** The timers send the comments of silent streams. */
  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** How many are open. */
  get count(): number {
    return this.#open.size;
  }

  /** Answers a request with a stream. Fails with `too_many` at `eventStreamsMax`. */
  respond(source: EventSource, signal: AbortSignal): Response {
    if (this.#isClosed) throw new PeerError("closed", "Cannot stream events: the admin API was closed");
    if (this.#open.size >= eventStreamsMax) {
      const message = `Cannot stream events: ${eventStreamsMax} streams are open. Close one first`;
      throw new PeerError("too_many", message);
    }
    const stream: EventStream = new EventStream(source, this.#timers, () => this.#open.delete(stream));
    this.#open.add(stream);
    const stop = () => stream.stop();
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    return new Response(stream.body, { headers: { "content-type": "text/event-stream" } });
  }

  /** Ends all of them, and lets no more begin. */
  close(): void {
    this.#isClosed = true;
    for (const stream of [...this.#open]) stream.stop();
  }
}

/**
 * A source without back-pressure, read at once into a bounded queue. When the queue is full the
 * newest are dropped, and after what was queued one `gap` says how many.
 */
export async function* withGaps(
  source: AsyncIterable<ServerEvent>,
  queueMax: number = eventQueueMax,
): AsyncGenerator<ServerEvent, void, void> {
  const queue: ServerEvent[] = [];
  let dropped = 0;
  let ended: { readonly failure?: unknown } | null = null;
  let wake = () => {};
  const pump = async () => {
    for await (const event of source) {
      // Nothing overtakes the gap: what comes while one is pending belongs to it.
      if (dropped === 0 && queue.length < queueMax) queue.push(event);
      else dropped++;
      wake();
    }
  };
  pump().then(() => ended = {}, (failure: unknown) => ended = { failure }).then(() => wake());
  while (true) {
    const event = queue.shift();
    if (event !== undefined) yield event;
    else if (dropped > 0) {
      const gap = { event: "gap", data: { kind: "gap", dropped } };
      dropped = 0;
      yield gap;
    } else if (ended !== null) return endWith(ended);
    else await new Promise<void>((resolve) => wake = resolve);
  }
}

/** One stream to one reader. */
class EventStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #stopping = new AbortController();
  readonly #stopped = Promise.withResolvers<null>();
  readonly #iterator: AsyncIterator<ServerEvent>;
  readonly #timers: Timers;
  readonly #onEnd: () => void;
  #next: Promise<IteratorResult<ServerEvent>>;

  constructor(source: EventSource, timers: Timers, onEnd: () => void) {
    this.#timers = timers;
    this.#onEnd = onEnd;
    this.#iterator = source(this.#stopping.signal)[Symbol.asyncIterator]();
    this.#next = this.#advance();
    this.body = new ReadableStream({
      start: (controller) => controller.enqueue(utf8(": open\n\n")),
      pull: (controller) => this.#pull(controller),
      cancel: () => this.stop(),
    });
  }

  /** Ends the source and then the stream. May be called again. */
  stop(): void {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#stopped.resolve(null);
    this.#iterator.return?.().catch(() => {/* nobody listens any more */});
    this.#onEnd();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const turn = await this.#turn();
    if (turn === "silence") return controller.enqueue(utf8(": still here\n\n"));
    if (turn !== null) controller.enqueue(utf8(eventText(turn)));
    if (turn === null || turn.event === "problem") {
      this.stop();
      controller.close();
    }
  }

  /** What comes first: an event, the end (`null`), or silence. */
  async #turn(): Promise<ServerEvent | "silence" | null> {
    let timer: TimerHandle | null = null;
    const silence = new Promise<"silence">((resolve) => {
      timer = this.#timers.set(eventHeartbeatMs, () => resolve("silence"));
    });
    try {
      const turn = await Promise.race([this.#stopped.promise, this.#next, silence]);
      if (turn === null || turn === "silence") return turn;
      if (turn.done === true) return null;
      this.#next = this.#advance();
      return turn.value;
    } catch (error) {
      return this.#stopping.signal.aborted ? null : problemEvent(error);
    } finally {
      (timer as TimerHandle | null)?.cancel();
    }
  }

  /** Asks for the next event. A failure waits for the reader, who may come late or never. */
  #advance(): Promise<IteratorResult<ServerEvent>> {
    const next = this.#iterator.next();
    next.catch(() => {/* whoever awaits `#next` sees it */});
    return next;
  }
}

function endWith(end: { readonly failure?: unknown }): void {
  if ("failure" in end) throw end.failure;
}

function problemEvent(error: unknown): ServerEvent {
  const code = error instanceof PeerError ? error.code : "internal";
  const detail = error instanceof PeerError ? messageOf(error) : "The stream ended by a mistake of this API";
  return { event: "problem", data: { kind: "problem", code, detail } };
}

/** JSON has no line breaks of its own, so one `data` line holds it. */
function eventText({ event, data }: ServerEvent): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
