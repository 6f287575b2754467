/** Faults that seeds of the simulation found, each as the shortest story that shows it. */

import assert from "node:assert/strict";
import { decodeMessage } from "../../lib/graph/messages.ts";
import type { ReplicaStep } from "../../lib/sim/checker.ts";
import { Simulation } from "../../lib/sim/mod.ts";

Deno.test("(I25) timers of links between drifting clocks are not set for no time at all", async () => {
  await Simulation.each(5, async (sim) => {
    const [ana, ben] = await sim.peers(2);
    ana.clock.drift({ monoDriftPpm: 83 + sim.seed });
    ben.clock.drift({ monoDriftPpm: -211 - sim.seed });
    const graph = await sim.run(ana.peer.graphs.create());
    await sim.run(ben.peer.graphs.open(graph.id, { endpoints: [ana.bootstrap] }));
    const before = sim.events;
    await sim.run(3_600_000);
    sim.assert(sim.events - before < 20_000, `an idle hour takes ${sim.events - before} events`);
  });
});

Deno.test("(I12) a name that was registered by a clock a day behind is found soon after it is set", async () => {
  await Simulation.each(3, async (sim) => {
    const [ana, ben, ...others] = await sim.peers(6);
    for (const peer of [ben, ...others]) await sim.run(peer.peer.names.bootstrap([ana.bootstrap]));
    ana.clock.jumpWall(-86_400_000);
    await sim.run(ana.peer.names.register("0.heron"));
    const find = () => sim.run(ben.peer.names.resolve("0.heron").catch(({ code }) => code));
    assert.equal(await find(), "name_not_found", "nobody takes what has run out");
    ana.clock.jumpWall(86_400_000);
    await sim.run(120_000);
    const found = await find();
    assert.equal(found[0]?.verified, true);
  });
});

Deno.test("(I1) an update by a clock that was set back is kept, spread and found again", async () => {
  await Simulation.each(3, async (sim) => {
    const [ana, ben] = await sim.peers(2);
    const graph = await sim.run(ana.peer.graphs.create());
    const copy = await sim.run(ben.peer.graphs.open(graph.id, { endpoints: [ana.bootstrap] }));
    const { id } = await sim.run(graph.records.add("note", "heron"));
    ana.clock.jumpWall(-3_600_000);
    await sim.run(graph.records.update(id, "egret"));
    ana.clock.jumpWall(3_600_000);
    sim.crash(ana);
    await sim.restart(ana);
    await sim.run(120_000);
    const [again] = ana.peer.graphs.list();
    assert.equal((await sim.run(again!.records.get(id)))?.value, "egret");
    assert.equal((await sim.run(copy.records.get(id)))?.value, "egret");
    sim.judgeQuiet();
  });
});

Deno.test("(I10) a reader that begins after the clock was set back is told once of what came back", async () => {
  await Simulation.each(3, async (sim) => {
    const [ana] = await sim.peers(1);
    const graph = await sim.run(ana.peer.graphs.create());
    await sim.run(graph.records.add("note", "heron", { lifeMs: 600_000 }));
    ana.clock.jumpWall(700_000);
    await sim.run(60_000);
    ana.clock.jumpWall(-700_000);
    const told: string[] = [];
    const reading = (async () => {
      for await (const { kind, record } of graph.records.watch()) told.push(`${kind} ${record.value}`);
    })();
    await sim.run(60_000);
    assert.deepEqual(told, ["returned heron"]);
    await sim.run(graph.close());
    await sim.run(reading);
  });
});

Deno.test("(I25) an item held back for its time is not sent again and again", async () => {
  await Simulation.each(3, async (sim) => {
    const [ana, ben] = await sim.peers(2);
    const graph = await sim.run(ana.peer.graphs.create());
    await sim.run(ben.peer.graphs.open(graph.id, { endpoints: [ana.bootstrap] }));
    ana.clock.jumpWall(1_500_000);
    await sim.run(graph.records.add("note", "x".repeat(10_000)));
    ana.clock.jumpWall(-1_500_000);
    const before = sim.events;
    await sim.run(600_000);
    sim.assert(sim.events - before < 1_500, `ten minutes take ${sim.events - before} events`);
  });
});

