/**
 * Many cloud machines on one virtual clock: datagrams take a seeded time and some are lost. No
 * promises, no sockets; what a machine says is carried out at once, in order.
 */

import { addressText } from "../../lib/base/address.ts";
import type { Address, Crypto, Instant } from "../../lib/base/ports.ts";
import { below, fraction, SeededRandom } from "../../lib/base/random.ts";
import {
  type CallResult,
  type CloudEffect,
  type CloudEvent,
  type CloudInput,
  CloudMachine,
  type CloudRequest,
} from "../../lib/names/cloud.ts";
import type { CloudScope } from "../../lib/names/contact.ts";
import { createCrypto } from "../../lib/platform/crypto.ts";
import type { Signer } from "../../lib/wire/envelope.ts";

/** The platform's own. */
export const crypto: Crypto = createCrypto();

/** What became of a call. */
export type CallEnd =
  | { readonly result: CallResult; readonly atMs: number }
  | { readonly code: string; readonly message: string; readonly atMs: number };

export interface WorldOptions {
  readonly seed?: number;
  readonly latencyMs?: readonly [min: number, max: number];
  readonly lossShare?: number;
  readonly scope?: CloudScope;
  /** The platform's if left out. */
  readonly crypto?: Crypto;
}

interface Step {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** The world. */
export class NamesWorld {
  readonly random: SeededRandom;
  readonly peers: SimPeer[] = [];
  readonly #listeners = new Map<string, (bytes: Uint8Array, from: Address) => void>();
  readonly #latencyMs: readonly [number, number];
  readonly scope: CloudScope;
  readonly crypto: Crypto;
  lossShare: number;
  nowMs = 1_000;
  datagrams = 0;
  bytes = 0;
  /** Sees each datagram that leaves; `false` loses it. */
  tap: (bytes: Uint8Array, from: Address, to: Address) => boolean = () => true;
  readonly #steps: Step[] = [];
  #order = 0;

  constructor(options: WorldOptions = {}) {
    this.random = new SeededRandom(options.seed ?? 1);
    this.#latencyMs = options.latencyMs ?? [5, 60];
    this.lossShare = options.lossShare ?? 0;
    this.scope = options.scope ?? "global";
    this.crypto = options.crypto ?? crypto;
  }

  /** A peer at an address of its own, each in a network of its own. */
  addPeer(address?: Address, cloud: string = "test"): SimPeer {
    const i = this.peers.length;
    const own = address ?? { host: `20.${i >> 8}.${i & 255}.7`, port: 4_000 };
    const peer = new SimPeer(this, own, cloud);
    this.peers.push(peer);
    this.addListener(own, (bytes, from) => {
      if (peer.isUp) peer.input({ kind: "datagram", bytes, from });
    });
    peer.input({ kind: "network", isUp: true });
    return peer;
  }

