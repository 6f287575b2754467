/** What callers of a simulation get wrong, told at the call: else a test that means nothing would pass. */

import { seedMax } from "./limits.ts";
import type { RunUntil } from "./simulation_options.ts";

/** Throws unless this is what a simulation can be run for. */
export function checkRun(until: RunUntil<unknown>, maxMs: number): void {
  if (typeof until === "number") return checkMs("run for", until);
  if (typeof until !== "function" && !(until instanceof Promise)) {
    throw new TypeError(
      `Cannot run until ${
        String(until)
      }: give milliseconds, a function that tells whether to stop, or a promise`,
    );
  }
  checkMs("wait for", maxMs);
}

/** Throws unless this is a finite span of virtual time. */
function checkMs(what: string, ms: number): void {
  if (!(ms >= 0 && ms < Infinity)) {
    throw new RangeError(`Cannot ${what} ${ms} ms: it must be a finite number from 0`);
  }
}

/** What a condition answered; throws unless it is an answer. */
export function checkAnswer(answer: unknown): boolean {
  if (typeof answer === "boolean") return answer;
  const given = answer instanceof Promise ? "a promise: give run() the promise itself" : String(answer);
  throw new TypeError(
    `Cannot run until a condition holds that answers ${given}; it must answer true or false`,
  );
}

/** Throws unless this is a number of things. */
export function checkCount(what: string, count: number, min: number): void {
  if (!Number.isSafeInteger(count) || count < min) {
    throw new RangeError(`Cannot ${what}: the number must be a whole one from ${min}, not ${count}`);
  }
}

/** Throws unless this is a seed; others would be taken for one that is. */
export function checkSeed(seed: number): void {
  if (!Number.isSafeInteger(seed) || seed < 0 || seed > seedMax) {
    throw new RangeError(`Cannot run the seed ${seed}: it must be a whole number from 0 to ${seedMax}`);
  }
}
