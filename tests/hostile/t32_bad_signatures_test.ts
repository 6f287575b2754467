/**
 * T32: a flood of items whose signatures do not hold, from a stranger, a member, and one that comes back.
 *
 * Not protected: in a plain graph an identity costs nothing but a handshake, so whoever pays one for each
 * twenty checks of ours may go on. In a group only members and, up to `strangerItemsMax` items a link,
 * strangers are heard at all.
 */

import assert from "node:assert/strict";
import { badItemsMax, misbehavedMsMax, misbehavedPeersMax } from "../../lib/graph/limits.ts";
import { itemBytesMax } from "../../lib/wire/limits.ts";
import { keyOf } from "../fixtures/items.ts";
import { add, addPlain, createWorld, GroupWorld, hour, plainGraph, settle } from "../sim/replica_fixture.ts";
import { createCountingCrypto } from "./kit/counting_crypto.ts";
import { HostileNode, spoiled, Target } from "./kit/hostile_node.ts";

function plainTarget(seed: number) {
  const crypto = createCountingCrypto();
  const world = createWorld(seed, { crypto });
  const node = addPlain(world);
  world.run(10);
  const { wallMs } = node.clock.now();
  return { crypto, world, node, target: new Target(node), wallMs };
}

Deno.test("[T32] a flood of bad signatures costs one check more than is forgiven, however it is packed", () => {
  for (const batch of [1, 7, 200]) {
    const { crypto, node, target, wallMs } = plainTarget(1);
    const mallory = new HostileNode(keyOf("mallory"), plainGraph, null, wallMs);
    const link = mallory.enter(target);
    const flood = Array.from({ length: 400 }, (_, i) => spoiled(mallory.version(`bad ${i}`)));
    const { verifications } = crypto.cost(() => {
      for (let i = 0; i < flood.length; i += batch) link.give(...flood.slice(i, i + batch));
    });
    assert.equal(verifications, badItemsMax + 1, `${batch} in each message`);
    assert.equal(link.end, "misbehaved");
    assert.equal(node.replica.snapshot().known, 0);
  }
});

Deno.test("[T32] good items in between buy no more bad ones", () => {
  const { crypto, node, target, wallMs } = plainTarget(2);
  const mallory = new HostileNode(keyOf("mallory"), plainGraph, null, wallMs);
  const link = mallory.enter(target);
  const { verifications } = crypto.cost(() => {
    for (let i = 0; i < 100; i++) {
      link.give(mallory.version(`good ${i}`), spoiled(mallory.version(`bad ${i}`)));
    }
  });
  assert.equal(link.end, "misbehaved");
  assert.equal(verifications, 2 * (badItemsMax + 1));
  assert.equal(node.replica.snapshot().dataItems, badItemsMax);
});

Deno.test("[T32] who misbehaved is turned away when it comes back, costs no check then, and may come again later", () => {
  const { crypto, world, target, wallMs } = plainTarget(3);
  const mallory = new HostileNode(keyOf("mallory"), plainGraph, null, wallMs);
  const flood = Array.from({ length: 50 }, (_, i) => spoiled(mallory.version(`bad ${i}`)));
  mallory.enter(target).give(...flood);
  const { verifications } = crypto.cost(() => {
    for (let i = 0; i < 59; i++) {
      world.run(1_000);
      const again = mallory.enter(target);
      assert.equal(again.end, "misbehaved");
      again.give(...flood);
      assert.deepEqual(again.told, [], "not a word is said to it");
    }
  });
  assert.equal(verifications, 0);
  world.run(misbehavedMsMax);
  const later = mallory.enter(target);
  assert.equal(later.end, undefined);
  const good = mallory.version("good");
  later.give(good);
  assert(target.node.replica.set.has(good.id));
});

Deno.test("[T32] in an hour of coming back one identity costs a known number of checks", () => {
  const { crypto, world, target, wallMs } = plainTarget(4);
  const mallory = new HostileNode(keyOf("mallory"), plainGraph, null, wallMs);
  const flood = Array.from({ length: 50 }, (_, i) => spoiled(mallory.version(`bad ${i}`)));
  const { verifications } = crypto.cost(() => {
    for (let ms = 0; ms < hour; ms += 5_000) {
      mallory.enter(target).give(...flood);
      world.run(5_000);
    }
  });
  assert.ok(verifications <= (hour / misbehavedMsMax) * (badItemsMax + 1), `${verifications} checks`);
});

