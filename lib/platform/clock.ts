/** The clocks of this machine. */

import type { Clock, Instant } from "../base/ports.ts";

/** A clock on the machine's monotonic and wall clocks. */
export function createClock(): Clock {
  return { now: (): Instant => ({ monoMs: performance.now(), wallMs: Date.now() }) };
}
