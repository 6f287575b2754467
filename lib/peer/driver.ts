/**
 * Runs the replica of one graph: feeds it what comes from links, store, timer and callers, and carries
 * out what it wants. Nothing is decided here.
 */

import { addressScope, addressText, endpointText, parseEndpoint } from "../base/address.ts";
import { hex } from "../base/bytes.ts";
import { abortedError, messageOf, PeerError } from "../base/errors.ts";
import type { Clock, Log, RecordStore, StoreEntry, TimerHandle, Timers } from "../base/ports.ts";
import { graphPrefix } from "../graph/keeping.ts";
import { sendWindowBytes } from "../graph/limits.ts";
import type { Effect, Input, LinkId, Outcome, ReplicaEvent, Request } from "../graph/machine.ts";
import type { ContactHint } from "../graph/messages.ts";
import type { Replica } from "../graph/replica.ts";
import type { Channel } from "./channels.ts";
import { EventHub } from "./event_hub.ts";
import { storeWaitMsDefault } from "./limits.ts";
import type { Links } from "./links.ts";
import type { LinkHandle } from "./live_link.ts";
import type { PeerObserver } from "./observer.ts";
import type { StoreQueue } from "./store_queue.ts";

/** What a driver works with. */
export interface DriverPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly observer: PeerObserver | null;
  readonly links: Links;
  readonly store: RecordStore;
  readonly storeQueue: StoreQueue;
  /** Where this peer accepts links, as `tcp://127.0.0.1:4000`. */
  endpoints(): readonly string[];
  /** Called when the driver has closed. */
  onClosed(): void;
}

interface OpenChannel {
  readonly channel: Channel;
  /** Bytes sent since the replica was last told that the link takes more. */
  sentBytes: number;
}

interface Call {
  readonly sinceMs: number;
  resolve(outcome: Outcome): void;
  reject(error: PeerError): void;
}

/** The driver of one graph. */
export class GraphDriver {
  readonly replica: Replica;
  /** What happens in the graph. */
  readonly events: EventHub<ReplicaEvent> = new EventHub();
  readonly #ports: DriverPorts;
  readonly #channels = new Map<LinkId, OpenChannel>();
  readonly #calls = new Map<number, Call>();
  readonly #inputs: Input[] = [];
  readonly #closing = new AbortController();
  readonly #dials = new Set<Promise<void>>();
  #isRunning = false;
  #timer: TimerHandle | null = null;
  #timerMs = 0;
  #patience: TimerHandle | null = null;
  #nextCall = 1;
  /** Changes on their way to the store. */
  #storing = 0;
  #closed: Promise<void> | null = null;

  constructor(replica: Replica, ports: DriverPorts) {
    this.replica = replica;
    this.#ports = ports;
  }

