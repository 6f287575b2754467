import assert from "node:assert/strict";
import { VirtualClock, virtualWallStartMs } from "../../../lib/sim/virtual_clock.ts";

Deno.test("advance() runs due timers by time, then by the order they were set", () => {
  const clock = new VirtualClock();
  const ran: string[] = [];
  const at = (ms: number, name: string) => clock.set(ms, () => ran.push(`${name}@${clock.now().monoMs}`));
  at(20, "c");
  at(10, "a");
  at(10, "b");
  at(31, "late");
  at(-5, "past");
  clock.advance(30);
  assert.deepEqual(ran, ["past@0", "a@10", "b@10", "c@20"]);
  assert.equal(clock.now().monoMs, 30);
  assert.equal(clock.next(), 31);
  assert.equal(clock.timerCount, 1);
});

Deno.test("advance() runs timers that timers set, and none that were cancelled", () => {
  const clock = new VirtualClock();
  const ran: number[] = [];
  const doomed = clock.set(5, () => ran.push(-1));
  const sameMoment = clock.set(4, () => ran.push(4));
  clock.set(1, () => {
    doomed.cancel();
    clock.set(2, () => ran.push(clock.now().monoMs));
  });
  clock.set(4, () => ran.push(-2)).cancel();
  clock.set(4, () => later.cancel());
  const later = clock.set(4, () => ran.push(-3));
  clock.advance(10);
  sameMoment.cancel();
  assert.deepEqual(ran, [3, 4]);
  assert.equal(clock.next(), null);
  assert.equal(clock.timerCount, 0);
});

Deno.test("advanceUntil() stops where the condition first holds, or at the end", () => {
  const clock = new VirtualClock();
  let count = 0;
  const tick = () => void (count++, clock.set(10, tick));
  clock.set(10, tick);
  assert.equal(clock.advanceUntil(() => count === 3, 1_000), true);
  assert.equal(clock.now().monoMs, 30);
  assert.equal(clock.advanceUntil(() => count === 9, 15), false);
  assert.equal(clock.now().monoMs, 45);
});

Deno.test("run() lets promises settle between timers", async () => {
  const clock = new VirtualClock();
  const seen: number[] = [];
  const wait = (ms: number) => new Promise<void>((resolve) => clock.set(ms, resolve));
  const work = (async () => {
    for (let i = 0; i < 5; i++) {
      await wait(10);
      for (let hops = 0; hops < 50; hops++) await Promise.resolve();
      seen.push(clock.now().monoMs);
    }
  })();
  await clock.run(35);
  assert.deepEqual(seen, [10, 20, 30]);
  assert.equal(await clock.runUntil(() => seen.length === 4, 1_000), true);
  assert.equal(clock.now().monoMs, 40);
  await clock.until(work, 100);
  assert.equal(clock.now().monoMs, 50);
  await assert.rejects(clock.until(new Promise(() => {}), 100), /100 ms of virtual time/);
});

Deno.test("run() waits for real work that is held", async () => {
  const clock = new VirtualClock();
  const order: string[] = [];
  clock.set(1, () => {
    clock.hold(crypto.subtle.digest("SHA-256", new Uint8Array(1_000_000))).then(() => order.push("real"));
    void assert.rejects(clock.hold(Promise.reject(new Error("its holder's to handle"))));
  });
  clock.set(2, () => void order.push("virtual"));
  await clock.run(5);
  assert.deepEqual(order, ["real", "virtual"]);
});

Deno.test("jumpWall() and view() move wall clocks only", () => {
  const clock = new VirtualClock();
  const ahead = clock.view({ wallOffsetMs: 5_000 });
  const plain = clock.view();
  clock.advance(100);
  clock.jumpWall(-1_000);
  ahead.jumpWall(1);
  assert.deepEqual(clock.now(), { monoMs: 100, wallMs: virtualWallStartMs + 100 - 1_000 });
  assert.deepEqual(ahead.now(), { monoMs: 100, wallMs: virtualWallStartMs + 100 - 1_000 + 5_001 });
  assert.deepEqual(plain.now(), clock.now());
});
