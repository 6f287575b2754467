/**
 * T58: whoever was removed writes on, concurrently with the removal, in partitions, through members who have
 * not heard. What the list of the removal does not name has no effect anywhere once the sides have met.
 *
 * Not protected: what an ex-member writes before a side hears of the removal is shown on that side until it
 * does; epochs, which would keep later content from it, are not there yet (T63).
 */

import assert from "node:assert/strict";
import { hex } from "../../lib/base/bytes.ts";
import { below } from "../../lib/base/random.ts";
import { removalOf } from "../../lib/groups/ending.ts";
import { GroupPolicy } from "../../lib/groups/group_policy.ts";
import { leavesMax } from "../../lib/groups/limits.ts";
import type { Membership } from "../../lib/groups/membership.ts";
import { RoleBit } from "../../lib/groups/roles.ts";
import { type AuthorityBody, ItemKind, type RemovalBody } from "../../lib/records/item.ts";
import { createList } from "../../lib/records/item_codec.ts";
import { ItemSet } from "../../lib/records/item_set.ts";
import { shelfItemsMax } from "../../lib/records/limits.ts";
import type { ReplicaNode } from "../../lib/sim/replica_node.ts";
import {
  admissionBody,
  bytesOf,
  credentialBody,
  fakeAdmission,
  fakeAt,
  fakeCredential,
  fakeFounding,
  fakeInvitation,
  fakeRemoval,
  fakeVersion,
  keyOf,
  partyOf,
  recordOf,
} from "../fixtures/items.ts";
import {
  add,
  crypto,
  day,
  GroupWorld,
  isMember,
  isSynchronised,
  minute,
  settle,
  valueAt,
} from "../sim/replica_fixture.ts";
import { HostileNode, Target } from "./kit/hostile_node.ts";

/** All that an ex-member may try, one of each: data of every kind, authority of every kind, now and back-dated. */
function attempts(
  by: HostileNode,
  group: GroupWorld,
  records: readonly string[],
): { readonly bytes: Uint8Array }[] {
  const { graph } = group.founder.replica;
  const accomplice = keyOf("accomplice");
  const made: { readonly bytes: Uint8Array }[] = [];
  for (const at of [by.at, by.at - 30 * day, by.at - minute]) {
    const before = by.at;
    by.at = at;
    const bearer = keyOf(`bearer ${at}`);
    const invitation = by.make({
      ...{ kind: ItemKind.invitation, bearer: bearer.publicKey, joinersMax: 9, roles: RoleBit.admin },
      ...{ expires: at + 90 * day, discovery: null },
    });
    const [list] = createList(crypto, []);
    const bodies: AuthorityBody[] = [
      credentialBody(accomplice.publicKey, RoleBit.admin),
      credentialBody(by.signer.publicKey, RoleBit.admin),
      admissionBody(bearer, graph, invitation.hash, accomplice.publicKey),
      { kind: ItemKind.removal, subject: group.founder.signer.publicKey, list: list!.hash, closes: [] },
      { kind: ItemKind.leave, list: list!.hash },
    ];
    made.push(invitation, list!, ...bodies.map((body) => by.make(body)), by.version(`late ${at}`));
    for (const record of records) {
      const shown = group.founder.replica.set.shown(record);
      if (shown === null) continue;
      const { type, creator, created, until, nonce } = shown.item.body;
      const head = { type, creator, created, until, nonce };
      made.push(by.version("overwritten", head, { version: 99 }), by.delete(head));
    }
    by.at = before;
  }
  return made;
}

/** What everybody sees: members, and the value of each record. */
function stateOf(node: ReplicaNode): unknown {
  const members = [...(node.replica.policy as Membership).members().values()];
  return [members.map(({ lineage, roles }) => `${lineage} ${roles}`).sort(), node.shown];
}

