/** Whole peers in a virtual world: machines with a store and a key file that outlive the peers on them. */

import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { type ErrorCode, PeerError } from "../../lib/base/errors.ts";
import type { Clock, Crypto, Log, RecordStore } from "../../lib/base/ports.ts";
import { SeededRandom } from "../../lib/base/random.ts";
import type { KeyFile } from "../../lib/peer/key_ring.ts";
import { Peer, type PeerOptions } from "../../lib/peer/peer.ts";
import type { PeerPorts } from "../../lib/peer/peer_core.ts";
import { createCrypto } from "../../lib/platform/crypto.ts";
import { createFakeKem } from "../../lib/sim/fake_kem.ts";
import type { DiskLog } from "../../lib/sim/commit_log.ts";
import { EndingTimers } from "../../lib/sim/ending_timers.ts";
import { StrictStore } from "../../lib/sim/strict_store.ts";
import { VirtualClock } from "../../lib/sim/virtual_clock.ts";
import { MemoryNetwork } from "../../transports/memory.ts";

/** What a world may be made with. */
export interface PeerWorldOptions {
  /** The real one if not given. */
  readonly crypto?: Crypto;
  /** Takes what becomes durable on the machines. */
  readonly recorder?: MachineRecorder;
  /** Where the wall clock begins. */
  readonly wallMs?: number;
}

/** Takes what becomes durable on machines. */
export interface MachineRecorder {
  /** For the store of a machine. */
  disk(host: string): DiskLog;
  /** The key file of a machine holds this now. */
  keys(host: string, bytes: Uint8Array): void;
}

/** What is on a machine when it is found. */
export interface MachineContent {
  readonly store: StrictStore;
  readonly keys: Uint8Array | null;
}

/** A world of machines. */
export class PeerWorld {
  readonly clock: VirtualClock;
  readonly crypto: Crypto;
  readonly recorder: MachineRecorder | null;
  readonly random: SeededRandom;
  readonly network: MemoryNetwork;
  readonly machines: Machine[] = [];
  /** What peers had to say to their operators, graver than debug. */
  readonly logged: string[] = [];

  constructor(seed = 1, latencyMs = 5, options: PeerWorldOptions = {}) {
    const { wallMs } = options;
    this.clock = new VirtualClock(wallMs === undefined ? {} : { wallMs });
    this.crypto = options.crypto ?? createCrypto();
    this.recorder = options.recorder ?? null;
    this.random = new SeededRandom(seed);
    this.network = new MemoryNetwork({ timers: this.clock, random: this.random, latencyMs });
  }

  /** A new machine at 10.0.0.n with a peer on it that listens on port 4000. */
  async open(options: PeerOptions = {}, wallOffsetMs = 0): Promise<Machine> {
    const machine = new Machine(this, `10.0.0.${this.machines.length + 1}`, wallOffsetMs);
    this.machines.push(machine);
    await machine.start(options);
    return machine;
  }

  /** A machine on which somebody left a store and keys; no peer runs yet. */
  found(host: string, content: MachineContent): Machine {
    const machine = new Machine(this, host, 0, content);
    this.machines.push(machine);
    return machine;
  }

  /** Lets virtual time pass until a promise settles. */
  within<T>(promise: Promise<T>, maxMs = 60_000): Promise<T> {
    return this.clock.until(promise, maxMs);
  }

  /** Lets virtual time pass until something holds. */
  async until(what: string, holds: () => boolean, maxMs = 60_000): Promise<void> {
    assert.ok(await this.clock.runUntil(holds, maxMs), `not within ${maxMs} virtual ms: ${what}`);
  }

  /** Waits for a promise to fail with a code, or one of some; every such message has more than one clause: what is wrong, and what to do. */
  async fails(
    promise: Promise<unknown>,
    code: ErrorCode | readonly ErrorCode[],
    message: RegExp = /[;.:] ?\S/,
    maxMs = 120_000,
  ): Promise<void> {
    await assert.rejects(this.within(promise, maxMs), (error) => {
      assert.ok(error instanceof PeerError, error instanceof Error ? error.stack : String(error));
      if (typeof code === "string") assert.equal(error.code, code, error.message);
      else assert.ok(code.includes(error.code), `${error.code}: ${error.message}`);
      assert.match(error.message, message);
      return true;
    });
  }

