/**
 * T35, and T22 in graphs: neighbors that take every place and give nothing. A node goes on looking for
 * neighbors while those it has do not catch up with it, and while it has not dialled some itself.
 *
 * Not protected: a node whose every contact is hostile, told so by hostile neighbors alone, finds nobody
 * else; neighbors are not scored, so one that took part once and then withholds keeps its place. What it
 * withholds comes from the others.
 */

import assert from "node:assert/strict";
import { neighborsIdeal, neighborsMax } from "../../lib/graph/limits.ts";
import { keyOf } from "../fixtures/items.ts";
import {
  add,
  addPlain,
  createWorld,
  minute,
  plainGraph,
  plainWorld,
  settle,
  valueAt,
} from "../sim/replica_fixture.ts";
import { type HostileLink, HostileNode, Target } from "./kit/hostile_node.ts";

/** Goes through a catch-up as an equal that lacks nothing and has nothing. */
function pretend(link: HostileLink): void {
  for (const set of [0, 1] as const) {
    const summary = link.heard("summary").at(-1)!;
    link.say({ ...summary, cursor: null });
    link.say({ type: "served", set, cursor: null });
  }
}

for (const [name, act] of Object.entries({ "say nothing": () => {}, "pretend to be equal": pretend })) {
  for (const count of [neighborsIdeal, neighborsMax - 4]) {
    Deno.test(`[T35] ${count} neighbors that dial a node and ${name} do not keep it from finding an honest one`, () => {
      const world = createWorld(1);
      const [node, honest] = [addPlain(world), addPlain(world)];
      world.run(10);
      const target = new Target(node);
      for (let i = 0; i < count; i++) {
        const link = new HostileNode(keyOf(`mute ${i}`), plainGraph, null, 1).enter(target);
        act(link);
      }
      const teller = new HostileNode(keyOf("teller"), plainGraph, null, 1).enter(target);
      const peer = honest.signer.publicKey;
      teller.say({ type: "contacts", contacts: [{ peer, endpoints: [honest.endpoint] }] });
      teller.leave();
      const record = add(honest, "heron");
      assert(world.runUntil(() => valueAt(node, record) === "heron", 2 * minute));
    });
  }
}

Deno.test("[T35] of thirty honest nodes none keeps more neighbors than it may, and all have some that they dialled", () => {
  const world = plainWorld(2, 30);
  world.run(2 * minute);
  settle(world);
  for (const node of world.nodes) {
    const neighbors = node.replica.neighbors();
    assert.ok(neighbors.length >= neighborsIdeal && neighbors.length <= neighborsMax, `${neighbors.length}`);
    assert.ok(neighbors.filter(({ up }) => up.dialled).length >= 3);
  }
});
