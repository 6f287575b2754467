/**
 * T11 (goal G26): streams that are opened and stay silent, or stop in the middle of a handshake. The
 * first byte is waited for 5 s, the handshake 10 s; 64 handshakes are under way at most, 4 from one
 * address. Where there is no room the oldest that has had its time gives way, so a flood of them keeps
 * nobody out who comes while it goes on.
 *
 * What is not protected: more than 32 new streams a second, each from an address of its own, leave an
 * honest one no room; a connect then fails and may be tried again.
 */

import assert from "node:assert/strict";
import { handshakeMsMax, pendingHandshakesMax } from "../../lib/peer/limits.ts";
import { type LinkWorld, worldTest } from "../unit/peer/link_world.ts";
import { HostileLink, versionByte } from "./kit/hostile_link.ts";

/** Opens so many streams from so many hosts, a batch each 100 ms, and tells how many are still open. */
class Flood {
  open = 0;
  opened = 0;
  readonly #world: LinkWorld;

  constructor(world: LinkWorld) {
    this.#world = world;
  }

  async batch(count: number, hosts: number, first: Uint8Array = new Uint8Array()): Promise<void> {
    for (let i = 0; i < count; i++) {
      const host = `20.${this.opened % hosts}.0.1`;
      this.opened++;
      this.#hold(host, first);
    }
    await this.#world.clock.run(100);
  }

  async #hold(host: string, first: Uint8Array): Promise<void> {
    const link = await HostileLink.dial(this.#world, host, { host: "10.0.0.1", port: 4000 });
    if (link === null) return;
    this.open++;
    if (first.length > 0) await link.write(first);
    await link.drain();
    this.open--;
  }
}

worldTest(
  "[T11] (G26) 10,000 silent streams from one address are closed, and every honest connect succeeds",
  async (world) => {
    const victim = await world.peer(1);
    const flood = new Flood(world);
    let links = 0;
    for (let n = 2; flood.opened < 10_000; n++) {
      await flood.batch(500, 1);
      const honest = await world.peer(n);
      await world.connect(honest, victim);
      links++;
    }
    assert.equal(victim.links.peers().length, links);
    await world.clock.run(15_000);
    assert.equal(flood.open, 0);
  },
  "fake",
);

worldTest(
  "[T11] (G26) silent streams from 200 addresses keep no honest peer out while they come",
  async (world) => {
    const victim = await world.peer(1);
    const flood = new Flood(world);
    for (let n = 2; n < 8; n++) {
      for (let i = 0; i < 40; i++) await flood.batch(2, 200); // 20 a second
      const honest = await world.peer(n);
      await world.connect(honest, victim);
    }
    assert.ok(flood.opened >= 400);
    assert.equal(victim.links.peers().length, 6);
    await world.clock.run(15_000);
    assert.equal(flood.open, 0);
  },
  "fake",
);

worldTest(
  "[T11] (G26) streams from 200 addresses that begin a handshake and go no further keep nobody out",
  async (world) => {
    const victim = await world.peer(1);
    const flood = new Flood(world);
    for (let n = 2; n < 8; n++) {
      for (let i = 0; i < 40; i++) await flood.batch(2, 200, versionByte);
      const honest = await world.peer(n);
      await world.connect(honest, victim);
    }
    assert.equal(victim.links.peers().length, 6);
    await world.clock.run(15_000);
    assert.equal(flood.open, 0);
  },
  "fake",
);

worldTest(
  "[T11] a burst of more streams than there is room for is cut down to the room there is",
  async (world) => {
    await world.peer(1);
    const flood = new Flood(world);
    await flood.batch(1_000, 1_000 / 5);
    assert.ok(flood.open <= pendingHandshakesMax, `${flood.open} are open`);
    await world.clock.run(5_200);
    assert.equal(flood.open, 0);
  },
  "fake",
);

worldTest(
  "[T11] who holds a whole handshake and then nothing is a link that gives way to others, and ends in silence",
  async (world) => {
    const victim = await world.peer(1, { linksMax: 4 });
    for (let byte = 100; byte < 102; byte++) {
      const link = await world.within(HostileLink.dial(world, `20.0.0.${byte}`, victim.home, byte));
      assert.ok(await world.within(link!.handshake()));
      link!.drain();
    }
    await world.clock.run(6_000);
    const honest = await world.peer(2);
    await world.connect(honest, victim);
    assert.ok(victim.links.linkTo(honest.publicKey) !== null);
    await world.clock.run(60_000);
    assert.deepEqual(victim.links.peers().map(({ peerIdHex }) => peerIdHex), [honest.publicKey.toHex()]);
  },
  "fake",
);

worldTest("[T11] a peer that is closed while streams are half open closes them at once", async (world) => {
  const victim = await world.peer(1);
  const flood = new Flood(world);
  await flood.batch(60, 60);
  await flood.batch(4, 60, versionByte);
  assert.ok(flood.open > 50);
  const startMs = world.clock.now().monoMs;
  await world.within(victim.links.close(), handshakeMsMax);
  await world.clock.run(50);
  assert.equal(flood.open, 0);
  assert.ok(world.clock.now().monoMs - startMs < 1_000);
}, "fake");
