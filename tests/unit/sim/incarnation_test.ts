import assert from "node:assert/strict";
import type { RecordStore } from "../../../lib/base/ports.ts";
import { Incarnation } from "../../../lib/sim/incarnation.ts";
import type { VirtualClock } from "../../../lib/sim/virtual_clock.ts";
import { MemoryStore } from "../../../lib/storage/memory_store.ts";
import { a, b, World } from "./network_world.ts";

Deno.test("a living incarnation passes everything on: timers, streams, datagrams, store, keys, failures", async () => {
  const { clock, network } = new World({ latencyMs: 10 });
  const life = new Incarnation();
  let fired = 0;
  life.timers(clock).set(5, () => fired++);
  const listener = await life.streams(network.streams(a)).listen({ host: a, port: 1 });
  const accepted = listener[Symbol.asyncIterator]().next();
  const near = await clock.until(
    life.streams(network.streams(b)).connect(listener.address, new AbortController().signal),
    1_000,
  );
  const far = (await clock.until(accepted, 1_000)).value!;
  await clock.until(near.write(Uint8Array.of(7)), 1_000);
  const buffer = new Uint8Array(4);
  assert.equal(await clock.until(far.read(buffer), 1_000), 1);
  const socket = await life.datagrams(network.datagrams(a)).bind({ host: a, port: 2 });
  const received = socket[Symbol.asyncIterator]().next();
  const other = await life.datagrams(network.datagrams(b)).bind({ host: b, port: 0 });
  other.send(Uint8Array.of(9), socket.address);
  assert.deepEqual((await clock.until(received, 1_000)).value!.bytes, Uint8Array.of(9));
  const store = life.store(new MemoryStore());
  await store.commit({ sets: [{ key: ["k"], value: Uint8Array.of(1) }], deletes: [], bodies: [] } as never);
  assert.equal((await Array.fromAsync(store.list([]))).length, 1);
  await assert.rejects(life.guard(Promise.reject(new Error("its own"))), /its own/);
  assert.equal(fired, 1);
  for (const open of [listener, socket, other, near, far]) open.close();
  network.close();
});

Deno.test("nothing that a crashed incarnation waited for settles, whatever comes of it", async () => {
  const { clock, network } = new World({ latencyMs: 10 });
  const life = new Incarnation();
  const listener = await life.streams(network.streams(a)).listen({ host: a, port: 1 });
  const socket = await life.datagrams(network.datagrams(a)).bind({ host: a, port: 2 });
  const stranger = await network.datagrams(b).bind({ host: b, port: 0 });
  const settled: string[] = [];
  const wait = (name: string, promise: Promise<unknown>) =>
    void promise.then(() => settled.push(name), () => settled.push(`${name} failed`));
  const [won, lost] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  wait("won", life.guard(won.promise));
  wait("lost", life.guard(lost.promise));
  wait("accept", listener[Symbol.asyncIterator]().next());
  wait("receive", socket[Symbol.asyncIterator]().next());
  const remote = { host: b, port: 9 };
  wait("connect", life.streams(network.streams(a)).connect(remote, new AbortController().signal));
  life.timers(clock).set(50, () => settled.push("timer"));
  stranger.send(Uint8Array.of(1), socket.address);
  wait(
    "dial",
    network.streams(b).connect(listener.address, new AbortController().signal).then((s) => s.close()),
  );
  life.end();
  won.resolve();
  lost.reject(new Error("taken by nobody"));
  await clock.run(60_000);
  assert.deepEqual(settled, ["dial"], "the other end alone goes on");
  assert.equal(life.isOver, true);
  stranger.close();
  network.close();
});

Deno.test("a crashed incarnation sends nothing, sets no timer and reaches no store and no keys", async () => {
  const { clock, network } = new World({ latencyMs: 10 });
  const life = new Incarnation();
  const calls: string[] = [];
  const call = (name: string) => (): never => {
    calls.push(name);
    throw new Error("reached");
  };
  const [timers, store, keys] = [
    life.timers({ set: call("set") }),
    life.store(
      {
        ...{ commit: call("commit"), list: call("list"), read: call("read") },
        ...{ readBody: call("readBody"), close: call("close") },
      } as unknown as RecordStore,
    ),
    life.keys({ read: call("read keys"), write: call("write keys") }),
  ];
  const socket = await life.datagrams(network.datagrams(a)).bind({ host: a, port: 0 });
  const receiver = await network.datagrams(b).bind({ host: b, port: 2 });
  let arrived = 0;
  (async () => {
    for await (const _ of receiver) arrived++;
  })();
  const near = await openStream(life, network, clock);
  let sent = 0;
  network.observer = ({ kind }) => void (kind === "sent" && sent++);
  life.end();
  socket.send(Uint8Array.of(1), receiver.address);
  near.write(Uint8Array.of(1));
  near.close();
  timers.set(0, () => calls.push("fired")).cancel();
  store.commit({} as never);
  store.read(["k"]);
  store.readBody("x" as never);
  store.close();
  keys.read();
  keys.write(new Uint8Array());
  await clock.run(60_000);
  assert.deepEqual([calls, sent, arrived], [[], 0, 0]);
  receiver.close();
  network.close();
  await clock.run(1);
});

async function openStream(life: Incarnation, network: World["network"], clock: VirtualClock) {
  const listener = await network.streams(b).listen({ host: b, port: 1 });
  const accepted = listener[Symbol.asyncIterator]().next();
  const near = await clock.until(
    life.streams(network.streams(a)).connect(listener.address, new AbortController().signal),
    1_000,
  );
  await clock.until(accepted, 1_000);
  return near;
}
