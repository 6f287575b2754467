/** How a network in memory treats what is sent: the faults and how strong they are. */

import { memoryDatagramBytesMax, memoryQueueBytesMax } from "./limits.ts";

/** How the network treats what is sent. A fault that is off draws no chance, so seeds stay comparable. */
export interface NetworkConditions {
  /** One way from a host to another: one number for all, or by host. */
  readonly latencyMs: number | ((from: string, to: string) => number);
  /** Up to so much more, drawn for each datagram and once for each stream. */
  readonly jitterMs: number;
  /** Share of datagrams that are lost, 0 to 1. Of what streams send, the share that is held up by one retransmission. */
  readonly lossShare: number;
  /** Share of datagrams that arrive twice, 0 to 1. */
  readonly duplicateShare: number;
  /** Loss in bursts besides; `null`: none. */
  readonly burst: BurstLoss | null;
  /** Share of datagrams that take up to `reorderMs` longer, so that later ones overtake them, 0 to 1. */
  readonly reorderShare: number;
  /** How much longer these take at most. */
  readonly reorderMs: number;
  /** Share of datagrams that arrive with one flipped bit, 0 to 1. */
  readonly corruptShare: number;
  /** Longer datagrams vanish without a sign. */
  readonly datagramBytesMax: number;
  /** Capacity of each direction, for streams and datagrams together; `null`: without limit. */
  readonly bytesPerSecond: number | null;
  /** What waits for its turn there at most: above, datagrams are lost and streams wait at the sender. */
  readonly queueBytesMax: number;
}

/**
 * Loss that comes in bursts (Gilbert 1960, Elliott 1963): each direction is either good or bad, may
 * change at each datagram, and loses only while it is bad. Bursts are 1 / `leaveShare` datagrams long on average.
 */
export interface BurstLoss {
  /** Share of datagrams at which a good direction turns bad. */
  readonly enterShare: number;
  /** Share of datagrams at which a bad direction turns good. */
  readonly leaveShare: number;
  /** Share of datagrams that a bad direction loses. */
  readonly lossShare: number;
}

/** A network at which nothing is wrong, and which takes no time. */
export const calmConditions: NetworkConditions = {
  latencyMs: 0,
  jitterMs: 0,
  lossShare: 0,
  duplicateShare: 0,
  burst: null,
  reorderShare: 0,
  reorderMs: 0,
  corruptShare: 0,
  datagramBytesMax: memoryDatagramBytesMax,
  bytesPerSecond: null,
  queueBytesMax: memoryQueueBytesMax,
};

/** The conditions with changes, checked; throws a `RangeError` for what no network can have. */
export function changedConditions(
  conditions: NetworkConditions,
  changes: Partial<NetworkConditions>,
): NetworkConditions {
  const changed = { ...conditions, ...changes };
  const { latencyMs, burst, bytesPerSecond } = changed;
  for (const name of ["lossShare", "duplicateShare", "reorderShare", "corruptShare"] as const) {
    checkRange(name, changed[name], 0, 1);
  }
  for (const name of ["jitterMs", "reorderMs", "datagramBytesMax", "queueBytesMax"] as const) {
    checkRange(name, changed[name], 0, Number.MAX_SAFE_INTEGER);
  }
  if (typeof latencyMs === "number") checkRange("latencyMs", latencyMs, 0, Number.MAX_SAFE_INTEGER);
  if (bytesPerSecond !== null) checkRange("bytesPerSecond", bytesPerSecond, 1, Number.MAX_SAFE_INTEGER);
  if (burst !== null) {
    for (const name of ["enterShare", "leaveShare", "lossShare"] as const) {
      checkRange(`burst.${name}`, burst[name], 0, 1);
    }
  }
  return changed;
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw new RangeError(`'${name}' is ${value}, but is to be from ${least} to ${most}`);
}
