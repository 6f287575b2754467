/** Links over real TCP on loopback. */

import assert from "node:assert/strict";
import type { Timers } from "../../lib/base/ports.ts";
import { silentLog } from "../../lib/platform/log.ts";
import { createClock } from "../../lib/platform/clock.ts";
import { createCrypto } from "../../lib/platform/crypto.ts";
import { createKem } from "../../lib/platform/kem.ts";
import { createRandom } from "../../lib/platform/random.ts";
import { createTimers } from "../../lib/platform/timers.ts";
import { Links, type LinksPorts } from "../../lib/peer/links.ts";
import { handshakeMsMax } from "../../lib/peer/limits.ts";
import { TcpStreams } from "../../transports/tcp.ts";
import { within } from "../contract/real_world.ts";
import { graphOf, Recorder, signerOf } from "../unit/peer/link_world.ts";

const home = { host: "127.0.0.1", port: 0 };

Deno.test("[G04][G06] two peers share graphs over one real port", async () => {
  const [alice, bob] = [createLinks(1), createLinks(2)];
  const address = await bob.listen(home);
  assert.ok(address.port > 0);
  const graphs = [1, 2].map((byte) => ({ id: graphOf(byte), near: new Waiter(), far: new Waiter() }));
  for (const { id, near, far } of graphs) {
    alice.register(id, near);
    bob.register(id, far);
  }
  const link = await within(alice.connect(address, { expect: signerOf(2).publicKey }));
  for (const { id } of graphs) alice.openChannel(link, id);
  for (const { near, far } of graphs) await within(Promise.all([near.reached(1), far.reached(1)]));
  const frame = Uint8Array.from({ length: 60_000 }, (_, i) => i & 255);
  for (const { near } of graphs) {
    for (let i = 0; i < 8; i++) assert.equal(near.channels[0]!.send(frame.subarray(i)), true);
  }
  for (const { far } of graphs) {
    await within(far.reached(9));
    assert.deepEqual(far.events, ["up", ...Array.from({ length: 8 }, (_, i) => `frame ${60_000 - i}`)]);
  }
  await closeAll(alice, bob);
  assert.equal(graphs[0]!.near.events.at(-1), "down closed");
});

Deno.test("[G07][G08][G10] wrong peer, refused, self and duplicate over real TCP", async () => {
  const [alice, bob] = [createLinks(1), createLinks(2)];
  const [own, address] = [await alice.listen(home), await bob.listen(home)];
  await assert.rejects(within(alice.connect(address, { expect: graphOf(1) })), { code: "wrong_peer" });
  await assert.rejects(within(alice.connect(own)), { code: "connect_self" });
  await assert.rejects(within(alice.connect({ host: "127.0.0.1", port: 1 })), { code: "connect_failed" });
  await assert.rejects(bob.listen(address), { code: "port_in_use" });
  const other = await bob.listen(home);
  const [link, same] = await within(Promise.all([alice.connect(address), alice.connect(other)]));
  assert.equal(link, same);
  assert.equal(await within(alice.connect(other)), link);
  await closeAll(alice, bob);
});

Deno.test("[G10] peers that dial each other at once over real TCP keep one link", async () => {
  for (let i = 0; i < 20; i++) {
    const [alice, bob] = [createLinks(1), createLinks(2)];
    const graphs = [new Waiter(), new Waiter()];
    alice.register(graphOf(1), graphs[0]!);
    bob.register(graphOf(1), graphs[1]!);
    const addresses = [await alice.listen(home), await bob.listen(home)];
    const dial = async (links: Links, to: number) =>
      links.openChannel(await links.connect(addresses[to]!), graphOf(1));
    await within(Promise.all([dial(alice, 1), dial(bob, 0)]));
    await within(Promise.all(graphs.map((graph) => graph.isUp())));
    assert.equal(alice.peers().length, 1);
    assert.equal(bob.peers().length, 1);
    await closeAll(alice, bob);
  }
});

Deno.test("[T11] half-open TCP streams are closed, and honest peers still get in", async () => {
  // Time runs a hundred times as fast for this peer's deadlines.
  const bob = createLinks(2, fast(100));
  const address = await bob.listen(home);
  const silent = await Promise.all(
    Array.from({ length: 60 }, () => Deno.connect({ hostname: address.host, port: address.port })),
  );
  const ends = silent.map((stream) => stream.read(new Uint8Array(1)).catch(() => null));
  await within(Promise.all(ends));
  for (const stream of silent) stream.close();
  const alice = createLinks(1);
  assert.equal((await within(alice.connect(address))).isOpen, true);
  await closeAll(alice, bob);
});

Deno.test("[G31] connecting to a TCP port that never answers ends in time and by signal", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = { host: "127.0.0.1", port: listener.addr.port };
  const hurried = createLinks(1, fast(100));
  await assert.rejects(within(hurried.connect(address, { timeoutMs: handshakeMsMax / 2 })), {
    code: "timeout",
  });
  await assert.rejects(within(hurried.connect(address, { timeoutMs: handshakeMsMax * 2 })), {
    code: "connect_failed",
  });
  const controller = new AbortController();
  const patient = createLinks(3);
  const attempt = patient.connect(address, { signal: controller.signal });
  controller.abort();
  await assert.rejects(within(attempt), { code: "aborted" });
  const ended = assert.rejects(patient.connect(address), { code: "closed" });
  await closeAll(hurried, patient);
  await within(ended);
  listener.close();
});

Deno.test("garbage on a real port ends each stream and nothing else", async () => {
  const [alice, bob] = [createLinks(1), createLinks(2)];
  const address = await bob.listen(home);
  const random = createRandom();
  for (let i = 0; i < 40; i++) {
    const stream = await Deno.connect({ hostname: address.host, port: address.port });
    const bytes = random.bytes(1 + i * 60);
    bytes[0] = i % 2;
    await stream.write(bytes).catch(() => 0);
    if (i % 4 === 0) await stream.closeWrite().catch(() => 0);
    if (i % 4 !== 1 || bytes.length > 2) stream.close();
    else await within(stream.read(new Uint8Array(1))).finally(() => stream.close());
  }
  assert.equal((await within(alice.connect(address))).isOpen, true);
  await closeAll(alice, bob);
});

/** A recorder whose events can be awaited. */
class Waiter extends Recorder {
  #wake: () => void = () => {};

  override onEvent = (): void => queueMicrotask(() => this.#wake());

  /** Waits until so many things have happened. */
  reached(count: number): Promise<void> {
    return this.#until(() => this.events.length >= count);
  }

  /** Waits until a channel stands. */
  isUp(): Promise<void> {
    return this.#until(() => this.channels.length > 0);
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#wake = resolve);
  }
}

function createLinks(byte: number, timers: Timers = createTimers()): Links {
  return new Links(createPorts(timers), signerOf(byte));
}

function createPorts(timers: Timers): LinksPorts {
  return {
    clock: createClock(),
    timers,
    random: createRandom(),
    crypto: createCrypto(),
    kem: createKem(),
    streams: new TcpStreams(timers),
    log: silentLog,
  };
}

function fast(times: number): Timers {
  const timers = createTimers();
  return { set: (delayMs, callback) => timers.set(delayMs / times, callback) };
}

async function closeAll(...all: readonly Links[]): Promise<void> {
  await within(Promise.all(all.map((links) => links.close())));
}
