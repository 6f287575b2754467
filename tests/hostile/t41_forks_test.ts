/**
 * T41: one number, two items. Up to half of the authors fork all that they write and tell each side another
 * half of it. A fork voids nothing: both items stand by the rules that hold for any two, so the honest ones
 * come out byte-equal, and each that has both reports the author.
 *
 * Not protected: nobody is removed for a fork, and who has seen one side only, because the other was
 * superseded before it came, reports nothing.
 */

import assert from "node:assert/strict";
import { equalBytes, hex } from "../../lib/base/bytes.ts";
import { pick } from "../../lib/base/random.ts";
import { RoleBit } from "../../lib/groups/roles.ts";
import { type Item, ItemKind } from "../../lib/records/item.ts";
import type { ReplicaNode } from "../../lib/sim/replica_node.ts";
import type { ReplicaWorld } from "../../lib/sim/replica_world.ts";
import { credentialBody, keyOf } from "../fixtures/items.ts";
import {
  add,
  addPlain,
  createWorld,
  GroupWorld,
  isMember,
  minute,
  plainGraph,
  plainWorld,
  settle,
} from "../sim/replica_fixture.ts";
import { type HostileLink, HostileNode, Target } from "./kit/hostile_node.ts";

/** Two items with one number: of two records, of one record, a version and a delete, an extension and a version. */
function forkOf(author: HostileNode, which: number): [Item, Item] {
  const seq = 1_000 + which;
  const record = author.record();
  const other = author.record();
  const versions = (b: typeof record, version = 1): [Item, Item] => [
    author.version(`left ${which}`, record, {}, { seq }),
    author.version(`right ${which}`, b, { version }, { seq }),
  ];
  switch (which % 4) {
    case 0:
      return versions(other);
    case 1:
      return versions(record);
    case 2:
      return versions(record, 2);
    default:
      return [author.version(`left ${which}`, record, {}, { seq }), author.delete(record, { seq })];
  }
}

function forksAt(node: ReplicaNode): Set<string> {
  return new Set(node.events.flatMap((event) => event.kind === "fork" ? [hex(event.author)] : []));
}

/** Runs until the honest nodes stand equal; hostile links do not count. */
function agree(world: ReplicaWorld, nodes: readonly ReplicaNode[], why: string): void {
  assert(world.runUntil(() => world.areEqual(nodes), 10 * minute), why);
  for (const node of nodes) assert.deepEqual(node.shown, nodes[0]!.shown, why);
  const items = (node: ReplicaNode) =>
    [...node.replica.set.entries()].filter(({ place }) => place === "in").map(({ item }) => item)
      .sort((a, b) => a.id < b.id ? -1 : 1);
  const first = items(nodes[0]!);
  for (const node of nodes) {
    const own = items(node);
    assert(
      own.length === first.length && own.every((item, i) => equalBytes(item.bytes, first[i]!.bytes)),
      why,
    );
  }
}

Deno.test("[T41] up to half of the authors fork: honest replicas come out byte-equal and know who did it", () => {
  for (const hostile of [1, 2, 4]) {
    for (let seed = 1; seed <= 3; seed++) {
      const world = plainWorld(seed, 4);
      const honest = [...world.nodes];
      const targets = honest.map((node) => new Target(node));
      const why = `${hostile} of ${honest.length + hostile}, seed ${seed}`;
      world.split(honest.slice(0, 2), honest.slice(2));
      const authors = Array.from(
        { length: hostile },
        (_, i) => new HostileNode(keyOf(`forker ${i}`), plainGraph, null, world.clock.now().wallMs),
      );
      for (const author of authors) {
        const links = targets.map((target) => author.enter(target));
        for (let which = 0; which < 8; which++) {
          const fork = forkOf(author, which);
          links.forEach((link, i) => link.give(fork[i < 2 ? 0 : 1]));
          world.run(20);
        }
        for (const link of links) link.leave();
      }
      const records = honest.map((node, i) => add(node, `honest ${i}`));
      world.healAll();
      agree(world, honest, why);
      for (const node of honest) {
        for (const author of authors) assert(forksAt(node).has(author.lineage), why);
        assert.equal(forksAt(node).size, hostile, `${why}: nobody else`);
        assert(records.every((record) => node.replica.set.shown(record) !== null), why);
      }
    }
  }
});

