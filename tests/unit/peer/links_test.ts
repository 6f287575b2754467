import assert from "node:assert/strict";
import { SeededRandom } from "../../../lib/base/random.ts";
import { Links } from "../../../lib/peer/links.ts";
import { idleLinkMsMin, pendingHandshakesMax } from "../../../lib/peer/limits.ts";
import { graphOf, LinkWorld, Recorder, signerOf, type TestPeer, worldTest } from "./link_world.ts";

const never = new AbortController().signal;

worldTest("connect() gives one link that both ends see", async (world) => {
  const [alice, bob] = [await world.peer(1), await world.peer(2)];
  const link = await world.connect(alice, bob);
  await world.clock.run(100);
  assert.deepEqual(link.peer, bob.publicKey);
  assert.equal(link.dialled, true);
  const [other, ...others] = bob.links.peers();
  assert.deepEqual(others, []);
  assert.deepEqual(other!.peer, alice.publicKey);
  assert.equal(other!.dialled, false);
  assert.equal(bob.links.linkTo(alice.publicKey), other);
  assert.equal(alice.links.linkTo(graphOf(9)), null);
});

worldTest("a hello tells endpoints, program and wall clock", async (world) => {
  const endpoints = [{ transport: "tcp", address: { host: "10.0.0.2", port: 9 } }] as const;
  const [alice, bob] = [await world.peer(1), await world.peer(2, { agent: "bob 1", endpoints })];
  const link = await world.connect(alice, bob);
  assert.deepEqual(link.peerEndpoints, [...endpoints, { transport: "tcp", address: bob.home }]);
  assert.equal(link.peerAgent, "bob 1");
  const { wallMs, at } = link.peerClock!;
  assert.equal(at.wallMs - wallMs, 10); // the latency of this network
});

worldTest("[G06] several graphs share one link and one port, each with its own frames", async (world) => {
  const [alice, bob] = [await world.peer(1), await world.peer(2)];
  const graphs = [1, 2, 3].map((byte) => ({ id: graphOf(byte), near: new Recorder(), far: new Recorder() }));
  for (const { id, near, far } of graphs) {
    alice.links.register(id, near);
    bob.links.register(id, far);
  }
  const link = await world.connect(alice, bob);
  for (const { id } of graphs) alice.links.openChannel(link, id);
  await world.clock.run(100);
  for (const [i, { near }] of graphs.entries()) assert.ok(near.channels[0]!.send(Uint8Array.of(i)));
  for (const [i, { far }] of graphs.entries()) assert.ok(far.channels[0]!.send(Uint8Array.of(i, i)));
  await world.clock.run(100);
  for (const [i, { near, far }] of graphs.entries()) {
    assert.deepEqual(far.events, ["up", `frame ${i}`]);
    assert.deepEqual(near.events, ["up", `frame ${i} ${i}`]);
  }
  assert.equal(world.network.traffic().streams, 1);
  const ids = graphs.flatMap(({ near }) => near.channels.map((channel) => channel.id));
  assert.equal(new Set(ids).size, 3);
});

worldTest("a graph that the other end does not hold is unknown, until it does", async (world) => {
  const [alice, bob] = [await world.peer(1), await world.peer(2)];
  const [near, far] = [new Recorder(), new Recorder()];
  alice.links.register(graphOf(1), near);
  const link = await world.connect(alice, bob);
  alice.links.openChannel(link, graphOf(1));
  await world.clock.run(100);
  assert.deepEqual(near.events, ["refused unknown"]);
  bob.links.register(graphOf(1), far);
  alice.links.openChannel(link, graphOf(1));
  await world.clock.run(100);
  assert.deepEqual(near.events, ["refused unknown", "up"]);
  assert.deepEqual(far.events, ["up"]);
});

