import assert from "node:assert/strict";
import { hex } from "../../lib/base/bytes.ts";
import { decodeMessage } from "../../lib/graph/messages.ts";
import type { Membership } from "../../lib/groups/membership.ts";
import { RoleBit } from "../../lib/groups/roles.ts";
import { ItemKind } from "../../lib/records/item.ts";
import { parseItem } from "../../lib/records/item_codec.ts";
import type { ReplicaNode } from "../../lib/sim/replica_node.ts";
import { type HostileLink, HostileNode, Target } from "../hostile/kit/hostile_node.ts";
import {
  add,
  addRequest,
  causes,
  crypto,
  day,
  describe,
  GroupWorld,
  hour,
  isMember,
  isSynchronised,
  minute,
  refusal,
  refusals,
  settle,
  updateRequest,
  valueAt,
} from "./replica_fixture.ts";

Deno.test("[S33] [R02] five join a group by invitations; every record reaches all of them once", () => {
  const group = new GroupWorld(1);
  const nodes = [group.founder, group.join(), group.join(), group.join(), group.join()];
  settle(group.world);
  const records = nodes.map((node, i) => add(node, `from ${i}`));
  settle(group.world);
  for (const node of nodes) {
    for (const [i, record] of records.entries()) {
      assert.equal(valueAt(node, record), `from ${i}`);
      assert.deepEqual(causes(node, record), ["added"], describe(node));
    }
    assert.equal((node.replica.policy as Membership).members().size, 5);
    assert.deepEqual(refusals(node), []);
  }
});

Deno.test("[S33] any member is a witness: who invited may be away", () => {
  const group = new GroupWorld(2);
  const ticket = group.invite(group.founder);
  const witness = group.join();
  settle(group.world);
  group.founder.crash();
  const joiner = group.addJoiner(ticket);
  group.world.connect(joiner, witness);
  settle(group.world, [witness, joiner]);
  assert(isMember(joiner) && isMember(joiner, witness));
  add(joiner, "heron");
  group.founder.restart();
  settle(group.world);
  assert.equal(group.founder.shown.length, 1);
});

Deno.test("a joiner that crashes before it kept its admission gets in again, though the invitation is used", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const group = new GroupWorld(seed);
    const joiner = group.addJoiner(group.invite(group.founder));
    group.world.connect(joiner, group.founder);
    assert(group.world.runUntil(() => isMember(joiner, group.founder), minute));
    group.world.run(seed);
    joiner.crash();
    joiner.restart();
    group.world.run(10);
    group.world.connect(joiner, group.founder);
    settle(group.world);
    assert(isMember(joiner), `seed ${seed}`);
    assert.deepEqual(refusals(joiner), []);
  }
});

Deno.test("a witness that crashes while it admits loses nothing that it said", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const group = new GroupWorld(seed, { storeMsMax: 30 });
    const joiner = group.addJoiner(group.invite(group.founder));
    group.world.connect(joiner, group.founder);
    group.world.run(20 + 8 * seed);
    const wasMember = isMember(joiner);
    group.founder.crash();
    group.founder.restart();
    group.world.run(100);
    if (wasMember) assert(isMember(joiner, group.founder), `seed ${seed}`);
    group.world.connect(joiner, group.founder);
    settle(group.world);
    assert(isMember(joiner, group.founder) && isMember(joiner), `seed ${seed}`);
  }
});

Deno.test("a joiner may ask several members at once", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const group = new GroupWorld(seed);
    const others = [group.join(), group.join(), group.join()];
    settle(group.world);
    const joiner = group.addJoiner(group.invite(group.founder));
    settle(group.world, [group.founder, ...others]);
    for (const node of [group.founder, ...others]) group.world.connect(joiner, node);
    settle(group.world);
    assert.equal(joiner.replica.neighbors().length, 4, `seed ${seed}: ${describe(joiner)}`);
    for (const node of group.world.nodes) assert(isMember(joiner, node), `seed ${seed}`);
    assert.deepEqual(refusals(joiner), [], `seed ${seed}`);
  }
});

