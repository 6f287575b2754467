/** Clouds as users hold them, on a virtual clock and a network in memory. */

import assert from "node:assert/strict";
import { utf8 } from "../../../lib/base/bytes.ts";
import { PeerError } from "../../../lib/base/errors.ts";
import type { Datagrams, DatagramSocket, TimerHandle, Timers } from "../../../lib/base/ports.ts";
import { SeededRandom } from "../../../lib/base/random.ts";
import { Identity } from "../../../lib/identity/identity.ts";
import { CloudDriver } from "../../../lib/peer/cloud_driver.ts";
import { NamesHandle } from "../../../lib/peer/names.ts";
import { silentLog } from "../../../lib/platform/log.ts";
import { VirtualClock } from "../../../lib/sim/virtual_clock.ts";
import { MemoryNetwork } from "../../../transports/memory.ts";
import { crypto } from "../../sim/names_world.ts";

class Scene {
  readonly clock = new VirtualClock();
  readonly random = new SeededRandom(77);
  readonly network: MemoryNetwork;
  /** Delays that were asked of the timers. */
  readonly delays: number[] = [];
  readonly timers: Timers = {
    set: (delayMs, callback): TimerHandle => {
      this.delays.push(delayMs);
      return this.clock.set(delayMs, callback);
    },
  };
  endpoints: string[] = ["tcp://10.0.0.1:5000"];

  constructor(latencyMs = 5) {
    this.network = new MemoryNetwork({ timers: this.clock, random: this.random, latencyMs });
  }

  openCloud(host: string, name = "home", datagrams?: Datagrams): Promise<CloudDriver> {
    return CloudDriver.open({
      clock: this.clock,
      timers: this.timers,
      random: this.random,
      crypto,
      datagrams: datagrams ?? this.network.datagrams(host),
      log: silentLog,
    }, { name, scope: "private", address: { host, port: 4_000 } });
  }

  namesOver(...clouds: CloudDriver[]): NamesHandle {
    return new NamesHandle({
      crypto,
      random: this.random,
      clouds,
      identity: Identity.fromSeed(crypto, this.random.bytes(32), "tester"),
      identityOf: (name) => Identity.fromSeed(crypto, crypto.sha256(utf8(name)), name),
      endpoints: () => this.endpoints,
    });
  }

  until<T>(promise: Promise<T>, maxMs = 60_000): Promise<T> {
    return this.clock.until(promise, maxMs);
  }

  async codeOf(promise: Promise<unknown>): Promise<string | null> {
    try {
      await this.until(promise);
      return null;
    } catch (error) {
      if (error instanceof PeerError) return error.code;
      throw error;
    }
  }

  async close(...names: NamesHandle[]): Promise<void> {
    for (const one of names) await this.until(one.close());
    this.network.close();
  }
}

/** Two peers of one cloud that know each other. */
async function openPair(scene: Scene): Promise<[NamesHandle, NamesHandle]> {
  const a = scene.namesOver(await scene.openCloud("10.0.0.1"));
  const b = scene.namesOver(await scene.openCloud("10.0.0.2"));
  await scene.until(b.bootstrap(["10.0.0.1:4000"]));
  await scene.clock.run(2_000); // until the first knows the second too
  return [a, b];
}

Deno.test("[N22] a resolve waits 30 s if it is not told otherwise, and as long as it is told", async () => {
  const scene = new Scene(400);
  const [a, b] = await openPair(scene);
  scene.delays.length = 0;
  assert.equal(await scene.codeOf(b.resolve("0.nobody")), "name_not_found");
  assert.ok(scene.delays.includes(30_000));
  const startMs = scene.clock.now().monoMs;
  assert.equal(await scene.codeOf(b.resolve("0.nobody", { timeoutMs: 50 })), "timeout");
  assert.equal(scene.clock.now().monoMs, startMs + 50);
  await scene.close(a, b);
});

Deno.test("[N22] a resolve whose time is over gives what it has found by then", async () => {
  const scene = new Scene(20);
  const [a, b] = await openPair(scene);
  const c = scene.namesOver(await scene.openCloud("10.0.0.3"));
  await scene.until(c.bootstrap(["10.0.0.1:4000"]));
  await scene.until(a.register("0.both"));
  await scene.until(b.register("0.both"));
  scene.network.closeHost("10.0.0.2");
  const found = await scene.until(c.resolve("0.both", { timeoutMs: 150 }));
  assert.deepEqual(found.map(({ verified }) => verified), [true]);
  await scene.close(a, b, c);
});

Deno.test("[N23] a signal and a broken loop end a resolve", async () => {
  const scene = new Scene(200);
  const [a, b] = await openPair(scene);
  await scene.until(a.register("0.here"));
  const controller = new AbortController();
  const code = scene.codeOf(b.resolve("0.here", { signal: controller.signal }));
  controller.abort();
  assert.equal(await code, "aborted");
  const each = b.resolveEach("0.here")[Symbol.asyncIterator]();
  const first = await scene.until(each.next());
  assert.equal(first.done, false);
  await scene.until(each.return!());
  assert.equal((await each.next()).done, true);
  await scene.close(a, b);
});