worldTest("both ends opening one graph at once get one channel", async (world) => {
  const [alice, bob] = [await world.peer(1), await world.peer(2)];
  const [near, far] = [new Recorder(), new Recorder()];
  alice.links.register(graphOf(1), near);
  bob.links.register(graphOf(1), far);
  const link = await world.connect(alice, bob);
  await world.clock.run(100);
  for (let i = 0; i < 2; i++) {
    alice.links.openChannel(link, graphOf(1));
    bob.links.openChannel(bob.links.peers()[0]!, graphOf(1));
  }
  await world.clock.run(100);
  near.channels[0]!.send(Uint8Array.of(1));
  far.channels[0]!.send(Uint8Array.of(2));
  await world.clock.run(100);
  assert.deepEqual(near.events, ["up", "frame 2"]);
  assert.deepEqual(far.events, ["up", "frame 1"]);
  near.channels[0]!.close();
  await world.clock.run(100);
  bob.links.openChannel(bob.links.peers()[0]!, graphOf(1)); // the end that gave way
  await world.clock.run(100);
  assert.deepEqual(far.events, ["up", "frame 1", "down closed_by_peer", "up"]);
});

worldTest("a channel that closes is down once at each end and may be opened again", async (world) => {
  const [alice, bob] = [await world.peer(1), await world.peer(2)];
  const [near, far] = [new Recorder(), new Recorder()];
  alice.links.register(graphOf(1), near);
  bob.links.register(graphOf(1), far);
  const link = await world.connect(alice, bob);
  alice.links.openChannel(link, graphOf(1));
  await world.clock.run(100);
  const channel = near.channels[0]!;
  far.channels[0]!.send(Uint8Array.of(1)); // arrives after the close
  channel.close("done");
  channel.close();
  assert.equal(channel.send(Uint8Array.of(1)), false);
  await world.clock.run(100);
  assert.deepEqual(near.events, ["up", "down done"]);
  assert.deepEqual(far.events, ["up", "down closed_by_peer"]);
  bob.links.openChannel(bob.links.peers()[0]!, graphOf(1));
  await world.clock.run(100);
  assert.deepEqual(near.events, ["up", "down done", "up"]);
});

worldTest("unregister() ends the graph's channels and takes back what was asked", async (world) => {
  const [alice, bob] = [await world.peer(1), await world.peer(2)];
  const [near, far, asked, farAsked] = [new Recorder(), new Recorder(), new Recorder(), new Recorder()];
  alice.links.register(graphOf(1), near);
  bob.links.register(graphOf(1), far);
  const link = await world.connect(alice, bob);
  alice.links.openChannel(link, graphOf(1));
  await world.clock.run(100);
  alice.links.unregister(graphOf(1));
  alice.links.register(graphOf(2), asked);
  bob.links.register(graphOf(2), farAsked);
  alice.links.openChannel(link, graphOf(2));
  alice.links.unregister(graphOf(2));
  await world.clock.run(100);
  assert.deepEqual(near.events, ["up", "down closed"]);
  assert.deepEqual(far.events, ["up", "down closed_by_peer"]);
  assert.deepEqual(asked.events, []);
  assert.deepEqual(farAsked.events, ["up", "down closed_by_peer"], "the other end hears of it");
  assert.equal(link.isOpen, true);
});

worldTest("channels are down when their link ends", async (world) => {
  const [alice, bob] = [await world.peer(1), await world.peer(2)];
  const [near, far] = [new Recorder(), new Recorder()];
  alice.links.register(graphOf(1), near);
  bob.links.register(graphOf(1), far);
  const link = await world.connect(alice, bob);
  alice.links.openChannel(link, graphOf(1));
  await world.clock.run(100);
  link.close();
  assert.equal(await world.within(link.closed), "closed");
  await world.clock.run(100);
  assert.deepEqual(near.events, ["up", "down closed"]);
  assert.deepEqual(far.events, ["up", "down closed_by_peer"]);
  assert.deepEqual([...alice.links.peers(), ...bob.links.peers()], []);
});

worldTest("[G10] a second connection to one peer gives the link there is", async (world) => {
  const [alice, bob] = [await world.peer(1), await world.peer(2)];
  const other = await bob.links.listen({ host: bob.host, port: 0 });
  const link = await world.connect(alice, bob);
  await world.clock.run(100);
  assert.equal(await world.connect(alice, bob), link);
  assert.equal(await world.within(alice.links.connect(other)), link);
  assert.equal(await world.within(alice.links.connect(other, { expect: bob.publicKey })), link);
  assert.equal((await world.connect(bob, alice)).peerIdHex, bob.links.peers()[0]!.peerIdHex);
  await world.clock.run(100);
  assert.equal(alice.links.peers().length, 1);
  assert.equal(bob.links.peers().length, 1);
  assert.equal(link.isOpen, true);
});

