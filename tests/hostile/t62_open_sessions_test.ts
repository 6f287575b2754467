/**
 * T62: channels that stood when their other end was removed. Whoever takes the removal ends them in the same
 * step, at every member within seconds of its being written, and opens no other; after a partition within
 * seconds of the heal. What is said on an ended channel is not read.
 */

import assert from "node:assert/strict";
import { hex } from "../../lib/base/bytes.ts";
import type { GraphMessage } from "../../lib/graph/messages.ts";
import { RoleBit } from "../../lib/groups/roles.ts";
import type { ReplicaNode } from "../../lib/sim/replica_node.ts";
import { add, GroupWorld, isMember, minute, settle, valueAt } from "../sim/replica_fixture.ts";
import { HostileNode, Target } from "./kit/hostile_node.ts";

const closedMsMax = 5_000;
const healedMsMax = 30_000;

function isLinkedTo(node: ReplicaNode, id: string): boolean {
  return node.replica.neighbors().some((neighbor) => neighbor.id === id);
}

/** What somebody says who has nothing and wants all. */
const emptySummary: GraphMessage = {
  type: "summary",
  set: 0,
  round: 1,
  count: 0,
  fingerprint: new Uint8Array(16),
  cursor: null,
};

Deno.test("[T62] a removal ends the open channels of an ex-member that does not hang up, everywhere within five seconds", () => {
  for (let seed = 1; seed <= 3; seed++) {
    const group = new GroupWorld(seed);
    const { founder, world } = group;
    const honest = [founder, ...Array.from({ length: 7 }, () => group.join())];
    const rogue = group.join({ roles: RoleBit.admin });
    settle(world);
    rogue.crash();
    const mallory = HostileNode.of(rogue, founder);
    const links = honest.map((node) => mallory.enter(new Target(node)));
    world.run(1_000);
    for (const node of honest) assert(isLinkedTo(node, mallory.lineage));
    group.startRemove(founder, rogue, null);
    const isClosed = () => honest.every((node) => !isLinkedTo(node, mallory.lineage));
    assert(world.runUntil(isClosed, closedMsMax), `seed ${seed}: closed in time`);
    for (const link of links) {
      assert.equal(link.end, "removed");
      assert.equal(link.told.at(-1)?.type, "refuse", "it is told why");
      const before = link.told.length;
      link.greet();
      link.give(mallory.version("late"));
      link.say(emptySummary);
      assert.equal(link.told.length, before, "an ended channel is not read");
    }
    for (const node of honest) {
      const again = mallory.enter(new Target(node));
      again.give(mallory.version("late"));
      again.say(emptySummary);
      for (const { type } of again.told) {
        assert(type === "greet" || type === "refuse", `it is told no ${type}`);
      }
    }
    settle(world, honest);
    for (const node of honest) assert.equal(node.replica.snapshot().dataItems, 0);
  }
});

Deno.test("[T62] whoever shows no proof, or its old one, is served nothing; what it may read is what shows that it is out", () => {
  const group = new GroupWorld(10);
  const { founder, world } = group;
  const rogue = group.join();
  settle(world);
  add(founder, "secret");
  settle(world);
  const proof = founder.replica.policy.proofOf(rogue.signer.publicKey);
  rogue.crash();
  group.remove(founder, rogue);
  const mallory = HostileNode.of(rogue, founder);
  for (const shown of [[], proof]) {
    const link = new Target(founder).link(mallory.signer);
    link.greet(shown);
    for (const set of [0, 1] as const) {
      link.say({ type: "summary", set, round: 1, count: 0, fingerprint: new Uint8Array(16), cursor: null });
    }
    world.run(1_000);
    for (const { type } of link.told) assert(type === "greet" || type === "refuse", `it is told no ${type}`);
  }
});

Deno.test("[T62] after a partition the other side ends its channels within half a minute of the heal", () => {
  for (let seed = 1; seed <= 3; seed++) {
    const group = new GroupWorld(20 + seed);
    const { founder, world } = group;
    const here = [founder, group.join()];
    const there = [group.join(), group.join()];
    const rogue = group.join();
    settle(world);
    rogue.crash();
    const mallory = HostileNode.of(rogue, founder);
    const links = there.map((node) => mallory.enter(new Target(node)));
    world.split(here, there);
    group.remove(founder, rogue);
    world.run(minute);
    for (const node of there) assert(isMember(rogue, node) && isLinkedTo(node, mallory.lineage));
    const late = mallory.version("to those who have not heard");
    links[0]!.give(late);
    world.healAll();
    const isClosed = () => there.every((node) => !isLinkedTo(node, mallory.lineage));
    assert(world.runUntil(isClosed, healedMsMax), `seed ${seed}`);
    settle(world, [...here, ...there]);
    for (const node of [...here, ...there]) assert.equal(valueAt(node, late.record), null, `seed ${seed}`);
  }
});

Deno.test("[T62] an ex-member that vanishes while it is being told, or is removed while it greets, leaves no channel", () => {
  const group = new GroupWorld(30);
  const { founder, world } = group;
  const rogue = group.join();
  settle(world);
  rogue.crash();
  const mallory = HostileNode.of(rogue, founder);
  const target = new Target(founder);
  const [open, silent] = [mallory.enter(target), target.link(mallory.signer)];
  assert.equal(open.end, "replaced", "one link for each pair");
  group.startRemove(founder, rogue, null);
  silent.leave();
  const greeting = target.link(mallory.signer);
  world.run(1_000);
  assert(!isMember(rogue, founder));
  greeting.greet(founder.replica.policy.proofOf(mallory.signer.publicKey));
  greeting.greet();
  world.run(minute);
  assert.equal(founder.replica.neighbors().some(({ id }) => id === hex(mallory.signer.publicKey)), false);
  assert.notEqual(greeting.end, undefined);
});
