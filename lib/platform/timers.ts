/** The timers of this machine, without their trap: JavaScript fires a delay over 2^31 − 1 ms at once. */

import { assert } from "../base/assert.ts";
import { timerDelayMsMax } from "../base/limits.ts";
import type { TimerHandle, Timers } from "../base/ports.ts";

/** Timers on `setTimeout`; a longer delay than it can take is waited for in parts. */
export function createTimers(): Timers {
  return createTimersOn((delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  });
}

/** Calls back after a delay of at most `timerDelayMsMax`; what it returns drops the callback. */
export type SetShortTimer = (delayMs: number, callback: () => void) => () => void;

/** Timers on any timer that takes short delays. */
export function createTimersOn(setShort: SetShortTimer): Timers {
  return { set: (delayMs, callback) => setLong(setShort, delayMs, callback) };
}

function setLong(setShort: SetShortTimer, delayMs: number, callback: () => void): TimerHandle {
  assert(!Number.isNaN(delayMs), "a delay is a number");
  let leftMs = Math.max(0, delayMs);
  let drop: () => void;
  const next = () => {
    const partMs = Math.min(leftMs, timerDelayMsMax);
    leftMs -= partMs;
    drop = setShort(partMs, leftMs > 0 ? next : callback);
  };
  next();
  return { cancel: () => drop() };
}