Deno.test("[T32] more identities than are remembered push each other out, and nothing grows", () => {
  const { world, target, wallMs } = plainTarget(5);
  const link = (i: number) => {
    const one = new HostileNode(keyOf(`identity ${i}`), plainGraph, null, wallMs);
    const link = one.enter(target);
    if (link.end === undefined) {
      for (let bad = 0; bad <= badItemsMax; bad++) {
        link.sayBytes(Uint8Array.of(0));
      }
    }
    return link;
  };
  for (let i = 0; i <= misbehavedPeersMax; i++) assert.equal(link(i).end, "misbehaved");
  assert.equal(link(misbehavedPeersMax).told.length, 0, "the last is remembered");
  assert.ok(link(0).told.length > 0, "the first has given way");
  world.run(1_000);
  assert.equal(target.node.replica.neighbors().length, 0);
});

Deno.test("[T32] a stranger's bad signatures in greetings count alike; what is too large is not even hashed", () => {
  const crypto = createCountingCrypto();
  const group = new GroupWorld(6, { crypto });
  const target = new Target(group.founder);
  const stranger = new HostileNode(keyOf("stranger"), group.founding.group, group.founding.group, 1);
  const link = target.link(stranger.signer);
  const invitation = {
    bearer: keyOf("bearer").publicKey,
    joinersMax: 9,
    roles: 8,
    expires: 9,
    discovery: null,
  };
  const flood = Array.from({ length: 200 }, () => spoiled(stranger.make({ kind: 18, ...invitation })));
  const { verifications } = crypto.cost(() => link.greet(flood));
  assert.equal(verifications, badItemsMax + 1);
  assert.equal(link.end, "misbehaved");
  const member = group.join();
  settle(group.world);
  member.crash();
  const open = HostileNode.of(member, group.founder).enter(target);
  const large = { bytes: new Uint8Array(itemBytesMax).fill(1) };
  const cost = crypto.cost(() => {
    for (let i = 0; i < badItemsMax; i++) open.give(large);
  });
  assert.deepEqual(new Set(Object.values(cost)), new Set([0]));
});

Deno.test("[T32] what honest nodes bring keeps coming while others flood", () => {
  const { world, node, target, wallMs } = plainTarget(7);
  const honest = addPlain(world);
  world.run(10);
  world.connect(honest, node);
  settle(world);
  const mallory = new HostileNode(keyOf("mallory"), plainGraph, null, wallMs);
  for (let i = 0; i < 20; i++) {
    const link = mallory.enter(target);
    for (let j = 0; j < 30; j++) link.give(spoiled(mallory.version(`bad ${i} ${j}`)));
    const record = add(honest, `heron ${i}`);
    world.run(500);
    assert.equal(node.replica.shown(record, node.clock.now())?.item.body.version, 1);
  }
  assert.equal(node.replica.snapshot().dataItems, 20);
});

Deno.test("[T32] a peer that misbehaved where it was dialled is dialled again after growing pauses", () => {
  const world = createWorld(6);
  const node = addPlain(world);
  world.run(10);
  const target = new Target(node);
  const mallory = keyOf("mallory");
  const link = target.link(mallory, true);
  link.greet();
  const place = { peer: mallory.publicKey, endpoints: ["tcp://20.9.9.9:80"] };
  link.say({ type: "contacts", contacts: [place] });
  for (let i = 0; i <= badItemsMax; i++) link.sayBytes(new Uint8Array(1));
  assert.equal(link.end, "misbehaved");
  const { contacts } = node.replica;
  // Each time that it is dialled it answers, and is turned away.
  const pauses = Array.from({ length: 6 }, () => {
    assert.equal(target.link(mallory, true).end, "misbehaved");
    return contacts.nextTry(() => false)! - node.clock.now().monoMs;
  });
  assert.ok(pauses.every((pause, i) => i === 0 || pause > pauses[i - 1]!), `${pauses}`);
});
