/** Address translators of the network in memory: who may reach whom, when, and as whom. */

import assert from "node:assert/strict";
import type { Address, Datagram, DatagramSocket } from "../../../lib/base/ports.ts";
import type { NatKind, NatOptions } from "../../../transports/memory.ts";
import { World } from "./network_world.ts";

const home = "192.168.0.2";
const sibling = "192.168.0.3";
const publicHost = "9.9.9.9";
const first = "10.0.0.1";
const second = "10.0.0.2";

/** A host behind a translator, and two outside with two sockets each. */
class NatWorld extends World {
  readonly outside: { socket: DatagramSocket; arrived: Datagram[] }[] = [];
  inside!: { socket: DatagramSocket; arrived: Datagram[] };

  static async open(kind: NatKind, options: Partial<NatOptions> = {}): Promise<NatWorld> {
    const world = new NatWorld({ latencyMs: 10 });
    await world.clock.run(1_000);
    world.network.translate(home, { kind, publicHost, ...options });
    world.inside = await world.reader(home);
    for (const [host, port] of [[first, 1], [first, 2], [second, 1], [second, 2]] as const) {
      world.outside.push(await world.reader(host, port));
    }
    return world;
  }

  /** Sends from inside to one outside, and tells the address seen there. */
  async seenFrom(index: number): Promise<Address> {
    const { socket, arrived } = this.outside[index]!;
    const before = arrived.length;
    this.inside.socket.send(Uint8Array.of(1), socket.address);
    await this.clock.run(10);
    assert.equal(arrived.length, before + 1);
    return arrived.at(-1)!.from;
  }

  /** Which of those outside are let in at an address. */
  async letIn(to: Address): Promise<number[]> {
    const indexes: number[] = [];
    for (const [index, { socket }] of this.outside.entries()) {
      const before = this.inside.arrived.length;
      socket.send(Uint8Array.of(2), to);
      await this.clock.run(10);
      if (this.inside.arrived.length > before) indexes.push(index);
    }
    return indexes;
  }
}

const letIn: Readonly<Record<NatKind, readonly number[]>> = {
  "full_cone": [0, 1, 2, 3],
  "address_restricted": [0, 1],
  "port_restricted": [0],
  symmetric: [0],
};

for (const kind of Object.keys(letIn) as NatKind[]) {
  Deno.test(`[F22] ${kind}: who was sent to is let in, and who else`, async () => {
    const world = await NatWorld.open(kind);
    const seen = await world.seenFrom(0);
    assert.equal(seen.host, publicHost);
    assert.notEqual(seen.port, world.inside.socket.address.port);
    assert.deepEqual(await world.letIn(seen), letIn[kind]);
    assert.deepEqual(await world.letIn({ ...seen, port: seen.port + 1 }), [], "a port without a mapping");
    assert.deepEqual(await world.letIn(world.inside.socket.address), [], "its own address leads nowhere");
  });

  Deno.test(`[F22] ${kind}: one outside port for all, or for each`, async () => {
    const world = await NatWorld.open(kind);
    const ports = new Set<number>();
    for (const index of [0, 1, 2, 3, 0]) ports.add((await world.seenFrom(index)).port);
    assert.equal(ports.size, kind === "symmetric" ? 4 : 1);
  });

  Deno.test(`[F22] ${kind}: a mapping that sends nothing expires, and one that sends stays`, async () => {
    const world = await NatWorld.open(kind, { mappingMs: 1_000 });
    const seen = await world.seenFrom(0);
    await world.clock.run(900);
    assert.deepEqual(await world.seenFrom(0), seen);
    await world.clock.run(900);
    assert.deepEqual(
      await world.letIn(seen),
      letIn[kind],
      "what comes in does not count, what goes out does",
    );
    await world.clock.run(200);
    assert.deepEqual(await world.letIn(seen), []);
    const later = await world.seenFrom(0);
    assert.notDeepEqual(later, seen);
    assert.deepEqual(await world.letIn(later), letIn[kind]);
  });

  Deno.test(`[F22] ${kind}: after rebind() the old address leads nowhere and a new one is seen`, async () => {
    const world = await NatWorld.open(kind);
    const seen = await world.seenFrom(0);
    world.outside[0]!.socket.send(Uint8Array.of(3), seen); // under way while it happens
    world.network.rebind(home);
    await world.clock.run(10);
    assert.equal(world.inside.arrived.length, 0);
    assert.deepEqual(await world.letIn(seen), []);
    const later = await world.seenFrom(0);
    assert.equal(later.host, publicHost);
    assert.notEqual(later.port, seen.port);
    assert.deepEqual(await world.letIn(later), letIn[kind]);
  });
}