worldTest("[G10] a peer does not connect to itself", async (world) => {
  const alice = await world.peer(1);
  await assert.rejects(world.connect(alice, alice), { code: "connect_self" });
  await assert.rejects(
    world.within(alice.links.connect({ host: "10.0.0.7", port: 1 }, { expect: alice.publicKey })),
    { code: "connect_self" },
  );
  await world.clock.run(100);
  assert.deepEqual(alice.links.peers(), []);
});

worldTest("[G07] connecting with an expected peer fails if another answers", async (world) => {
  const [alice, bob] = [await world.peer(1), await world.peer(2)];
  const wrong = alice.links.connect(bob.home, { expect: signerOf(3).publicKey });
  await assert.rejects(world.within(wrong), { code: "wrong_peer" });
  await world.clock.run(100);
  assert.deepEqual(bob.links.peers(), []);
  const link = await world.within(alice.links.connect(bob.home, { expect: bob.publicKey }));
  assert.deepEqual(link.peer, bob.publicKey);
});

worldTest("[G08] a refused connection says so", async (world) => {
  const alice = await world.peer(1);
  world.network.streams("10.0.0.2");
  await assert.rejects(world.within(alice.links.connect({ host: "10.0.0.2", port: 1 })), {
    code: "connect_failed",
  });
});

worldTest("[G31] connecting ends after its timeout or by the caller's signal", async (world) => {
  const [alice, bob] = [await world.peer(1), await world.peer(2)];
  world.network.cut(alice.host, bob.host);
  await assert.rejects(world.within(alice.links.connect(bob.home, { timeoutMs: 3_000 }), 3_000), {
    code: "timeout",
  });
  await assert.rejects(world.within(alice.links.connect(bob.home), 10_000), { code: "timeout" });
  const controller = new AbortController();
  const cancelled = alice.links.connect(bob.home, { signal: controller.signal });
  await world.clock.run(100);
  controller.abort();
  await assert.rejects(world.within(cancelled, 0), { code: "aborted" });
  await assert.rejects(alice.links.connect(bob.home, { signal: controller.signal }), { code: "aborted" });
  // With nobody waiting for it the attempt itself is over.
  world.network.heal(alice.host, bob.host);
  await world.clock.run(1_000);
  assert.deepEqual([...alice.links.peers(), ...bob.links.peers()], []);
});

worldTest("concurrent connections to one address share one attempt, and one may leave it", async (world) => {
  const [alice, bob] = [await world.peer(1), await world.peer(2)];
  const controller = new AbortController();
  const leaving = alice.links.connect(bob.home, { signal: controller.signal });
  const staying = [alice.links.connect(bob.home), alice.links.connect(bob.home)];
  controller.abort();
  await assert.rejects(world.within(leaving, 0), { code: "aborted" });
  const [first, second] = await world.within(Promise.all(staying));
  assert.equal(first, second);
  assert.equal(world.network.traffic().streams, 1);
});

worldTest("dials to two addresses of one peer give one link", async (world) => {
  const [alice, bob] = [await world.peer(1), await world.peer(2)];
  const other = await bob.links.listen({ host: bob.host, port: 0 });
  const [first, second] = await world.within(Promise.all([
    alice.links.connect(bob.home),
    alice.links.connect(other),
  ]));
  await world.clock.run(1_000);
  assert.equal(first, second);
  assert.equal(bob.links.peers().length, 1);
  assert.equal(first!.isOpen, true);
});

