/**
 * T31: valid spam at a hundred times an honest rate, and as much as a link takes. Honest records reach all,
 * nothing of theirs gives way, every queue keeps its bound; what a queue dropped is made good by comparing.
 *
 * Not protected: there is no rate for each author at each hop (protocol §4: rates delay, never refuse; they
 * are not built), so spam is passed on as all else is and fills what links and disks hold. Quotas (keeping 2)
 * are reserved. Whoever spams is removed by an admin; in a plain graph nobody is.
 */

import assert from "node:assert/strict";
import { utf8 } from "../../lib/base/bytes.ts";
import { badItemsMax, sendQueueBytesMax } from "../../lib/graph/limits.ts";
import { asideItemsMax, recordDataBytesMax, shelfItemsMax } from "../../lib/records/limits.ts";
import type { ReplicaNode } from "../../lib/sim/replica_node.ts";
import type { ReplicaWorld } from "../../lib/sim/replica_world.ts";
import { bytesOf, fakeVersion, keyOf, recordOf } from "../fixtures/items.ts";
import {
  add,
  addRequest,
  GroupWorld,
  minute,
  plainGraph,
  plainWorld,
  settle,
  valueAt,
} from "../sim/replica_fixture.ts";
import { type HostileLink, HostileNode, Target } from "./kit/hostile_node.ts";

/** Honest nodes that write once a second each for five seconds, beside whatever `spam` does each second. */
function run(seed: number, spam: (second: number, nodes: readonly ReplicaNode[]) => void) {
  const world = plainWorld(seed, 6);
  const { nodes } = world;
  const sentMs = new Map<string, number>();
  const delaysMs: number[] = [];
  let waitingMax = 0;
  const seen = nodes.map(() => 0);
  const look = () => {
    nodes.forEach((node, i) => {
      for (; seen[i]! < node.events.length; seen[i]!++) {
        const event = node.events[seen[i]!]!;
        if (event.kind !== "record" || event.cause !== "added") continue;
        const sent = sentMs.get(event.shown.item.record);
        if (sent !== undefined) delaysMs.push(world.clock.now().monoMs - sent);
      }
      for (const { window } of node.replica.neighbors()) {
        waitingMax = Math.max(waitingMax, window.waitingBytes);
      }
    });
  };
  for (let second = 0; second < 5; second++) {
    spam(second, nodes);
    const calls = nodes.map((node) => [node, node.call(addRequest(`honest ${second}`))] as const);
    for (let step = 0; step < 200; step++) {
      world.run(5);
      for (const [node, call] of calls) {
        const end = node.ends.get(call);
        if (!end?.ok || end.outcome.kind !== "record" || sentMs.has(end.outcome.record)) continue;
        sentMs.set(end.outcome.record, world.clock.now().monoMs);
      }
      look();
    }
  }
  assert(world.runUntil(() => world.areEqual(nodes), 5 * minute), `seed ${seed}: they did not become equal`);
  look();
  delaysMs.sort((a, b) => a - b);
  return { world, nodes, records: [...sentMs.keys()], delaysMs, waitingMax };
}

function p99(sorted: readonly number[]): number {
  return sorted[Math.floor(0.99 * (sorted.length - 1))]!;
}

/** A spammer with a link to some of the nodes. */
function spammer(
  world: ReplicaWorld,
  nodes: readonly ReplicaNode[],
): { links: HostileLink[]; by: HostileNode } {
  const by = new HostileNode(keyOf("spammer"), plainGraph, null, world.clock.now().wallMs);
  return { by, links: nodes.map((node) => by.enter(new Target(node))) };
}

Deno.test("[T31] spam at a hundred times an honest rate: all honest records at all, in no more than twice the time", () => {
  const quiet = run(1, () => {});
  let spam: ReturnType<typeof spammer> | undefined;
  const loud = run(1, (_second, nodes) => {
    spam ??= spammer(nodes[0]!.world, nodes.slice(0, 3));
    for (let i = 0; i < 100; i++) {
      const item = spam.by.version("spam ".padEnd(1_000, "!"));
      for (const link of spam.links) link.give(item);
    }
  });
  for (const { nodes, records } of [quiet, loud]) {
    assert.equal(records.length, 30);
    for (const node of nodes) for (const record of records) assert.notEqual(valueAt(node, record), null);
  }
  assert.equal(
    loud.nodes[5]!.replica.snapshot().dataItems,
    530,
    "spam that is valid is kept as all else is",
  );
  assert.ok(quiet.delaysMs.length >= 150 && loud.delaysMs.length >= 150);
  assert.ok(
    p99(loud.delaysMs) <= 2 * p99(quiet.delaysMs),
    `${p99(loud.delaysMs)} and ${p99(quiet.delaysMs)} ms`,
  );
  assert.ok(loud.waitingMax <= sendQueueBytesMax);
});

