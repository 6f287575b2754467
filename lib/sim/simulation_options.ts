/** What simulations and their machines are made of, and what a simulation may be run for. */

import type { Crypto, Kem, Random } from "../base/ports.ts";
import type { PeerOptions } from "../peer/peer.ts";
import type { NetworkConditions } from "../../transports/memory.ts";
import type { Checker, Report } from "./checker.ts";
import type { ClockFaults } from "./host_clock.ts";
import type { Watched } from "./invariants.ts";
import type { SimulatedPeer } from "./simulated_peer.ts";

/** What a simulation is made of. */
export interface SimulationOptions {
  /** Equal seeds give equal runs; 1 if not given. */
  readonly seed?: number;
  /** How the network treats what is sent; 1 to 10 ms and no loss if not given. */
  readonly network?: Partial<NetworkConditions>;
  /** Whether `Simulation.svg()` can draw it afterwards; not, if not given. */
  readonly draws?: boolean;
  /** @internal Cryptography; stand-ins that are fast and protect nothing if not given. */
  readonly crypto?: Crypto;
  /** @internal Key encapsulation; a stand-in if not given. */
  readonly kem?: (random: Random) => Kem;
  /** @internal Checkers besides Kith's own; each gets the simulation's world and says what does not hold. */
  readonly checkers?: (watched: Watched, report: Report) => readonly Checker[];
  /** How to repeat a run, for the message of a failure; by the caller's file if not given. */
  readonly replay?: (seed: number) => string;
}

/** A machine to be made. */
export interface MachineOptions {
  /** How its clocks are wrong; all right if not given. */
  readonly clock?: ClockFaults;
  /**
   * Its address, for the number that it has (from 1): one that nobody else has, private or global, in the text
   * that the platform writes (`20.0.0.1`, `2a00::1`). A private one in a /24 of its own if not given.
   */
  readonly host?: (number: number) => string;
}

/** A peer to be made: how it is opened, and the machine that it runs on. */
export interface SimulatedPeerOptions extends PeerOptions, MachineOptions {}

/** What a simulation may run until: a time in virtual milliseconds, a condition, or a promise. */
export type RunUntil<T> = number | (() => boolean) | Promise<T>;

/** So many peers: each has a name of its own where the compiler knows the number, up to 31. */
export type Crew<N extends number, Made extends SimulatedPeer[] = []> = number extends N ? SimulatedPeer[]
  : Made["length"] extends N ? Made
  : Made["length"] extends 32 ? SimulatedPeer[]
  : Crew<N, [...Made, SimulatedPeer]>;
