/** Peers with links on a virtual network, and streams that a test holds in its hands. */

import assert from "node:assert/strict";
import type { Address, ByteStream, Crypto, Kem, Log } from "../../../lib/base/ports.ts";
import { concat } from "../../../lib/base/bytes.ts";
import { SeededRandom } from "../../../lib/base/random.ts";
import { createCrypto } from "../../../lib/platform/crypto.ts";
import { createKem } from "../../../lib/platform/kem.ts";
import { createFakeKem } from "../../../lib/sim/fake_kem.ts";
import { VirtualClock } from "../../../lib/sim/virtual_clock.ts";
import { MemoryNetwork } from "../../../transports/memory.ts";
import type { Signer } from "../../../lib/wire/envelope.ts";
import { Links, type LinksOptions, type LinksPorts } from "../../../lib/peer/links.ts";
import type { Channel, ChannelHandlers } from "../../../lib/peer/channels.ts";
import type { LinkHandle } from "../../../lib/peer/live_link.ts";

export const crypto: Crypto = createCrypto();

/** A signer whose seed is one byte repeated. */
export function signerOf(byte: number): Signer {
  const seed = new Uint8Array(32).fill(byte);
  return {
    publicKey: crypto.ed25519.publicKey(seed),
    sign: (message) => crypto.ed25519.sign(seed, message),
  };
}

/** The platform's KEM, for whose work virtual time waits. */
function heldKem(clock: VirtualClock): Kem {
  const kem = createKem();
  return {
    generate: async () => {
      const pair = await clock.hold(kem.generate());
      const { publicKey } = pair;
      return { publicKey, decapsulate: (ciphertext) => clock.hold(pair.decapsulate(ciphertext)) };
    },
    encapsulate: (publicKey) => clock.hold(kem.encapsulate(publicKey)),
  };
}

/** The platform's KEM, or the stand-in for tests that shake hands hundreds of times and not for its sake. */
export type KemKind = "real" | "fake";

/** One peer of a world. */
export interface TestPeer {
  readonly host: string;
  readonly links: Links;
  readonly publicKey: Uint8Array;
  readonly home: { readonly host: string; readonly port: number };
}

/** A virtual network with peers on it. */
export class LinkWorld {
  readonly clock: VirtualClock = new VirtualClock();
  readonly random: SeededRandom;
  readonly network: MemoryNetwork;
  readonly errors: string[] = [];
  readonly refusals: string[] = [];
  readonly #kem: Kem;
  readonly #peers: TestPeer[] = [];

  constructor(
    seed = 1,
    latencyMs: number | ((from: string, to: string) => number) = 10,
    kem: KemKind = "real",
  ) {
    this.random = new SeededRandom(seed);
    this.#kem = kem === "real" ? heldKem(this.clock) : createFakeKem(crypto, this.random);
    this.network = new MemoryNetwork({ timers: this.clock, random: this.random, latencyMs });
  }

  ports(host: string): LinksPorts {
    const { clock, random } = this;
    return {
      clock,
      timers: clock,
      random,
      crypto,
      kem: this.#kem,
      streams: this.network.streams(host),
      log: this.#log(),
    };
  }

  /** A peer on 10.0.0.`n` (or another host) with the identity `byte`, listening on port 4000. */
  async peer(
    n: number,
    options: LinksOptions & { readonly byte?: number; readonly host?: string } = {},
  ): Promise<TestPeer> {
    const { byte = n, host = `10.0.0.${n}`, ...linksOptions } = options;
    const signer = signerOf(byte);
    const links = new Links(this.ports(host), signer, linksOptions);
    const peer = { host, links, publicKey: signer.publicKey, home: { host, port: 4000 } };
    await links.listen(peer.home);
    this.#peers.push(peer);
    return peer;
  }

  /** Lets virtual time pass until a promise settles. */
  within<T>(promise: Promise<T>, maxMs = 60_000): Promise<T> {
    return this.clock.until(promise, maxMs);
  }

  /** The link from one peer to another. */
  async connect(from: TestPeer, to: TestPeer): Promise<LinkHandle> {
    return await this.within(from.links.connect(to.home));
  }

