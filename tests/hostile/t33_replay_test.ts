/**
 * T33: all frames of a day again, after a restart. What is known is known by its hash, in the set and on
 * disk, so nothing is told, forwarded or stored twice.
 *
 * Not protected: an item of somebody else's that was shown and not yet on disk when a node is killed comes
 * anew to it afterwards: acknowledged is what is durable.
 */

import assert from "node:assert/strict";
import { hex } from "../../lib/base/bytes.ts";
import type { Membership } from "../../lib/groups/membership.ts";
import type { ReplicaNode } from "../../lib/sim/replica_node.ts";
import { keyOf } from "../fixtures/items.ts";
import {
  add,
  day,
  GroupWorld,
  hour,
  minute,
  plainGraph,
  plainWorld,
  settle,
  updateRequest,
} from "../sim/replica_fixture.ts";
import { HostileNode, Target } from "./kit/hostile_node.ts";

interface Frame {
  readonly from: ReplicaNode;
  readonly bytes: Uint8Array;
}

/** What users were told of records, and what neighbors are sent that nobody asked for. */
function tellings(node: ReplicaNode): number {
  return node.events.filter(({ kind }) => kind === "record" || kind === "authority" || kind === "fork")
    .length;
}

/** A day of writing, changing, deleting and extending, with short-lived records in it. */
function liveADay(nodes: readonly ReplicaNode[]): void {
  const [{ world }] = nodes as [ReplicaNode];
  for (let hours = 0; hours < 24; hours++) {
    const by = nodes[hours % nodes.length]!;
    const record = add(by, `hour ${hours}`, hours % 3 === 0 ? { lifeMs: 2 * hour } : { lifeMs: 10 * day });
    world.run(10 * minute);
    if (hours % 3 === 1) assert(by.wait(updateRequest(record, "changed")).ok);
    if (hours % 3 === 2) assert(by.wait({ kind: "delete", record }).ok);
    world.run(50 * minute);
  }
}

/** Plays frames again on links of those who sent them, in order or not. */
function replay(target: Target, frames: readonly Frame[]): void {
  const links = new Map<ReplicaNode, ReturnType<Target["link"]>>();
  for (const { from, bytes } of frames) {
    let link = links.get(from);
    if (link === undefined || link.end !== undefined) {
      link = target.link(from.signer);
      link.greet();
      links.set(from, link);
    }
    link.sayBytes(bytes);
  }
  target.node.world.run(1_000);
  for (const link of links.values()) link.leave();
}

function assertSilent(node: ReplicaNode, frames: readonly Frame[], graph: Uint8Array, why: string): void {
  const { world } = node;
  const target = new Target(node);
  const watcher = new HostileNode(keyOf("watcher"), graph, null, 1);
  // In a group only a member is told anything: it watches as one of those who sent.
  const watching = node.replica.policy.mayConnect(watcher.signer.publicKey) ? watcher.enter(target) : null;
  const [before, told, shown] = [node.replica.snapshot(), tellings(node), node.shown];
  const disk = target.disk();
  replay(target, frames);
  const after = node.replica.snapshot();
  assert.equal(tellings(node), told, `${why}: nothing is told twice`);
  if (watching !== null) assert.equal(watching.heard("items").length, 0, `${why}: nothing is forwarded`);
  assert.deepEqual(node.shown, shown, why);
  assert.equal(after.dataFingerprint, before.dataFingerprint, why);
  assert.equal(after.authorityFingerprint, before.authorityFingerprint, why);
  assert(world.runUntil(() => !node.replica.snapshot().unstored, minute));
  const items = ([key]: [string, string]) => key.includes("/item/");
  const known = new Set([...disk].filter(items).map(([, value]) => value));
  const late = [...target.disk()].filter(items).filter(([, value]) => !known.has(value));
  // What ended long ago may be kept aside again, outside the set, for as long as anything past its time is.
  assert.ok(
    late.every(([, value]) => value.slice(2, 18) === "0".repeat(16)),
    `${why}: none has an arrival number`,
  );
}

Deno.test("[T33] a whole day of frames, again after a restart: nothing told twice, nothing forwarded", () => {
  const world = plainWorld(1, 2);
  const node = world.nodes[0]!;
  const frames: Frame[] = [];
  world.tap = (from, to, bytes) => void (to === node && frames.push({ from, bytes }));
  liveADay(world.nodes);
  settle(world);
  world.tap = () => {};
  assert.ok(frames.length > 500, `${frames.length} frames`);
  for (const other of world.nodes.slice(1)) other.crash();
  node.crash();
  node.restart();
  world.run(10);
  assertSilent(node, frames, plainGraph, "after a restart");
  assertSilent(node, frames.toReversed(), plainGraph, "in reverse");
  node.crash();
  world.run(30 * day - hour);
  node.restart();
  world.run(10);
  assertSilent(node, frames, plainGraph, "a month later");
});

Deno.test("[T33] the frames of joining and removing, again after a restart: the members stay who they are", () => {
  const group = new GroupWorld(2);
  const { founder, world } = group;
  const frames: Frame[] = [];
  world.tap = (from, to, bytes) => void (to === founder && frames.push({ from, bytes }));
  const [member, removed, left] = [group.join(), group.join(), group.join()];
  settle(world);
  for (const node of world.nodes) add(node, "heron");
  settle(world);
  group.leave(left);
  group.remove(founder, removed);
  settle(world, [founder, member]);
  world.tap = () => {};
  for (const node of [member, removed, left]) node.crash();
  founder.crash();
  founder.restart();
  world.run(10);
  const members = () => [...(founder.replica.policy as Membership).members().keys()];
  const before = members();
  assertSilent(founder, frames, group.founding.group, "after a restart");
  assert.deepEqual(members(), before);
  assert.deepEqual(before.sort(), [founder, member].map(({ signer }) => hex(signer.publicKey)).sort());
});
