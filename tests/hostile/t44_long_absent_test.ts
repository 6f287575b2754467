/**
 * T44: a node that was away for a month, or longer than any record lives, comes back with all it had; so does
 * somebody who kept every old item. What was deleted or has ended is not shown, sent or kept again.
 *
 * Not protected: until it meets somebody, the one who was away shows what it has by its own clock. In a group
 * founded without a longest span tombstones stay as long as their records might.
 */

import assert from "node:assert/strict";
import { decodeMessage } from "../../lib/graph/messages.ts";
import { isData, type Item } from "../../lib/records/item.ts";
import { parseItem } from "../../lib/records/item_codec.ts";
import type { ReplicaNode } from "../../lib/sim/replica_node.ts";
import { keyOf } from "../fixtures/items.ts";
import {
  add,
  addPlain,
  createWorld,
  crypto,
  day,
  hour,
  minute,
  plainGraph,
  settle,
  updateRequest,
  valueAt,
} from "../sim/replica_fixture.ts";
import { HostileNode, Target } from "./kit/hostile_node.ts";

/** Two nodes that stay and one that goes away with five records; meanwhile all but one of these end. */
function absence(seed: number, away: number, wallOffsetMs: number) {
  const world = createWorld(seed);
  const [a, b] = [addPlain(world), addPlain(world)];
  const absent = addPlain(world, wallOffsetMs);
  const staying = [a, b];
  world.run(10);
  world.connect(b, a);
  world.connect(absent, a);
  settle(world);
  const { wallMs } = a.clock.now();
  const until = wallMs + 400 * day;
  const life = { expires: wallMs + 390 * day, until };
  const records = {
    lives: add(a, "lives", life),
    deleted: add(a, "deleted", life),
    byAbsent: add(absent, "by the absent", { lifeMs: 20 * day }),
    brief: add(b, "brief", { lifeMs: 2 * hour }),
    changed: add(b, "changed", life),
  };
  settle(world);
  const old = [...absent.replica.set.entries()].map(({ item }) => item);
  absent.crash();
  world.run(minute);
  assert(a.wait({ kind: "delete", record: records.deleted }).ok);
  assert(b.wait(updateRequest(records.changed, "newer")).ok);
  settle(world, staying);
  pass(staying, away);
  return { world, staying, absent, records, old };
}

/** Lets days go by: the nodes are up for an hour of each fifth of it, and shut down between. */
function pass(nodes: readonly ReplicaNode[], ms: number): void {
  const [{ world }] = nodes as [ReplicaNode];
  for (let part = 0; part < 5; part++) {
    for (const node of nodes) node.crash();
    world.run(ms / 5 - hour);
    for (const node of nodes) node.restart();
    world.run(10);
    world.connect(nodes[1]!, nodes[0]!);
    world.run(hour - 10);
  }
}

/** Ids of the data items that travel from now on. */
function travelling(nodes: readonly ReplicaNode[]): Set<string> {
  const ids = new Set<string>();
  const [{ world }] = nodes as [ReplicaNode];
  world.tap = (from, _to, bytes) => {
    const message = decodeMessage(bytes);
    if (message?.type !== "items" || !nodes.includes(from)) return;
    for (const item of message.items) {
      const parsed = parseItem(crypto, plainGraph, item);
      if (parsed.ok) ids.add(parsed.item.id);
    }
  };
  return ids;
}

/** What nodes say and pass on from now on, of records that are gone. */
class Watch {
  readonly #nodes: readonly ReplicaNode[];
  readonly #sent: ReadonlySet<string>;
  readonly #told: ReadonlyMap<ReplicaNode, number>;

  constructor(staying: readonly ReplicaNode[], nodes: readonly ReplicaNode[]) {
    this.#nodes = nodes;
    this.#sent = travelling(staying);
    this.#told = new Map(nodes.map((node) => [node, node.events.length]));
  }

  /** None is shown, or was told as news, or was passed on. */
  assertGone(gone: readonly string[], old: readonly Item[], why: string): void {
    for (const node of this.#nodes) {
      for (const record of gone) assert.equal(valueAt(node, record), null, why);
      for (const event of node.events.slice(this.#told.get(node)!)) {
        if (event.kind !== "record" || !gone.includes(event.shown.item.record)) continue;
        assert(event.cause === "deleted" || event.cause === "expired", `${why}: ${event.cause}`);
      }
    }
    for (const item of old) {
      if (isData(item) && gone.includes(item.record)) {
        assert(!this.#sent.has(item.id), `${why}: it was passed on`);
      }
    }
  }
}

for (const days of [30, 401]) {
  Deno.test(`[T44] a node that was away for ${days} days brings nothing back`, () => {
    const { world, staying, absent, records, old } = absence(days, days * day, 0);
    const watch = new Watch(staying, world.nodes);
    absent.restart();
    world.run(10);
    world.connect(absent, staying[0]!);
    settle(world);
    const { lives, changed, ...ended } = records;
    const isOver = days > 390;
    const gone = [...Object.values(ended), ...isOver ? [lives, changed] : []];
    watch.assertGone(gone, old, `${days} days`);
    if (!isOver) {
      for (const node of world.nodes) {
        assert.equal(valueAt(node, lives), "lives");
        assert.equal(valueAt(node, changed), "newer");
      }
    }
    assert.equal(new Set(world.nodes.map(({ shown }) => shown.join())).size, 1);
    if (days > 400) {
      world.run(2 * hour);
      for (const node of world.nodes) {
        const { dataItems, shelf } = node.replica.snapshot();
        assert.deepEqual({ dataItems, shelf }, { dataItems: 0, shelf: 0 }, "nothing is left of it anywhere");
      }
    }
  });
}

for (const days of [30, 401]) {
  Deno.test(`[T44] whoever kept every old item for ${days} days and says them again, as often as it likes, revives none`, () => {
    const { world, staying, records, old } = absence(1_000 + days, days * day, 0);
    const node = staying[0]!;
    const gone = [records.deleted, records.byAbsent, records.brief];
    if (days > 390) gone.push(records.lives, records.changed);
    const watch = new Watch(staying, staying);
    const before = staying.map((one) => one.shown);
    const target = new Target(node);
    for (let i = 0; i < 3; i++) {
      const link = new HostileNode(keyOf("keeper"), plainGraph, null, 1).enter(target);
      link.give(...old);
      for (const item of old.toReversed()) link.give(item);
      world.run(minute);
      link.leave();
      node.crash();
      node.restart();
      world.run(10);
      world.connect(staying[1]!, node);
      settle(world, staying);
    }
    assert.deepEqual(staying.map((one) => one.shown), before);
    watch.assertGone(gone, old, `${days} days`);
  });
}

Deno.test("[T44] a clock that stood still for a month while its node was away brings nothing back elsewhere", () => {
  const { world, staying, absent, records, old } = absence(7, 30 * day, 0);
  const watch = new Watch(staying, staying);
  absent.clock.jumpWall(-30 * day);
  absent.restart();
  world.run(10);
  assert.equal(valueAt(absent, records.byAbsent), "by the absent", "by its own clock it is then");
  world.connect(absent, staying[0]!);
  world.run(5 * minute);
  const { lives: _, changed: __, ...ended } = records;
  watch.assertGone(Object.values(ended), old, "a clock that stood still");
  assert.equal(valueAt(absent, records.deleted), null, "a delete reaches it whatever its clock says");
});