Deno.test("[S04] used, expired, unknown, closed and removed: an invitation is refused by its own name each time", () => {
  const group = new GroupWorld(3);
  const { founder, world } = group;
  const tryOut = (ticket: Parameters<GroupWorld["addJoiner"]>[0]) => {
    const joiner = group.addJoiner(ticket);
    world.connect(joiner, founder);
    assert(world.runUntil(() => refusals(joiner).length > 0, minute));
    assert(!isMember(joiner) && !isMember(joiner, founder));
    joiner.crash();
    return refusals(joiner)[0];
  };
  const used = group.invite(founder);
  const member = group.addJoiner(used);
  world.connect(member, founder);
  settle(world, [founder, member]);
  assert.equal(tryOut(used), "invitation_used");
  const brief = group.invite(founder, { expires: founder.clock.now().wallMs + hour });
  world.run(2 * hour);
  assert.equal(tryOut(brief), "invitation_expired");
  assert.equal(tryOut({ ...used, invitation: new Uint8Array(32).fill(7) }), "invitation_refused");
  assert.equal(tryOut({ ...group.invite(founder), seed: new Uint8Array(32).fill(7) }), "invalid_invitation");
  const open = group.invite(founder, { joinersMax: 5 });
  const second = group.addJoiner(open);
  world.connect(second, founder);
  settle(world, [founder, member, second]);
  group.remove(founder, second);
  assert.equal(tryOut(open), "invitation_refused", "a removal closes the way in");
  const again = group.invite(founder, { joinersMax: 5 });
  assert.equal(tryAgain(group, second, again), "removed");
});

Deno.test("[S10] a joiner proves nothing to somebody who is no member", () => {
  const group = new GroupWorld(4);
  const ticket = group.invite(group.founder);
  const liar = group.addJoiner(null);
  const joiner = group.addJoiner(ticket);
  const seen: string[] = [];
  group.world.tap = (from, _to, bytes) => {
    const message = decodeMessage(bytes)!;
    if (from === joiner) {
      seen.push(message.type === "knock" ? `knock ${(message.content as number[])[0]}` : message.type);
    }
  };
  group.world.connect(joiner, liar);
  group.world.run(500);
  assert(seen.every((step) => step === "greet" || step === "knock 0" || step === "refuse"), seen.join());
  assert(!isMember(joiner));
});

Deno.test("[S31] a removed member is cut off, is told why, and what it writes later has no effect anywhere", () => {
  const group = new GroupWorld(5);
  const { founder, world } = group;
  const [a, b, removed] = [group.join(), group.join(), group.join()];
  settle(world);
  const before = add(removed, "before");
  settle(world);
  group.remove(founder, removed);
  world.run(1_000);
  const staying = [founder, a, b];
  for (const node of staying) assert(!isNeighbor(node, removed));
  assert(!isMember(removed), "it knows");
  assert.equal(refusal(removed, addRequest("late")), "not_a_member");
  for (const node of staying) assert.equal(valueAt(node, before), "before");
  settle(world, staying);
});

Deno.test("[S31] a member removed while it was away is told by the first that it meets, with the removal and its list", () => {
  const group = new GroupWorld(6);
  const { founder, world } = group;
  const [a, removed] = [group.join(), group.join()];
  settle(world);
  world.split([removed], [founder, a]);
  const late = add(removed, "written after the removal");
  group.remove(founder, removed);
  settle(world, [founder, a]);
  const told: string[] = [];
  world.tap = (_from, to, bytes) => {
    const message = decodeMessage(bytes);
    if (to !== removed || message?.type !== "refuse") return;
    for (const item of message.items) {
      const parsed = parseItem(crypto, group.founding.group, item);
      if (parsed.ok) told.push(`${message.reason} ${parsed.item.body.kind}`);
    }
  };
  world.healAll();
  world.run(2 * minute);
  assert(
    told.includes(`removed ${ItemKind.removal}`) && told.includes(`removed ${ItemKind.list}`),
    told.join(),
  );
  assert(refusals(removed).includes("removed"));
  assert(!isMember(removed));
  for (const node of [founder, a]) assert.equal(valueAt(node, late), null);
  assert.equal(valueAt(removed, late), null, "nor does its own replica show it");
  settle(world, [founder, a]);
});