Deno.test("a registration that is given up leaves nothing published", async () => {
  const scene = new Scene(200);
  const [a, b] = await openPair(scene);
  assert.equal(await scene.codeOf(a.register("0.never", { timeoutMs: 100 })), "timeout");
  await scene.clock.run(5_000);
  assert.equal(await scene.codeOf(b.resolve("0.never")), "name_not_found");
  assert.deepEqual(a.registrations(), []);
  await scene.close(a, b);
});

Deno.test("[N07] [N24] a name in one cloud or in all; all clouds are asked at the same time", async () => {
  const scene = new Scene(100);
  const home = await scene.openCloud("10.0.0.1", "home");
  const work = await scene.openCloud("10.1.0.1", "work");
  const both = scene.namesOver(home, work);
  const atHome = scene.namesOver(await scene.openCloud("10.0.0.2", "home"));
  const atWork = scene.namesOver(await scene.openCloud("10.1.0.2", "work"));
  await scene.until(both.bootstrap(["10.0.0.2:4000"], { cloud: "home" }));
  await scene.until(both.bootstrap(["10.1.0.2:4000"], { cloud: "work" }));
  await scene.until(both.register("0.everywhere"));
  await scene.until(both.register("0.private", { cloud: "home" }));
  assert.equal((await scene.until(atHome.resolve("0.everywhere")))[0]!.cloud, "home");
  assert.equal((await scene.until(atWork.resolve("0.everywhere")))[0]!.cloud, "work");
  assert.equal((await scene.until(atHome.resolve("0.private"))).length, 1);
  assert.equal(await scene.codeOf(atWork.resolve("0.private")), "name_not_found");
  await scene.until(atWork.register("0.shared"));
  await scene.until(atHome.register("0.shared"));
  const startMs = scene.clock.now().monoMs;
  const found = await scene.until(both.resolve("0.shared"));
  assert.deepEqual(found.map(({ cloud }) => cloud).sort(), ["home", "work"]);
  assert.ok(scene.clock.now().monoMs - startMs < 800, "one after the other would take twice as long");
  await scene.close(both, atHome, atWork);
});

Deno.test("[N09] automatic endpoints follow the peer", async () => {
  const scene = new Scene();
  const [a, b] = await openPair(scene);
  await scene.until(a.register("0.roaming", { payload: "kept" }));
  scene.endpoints = ["tcp://10.0.0.1:6000"];
  await scene.until(a.endpointsChanged());
  const [found] = await scene.until(b.resolve("0.roaming"));
  assert.deepEqual([found!.endpoints, found!.payload], [["tcp://10.0.0.1:6000"], "kept"]);
  await scene.close(a, b);
});

Deno.test("[N27] names that are none, and comments and payloads over their bounds, are refused at once", async () => {
  const scene = new Scene();
  const [a, b] = await openPair(scene);
  for (const text of ["", "0", "0.", "chat", "1.chat"]) {
    assert.equal(await scene.codeOf(a.resolve(text)), "invalid_peer_name");
  }
  await assert.rejects(a.register("0.long", { comment: "c".repeat(40) }), RangeError);
  await assert.rejects(a.register("0.long", { payload: new Uint8Array(4_097) }), RangeError);
  await assert.rejects(a.resolve("0.many", { max: 33 }), RangeError);
  await scene.until(a.register("0.long", { comment: "\u{1f426}".repeat(39), payload: "p".repeat(4_096) }));
  const [found] = await scene.until(b.resolve("0.long"));
  assert.equal(found!.payload, "p".repeat(4_096));
  await scene.close(a, b);
});

Deno.test("a cloud that loses its socket says so and binds it again", async () => {
  const scene = new Scene();
  const datagrams = scene.network.datagrams("10.0.0.1");
  const sockets: DatagramSocket[] = [];
  const watched: Datagrams = {
    bind: async (address) => {
      const socket = await datagrams.bind(address);
      sockets.push(socket);
      return socket;
    },
  };
  const driver = await scene.openCloud("10.0.0.1", "home", watched);
  const a = scene.namesOver(driver);
  const b = scene.namesOver(await scene.openCloud("10.0.0.2"));
  await scene.until(b.bootstrap(["10.0.0.1:4000"]));
  await scene.clock.run(1_000);
  sockets[0]!.close();
  await scene.clock.settle();
  assert.equal(a.clouds()[0]!.state, "no_network");
  assert.equal(await scene.clock.runUntil(() => driver.state !== "no_network", 10_000), true);
  await scene.clock.run(5_000); // until they have found each other again
  await scene.until(b.register("0.after"));
  assert.equal((await scene.until(a.resolve("0.after"))).length, 1);
  await scene.close(a, b);
});

Deno.test("closing ends calls under way and leaves no timer behind", async () => {
  const scene = new Scene(200);
  const [a, b] = await openPair(scene);
  await scene.until(a.register("0.here"));
  const code = scene.codeOf(b.resolve("0.here"));
  await scene.close(b, a);
  assert.equal(await code, "closed");
  assert.equal(scene.clock.next(), null);
  assert.equal(await scene.codeOf(a.resolve("0.here")), "closed");
});
