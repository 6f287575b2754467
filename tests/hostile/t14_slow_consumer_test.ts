/**
 * T14 (and the past bug R12, answers that queue behind a closed window): peers that never read. What
 * waits for one is bounded, nobody else waits for it, and after 45 s its link ends.
 *
 * Classes of messages that are dropped first do not apply: a graph's frames are catch-up and flood, and
 * what one link misses its neighbors bring. Time on real sockets is for benchmarks.
 */

import assert from "node:assert/strict";
import { linkQueueBytesMax, writeMsMax } from "../../lib/peer/limits.ts";
import { channelTag } from "../../lib/peer/link_messages.ts";
import { crypto, graphOf, LinkWorld, Recorder, type TestPeer, worldTest } from "../unit/peer/link_world.ts";
import { HostileLink } from "./kit/hostile_link.ts";

const graph = graphOf(5);

/** A victim with a graph, and honest peers with a channel of it each. */
async function createFanOut(
  world: LinkWorld,
  honest: number,
): Promise<{ victim: TestPeer; own: Recorder; others: Recorder[] }> {
  const victim = await world.peer(1);
  const own = new Recorder();
  victim.links.register(graph, own);
  const others: Recorder[] = [];
  for (let n = 2; n < 2 + honest; n++) {
    const peer = await world.peer(n);
    const recorder = new Recorder();
    peer.links.register(graph, recorder);
    peer.links.openChannel(await world.connect(peer, victim), graph);
    others.push(recorder);
  }
  await world.clock.run(1_000);
  assert.equal(own.channels.length, honest);
  return { victim, own, others };
}

/** A member that opens its channel and from then on reads nothing. */
async function addStuck(world: LinkWorld, victim: TestPeer, byte: number): Promise<HostileLink> {
  const link = await world.within(HostileLink.dial(world, `20.0.0.${byte}`, victim.home, byte));
  assert.ok(await world.within(link!.handshake()));
  await world.within(link!.greet());
  const { handshakeHash } = link!;
  await world.within(link!.say({ kind: "open", channel: 1, tag: channelTag(crypto, graph, handshakeHash!) }));
  await world.clock.run(100);
  return link!;
}

/** Sends frames to all channels, so many a second; when each honest peer had all of them. */
async function flood(
  world: LinkWorld,
  own: Recorder,
  others: readonly Recorder[],
  frames: number,
): Promise<number[]> {
  const startMs = world.clock.now().monoMs;
  const doneMs = new Map<Recorder, number>();
  for (const recorder of others) {
    let got = 0;
    recorder.onFrame = () => {
      if (++got === frames) doneMs.set(recorder, world.clock.now().monoMs - startMs);
    };
  }
  for (let i = 0; i < frames; i++) {
    for (const channel of own.channels) channel.send(new Uint8Array(8_000).fill(i));
    await world.clock.run(10);
  }
  await world.clock.run(1_000);
  return others.map((recorder) => doneMs.get(recorder) ?? Infinity);
}

Deno.test("[T14] (R12) ten of twenty peers never read: the others get all 500 frames when they would have got them anyway", async () => {
  const times: number[][] = [];
  for (const stuck of [0, 10]) {
    const world = new LinkWorld(3, 10, "fake");
    const { victim, own, others } = await createFanOut(world, 10);
    const links: HostileLink[] = [];
    for (let i = 0; i < stuck; i++) links.push(await addStuck(world, victim, 100 + i));
    assert.equal(own.channels.length, 10 + stuck);
    times.push(await flood(world, own, others, 500));
    const queued = victim.links.peers().map(({ queuedBytes }) => queuedBytes);
    assert.ok(Math.max(...queued) <= linkQueueBytesMax, `${Math.max(...queued)} bytes wait`);
    assert.equal(queued.filter((bytes) => bytes > linkQueueBytesMax / 2).length, stuck);
    // They speak, so they are not taken for dead.
    for (let ms = 0; ms <= writeMsMax; ms += 10_000) {
      for (const link of links) link.say({ kind: "ping" });
      await world.clock.run(10_000);
    }
    assert.equal(own.channels.length, 10, "those that do not read are gone");
    assert.equal(own.events.filter((event) => event === "down stalled").length, stuck);
    await world.close();
  }
  assert.deepEqual(times[1], times[0]);
});

worldTest("[T14] [T10] (R12) who never reads and asks without end makes nothing pile up", async (world) => {
  const victim = await world.peer(1);
  const own = new Recorder();
  victim.links.register(graph, own);
  const link = await addStuck(world, victim, 100);
  let largest = 0;
  const look = () => {
    for (const { queuedBytes } of victim.links.peers()) largest = Math.max(largest, queuedBytes);
  };
  for (let i = 0; i < 200 && victim.links.peers().length > 0; i++) {
    for (let j = 0; j < 50; j++) await world.within(link.say({ kind: "ping" }));
    await world.clock.run(100);
    look();
  }
  for (let channel = 2; channel < 3_000 && victim.links.peers().length > 0; channel++) {
    const tag = channelTag(crypto, graph, link.handshakeHash!);
    if (!await world.within(link.say({ kind: "open", channel, tag }, { kind: "close", channel }))) break;
    await world.clock.run(1);
    look();
  }
  assert.ok(largest <= linkQueueBytesMax, `${largest} bytes wait`);
  await world.clock.run(120_000);
  assert.equal(victim.links.peers().length, 0);
}, "fake");

worldTest("[T14] a peer closes in time though ten others never read", async (world) => {
  const victim = await world.peer(1);
  const own = new Recorder();
  victim.links.register(graph, own);
  for (let i = 0; i < 10; i++) await addStuck(world, victim, 100 + i);
  for (const channel of own.channels) {
    for (let i = 0; i < 100; i++) channel.send(new Uint8Array(8_000));
  }
  await world.clock.run(100);
  await world.within(victim.links.close(), 2_000);
}, "fake");