Deno.test("a removed member dials ever more slowly", () => {
  const group = new GroupWorld(7);
  const { founder, world } = group;
  const removed = group.join();
  settle(world);
  group.remove(founder, removed);
  world.run(1_000);
  const dials = world.dials;
  world.run(hour);
  assert(world.dials - dials < 150, `${world.dials - dials} dials in an hour`);
});

Deno.test("[S31] what a removed member sends through one that has not heard is void, and that one is told", () => {
  const group = new GroupWorld(8);
  const { founder, world } = group;
  const [a, unaware, removed] = [group.join(), group.join(), group.join()];
  settle(world);
  world.split([unaware, removed], [founder, a]);
  group.remove(founder, removed);
  const late = add(removed, "late");
  settle(world, [unaware, removed]);
  assert.equal(valueAt(unaware, late), "late");
  world.heal(unaware, a);
  settle(world, [founder, a]);
  assert(world.runUntil(() => !isMember(removed, unaware), minute));
  world.run(minute);
  for (const node of [founder, a, unaware]) assert.equal(valueAt(node, late), null);
  assert.deepEqual(causes(unaware, late), ["added", "voided"]);
  assert.deepEqual(causes(founder, late), []);
  world.healAll();
  settle(world, [founder, a, unaware]);
});

Deno.test("[S31] removal with 'undoSince' uncovers what the later items had replaced", () => {
  const group = new GroupWorld(9);
  const { founder, world } = group;
  const [a, removed] = [group.join(), group.join()];
  settle(world);
  const record = add(removed, "good");
  world.run(minute);
  const since = removed.clock.now().wallMs;
  assert(removed.wait(updateRequest(record, "bad")).ok);
  settle(world);
  group.remove(founder, removed, since);
  settle(world, [founder, a]);
  for (const node of [founder, a]) assert.equal(valueAt(node, record), "good");
});

Deno.test("[S37] who leaves says so before it goes; what it wrote stays", () => {
  const group = new GroupWorld(10);
  const { founder, world } = group;
  const [a, leaver] = [group.join(), group.join()];
  settle(world);
  const record = add(leaver, "kept");
  settle(world);
  group.leave(leaver);
  world.run(500);
  for (const node of [founder, a]) {
    assert(!isMember(leaver, node));
    assert.equal(valueAt(node, record), "kept");
    assert(!world.areLinked(node, leaver));
    assert(
      node.events.some((event) =>
        event.kind === "authority" && event.entered.some(({ body }) => body.kind === ItemKind.leave)
      ),
    );
  }
  assert.equal(refusal(leaver, addRequest("late")), "not_a_member");
  settle(world, [founder, a]);
});

Deno.test("[S37] who leaves while nobody hears it says so to the first that it meets", () => {
  const group = new GroupWorld(15);
  const { founder, world } = group;
  const [a, leaver] = [group.join(), group.join()];
  settle(world);
  world.split([leaver], [founder, a]);
  group.leave(leaver);
  world.healAll();
  assert(world.runUntil(() => !isMember(leaver, founder) && !isMember(leaver, a), 2 * minute));
  world.run(1_000);
  for (const node of [founder, a]) assert(!world.areLinked(node, leaver));
  settle(world, [founder, a]);
});

