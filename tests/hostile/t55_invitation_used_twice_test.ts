/**
 * T55: an invitation that is used twice, at once, on both sides of a partition, by a witness that admits
 * whoever it likes. Of the admissions on one invitation those of highest rank stand, as many as it says, the
 * same at everybody who has them; who is one too many learns it from the first member it meets.
 *
 * Not protected: during a partition each side takes its own for members, and shows them what it has.
 */

import assert from "node:assert/strict";
import { hex } from "../../lib/base/bytes.ts";
import { pick, shuffled } from "../../lib/base/random.ts";
import { GroupPolicy } from "../../lib/groups/group_policy.ts";
import type { InvitationTicket } from "../../lib/groups/invitation.ts";
import type { Membership } from "../../lib/groups/membership.ts";
import { type AuthorityItem, ItemKind } from "../../lib/records/item.ts";
import type { ReplicaNode } from "../../lib/sim/replica_node.ts";
import { admissionBody, keyOf } from "../fixtures/items.ts";
import {
  add,
  crypto,
  GroupWorld,
  isMember,
  minute,
  refusals,
  settle,
  valueAt,
} from "../sim/replica_fixture.ts";
import { HostileNode, Target } from "./kit/hostile_node.ts";

function admissionsOn(node: ReplicaNode, ticket: InvitationTicket): AuthorityItem[] {
  return [...node.replica.set.entries()].map(({ item }) => item).filter((item): item is AuthorityItem =>
    item.body.kind === ItemKind.admission && hex(item.body.statement.invitation) === hex(ticket.invitation)
  );
}

/** Who an invitation made a member, by what a node knows. */
function joinersAt(node: ReplicaNode, ticket: InvitationTicket): string[] {
  const policy = node.replica.policy as Membership;
  return [...policy.joinersOf(hex(ticket.invitation))].filter((id) => policy.member(id) !== null).sort();
}

Deno.test("[T55] forty that come at once to one witness with a slow disk share no place: it admits as many as may", () => {
  for (const joinersMax of [1, 3]) {
    const group = new GroupWorld(joinersMax, { storeMsMax: 400 });
    const { founder, world } = group;
    const ticket = group.invite(founder, { joinersMax });
    const joiners = Array.from({ length: 40 }, () => group.addJoiner(ticket));
    for (const joiner of joiners) world.connect(joiner, founder);
    world.run(2 * minute);
    assert.equal(admissionsOn(founder, ticket).length, joinersMax, "it signs no admission too many");
    const admitted = joiners.filter((joiner) => isMember(joiner, founder));
    assert.equal(admitted.length, joinersMax);
    for (const joiner of joiners) {
      assert.equal(isMember(joiner), admitted.includes(joiner));
      if (!admitted.includes(joiner)) assert(refusals(joiner).includes("invitation_used"));
    }
    settle(world, [founder, ...admitted]);
  }
});

Deno.test("[T55] a place whose admission the disk did not take is free again", () => {
  const group = new GroupWorld(3);
  const { founder, world } = group;
  const ticket = group.invite(founder);
  const [first, second] = [group.addJoiner(ticket), group.addJoiner(ticket)];
  founder.disk.fault = "full";
  world.connect(first, founder);
  world.run(1_000);
  assert(!isMember(first, founder));
  first.crash();
  founder.disk.fault = null;
  world.run(minute);
  world.connect(second, founder);
  assert(world.runUntil(() => isMember(second) && isMember(second, founder), minute));
});

Deno.test("[T55] used on every side of a partition: after the heal no more than may, the same everywhere, and the others know", () => {
  for (let seed = 1; seed <= 3; seed++) {
    const group = new GroupWorld(seed);
    const { founder, world } = group;
    const joinersMax = 1 + seed % 3;
    const witnesses = [founder, group.join(), group.join()];
    const ticket = group.invite(founder, { joinersMax });
    settle(world);
    const sides = witnesses.map((witness) => ({
      witness,
      joiners: Array.from({ length: 2 }, () => group.addJoiner(ticket)),
    }));
    for (const a of sides) {
      for (const b of sides) {
        if (a !== b) world.split([a.witness, ...a.joiners], [b.witness, ...b.joiners]);
      }
    }
    for (const { witness, joiners } of sides) for (const joiner of joiners) world.connect(joiner, witness);
    world.run(minute);
    const joiners = sides.flatMap((side) => side.joiners);
    const inside = joiners.filter((joiner) => isMember(joiner));
    assert.equal(inside.length, sides.length * Math.min(2, joinersMax), `seed ${seed}: each side admits`);
    const records = new Map(inside.map((joiner) => [joiner, add(joiner, "by a joiner")]));
    world.healAll();
    world.run(5 * minute);
    const standing = joinersAt(founder, ticket);
    assert.equal(standing.length, joinersMax, `seed ${seed}`);
    const members = [...witnesses, ...joiners.filter((joiner) => isMember(joiner, founder))];
    settle(world, members);
    for (const node of members) assert.deepEqual(joinersAt(node, ticket), standing, `seed ${seed}`);
    for (const [joiner, record] of records) {
      const stands = standing.includes(hex(joiner.signer.publicKey));
      assert.equal(isMember(joiner), stands, `seed ${seed}: it knows`);
      for (const node of members) assert.equal(valueAt(node, record) !== null, stands, `seed ${seed}`);
    }
  }
});