  /** Closes everything and checks that nothing is left. */
  async close(): Promise<void> {
    await this.within(Promise.all(this.#peers.map((peer) => peer.links.close())));
    this.network.close();
    await this.clock.settle();
    assert.equal(this.clock.timerCount, 0, "a closed peer leaves no timer");
    assert.deepEqual(this.errors, []);
  }

  #log(): Log {
    return {
      debug: (message, details) => void this.refusals.push(`${message}: ${details?.reason}`),
      info: () => {},
      warn: () => {},
      error: (message, details) => void this.errors.push(`${message} ${details?.stack ?? ""}`),
    };
  }
}

/** A test on a world of its own. */
export function worldTest(name: string, body: (world: LinkWorld) => Promise<void>, kem?: KemKind): void {
  Deno.test(name, async () => {
    const world = new LinkWorld(1, 10, kem);
    await body(world);
    await world.close();
  });
}

/** What a graph's handlers were told, in order, and the channels that stand. */
export class Recorder implements ChannelHandlers {
  readonly events: string[] = [];
  readonly channels: Channel[] = [];
  onFrame: (channel: Channel, bytes: Uint8Array) => void = () => {};
  onEvent: () => void = () => {};

  up(channel: Channel): void {
    this.#add("up");
    this.channels.push(channel);
  }

  frame(channel: Channel, bytes: Uint8Array): void {
    this.#add(`frame ${bytes.length > 8 ? bytes.length : bytes.join(" ")}`);
    this.onFrame(channel, bytes);
  }

  writable(): void {
    this.#add("writable");
  }

  down(channel: Channel, reason: string): void {
    this.#add(`down ${reason}`);
    this.channels.splice(this.channels.indexOf(channel), 1);
  }

  refused(_link: LinkHandle, reason: string): void {
    this.#add(`refused ${reason}`);
  }

  #add(event: string): void {
    this.events.push(event);
    this.onEvent();
  }
}

/** A graph id that is one byte repeated. */
export function graphOf(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte);
}

/** A stream whose outgoing bytes a test may change, hold back or drop. */
export class AlteredStream implements ByteStream {
  readonly #stream: ByteStream;
  readonly #alter: (bytes: Uint8Array, offset: number) => Uint8Array | "end";
  #offset = 0;

  constructor(stream: ByteStream, alter: (bytes: Uint8Array, offset: number) => Uint8Array | "end") {
    this.#stream = stream;
    this.#alter = alter;
  }

  get remote(): Address {
    return this.#stream.remote;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    return this.#stream.read(buffer);
  }

  async write(bytes: Uint8Array): Promise<void> {
    const altered = this.#alter(bytes, this.#offset);
    this.#offset += bytes.length;
    if (altered === "end") this.#stream.close();
    else if (altered.length > 0) await this.#stream.write(altered);
  }

  close(): void {
    this.#stream.close();
  }
}

/** A stream that gives the bytes of a script and takes whatever is written. */
export class ScriptedStream implements ByteStream {
  readonly remote = { host: "10.9.9.9", port: 9 };
  readonly written: Uint8Array[] = [];
  readonly #script: Uint8Array[];
  readonly #then: "end" | "wait";
  #wake: (() => void) | null = null;
  #wakeWriter: (() => void) | null = null;
  #room = Infinity;
  #isClosed = false;

  constructor(script: readonly Uint8Array[], then: "end" | "wait" = "end") {
    this.#script = [...script];
    this.#then = then;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (!this.#isClosed) {
      const chunk = this.#script.shift();
      if (chunk !== undefined) {
        const part = chunk.subarray(0, buffer.length);
        if (part.length < chunk.length) this.#script.unshift(chunk.subarray(part.length));
        if (part.length === 0) continue;
        buffer.set(part);
        return part.length;
      }
      if (this.#then === "end") return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return null;
  }

  /** Adds to the script. */
  feed(bytes: Uint8Array): void {
    this.#script.push(bytes);
    this.#wake?.();
  }

  async write(bytes: Uint8Array): Promise<void> {
    while (this.#room === 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => this.#wakeWriter = resolve);
    }
    if (this.#isClosed) throw new Error("closed");
    this.#room--;
    this.written.push(bytes);
  }

  /** Has writes wait. */
  hold(): void {
    this.#room = 0;
  }

  /** Lets so many writes through. */
  release(writes: number = Infinity): void {
    this.#room = writes;
    this.#wakeWriter?.();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake?.();
    this.#wakeWriter?.();
  }

  get allWritten(): Uint8Array {
    return concat(...this.written);
  }
}
