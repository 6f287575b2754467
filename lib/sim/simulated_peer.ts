/** A peer in a simulation, and the machine it runs on: clocks, a disk, a place in the network. */

import { addressText } from "../base/address.ts";
import type { Crypto, Kem, Log, Random } from "../base/ports.ts";
import type { KeyFile } from "../peer/key_ring.ts";
import { Peer, type PeerOptions } from "../peer/peer.ts";
import type { OpenedStore, PeerPorts } from "../peer/peer_core.ts";
import type { MemoryNetwork } from "../../transports/memory.ts";
import type { PeerObserver } from "../peer/observer.ts";
import type { HostClock } from "./host_clock.ts";
import { Incarnation } from "./incarnation.ts";
import { StrictStore } from "./strict_store.ts";

/** What a simulated peer stands on. */
export interface SimulatedPeerWorld {
  readonly clock: HostClock;
  readonly network: MemoryNetwork;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly kem: Kem;
  readonly log: Log;
  readonly observer: PeerObserver;
  /** Says what is done to the machine. */
  readonly note: (what: string) => void;
}

/**
 * One peer of a simulation. Its machine stays when the peer crashes: what was durable is found again by
 * the next start.
 */
export class SimulatedPeer {
  /** What traces and messages call it. */
  readonly name: string;
  /** Its address in the network, as `10.0.0.1`. */
  readonly host: string;
  /** The clocks of its machine, to be set wrong. */
  readonly clock: HostClock;
  readonly #world: SimulatedPeerWorld;
  #store: StrictStore;
  #keys: Uint8Array | null = null;
  #options: PeerOptions = {};
  #incarnation = new Incarnation();
  #peer: Peer | null = null;
  #id = "";
  #starts = 0;
  #isOpening = false;
  /** Whether the peer was closed and let go of its disk. */
  #isReleased = false;
  #isPaused = false;

  /** @internal A machine with nothing on it; simulations make them. */
  constructor(name: string, host: string, world: SimulatedPeerWorld) {
    this.name = name;
    this.host = host;
    this.clock = world.clock;
    this.#world = world;
    this.#store = new StrictStore({ timers: world.clock, random: world.random });
  }

  /** The peer that runs; a crash ends it, and a restart makes another. */
  get peer(): Peer {
    if (this.#peer === null) throw new TypeError(`Cannot use ${this.name}: it is down; restart it first`);
    return this.#peer;
  }

  /** Peer id of whoever runs here, or ran last. */
  get id(): string {
    return this.#id;
  }

  /** Where it accepts links, as `tcp://10.0.0.1:4000`. */
  get endpoint(): string {
    return `tcp://${this.bootstrap}`;
  }

  /** Where it answers name queries, as `10.0.0.1:4000`. */
  get bootstrap(): string {
    return addressText({ host: this.host, port: peerPort });
  }

  /** Whether a peer runs and is open. */
  get isUp(): boolean {
    return this.#peer !== null && !this.#isReleased;
  }

  /** Whether a peer is being opened. */
  get isOpening(): boolean {
    return this.#isOpening;
  }

  /** Timers that its peer has set, or left behind. */
  get timerCount(): number {
    return this.#incarnation.timerCount;
  }

  /** Whether its machine stands still. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Whether its disk was made to lose bits: then damaged entries are no fault of the store. */
  isDiskDamaged = false;

  /** How often it was started. */
  get starts(): number {
    return this.#starts;
  }

  /** Its disk, to be made fail. */
  get store(): StrictStore {
    return this.#store;
  }

  /** Opens a peer on what the machine holds, with the options it had before unless given others. */
  async open(options: PeerOptions = this.#options): Promise<Peer> {
    if (this.isUp || this.#isOpening) {
      throw new TypeError(`Cannot open ${this.name}: it is up; crash or close it first`);
    }
    if (this.#isReleased) this.#store = this.#store.reopen(); // whoever used it closed it
    this.#isReleased = false;
    this.#peer = null;
    this.#options = options;
    this.#isOpening = true;
    this.#starts++;
    const incarnation = this.#incarnation = new Incarnation();
    const opening = Peer.openIn({ ports: this.#ports(incarnation), opened: this.#opened(incarnation) }, {
      listen: this.bootstrap,
      ...options,
    });
    try {
      const peer = await incarnation.guard(opening);
      this.#peer = peer;
      this.#id = peer.id;
      return peer;
    } catch (error) {
      this.#store = this.#store.reopen();
      throw error;
    } finally {
      if (this.#incarnation === incarnation) this.#isOpening = false;
    }
  }

  /** Closes the peer and leaves the disk ready for the next. */
  async close(): Promise<void> {
    const peer = this.peer;
    this.#peer = null;
    const incarnation = this.#incarnation;
    await incarnation.guard(peer.close());
    this.#isReleased = false;
    this.#store = this.#store.reopen();
  }

  /** Ends the peer as a power cut does; nothing that it waits for ever settles. */
  crash(): void {
    this.#incarnation.end();
    this.#peer = null;
    this.#isOpening = false;
    this.#isReleased = false;
    this.clock.forget();
    this.#store = this.#store.crash();
    this.#world.network.closeHost(this.host);
    if (this.#isPaused) this.resume();
  }

  /** Stops its machine: no timer fires, nothing that arrives is taken. */
  pause(options: { readonly countsSleep?: boolean } = {}): void {
    this.#world.note(`pause ${this.name}`);
    this.#isPaused = true;
    this.clock.pause(options);
    this.#world.network.pause(this.host);
  }

  /** Lets its machine go on. */
  resume(): void {
    this.#world.note(`resume ${this.name}`);
    this.#isPaused = false;
    this.clock.resume();
    this.#world.network.resume(this.host);
  }

  #ports(incarnation: Incarnation): PeerPorts {
    const { clock, network, random, crypto, kem, log, observer } = this.#world;
    return {
      clock,
      timers: incarnation.timers(clock),
      random,
      crypto,
      kem,
      streams: incarnation.streams(network.streams(this.host)),
      datagrams: incarnation.datagrams(network.datagrams(this.host)),
      log,
      observer,
    };
  }

  #opened(incarnation: Incarnation): OpenedStore {
    const keys: KeyFile = {
      read: () => Promise.resolve(this.#keys),
      write: (bytes) => {
        this.#keys = bytes.slice();
        return Promise.resolve();
      },
    };
    const store = incarnation.store(this.#store);
    return {
      store,
      keys: incarnation.keys(keys),
      place: `${this.host}.kv`,
      release: async () => {
        await store.close();
        if (this.#incarnation === incarnation) this.#isReleased = true;
      },
    };
  }
}

/** Where simulated peers listen. */
export const peerPort = 4_000;
