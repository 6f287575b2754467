/**
 * What one lineage is served of what it asks for, over all its links (T47). A newcomer asks once for
 * everything and a neighbor that comes back for what it lacks; who asks for everything again and again waits.
 */

import { servedBytesPerMinute, servedCopiesMax } from "./limits.ts";

/** The budget of one lineage: what it was served, and paid back by time. */
export class ServingBudget {
  #servedBytes = 0;
  #atMs = 0;

  /** It was sent this much in answer to what it asked. */
  charge(bytes: number): void {
    this.#servedBytes += bytes;
  }

  /** How long it has to wait before it may ask again, in milliseconds, where the sets are of this size. */
  waitMs(monoMs: number, setBytes: number): number {
    const paidBytes = (monoMs - this.#atMs) * bytesPerMs;
    this.#servedBytes = Math.max(0, this.#servedBytes - paidBytes);
    this.#atMs = monoMs;
    const overBytes = this.#servedBytes - servedCopiesMax * setBytes - servedBytesPerMinute;
    return overBytes <= 0 ? 0 : Math.ceil(overBytes / bytesPerMs);
  }
}

const bytesPerMs = servedBytesPerMinute / 60_000;
