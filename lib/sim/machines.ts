/** The machines of a simulation: each has a name, an address and wrong clocks of its own, and may run a peer. */

import { assert } from "../base/assert.ts";
import type { Crypto, Kem, Log } from "../base/ports.ts";
import { SeededRandom } from "../base/random.ts";
import type { MemoryNetwork } from "../../transports/memory.ts";
import type { CloudStep, ReplicaStep, Report } from "./checker.ts";
import { HostClock } from "./host_clock.ts";
import { peersMax } from "./limits.ts";
import { SimulatedPeer } from "./simulated_peer.ts";
import type { MachineOptions } from "./simulation_options.ts";
import type { Trace } from "./trace.ts";
import type { VirtualClock } from "./virtual_clock.ts";

/** What machines stand on, and who is told of what they do. */
export interface MachinesWorld {
  /** True time. */
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  /** The chance of each machine is drawn from it. */
  readonly random: SeededRandom;
  readonly crypto: Crypto;
  readonly kem: Kem;
  /** Takes what peers log. */
  readonly trace: Trace;
  readonly report: Report;
  /** Says what is done to a machine. */
  readonly note: (what: string) => void;
  readonly onReplica: (step: ReplicaStep) => void;
  readonly onCloud: (step: CloudStep) => void;
}

/** All machines of one simulation. */
export class Machines {
  readonly #world: MachinesWorld;
  readonly #all: SimulatedPeer[] = [];
  readonly #names = new Map<string, string>();

  /** No machine yet. */
  constructor(world: MachinesWorld) {
    this.#world = world;
  }

  /** A machine without a peer. */
  add(options: MachineOptions): SimulatedPeer {
    assert(this.#all.length < peersMax, "a simulation has an address for each of its peers");
    const number = this.#all.length + 1;
    const host = options.host?.(number) ?? `10.${number >> 8}.${number & 255}.1`;
    assert(options.host === undefined || !this.#names.has(host), "no two machines have one address");
    const name = `peer ${number}`;
    this.#names.set(host, name);
    const { clock, network, random, crypto, kem, note, onReplica, onCloud } = this.#world;
    const peer: SimulatedPeer = new SimulatedPeer(name, host, {
      ...{ network, crypto, kem, note },
      clock: new HostClock(clock, options.clock),
      random: new SeededRandom(random.uint32()),
      log: this.#log(name),
      observer: {
        onReplica: (replica, input, effects, now) => onReplica({ peer, replica, input, effects, now }),
        onCloud: (cloud, input, effects, now) => onCloud({ peer, cloud, input, effects, now }),
      },
    });
    this.#all.push(peer);
    return peer;
  }

  /** In the order in which they were made. */
  get all(): readonly SimulatedPeer[] {
    return this.#all;
  }

  /** The name of the machine at an address, for people who read traces; the address if there is none. */
  nameOf(host: string): string {
    return this.#names.get(host) ?? host;
  }

  #log(name: string): Log {
    const { clock, trace, report } = this.#world;
    const log = (level: string) => (message: string): void =>
      trace.add(clock.now().monoMs, name, `${level}: ${message}`);
    return {
      ...{ debug: () => {}, info: log("info"), warn: log("warn") },
      // An error in the log of a peer is a mistake of Kith's own.
      error: (message, details) =>
        report("I9", `${name}: ${message} ${details?.failure ?? details?.stack ?? ""}`),
    };
  }
}
