/**
 * A network inside one process: hosts by address, streams and datagrams between them, and the ways
 * in which real networks fail. Peers of one process talk over it, and simulations are built on it.
 *
 * With a latency of 0 everything arrives at once and no timer is used. A stream keeps its order
 * whatever the network does; a cut holds its bytes up, as TCP sends them again, and loses datagrams.
 */

import type { Address, Datagrams, Random, Streams, TimerHandle, Timers } from "../lib/base/ports.ts";
import { fraction } from "../lib/base/random.ts";
import { memoryDatagramBytesMax } from "./limits.ts";
import { MemoryDatagrams, MemoryHost, MemoryStreams } from "./memory_host.ts";
import { type Carry, createStreamPair, type MemoryStream } from "./memory_stream.ts";

/** How the network treats what is sent. */
export interface NetworkConditions {
  /** One way from a host to another: one number for all, or by host. */
  readonly latencyMs: number | ((from: string, to: string) => number);
  /** Up to so much more, drawn for each datagram and once for each stream. */
  readonly jitterMs: number;
  /** Share of datagrams that are lost, 0 to 1. */
  readonly lossShare: number;
  /** Share of datagrams that arrive twice, 0 to 1. */
  readonly duplicateShare: number;
}

/** What went over the network since it was made. */
export interface NetworkTraffic {
  /** Datagrams sent. */
  readonly datagrams: number;
  /** Their bytes. */
  readonly datagramBytes: number;
  /** Datagrams of these that did not arrive. */
  readonly datagramsLost: number;
  /** Streams opened. */
  readonly streams: number;
}

/**
 * The network.
 *
 * @example Two hosts on a virtual clock
 * ```ts
 * import { MemoryNetwork, SeededRandom, VirtualClock } from "@kith/peer/testing";
 *
 * const clock = new VirtualClock();
 * const network = new MemoryNetwork({ timers: clock, random: new SeededRandom(1), latencyMs: 40 });
 * const socket = await network.datagrams("10.0.0.2").bind({ host: "10.0.0.2", port: 4000 });
 * const sender = await network.datagrams("10.0.0.1").bind({ host: "10.0.0.1", port: 0 });
 *
 * sender.send(Uint8Array.of(1), socket.address);
 * clock.advance(40);
 * for await (const datagram of socket) {
 *   console.log(datagram.from.host); // 10.0.0.1
 *   break;
 * }
 * ```
 */
export class MemoryNetwork {
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #hosts = new Map<string, MemoryHost>();
  readonly #cuts = new Set<string>();
  readonly #heldUp = new Set<Wire>();
  readonly #underWay = new Set<TimerHandle>();
  readonly #traffic = { datagrams: 0, datagramBytes: 0, datagramsLost: 0, streams: 0 };
  #conditions: NetworkConditions;

  /** A network without hosts, latency or loss, unless told otherwise. */
  constructor(
    options: { readonly timers: Timers; readonly random: Random } & Partial<NetworkConditions>,
  ) {
    const { timers, random, ...conditions } = options;
    this.#timers = timers;
    this.#random = random;
    this.#conditions = { latencyMs: 0, jitterMs: 0, lossShare: 0, duplicateShare: 0, ...conditions };
  }

