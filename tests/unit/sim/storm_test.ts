import assert from "node:assert/strict";
import { below } from "../../../lib/base/random.ts";
import type { SimulatedPeer } from "../../../lib/sim/simulated_peer.ts";
import { Simulation } from "../../../lib/sim/simulation.ts";
import { type FaultKind, faultKinds, Storm } from "../../../lib/sim/storm.ts";

const seeds = 200;

Deno.test("[X12] over 200 seeds a storm brings about each kind of fault, and mend() leaves none", async () => {
  const done = new Map<FaultKind, number>();
  const drawn = new Map<number, number>();
  for (let seed = 1; seed <= seeds; seed++) {
    const sim = new Simulation({ seed });
    try {
      const storm = await rage(sim);
      for (const [kind, count] of storm.done) {
        assert.ok(storm.kinds.has(kind), `seed ${seed} has ${kind}, which it did not draw`);
        done.set(kind, (done.get(kind) ?? 0) + count);
      }
      drawn.set(storm.kinds.size, (drawn.get(storm.kinds.size) ?? 0) + 1);
      await storm.mend();
      await assertCalm(sim, `seed ${seed} (${[...storm.kinds]})`);
    } catch (error) {
      throw sim.failureOf(error);
    } finally {
      sim.drop();
    }
  }
  assert.deepEqual(faultKinds.filter((kind) => (done.get(kind) ?? 0) < 5), [], "kinds that hardly ever came");
  assert.ok(drawn.get(0)! > 10, "some seeds are calm");
  assert.ok(drawn.get(faultKinds.length)! > 10, "some seeds have everything at once");
});

Deno.test("a storm tells of each peer that runs again after a crash", async () => {
  const sim = new Simulation({ seed: 3 });
  const restarted: SimulatedPeer[] = [];
  const storm = new Storm(sim, (peer) => restarted.push(peer));
  (storm.kinds as Set<FaultKind>).clear();
  (storm.kinds as Set<FaultKind>).add("crash");
  const peers = await sim.peers(2);
  for (let i = 0; i < 10; i++) storm.step(peers);
  assert.ok(peers.every((peer) => !peer.isUp), "both are down, and nobody crashes twice");
  await storm.mend();
  assert.deepEqual(new Set(restarted), new Set(peers));
  assert.equal(storm.done.get("crash"), 2);
  await sim.close();
});

/** A storm over three peers that do nothing. */
async function rage(sim: Simulation): Promise<Storm> {
  const storm = new Storm(sim);
  const peers = await sim.peers(3);
  for (const [i, peer] of peers.entries()) storm.prepare(peer, { isReachable: i === 0 });
  storm.begin();
  for (let i = 0; i < 24; i++) {
    storm.step(peers);
    await sim.run(below(sim.random, 500));
  }
  return storm;
}

/** All run with right clocks and whole disks, and between any two each datagram arrives once, whole and soon. */
async function assertCalm(sim: Simulation, message: string): Promise<void> {
  for (const peer of sim.all) {
    assert.ok(peer.isUp && !peer.isPaused, `${message}: ${peer.name} runs`);
    const offMs = peer.clock.now().wallMs - sim.clock.now().wallMs;
    assert.ok(Math.abs(offMs) <= 1, `${message}: the wall clock of ${peer.name} is off by ${offMs} ms`);
    await assertHealthy(sim, peer, message);
  }
  await assertOpen(sim, message);
  await assertRightPace(sim, message);
}

async function assertHealthy(sim: Simulation, peer: SimulatedPeer, message: string): Promise<void> {
  const startMs = sim.nowMs;
  for (let i = 0; i < 5; i++) {
    const entry = { key: ["probe", i], value: Uint8Array.of(i) };
    await sim.run(peer.store.commit({ sets: [entry] }));
    assert.deepEqual(await sim.run(peer.store.read(entry.key)), entry.value, message);
  }
  assert.equal(sim.nowMs, startMs, `${message}: the disk of ${peer.name} is slow`);
}

/** Sends from each to each; a translator is a place and no fault, so it is put away before. */
async function assertOpen(sim: Simulation, message: string): Promise<void> {
  const { network, all } = sim;
  for (const { host } of all) network.translate(host, null);
  const sockets = await Promise.all(all.map(({ host }) => network.datagrams(host).bind({ host, port: 0 })));
  const arrived: string[] = [];
  let latestMs = 0;
  const readers = sockets.map(async (socket) => {
    for await (const { bytes, from } of socket) {
      arrived.push(`${from.host} ${socket.address.host} ${bytes}`);
      latestMs = sim.nowMs;
    }
  });
  const sentMs = sim.nowMs;
  const sent: string[] = [];
  for (const from of sockets) {
    for (const to of sockets) {
      if (from === to) continue;
      for (let i = 0; i < 24; i++) {
        from.send(Uint8Array.of(i), to.address);
        sent.push(`${from.address.host} ${to.address.host} ${i}`);
      }
    }
  }
  await sim.run(2_000);
  for (const socket of sockets) socket.close();
  await Promise.all(readers);
  assert.deepEqual(arrived.sort(), sent.sort(), message);
  assert.ok(latestMs - sentMs <= 10, `${message}: a datagram took ${latestMs - sentMs} ms`);
}

/** Over three hours that machines sleep through, so that it costs nothing, clocks keep their pace. */
async function assertRightPace(sim: Simulation, message: string): Promise<void> {
  const before = sim.all.map(({ clock }) => clock.now());
  for (const peer of sim.all) peer.pause({ countsSleep: true });
  await sim.run(paceMs);
  for (const [i, { clock, name }] of sim.all.entries()) {
    const { monoMs, wallMs } = clock.now();
    for (const offMs of [monoMs - before[i]!.monoMs - paceMs, wallMs - before[i]!.wallMs - paceMs]) {
      assert.ok(Math.abs(offMs) <= 1, `${message}: a clock of ${name} drifts by ${offMs} ms`);
    }
  }
}

const paceMs = 10_000_000;
