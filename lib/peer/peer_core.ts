/** What the handles of one peer share: its ports, its links, its way to the store, its identity. */

import type {
  Clock,
  Crypto,
  Datagrams,
  Kem,
  Log,
  Random,
  RecordStore,
  StoreChange,
  Streams,
  Timers,
} from "../base/ports.ts";
import { abortedError, PeerError, throwIfAborted } from "../base/errors.ts";
import { base32 } from "../base/base32.ts";
import { hex } from "../base/bytes.ts";
import type { Identity } from "../identity/identity.ts";
import type { GraphPolicy } from "../graph/policy.ts";
import { Replica } from "../graph/replica.ts";
import type { Signer } from "../wire/envelope.ts";
import { GraphDriver } from "./driver.ts";
import type { KeyFile, KeyRing } from "./key_ring.ts";
import { storeWaitMsDefault } from "./limits.ts";
import type { Links } from "./links.ts";
import type { PeerObserver } from "./observer.ts";
import type { StoreQueue } from "./store_queue.ts";

/** Everything that a peer asks of the world. */
export interface PeerPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly kem: Kem;
  readonly streams: Streams;
  readonly datagrams: Datagrams;
  readonly log: Log;
  /** Looks into the machines, if somebody wants to. */
  readonly observer?: PeerObserver;
}

/** A store, the keys beside it, and what is let go when it closes. */
export interface OpenedStore {
  readonly store: RecordStore;
  readonly keys: KeyFile;
  /** Where it lies: a path, or `memory`. */
  readonly place: string;
  /** Lets go of the lock. */
  release(): Promise<void>;
}

/** A peer's inside. */
export class PeerCore {
  readonly ports: PeerPorts;
  readonly opened: OpenedStore;
  readonly storeQueue: StoreQueue;
  readonly keys: KeyRing;
  readonly identity: Identity;
  readonly signer: Signer;
  readonly links: Links;
  /** Where this peer accepts links, as `tcp://127.0.0.1:4000`. */
  readonly endpoints: () => readonly string[];
  readonly #tasks = new Set<Promise<void>>();
  readonly #drivers = new Map<string, GraphDriver>();
  readonly #closing = new AbortController();

  constructor(
    parts: Pick<
      PeerCore,
      "ports" | "opened" | "storeQueue" | "keys" | "identity" | "signer" | "links" | "endpoints"
    >,
  ) {
    this.ports = parts.ports;
    this.opened = parts.opened;
    this.storeQueue = parts.storeQueue;
    this.keys = parts.keys;
    this.identity = parts.identity;
    this.signer = parts.signer;
    this.links = parts.links;
    this.endpoints = parts.endpoints;
  }

  /** The driver of a graph, not open yet; fails with `already_open`, `closed`. To be closed, opened or not. */
  createDriver(graph: Uint8Array, policy: GraphPolicy): GraphDriver {
    this.throwIfClosed("Opening the graph");
    const id = hex(graph);
    if (this.#drivers.has(id)) {
      throw new PeerError(
        "already_open",
        `Cannot open ${base32(graph)}: it is open in this peer already, as a graph or a group; use list()`,
      );
    }
    const { crypto, random, clock, timers, log, observer = null } = this.ports;
    const replica = new Replica({ graph, policy, crypto, random, signer: this.signer });
    const { links, storeQueue, endpoints } = this;
    const driver = new GraphDriver(replica, {
      clock,
      timers,
      log,
      observer,
      links,
      store: this.opened.store,
      storeQueue,
      endpoints,
      onClosed: () => this.#drivers.delete(id),
    });
    this.#drivers.set(id, driver);
    return driver;
  }

  /** Refuses further work and ends all waits; graphs begin to close. */
  beginClose(): void {
    this.#closing.abort();
    for (const driver of this.#drivers.values()) this.track(driver.close());
  }

  /** Throws `closed` once the peer closes. */
  throwIfClosed(action: string): void {
    if (this.#closing.signal.aborted) throw closedError(action);
  }

  /** Does what must have ended before the peer lets go of its store. */
  async run<T>(action: string, work: () => Promise<T>): Promise<T> {
    this.throwIfClosed(action);
    const done = work();
    this.track(done.then(() => {}, () => {}));
    return await done;
  }

  /**
   * Runs a wait with its limit and the caller's signal. The work's signal fires when one of them ends
   * it, or the peer closes, or `until` fires, which has a {@linkcode PeerError} for its reason.
   */
  async within<T>(
    action: string,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal; readonly until?: AbortSignal },
    defaultMs: number,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { signal, until, timeoutMs = defaultMs } = options;
    if (!(timeoutMs >= 0)) {
      throw new RangeError(
        `Cannot take 'timeoutMs': it must be 0 or more milliseconds, and it is ${timeoutMs}`,
      );
    }
    throwIfAborted(signal, action);
    this.throwIfClosed(action);
    const controller = new AbortController();
    const timer = this.ports.timers.set(timeoutMs, () => controller.abort(timeoutError(action, timeoutMs)));
    const stopListening = [
      onAbort(signal, () => controller.abort(abortedError(signal!, action))),
      onAbort(until, () => controller.abort(until!.reason)),
      onAbort(this.#closing.signal, () => controller.abort(closedError(action))),
    ];
    try {
      return await work(controller.signal);
    } catch (error) {
      throw controller.signal.aborted ? controller.signal.reason : error;
    } finally {
      timer.cancel();
      for (const stop of stopListening) stop();
      controller.abort();
    }
  }

  /** Whether any graph's neighbors say that this machine's clock is wrong. */
  isClockWrong(): boolean {
    return [...this.#drivers.values()].some(({ replica }) => replica.peerTime.isWrong);
  }

  /** Keeps a task in sight until it ends: {@linkcode PeerCore.settle} waits for it. */
  track(task: Promise<void>): void {
    const tracked: Promise<void> = task.finally(() => this.#tasks.delete(tracked));
    this.#tasks.add(tracked);
  }

  /** Resolves when no tracked task runs any more. */
  async settle(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.allSettled(this.#tasks);
  }

  /** Makes one small change durable. A wait that ends early leaves open whether it becomes so. */
  commit(action: string, change: StoreChange, signal?: AbortSignal): Promise<void> {
    return this.within(action, signal === undefined ? {} : { signal }, storeWaitMsDefault, (ended) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      onAbort(ended, () => reject(ended.reason));
      this.storeQueue.push({
        sets: change.sets ?? [],
        deletes: change.deletes ?? [],
        stored: resolve,
        failed: ({ code, message }) => reject(new PeerError(code, message)),
      });
      return promise;
    });
  }
}

/** Calls back when a signal fires, or at once if it has; the function returned takes that back. */
function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal?.aborted) callback();
  else signal?.addEventListener("abort", callback, { once: true });
  return () => signal?.removeEventListener("abort", callback);
}

function timeoutError(action: string, timeoutMs: number): PeerError {
  return new PeerError(
    "timeout",
    `${action} took longer than ${timeoutMs} ms; allow more time, or see what status() says`,
  );
}

function closedError(action: string): PeerError {
  return new PeerError("closed", `${action} failed: the peer was closed; open it again`);
}
