/** Each fault of the network in memory happens at the share that was asked, and where it was asked. */

import assert from "node:assert/strict";
import type { ByteStream } from "../../../lib/base/ports.ts";
import { SeededRandom } from "../../../lib/base/random.ts";
import { MemoryNetwork, type NetworkConditions } from "../../../transports/memory.ts";
import { a, b, numberBytes, World } from "./network_world.ts";

const c = "10.0.0.3";

function within(value: number, least: number, most: number, what: string): void {
  assert.ok(value >= least && value <= most, `${what}: ${value}, not from ${least} to ${most}`);
}

/** How long the gaps between the numbers are. */
function gaps(numbers: readonly number[]): number[] {
  const lengths: number[] = [];
  for (let i = 1; i < numbers.length; i++) {
    if (numbers[i]! - numbers[i - 1]! > 1) lengths.push(numbers[i]! - numbers[i - 1]! - 1);
  }
  return lengths;
}

Deno.test("[F8] loss by chance takes the stated share, scattered", async () => {
  const world = new World({ lossShare: 0.1 });
  const { from, to, arrived } = await world.sockets();
  const numbers = await world.numbered(10_000, from, to.address, arrived);
  const { dropped } = world.network.traffic();
  assert.equal(dropped.loss, 10_000 - numbers.length);
  within(dropped.loss, 850, 1_150, "lost of 10,000 at a share of 0.1");
  const lengths = gaps(numbers);
  within(dropped.loss / lengths.length, 1, 1.25, "mean length of a gap");
});

Deno.test("[F8] bursts take enter / (enter + leave) of all, 1 / leave at a time", async () => {
  const world = new World({ burst: { enterShare: 0.01, leaveShare: 0.1, lossShare: 1 } });
  const { from, to, arrived } = await world.sockets();
  const numbers = await world.numbered(20_000, from, to.address, arrived);
  const { dropped } = world.network.traffic();
  assert.equal(dropped.burst, 20_000 - numbers.length);
  assert.equal(dropped.loss, 0);
  within(dropped.burst, 1_400, 2_300, "lost of 20,000 at a share of 1 / 11");
  within(dropped.burst / gaps(numbers).length, 8, 12, "mean length of a burst");
});

Deno.test("[F8] a bad direction loses only its share, and only that direction", async () => {
  const world = new World({ burst: { enterShare: 1, leaveShare: 0, lossShare: 0.5 } });
  world.network.changeLink(b, a, { burst: null });
  const { from, to, arrived } = await world.sockets();
  const back = await world.reader(a);
  within((await world.numbered(2_000, from, to.address, arrived)).length, 900, 1_100, "forth");
  assert.equal((await world.numbered(100, to, back.socket.address, back.arrived)).length, 100);
});

Deno.test("[F9] duplicates come at the stated share and take ways of their own", async () => {
  const world = new World({ latencyMs: 5, jitterMs: 20, duplicateShare: 0.3 });
  const { from, to, arrived } = await world.sockets();
  const numbers = await world.numbered(5_000, from, to.address, arrived);
  assert.equal(new Set(numbers).size, 5_000);
  within(numbers.length - 5_000, 1_350, 1_650, "second copies");
  assert.equal(world.network.traffic().duplicated, numbers.length - 5_000);
  assert.notEqual(arrived[0]!.bytes.buffer, arrived[1]!.bytes.buffer);
});

Deno.test("[F9] reordering delays the stated share, and leaves the others their time", async () => {
  const world = new World({ latencyMs: 10, reorderShare: 0.2, reorderMs: 40 });
  const sentMs = new Map<number, number>();
  const delays: number[] = [];
  const { from, to, arrived } = await world.sockets();
  world.network.observer = ({ kind, content }) => {
    const number = content[0]! + (content[1]! << 8);
    if (kind === "sent") sentMs.set(number, world.clock.now().monoMs);
    if (kind === "delivered") delays.push(world.clock.now().monoMs - sentMs.get(number)!);
  };
  const numbers = await world.numbered(5_000, from, to.address, arrived);
  const late = delays.filter((delayMs) => Math.round(delayMs * 1000) !== 10_000);
  within(late.length, 900, 1_100, "late ones of 5,000 at a share of 0.2");
  within(Math.max(...late), 45, 50, "the latest");
  within(Math.min(...late), 10, 11, "the least late");
  const overtaken = numbers.filter((number, i) => numbers.slice(0, i).some((other) => other > number));
  within(overtaken.length, 800, 1_100, "overtaken");
});

