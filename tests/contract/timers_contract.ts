/** What every {@linkcode Timers} does. */

import assert from "node:assert/strict";
import type { Timers } from "../../lib/base/ports.ts";

/** Timers, and a way to wait in their world. */
export interface TimersWorld {
  readonly timers: Timers;
  /** Waits for a promise while time passes, but not for ever. */
  within<T>(promise: Promise<T>): Promise<T>;
}

/** Runs the suite. */
export function timersContract(name: string, open: () => TimersWorld): void {
  const test = (what: string, body: (world: TimersWorld) => Promise<void>) =>
    Deno.test(`${name}: ${what}`, () => body(open()));

  test("timers fire once, by their delay and never within the call that sets them", async ({ timers, within }) => {
    const fired: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    timers.set(30, () => void (fired.push("last"), resolve()));
    timers.set(10, () => void fired.push("second"));
    timers.set(0, () => void fired.push("first"));
    assert.deepEqual(fired, []);
    await within(promise);
    assert.deepEqual(fired, ["first", "second", "last"]);
  });
  test("a cancelled timer never fires; cancelling late or twice does nothing", async ({ timers, within }) => {
    const fired: string[] = [];
    const cancelled = timers.set(5, () => void fired.push("cancelled"));
    cancelled.cancel();
    cancelled.cancel();
    await within(new Promise<void>((resolve) => timers.set(15, resolve)));
    const over = timers.set(0, () => void fired.push("fired"));
    await within(new Promise<void>((resolve) => timers.set(5, resolve)));
    over.cancel();
    assert.deepEqual(fired, ["fired"]);
  });
  test("a negative delay is none; very long ones wait", async ({ timers, within }) => {
    const fired: string[] = [];
    const long = [2 ** 31, 2 ** 40, Infinity].map((ms) => timers.set(ms, () => void fired.push(`${ms}`)));
    const { promise, resolve } = Promise.withResolvers<void>();
    timers.set(-5, () => void (fired.push("negative"), timers.set(20, resolve)));
    await within(promise);
    assert.deepEqual(fired, ["negative"]);
    for (const timer of long) timer.cancel(); // a leak would fail the sanitizers
  });
}
