import assert from "node:assert/strict";
import { below, SeededRandom } from "../../../lib/base/random.ts";
import { type ClockFaults, HostClock } from "../../../lib/sim/host_clock.ts";
import { VirtualClock, virtualWallStartMs } from "../../../lib/sim/virtual_clock.ts";

Deno.test("HostClock shows true time when nothing is wrong, also one that is made later", async () => {
  const { clock, host } = world();
  await clock.run(1_234);
  assert.deepEqual(host.now(), { monoMs: 1_234, wallMs: virtualWallStartMs + 1_234 });
  const later = new HostClock(clock);
  assert.deepEqual(later.now(), host.now());
});

Deno.test("HostClock is off, and drifts, on each of its clocks apart", async () => {
  const { clock, host } = world({ wallOffsetMs: -5_000, wallDriftPpm: 100, monoDriftPpm: -200 });
  await clock.run(1_000_000);
  assert.equal(host.now().monoMs, 999_800);
  assert.equal(host.now().wallMs, virtualWallStartMs - 5_000 + 1_000_100);
  host.drift({ wallDriftPpm: 0 });
  await clock.run(1_000_000);
  assert.equal(host.now().monoMs, 1_999_600, "the monotonic clock drifts on");
  assert.equal(host.now().wallMs, virtualWallStartMs - 5_000 + 2_000_100);
});

Deno.test("HostClock refuses a pace that no clock has, NaN delays, and a monotonic clock that goes back", () => {
  const { host } = world();
  assert.throws(() => host.drift({ monoDriftPpm: 500_001 }), /at most 500,000 either way/);
  assert.throws(() => host.drift({ wallDriftPpm: -500_001 }), /at most 500,000 either way/);
  assert.throws(() => host.set(NaN, () => {}), /a delay is a number/);
  assert.throws(() => host.jumpMono(-1), /never goes back/);
});

Deno.test("a jump of the wall clock moves no timer; a leap of the monotonic one moves nothing else", async () => {
  const { clock, host, ran, at } = world();
  at(1_000, "a");
  host.jumpWall(-86_400_000);
  host.jumpWall(3_600_000);
  await clock.run(500);
  assert.deepEqual(ran, []);
  assert.deepEqual(host.now(), { monoMs: 500, wallMs: virtualWallStartMs + 500 - 82_800_000 });
  host.jumpMono(600);
  assert.deepEqual(host.now(), { monoMs: 1_100, wallMs: virtualWallStartMs + 500 - 82_800_000 });
  assert.deepEqual(ran, [], "a leap calls nobody back by itself");
  await clock.run(0);
  assert.deepEqual(ran, ["a@1100"]);
});

Deno.test("jumps are told altogether, and drift, pauses and offsets are none", async () => {
  const { clock, host } = world({ wallOffsetMs: -5_000, wallDriftPpm: 400_000, monoDriftPpm: -300_000 });
  host.jumpWall(-300);
  host.jumpWall(100);
  host.jumpMono(40);
  host.pause();
  await clock.run(10_000);
  host.resume();
  assert.deepEqual(host.jumpsMs, { wall: -200, mono: 40 });
});

Deno.test("timers follow the machine's own monotonic clock when it drifts", async () => {
  const slow = world({ monoDriftPpm: -500_000 });
  slow.at(1_000, "slow");
  await slow.clock.run(1_999);
  assert.deepEqual(slow.ran, []);
  await slow.clock.run(1);
  assert.deepEqual(slow.ran, ["slow@1000"]);
  const fast = world({ monoDriftPpm: 500_000 });
  fast.at(1_500, "fast");
  await fast.clock.run(999);
  assert.deepEqual(fast.ran, []);
  await fast.clock.run(1);
  assert.deepEqual(fast.ran, ["fast@1500"]);
});

Deno.test("timers fire by their time, then in the order in which they were set, and none that was cancelled", async () => {
  const { clock, host, ran, at } = world();
  at(20, "c");
  at(10, "a");
  at(10, "b");
  at(-5, "past");
  const doomed = at(10, "doomed");
  at(5, "canceller", () => doomed.cancel());
  at(10, "nested", () => at(0, "inner"));
  assert.equal(host.timerCount, 7);
  await clock.run(30);
  assert.deepEqual(ran, ["past@0", "canceller@5", "a@10", "b@10", "nested@10", "inner@10", "c@20"]);
  assert.equal(host.timerCount, 0);
  assert.equal(clock.timerCount, 0);
});

