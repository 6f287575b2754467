/** Partitions, stalled hosts and what an observer is told by the network in memory. */

import assert from "node:assert/strict";
import { numberBytes, numberOf, World } from "./network_world.ts";

const hosts = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"] as const;
const [a, b, c, d] = hosts;

/** Who reaches whom, as `1>2` for the last numbers of the addresses. */
class Mesh {
  readonly world: World = new World({ latencyMs: 10 });
  readonly #sockets = new Map<string, Awaited<ReturnType<World["reader"]>>>();

  async open(): Promise<this> {
    for (const host of hosts) this.#sockets.set(host, await this.world.reader(host));
    return this;
  }

  async reached(): Promise<string> {
    const routes: string[] = [];
    this.world.network.observer = ({ kind, from, to }) => {
      if (kind === "delivered") routes.push(`${from.host.at(-1)}>${to.host.at(-1)}`);
    };
    for (const from of hosts) {
      for (const to of hosts) {
        if (from !== to) this.#sockets.get(from)!.socket.send(new Uint8Array(1), { host: to, port: 4000 });
      }
    }
    await this.world.clock.run(1_000);
    return routes.sort().join(" ");
  }
}

const everybody = "1>2 1>3 1>4 2>1 2>3 2>4 3>1 3>2 3>4 4>1 4>2 4>3";

Deno.test("[F12] a partition parts its groups, replaces the one before, and ends", async () => {
  const mesh = await new Mesh().open();
  const { network } = mesh.world;
  assert.equal(await mesh.reached(), everybody);
  network.partition([[a, b], [c, d]]);
  assert.equal(await mesh.reached(), "1>2 2>1 3>4 4>3");
  network.partition([[a], [b, c, d]]);
  assert.equal(await mesh.reached(), "2>3 2>4 3>2 3>4 4>2 4>3");
  network.partition([]);
  assert.equal(await mesh.reached(), everybody);
});

Deno.test("[F13] who is in no group of a partition reaches all", async () => {
  const mesh = await new Mesh().open();
  mesh.world.network.partition([[a], [c], [d]]);
  assert.equal(await mesh.reached(), "1>2 2>1 2>3 2>4 3>2 4>2");
});

Deno.test("a partition and cuts stand beside each other until healAll()", async () => {
  const mesh = await new Mesh().open();
  const { network } = mesh.world;
  network.partition([[a, b], [c, d]]);
  network.cut(a, b, { oneWay: true });
  network.cut(c, d);
  assert.equal(await mesh.reached(), "2>1");
  network.heal(c, d);
  network.heal(a, c); // the partition stays
  assert.equal(await mesh.reached(), "2>1 3>4 4>3");
  network.healAll();
  assert.equal(await mesh.reached(), everybody);
});

Deno.test("a partition with a host in two groups is refused, and the one before stays", async () => {
  const mesh = await new Mesh().open();
  mesh.world.network.partition([[a, b], [c, d]]);
  assert.throws(() => mesh.world.network.partition([[a, b], [b, c]]), TypeError);
  assert.equal(await mesh.reached(), "1>2 2>1 3>4 4>3");
});

Deno.test("[F12] a partition holds streams up until it ends, new ones too", async () => {
  const world = new World();
  const { near, far } = await world.streams();
  const seen = world.drain(far);
  world.network.partition([[a], [b]]);
  await near.write(Uint8Array.of(1));
  const opening = world.openStreams(); // waits as long
  await world.clock.run(60_000);
  assert.deepEqual(seen.bytes, []);
  world.network.partition([]);
  await world.clock.settle();
  assert.deepEqual(seen.bytes, [1]);
  await world.clock.until(opening, 20);
});

