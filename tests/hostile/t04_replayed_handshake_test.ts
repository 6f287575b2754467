/**
 * T4: somebody on the path records handshakes and plays them again. Both ends bring a fresh ephemeral
 * key and the proof of identity binds a static key whose secret a replay does not have, so what was
 * recorded opens no link: in no order, not after a restart, whatever the clock says.
 *
 * A timestamp that only rises does not apply: nothing of a handshake holds longer than itself. Roaming
 * addresses do not either: a link is one stream, and ends with it.
 */

import assert from "node:assert/strict";
import { below } from "../../lib/base/random.ts";
import { createLinkProof } from "../../lib/identity/link_proof.ts";
import { crypto, type LinkWorld, signerOf, type TestPeer, worldTest } from "../unit/peer/link_world.ts";
import { HostileLink } from "./kit/hostile_link.ts";

/** What one end of an honest link wrote: its version and handshake, then frames. */
async function record(world: LinkWorld, victim: TestPeer, byte: number): Promise<Uint8Array[]> {
  const honest = await world.within(HostileLink.dial(world, `10.1.0.${byte}`, victim.home, byte));
  assert.ok(await world.within(honest!.handshake()));
  await world.within(honest!.greet());
  await world.within(honest!.say({ kind: "ping" }));
  await world.within(honest!.say({ kind: "bye", reason: "closed" }));
  await world.clock.run(2_000);
  return honest!.wrote;
}

/** Plays writes to a peer, whole or a part of them, and tells whether a link came of it. */
async function play(world: LinkWorld, to: TestPeer, writes: readonly Uint8Array[]): Promise<boolean> {
  const replay = await world.within(HostileLink.dial(world, "10.2.0.1", to.home));
  for (const bytes of writes) await world.within(replay!.write(bytes));
  await world.clock.run(100);
  const isLinked = to.links.peers().length > 0;
  replay!.stream.close();
  await world.clock.run(12_000);
  return isLinked;
}

worldTest("[T4] recorded initiations, played in any order, whole or in part, open no link", async (world) => {
  const victim = await world.peer(1);
  const recorded = [await record(world, victim, 100), await record(world, victim, 101)];
  assert.equal(recorded[0]!.length, 5);
  assert.equal(await play(world, victim, recorded[0]!), false, "in order");
  for (let i = 0; i < 60; i++) {
    const all = [...recorded[0]!, ...recorded[1]!];
    const writes = Array.from(
      { length: 1 + below(world.random, 5) },
      () => all[below(world.random, all.length)]!,
    );
    assert.equal(await play(world, victim, writes), false, `run ${i}`);
  }
  // The first message of one handshake and the last of another.
  assert.equal(await play(world, victim, [recorded[0]![0]!, recorded[1]![1]!]), false);
});

worldTest(
  "[T4] a recorded initiation opens no link beside the one that it was, nor disturbs it",
  async (world) => {
    const victim = await world.peer(1);
    const honest = await world.within(HostileLink.dial(world, "10.1.0.1", victim.home, 100));
    assert.ok(await world.within(honest!.handshake()));
    await world.within(honest!.greet());
    await world.clock.run(100);
    const standing = victim.links.linkTo(honest!.signer.publicKey);
    assert.ok(standing !== null);
    const replay = await world.within(HostileLink.dial(world, "10.2.0.1", victim.home));
    for (const bytes of honest!.wrote) await world.within(replay!.write(bytes));
    await world.clock.run(1_000);
    assert.equal(victim.links.linkTo(honest!.signer.publicKey), standing);
    await world.within(honest!.say({ kind: "ping" }));
    await world.clock.run(1_000);
    assert.ok(standing.isOpen);
    honest!.stream.close();
    replay!.stream.close();
  },
);

worldTest(
  "[T4] recorded initiations open no link after a restart, nor with the clock six hours back",
  async (world) => {
    const victim = await world.peer(1);
    const recorded = await record(world, victim, 100);
    await world.within(victim.links.close());
    world.network.closeHost(victim.host);
    const again = await world.peer(1);
    assert.deepEqual(again.publicKey, victim.publicKey);
    assert.equal(await play(world, again, recorded), false);
    world.clock.jumpWall(-6 * 3_600_000);
    assert.equal(await play(world, again, recorded), false);
  },
);

worldTest("[T4] what an acceptor once wrote, played to a dialler, is no answer", async (world) => {
  const dialler = await world.peer(1);
  const address = { host: "10.3.0.1", port: 4000 };
  let recorded: readonly Uint8Array[] = [];
  let listener = await HostileLink.listen(world, address, async (link) => {
    assert.ok(await link.handshake());
    await link.greet();
    await link.say({ kind: "bye", reason: "closed" });
    recorded = link.wrote;
  });
  await world.within(dialler.links.connect(address));
  await world.clock.run(2_000);
  assert.equal(dialler.links.peers().length, 0);
  listener.close();
  assert.equal(recorded.length, 3);
  listener = await HostileLink.listen(world, address, async (link) => {
    for (const bytes of recorded) await link.write(bytes);
    await link.drain();
  });
  await assert.rejects(world.within(dialler.links.connect(address)), /did not hold a valid handshake/);
  assert.equal(dialler.links.peers().length, 0);
  listener.close();
});

worldTest(
  "[T4] an answer with another identity than the one that was wanted, or with somebody else's proof, is refused",
  async (world) => {
    const dialler = await world.peer(1);
    const wanted = await world.peer(2);
    const address = { host: "10.3.0.1", port: 4000 };
    const shown: boolean[] = [];
    // The wanted peer's own proof, as whoever had a link to it knows it: of another static key.
    const others = createLinkProof(crypto, signerOf(2), crypto.x25519.publicKey(world.random.bytes(32)), 0);
    const listener = await HostileLink.listen(world, address, async (link) => {
      shown.push(await link.handshake(shown.length === 0 ? undefined : others));
      await link.drain();
    });
    await assert.rejects(
      world.within(dialler.links.connect(address, { expect: wanted.publicKey })),
      /another peer than the expected one/,
    );
    await world.clock.run(100);
    await assert.rejects(
      world.within(dialler.links.connect(address, { expect: wanted.publicKey })),
      /could not prove its identity/,
    );
    await world.clock.run(100);
    assert.deepEqual(shown, [false, false], "the dialler has not said who it is");
    listener.close();
  },
);
