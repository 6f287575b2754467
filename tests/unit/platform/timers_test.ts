import assert from "node:assert/strict";
import { timerDelayMsMax } from "../../../lib/base/limits.ts";
import { createTimersOn } from "../../../lib/platform/timers.ts";
import { VirtualClock } from "../../../lib/sim/virtual_clock.ts";

/** Timers on a virtual clock that, as JavaScript's, must not be given long delays. */
function strictTimers(clock: VirtualClock) {
  return createTimersOn((delayMs, callback) => {
    assert.ok(delayMs <= timerDelayMsMax);
    const timer = clock.set(delayMs, callback);
    return () => timer.cancel();
  });
}

Deno.test("a delay over 2^31 − 1 ms is waited for in parts, exactly", () => {
  const clock = new VirtualClock();
  const fired: number[] = [];
  for (const ms of [timerDelayMsMax, timerDelayMsMax + 1, 3 * timerDelayMsMax + 5]) {
    strictTimers(clock).set(ms, () => fired.push(clock.now().monoMs));
  }
  clock.advance(5 * timerDelayMsMax);
  assert.deepEqual(fired, [timerDelayMsMax, timerDelayMsMax + 1, 3 * timerDelayMsMax + 5]);
});

Deno.test("a long delay can be cancelled in any part", () => {
  const clock = new VirtualClock();
  const timer = strictTimers(clock).set(4 * timerDelayMsMax, () => assert.fail("cancelled"));
  clock.advance(2.5 * timerDelayMsMax);
  timer.cancel();
  assert.equal(clock.next(), null);
});
