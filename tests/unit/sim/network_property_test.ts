/** What holds on the network in memory whatever is done to it: the books balance, and a seed repeats a run. */

import assert from "node:assert/strict";
import type { ByteStream, DatagramSocket } from "../../../lib/base/ports.ts";
import { below, fraction, pick, SeededRandom } from "../../../lib/base/random.ts";
import type {
  MemoryNetwork,
  NatKind,
  NetworkConditions,
  NetworkEvent,
  NetworkTraffic,
} from "../../../transports/memory.ts";
import { eventText, numberBytes, numberOf, World } from "./network_world.ts";

const hosts = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"] as const;
const strangers = ["10.0.0.99", "9.9.9.9", "9.9.9.8", ...hosts];
const natKinds: readonly NatKind[] = ["full_cone", "address_restricted", "port_restricted", "symmetric"];

/** Random operations on a network, some of them impossible at their moment. */
class Chaos {
  readonly world: World;
  readonly #random: SeededRandom;
  readonly #streams: ByteStream[] = [];
  #sockets: DatagramSocket[] = [];
  #count = 0;

  constructor(seed: number) {
    this.world = new World({}, seed);
    this.#random = new SeededRandom(seed + 1_000_000);
  }

  async step(): Promise<void> {
    const { network, clock } = this.world;
    const [one, other] = [pick(this.#random, hosts), pick(this.#random, hosts)];
    const acts: readonly (() => void | Promise<void>)[] = [
      () => network.change(this.#conditions()),
      () => network.changeLink(one, other, below(this.#random, 4) === 0 ? null : this.#conditions()),
      () => network.cut(one, other, { oneWay: below(this.#random, 2) === 0 }),
      () => network.heal(one, other),
      () => network.partition([[one], hosts.filter((host) => host !== one)]),
      () => network.healAll(),
      () => network.pause(one),
      () => network.resume(one),
      () => network.translate(one, this.#nat()),
      () => network.rebind(one),
      () => this.#crash(one),
      () => this.#connect(one, other),
      () => this.#close(),
      ...new Array<() => Promise<void>>(6).fill(() => this.#bind(one)),
      ...new Array<() => void>(20).fill(() => this.#send()),
      ...new Array<() => void>(6).fill(() => this.#write()),
      ...new Array<() => Promise<void>>(6).fill(() => clock.run(below(this.#random, 60))),
    ];
    await pick(this.#random, acts)();
  }

  #conditions(): Partial<NetworkConditions> {
    const share = () => below(this.#random, 2) * fraction(this.#random) / 2;
    return {
      latencyMs: below(this.#random, 3) * 20,
      jitterMs: below(this.#random, 2) * 15,
      lossShare: share(),
      duplicateShare: share(),
      burst: below(this.#random, 2) === 0
        ? null
        : { enterShare: share(), leaveShare: share(), lossShare: share() },
      reorderShare: share(),
      reorderMs: 100,
      corruptShare: share(),
      datagramBytesMax: pick(this.#random, [50, 1_200, 65_507]),
      bytesPerSecond: pick(this.#random, [null, null, 5_000, 1_000_000]),
      queueBytesMax: pick(this.#random, [0, 1_000, 65_536]),
    };
  }

  #nat() {
    if (below(this.#random, 3) === 0) return null;
    const [kind, publicHost] = [pick(this.#random, natKinds), pick(this.#random, ["9.9.9.9", "9.9.9.8"])];
    return { kind, publicHost, mappingMs: 100 };
  }

  async #bind(host: string): Promise<void> {
    const { socket } = await this.world.reader(host, 0);
    this.#sockets.push(socket);
  }

  #send(): void {
    if (this.#sockets.length === 0) return;
    const socket = pick(this.#random, this.#sockets);
    const known = pick(this.#random, this.#sockets).address;
    const to = below(this.#random, 3) > 0
      ? known
      : { host: pick(this.#random, strangers), port: 20_000 + below(this.#random, 5) };
    const bytes = new Uint8Array(4 + below(this.#random, 300));
    bytes.set(numberBytes(this.#count++));
    socket.send(bytes, to);
  }

  async #connect(from: string, to: string): Promise<void> {
    const listener = await this.world.network.streams(to).listen({ host: to, port: 0 });
    void (async () => {
      for await (const stream of listener) {
        this.#streams.push(stream);
        this.world.drain(stream);
      }
    })();
    const dialling = this.world.network.streams(from).connect(listener.address, new AbortController().signal);
    dialling.then((stream) => this.#streams.push(stream), () => {/* refused, or a host crashed */});
  }

  #write(): void {
    if (this.#streams.length === 0) return;
    const writing = pick(this.#random, this.#streams).write(new Uint8Array(below(this.#random, 9_000)));
    writing.catch(() => {/* the stream broke */});
  }

  #close(): void {
    if (this.#streams.length > 0) pick(this.#random, this.#streams).close();
  }

  #crash(host: string): void {
    this.world.network.closeHost(host);
    this.#sockets = this.#sockets.filter(({ address }) => address.host !== host);
  }
}

/** Counts by what the observer is told alone. */
class Books {
  sent = 0;
  sentBytes = 0;
  duplicated = 0;
  delivered = 0;
  streams = 0;
  readonly dropped: Record<string, number> = {};

  take({ kind, what, bytes, reason }: NetworkEvent): void {
    if (kind === "opened") this.streams++;
    if (what !== "datagram") return;
    if (kind === "sent") this.sent++, this.sentBytes += bytes;
    if (kind === "duplicated") this.duplicated++;
    if (kind === "delivered") this.delivered++;
    if (kind === "dropped") this.dropped[reason!] = (this.dropped[reason!] ?? 0) + 1;
  }

  check(traffic: NetworkTraffic, seed: number): void {
    const dropped = Object.entries(traffic.dropped).filter(([, count]) => count > 0).toSorted();
    const { sent, sentBytes, duplicated, delivered, streams } = this;
    assert.deepEqual(
      { ...traffic, dropped },
      {
        sent,
        sentBytes,
        duplicated,
        delivered,
        streams,
        dropped: Object.entries(this.dropped).toSorted(),
        underWay: sent + duplicated - delivered - Object.values(this.dropped).reduce((a, b) => a + b, 0),
      },
      `seed ${seed}`,
    );
  }
}

Deno.test("[X12] whatever is done to a network, every datagram is delivered, dropped for a reason, or under way (I30)", async () => {
  const reasons = new Set<string>();
  let delivered = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const chaos = new Chaos(seed);
    const { network, clock } = chaos.world;
    const books = new Books();
    network.observer = (event) => books.take(event);
    for (let i = 0; i < 250; i++) {
      await chaos.step();
      books.check(network.traffic(), seed);
    }
    network.healAll();
    for (const host of hosts) network.resume(host);
    await clock.run(60_000);
    assert.equal(network.traffic().underWay, 0, `seed ${seed}: a quiet network has nothing under way`);
    await chaos.step();
    network.close();
    books.check(network.traffic(), seed);
    await clock.settle();
    assert.equal(network.traffic().underWay, 0, `seed ${seed}`);
    assert.equal(clock.timerCount, 0, `seed ${seed}: a closed network leaves no timer`);
    delivered += books.delivered;
    for (const reason of Object.keys(books.dropped)) reasons.add(reason);
  }
  assert.ok(delivered > 1_000, `${delivered} delivered`);
  const possible = ["burst", "capacity", "cut", "loss", "nat", "no_host", "no_socket", "too_large"];
  assert.deepEqual([...reasons].filter((reason) => reason !== "closed").sort(), possible);
});

Deno.test("[X12] one seed gives one sequence of events, observed or not (I28)", async () => {
  const run = async (seed: number, observe: boolean) => {
    const chaos = new Chaos(seed);
    const { network, clock, random } = chaos.world;
    const events: string[] = [];
    if (observe) network.observer = (event) => void events.push(`${clock.now().monoMs} ${eventText(event)}`);
    for (let i = 0; i < 400; i++) await chaos.step();
    await clock.run(10_000);
    const end = { traffic: network.traffic(), draw: random.uint32(), timeMs: clock.now().monoMs };
    network.close();
    return { events, end };
  };
  const traces = new Set<string>();
  for (let seed = 1; seed <= 10; seed++) {
    const [one, again, unseen] = [await run(seed, true), await run(seed, true), await run(seed, false)];
    assert.deepEqual(one, again, `seed ${seed}`);
    assert.deepEqual(one.end, unseen.end, `seed ${seed}`);
    assert.ok(one.events.length > 50);
    traces.add(one.events.join("\n"));
  }
  assert.equal(traces.size, 10, "seeds differ");
});

Deno.test("what never happens, or always, draws no chance", async () => {
  const burst = { enterShare: 0, leaveShare: 0, lossShare: 1 };
  const world = new World({ latencyMs: 10, burst, duplicateShare: 1 });
  const { near } = await world.streams();
  const { from, to, arrived } = await world.sockets();
  await world.numbered(10, from, to.address, arrived);
  await near.write(new Uint8Array(10));
  await world.clock.run(100);
  assert.equal(world.random.uint32(), new SeededRandom(7).uint32());
});

Deno.test("[F9] a stream brings all its bytes in order whatever the network does to it", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const chaos = new SeededRandom(seed);
    const world = new World({ latencyMs: 20, jitterMs: 10 }, seed);
    const { near, far } = await world.streams();
    const seen = world.drain(far);
    const sent: number[] = [];
    for (let i = 0; i < 40; i++) {
      disturb(world.network, chaos);
      const bytes = chaos.bytes(below(chaos, 3_000));
      sent.push(...bytes);
      void near.write(bytes);
      await world.clock.run(below(chaos, 80));
    }
    near.close();
    world.network.healAll();
    world.network.resume("10.0.0.2");
    await world.clock.run(120_000);
    assert.deepEqual(seen.bytes, sent, `seed ${seed}`);
    assert.equal(seen.outcome, "end", `seed ${seed}`);
    world.network.close();
  }
});

Deno.test("datagrams are whole and their own, whatever else the network does to them", async () => {
  const world = new World({
    latencyMs: 5,
    jitterMs: 30,
    duplicateShare: 0.3,
    reorderShare: 0.3,
    reorderMs: 80,
  });
  const { from, to, arrived } = await world.sockets();
  const bytes = new Uint8Array(4);
  for (let i = 0; i < 500; i++) {
    bytes.set(numberBytes(i)); // the sender's buffer is its own again at once
    from.send(bytes, to.address);
    await world.clock.run(1);
  }
  await world.clock.run(200);
  const numbers = new Set(arrived.map(({ bytes }) => numberOf(bytes)));
  assert.equal(numbers.size, 500);
  assert.ok(arrived.length > 600);
  assert.equal(new Set(arrived.map(({ bytes }) => bytes.buffer)).size, arrived.length);
});

function disturb(network: MemoryNetwork, chaos: SeededRandom): void {
  const acts = [
    () => network.change({ lossShare: fraction(chaos) / 3, latencyMs: below(chaos, 100) }),
    () => network.change({ jitterMs: below(chaos, 50) }),
    () =>
      network.changeLink("10.0.0.1", "10.0.0.2", { bytesPerSecond: pick(chaos, [null, 20_000, 200_000]) }),
    () => network.change({ queueBytesMax: pick(chaos, [0, 1_000, 50_000]) }),
    () => network.cut("10.0.0.1", "10.0.0.2", { oneWay: true }),
    () => network.healAll(),
    () => network.pause("10.0.0.2"),
    () => network.resume("10.0.0.2"),
  ];
  pick(chaos, acts)();
}