Deno.test("[G10] peers that dial each other at once keep one link, whoever is quicker", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const draw = new SeededRandom(seed);
    const latencies = Array.from({ length: 2 }, () => 1 + draw.uint32() % 60);
    const world = new LinkWorld(seed, (from) => latencies[from === "10.0.0.1" ? 0 : 1]!);
    const [alice, bob] = [await world.peer(1), await world.peer(2)];
    const recorders = [new Recorder(), new Recorder()];
    alice.links.register(graphOf(1), recorders[0]!);
    bob.links.register(graphOf(1), recorders[1]!);
    const dial = async (from: typeof alice, to: typeof alice) =>
      from.links.openChannel(await from.links.connect(to.home), graphOf(1));
    const seen = [alice, bob].map(() => new Set<unknown>());
    const watch = async (ms: number) => {
      for (let i = 0; i < ms; i++) {
        await world.clock.run(1);
        for (const [end, { links }] of [alice, bob].entries()) {
          for (const link of links.peers()) seen[end]!.add(link);
        }
      }
    };
    const first = dial(alice, bob);
    await watch(draw.uint32() % 200);
    const both = Promise.all([first, dial(bob, alice)]);
    await watch(1_000);
    await world.within(both);
    assert.deepEqual(seen.map((links) => links.size), [1, 1], `seed ${seed}`); // no link stood and went
    const [near, far] = [alice.links.peers(), bob.links.peers()];
    assert.equal(near.length, 1, `seed ${seed}`);
    assert.equal(far.length, 1, `seed ${seed}`);
    assert.notEqual(near[0]!.dialled, far[0]!.dialled, `seed ${seed}`);
    for (const { events, channels } of recorders) {
      assert.equal(channels.length, 1, `seed ${seed}`);
      assert.deepEqual(events, ["up"], `seed ${seed}`);
    }
    recorders[0]!.channels[0]!.send(Uint8Array.of(seed));
    await world.clock.run(1_000);
    assert.equal(recorders[1]!.events.at(-1), `frame ${seed}`);
    await world.close();
  }
});

worldTest("a peer that was started anew replaces its former link, and channels follow", async (world) => {
  const bob = await world.peer(2);
  const far = new Recorder();
  bob.links.register(graphOf(1), far);
  const start = async (n: number) => {
    const alice = await world.peer(n, { byte: 1 });
    alice.links.register(graphOf(1), new Recorder());
    const link = await world.connect(alice, bob);
    await world.clock.run(100);
    return link;
  };
  await start(1);
  const former = bob.links.peers()[0]!;
  bob.links.openChannel(former, graphOf(1));
  await world.clock.run(100);
  world.network.cut("10.0.0.1", bob.host); // bob hears nothing of the crash
  world.network.closeHost("10.0.0.1");
  await world.clock.run(100);
  assert.equal(former.isOpen, true);
  const restarted = await start(3);
  assert.equal(restarted.isOpen, true);
  assert.equal(former.isOpen, false);
  assert.equal(bob.links.peers().length, 1);
  assert.deepEqual(far.events, ["up", "down duplicate", "up"]);
  assert.equal(far.channels[0]!.link, bob.links.peers()[0]);
  await world.within(former.closed);
  await world.clock.run(1);
  assert.equal(
    bob.links.linkTo(restarted.peer) ?? bob.links.peers().length,
    1,
    "the former's end is not the later's",
  );
});

worldTest("[T11] streams that stay silent are closed, few at a time from one address", async (world) => {
  const [alice, bob] = [await world.peer(1), await world.peer(2)];
  const ends: Promise<number | null>[] = [];
  const openSilent = async (host: string) => {
    const stream = await world.within(world.network.streams(host).connect(bob.home, never));
    ends.push(stream.read(new Uint8Array(1)).catch(() => null));
    return stream;
  };
  for (let i = 0; i < 5; i++) await openSilent("10.0.0.66");
  await world.clock.run(100);
  assert.equal(await settledCount(ends), 1); // the fifth from one address is closed at once
  for (let i = 0; i < 100; i++) await openSilent(`10.0.1.${i}`);
  await world.clock.run(100);
  const closedAtOnce = 5 + 100 - pendingHandshakesMax;
  assert.ok(await settledCount(ends) >= closedAtOnce - 1);
  await world.clock.run(5_100);
  assert.equal(await settledCount(ends), ends.length);
  assert.ok((await world.connect(alice, bob)).isOpen);
});

worldTest("[T11] a handshake that drags on is closed after ten seconds", async (world) => {
  const bob = await world.peer(2);
  const stream = await world.within(world.network.streams("10.0.0.66").connect(bob.home, never));
  const end = stream.read(new Uint8Array(1)).catch(() => null);
  for (let second = 0; second < 9; second++) {
    await stream.write(Uint8Array.of(1)); // version, then a length and a few bytes of the first message
    await world.clock.run(1_000);
  }
  assert.equal(await settledCount([end]), 0);
  await world.clock.run(1_100);
  assert.equal(await settledCount([end]), 1);
  assert.deepEqual(world.refusals, ["An accepted stream became no link: too_slow"]);
});