  /** Something that is no machine gets what is sent to an address. */
  addListener(address: Address, listener: (bytes: Uint8Array, from: Address) => void): void {
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

  now(): Instant {
    return { monoMs: this.nowMs, wallMs: 1_900_000_000_000 + this.nowMs };
  }

  send(bytes: Uint8Array, from: Address, to: Address): void {
    this.datagrams++;
    this.bytes += bytes.length;
    if (!this.tap(bytes, from, to) || fraction(this.random) < this.lossShare) return;
    const [min, max] = this.#latencyMs;
    const latencyMs = min + fraction(this.random) * (max - min);
    this.after(latencyMs, () => this.#listeners.get(addressText(to))?.(bytes, from));
  }

  after(delayMs: number, run: () => void): void {
    const step = { atMs: this.nowMs + delayMs, order: this.#order++, run };
    let low = 0;
    let high = this.#steps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#steps[middle]!.atMs > step.atMs) low = middle + 1;
      else high = middle;
    }
    this.#steps.splice(low, 0, step); // latest first: the next is at the end
  }

  run(ms: number): void {
    const untilMs = this.nowMs + ms;
    while ((this.#steps.at(-1)?.atMs ?? Infinity) <= untilMs) this.#step();
    this.nowMs = untilMs;
  }

  runUntil(reached: () => boolean, maxMs: number): boolean {
    const untilMs = this.nowMs + maxMs;
    while (!reached()) {
      if ((this.#steps.at(-1)?.atMs ?? Infinity) > untilMs) return false;
      this.#step();
    }
    return true;
  }

  #step(): void {
    const step = this.#steps.pop()!;
    this.nowMs = Math.max(this.nowMs, step.atMs);
    step.run();
  }
}

/** One machine of the world and the least of a driver. */
export class SimPeer {
  readonly world: NamesWorld;
  readonly address: Address;
  readonly machine: CloudMachine;
  readonly ends: Map<number, CallEnd> = new Map();
  readonly events: CloudEvent[] = [];
  isUp = true;
  #calls = 0;
  #dueMs: number | null = null;

  constructor(world: NamesWorld, address: Address, cloud: string) {
    this.world = world;
    this.address = address;
    this.machine = new CloudMachine({
      name: cloud,
      scope: world.scope,
      secretKey: world.random.bytes(32),
      crypto: world.crypto,
      random: new SeededRandom(world.random.uint32()),
    });
  }

  call(request: CloudRequest): number {
    const call = ++this.#calls;
    this.input({ kind: "call", call, request });
    return call;
  }

  /** Makes a call and runs the world until it ends. */
  wait(request: CloudRequest, maxMs = 60_000): CallEnd {
    const call = this.call(request);
    if (!this.world.runUntil(() => this.ends.has(call), maxMs)) {
      throw new Error(`A ${request.kind} did not end`);
    }
    return this.ends.get(call)!;
  }

  input(input: CloudInput): void {
    for (const effect of this.machine.handle(input, this.world.now())) this.#carryOut(effect);
    this.#plan();
  }

  crash(): void {
    this.isUp = false;
  }

  #carryOut(effect: CloudEffect): void {
    const atMs = this.world.nowMs;
    if (effect.kind === "send") this.world.send(effect.bytes, this.address, effect.to);
    else if (effect.kind === "settle") this.ends.set(effect.call, { result: effect.result, atMs });
    else if (effect.kind === "fail") {
      this.ends.set(effect.call, { code: effect.code, message: effect.message, atMs });
    } else this.events.push(effect.event);
  }

  #plan(): void {
    const dueMs = this.machine.nextDeadline();
    if (dueMs === null || (this.#dueMs !== null && this.#dueMs <= dueMs)) return;
    this.#dueMs = dueMs;
    this.world.after(Math.max(dueMs - this.world.nowMs, 0), () => {
      if (this.#dueMs !== dueMs) return;
      this.#dueMs = null;
      if (this.isUp) this.input({ kind: "deadline" });
    });
  }
}

/** The end of a resolve that found something. */
export function resolvedOf(end: CallEnd): Extract<CallResult, { kind: "resolved" }>["summary"] {
  if (!("result" in end)) throw new Error(`${end.code}: ${end.message}`);
  if (end.result.kind !== "resolved") throw new Error(`It was a call to ${end.result.kind}`);
  return end.result.summary;
}

/** A signer from a seed of 32 equal bytes, by the crypto of its world. */
export function signerOf(byte: number, { ed25519 }: Crypto = crypto): Signer {
  const seed = new Uint8Array(32).fill(byte);
  return { publicKey: ed25519.publicKey(seed), sign: (message) => ed25519.sign(seed, message) };
}

/** Content with one endpoint and what a test cares about. */
export function contentOf(
  options: { comment?: string; payload?: Uint8Array; port?: number; lifeMs?: number } = {},
): Extract<CloudRequest, { kind: "register" }>["content"] {
  return {
    endpoints: [{ transport: "tcp", address: { host: "20.0.0.1", port: options.port ?? 5_000 } }],
    comment: options.comment ?? "",
    payload: options.payload === undefined ? null : { bytes: options.payload, kind: 1 },
    lifeMs: options.lifeMs ?? 2 * 3_600_000,
    expires: null,
  };
}
