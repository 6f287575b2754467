/** The records of a graph or group, as users hold them. */

import { fromBase32 } from "../base/base32.ts";
import { assert } from "../base/assert.ts";
import { PeerError } from "../base/errors.ts";
import { parsePeerId } from "../identity/peer_id.ts";
import { hex } from "../base/bytes.ts";
import type { Clock, Crypto } from "../base/ports.ts";
import type { Outcome, ReplicaEvent, Request } from "../graph/machine.ts";
import type { Shown } from "../records/shown.ts";
import type { GraphDriver } from "./driver.ts";
import { attributesOf, contentOf, viewOf } from "./record_values.ts";
import type {
  AddOptions,
  ListOptions,
  RecordEvent,
  Records,
  RecordValue,
  RecordView,
  UpdateOptions,
  WaitOptions,
} from "./surface.ts";

/** Implements {@linkcode Records} on the driver of a graph. */
export class RecordsHandle implements Records {
  readonly #driver: GraphDriver;
  readonly #crypto: Crypto;
  readonly #clock: Clock;

  constructor(driver: GraphDriver, crypto: Crypto, clock: Clock) {
    this.#driver = driver;
    this.#crypto = crypto;
    this.#clock = clock;
  }

  async add(type: string, value: RecordValue, options: AddOptions = {}): Promise<RecordView> {
    const { lifeMs, expires, until } = options;
    if (lifeMs !== undefined && expires !== undefined) {
      throw new TypeError("Cannot add the record: give 'lifeMs' or 'expires', not both");
    }
    return await this.#write({
      kind: "add",
      type,
      ...contentOf(value),
      attributes: attributesOf(options.attributes ?? {}),
      lifeMs: lifeMs === undefined ? null : wholeMs(lifeMs, "lifeMs"),
      expires: expires === undefined ? null : timeOf(expires, "expires"),
      until: until === undefined ? null : timeOf(until, "until"),
    }, options.signal);
  }

  async update(id: string, value: RecordValue, options: UpdateOptions = {}): Promise<RecordView> {
    const { attributes, expires } = options;
    return await this.#write({
      kind: "update",
      record: id,
      ...contentOf(value),
      attributes: attributes === undefined ? null : attributesOf(attributes),
      expires: expires === undefined ? null : timeOf(expires, "expires"),
    }, options.signal);
  }

  async delete(id: string, options: WaitOptions = {}): Promise<void> {
    await this.#driver.call({ kind: "delete", record: id }, options.signal);
  }

  async extend(id: string, expires: Date, options: WaitOptions = {}): Promise<RecordView> {
    const request = { kind: "extend", record: id, expires: timeOf(expires, "expires") } as const;
    return await this.#write(request, options.signal);
  }

  get(id: string): Promise<RecordView | null> {
    const shown = this.#driver.replica.shown(id, this.#clock.now());
    return Promise.resolve(shown === null ? null : viewOf(this.#crypto, shown));
  }

  list(options: ListOptions = {}): Promise<RecordView[]> {
    const creator = options.creator === undefined ? null : this.#creatorOf(options.creator);
    const found = [...this.#driver.replica.allShown(this.#clock.now())].filter(({ item: { body } }) =>
      (options.type === undefined || body.type === options.type) &&
      (creator === null || hex(body.creator) === creator)
    );
    found.sort((a, b) =>
      a.item.body.created - b.item.body.created || (a.item.record < b.item.record ? -1 : 1)
    );
    return Promise.resolve(found.map((shown) => viewOf(this.#crypto, shown)));
  }

  /** Begins when the first event is asked for, so that nothing is told twice and a reader that never reads costs nothing. */
  async *watch(type?: string, options: WaitOptions = {}): AsyncGenerator<RecordEvent, void, void> {
    // The subscription comes first, so that nothing falls between what is there and what changes.
    const events = this.#driver.events.subscribe(options.signal);
    const isOfType = (shown: Shown): boolean => type === undefined || shown.item.body.type === type;
    try {
      if (options.signal?.aborted || this.#driver.isClosed) return;
      yield* this.#current(isOfType);
      for await (const delivery of events) {
        if (delivery.kind === "gap") {
          yield* this.#current(isOfType);
        } else if (delivery.event.kind === "record" && isOfType(delivery.event.shown)) {
          yield this.#eventOf(delivery.event);
        }
      }
    } finally {
      await events.return?.();
    }
  }

  /** What events have told so far, whatever the clock says by now: then those that come fit behind it. */
  *#current(isOfType: (shown: Shown) => boolean): Generator<RecordEvent> {
    for (const shown of [...this.#driver.replica.allTold()]) {
      if (isOfType(shown)) yield { kind: "added", record: viewOf(this.#crypto, shown) };
    }
  }

  #eventOf(event: ReplicaEvent & { kind: "record" }): RecordEvent {
    return { kind: event.cause, record: viewOf(this.#crypto, event.shown) };
  }

  async #write(request: Request, signal: AbortSignal | undefined): Promise<RecordView> {
    const outcome: Outcome = await this.#driver.call(request, signal);
    if (outcome.kind === "record") return viewOf(this.#crypto, outcome.shown);
    assert(outcome.kind === "done", "a write yields a record, or word that it is shown no more");
    throw new PeerError("record_not_found", "The record was stored, but it was deleted at the same time");
  }

  #creatorOf(peer: string): string {
    const key = parsePeerId(this.#crypto, peer);
    if (key === null) throw new PeerError("invalid_peer_id", `Cannot list records: "${peer}" is no peer id`);
    return hex(key);
  }
}

/** The bytes of a graph id's text; throws `graph_not_found` if it is none. */
export function graphIdOf(text: string): Uint8Array {
  const bytes = fromBase32(text);
  if (bytes !== null && bytes.length === 32) return bytes;
  throw new PeerError("graph_not_found", `"${text}" is no graph id: 52 characters of lower-case base 32 are`);
}

/** A date as wall milliseconds; throws a `RangeError` if it is none, or before 1970. */
export function timeOf(date: Date, name: string): number {
  const time = date.getTime();
  if (Number.isSafeInteger(time) && time >= 0) return time;
  throw new RangeError(`Cannot take '${name}': it must be a date after 1970, and it is ${String(date)}`);
}

function wholeMs(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new RangeError(
    `Cannot take '${name}': it must be a positive whole number of milliseconds, and it is ${value}`,
  );
}
