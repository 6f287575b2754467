import assert from "node:assert/strict";
import { below, SeededRandom } from "../../../lib/base/random.ts";
import { TimerQueue } from "../../../lib/sim/timer_queue.ts";

interface Timer {
  over: boolean;
  readonly atMs: number;
}

Deno.test("TimerQueue gives timers by moment, then in the order they were set, and none that is over", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new SeededRandom(seed);
    const queue = new TimerQueue<Timer>();
    let expected: Timer[] = [];
    let nowMs = 0;
    for (let i = 0; i < 2_000; i++) {
      const move = below(random, 10);
      if (move < 5) {
        const timer = { over: false, atMs: nowMs + below(random, 40) / 2 };
        queue.set(timer, timer.atMs);
        expected.push(timer);
      } else if (move < 8 && expected.length > 0) {
        const timer = expected.splice(below(random, expected.length), 1)[0]!;
        timer.over = true;
        queue.onOver();
      } else {
        const first = expected.length === 0 ? null : Math.min(...expected.map(({ atMs }) => atMs));
        assert.equal(queue.next(), first, `seed ${seed}`);
        const taken = queue.takeNext().filter(({ over }) => !over);
        assert.deepEqual(taken, expected.filter(({ atMs }) => atMs === first), `seed ${seed}`);
        expected = expected.filter(({ atMs }) => atMs !== first);
        nowMs = first ?? nowMs;
      }
      assert.equal(queue.size, expected.length, `seed ${seed}`);
    }
  }
});