  /** Loads what the store holds and begins to take channels. */
  async open(): Promise<void> {
    this.#carryOut(this.replica.start(this.#ports.clock.now()));
    const { store } = this.#ports;
    const entries: StoreEntry[] = [];
    const damagedBefore = store.damaged ?? 0;
    for await (const entry of store.list(graphPrefix(this.replica.graph))) entries.push(entry);
    // The store counts for all graphs: one that is loaded meanwhile may ask for too much, and never for too little.
    this.#feed({ kind: "loaded", entries, damaged: (store.damaged ?? 0) - damagedBefore });
    if (this.isClosed) throw closedError();
    this.tellEndpoints();
    this.#ports.links.register(this.replica.graph, {
      up: (channel) => this.#onUp(channel),
      frame: (channel, bytes) => this.#feed({ kind: "frame", link: channel.id, bytes }),
      writable: () => {}, // the replica's window keeps inside the link's queue, and `drained` moves it
      drained: (channel) => this.#onDrained(channel),
      down: (channel, reason) => this.#onDown(channel, reason),
      refused: (link, reason) => this.#onRefused(link.peer, reason),
    });
  }

  /** Has the replica do something; settles when it is done. */
  call(request: Request, signal?: AbortSignal): Promise<Outcome> {
    if (this.isClosed) return Promise.reject(closedError());
    if (signal?.aborted) return Promise.reject(abortedError(signal, "The call"));
    const { promise, call } = this.#call(request);
    if (signal === undefined) return promise;
    // What was handed over is done all the same; only the caller stops waiting.
    const onAbort = (): void => this.#fail(call, abortedError(signal, "The call"));
    signal.addEventListener("abort", onAbort, { once: true });
    return promise.finally(() => signal.removeEventListener("abort", onAbort));
  }

  /** Opens a channel on a link; if it has ended meanwhile, that is told as a refusal. */
  openChannel(link: LinkHandle): void {
    if (!this.#ports.links.openChannel(link, this.replica.graph)) this.#onRefused(link.peer, "link_lost");
  }

  /** Tells the replica where this peer accepts links. */
  tellEndpoints(): void {
    this.#feed({ kind: "endpoints", endpoints: this.#ports.endpoints() });
  }

  /** Takes no more calls, lets the store finish what is under way and neighbors hear of it, parts with them, and ends. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  /** Whether it was closed, or is about to be. */
  get isClosed(): boolean {
    return this.#closed !== null;
  }

  /** Fires when it is closed; the reason is the failure of whoever waits for something here. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** The channels by the replica's numbers. */
  channel(link: LinkId): Channel | null {
    return this.#channels.get(link)?.channel ?? null;
  }

  #call(request: Request): { readonly promise: Promise<Outcome>; readonly call: number } {
    const call = this.#nextCall++;
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    this.#calls.set(call, { sinceMs: this.#ports.clock.now().monoMs, resolve, reject });
    this.#feed({ kind: "call", call, request });
    this.#armPatience();
    return { promise, call };
  }

  async #close(): Promise<void> {
    this.#closing.abort(closedError());
    await this.#flush();
    await this.#call({ kind: "close" }).promise;
    this.#timer?.cancel();
    this.#patience?.cancel();
    this.#ports.links.unregister(this.replica.graph);
    await Promise.all(this.#dials);
    await this.#flush();
    for (const call of [...this.#calls.keys()]) this.#fail(call, closedError());
    this.events.close();
    this.#ports.onClosed();
  }

  /** Waits for what this graph has handed to the store, and for nothing if that is nothing. */
  async #flush(): Promise<void> {
    if (this.#storing > 0) await this.#ports.storeQueue.flush();
  }

  /** One input at a time: carrying out an effect may bring the next input at once. */
  #feed(input: Input): void {
    this.#inputs.push(input);
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        const now = this.#ports.clock.now();
        const effects = this.replica.handle(next, now);
        this.#ports.observer?.onReplica(this.replica, next, effects, now);
        this.#carryOut(effects);
      }
    } finally {
      this.#isRunning = false;
      this.#armTimer();
    }
  }

  #carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) this.#carry(effect);
  }

  #carry(effect: Effect): void {
    switch (effect.kind) {
      case "send":
        for (const link of effect.links) this.#send(link, effect.bytes);
        return;
      case "connect":
        return this.#track(this.#connect(effect.peer, effect.contact));
      case "disconnect":
        return this.#channels.get(effect.link)?.channel.close(effect.reason);
      case "store":
        return this.#storeUnit(effect);
      case "load":
        return; // `open` reads the store right after
      case "settle":
        this.#calls.get(effect.call)?.resolve(effect.outcome);
        this.#calls.delete(effect.call);
        return;
      case "fail":
        return this.#fail(effect.call, new PeerError(effect.code, effect.message));
      case "emit":
        return this.#emit(effect.event);
    }
  }

  #send(link: LinkId, bytes: Uint8Array): void {
    const open = this.#channels.get(link);
    if (open === undefined) return;
    if (open.channel.send(bytes)) {
      open.sentBytes += bytes.length;
    } else {
      // The replica's window keeps well inside the link's queue, unless many graphs share a slow link.
      this.#ports.log.debug("A channel is too slow", { peer: hex(open.channel.peer) });
      open.channel.close("too_slow");
    }
  }

  #storeUnit({ ticket, sets, deletes }: Effect & { kind: "store" }): void {
    const onEnd = (input: Input): void => {
      this.#storing--;
      this.#feed(input);
    };
    this.#storing++;
    this.#ports.storeQueue.push({
      sets,
      deletes,
      stored: () => onEnd({ kind: "stored", ticket }),
      failed: (failure) => onEnd({ kind: "storeFailed", ticket, ...failure }),
    });
  }

  #emit(event: ReplicaEvent): void {
    if (event.kind === "storeTrouble") this.#ports.log.warn(event.message, { code: event.code });
    this.events.emit(event);
  }

  async #connect(peer: string, contact: ContactHint): Promise<void> {
    let reason = "no endpoint";
    for (const text of contact.endpoints) {
      const endpoint = parseEndpoint(text);
      if (endpoint === null) continue;
      try {
        const options = { expect: contact.peer, signal: this.#closing.signal };
        const link = await this.#ports.links.connect(endpoint.address, options);
        if (!this.isClosed) this.openChannel(link);
        return;
      } catch (error) {
        reason = messageOf(error);
      }
    }
    this.#feed({ kind: "connectFailed", peer, reason });
  }

  #onUp(channel: Channel): void {
    const { id, peer, dialled, remote } = channel;
    this.#channels.set(id, { channel, sentBytes: 0 });
    this.#feed({
      kind: "linkUp",
      link: id,
      peer,
      dialled,
      address: addressText(remote),
      isLoopback: addressScope(remote.host) === "loopback",
      endpoint: dialled ? endpointText({ transport: "tcp", address: remote }) : null,
    });
  }

  #onDrained(channel: Channel): void {
    const open = this.#channels.get(channel.id);
    // Half a window is early enough to keep a fast link busy, and saves a step for each small message.
    if (open === undefined || open.sentBytes < sendWindowBytes / 2) return;
    open.sentBytes = 0;
    this.#feed({ kind: "writable", link: channel.id });
  }

  #onDown(channel: Channel, reason: string): void {
    this.#channels.delete(channel.id);
    this.#feed({ kind: "linkDown", link: channel.id, reason });
  }

  #onRefused(peer: Uint8Array, reason: string): void {
    this.#emit({ kind: "refused", peer, reason });
    this.#feed({ kind: "connectFailed", peer: hex(peer), reason });
  }

  #fail(call: number, error: PeerError): void {
    this.#calls.get(call)?.reject(error);
    this.#calls.delete(call);
  }

  #track(task: Promise<void>): void {
    const tracked: Promise<void> = task.finally(() => this.#dials.delete(tracked));
    this.#dials.add(tracked);
  }

  #armTimer(): void {
    const dueMs = this.replica.nextDeadline();
    if (this.#timer !== null && dueMs === this.#timerMs) return;
    this.#timer?.cancel();
    this.#timer = null;
    if (dueMs === null) return;
    this.#timerMs = dueMs;
    const delayMs = Math.max(0, dueMs - this.#ports.clock.now().monoMs);
    this.#timer = this.#ports.timers.set(delayMs, () => {
      this.#timer = null;
      this.#feed({ kind: "deadline" });
    });
  }

  /** One timer for all calls: they are in the order of their age. */
  #armPatience(): void {
    const [oldest] = this.#calls.values();
    if (this.#patience !== null || oldest === undefined) return;
    const { monoMs } = this.#ports.clock.now();
    const delayMs = Math.max(0, oldest.sinceMs + storeWaitMsDefault - monoMs);
    this.#patience = this.#ports.timers.set(delayMs, () => {
      this.#patience = null;
      const latestMs = this.#ports.clock.now().monoMs - storeWaitMsDefault;
      for (const [call, { sinceMs }] of this.#calls) {
        if (sinceMs > latestMs) break;
        this.#fail(call, storeLateError());
      }
      this.#armPatience();
    });
  }
}

function closedError(): PeerError {
  return new PeerError("closed", "Cannot do that: the graph was closed; open it again");
}

function storeLateError(): PeerError {
  return new PeerError(
    "timeout",
    `The store did not answer within ${storeWaitMsDefault} ms; what was asked for may still be stored. ` +
      "See whether the disk answers, and look again before you repeat it",
  );
}