  /** The streams of a host. */
  streams(host: string): Streams {
    const at = this.#host(host);
    return new MemoryStreams(at, (to, settle) => this.#openStream(at, to, settle));
  }

  /** The datagrams of a host. */
  datagrams(host: string): Datagrams {
    return new MemoryDatagrams(this.#host(host), (from, to, bytes) => this.#sendDatagram(from, to, bytes));
  }

  /** Changes how the network treats what is sent from now on. */
  change(conditions: Partial<NetworkConditions>): void {
    this.#conditions = { ...this.#conditions, ...conditions };
  }

  /** Lets nothing through between two hosts, or only not from the first to the second. */
  cut(from: string, to: string, options: { readonly oneWay?: boolean } = {}): void {
    this.#cuts.add(route(from, to));
    if (!options.oneWay) this.#cuts.add(route(to, from));
  }

  /** Ends all cuts between two hosts: streams go on with what was held up. */
  heal(a: string, b: string): void {
    this.#cuts.delete(route(a, b));
    this.#cuts.delete(route(b, a));
    for (const wire of [...this.#heldUp]) wire.resume();
  }

  /**
   * Ends a host as a crash does: its sockets and listeners are gone and its streams break, at the
   * other ends too once that gets through. The same address may then be a new host.
   */
  closeHost(host: string): void {
    this.#hosts.get(host)?.close();
    this.#hosts.delete(host);
  }

  /** Ends all hosts and drops what is under way; no timer is left. */
  close(): void {
    for (const host of this.#hosts.keys()) this.closeHost(host);
    for (const timer of this.#underWay) timer.cancel();
    this.#underWay.clear();
    this.#heldUp.clear();
  }

  /** What went over the network so far. */
  traffic(): NetworkTraffic {
    return { ...this.#traffic };
  }

  #sendDatagram(from: Address, to: Address, bytes: Uint8Array): void {
    this.#traffic.datagrams++;
    this.#traffic.datagramBytes += bytes.length;
    if (bytes.length > memoryDatagramBytesMax || fraction(this.#random) < this.#conditions.lossShare) {
      this.#traffic.datagramsLost++;
      return;
    }
    const copies = fraction(this.#random) < this.#conditions.duplicateShare ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const own = bytes.slice();
      this.#after(this.#latencyMs(from.host, to.host), () => {
        const socket = this.#hosts.get(to.host)?.sockets.get(to.port);
        const passes = !this.#cuts.has(route(from.host, to.host));
        const arrives = passes && socket !== undefined && socket.arrive({ bytes: own, from });
        if (!arrives && i === 0) this.#traffic.datagramsLost++;
      });
    }
  }

  #openStream(host: MemoryHost, to: Address, settle: (stream: MemoryStream | null) => void): void {
    const from = { host: host.name, port: host.freePort() };
    const forth = this.#wire(from.host, to.host);
    const back = this.#wire(to.host, from.host);
    forth((): void => {
      const server = this.#hosts.get(to.host);
      const { near, far } = createStreamPair(from, to, forth, back);
      if (server?.listeners.get(to.port)?.arrive(far) !== true) return back(() => settle(null));
      this.#traffic.streams++;
      server.own(far, back, near);
      host.own(near, forth, far);
      back(() => settle(near));
    });
  }

  #host(name: string): MemoryHost {
    const host = this.#hosts.get(name) ?? new MemoryHost(name);
    this.#hosts.set(name, host);
    return host;
  }

  /** Carries for one direction of one stream: one latency drawn for all, so the order stays. */
  #wire(from: string, to: string): Carry {
    const latencyMs = this.#latencyMs(from, to);
    const wire = new Wire(() => this.#cuts.has(route(from, to)), this.#heldUp);
    return (deliver) => this.#after(latencyMs, () => wire.arrive(deliver));
  }

  #latencyMs(from: string, to: string): number {
    const { latencyMs, jitterMs } = this.#conditions;
    const base = typeof latencyMs === "number" ? latencyMs : latencyMs(from, to);
    return jitterMs > 0 ? base + jitterMs * fraction(this.#random) : base;
  }

  #after(delayMs: number, callback: () => void): void {
    if (delayMs <= 0) return callback();
    const timer = this.#timers.set(delayMs, () => {
      this.#underWay.delete(timer);
      callback();
    });
    this.#underWay.add(timer);
  }
}

/** One direction of one stream: what meets a cut is held up, and all behind it. */
class Wire {
  readonly #isCut: () => boolean;
  readonly #heldUp: Set<Wire>;
  #waiting: (() => void)[] = [];

  constructor(isCut: () => boolean, heldUp: Set<Wire>) {
    this.#isCut = isCut;
    this.#heldUp = heldUp;
  }

  arrive(deliver: () => void): void {
    if (this.#waiting.length === 0 && !this.#isCut()) return deliver();
    this.#waiting.push(deliver);
    this.#heldUp.add(this);
  }

  resume(): void {
    if (this.#isCut()) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#heldUp.delete(this);
    for (const deliver of waiting) deliver();
  }
}

/** The key of one direction between two hosts. */
function route(from: string, to: string): string {
  return `${from} ${to}`;
}
