/**
 * T38: ids without end: authors, records, credentials, lists, invitations that nobody knows. What is kept of
 * them is bounded, and what has ended leaves nothing. Channels of a link are counted by the links themselves
 * (`tests/unit/peer`).
 *
 * Not protected: records that have not ended are kept, whoever wrote them: quotas (protocol §4, keeping 2)
 * are reserved and not enforced yet.
 */

import assert from "node:assert/strict";
import { badItemsMax } from "../../lib/graph/limits.ts";
import type { AuthorityBody } from "../../lib/records/item.ts";
import { ItemKind } from "../../lib/records/item.ts";
import { createList } from "../../lib/records/item_codec.ts";
import { asideItemsMax, pastMsMax } from "../../lib/records/limits.ts";
import { encode } from "../../lib/wire/codec.ts";
import { bytesOf, keyOf } from "../fixtures/items.ts";
import {
  add,
  addPlain,
  createWorld,
  crypto,
  GroupWorld,
  hour,
  minute,
  plainGraph,
  settle,
  valueAt,
} from "../sim/replica_fixture.ts";
import { HostileNode, Target } from "./kit/hostile_node.ts";

Deno.test("[T38] a thousand authors that come and go leave nothing: no item, no index, no entry on disk", () => {
  const world = createWorld(1);
  const node = addPlain(world);
  world.run(10);
  const kept = add(node, "heron");
  const [before, sizes] = [node.replica.snapshot(), node.replica.set.sizes];
  const target = new Target(node);
  const disk = target.disk();
  const { wallMs } = node.clock.now();
  const relay = new HostileNode(keyOf("relay"), plainGraph, null, wallMs).enter(target);
  for (let i = 0; i < 1_000; i++) {
    const author = new HostileNode(keyOf(`author ${i}`), plainGraph, null, wallMs);
    relay.give(author.version("brief", author.record({ until: wallMs + hour })));
  }
  assert.equal(node.replica.snapshot().dataItems, 1_001);
  assert.equal(node.replica.set.sizes.indexed, sizes.indexed + 2_000);
  relay.leave();
  world.run(hour + pastMsMax + minute);
  const { peerTimeOffsetMs: _, ...after } = node.replica.snapshot();
  const { peerTimeOffsetMs: __, ...expected } = before;
  assert.deepEqual(after, expected);
  assert.deepEqual(node.replica.set.sizes, sizes);
  assert.deepEqual(target.disk(), disk);
  assert.equal(valueAt(node, kept), "heron");
});

Deno.test("[T38] what names credentials that nobody knows waits, as many as may; what others wait for is not pushed out", () => {
  const group = new GroupWorld(2);
  const { founder, world } = group;
  const rogue = group.join();
  const honest = group.join();
  settle(world);
  rogue.crash();
  const target = new Target(founder);
  const mallory = HostileNode.of(rogue, founder);
  const link = mallory.enter(target);
  // An honest item that waits: its credential is not here yet.
  const waits = new HostileNode(honest.signer, founder.replica.graph, bytesOf("still to come"), mallory.at);
  const waiting = waits.version("waits");
  honest.crash();
  HostileNode.of(honest, founder).enter(target).give(waiting);
  assert.equal(founder.replica.set.entry(waiting.id)?.place, "aside");
  const flood = Array.from(
    { length: asideItemsMax + 200 },
    (_, i) => mallory.version(`${i}`, mallory.record(), {}, { credential: bytesOf(`unknown ${i}`) }),
  );
  for (let i = 0; i < flood.length; i += 100) link.give(...flood.slice(i, i + 100));
  assert.equal(link.end, undefined, "nobody can tell that these will never come");
  assert.equal(founder.replica.snapshot().aside, asideItemsMax);
  assert.equal(founder.replica.set.entry(waiting.id)?.place, "aside");
  assert.equal(founder.replica.set.has(flood[0]!.id), false, "the flood pushes out itself");
  assert(world.runUntil(() => !founder.replica.snapshot().unstored, minute));
  const items = [...founder.disk.entries.values()].filter(({ key }) => key[2] === "item").length;
  assert.ok(items <= founder.replica.snapshot().known, "nor does more stay on the disk");
});

Deno.test("[T38] lists, removals and invitations that lead nowhere are bounded in number, in memory and on disk", () => {
  const group = new GroupWorld(3);
  const { founder, world } = group;
  const rogue = group.join();
  settle(world);
  const authority = founder.replica.snapshot().authorityFingerprint;
  rogue.crash();
  const target = new Target(founder);
  const mallory = HostileNode.of(rogue, founder);
  const link = mallory.enter(target);
  for (let i = 0; i < 40; i++) {
    const given = Array.from({ length: 110 }, (_, j) => {
      const name = bytesOf(`${i} ${j}`);
      const removal: AuthorityBody = { kind: ItemKind.removal, subject: name, list: name, closes: [name] };
      return j % 2 === 0 ? createList(crypto, [name])[0]! : mallory.make(removal, { credential: name });
    });
    link.give(...given);
  }
  assert.equal(link.end, undefined);
  const { aside, authorityFingerprint } = founder.replica.snapshot();
  assert.equal(aside, asideItemsMax);
  assert.equal(authorityFingerprint, authority);
  assert(world.runUntil(() => !founder.replica.snapshot().unstored, minute));
  const items = [...founder.disk.entries.values()].filter(({ key }) => key[2] === "item").length;
  assert.ok(items <= founder.replica.snapshot().known);
});

Deno.test("[T38] messages of kinds that nobody knows are bad, and are forgotten", () => {
  const world = createWorld(4);
  const node = addPlain(world);
  world.run(10);
  const before = node.replica.snapshot();
  const link = new HostileNode(keyOf("mallory"), plainGraph, null, 1).enter(new Target(node));
  for (let i = 0; i <= badItemsMax; i++) link.sayBytes(encode([1_000 + i, bytesOf(`graph ${i}`)]));
  assert.equal(link.end, "misbehaved");
  world.run(10);
  assert.deepEqual(node.replica.snapshot(), before);
});