Deno.test("promises settle between two timers of one moment", async () => {
  const { clock, host } = world();
  const order: string[] = [];
  for (const name of ["a", "b"]) {
    host.set(10, () => {
      order.push(name);
      Promise.resolve().then(() => Promise.resolve()).then(() => order.push(`after ${name}`));
    });
  }
  await clock.run(10);
  assert.deepEqual(order, ["a", "after a", "b", "after b"]);
});

Deno.test("no timer fires early, whatever the clocks do, and each that is due fires", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new SeededRandom(seed);
    const { clock, host } = world({ monoDriftPpm: below(random, 1_000) - 500 });
    let fired = 0;
    for (let i = 0; i < 200; i++) {
      const dueMs = host.now().monoMs + below(random, 5_000) + 1 / (1 + below(random, 9));
      host.set(dueMs - host.now().monoMs, () => {
        fired++;
        const early = dueMs - host.now().monoMs;
        assert.ok(early <= 1e-6, `seed ${seed}: ${early} ms early`);
        assert.ok(-early < 1, `seed ${seed}: ${-early} ms late`);
      });
      if (i % 7 === 0) host.drift({ monoDriftPpm: below(random, 1_000) - 500 });
      await clock.run(below(random, 40));
    }
    await clock.run(6_000);
    assert.equal(fired, 200, `seed ${seed}`);
  }
});

Deno.test("a pause stops timers and the monotonic clock, not the wall clock", async () => {
  const { clock, host, ran, at } = world();
  at(100, "a");
  await clock.run(50);
  host.pause();
  host.pause();
  await clock.run(10_000);
  assert.deepEqual(ran, []);
  assert.deepEqual(host.now(), { monoMs: 50, wallMs: virtualWallStartMs + 10_050 });
  at(10, "set while it stands still");
  host.resume();
  host.resume();
  await clock.run(50);
  assert.deepEqual(ran, ["set while it stands still@60", "a@100"]);
  assert.equal(host.now().monoMs, 100);
});

Deno.test("a pause that counts sleep lets what fell due meanwhile fire at its end, in order", async () => {
  const { clock, ran, host, at } = world();
  at(300, "c");
  at(100, "a");
  at(200, "b");
  at(20_000, "later");
  host.pause({ countsSleep: true });
  await clock.run(10_000);
  assert.deepEqual(ran, []);
  assert.equal(host.now().monoMs, 10_000);
  host.resume();
  await clock.run(0);
  assert.deepEqual(ran, ["a@10000", "b@10000", "c@10000"]);
  await clock.run(10_000);
  assert.deepEqual(ran.slice(3), ["later@20000"]);
});

Deno.test("a pause holds back what was due at its moment and had not fired", async () => {
  const { clock, ran, host, at } = world();
  at(10, "a", () => host.pause());
  at(10, "b");
  await clock.run(50);
  assert.deepEqual(ran, ["a@10"]);
  host.resume();
  await clock.run(0);
  assert.deepEqual(ran, ["a@10", "b@10"]);
});

Deno.test("forget() drops all timers, those of the present moment too, and new ones are set as ever", async () => {
  const { clock, ran, host, at } = world();
  at(10, "a", () => host.forget());
  at(10, "b");
  at(30, "c");
  await clock.run(20);
  assert.deepEqual(ran, ["a@10"]);
  assert.equal(host.timerCount, 0);
  assert.equal(clock.timerCount, 0);
  at(5, "d");
  await clock.run(50);
  assert.deepEqual(ran, ["a@10", "d@25"]);
});

function world(faults: ClockFaults = {}) {
  const clock = new VirtualClock();
  const host = new HostClock(clock, faults);
  const ran: string[] = [];
  const at = (delayMs: number, name: string, then = () => {}) =>
    host.set(delayMs, () => {
      ran.push(`${name}@${Math.round(host.now().monoMs * 100) / 100}`);
      then();
    });
  return { clock, host, ran, at };
}