Deno.test("[F22] a filter forgets an address that is no longer sent to, while the mapping stays", async () => {
  const world = await NatWorld.open("port_restricted", { mappingMs: 1_000 });
  const seen = await world.seenFrom(0);
  await world.clock.run(800);
  await world.seenFrom(2);
  await world.clock.run(800);
  assert.deepEqual(await world.letIn(seen), [2]);
});

/** Whether two hosts behind different translators meet: each sends to what a third saw of the other, and answers. */
async function meet(kinds: readonly [NatKind, NatKind]): Promise<boolean> {
  const world = new World({ latencyMs: 10 });
  const peers = await Promise.all(kinds.map(async (kind, i) => {
    const host = `192.168.${i}.2`;
    world.network.translate(host, { kind, publicHost: `9.9.9.${i + 1}` });
    return await world.reader(host);
  }));
  const meeting = await world.reader(first);
  for (const { socket } of peers) socket.send(Uint8Array.of(1), meeting.socket.address);
  await world.clock.run(10);
  const seen = meeting.arrived.map(({ from }) => from);
  for (let round = 0; round < 3; round++) {
    for (const [i, { socket, arrived }] of peers.entries()) {
      socket.send(Uint8Array.of(2), arrived.at(-1)?.from ?? seen[1 - i]!);
    }
    await world.clock.run(10);
  }
  return peers.every(({ arrived }) => arrived.length > 0);
}

Deno.test("[F22] hole punching works between all kinds but symmetric ones with strict ones", async () => {
  const kinds = Object.keys(letIn) as NatKind[];
  const meetings: string[] = [];
  for (const [i, one] of kinds.entries()) {
    for (const other of kinds.slice(i)) {
      meetings.push(`${one} ${other} ${await meet([one, other]) ? "meet" : "fail"}`);
    }
  }
  assert.deepEqual(meetings, [
    "full_cone full_cone meet",
    "full_cone address_restricted meet",
    "full_cone port_restricted meet",
    "full_cone symmetric meet",
    "address_restricted address_restricted meet",
    "address_restricted port_restricted meet",
    "address_restricted symmetric meet",
    "port_restricted port_restricted meet",
    "port_restricted symmetric fail",
    "symmetric symmetric fail",
  ]);
});

Deno.test("two hosts behind one translator reach each other directly, and by their outside addresses", async () => {
  const world = await NatWorld.open("full_cone");
  world.network.translate(sibling, { kind: "full_cone", publicHost });
  const other = await world.reader(sibling);
  const seen = await world.seenFrom(0);
  other.socket.send(Uint8Array.of(1), world.inside.socket.address);
  other.socket.send(Uint8Array.of(2), seen);
  await world.clock.run(10);
  const [direct, around] = world.inside.arrived;
  assert.deepEqual(direct!.from, other.socket.address);
  assert.equal(around!.from.host, publicHost);
  assert.notEqual(around!.from.port, seen.port);
});

Deno.test("rebind() of one host leaves the others behind its translator alone", async () => {
  const world = await NatWorld.open("full_cone");
  world.network.translate(sibling, { kind: "full_cone", publicHost });
  const seen = await world.seenFrom(0);
  world.network.rebind(sibling);
  assert.deepEqual(await world.letIn(seen), [0, 1, 2, 3]);
  assert.deepEqual(await world.seenFrom(1), seen);
});

Deno.test("copies of a datagram go the same way through a translator", async () => {
  const world = await NatWorld.open("symmetric");
  world.network.change({ duplicateShare: 1 });
  const { socket, arrived } = world.outside[0]!;
  world.inside.socket.send(Uint8Array.of(1), socket.address);
  await world.clock.run(10);
  assert.deepEqual(arrived.map(({ from }) => from.host), [publicHost, publicHost]);
  socket.send(Uint8Array.of(2), arrived[0]!.from);
  await world.clock.run(10);
  socket.send(Uint8Array.of(3), arrived[0]!.from);
  world.network.rebind(home); // while they are under way
  await world.clock.run(10);
  assert.deepEqual(world.inside.arrived.map(({ bytes }) => bytes[0]), [2, 2]);
});