Deno.test("[T41] which half of a fork comes first decides nothing", () => {
  for (let which = 0; which < 4; which++) {
    const shown = [[0, 1], [1, 0]].map((order) => {
      const world = createWorld(1);
      const node = addPlain(world);
      world.run(10);
      const author = new HostileNode(keyOf("forker"), plainGraph, null, world.clock.now().wallMs);
      const fork = forkOf(author, which);
      const link = author.enter(new Target(node));
      for (const i of order) link.give(fork[i]!);
      assert.deepEqual([...forksAt(node)], [author.lineage]);
      // The proof is both items: they are known, in the set or superseded beside it.
      assert(fork.every(({ id }) => node.replica.set.has(id)));
      return node.shown;
    });
    assert.deepEqual(shown[0], shown[1]);
  }
});

Deno.test("[T41] a fork whose first half came before a restart is known by its second half", () => {
  const world = createWorld(2);
  const node = addPlain(world);
  world.run(10);
  const author = new HostileNode(keyOf("forker"), plainGraph, null, world.clock.now().wallMs);
  const [first, second] = forkOf(author, 0);
  author.enter(new Target(node)).give(first);
  assert(world.runUntil(() => !node.replica.snapshot().unstored, minute));
  node.crash();
  node.restart();
  world.run(10);
  assert.equal(forksAt(node).size, 0, "one item is no fork");
  author.enter(new Target(node)).give(second);
  assert.deepEqual([...forksAt(node)], [author.lineage]);
  node.crash();
  node.events.length = 0;
  node.restart();
  world.run(10);
  assert.equal(forksAt(node).size, 0, "what was told is not told again at each start");
});

Deno.test("[T41] admins that give one seat to different people on each side: the same members everywhere", () => {
  for (let seed = 1; seed <= 6; seed++) {
    const group = new GroupWorld(seed);
    const { founder, world } = group;
    const admins = [group.join({ roles: RoleBit.admin }), group.join({ roles: RoleBit.admin })];
    const honest = [founder, group.join(), group.join(), group.join()];
    settle(world);
    for (const admin of admins) admin.crash();
    const hostile = admins.map((admin) => HostileNode.of(admin, founder));
    const targets = honest.map((node) => new Target(node));
    world.split(honest.slice(0, 2), honest.slice(2));
    const joiners = [0, 1, 2, 3].map((n) => keyOf(`joiner ${n}`).publicKey);
    const forks = hostile.map((admin) => {
      const head = { seq: 7, writer: new Uint8Array(8) };
      const a = admin.make(credentialBody(pick(world.random, joiners), RoleBit.member), head);
      const b = admin.make(credentialBody(pick(world.random, joiners), RoleBit.admin), head);
      // The other admin falls on one side, by an item with the number of one that falls on the other.
      return [a, b] as const;
    });
    const links: HostileLink[] = [];
    hostile.forEach((admin, n) => {
      targets.forEach((target, i) => {
        const link = admin.enter(target);
        link.give(forks[n]![i < 2 ? 0 : 1]);
        links.push(link);
      });
    });
    world.run(100);
    for (const link of links) link.leave();
    world.healAll();
    agree(world, honest, `seed ${seed}`);
    for (const joiner of joiners) {
      const verdicts = new Set(honest.map((node) => node.replica.policy.mayConnect(joiner)));
      assert.equal(verdicts.size, 1, `seed ${seed}`);
    }
    for (const node of honest) {
      assert.deepEqual([...forksAt(node)].sort(), hostile.map(({ lineage }) => lineage).sort());
      for (const other of honest) assert(isMember(other, node));
      const kinds = [...node.replica.set.entries()].filter(({ item, place }) =>
        place === "in" && item.body.kind === ItemKind.credential
      );
      assert.equal(kinds.length, 1 + 2 * hostile.length, "a fork voids nothing");
    }
  }
});

Deno.test("[T41] another item with the number of one of a node's own is told there as a fork", () => {
  const world = createWorld(5);
  const node = addPlain(world);
  world.run(10);
  add(node, "heron");
  const [own] = [...node.replica.set.data.since(0)].map(({ item }) => item);
  assert.ok(own !== undefined && own.head !== null);
  const { writer, seq } = own.head;
  const twin = new HostileNode(node.signer, plainGraph, null, node.clock.now().wallMs);
  const link = new HostileNode(keyOf("mallory"), plainGraph, null, 1).enter(new Target(node));
  link.give(twin.version("egret", twin.record(), {}, { writer, seq }));
  assert.deepEqual(forksAt(node), new Set([twin.lineage]));
});