worldTest("an idle link lives by pings and dies of silence", async (world) => {
  const [alice, bob] = [await world.peer(1), await world.peer(2)];
  const link = await world.connect(alice, bob);
  await world.clock.run(10 * 60_000);
  assert.equal(link.isOpen, true);
  world.network.cut(alice.host, bob.host);
  const cutMs = world.clock.now().monoMs;
  assert.equal(await world.within(link.closed), "silent");
  const afterMs = world.clock.now().monoMs - cutMs;
  assert.ok(afterMs > 30_000 && afterMs <= 45_000, `${afterMs}`);
});

worldTest("[T14] a peer that does not read fills a bounded queue, and its link ends", async (world) => {
  const [alice, bob] = [await world.peer(1), await world.peer(2)];
  const [near, far] = [new Recorder(), new Recorder()];
  alice.links.register(graphOf(1), near);
  bob.links.register(graphOf(1), far);
  const link = await world.connect(alice, bob);
  alice.links.openChannel(link, graphOf(1));
  await world.clock.run(100);
  world.network.cut(alice.host, bob.host);
  const frame = new Uint8Array(10_000);
  let sent = 0;
  for (let i = 0; i < 100; i++) {
    while (near.channels[0]!.send(frame)) sent++;
    await world.clock.run(1);
  }
  assert.ok(sent * frame.length < 3 * 1024 * 1024, `${sent}`);
  assert.ok(link.queuedBytes <= 1024 * 1024);
  world.network.heal(alice.host, bob.host);
  await world.clock.run(1_000);
  assert.equal(far.events.filter((event) => event === "frame 10000").length, sent);
  assert.deepEqual(near.events, ["up", "writable"]);
  world.network.cut(alice.host, bob.host);
  while (near.channels[0]!.send(frame)) sent++;
  assert.match(await world.within(link.closed), /^(silent|stalled)$/);
});

worldTest("messages sent in one turn share frames", async (world) => {
  const [alice, bob] = [await world.peer(1), await world.peer(2)];
  const [near, far] = [new Recorder(), new Recorder()];
  alice.links.register(graphOf(1), near);
  bob.links.register(graphOf(1), far);
  alice.links.openChannel(await world.connect(alice, bob), graphOf(1));
  await world.clock.run(100);
  for (let i = 0; i < 1_000; i++) assert.ok(near.channels[0]!.send(Uint8Array.of(i & 255)));
  assert.equal(near.channels[0]!.send(new Uint8Array(60_000)), true);
  await world.clock.run(100);
  assert.equal(far.events.length, 1_002);
  assert.equal(far.events.at(-1), "frame 60000");
});

worldTest("a link changes its keys each hour and goes on", async (world) => {
  const [alice, bob] = [await world.peer(1), await world.peer(2)];
  const [near, far] = [new Recorder(), new Recorder()];
  alice.links.register(graphOf(1), near);
  bob.links.register(graphOf(1), far);
  alice.links.openChannel(await world.connect(alice, bob), graphOf(1));
  for (let hour = 0; hour < 4; hour++) {
    await world.clock.run(3_600_000 + 1);
    near.channels[0]!.send(Uint8Array.of(hour));
    far.channels[0]!.send(Uint8Array.of(hour));
    await world.clock.run(100);
  }
  assert.deepEqual(far.events, ["up", "frame 0", "frame 1", "frame 2", "frame 3"]);
  assert.deepEqual(near.events, far.events);
});

worldTest("[T16] half of the links stay free for dialling", async (world) => {
  const bob = await world.peer(2, { linksMax: 4 });
  const others = await Promise.all([11, 12, 13, 14, 15].map((n) => world.peer(n)));
  for (const other of others.slice(0, 2)) await world.connect(other, bob);
  await assert.rejects(world.connect(others[2]!, bob), { code: "link_refused" });
  await world.clock.run(2_000);
  await world.connect(bob, others[3]!);
  await world.connect(bob, others[4]!);
  await assert.rejects(world.connect(bob, others[2]!), { code: "too_many" });
  assert.equal(bob.links.peers().length, 4);
  bob.links.peers()[0]!.close();
  await world.clock.run(100);
  assert.ok(await world.connect(others[2]!, bob)); // a refusal is not for ever
});

