/**
 * Peers in a plain virtual world, for what `Simulation` is not for: machines whose disks and key files are
 * written down in a {@linkcode CommitLog}, machines that are found as a crash left them, and strangers who
 * break the rules that its checkers hold everybody to.
 */

import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import type { Crypto, Kem } from "../../lib/base/ports.ts";
import { SeededRandom } from "../../lib/base/random.ts";
import { Peer, type PeerOptions } from "../../lib/peer/peer.ts";
import type { OpenedStore, PeerPorts } from "../../lib/peer/peer_core.ts";
import type { CommitLog } from "../../lib/sim/commit_log.ts";
import { createFakeKem } from "../../lib/sim/fake_kem.ts";
import { HostClock } from "../../lib/sim/host_clock.ts";
import { Incarnation } from "../../lib/sim/incarnation.ts";
import { createLightCrypto } from "../../lib/sim/light_crypto.ts";
import { StrictStore } from "../../lib/sim/strict_store.ts";
import { VirtualClock } from "../../lib/sim/virtual_clock.ts";
import { MemoryNetwork } from "../../transports/memory.ts";

/** The key file of a machine holds this from now on. */
export interface KeysNote {
  readonly kind: "keys";
  readonly bytes: Uint8Array;
}

/** What a world may be made with. */
export interface DiskWorldOptions {
  readonly seed?: number;
  /** The stand-in of simulations if not given. */
  readonly crypto?: Crypto;
  /** Takes what becomes durable on the machines. */
  readonly log?: Pick<CommitLog<KeysNote>, "disk" | "note">;
  /** Where the wall clock begins. */
  readonly wallMs?: number;
}

/** A world of machines. */
export class DiskWorld implements AsyncDisposable {
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly machines: Machine[] = [];
  readonly crypto: Crypto;
  readonly kem: Kem;
  readonly random: SeededRandom;
  readonly log: DiskWorldOptions["log"];
  /** What peers had to say to their operators, with its level. Errors are mistakes of their own and fail the world at its end. */
  readonly logged: string[] = [];

  constructor({ seed = 1, crypto = createLightCrypto(), log, ...wall }: DiskWorldOptions = {}) {
    this.clock = new VirtualClock(wall);
    this.crypto = crypto;
    this.random = new SeededRandom(seed);
    this.kem = createFakeKem(crypto, this.random);
    this.network = new MemoryNetwork({ timers: this.clock, random: this.random, latencyMs: 5 });
    this.log = log;
  }

  /** A new machine at 10.0.0.n with a peer on it that listens on port 4000. */
  async open(options: PeerOptions = {}): Promise<Machine> {
    const machine = this.#add(`10.0.0.${this.machines.length + 1}`);
    await machine.start(options);
    return machine;
  }

  /** A machine as its crash before a step of a log would have left it; no peer runs yet. */
  found(log: CommitLog<{ readonly kind: string }>, host: string, step: number): Machine {
    const machine = this.#add(host);
    machine.store = log.imageAt(host, step, { timers: machine.clock }).store;
    for (const each of log.steps.slice(0, step)) {
      if (each.disk !== host || each.kind !== "note" || each.note.kind !== "keys") continue;
      machine.keys = (each.note as KeysNote).bytes;
    }
    return machine;
  }

  /** Lets virtual time pass until a promise settles. */
  within<T>(promise: Promise<T>, maxMs = 60_000): Promise<T> {
    return this.clock.until(promise, maxMs);
  }

  /** Closes all peers; nothing of them is left: no timer, no socket. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const machine of this.machines) if (machine.isUp) await machine.stop();
    this.network.close();
    for (const { clock } of this.machines) assert.equal(clock.timerCount, 0, "closed peers leave no timer");
    assert.deepEqual(this.logged.filter((line) => line.startsWith("error")), []);
  }

  #add(host: string): Machine {
    const machine = new Machine(this, host);
    this.machines.push(machine);
    return machine;
  }
}

/** A machine: what it stores outlives the peer that runs on it. */
export class Machine {
  readonly host: string;
  readonly clock: HostClock;
  /** What it stores on, to be made fail. */
  store: StrictStore;
  /** What the key file holds, if there is one. */
  keys: Uint8Array | null = null;
  /** How long each writing of the keys takes. */
  keyWriteMs = 0;
  /** Peer id of whoever runs here, or ran last. */
  peerId = "";
  readonly #world: DiskWorld;
  #incarnation = new Incarnation();
  #options: PeerOptions = {};
  #peer: Peer | null = null;

  constructor(world: DiskWorld, host: string) {
    this.#world = world;
    this.host = host;
    this.clock = new HostClock(world.clock);
    // Chance of its own: what the disk draws changes nothing that the world draws.
    const random = new SeededRandom(crc32(host));
    const commits = world.log?.disk(host);
    this.store = new StrictStore({ timers: this.clock, random, ...(commits && { commits }) });
  }

  /** The peer that runs. */
  get peer(): Peer {
    assert.ok(this.#peer !== null, "a peer runs on the machine");
    return this.#peer;
  }

  /** Whether a peer runs. */
  get isUp(): boolean {
    return this.#peer !== null;
  }

  /** Opens a peer on what the machine holds. */
  async start(options: PeerOptions = this.#options): Promise<Peer> {
    this.#options = options;
    const incarnation = this.#incarnation = new Incarnation();
    const opening = Peer.openIn({ ports: this.#ports(incarnation), opened: this.#opened(incarnation) }, {
      listen: `${this.host}:4000`,
      ...options,
    });
    this.#peer = await this.#world.within(opening);
    this.peerId = this.#peer.id;
    return this.#peer;
  }

  /** Closes the peer and leaves the store ready for the next. */
  async stop(): Promise<void> {
    await this.#world.within(this.peer.close());
    this.#peer = null;
    this.store = this.store.reopen();
  }

  /** Ends the peer as a power cut does: nothing that it waits for ever settles. */
  crash(): void {
    this.#incarnation.end();
    this.#peer = null;
    this.clock.forget();
    this.store = this.store.crash();
    this.#world.network.closeHost(this.host);
  }

  #ports(incarnation: Incarnation): PeerPorts {
    const { random, network, crypto, kem, logged } = this.#world;
    const log = (level: string) => (message: string) => void logged.push(`${level}: ${message}`);
    return {
      clock: this.clock,
      timers: incarnation.timers(this.clock),
      random,
      crypto,
      kem,
      streams: incarnation.streams(network.streams(this.host)),
      datagrams: incarnation.datagrams(network.datagrams(this.host)),
      log: { debug: () => {}, info: log("info"), warn: log("warn"), error: log("error") },
    };
  }

  #opened(incarnation: Incarnation): OpenedStore {
    let writes = 0;
    const write = async (bytes: Uint8Array) => {
      writes++;
      if (this.keyWriteMs > 0) {
        await new Promise<void>((resolve) => incarnation.timers(this.clock).set(this.keyWriteMs, resolve));
      }
      this.keys = bytes;
      this.#world.log?.note(this.host, { kind: "keys", bytes });
      writes--;
    };
    const store = incarnation.store(this.store);
    const release = async () => {
      assert.equal(writes, 0, "a store is let go when its keys are written");
      await store.close();
    };
    const keys = incarnation.keys({ read: () => Promise.resolve(this.keys), write });
    return { store, keys, place: `${this.host}.kv`, release };
  }
}
