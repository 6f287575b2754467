/**
 * T35, and T22 in graphs: neighbors that take every place and give nothing. A node goes on looking for
 * neighbors while those it has do not catch up with it, and while it has not dialled some itself.
 *
 * Not protected: a node whose every contact is hostile, told so by hostile neighbors alone, finds nobody
 * else; neighbors are not scored, so one that took part once and then withholds keeps its place. What it
 * withholds comes from the others.
 */

import assert from "node:assert/strict";
import { neighborsDialledMin, neighborsIdeal, neighborsMax, settlingMsMax } from "../../lib/graph/limits.ts";
import type { ReplicaNode } from "../../lib/sim/replica_node.ts";
import { keyOf } from "../fixtures/items.ts";
import {
  add,
  addPlain,
  createWorld,
  GroupWorld,
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
  for (const count of [neighborsIdeal, neighborsMax - 4, neighborsMax + 8]) {
    Deno.test(`[T35] ${count} neighbors that dial a node and ${name} do not keep it from finding an honest one`, () => {
      const world = createWorld(1);
      const [node, honest] = [addPlain(world), addPlain(world)];
      world.run(10);
      const target = new Target(node);
      const teller = new HostileNode(keyOf("teller"), plainGraph, null, 1).enter(target);
      for (let i = 0; i < count; i++) {
        const link = new HostileNode(keyOf(`mute ${i}`), plainGraph, null, 1).enter(target);
        if (link.end === undefined) act(link);
      }
      const peer = honest.signer.publicKey;
      teller.say({ type: "contacts", contacts: [{ peer, endpoints: [honest.endpoint] }] });
      teller.leave();
      const record = add(honest, "heron");
      assert(world.runUntil(() => valueAt(node, record) === "heron", 2 * minute));
    });
  }
}

/** How many neighbors take part. */
const open = ({ replica }: ReplicaNode) => replica.neighbors().filter(({ phase }) => phase === "open").length;

Deno.test("[T35] [T22] those that dial a node take no place that it keeps for its own dials, and none is over", () => {
  const world = createWorld(2);
  const node = addPlain(world);
  world.run(10);
  const target = new Target(node);
  const enter = (name: string, dialled: boolean): HostileLink => {
    const link = target.link(keyOf(name), dialled);
    link.greet();
    world.run(1);
    return link;
  };
  const inbound = Array.from({ length: neighborsMax }, (_, i) => enter(`in ${i}`, false));
  assert.equal(open(node), neighborsMax - neighborsDialledMin);
  assert.ok(inbound.slice(-neighborsDialledMin).every(({ end }) => end === "too_many"));
  const dialled = Array.from({ length: neighborsDialledMin + 1 }, (_, i) => enter(`out ${i}`, true));
  assert.equal(open(node), neighborsMax);
  assert.deepEqual(dialled.map(({ end }) => end), [
    ...Array(neighborsDialledMin).fill(undefined),
    "too_many",
  ]);
});

Deno.test("[T35] a neighbor that gave nothing in its time makes room for the next, one that caught up does not", () => {
  const world = createWorld(3);
  const node = addPlain(world);
  world.run(10);
  const target = new Target(node);
  const enter = (name: string): HostileLink =>
    new HostileNode(keyOf(name), plainGraph, null, 1).enter(target);
  const places = neighborsMax - neighborsDialledMin;
  const [useful, ...mute] = Array.from({ length: places }, (_, i) => enter(`first ${i}`));
  pretend(useful!);
  world.run(settlingMsMax - 10);
  assert.equal(enter("too early").end, "too_many");
  world.run(10);
  const later = mute.map((_, i) => enter(`later ${i}`));
  assert.equal(enter("one more").end, "too_many");
  world.run(1);
  assert.equal(useful!.end, undefined);
  assert.ok(mute.every(({ end }) => end === "too_many"));
  assert.ok(later.every(({ end }) => end === undefined));
  assert.equal(open(node), places);
});

Deno.test("[T35] strangers that wait at the door of a member, and are renewed, do not keep it from dialling", () => {
  const group = new GroupWorld(1);
  const { founder, world } = group;
  const other = group.join();
  settle(world);
  const target = new Target(founder);
  other.crash();
  target.dials.length = 0;
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < neighborsMax; i++) target.link(keyOf(`stranger ${round} ${i}`)).greet();
    world.run(15_000);
  }
  assert.ok(target.dials.length >= 4, `${target.dials.length} dials in a minute`);
});

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
