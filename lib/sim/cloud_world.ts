/**
 * Many cloud machines on one virtual clock: datagrams take a seeded time and some are lost. No promises
 * and no sockets: what a machine says is carried out at once, in order, so a seed repeats a run exactly.
 */

import { addressText } from "../base/address.ts";
import { assert } from "../base/assert.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { Address, Crypto, Instant } from "../base/ports.ts";
import { below, fraction, SeededRandom } from "../base/random.ts";
import {
  type CallResult,
  type CloudConfig,
  type CloudEffect,
  type CloudEvent,
  type CloudInput,
  CloudMachine,
  type CloudRequest,
} from "../names/cloud.ts";
import type { CloudScope } from "../names/contact.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** How a world behaves. */
export interface CloudWorldOptions {
  readonly crypto: Crypto;
  /** Equal seeds give equal runs; 1 by default. */
  readonly seed?: number;
  /** Time that a datagram takes, in whole milliseconds; 5 to 60 by default. */
  readonly latencyMs?: readonly [min: number, max: number];
  /** Datagrams of which so many are lost; none by default. */
  readonly lossShare?: number;
  /** The scope of all clouds; `global` by default. */
  readonly scope?: CloudScope;
}

/** What a peer is made with besides what the world gives it. */
export interface CloudPeerOptions {
  /** One of its own network by default. */
  readonly address?: Address;
  /** Name of its cloud; `test` by default. */
  readonly cloud?: string;
  /** Whether it has a network to look around in and to call from; `true` by default. One that has none still answers. */
  readonly isOnline?: boolean;
  /** What its machine is made with instead of what the world would give it. */
  readonly machine?: Partial<CloudConfig>;
}

/** What became of a call. */
export type CloudCallEnd =
  | { readonly result: CallResult; readonly atMs: number }
  | { readonly code: ErrorCode; readonly message: string; readonly atMs: number };

/** Gets what is sent to an address. */
export type DatagramListener = (bytes: Uint8Array, from: Address) => void;

/** Cloud machines and the network between them. */
export class CloudWorld {
  readonly clock: VirtualClock = new VirtualClock();
  readonly random: SeededRandom;
  readonly crypto: Crypto;
  readonly scope: CloudScope;
  readonly peers: CloudPeer[] = [];
  /** Datagrams of which so many are lost. */
  lossShare: number;
  /** Datagrams that were sent, and their bytes. */
  datagrams = 0;
  bytes = 0;
  /** Inputs that machines have handled. */
  events = 0;
  /** Sees each datagram that leaves; `false` loses it. */
  tap: (bytes: Uint8Array, from: Address, to: Address) => boolean = () => true;
  readonly #latencyMs: readonly [number, number];
  readonly #listeners = new Map<string, DatagramListener>();

  constructor(options: CloudWorldOptions) {
    this.crypto = options.crypto;
    this.random = new SeededRandom(options.seed ?? 1);
    this.scope = options.scope ?? "global";
    this.lossShare = options.lossShare ?? 0;
    this.#latencyMs = options.latencyMs ?? [5, 60];
  }

  /** A peer that has a network from now on. */
  addPeer(options: CloudPeerOptions = {}): CloudPeer {
    const address = options.address ?? peerAddress(this.peers.length);
    const peer = new CloudPeer(this, address, options);
    this.peers.push(peer);
    this.addListener(address, (bytes, from) => {
      if (peer.isUp) peer.input({ kind: "datagram", bytes, from });
    });
    if (options.isOnline ?? true) peer.input({ kind: "network", isUp: true });
    return peer;
  }

  /** Something that is no machine gets what is sent to an address. */
  addListener(address: Address, listener: DatagramListener): void {
    this.#listeners.set(addressText(address), listener);
  }

  /** A cloud of `count` peers that joined one after the other, each by one that was there. */
  populate(count: number): void {
    for (let i = 0; i < count; i++) {
      const peer = this.addPeer();
      if (i === 0) continue;
      const known = this.peers[below(this.random, i)]!;
      peer.call({ kind: "bootstrap", addresses: [known.address] });
      this.run(200);
    }
    this.run(5_000);
  }

