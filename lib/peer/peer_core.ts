/** What the handles of one peer share: its ports, its links, its way to the store, its identity. */

import type {
  Clock,
  Crypto,
  Datagrams,
  Kem,
  Log,
  Random,
  RecordStore,
  Streams,
  Timers,
} from "../base/ports.ts";
import { abortedError, PeerError, throwIfAborted } from "../base/errors.ts";
import type { Identity } from "../identity/identity.ts";
import type { GraphPolicy } from "../graph/policy.ts";
import { Replica } from "../graph/replica.ts";
import type { Signer } from "../wire/envelope.ts";
import { GraphDriver } from "./driver.ts";
import type { KeyFile, KeyRing } from "./key_ring.ts";
import type { Links } from "./links.ts";
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
  readonly #drivers = new Set<GraphDriver>();

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

  /** The driver of a graph, not open yet. */
  createDriver(graph: Uint8Array, policy: GraphPolicy): GraphDriver {
    const { crypto, random, clock, timers, log } = this.ports;
    const replica = new Replica({ graph, policy, crypto, random, signer: this.signer });
    const { links, storeQueue, endpoints } = this;
    return new GraphDriver(replica, {
      clock,
      timers,
      log,
      links,
      store: this.opened.store,
      storeQueue,
      endpoints,
    });
  }

  /** Runs a wait with its limit and the caller's signal. The work's signal fires when either ends it. */
  async within<T>(
    action: string,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
    defaultMs: number,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    throwIfAborted(options.signal, action);
    const controller = new AbortController();
    const timeoutMs = options.timeoutMs ?? defaultMs;
    const timer = this.ports.timers.set(timeoutMs, () => {
      controller.abort(new PeerError("timeout", `${action} took longer than ${timeoutMs} ms`));
    });
    const onAbort = (): void => controller.abort(abortedError(options.signal!, action));
    options.signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await work(controller.signal);
    } catch (error) {
      throw controller.signal.aborted ? controller.signal.reason : error;
    } finally {
      timer.cancel();
      options.signal?.removeEventListener("abort", onAbort);
      controller.abort();
    }
  }

  /** Whether any graph's neighbors say that this machine's clock is wrong. */
  isClockWrong(): boolean {
    return [...this.#drivers].some(({ replica }) => replica.peerTime.isWrong);
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

  /** Makes one small change durable. */
  commit(change: Parameters<RecordStore["commit"]>[0]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.storeQueue.push({
      sets: change.sets ?? [],
      deletes: change.deletes ?? [],
      stored: resolve,
      failed: ({ code, message }) => reject(new PeerError(code, message)),
    });
    return promise;
  }
}