Deno.test("an outside port that is in use is not given again when the ports have all been used", async () => {
  const world = await NatWorld.open("full_cone");
  world.network.translate(sibling, { kind: "symmetric", publicHost });
  const other = await world.bind(sibling);
  const seen = await world.seenFrom(0);
  for (let i = 0; i < 46_000; i++) {
    other.send(new Uint8Array(1), { host: `10.1.${i >> 8}.${i & 255}`, port: 1 });
    if (i % 1_000 === 0) assert.deepEqual(await world.seenFrom(0), seen);
  }
  assert.deepEqual(await world.letIn(seen), [0, 1, 2, 3]);
});

Deno.test("conditions and cuts of a host behind a translator go by its own address", async () => {
  const world = await NatWorld.open("full_cone");
  const seen = await world.seenFrom(0);
  world.network.cut(first, home, { oneWay: true });
  assert.deepEqual(await world.letIn(seen), [2, 3]);
  assert.equal(world.network.traffic().dropped.cut, 2);
});

Deno.test("an attempt from outside to open a stream to a translated host is lost", async () => {
  const world = await NatWorld.open("full_cone");
  const seen = await world.seenFrom(0);
  const listener = await world.network.streams(home).listen({ host: home, port: 4000 });
  const controller = new AbortController();
  const outcomes: string[] = [];
  for (const to of [listener.address, { ...seen, port: 4000 }, seen]) {
    const attempt = world.network.streams(first).connect(to, controller.signal);
    attempt.then(() => outcomes.push("connected"), (error) => outcomes.push(error.code));
  }
  await world.clock.run(60_000);
  assert.deepEqual(outcomes, []);
  controller.abort();
  await world.clock.settle();
  assert.deepEqual(outcomes, ["aborted", "aborted", "aborted"]);
  world.network.close();
});

Deno.test("[F22] a translated host opens streams under its outside address, and rebind() breaks them", async () => {
  const world = await NatWorld.open("symmetric");
  world.network.translate(sibling, { kind: "symmetric", publicHost });
  const open = async (from: string, to: string) => {
    const listener = await world.network.streams(to).listen({ host: to, port: 0 });
    const accepted = listener[Symbol.asyncIterator]().next();
    const dialled = world.network.streams(from).connect(listener.address, new AbortController().signal);
    const [near, far] = await world.clock.until(Promise.all([dialled, accepted]), 1_000);
    return { near, far: far.value! };
  };
  const crossing = await open(home, first);
  const local = await open(home, sibling);
  const closed = await open(home, first);
  closed.near.close();
  assert.equal(crossing.far.remote.host, publicHost);
  assert.equal(local.far.remote.host, home);
  const ends = [crossing.near, crossing.far, local.near, local.far].map((stream) => world.drain(stream));
  const startedMs = world.clock.now().monoMs;
  const events = world.watch();
  world.network.rebind(home);
  await world.clock.run(100);
  assert.deepEqual(ends.map(({ outcome }) => outcome), ["closed", "closed", null, null]);
  assert.deepEqual(ends.map(({ endedMs }) => endedMs === null ? null : endedMs - startedMs), [
    0,
    10,
    null,
    null,
  ]);
  assert.equal(events.filter((event) => event.includes("broken")).length, 2);
  await open(home, first);
  world.network.close();
});

Deno.test("translate() with null puts a host on the open network", async () => {
  const world = await NatWorld.open("port_restricted");
  const seen = await world.seenFrom(0);
  world.network.translate(home, null);
  assert.deepEqual(await world.letIn(seen), []);
  assert.deepEqual(await world.letIn(world.inside.socket.address), [0, 1, 2, 3]);
  assert.deepEqual(await world.seenFrom(0), world.inside.socket.address);
});

Deno.test("an outside address is no host, and the other way round", async () => {
  const { network } = await NatWorld.open("full_cone");
  for (const outside of [first, home, sibling]) {
    assert.throws(() => network.translate(sibling, { kind: "full_cone", publicHost: outside }), TypeError);
  }
  assert.throws(() => network.datagrams(publicHost), TypeError);
  assert.throws(
    () => network.translate(sibling, { kind: "full_cone", publicHost, mappingMs: -1 }),
    RangeError,
  );
  network.rebind(first); // not translated: nothing to forget
});

Deno.test("a translator forgets the least recently used mapping beyond its limit", async () => {
  const world = await NatWorld.open("symmetric");
  const seen = await world.seenFrom(0);
  for (let port = 1; port <= 4_096; port++) {
    world.inside.socket.send(new Uint8Array(1), { host: second, port });
  }
  await world.clock.run(10);
  assert.deepEqual(await world.letIn(seen), []);
});