Deno.test("[F10] corruption flips one bit of the stated share, and none at the sender", async () => {
  const world = new World({ corruptShare: 0.25 });
  const { from, to, arrived } = await world.sockets();
  const sent = new Uint8Array(64).fill(0x5a);
  for (let i = 0; i < 4_000; i++) {
    from.send(sent, to.address);
    await world.clock.settle();
  }
  assert.ok(sent.every((byte) => byte === 0x5a));
  const flipped = arrived.map(({ bytes }) => bytes.reduce((bits, byte) => bits + bitCount(byte ^ 0x5a), 0));
  within(flipped.filter((bits) => bits === 1).length, 900, 1_100, "with one flipped bit");
  assert.ok(flipped.every((bits) => bits <= 1));
  const places = new Set(arrived.map(({ bytes }) => bytes.findIndex((byte) => byte !== 0x5a)));
  assert.equal(places.size, 65, "every byte is hit, and some datagrams are whole");
  world.network.change({ corruptShare: 1 });
  from.send(new Uint8Array(0), to.address); // has no bit to flip
});

Deno.test("[F11] what is longer than a direction carries vanishes", async () => {
  const world = new World({ datagramBytesMax: 1_200 });
  const { from, to, arrived } = await world.sockets();
  for (const length of [1_199, 1_200, 1_201, 65_507]) from.send(new Uint8Array(length), to.address);
  await world.clock.settle();
  assert.deepEqual(arrived.map(({ bytes }) => bytes.length), [1_199, 1_200]);
  assert.equal(world.network.traffic().dropped.too_large, 2);
});

Deno.test("capacity sends datagrams one after the other, and loses what finds the queue full", async () => {
  const world = new World({ latencyMs: 5, bytesPerSecond: 10_000, queueBytesMax: 3_000 });
  const { from, to } = await world.sockets();
  const told: string[] = [];
  world.network.observer = ({ kind, bytes, content, reason }) => {
    if (kind !== "sent") told.push(`${world.clock.now().monoMs} ${kind} ${content[0]} ${bytes} ${reason}`);
  };
  for (let i = 0; i < 5; i++) from.send(new Uint8Array(1_000).fill(i), to.address);
  await world.clock.run(1_000);
  from.send(new Uint8Array(4_000), to.address); // longer than the queue, which is empty
  await world.clock.run(1_000);
  assert.deepEqual(told, [
    "0 dropped 3 1000 capacity",
    "0 dropped 4 1000 capacity",
    "105 delivered 0 1000 null",
    "205 delivered 1 1000 null",
    "305 delivered 2 1000 null",
    "1405 delivered 0 4000 null",
  ]);
});

Deno.test("capacity of one direction is one for all that goes there, and another for the way back", async () => {
  const world = new World({ bytesPerSecond: 1_000 });
  const [forth, back, aside] = [await world.reader(b), await world.reader(a), await world.reader(c)];
  const sender = await world.bind(a, 9);
  const second = await world.bind(a, 10);
  const events = world.watch();
  sender.send(new Uint8Array(100), forth.socket.address);
  second.send(new Uint8Array(100), forth.socket.address);
  sender.send(new Uint8Array(100), aside.socket.address);
  forth.socket.send(new Uint8Array(100), back.socket.address);
  await world.clock.run(1_000);
  const times = events.filter((event) => event.includes("delivered")).map((event) => event.slice(0, 3));
  assert.deepEqual(times, ["100", "100", "100", "200"]);
});

Deno.test("[F18] a stream takes its capacity's time, in order, and its writer waits", async () => {
  const world = new World({ latencyMs: 5, bytesPerSecond: 100_000, queueBytesMax: 8_192 });
  const { near, far } = await world.streams();
  const sent = Uint8Array.from({ length: 500_000 }, (_, i) => (i * 31 + (i >> 8)) & 255);
  let writtenMs = 0;
  const startedMs = world.clock.now().monoMs;
  void near.write(sent).then(() => {
    writtenMs = world.clock.now().monoMs;
    near.close();
  });
  const received = await world.clock.until(readAll(far), 60_000);
  assert.deepEqual(received, sent);
  within(world.clock.now().monoMs - startedMs, 5_000, 5_010, "500,000 bytes at 100,000 a second");
  within(writtenMs - startedMs, 2_000, 2_500, "the writer waits for all but what is unread");
});

