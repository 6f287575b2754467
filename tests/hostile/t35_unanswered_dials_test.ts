/**
 * T35, for dials: who accepts a link, says hello and never answers what opens a channel. A dial that leads to
 * nothing ends all the same, so that none holds one of a graph's few dials for ever.
 */

import assert from "node:assert/strict";
import { hex } from "../../lib/base/bytes.ts";
import { SeededRandom } from "../../lib/base/random.ts";
import { dialMsMax, dialsMax } from "../../lib/graph/limits.ts";
import type { Effect, Input } from "../../lib/graph/machine.ts";
import { OpenPolicy } from "../../lib/graph/policy.ts";
import { Replica } from "../../lib/graph/replica.ts";
import { channelAnswerMsMax } from "../../lib/peer/limits.ts";
import { Simulation } from "../../lib/sim/mod.ts";
import { keyOf } from "../fixtures/items.ts";
import { crypto, plainGraph } from "../sim/replica_fixture.ts";
import { graphOf, type LinkWorld, Recorder, worldTest } from "../unit/peer/link_world.ts";
import { HostileLink } from "./kit/hostile_link.ts";

const address = { host: "10.0.0.9", port: 4000 };

/** Has every link to the address stand, and then treated like this once it is asked for a channel. */
async function listen(world: LinkWorld, onAsked: (link: HostileLink) => Promise<void>): Promise<() => void> {
  const links: HostileLink[] = [];
  const listener = await HostileLink.listen(world, address, async (link) => {
    links.push(link);
    if (!await link.handshake()) return;
    await link.say({ kind: "hello", endpoints: [], wallMs: 0, agent: "" });
    for (let heard = await link.hear(); heard?.kind !== "open"; heard = await link.hear()) {
      if (heard === null) return;
    }
    await onAsked(link);
  });
  return () => {
    listener.close();
    for (const { stream } of links) stream.close();
  };
}

/** Keeps its link alive and says nothing else. */
async function stayMute(link: HostileLink): Promise<void> {
  while (await link.hear() !== null) await link.say({ kind: "pong" });
}

const ends: Record<string, (link: HostileLink) => Promise<void>> = {
  "says goodbye": async (link) => void await link.say({ kind: "bye", reason: "closed" }),
  "hangs up": (link) => Promise.resolve(link.stream.close()),
};

for (const [name, end] of Object.entries(ends)) {
  worldTest(
    `[T35] a graph is told at once when a peer ${name} instead of answering what opens a channel`,
    async (world) => {
      const victim = await world.peer(1);
      const graph = new Recorder();
      victim.links.register(graphOf(1), graph);
      const stop = await listen(world, end);
      const link = await world.within(victim.links.connect(address));
      assert.ok(victim.links.openChannel(link, graphOf(1)));
      await world.clock.run(1_000);
      assert.deepEqual(graph.events, ["refused link_lost"]);
      assert.equal(victim.links.openChannel(link, graphOf(1)), false, "there is no link to ask on");
      await world.clock.run(channelAnswerMsMax);
      assert.deepEqual(graph.events, ["refused link_lost"]);
      stop();
    },
  );
}

worldTest(
  "[T35] a graph is told in time when a peer does not answer what opens a channel, and may ask again",
  async (world) => {
    const victim = await world.peer(1);
    const graph = new Recorder();
    victim.links.register(graphOf(1), graph);
    const stop = await listen(world, stayMute);
    const link = await world.within(victim.links.connect(address));
    for (const times of [1, 2]) {
      assert.ok(victim.links.openChannel(link, graphOf(1)));
      await world.clock.run(channelAnswerMsMax - 1);
      assert.equal(graph.events.length, times - 1);
      await world.clock.run(1);
      assert.deepEqual(graph.events, Array(times).fill("refused no_answer"));
    }
    assert.ok(link.isOpen, "its other graphs go on");
    stop();
  },
);

Deno.test("[T35] dials that nobody ends count as failed after a while, and others are dialled", () => {
  const options = { graph: plainGraph, signer: keyOf("node"), policy: new OpenPolicy(), crypto };
  const replica = new Replica({ ...options, random: new SeededRandom(1) });
  const dialled: string[] = [];
  const hand = (effects: readonly Effect[]) => {
    for (const effect of effects) if (effect.kind === "connect") dialled.push(effect.peer);
  };
  const at = (monoMs: number) => ({ monoMs, wallMs: 1_700_000_000_000 + monoMs });
  const feed = (input: Input, monoMs: number) => hand(replica.handle(input, at(monoMs)));
  hand(replica.start(at(0)));
  feed({ kind: "loaded", entries: [] }, 0);
  const known = (name: string) => {
    const { publicKey: peer } = keyOf(name);
    replica.contacts.learn({ peer, endpoints: ["tcp://20.9.9.9:80"] }, false, true);
    return hex(peer);
  };
  for (let i = 0; i < dialsMax; i++) known(`mute ${i}`);
  feed({ kind: "deadline" }, 0);
  assert.equal(dialled.length, dialsMax);
  const honest = known("honest");
  for (let due = replica.nextDeadline(); due! <= 2 * dialMsMax; due = replica.nextDeadline()) {
    feed({ kind: "deadline" }, due!);
    assert.equal(dialled.includes(honest), due! >= dialMsMax, `at ${due}`);
  }
  assert.ok(dialled.includes(honest));
});

Deno.test("[T35] (I9) peers that die while they are asked for a channel do not keep a peer from dialling the next", async () => {
  // Each way takes 10 ms, so one of these moments lies between the ask and its answer.
  for (const diesAfterMs of [40, 55, 70, 85]) {
    const sim = new Simulation({ network: { latencyMs: 10, jitterMs: 0 } });
    try {
      const [seeker] = await sim.peers(1, { listen: false });
      const [back, ...others] = await sim.peers(1 + dialsMax);
      const { id } = await sim.run(seeker.peer.graphs.create());
      for (const other of others) {
        await sim.run(other.peer.graphs.open(id));
        await sim.run(seeker.peer.graphs.list()[0]!.connect(other.bootstrap));
      }
      await sim.run(5_000);
      sim.crash(seeker);
      await sim.restart(seeker);
      await sim.run(diesAfterMs);
      for (const other of others) sim.crash(other);
      const [graph] = seeker.peer.graphs.list();
      await sim.run(back!.peer.graphs.open(id));
      await sim.run(graph!.connect(back!.bootstrap));
      await sim.run(5_000);
      sim.crash(back!);
      await sim.run(5_000);
      await sim.restart(back!);
      await sim.run(() => graph!.nodes().length === 1, dialMsMax / 2);
    } finally {
      sim.drop();
    }
  }
});
