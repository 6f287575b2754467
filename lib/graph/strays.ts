/** How often one lineage may bring what has no effect and costs a look at all of a group's authority. */

import { straysMax, straysPerMinute } from "./limits.ts";

/** The account of one lineage over its links; time pays it back. */
export class StrayBudget {
  #count = 0;
  #atMs = 0;

  /** It brought such a message; tells whether that was one too many. */
  charge(monoMs: number): boolean {
    const paidBack = (monoMs - this.#atMs) * straysPerMinute / 60_000;
    this.#count = Math.max(0, this.#count - paidBack) + 1;
    this.#atMs = monoMs;
    return this.#count > straysMax;
  }
}
