import assert from "node:assert/strict";
import { a, b, World } from "./network_world.ts";

Deno.test("MemoryNetwork takes one latency for a datagram, one round trip for a new stream", async () => {
  const world = new World();
  const { from, to, arrived } = await world.sockets();
  from.send(Uint8Array.of(1), to.address);
  await world.clock.run(9);
  assert.equal(arrived.length, 0);
  await world.clock.run(1);
  assert.equal(arrived.length, 1);
  const started = world.clock.now().monoMs;
  await world.streams();
  assert.equal(world.clock.now().monoMs - started, 20);
  world.network.close();
});

Deno.test("MemoryNetwork loses and doubles the stated share of datagrams, and counts", async () => {
  const world = new World({ latencyMs: 5, jitterMs: 20, lossShare: 0.25, duplicateShare: 0.5 });
  const { from, to, arrived } = await world.sockets();
  for (let i = 0; i < 1_000; i++) {
    from.send(Uint8Array.of(i & 255, i >> 8), to.address);
    await world.clock.run(1);
  }
  await world.clock.run(100);
  const order = arrived.map(({ bytes }) => bytes[0]! + (bytes[1]! << 8));
  const distinct = new Set(order).size;
  const traffic = world.network.traffic();
  assert.deepEqual(traffic, {
    ...traffic,
    sent: 1_000,
    sentBytes: 2_000,
    dropped: { ...traffic.dropped, loss: 1_000 - distinct },
    underWay: 0,
  });
  assert.ok(distinct > 700 && distinct < 800, `${distinct} arrived`);
  assert.ok(
    order.length - distinct > 300 && order.length - distinct < 450,
    `${order.length - distinct} twice`,
  );
  assert.ok(order.some((id, i) => i > 0 && id < order[i - 1]!), "jitter changes the order");
  world.network.close();
});

Deno.test("MemoryNetwork repeats a run exactly from its seed", async () => {
  const run = async () => {
    const world = new World({ latencyMs: 5, jitterMs: 20, lossShare: 0.3 });
    const { from, to, arrived } = await world.sockets();
    for (let i = 0; i < 50; i++) from.send(Uint8Array.of(i), to.address);
    await world.clock.run(100);
    world.network.close();
    return arrived.map(({ bytes }) => bytes[0]);
  };
  assert.deepEqual(await run(), await run());
});

Deno.test("a cut loses datagrams and holds streams up until it heals", async () => {
  const world = new World();
  const { near, far } = await world.streams();
  const { from, to, arrived } = await world.sockets();
  const seen = world.drain(far);
  await near.write(Uint8Array.of(1));
  world.network.cut(a, b); // the first byte is under way
  await near.write(Uint8Array.of(2));
  from.send(Uint8Array.of(1), to.address);
  await world.clock.run(60_000);
  assert.deepEqual(seen.bytes, []);
  world.network.heal(a, b);
  await near.write(Uint8Array.of(3));
  near.close();
  await world.clock.run(10);
  assert.deepEqual({ bytes: seen.bytes, outcome: seen.outcome }, { bytes: [1, 2, 3], outcome: "end" });
  assert.equal(arrived.length, 0);
  assert.equal(world.network.traffic().dropped.cut, 1);
  world.network.close();
});

Deno.test("a cut of one way leaves the other way alone", async () => {
  const world = new World();
  const { near, far } = await world.streams();
  world.network.cut(a, b, { oneWay: true });
  const [atNear, atFar] = [world.drain(near), world.drain(far)];
  await near.write(Uint8Array.of(1));
  await far.write(Uint8Array.of(2));
  await world.clock.run(10);
  assert.deepEqual([atNear.bytes, atFar.bytes], [[2], []]);
  world.network.close();
});

Deno.test("[G31] an attempt across a cut waits for its signal", async () => {
  const world = new World();
  const listener = await world.network.streams(b).listen({ host: b, port: 0 });
  world.network.cut(a, b);
  const controller = new AbortController();
  const attempt = world.network.streams(a).connect(listener.address, controller.signal);
  let outcome = "waits";
  attempt.then(() => outcome = "connected", (error) => outcome = error.code);
  await world.clock.run(60_000);
  assert.equal(outcome, "waits");
  controller.abort();
  await world.clock.settle();
  assert.equal(outcome, "aborted");
  world.network.heal(a, b); // what comes too late is closed again
  const late = listener[Symbol.asyncIterator]();
  const { value } = await world.clock.until(late.next(), 100);
  const seen = world.drain(value!);
  await world.clock.run(100);
  assert.equal(seen.outcome, "end");
  world.network.close();
});

Deno.test("a host that crashes breaks its streams at the other ends, and its address can live again", async () => {
  const world = new World();
  const { near, far } = await world.streams();
  const { from, to, arrived } = await world.sockets();
  const [atNear, atFar] = [world.drain(near), world.drain(far)];
  const started = world.clock.now().monoMs;
  const old = world.network.streams(b);
  world.network.closeHost(b);
  from.send(Uint8Array.of(1), to.address);
  await world.clock.run(50);
  assert.deepEqual([atFar.outcome, atFar.endedMs], ["closed", started]);
  assert.deepEqual([atNear.outcome, atNear.endedMs], ["closed", started + 10]);
  await assert.rejects(near.write(Uint8Array.of(1)), { code: "closed" });
  await assert.rejects(old.listen({ host: b, port: 0 }), { code: "closed" });
  assert.equal(arrived.length, 0);
  await world.streams(); // a new host at the same address
  world.network.close();
});

Deno.test("a crash behind a cut is noticed only when the cut heals", async () => {
  const world = new World();
  const { near } = await world.streams();
  const seen = world.drain(near);
  world.network.cut(a, b);
  world.network.closeHost(b);
  await world.clock.run(3_600_000);
  assert.equal(seen.outcome, null);
  world.network.heal(a, b);
  await world.clock.settle();
  assert.equal(seen.outcome, "closed");
  world.network.close();
});

Deno.test("an end whose other end has closed closes without another signal", async () => {
  const world = new World();
  const { near, far } = await world.streams();
  far.close();
  await world.clock.run(10);
  near.close();
  assert.equal(world.clock.timerCount, 0);
});

Deno.test("close() leaves no timer and settles what waits", async () => {
  const world = new World();
  const { near, far } = await world.streams();
  const seen = world.drain(far);
  await near.write(Uint8Array.of(1));
  const listener = await world.network.streams(b).listen({ host: b, port: 0 });
  const attempt = world.network.streams(a).connect(listener.address, new AbortController().signal);
  assert.ok(world.clock.timerCount > 0);
  world.network.close();
  await assert.rejects(attempt, { code: "closed" });
  await world.clock.settle();
  assert.equal(seen.outcome, "closed");
  assert.equal(world.clock.timerCount, 0);
});

Deno.test("a listener that nobody serves refuses streams beyond its backlog", async () => {
  const world = new World({ latencyMs: 0 });
  const listener = await world.network.streams(b).listen({ host: b, port: 9 });
  const connect = () => world.network.streams(a).connect(listener.address, new AbortController().signal);
  const outcomes = await Promise.allSettled(Array.from({ length: 130 }, connect));
  assert.equal(outcomes.filter(({ status }) => status === "rejected").length, 2);
  world.network.close();
});