Deno.test("streams and datagrams of one direction take turns", async () => {
  const world = new World({ bytesPerSecond: 100_000, queueBytesMax: 16_384 });
  const first = await world.streams();
  const second = await world.streams();
  const { from, to, arrived } = await world.sockets();
  const read = { first: 0, second: 0 };
  void count(first.far, (bytes) => void (read.first += bytes));
  void count(second.far, (bytes) => void (read.second += bytes));
  void first.near.write(new Uint8Array(200_000));
  void second.near.write(new Uint8Array(200_000));
  for (let i = 0; i < 100; i++) {
    await world.clock.run(20);
    from.send(numberBytes(i), to.address);
  }
  within(read.first, 90_000, 110_000, "the first stream's half of two seconds");
  within(read.second, 90_000, 110_000, "the second one's");
  within(arrived.length, 20, 100, "datagrams that found room");
  world.network.change({ bytesPerSecond: null });
  await world.clock.run(1_000);
  assert.deepEqual(read, { first: 200_000, second: 200_000 });
  first.near.close();
  second.near.close();
  world.network.close();
  assert.equal(world.clock.timerCount, 0);
});

Deno.test("a lost part of a stream holds up all behind it by one retransmission", async () => {
  const world = new World({ latencyMs: 10 });
  const { near, far } = await world.streams();
  const arrivals: string[] = [];
  void count(far, (bytes) => void arrivals.push(`${bytes} at ${world.clock.now().monoMs - startedMs}`));
  const startedMs = world.clock.now().monoMs;
  await near.write(new Uint8Array(1));
  world.network.change({ lossShare: 1 });
  await near.write(new Uint8Array(2));
  world.network.change({ lossShare: 0 });
  await near.write(new Uint8Array(3));
  await world.clock.run(1_000);
  await near.write(new Uint8Array(4));
  await world.clock.run(1_000);
  assert.deepEqual(arrivals, ["1 at 10", "2 at 210", "3 at 210", "4 at 1010"]);
});

Deno.test("a stream follows a change of latency and keeps its order", async () => {
  const world = new World({ latencyMs: 100 });
  const { near, far } = await world.streams();
  const arrivals: string[] = [];
  const startedMs = world.clock.now().monoMs;
  void count(far, (bytes) => void arrivals.push(`${bytes} at ${world.clock.now().monoMs - startedMs}`));
  await near.write(new Uint8Array(1));
  world.network.change({ latencyMs: 10 });
  await near.write(new Uint8Array(2)); // would overtake
  await world.clock.run(200);
  await near.write(new Uint8Array(3));
  world.network.change({ latencyMs: 0 });
  await near.write(new Uint8Array(4)); // would overtake as well
  await world.clock.run(200);
  assert.deepEqual(arrivals, ["1 at 100", "2 at 100", "3 at 210", "4 at 210"]);
});

Deno.test("a stream draws its jitter once, and a direction does not bind other streams to it", async () => {
  const world = new World({ latencyMs: 10, jitterMs: 30 });
  const delays = new Set<string>();
  for (let stream = 0; stream < 5; stream++) {
    const { near, far } = await world.streams();
    let sentMs = 0;
    void count(far, () => void delays.add((world.clock.now().monoMs - sentMs).toFixed(6)));
    for (let i = 0; i < 10; i++) {
      sentMs = world.clock.now().monoMs;
      await near.write(new Uint8Array(1));
      await world.clock.run(50);
    }
  }
  assert.equal(delays.size, 5);
});

Deno.test("a lost attempt to open a stream takes as much longer", async () => {
  const world = new World({ latencyMs: 10 });
  world.network.changeLink(a, b, { lossShare: 1 });
  await world.streams();
  assert.equal(world.clock.now().monoMs, 220);
});

Deno.test("a stream that sends little waits for its turn behind one that waits for room", async () => {
  const world = new World({ bytesPerSecond: 1_000_000, queueBytesMax: 6_000 });
  const [first, second] = [await world.streams(), await world.streams()];
  const arrivals: string[] = [];
  void count(first.far, (bytes) => void arrivals.push(`first ${bytes}`));
  void count(second.far, (bytes) => void arrivals.push(`second ${bytes}`));
  await first.near.write(new Uint8Array(12_288));
  await second.near.write(new Uint8Array(10)); // for which there is room
  await world.clock.run(1_000);
  assert.deepEqual(arrivals, ["first 4096", "first 4096", "second 10", "first 4096"]);
});