worldTest(
  "[T16] when there is no room, the oldest accepted link that carries no channel makes some",
  async (world) => {
    const bob = await world.peer(2, { linksMax: 4 });
    const [busy, idle, newer, last] = await Promise.all([11, 12, 13, 14].map((n) => world.peer(n))) as [
      TestPeer,
      TestPeer,
      TestPeer,
      TestPeer,
    ];
    bob.links.register(graphOf(1), new Recorder());
    busy.links.register(graphOf(1), new Recorder());
    busy.links.openChannel(await world.connect(busy, bob), graphOf(1));
    const silent = await world.connect(idle, bob);
    await assert.rejects(world.connect(newer, bob), { code: "link_refused" }, "it may be about to open one");
    await world.clock.run(idleLinkMsMin);
    const taken = await world.connect(newer, bob);
    assert.equal(await world.within(silent.closed), "too_many");
    newer.links.register(graphOf(1), new Recorder());
    newer.links.openChannel(taken, graphOf(1));
    await world.clock.run(idleLinkMsMin);
    await assert.rejects(world.connect(last, bob), { code: "link_refused" }, "links in use stay");
    const left = bob.links.peers().map(({ peer }) => peer);
    assert.deepEqual(left, [busy.publicKey, newer.publicKey]);
  },
);

worldTest("a link that this peer dialled itself does not make room, channel or not", async (world) => {
  const bob = await world.peer(2, { linksMax: 2 });
  const [dialled, first, second] = [await world.peer(11), await world.peer(12), await world.peer(13)];
  await world.connect(bob, dialled);
  await world.clock.run(2 * idleLinkMsMin);
  await world.connect(first, bob);
  await assert.rejects(world.connect(second, bob), { code: "link_refused" });
  assert.equal(bob.links.linkTo(dialled.publicKey)?.isOpen, true);
});

worldTest("a mistake of a graph's handlers ends one link, loudly, and no other", async (world) => {
  const [alice, bob, carol] = [await world.peer(1), await world.peer(2), await world.peer(3)];
  const far = new Recorder();
  far.onFrame = () => {
    throw new Error("a mistake");
  };
  bob.links.register(graphOf(1), far);
  const nears = [new Recorder(), new Recorder()];
  for (const [i, peer] of [alice, carol].entries()) {
    peer.links.register(graphOf(1), nears[i]!);
    peer.links.openChannel(await world.connect(peer, bob), graphOf(1));
  }
  await world.clock.run(100);
  nears[0]!.channels[0]!.send(Uint8Array.of(1));
  await world.clock.run(100);
  assert.deepEqual(far.events, ["up", "up", "frame 1", "down failed"]);
  assert.match(world.errors.splice(0).join(), /A link failed: a mistake/);
  assert.equal(bob.links.linkTo(carol.publicKey)?.isOpen, true);
});

worldTest("close() ends dials, handshakes and links under way", async (world) => {
  const [alice, bob] = [await world.peer(1), await world.peer(2)];
  const connecting = alice.links.connect(bob.home);
  const failing = assert.rejects(connecting, { code: "closed" });
  await world.clock.run(25);
  await world.within(alice.links.close(), 2_000);
  await world.within(failing, 0);
  await assert.rejects(alice.links.connect(bob.home), { code: "closed" });
  await assert.rejects(alice.links.listen({ host: alice.host, port: 0 }), { code: "closed" });
  await alice.links.close();
  await assert.rejects(world.connect(bob, alice), { code: "connect_failed" });
});

worldTest("[G04] listen() gives the port that it chose", async (world) => {
  const links = new Links(world.ports("10.0.0.8"), signerOf(8));
  const address = await links.listen({ host: "10.0.0.8", port: 0 });
  assert.ok(address.port > 0);
  assert.deepEqual(links.addresses, [address]);
  await assert.rejects(links.listen(address), { code: "port_in_use" });
  await world.within(links.close());
});

async function settledCount(promises: readonly Promise<unknown>[]): Promise<number> {
  let count = 0;
  for (const promise of promises) promise.then(() => count++, () => count++);
  for (let i = 0; i < 5; i++) await null;
  return count;
}
