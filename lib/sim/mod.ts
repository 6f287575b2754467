/**
 * A virtual world to test peers in: time that moves when told to, a network with latency, loss,
 * cuts and crashes, and a store that fails. Nothing in it waits in real time, and a seed repeats a
 * run exactly.
 *
 * {@linkcode Simulation} is where to begin; all else are its parts, for whoever tests a part alone.
 *
 * @example A record crosses a network that loses a fifth of everything
 * ```ts
 * import { Simulation } from "@kith/peer/testing";
 *
 * await using sim = new Simulation({ seed: 7, network: { lossShare: 0.2 } });
 * const [ana, ben] = await sim.peers(2);
 * const group = await sim.run(ana.peer.groups.create("Notes"));
 * const { records } = await sim.run(ben.peer.groups.join(await sim.run(group.invite())));
 * await sim.run(group.records.add("note", "heron"));
 * await sim.run(() => sim.differences().length === 0);
 * sim.assert((await sim.run(records.list())).length === 1, "ben has the note");
 * ```
 *
 * @module
 */

export { ClockView, VirtualClock, virtualWallStartMs } from "./virtual_clock.ts";
export { StrictStore, type StrictStoreOptions } from "./strict_store.ts";
export type { StoreFault, StoreOdds } from "./store_faults.ts";
export type { DiskEntries, DiskEntry } from "./strict_disk.ts";
export type { Mutation } from "../storage/kv_layout.ts";
export { CommitLog, type CrashImage, type CrashMoment, type DiskLog, type LogStep } from "./commit_log.ts";
export {
  type BurstLoss,
  MemoryNetwork,
  type NatKind,
  type NatOptions,
  type NetworkConditions,
  type NetworkDropReason,
  type NetworkEvent,
  type NetworkPorts,
  type NetworkTraffic,
} from "../../transports/memory.ts";
export { MemoryStore } from "../storage/memory_store.ts";
export { SeededRandom } from "../base/random.ts";
export { type ErrorCode, errorCodes, PeerError } from "../base/errors.ts";
export type {
  Address,
  ByteStream,
  Clock,
  Datagram,
  Datagrams,
  DatagramSocket,
  Instant,
  Log,
  LogDetails,
  Random,
  RecordStore,
  StoreChange,
  StoreEntry,
  StoreKey,
  StreamListener,
  Streams,
  TimerHandle,
  Timers,
} from "../base/ports.ts";
export { Simulation } from "./simulation.ts";
export type {
  Crew,
  MachineOptions,
  RunUntil,
  SimulatedPeerOptions,
  SimulationOptions,
} from "./simulation_options.ts";
export { SimulationFailure } from "./simulation_failure.ts";
export type { SimulatedPeer } from "./simulated_peer.ts";
export { type ClockFaults, HostClock } from "./host_clock.ts";
export { Trace, type TraceEntry } from "./trace.ts";
export { type FaultKind, faultKinds, faults, Storm } from "./storm.ts";
export { type Invariant, invariants } from "./invariants.ts";