Deno.test("[T58] nothing that an ex-member tries has an effect at whoever knows of the removal, on links old or new", () => {
  for (const roles of [RoleBit.member, RoleBit.admin]) {
    const group = new GroupWorld(1);
    const { founder, world } = group;
    const [rogue, member] = [group.join({ roles }), group.join()];
    settle(world);
    const records = [add(rogue, "its own"), add(member, "another's")];
    settle(world);
    rogue.crash();
    const mallory = HostileNode.of(rogue, founder);
    const target = new Target(founder);
    const old = mallory.enter(target);
    group.remove(founder, rogue);
    settle(world, [founder, member]);
    assert.notEqual(old.end, undefined, "the link that stood was ended");
    const before = [founder, member].map(stateOf);
    const tried = attempts(mallory, group, records);
    old.give(...tried);
    const again = target.link(mallory.signer);
    again.greet(tried.slice(0, 9));
    again.give(...tried);
    world.run(minute);
    // Through a member that passes on whatever it is given.
    member.crash();
    const relay = HostileNode.of(member, founder).enter(target);
    relay.give(...tried);
    assert.equal(relay.end, undefined, "it may not have heard");
    assert.deepEqual(stateOf(founder), before[0]);
    assert(!isMember(rogue, founder));
    assert.equal(founder.replica.policy.mayConnect(keyOf("accomplice").publicKey), false);
  }
});

Deno.test("[T58] an ex-member that writes on both sides of partitions while it is removed: equal states, and nothing of it", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const group = new GroupWorld(seed);
    const { founder, world } = group;
    const roles = seed % 3 === 0 ? RoleBit.admin : RoleBit.member;
    const others = [group.join({ roles: RoleBit.admin }), group.join(), group.join(), group.join()];
    const rogue = group.join({ roles });
    settle(world);
    const records = [add(rogue, "its own"), ...others.map((node, i) => add(node, `by ${i}`))];
    settle(world);
    const honest = [founder, ...others];
    rogue.crash();
    const mallory = HostileNode.of(rogue, founder);
    mallory.at = founder.clock.now().wallMs;
    const left = honest.filter((node) => node === founder || below(world.random, 2) === 0);
    const right = honest.filter((node) => !left.includes(node));
    world.split(left, right);
    const said = attempts(mallory, group, records);
    const targets = new Map(honest.map((node) => [node, new Target(node)]));
    const links = honest.map((node) => mallory.enter(targets.get(node)!));
    // Some of what it tries comes before the removal, to some; the rest during and after it.
    for (const link of links) link.give(...said.filter(() => below(world.random, 3) === 0));
    world.run(100);
    const remover = pickOf(left.filter((node) => node === founder || node === others[0]), world.random);
    group.startRemove(remover, rogue, said.length > 0 && seed % 2 === 0 ? mallory.at - minute : null);
    for (let step = 0; step < 5; step++) {
      world.run(below(world.random, 400));
      for (const link of links) link.give(...said.filter(() => below(world.random, 2) === 0));
    }
    world.healAll();
    for (const link of links) link.leave();
    settle(world, honest, 15 * minute);
    for (const node of honest) {
      assert(!isMember(rogue, node), `seed ${seed}`);
      assert.deepEqual(stateOf(node), stateOf(founder), `seed ${seed}`);
    }
    // What stays is what the removal lists: nothing that came after it.
    const removal = [...founder.replica.set.entries()].find(({ item, place }) =>
      place === "in" && item.body.kind === ItemKind.removal && hex(item.head!.author) !== mallory.lineage
    );
    assert(removal !== undefined, `seed ${seed}`);
    const late = mallory.version("after all");
    const target = targets.get(founder)!;
    const relay = new HostileNode(others[1]!.signer, mallory.graph, null, mallory.at).enter(target);
    relay.give(late);
    assert.equal(valueAt(founder, late.record), null, `seed ${seed}`);
  }
});

function pickOf<T>(items: readonly T[], random: Parameters<typeof below>[0]): T {
  return items[below(random, items.length)]!;
}

Deno.test("[T58] admissions that a member makes up do not change what a removal closes", () => {
  const group = new GroupWorld(5);
  const { founder, world } = group;
  const joined = group.invite(founder);
  const subject = group.addJoiner(joined);
  world.connect(subject, founder);
  assert(world.runUntil(() => isMember(subject) && isSynchronised(subject), minute));
  const rogue = group.join();
  settle(world);
  const open = group.invite(founder);
  settle(world);
  rogue.crash();
  const hostile = HostileNode.of(rogue, founder);
  const link = hostile.enter(new Target(founder));
  const { graph } = founder.replica;
  const named = [open.invitation, ...[1, 2, 3].map((n) => bytesOf(`invented ${n}`))];
  const planted = named.map((invitation) =>
    hostile.make(admissionBody(keyOf("own bearer"), graph, invitation, subject.signer.publicKey))
  );
  link.give(...planted);
  for (const { id } of planted) assert(founder.replica.set.has(id), "a member's items are kept");
  group.remove(founder, subject);
  const removals = [...founder.replica.set.entries()].map(({ item }) => item.body)
    .filter((body): body is RemovalBody => body.kind === ItemKind.removal);
  assert.deepEqual(removals.map(({ closes }) => closes.map(hex)), [[hex(joined.invitation)]]);
  const joiner = group.addJoiner(open);
  world.connect(joiner, founder);
  assert(world.runUntil(() => isMember(joiner), minute), "the other invitation still holds");
});

