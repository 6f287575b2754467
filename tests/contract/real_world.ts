/** Waiting on real sockets: an awaited event with a timeout, and timers for what is under test. */

import type { Timers } from "../../lib/base/ports.ts";

/** Waits for a promise, at most so long. */
export async function within<T>(promise: Promise<T>, timeoutMs = 20_000): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Nothing happened within ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The platform's timers. */
export const realTimers: Timers = {
  set(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
