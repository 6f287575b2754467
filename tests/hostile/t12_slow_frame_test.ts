/**
 * T12: a byte a second, before the handshake, in it, and inside frames. A handshake has 10 s whatever it
 * brings, a begun frame or message 30 s. A rate of bytes is not asked for: a link that is whole between
 * two messages costs what an idle one costs.
 */

import assert from "node:assert/strict";
import { frameMsMax, handshakeMsMax, silenceMsMax } from "../../lib/peer/limits.ts";
import { encodeLinkMessage } from "../../lib/peer/link_messages.ts";
import { frameBytesMax } from "../../lib/wire/limits.ts";
import { type LinkWorld, type TestPeer, worldTest } from "../unit/peer/link_world.ts";
import { HostileLink, segment } from "./kit/hostile_link.ts";

/** Writes a byte each `everyMs` until the other end has had enough; how long that took. */
async function drip(link: HostileLink, bytes: Uint8Array, everyMs = 1_000): Promise<number> {
  const { clock } = link.world;
  const startMs = clock.now().monoMs;
  let isOpen = true;
  link.drain().then(() => isOpen = false);
  for (let i = 0; isOpen && i < bytes.length; i++) {
    await link.write(bytes.subarray(i, i + 1));
    await clock.runUntil(() => !isOpen, everyMs);
  }
  await clock.runUntil(() => !isOpen, 120_000);
  return clock.now().monoMs - startMs;
}

async function linked(world: LinkWorld, victim: TestPeer): Promise<HostileLink> {
  const link = await world.within(HostileLink.dial(world, "20.0.0.1", victim.home));
  assert.ok(await world.within(link!.handshake()));
  return link!;
}

worldTest("[T12] a handshake that drips ends after ten seconds, wherever it is", async (world) => {
  const victim = await world.peer(1);
  const whole = await linked(world, victim);
  const [first] = whole.wrote;
  whole.stream.close();
  for (const start of [0, 1, 3, 600]) {
    const link = await world.within(HostileLink.dial(world, "20.0.0.1", victim.home));
    if (start > 0) await world.within(link!.write(first!.subarray(0, start)));
    const ms = await drip(link!, first!.subarray(start), 1_000);
    assert.ok(ms <= handshakeMsMax + 100, `from byte ${start}: ${ms} ms`);
  }
  assert.equal(victim.links.peers().length, 0);
}, "fake");

worldTest("[T12] a frame that drips ends its link after 30 s, first or after others", async (world) => {
  const victim = await world.peer(1);
  for (const isGreeted of [false, true]) {
    const link = await linked(world, victim);
    if (isGreeted) link.cipher!.seal(new Uint8Array(), new Uint8Array()); // keeps the two counters in step
    if (isGreeted) await world.within(link.greet());
    const frame = link.frameOf(segment(new Uint8Array(1_000)));
    const ms = await drip(link, frame);
    assert.ok(ms >= frameMsMax - 1_000 && ms <= frameMsMax + 100, `${ms} ms`);
    await world.clock.run(100);
    assert.equal(victim.links.peers().length, 0);
  }
}, "fake");

worldTest(
  "[T12] a message whose frames are whole, but which never ends, ends its link after 30 s",
  async (world) => {
    const victim = await world.peer(1);
    const link = await linked(world, victim);
    await world.within(link.write(link.frameOf(segment(encodeLinkMessage(hello)))));
    let isOpen = true;
    link.drain().then(() => isOpen = false);
    const startMs = world.clock.now().monoMs;
    const full = segment(new Uint8Array(frameBytesMax - 16 - 4), true);
    await world.within(link.write(link.frameOf(full)));
    // Frames without a message in between are nothing that goes on.
    for (let i = 0; isOpen && i < 60; i++) {
      await link.write(link.frameOf(Uint8Array.of(0)));
      await world.clock.runUntil(() => !isOpen, 1_000);
    }
    const ms = world.clock.now().monoMs - startMs;
    assert.ok(ms <= frameMsMax + 1_000, `${ms} ms`);
  },
  "fake",
);

worldTest(
  "[T12] frames of pings alone keep a link that has not said hello, and no channel comes of it",
  async (world) => {
    const victim = await world.peer(1);
    const link = await linked(world, victim);
    link.drain();
    for (let i = 0; i < 10; i++) {
      await world.within(link.say({ kind: "ping" }));
      await world.clock.run(silenceMsMax / 5);
    }
    // It takes one of the places for accepted links, which is the first to be given away (T11).
    assert.equal(victim.links.peers().length, 1);
    await world.within(link.say({ kind: "open", channel: 1, tag: new Uint8Array(16) }));
    await world.clock.run(1_000);
    assert.equal(victim.links.peers().length, 0, "whatever else comes before a hello ends it");
  },
  "fake",
);

const hello = { kind: "hello", endpoints: [], wallMs: 0, agent: "" } as const;
