/** What every {@linkcode Clock} does. */

import assert from "node:assert/strict";
import type { Clock } from "../../lib/base/ports.ts";

/** A clock, and a way to let time pass in its world. */
export interface ClockWorld {
  readonly clock: Clock;
  pass(ms: number): Promise<void>;
}

/** Runs the suite. */
export function clockContract(name: string, open: () => ClockWorld): void {
  Deno.test(`${name}: both clocks are finite and the monotonic one never goes back`, async () => {
    const { clock, pass } = open();
    let last = clock.now();
    for (let i = 0; i < 20; i++) {
      if (i % 5 === 0) await pass(2);
      const now = clock.now();
      assert.ok(Number.isFinite(now.monoMs) && Number.isFinite(now.wallMs));
      assert.ok(now.monoMs >= last.monoMs);
      last = now;
    }
  });
  Deno.test(`${name}: both clocks count milliseconds`, async () => {
    const { clock, pass } = open();
    const before = clock.now();
    await pass(20);
    const after = clock.now();
    assert.ok(after.monoMs - before.monoMs >= 18, "the monotonic clock moved on");
    assert.ok(Math.abs(after.wallMs - before.wallMs - (after.monoMs - before.monoMs)) < 1_000);
    assert.ok(before.wallMs > Date.UTC(2025, 0, 1), "wall time counts from 1970");
  });
}
