/**
 * A virtual world to test peers in: time that moves when told to, a network with latency, loss,
 * cuts and crashes, and a store that fails. Nothing in it waits in real time, and a seed repeats a
 * run exactly.
 *
 * @example An hour of virtual time
 * ```ts
 * import { VirtualClock } from "@kith/peer/testing";
 *
 * const clock = new VirtualClock();
 * clock.set(3_600_000, () => console.log("an hour later"));
 * await clock.run(3_600_000); // an hour later
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