Deno.test("[S08] two race for one place at two witnesses in a partition: the higher rank stands, the other is cut", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const group = new GroupWorld(seed);
    const { founder, world } = group;
    const witness = group.join();
    const ticket = group.invite(founder);
    settle(world);
    const [one, two] = [group.addJoiner(ticket), group.addJoiner(ticket)];
    world.split([founder, one], [witness, two]);
    world.connect(one, founder);
    world.connect(two, witness);
    settle(world, [founder, one]);
    settle(world, [witness, two]);
    const [first, second] = [add(one, "one"), add(two, "two")];
    assert(isMember(one) && isMember(two));
    world.healAll();
    world.run(5 * minute);
    // The founder ranks above any witness.
    for (const node of [founder, witness, one]) {
      assert(isMember(one, node) && !isMember(two, node), `seed ${seed}`);
      assert.equal(valueAt(node, first), "one");
      assert.equal(valueAt(node, second), null);
    }
    assert(!isMember(two), `seed ${seed}: ${describe(two)}`);
    assert.equal(valueAt(two, second), null);
    for (const node of [founder, witness, one]) assert(!world.areLinked(node, two), `seed ${seed}`);
    settle(world, [founder, witness, one]);
    // It may try another invitation.
    assert.equal(tryAgain(group, two, group.invite(founder)), null);
  }
});

Deno.test("two race for one place at one witness: one gets in, the other is told", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const group = new GroupWorld(seed, { storeMsMax: 40 });
    const { founder, world } = group;
    const ticket = group.invite(founder);
    const joiners = [group.addJoiner(ticket), group.addJoiner(ticket)];
    for (const joiner of joiners) world.connect(joiner, founder);
    world.run(2 * minute);
    const admitted = joiners.filter((joiner) => isMember(joiner, founder));
    const others = joiners.filter((joiner) => !isMember(joiner, founder));
    assert.equal(admitted.length, 1, `seed ${seed}`);
    assert(!isMember(others[0]!), `seed ${seed}`);
    assert(refusals(others[0]!).every((reason) => reason === "invitation_used"), refusals(others[0]!).join());
    assert(refusals(others[0]!).length > 0);
    settle(world, [founder, ...admitted]);
  }
});

Deno.test("[S34] clocks that are minutes apart do not break joining", () => {
  for (const offsetMs of [-8 * minute, -2 * minute, 2 * minute, 8 * minute]) {
    const group = new GroupWorld(11);
    const joiner = group.join({}, offsetMs);
    const record = add(joiner, "heron");
    settle(group.world);
    assert.equal(valueAt(group.founder, record), "heron");
  }
});

Deno.test("[R15] [R23] concurrent updates by a member and an admin: the same one wins everywhere, and the loser's author is told", () => {
  for (let seed = 1; seed <= 6; seed++) {
    const group = new GroupWorld(seed);
    const { founder, world } = group;
    const [admin, member, other] = [group.join({ roles: RoleBit.admin }), group.join(), group.join()];
    settle(world);
    const record = add(member, "one");
    settle(world);
    world.split([member], [founder, admin, other]);
    assert(member.wait(updateRequest(record, "by the member")).ok);
    assert(admin.wait(updateRequest(record, "by the admin")).ok);
    world.healAll();
    settle(world);
    const values = new Set(world.nodes.map((node) => valueAt(node, record)));
    assert.equal(values.size, 1);
    const [loser, winner] = values.has("by the admin") ? [member, admin] : [admin, member];
    const conflicts = (node: ReplicaNode) =>
      causes(node, record).filter((cause) => cause === "conflict").length;
    assert.equal(conflicts(loser), 1, `seed ${seed}`);
    for (const node of [winner, founder, other]) assert.equal(conflicts(node), 0, `seed ${seed}`);
    // Building on the winner is no conflict.
    assert(loser.wait(updateRequest(record, "merged")).ok);
    settle(world);
    for (const node of world.nodes) {
      assert.equal(valueAt(node, record), "merged");
      assert(conflicts(node) <= 1);
    }
  }
});