Deno.test("what waits for room enters as soon as there is no limit any more", async () => {
  const world = new World();
  const [first, second] = [await world.streams(), await world.streams()];
  const seen = world.drain(second.far);
  world.network.change({ bytesPerSecond: 1, queueBytesMax: 0 });
  await first.near.write(new Uint8Array(1_000));
  await second.near.write(Uint8Array.of(7));
  await world.clock.run(100);
  assert.deepEqual(seen.bytes, []);
  world.network.change({ bytesPerSecond: null });
  await world.clock.run(10);
  assert.deepEqual(seen.bytes, [7]);
  world.network.close();
  assert.equal(world.clock.timerCount, 0);
});

Deno.test("[F13] conditions of one direction stand over the general ones until they are taken back", async () => {
  const world = new World({ latencyMs: 10 });
  const { from, to, arrived } = await world.sockets();
  const back = await world.reader(a);
  const delays = async () => {
    const startedMs = world.clock.now().monoMs;
    const seen: number[] = [];
    world.network.observer = ({ kind }) => {
      if (kind === "delivered") seen.push(world.clock.now().monoMs - startedMs);
    };
    from.send(Uint8Array.of(1), to.address);
    to.send(Uint8Array.of(2), back.socket.address);
    await world.clock.run(1_000);
    return seen;
  };
  world.network.changeLink(a, b, { latencyMs: 70 });
  assert.deepEqual(await delays(), [10, 70]);
  world.network.change({ latencyMs: 20, jitterMs: 0 });
  assert.deepEqual(await delays(), [20, 70]);
  world.network.changeLink(a, b, { datagramBytesMax: 0 });
  assert.deepEqual(await delays(), [20]);
  world.network.changeLink(a, b, null);
  assert.deepEqual(await delays(), [20, 20]);
  assert.equal(arrived.length, 3);
  world.network.changeLink(a, b, { latencyMs: 70 });
  world.network.changeLink(a, b, { duplicateShare: 1 });
  assert.deepEqual(await delays(), [20, 70, 70], "changes of one direction add up");
});

Deno.test("impossible conditions are refused, and change nothing", () => {
  const { network } = new World({ latencyMs: 10 });
  const impossible: Partial<NetworkConditions>[] = [
    { lossShare: 1.1 },
    { lossShare: -0.1 },
    { duplicateShare: NaN },
    { reorderShare: 2 },
    { corruptShare: 2 },
    { jitterMs: -1 },
    { latencyMs: -1 },
    { reorderMs: Infinity },
    { datagramBytesMax: -1 },
    { bytesPerSecond: 0 },
    { queueBytesMax: -1 },
    { burst: { enterShare: 2, leaveShare: 0, lossShare: 0 } },
    { burst: { enterShare: 0, leaveShare: 2, lossShare: 0 } },
    { burst: { enterShare: 0, leaveShare: 0, lossShare: 2 } },
  ];
  for (const conditions of impossible) {
    assert.throws(() => network.change(conditions), RangeError, JSON.stringify(conditions));
    assert.throws(() => network.changeLink(a, b, conditions), RangeError, JSON.stringify(conditions));
  }
  network.change({ latencyMs: 20 });
  network.changeLink(a, b, { latencyMs: 30 });
  const timers = { set: () => ({ cancel: () => {} }) };
  assert.throws(() => new MemoryNetwork({ timers, random: new SeededRandom(1) }), TypeError);
});

function bitCount(byte: number): number {
  let bits = 0;
  for (let rest = byte; rest > 0; rest >>= 1) bits += rest & 1;
  return bits;
}

async function readAll(stream: ByteStream): Promise<Uint8Array> {
  const bytes: number[] = [];
  await count(stream, (_length, chunk) => {
    for (const byte of chunk) bytes.push(byte);
  });
  return Uint8Array.from(bytes);
}

async function count(stream: ByteStream, take: (length: number, chunk: Uint8Array) => void): Promise<void> {
  const buffer = new Uint8Array(65_536);
  for (let length = await stream.read(buffer); length !== null; length = await stream.read(buffer)) {
    take(length, buffer.subarray(0, length));
  }
}