Deno.test("[F6] (I7) who finds its disk damaged tells no neighbor that it has all up to a cursor", async () => {
  /** Of each host and set the first word since it started. */
  const told = new Map<string, boolean>();
  const onReplica = ({ peer, effects }: ReplicaStep): void => {
    for (const effect of effects) {
      const message = effect.kind === "send" ? decodeMessage(effect.bytes) : null;
      if (message?.type !== "summary" || message.round > 1) continue;
      told.getOrInsertComputed(`${peer.host} ${message.set}`, () => message.cursor !== null);
    }
  };
  await Simulation.each(3, async (sim) => {
    const [ana, ben] = await sim.peers(2);
    const graph = await sim.run(ana.peer.graphs.create());
    const copy = await sim.run(ben.peer.graphs.open(graph.id, { endpoints: [ana.bootstrap] }));
    for (const text of ["heron", "egret", "stork"]) await sim.run(graph.records.add("note", text));
    await sim.run(120_000);
    assert.equal((await sim.run(copy.records.list())).length, 3);

    /** What ben says first of each set after its next start. */
    const cursorsAfterStart = async (): Promise<boolean[]> => {
      sim.crash(ben);
      told.clear();
      await sim.restart(ben);
      await sim.run(30_000);
      assert.equal((await sim.run(ben.peer.graphs.list()[0]!.records.list())).length, 3);
      return [...told].filter(([key]) => key.startsWith(ben.host)).map(([, hasCursor]) => hasCursor);
    };
    const whole = await cursorsAfterStart();
    assert.ok(whole.includes(true), `a whole disk is believed: ${whole}`);
    const item = ben.store.durableEntries().find(({ key }) => key[0] === "graph" && key[2] === "item")!;
    ben.isDiskDamaged = true;
    ben.store.damage(item.key);
    const damaged = await cursorsAfterStart();
    assert.ok(damaged.length > 0 && !damaged.includes(true), `of a damaged one nothing is: ${damaged}`);
  }, { checkers: () => [{ invariant: "", onReplica }] });
});

Deno.test("(I12) halves of a cloud that lost each other in a long partition find each other's names again", async () => {
  await Simulation.each(3, async (sim) => {
    const peers = await sim.peers(4);
    const [ana, ben, cleo, dan] = peers;
    for (const peer of [ben, cleo, dan]) await sim.run(peer.peer.names.bootstrap([ana.bootstrap]));
    await sim.run(60_000);
    sim.partition([ana, ben], [cleo, dan]);
    await sim.run(7_200_000);
    sim.heal();
    await sim.run(cleo.peer.names.register("0.heron"));
    await sim.run(300_000);
    const found = await sim.run(ana.peer.names.resolve("0.heron").catch(({ code }) => code));
    assert.equal(found[0]?.verified, true, `${found}`);
  });
});

Deno.test("(I12) private peers that lost each other find each other again, though a global one is all they know", async () => {
  await Simulation.each(3, async (sim) => {
    const host = (number: number): string => number === 1 ? "20.0.0.1" : `10.0.${number}.1`;
    const [ana, ben, cleo] = await sim.peers(3, { host });
    await sim.run(ben.peer.names.bootstrap([ana.bootstrap]));
    await sim.run(cleo.peer.names.bootstrap([ana.bootstrap, ben.bootstrap]));
    await sim.run(60_000);
    sim.partition([ben], [cleo]);
    await sim.run(7_200_000);
    sim.heal();
    await sim.run(cleo.peer.names.register("0.heron"));
    await sim.run(300_000);
    const found = await sim.run(ben.peer.names.resolve("0.heron").catch(({ code }) => code));
    assert.equal(found[0]?.verified, true, `${JSON.stringify(found)}`);
  });
});
