/** What a simulation tells those who watch over it: checkers of invariants, and whoever counts. */

import type { Instant } from "../base/ports.ts";
import type { Effect, Input } from "../graph/machine.ts";
import type { Replica } from "../graph/replica.ts";
import type { CloudEffect, CloudInput, CloudMachine } from "../names/cloud.ts";
import type { NetworkEvent } from "../../transports/memory.ts";
import type { Acknowledged } from "./invariants/writings.ts";
import type { SimulatedPeer } from "./simulated_peer.ts";

/** A replica took an input. */
export interface ReplicaStep {
  readonly peer: SimulatedPeer;
  readonly replica: Replica;
  readonly input: Input;
  readonly effects: readonly Effect[];
  readonly now: Instant;
}

/** A cloud machine took an input. */
export interface CloudStep {
  readonly peer: SimulatedPeer;
  readonly cloud: CloudMachine;
  readonly input: CloudInput;
  readonly effects: readonly CloudEffect[];
  readonly now: Instant;
}

/** Watches a simulation. It looks and never touches. */
export interface Checker {
  /** The invariant it holds, as `I1`. */
  readonly invariant: string;
  /** After a replica took an input, before what came of it is carried out. */
  onReplica?(step: ReplicaStep): void;
  /** After a cloud machine took an input, before what came of it is carried out. */
  onCloud?(step: CloudStep): void;
  /** A call of a peer's own was answered: an item that it acknowledged by that. */
  onAcknowledged?(acknowledged: Acknowledged): void;
  /** After each event: a timer that fired, and all that came of it. */
  onEvent?(): void;
  /** At each thing that happens in the network. */
  onNetwork?(event: NetworkEvent): void;
  /** The simulation says what it does: a partition, a crash, a remark of its writer. */
  onNote?(what: string): void;
  /** The simulation says which kinds of faults it has. */
  onFaults?(kinds: readonly string[]): void;
  /** A peer was opened, for the first time or again. */
  onStart?(peer: SimulatedPeer): void;
  /** A peer has crashed. */
  onCrash?(peer: SimulatedPeer): void;
  /** A peer was closed. */
  onClosed?(peer: SimulatedPeer): void;
  /** All faults are mended and the peers had time to settle: what must come true in the end is true now. */
  onQuiet?(peers: readonly SimulatedPeer[]): void;
  /** Nobody asked anything of the peers for so many milliseconds since it was quiet. */
  onIdle?(peers: readonly SimulatedPeer[], spanMs: number): void;
}

/** Says that an invariant does not hold; the simulation ends with it. */
export type Report = (invariant: string, message: string) => void;