Deno.test("[T58] a removal without its list, its list without the removal, and both in either order", () => {
  const build = () => {
    const group = new GroupWorld(6);
    const rogue = group.join();
    settle(group.world);
    const record = add(rogue, "stays");
    settle(group.world);
    const { policy, set } = group.founder.replica;
    const ending = removalOf(crypto, policy as Membership, set, rogue.signer.publicKey, null);
    rogue.crash();
    const founder = HostileNode.of(group.founder, group.founder);
    const removal = founder.make(ending.bodies[0]!);
    return { group, rogue, record, removal, lists: ending.lists };
  };
  for (const order of ["removal first", "list first"]) {
    const { group, rogue, record, removal, lists } = build();
    const { founder } = group;
    const link = HostileNode.of(rogue, founder).enter(new Target(founder));
    const given = order === "removal first" ? [removal, ...lists] : [...lists, removal];
    for (const item of given.slice(0, -1)) link.give(item);
    assert(isMember(rogue, founder), `${order}: half of it does nothing`);
    link.give(given.at(-1)!);
    assert(!isMember(rogue, founder), `${order}: whoever brings it, the subject too`);
    assert.equal(valueAt(founder, record), "stays");
    assert.equal(link.end, "removed");
  }
});

Deno.test("[T58] [S31] an ex-member that writes a lot does not push off the shelf what others superseded", () => {
  const [groupKey, alice, mallory] = ["group key", "alice", "mallory"].map(bytesOf) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const founding = fakeFounding(groupKey, alice);
  const root = fakeCredential({ author: groupKey, credential: founding.hash }, alice, RoleBit.creator);
  const invitation = fakeInvitation(partyOf(root));
  const admission = fakeAdmission(partyOf(root), invitation, mallory);
  const removal = fakeRemoval(partyOf(root), mallory);
  const record = recordOf(alice);
  const [old, current] = [1, 2].map((version) => fakeVersion(partyOf(root), record, { version }));
  const set = new ItemSet(new GroupPolicy(founding.hash));
  set.add([founding, root, invitation, admission, ...removal, old!, current!], fakeAt);
  assert.equal(set.byElement(old!.id.slice(0, 32))?.place, "shelf");
  const flood = Array.from(
    { length: shelfItemsMax + 100 },
    (_, i) => fakeVersion(partyOf(admission), recordOf(mallory), { version: i + 1 }),
  );
  set.add(flood, fakeAt);
  assert.equal(set.sizes.shelf, shelfItemsMax);
  assert.equal(set.byElement(old!.id.slice(0, 32))?.place, "shelf");
  assert.equal(set.has(flood[0]!.id), false, "the flood pushes out itself");
});

Deno.test("[T58] who has left goes on signing leaves with lists of junk: a few stand, whoever shows them", () => {
  const group = new GroupWorld(8);
  const { founder, world } = group;
  const rogue = group.join();
  settle(world);
  group.leave(rogue);
  assert(world.runUntil(() => !isMember(rogue, founder), minute));
  rogue.crash();
  const mallory = HostileNode.of(rogue, founder);
  const target = new Target(founder);
  const { authority } = founder.replica.set;
  const before = authority.bytes;
  for (let i = 0; i < 12; i++) {
    const junk = Array.from({ length: 300 }, (_, n) => bytesOf(`${i} ${n}`));
    const [list] = createList(crypto, junk);
    const link = target.link(keyOf(`throw-away ${i}`));
    link.greet([list!, mallory.make({ kind: ItemKind.leave, list: list!.hash })]);
    link.leave();
  }
  const leaves = [...founder.replica.set.entries()].filter(({ item }) => item.body.kind === ItemKind.leave);
  assert.equal(leaves.filter(({ place }) => place === "in").length, leavesMax);
  assert.ok(authority.bytes - before < leavesMax * 12_000, `${authority.bytes - before} bytes`);
  assert(!isMember(rogue, founder));
});