Deno.test("[T55] a witness gone bad admits fifty on an invitation for three: three, the same in any order", () => {
  const group = new GroupWorld(20);
  const { founder, world } = group;
  const [rogue, member] = [group.join(), group.join()];
  const ticket = group.invite(founder, { joinersMax: 3 });
  settle(world);
  rogue.crash();
  const witness = HostileNode.of(rogue, founder);
  const bearer = {
    publicKey: crypto.ed25519.publicKey(ticket.seed),
    sign: (message: Uint8Array) => crypto.ed25519.sign(ticket.seed, message),
  };
  const { graph } = founder.replica;
  const admissions = Array.from(
    { length: 50 },
    (_, i) =>
      witness.make(admissionBody(bearer, graph, ticket.invitation, keyOf(`accomplice ${i}`).publicKey), {
        // It tries for a better rank, too: numbers and writers of its choice.
        seq: 1 + i % 7,
        writer: new Uint8Array(8).fill(i % 5),
      }),
  );
  const known = [...founder.replica.set.entries()].map(({ item }) => item) as AuthorityItem[];
  const verdicts = new Set<string>();
  for (let order = 0; order < 20; order++) {
    const policy = new GroupPolicy(graph);
    for (const item of shuffled(world.random, [...known, ...admissions])) policy.learn([item]);
    const joiners = [...policy.joinersOf(hex(ticket.invitation))].sort();
    assert.equal(joiners.length, 3);
    verdicts.add(joiners.join());
  }
  assert.equal(verdicts.size, 1);
  for (const node of [founder, member]) {
    const link = witness.enter(new Target(node));
    for (const admission of shuffled(world.random, admissions)) link.give(admission);
    link.leave();
  }
  settle(world, [founder, member]);
  for (const node of [founder, member]) assert.equal(joinersAt(node, ticket).join(), [...verdicts][0]);
});

Deno.test("[T55] a proof serves the joiner that it names: another witness's copy admits nobody else and takes no second place", () => {
  const group = new GroupWorld(21);
  const { founder, world } = group;
  const rogue = group.join();
  const ticket = group.invite(founder, { joinersMax: 2 });
  const joiner = group.addJoiner(ticket);
  world.connect(joiner, founder);
  assert(world.runUntil(() => isMember(joiner), minute));
  settle(world, [founder, rogue, joiner]);
  rogue.crash();
  const witness = HostileNode.of(rogue, founder);
  const link = witness.enter(new Target(founder));
  const [admission] = admissionsOn(founder, ticket);
  assert(admission?.body.kind === ItemKind.admission);
  const { body } = admission;
  link.give(witness.make(body));
  assert.equal(joinersAt(founder, ticket).length, 1, "the joiner is counted once");
  const renamed = { ...body.statement, joiner: keyOf("accomplice").publicKey };
  link.give(witness.make({ ...body, statement: renamed }));
  assert.equal(founder.replica.policy.mayConnect(keyOf("accomplice").publicKey), false);
  const second = group.addJoiner(ticket);
  world.connect(second, founder);
  assert(world.runUntil(() => isMember(second), minute), "the second place is still there");
});

Deno.test("[T55] an invitation whose way was closed admits nobody, wherever that is tried first", () => {
  for (let seed = 1; seed <= 3; seed++) {
    const group = new GroupWorld(seed);
    const { founder, world } = group;
    const [witness, unaware] = [group.join(), group.join()];
    const ticket = group.invite(founder, { joinersMax: 9 });
    const first = group.addJoiner(ticket);
    world.connect(first, founder);
    assert(world.runUntil(() => isMember(first), minute));
    settle(world, [founder, witness, unaware, first]);
    world.split([unaware], [founder, witness, first]);
    group.remove(founder, first);
    const late = group.addJoiner(ticket);
    world.split([late], [founder, witness, first]);
    world.connect(late, unaware);
    assert(world.runUntil(() => isMember(late), minute), "who has not heard admits it");
    world.healAll();
    world.run(5 * minute);
    for (const node of [founder, witness, unaware]) assert(!isMember(late, node), `seed ${seed}`);
    assert(!isMember(late), `seed ${seed}: it knows`);
    const again = pick(world.random, [founder, witness, unaware]);
    assert.equal(joinersAt(again, ticket).length, 0);
  }
});