  /** Closes all peers; nothing of them is left: no timer, no socket. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const machine of this.machines) await machine.stop();
    this.network.close();
    assert.equal(this.clock.timerCount, 0, "closed peers leave no timer behind");
  }
}

/** A machine: what it stores outlives the peer that runs on it. */
export class Machine {
  readonly host: string;
  readonly #world: PeerWorld;
  readonly #clock: Clock;
  #timers: EndingTimers;
  #store: StrictStore;
  /** How long each writing of the keys takes. */
  keyWriteMs = 0;
  #keys: Uint8Array | null = null;
  #keyWrites = 0;
  #options: PeerOptions = {};
  #peer: Peer | null = null;
  #peerId = "";

  constructor(world: PeerWorld, host: string, wallOffsetMs: number, content?: MachineContent) {
    this.#world = world;
    this.host = host;
    this.#clock = world.clock.view({ wallOffsetMs });
    this.#timers = new EndingTimers(world.clock);
    const { clock: timers, recorder } = world;
    // Chance of its own: what the disk draws changes nothing that the world draws.
    const random = new SeededRandom(crc32(host));
    const commits = recorder === null ? {} : { commits: recorder.disk(host) };
    this.#store = content?.store ?? new StrictStore({ timers, random, ...commits });
    this.#keys = content?.keys ?? null;
  }

  /** The peer that runs. */
  get peer(): Peer {
    assert.ok(this.#peer !== null, "a peer runs on the machine");
    return this.#peer;
  }

  /** What it stores on, to be made fail. */
  get store(): StrictStore {
    return this.#store;
  }

  /** What the key file holds, if there is one. */
  get keys(): Uint8Array | null {
    return this.#keys;
  }

  /** Peer id of whoever runs here, or ran last. */
  get peerId(): string {
    return this.#peerId;
  }

  get endpoint(): string {
    return `tcp://${this.host}:4000`;
  }

  /** Opens a peer on what the machine holds. */
  async start(options: PeerOptions = this.#options): Promise<Peer> {
    this.#options = options;
    const opening = Peer.openIn({ ports: this.#ports(), opened: this.#opened() }, {
      listen: `${this.host}:4000`,
      ...options,
    });
    this.#peer = await this.#world.within(opening);
    this.#peerId = this.#peer.id;
    return this.#peer;
  }

  /** Closes the peer, if one runs, and leaves the store ready for the next. */
  async stop(): Promise<void> {
    if (this.#peer === null) return;
    await this.#world.within(this.#peer.close());
    this.#peer = null;
    this.#store = this.#store.reopen();
  }

  /** Ends the peer as a power cut does: nothing that it waits for ever settles. */
  crash(): void {
    this.#peer = null;
    this.#timers.end();
    this.#timers = new EndingTimers(this.#world.clock);
    this.#store = this.#store.crash();
    this.#keyWrites = 0;
    this.#world.network.closeHost(this.host);
  }

  #ports(): PeerPorts {
    const { random, network, logged, crypto } = this.#world;
    const log = (message: string) => void logged.push(message);
    const ports: PeerPorts = {
      clock: this.#clock,
      timers: this.#timers,
      random,
      crypto,
      kem: createFakeKem(crypto, random),
      streams: network.streams(this.host),
      datagrams: network.datagrams(this.host),
      log: { debug: () => {}, info: log, warn: log, error: log } satisfies Log,
    };
    return ports;
  }

  #opened() {
    const keys: KeyFile = {
      read: () => Promise.resolve(this.#keys),
      write: async (bytes) => {
        this.#keyWrites++;
        if (this.keyWriteMs > 0) {
          await new Promise<void>((resolve) => this.#timers.set(this.keyWriteMs, resolve));
        }
        this.#keys = bytes;
        this.#world.recorder?.keys(this.host, bytes);
        this.#keyWrites--;
      },
    };
    const store: RecordStore = this.#store;
    const release = async () => {
      assert.equal(this.#keyWrites, 0, "a store is let go when its keys are written");
      await store.close();
    };
    return { store, keys, place: `${this.host}.kv`, release };
  }
}
