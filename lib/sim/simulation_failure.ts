/** How a simulation fails: what is wrong, the seed, the moment, the last that happened, and how to repeat it. */

import { failureTraceLines } from "./limits.ts";
import type { Trace } from "./trace.ts";

/**
 * A failed simulation: what is wrong, the seed, the moment, the last that happened, and how to repeat it.
 */
export class SimulationFailure extends Error {
  /** Always `SimulationFailure`. */
  override readonly name = "SimulationFailure";
  /** The seed that fails. */
  readonly seed: number;
  /** The invariant that does not hold, as `I1`; `assert` for the caller's own. */
  readonly invariant: string;

  /** A failure of one seed. */
  constructor(seed: number, invariant: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.seed = seed;
    this.invariant = invariant;
  }
}

/** Where a simulation stood when it failed. */
export interface FailureMoment {
  readonly seed: number;
  /** Virtual milliseconds since it began. */
  readonly nowMs: number;
  readonly events: number;
  readonly trace: Trace;
  /** File and line of the run that failed, or `null` if none is known. */
  readonly place: string | null;
  /** How to repeat it. */
  readonly replay: string;
}

/** The message of a failure, for people. */
export function failureText(what: string, { seed, nowMs, events, ...moment }: FailureMoment): string {
  const { trace, place, replay } = moment;
  const seconds = (nowMs / 1000).toFixed(3);
  return [
    what,
    ...place === null ? [] : [`In the run at ${place}`],
    `Seed ${seed}, after ${seconds} virtual seconds and ${events} events. The last of them:`,
    trace.tail(failureTraceLines),
    `To repeat it: ${replay}`,
  ].join("\n");
}