Deno.test("[S14] an admin may delete what a member wrote; a member may not touch another's", () => {
  const group = new GroupWorld(12);
  const { founder, world } = group;
  const [one, two] = [group.join(), group.join()];
  settle(world);
  const record = add(one, "rude");
  settle(world);
  assert.equal(refusal(two, { kind: "delete", record }), "not_authorized");
  assert(founder.wait({ kind: "delete", record }).ok);
  settle(world);
  for (const node of world.nodes) assert.deepEqual(causes(node, record), ["added", "deleted"]);
});

Deno.test("a member that lost its store is shown its own standing by the first that it meets", () => {
  const group = new GroupWorld(13);
  const { founder, world } = group;
  const member = group.join();
  settle(world);
  member.crash();
  member.disk.wipe();
  member.restart();
  world.run(10);
  assert(!isMember(member));
  world.connect(founder, member);
  settle(world);
  assert(isMember(member) && isSynchronised(member));
});

Deno.test("an admission is stamped by peer time: one that would come too late is not given", () => {
  const group = new GroupWorld(14);
  const { founder, world } = group;
  const ticket = group.invite(founder, { expires: founder.clock.now().wallMs + day });
  world.run(day + 1);
  const joiner = group.addJoiner(ticket);
  world.connect(joiner, founder);
  world.run(1_000);
  assert.equal(refusals(joiner)[0], "invitation_expired");
});

/** Starts a node's lineage anew with another invitation; why it was refused, or `null` if it got in. */
function tryAgain(
  group: GroupWorld,
  node: ReplicaNode,
  ticket: Parameters<GroupWorld["addJoiner"]>[0],
): string | null {
  const again = group.addAgain(node, ticket);
  group.world.connect(again, group.founder);
  assert(group.world.runUntil(() => refusals(again).length > 0 || isMember(again), minute));
  const end = isMember(again) ? null : refusals(again)[0]!;
  assert.equal(hex(again.signer.publicKey), hex(node.signer.publicKey));
  again.crash();
  return end;
}

/** Whether a node takes part with another. A link alone does not say so: whoever was removed may dial, and is refused. */
function isNeighbor(node: ReplicaNode, other: ReplicaNode): boolean {
  const id = hex(other.signer.publicKey);
  return node.replica.neighbors().some((neighbor) => neighbor.id === id && neighbor.phase === "open");
}

Deno.test("what an item lets in is sent to the one that brought it too: that came from another", () => {
  const group = new GroupWorld(31);
  const { founder, world } = group;
  const [witness, other] = [group.join(), group.join()];
  settle(world);
  const ticket = group.invite(founder);
  settle(world);
  world.cut(founder, witness);
  world.cut(founder, other);
  const joiner = group.addJoiner(ticket);
  world.cut(founder, joiner);
  world.connect(joiner, witness);
  assert(world.runUntil(() => isMember(joiner) && isSynchronised(joiner), minute));
  add(joiner, "heron");
  const written = [...joiner.replica.set.data.since(0)].map(({ item }) => item);
  const admitted = [...joiner.replica.set.authority.since(0)].map(({ item }) => item)
    .filter(({ id }) => !founder.replica.set.has(id));
  assert.deepEqual([written.length, admitted.length], [1, 1]);
  for (const node of [witness, other, joiner]) node.crash();
  const target = new Target(founder);
  const [writing, admitting] = [witness, other].map((node) => HostileNode.of(node, founder).enter(target));
  writing!.give(...written);
  assert.equal(founder.replica.set.data.count, 0);
  admitting!.give(...admitted);
  assert.equal(founder.replica.set.data.count, 1);
  const heard = (link: HostileLink) => link.heard("items").flatMap(({ items }) => items.map(hex));
  assert.ok(heard(admitting!).includes(hex(written[0]!.bytes)), "what it let in");
  assert.ok(!heard(admitting!).includes(hex(admitted[0]!.bytes)), "not what it brought");
});