Deno.test("[F14] a link that flaps passes what arrives while it is up", async () => {
  const world = new World();
  const { near, far } = await world.streams();
  const { from, to, arrived } = await world.sockets();
  const seen = world.drain(far);
  for (let i = 0; i < 20; i++) {
    if (i % 2 === 0) world.network.cut(a, b);
    else world.network.heal(a, b);
    from.send(numberBytes(i), to.address);
    await near.write(Uint8Array.of(i));
    await world.clock.run(100);
  }
  assert.deepEqual(arrived.map(({ bytes }) => numberOf(bytes)), [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
  assert.deepEqual(seen.bytes, Array.from({ length: 20 }, (_, i) => i));
});

Deno.test("[F17] what arrives at a stalled host waits, and comes in its order when it goes on", async () => {
  const world = new World();
  const { near, far } = await world.streams();
  const { from, to, arrived } = await world.sockets();
  const back = await world.reader(a);
  const [seen, seenBack] = [world.drain(far), world.drain(near)];
  world.network.pause(b);
  for (let i = 0; i < 5; i++) {
    from.send(numberBytes(i), to.address);
    await near.write(Uint8Array.of(i));
  }
  to.send(Uint8Array.of(1), back.socket.address);
  await far.write(Uint8Array.of(7));
  await world.clock.run(30_000);
  assert.deepEqual([seen.bytes, arrived, world.network.traffic().underWay], [[], [], 5]);
  assert.deepEqual([seenBack.bytes, back.arrived.length], [[7], 1], "what it sends still leaves");
  world.network.resume(b);
  from.send(numberBytes(5), to.address);
  await world.clock.run(10);
  assert.deepEqual(seen.bytes, [0, 1, 2, 3, 4]);
  assert.deepEqual(arrived.map(({ bytes }) => numberOf(bytes)), [0, 1, 2, 3, 4, 5]);
});

Deno.test("[F17] a stalled host loses datagrams beyond its socket's queue, and those for no socket", async () => {
  const world = new World();
  const { from, to, arrived } = await world.sockets();
  world.network.pause(b);
  for (let i = 0; i < 1_030; i++) from.send(numberBytes(i), to.address);
  from.send(numberBytes(0), { ...to.address, port: 1 });
  await world.clock.run(1_000);
  const { dropped } = world.network.traffic();
  assert.deepEqual([dropped.socket_queue, dropped.no_socket], [6, 1]);
  world.network.resume(b);
  await world.clock.settle();
  assert.equal(arrived.length, 1_024);
});

Deno.test("[F17] a new stream to a stalled host waits for it", async () => {
  const world = new World();
  world.network.pause(b);
  const opening = world.openStreams();
  let isOpen = false;
  void opening.then(() => isOpen = true);
  await world.clock.run(60_000);
  assert.equal(isOpen, false);
  world.network.resume(b);
  await world.clock.run(10);
  assert.equal(isOpen, true);
});

Deno.test("a stalled host that crashes loses what waited, and a new one there is not stalled", async () => {
  const world = new World();
  const { near, far } = await world.streams();
  const { from, to } = await world.sockets();
  const [atNear, atFar] = [world.drain(near), world.drain(far)];
  world.network.pause(b);
  from.send(numberBytes(1), to.address);
  await near.write(Uint8Array.of(1));
  await world.clock.run(100);
  world.network.closeHost(b);
  await world.clock.run(100);
  const { dropped, underWay } = world.network.traffic();
  assert.deepEqual([dropped.no_host, underWay], [1, 0]);
  assert.deepEqual([atNear.outcome, atFar.outcome, atFar.bytes], ["closed", "closed", []]);
  const { socket, arrived } = await world.reader(b);
  from.send(numberBytes(2), socket.address);
  await world.clock.run(10);
  assert.equal(arrived.length, 1);
});

Deno.test("close() drops what is under way and what waits, and leaves no timer", async () => {
  const world = new World();
  const [{ near }, idle] = [await world.streams(), await world.streams()];
  const { from, to } = await world.sockets();
  from.send(numberBytes(1), to.address);
  await world.clock.run(5);
  world.network.pause(b);
  await world.clock.run(5);
  world.network.change({ bytesPerSecond: 1_000, queueBytesMax: 0 });
  from.send(numberBytes(1), to.address);
  const writing = near.write(new Uint8Array(10_000));
  await world.clock.settle();
  world.network.close();
  near.close();
  const { underWay, dropped } = world.network.traffic();
  assert.deepEqual([underWay, dropped.closed, dropped.no_host], [0, 1, 1]);
  await world.clock.settle();
  await writing; // it all fitted into what a stream holds unread
  idle.near.close();
  idle.far.close();
  assert.equal(world.clock.timerCount, 0);
});

Deno.test("an observer is told everything, in order (I30)", async () => {
  const world = new World();
  const { from, to } = await world.sockets();
  const events = world.watch();
  from.send(Uint8Array.of(1), to.address);
  from.send(Uint8Array.of(2), { host: b, port: 9 });
  from.send(Uint8Array.of(3), { host: c, port: 9 });
  const { near, far } = await world.streams();
  await near.write(Uint8Array.of(4));
  await world.clock.run(10);
  far.close();
  await near.write(Uint8Array.of(5)); // crosses the end of the stream
  await world.clock.run(10);
  const refused = world.network.streams(a).connect({ host: b, port: 9 }, new AbortController().signal);
  await assert.rejects(world.clock.until(refused, 100));
  const [last, closed] = [await world.streams(), await world.streams()];
  world.network.closeHost(b);
  closed.near.close(); // before it could break
  await world.clock.run(10);
  await assert.rejects(last.near.write(Uint8Array.of(6)));
  assert.deepEqual(events, [
    "0 sent datagram 10.0.0.1:49152 10.0.0.2:4000 1 01",
    "0 sent datagram 10.0.0.1:49152 10.0.0.2:9 1 02",
    "0 sent datagram 10.0.0.1:49152 10.0.0.3:9 1 03",
    "0 dropped datagram 10.0.0.1:49152 10.0.0.3:9 1 03 no_host",
    "0 sent connect 10.0.0.1:49153 10.0.0.2:49152 0 ",
    "10 delivered datagram 10.0.0.1:49152 10.0.0.2:4000 1 01",
    "10 dropped datagram 10.0.0.1:49152 10.0.0.2:9 1 02 no_socket",
    "10 delivered connect 10.0.0.1:49153 10.0.0.2:49152 0 ",
    "10 opened stream 10.0.0.1:49153 10.0.0.2:49152 0 ",
    "20 sent chunk 10.0.0.1:49153 10.0.0.2:49152 1 04",
    "30 delivered chunk 10.0.0.1:49153 10.0.0.2:49152 1 04",
    "30 sent chunk 10.0.0.1:49153 10.0.0.2:49152 1 05",
    "40 dropped chunk 10.0.0.1:49153 10.0.0.2:49152 1 05 closed",
    "40 sent connect 10.0.0.1:49154 10.0.0.2:9 0 ",
    "50 delivered connect 10.0.0.1:49154 10.0.0.2:9 0 ",
    "50 refused stream 10.0.0.1:49154 10.0.0.2:9 0 ",
    "60 sent connect 10.0.0.1:49155 10.0.0.2:49153 0 ",
    "70 delivered connect 10.0.0.1:49155 10.0.0.2:49153 0 ",
    "70 opened stream 10.0.0.1:49155 10.0.0.2:49153 0 ",
    "80 sent connect 10.0.0.1:49156 10.0.0.2:49154 0 ",
    "90 delivered connect 10.0.0.1:49156 10.0.0.2:49154 0 ",
    "90 opened stream 10.0.0.1:49156 10.0.0.2:49154 0 ",
    "100 broken stream 10.0.0.2:49153 10.0.0.1:49155 0 ",
    "100 broken stream 10.0.0.2:49154 10.0.0.1:49156 0 ",
    "110 broken stream 10.0.0.1:49155 10.0.0.2:49153 0 ",
  ]);
});

Deno.test("islands and cuts tell what parts hosts now, and are others only after a change", () => {
  const { network } = new World();
  const none = network.islands;
  assert.equal(none.size, 0);
  assert.deepEqual(network.cuts, []);
  network.partition([[a, b], [c]]);
  assert.deepEqual([...network.islands], [[a, 0], [b, 0], [c, 1]]);
  const { islands } = network;
  network.cut(a, b, { oneWay: true });
  network.cut(c, d);
  assert.equal(network.islands, islands, "a cut is no island");
  assert.deepEqual(network.cuts, [[a, b], [c, d], [d, c]]);
  const { cuts } = network;
  assert.equal(network.cuts, cuts);
  network.heal(d, c);
  assert.deepEqual(network.cuts, [[a, b]]);
  network.partition([]);
  assert.deepEqual([network.islands.size, network.cuts.length], [0, 1]);
  network.partition([[a], [b]]);
  assert.deepEqual([network.islands.size, network.cuts.length], [2, 1]);
  network.healAll();
  assert.deepEqual([network.islands.size, network.cuts.length], [0, 0]);
});