Deno.test("[T31] spam of more than the queues hold: they keep their bound, and what they dropped is made good", () => {
  let spam: ReturnType<typeof spammer> | undefined;
  const { nodes, records, waitingMax } = run(2, (second, nodes) => {
    if (second > 0) return;
    spam ??= spammer(nodes[0]!.world, nodes.slice(0, 1));
    const large = utf8("!".repeat(recordDataBytesMax - 1_000));
    for (let i = 0; i < 40; i++) spam.links[0]!.give(spam.by.version("", spam.by.record(), { data: large }));
  });
  assert.ok(waitingMax > sendQueueBytesMax / 2, `the queues were filled: ${waitingMax}`);
  assert.ok(waitingMax <= sendQueueBytesMax);
  for (const node of nodes) for (const record of records) assert.notEqual(valueAt(node, record), null);
});

Deno.test("[T31] a neighbor that does not read holds its own queue only; others get what is new at once", () => {
  const world = plainWorld(3, 3);
  const [node, other] = world.nodes as [ReplicaNode, ReplicaNode];
  const target = new Target(node);
  target.isRead = false;
  const deaf = new HostileNode(keyOf("deaf"), plainGraph, null, world.clock.now().wallMs).enter(target);
  const large = "!".repeat(recordDataBytesMax - 1_000);
  for (let i = 0; i < 40; i++) add(other, large);
  world.run(1_000);
  const waiting = node.replica.snapshot().neighbors.map(({ waitingBytes }) => waitingBytes);
  assert.ok(Math.max(...waiting) > sendQueueBytesMax / 2 && Math.max(...waiting) <= sendQueueBytesMax);
  const record = add(node, "heron");
  world.run(100);
  for (const one of world.nodes) assert.equal(valueAt(one, record), "heron");
  deaf.leave();
  settle(world);
});

Deno.test("[T31] a member that rewrites its record without end fills its own share of the shelf, and one place in the set", () => {
  const group = new GroupWorld(4);
  const { founder, world } = group;
  const [rogue, honest] = [group.join(), group.join()];
  settle(world);
  const record = add(honest, "one");
  settle(world);
  rogue.crash();
  const by = HostileNode.of(rogue, founder);
  const link = by.enter(new Target(founder));
  const own = by.record();
  const before = founder.replica.snapshot();
  for (let version = 1; version <= 2_000; version += 100) {
    link.give(...Array.from({ length: 100 }, (_, i) => by.version("!", own, { version: version + i })));
  }
  const after = founder.replica.snapshot();
  assert.equal(after.dataItems, before.dataItems + 1);
  assert.ok(after.shelf <= shelfItemsMax);
  link.leave();
  settle(world, [founder, honest]);
  assert.equal(honest.replica.snapshot().dataItems, after.dataItems);
  assert.equal(valueAt(founder, record), "one");
  group.remove(founder, rogue, by.at);
  settle(world, [founder, honest]);
  assert.equal(honest.replica.snapshot().dataItems, before.dataItems, "an admin ends it with one item");
});

Deno.test("[T31] data under the credential of another is not kept, and is bad though what waits overflows", () => {
  const group = new GroupWorld(31);
  const { founder, world } = group;
  const rogue = group.join();
  settle(world);
  rogue.crash();
  const mallory = HostileNode.of(rogue, founder);
  const { graph, set } = founder.replica;
  const link = mallory.enter(new Target(founder));
  const waiting = Array.from({ length: asideItemsMax }, () => {
    const author = bytesOf("somebody");
    return fakeVersion({ author, credential: bytesOf("no credential") }, recordOf(author));
  });
  set.add(waiting, founder.clock.now().wallMs);
  const before = set.sizes;
  for (let i = 0; i <= badItemsMax; i++) {
    assert.equal(link.end, undefined, `after ${i} bad items`);
    const nobody = new HostileNode(keyOf(`nobody ${i}`), graph, mallory.credential, mallory.at);
    const credential = bytesOf("none either");
    link.give(
      nobody.version("void for ever"),
      mallory.version("waits", mallory.record(), {}, { credential }),
    );
  }
  assert.equal(link.end, "misbehaved");
  assert.deepEqual({ ...set.sizes, indexed: 0 }, { ...before, indexed: 0 });
});