  /** Carries a datagram, or loses it. */
  send(bytes: Uint8Array, from: Address, to: Address): void {
    this.datagrams++;
    this.bytes += bytes.length;
    if (!this.tap(bytes, from, to) || fraction(this.random) < this.lossShare) return;
    const [min, max] = this.#latencyMs;
    const latencyMs = min + below(this.random, max - min + 1);
    this.clock.set(latencyMs, () => this.#listeners.get(addressText(to))?.(bytes, from));
  }

  /** Moves time on. */
  run(byMs: number): void {
    this.clock.advance(byMs);
  }

  /** Moves time on until `reached` holds; tells whether it did. */
  runUntil(reached: () => boolean, maxMs: number): boolean {
    return this.clock.advanceUntil(reached, maxMs);
  }

  /** The present moment. */
  now(): Instant {
    return this.clock.now();
  }

  /** The present moment on the monotonic clock. */
  get nowMs(): number {
    return this.clock.now().monoMs;
  }
}

/** One machine of the world and the least of a driver. */
export class CloudPeer {
  readonly world: CloudWorld;
  readonly address: Address;
  readonly machine: CloudMachine;
  /** What became of each call. */
  readonly ends: Map<number, CloudCallEnd> = new Map();
  /** What happened. */
  readonly events: CloudEvent[] = [];
  /** Whether anything reaches it. */
  isUp = true;
  #calls = 0;
  #dueMs: number | null = null;

  constructor(world: CloudWorld, address: Address, options: CloudPeerOptions) {
    this.world = world;
    this.address = address;
    const { crypto, scope, random } = world;
    this.machine = new CloudMachine({
      name: options.cloud ?? "test",
      scope,
      secretKey: random.bytes(32),
      crypto,
      random: new SeededRandom(random.uint32()),
      ...options.machine,
    });
  }

  /** Makes a call; {@linkcode CloudPeer.ends} has what becomes of it. */
  call(request: CloudRequest): number {
    const call = ++this.#calls;
    this.input({ kind: "call", call, request });
    return call;
  }

  /** Makes a call and runs the world until it ends. */
  wait(request: CloudRequest, maxMs = 60_000): CloudCallEnd {
    const call = this.call(request);
    const ended = this.world.runUntil(() => this.ends.has(call), maxMs);
    assert(ended, "a call ends");
    return this.ends.get(call)!;
  }

  /** Feeds its machine. */
  input(input: CloudInput): void {
    this.world.events++;
    for (const effect of this.machine.handle(input, this.world.now())) this.#carryOut(effect);
    this.#plan();
  }

  /** Stops without a word. */
  crash(): void {
    this.isUp = false;
  }

  #carryOut(effect: CloudEffect): void {
    if (effect.kind === "send") return this.world.send(effect.bytes, this.address, effect.to);
    const atMs = this.world.nowMs;
    if (effect.kind === "settle") this.ends.set(effect.call, { result: effect.result, atMs });
    else if (effect.kind === "emit") this.events.push(effect.event);
    else this.ends.set(effect.call, { code: effect.code, message: effect.message, atMs });
  }

  /** Sets a timer if none stands that is early enough; one that comes too early finds nothing to do. */
  #plan(): void {
    const dueMs = this.machine.nextDeadline();
    if (dueMs === null || (this.#dueMs !== null && this.#dueMs <= dueMs)) return;
    this.#dueMs = dueMs;
    this.world.clock.set(dueMs - this.world.nowMs, () => {
      if (this.#dueMs !== dueMs) return;
      this.#dueMs = null;
      if (this.isUp) this.input({ kind: "deadline" });
    });
  }
}

/** The end of a resolve that found something. */
export function resolvedOf(end: CloudCallEnd): Extract<CallResult, { kind: "resolved" }>["summary"] {
  assert("result" in end, `a resolve found something, and did not end with ${JSON.stringify(end)}`);
  assert(end.result.kind === "resolved", `a call to resolve was not one that is ${end.result.kind}`);
  return end.result.summary;
}

/**
 * The address of the peer with this number. Some thousands have a network of their own; of more, some share
 * one, as behind a provider's NAT.
 */
export function peerAddress(index: number): Address {
  const network = index % networks;
  return { host: `20.${network >> 8}.${network & 255}.7`, port: 4_000 + Math.floor(index / networks) };
}

/** Fewer than the hosts whose scope a process remembers: else each is read again each time. */
const networks = 8_000;
