/**
 * T36: storms of messages that are right in form, and promises that are not kept. Each kind of message has
 * its own bound: what is asked out of turn counts as bad, what is dear is counted, what is passed on is
 * limited. Bounds of catch-ups are in T47's file.
 *
 * Not protected: a neighbor that is silent or never keeps its word keeps its place among the neighbors (it
 * is not scored); what it withholds comes from the others.
 */

import assert from "node:assert/strict";
import {
  badItemsMax,
  contactMessagesPerMinuteMax,
  knocksPerLinkMax,
  misbehavedMsMax,
  peerTimeMoveMsMin,
  strangerBytesMax,
  strangerGreetingsMax,
  strangerItemsMax,
  straysMax,
  straysPerMinute,
} from "../../lib/graph/limits.ts";
import type { GraphMessage } from "../../lib/graph/messages.ts";
import { KnockStep } from "../../lib/groups/membership.ts";
import { RoleBit } from "../../lib/groups/roles.ts";
import { type AuthorityBody, ItemKind } from "../../lib/records/item.ts";
import { createList } from "../../lib/records/item_codec.ts";
import { listPartHashesMax } from "../../lib/records/limits.ts";
import type { ReplicaNode } from "../../lib/sim/replica_node.ts";
import { admissionBody, bytesOf, credentialBody, keyOf } from "../fixtures/items.ts";
import {
  add,
  addPlain,
  addRequest,
  createWorld,
  crypto,
  GroupWorld,
  isMember,
  isSynchronised,
  minute,
  plainGraph,
  plainWorld,
  settle,
  valueAt,
} from "../sim/replica_fixture.ts";
import { createCountingCrypto } from "./kit/counting_crypto.ts";
import { HostileNode, Target } from "./kit/hostile_node.ts";

/** Leaves, invitations and removals that name a list of many hashes, and its parts; the group's id is all it takes. */
function junk(by: HostileNode, subject: Uint8Array, count: number) {
  const hashes = Array.from({ length: 2 * listPartHashesMax }, (_, i) => bytesOf(`hash ${i}`));
  const parts = createList(crypto, hashes);
  const list = parts[0]!.hash;
  const { publicKey: bearer } = keyOf("a stranger's bearer");
  const bodies: AuthorityBody[] = [
    { kind: ItemKind.leave, list },
    { kind: ItemKind.invitation, bearer, joinersMax: 9, roles: 8, expires: 1, discovery: null },
    { kind: ItemKind.removal, subject, list, closes: [] },
  ];
  const items = Array.from({ length: count }, (_, i) => by.make(bodies[i % 3]!));
  return { parts, items };
}

function strangerTo(group: GroupWorld, name: string): HostileNode {
  const { group: id } = group.founding;
  return new HostileNode(keyOf(name), id, id, group.founder.clock.now().wallMs);
}

Deno.test("[T36] a stranger with an invitation that asks for the chain without end gets it a few times", () => {
  const group = new GroupWorld(1);
  const ticket = group.invite(group.founder, { joinersMax: 9 });
  const target = new Target(group.founder);
  const link = target.link(keyOf("stranger"));
  link.greet();
  const before = target.bytesOut;
  const knock: GraphMessage = { type: "knock", content: [KnockStep.begin, ticket.invitation] };
  for (let i = 0; i < 10_000; i++) link.say(knock);
  assert.equal(link.heard("knock").length, knocksPerLinkMax);
  assert.ok(target.bytesOut - before < knocksPerLinkMax * 2_000);
  assert.equal(link.end, "misbehaved");
});

Deno.test("[T36] answers that nobody asked for teach nothing, in memory or on disk", () => {
  const counting = createCountingCrypto();
  const group = new GroupWorld(2, { crypto: counting });
  const { founder, world } = group;
  const stranger = strangerTo(group, "stranger");
  const { graph, policy } = founder.replica;
  const own = stranger.make(
    admissionBody(keyOf("own bearer"), graph, bytesOf("x"), stranger.signer.publicKey),
  );
  const forFounder = stranger.make(
    admissionBody(keyOf("own bearer"), graph, bytesOf("x"), founder.signer.publicKey),
  );
  const { items } = junk(stranger, founder.signer.publicKey, 100);
  const target = new Target(founder);
  const [disk, before] = [target.disk(), founder.replica.snapshot()];
  const passes = countPasses(policy);
  const link = target.link(stranger.signer);
  link.greet();
  for (let i = 0; i < 100; i++) {
    const list = [forFounder, own, ...items].map(({ bytes }) => bytes);
    link.say({ type: "knock", content: [KnockStep.admitted, list] });
  }
  assert.equal(link.end, "misbehaved");
  assert.equal(passes(), 0);
  world.run(1_000);
  assert.deepEqual(founder.replica.snapshot(), before);
  assert.deepEqual(target.disk(), disk);
});

Deno.test("[T36] a joiner that knocks at a liar keeps nothing of what the liar says, and joins elsewhere", () => {
  const group = new GroupWorld(3);
  const { founder, world } = group;
  const joiner = group.addJoiner(group.invite(founder));
  const liar = strangerTo(group, "liar");
  const { graph } = joiner.replica;
  const target = new Target(joiner);
  const link = target.link(liar.signer, true);
  link.greet();
  assert.equal(link.heard("knock").length, 1, "the joiner knocks");
  const admission = liar.make(
    admissionBody(keyOf("own bearer"), graph, bytesOf("x"), joiner.signer.publicKey),
  );
  for (let i = 0; i < 5; i++) {
    const { items } = junk(liar, joiner.signer.publicKey, 100);
    const list = [admission, ...items].map(({ bytes }) => bytes);
    link.say({ type: "knock", content: [KnockStep.admitted, list] });
  }
  world.run(1_000);
  const { known, aside, shelf } = joiner.replica.snapshot();
  assert.deepEqual({ known, aside, shelf }, { known: 0, aside: 0, shelf: 0 });
  world.connect(joiner, founder);
  assert(world.runUntil(() => isMember(joiner) && isSynchronised(joiner), minute));
});

/** Tells how often a node has gone over the authority of its group since. */
function countPasses(policy: ReplicaNode["replica"]["policy"]): () => number {
  let passes = 0;
  const learn = policy.learn.bind(policy);
  policy.learn = (learnt) => {
    passes++;
    return learn(learnt);
  };
  return () => passes;
}

Deno.test("[T36] a stranger's greetings cost a few passes over the group's authority and no more", () => {
  const group = new GroupWorld(4);
  const { policy } = group.founder.replica;
  const target = new Target(group.founder);
  const stranger = strangerTo(group, "stranger");
  const passes = countPasses(policy);
  const link = target.link(stranger.signer);
  const { items } = junk(stranger, group.founder.signer.publicKey, 500);
  for (const item of items) link.greet([item]);
  assert.equal(passes(), strangerGreetingsMax);
  assert.equal(link.end, "misbehaved");
});

Deno.test("[T36] nothing that a stranger shows is known afterwards, in memory or on disk", () => {
  const group = new GroupWorld(5);
  const target = new Target(group.founder);
  const { replica, events } = group.founder;
  const [before, disk, eventsBefore] = [replica.snapshot(), target.disk(), events.length];
  const stranger = strangerTo(group, "stranger");
  const link = target.link(stranger.signer);
  const { parts, items } = junk(stranger, group.founder.signer.publicKey, 60);
  for (const part of parts) link.greet([part]);
  link.greet(items);
  // One number twice is no news either: nobody knows who that is.
  const [leave, other] = [1, 2].map((n) =>
    stranger.make({ kind: ItemKind.leave, list: bytesOf(`${n}`) }, {
      credential: bytesOf("nothing"),
      seq: 99,
    })
  );
  link.greet([leave!, other!]);
  assert.equal(link.end, undefined);
  for (const { id } of [...parts, ...items, leave!, other!]) assert.equal(replica.set.has(id), false);
  group.world.run(1_000);
  const { known, aside, shelf, unstored, ...rest } = replica.snapshot();
  assert.deepEqual({ known, aside, shelf, unstored }, {
    known: before.known,
    aside: before.aside,
    shelf: before.shelf,
    unstored: false,
  });
  assert.equal(rest.authorityFingerprint, before.authorityFingerprint);
  assert.deepEqual(target.disk(), disk);
  assert.equal(events.length, eventsBefore);
});

Deno.test("[T36] a stranger that shows more items, or more bytes, than any proof needs is parted with", () => {
  const group = new GroupWorld(6);
  const target = new Target(group.founder);
  const talker = strangerTo(group, "talker");
  const talking = target.link(talker.signer);
  const { items, parts } = junk(talker, group.founder.signer.publicKey, 128);
  for (let shown = 0; shown < strangerItemsMax; shown += items.length) talking.greet(items);
  assert.equal(talking.end, undefined);
  talking.greet(items.slice(0, 1));
  assert.equal(talking.end, "misbehaved");
  const sending = target.link(keyOf("sender"));
  const part = parts[0]!;
  const fitting = Math.floor(strangerBytesMax / part.bytes.length);
  for (let i = 0; i < fitting; i++) sending.greet([part]);
  assert.equal(sending.end, undefined);
  sending.greet([part]);
  assert.equal(sending.end, "misbehaved");
});

Deno.test("[T36] a hundred silent strangers that always come back keep no joiner and no member out", () => {
  const group = new GroupWorld(7);
  const { founder, world } = group;
  const member = group.join();
  const ticket = group.invite(founder);
  member.crash();
  const target = new Target(founder);
  let links = 0;
  const dial = () => void target.link(keyOf(`silent ${links++ % 100}`));
  target.onParted = () => void world.clock.set(200, dial);
  for (let i = 0; i < 100; i++) dial();
  const joiner = group.addJoiner(ticket);
  world.connect(joiner, founder);
  assert(world.runUntil(() => isMember(joiner) && isSynchronised(joiner), minute), "the joiner gets in");
  member.restart();
  world.run(10);
  world.connect(member, founder);
  assert(world.runUntil(() => world.areLinked(member, founder) && isSynchronised(member), minute));
  assert(links > 100, "they came back");
});

Deno.test("[T36] a neighbor that says without end where it is is passed on, and kept, so often in a minute", () => {
  const world = plainWorld(8, 4);
  const node = world.nodes[0]!;
  const target = new Target(node);
  const mallory = new HostileNode(keyOf("mallory"), plainGraph, null, node.clock.now().wallMs);
  const link = mallory.enter(target);
  world.run(minute);
  let passedOn = 0;
  world.tap = (from, _to, bytes) => void (passedOn += from === node && bytes[1] === 7 ? 1 : 0);
  const commits = target.commits;
  const peer = mallory.signer.publicKey;
  for (let i = 0; i < 6_000; i++) {
    link.say({ type: "contacts", contacts: [{ peer, endpoints: [`tcp://20.9.9.9:${1_000 + i}`] }] });
    world.run(10);
  }
  assert.equal(link.end, undefined);
  assert.ok(passedOn > 0 && passedOn <= 3 * 2 * contactMessagesPerMinuteMax, `${passedOn} messages`);
  assert.ok(target.commits - commits <= 2 * contactMessagesPerMinuteMax + 20, `${target.commits - commits}`);
});

Deno.test("[T36] announcements, wants and endings out of turn are bad messages; nothing is sent for them", () => {
  const world = createWorld(9);
  const node = addPlain(world);
  world.run(10);
  add(node, "heron");
  const [entry] = [...node.replica.set.entries()];
  const element = entry!.item.hash.slice(0, 16);
  const fingerprint = new Uint8Array(16);
  const storms: [string, GraphMessage][] = [
    ["a second summary", { type: "summary", set: 0, round: 1, count: 9, fingerprint, cursor: null }],
    ["a summary of the other set", {
      type: "summary",
      set: 1,
      round: 1,
      count: 0,
      fingerprint,
      cursor: null,
    }],
    ["a summary of a later round", {
      type: "summary",
      set: 0,
      round: 3,
      count: 0,
      fingerprint,
      cursor: null,
    }],
    ["elements of the other set", { type: "elements", set: 1, elements: [element], last: false }],
    ["wants of no list", { type: "want", set: 0, elements: [element], last: false }],
    ["an ending of the other set", { type: "served", set: 1, cursor: null }],
    ["a knock", { type: "knock", content: [KnockStep.begin, fingerprint] }],
  ];
  for (const [name, message] of storms) {
    const target = new Target(node);
    const link = new HostileNode(keyOf(name), plainGraph, null, 1).enter(target);
    // Its own first summary is in turn.
    if (name === "a second summary") link.say(message);
    const before = target.bytesOut;
    const known = node.replica.snapshot().dataFingerprint;
    for (let i = 0; i <= badItemsMax; i++) link.say(message);
    assert.equal(link.end, "misbehaved", name);
    assert.equal(target.bytesOut, before, name);
    assert.equal(node.replica.snapshot().dataFingerprint, known);
  }
});

Deno.test("[T36] who announces what it never gives is asked for it, a page for a page, and withholds nothing from anybody", () => {
  const world = createWorld(10);
  const [node, honest] = [addPlain(world), addPlain(world)];
  world.run(10);
  const record = add(honest, "heron");
  const wanted = [...honest.replica.set.data.since(0)][0]!.item.hash.slice(0, 16);
  const target = new Target(node);
  const link = new HostileNode(keyOf("liar"), plainGraph, null, node.clock.now().wallMs).enter(target);
  link.say({ ...link.heard("summary").at(-1)!, cursor: null });
  link.say({ type: "served", set: 0, cursor: null });
  const data = link.heard("summary").at(-1)!;
  assert.equal(data.set, 1);
  link.say({ ...data, count: 9 });
  const before = target.bytesOut;
  let said = 0;
  const promised = Array.from({ length: 2_047 }, (_, i) => bytesOf(`promise ${i}`).slice(0, 16));
  for (let page = 0; page < 200; page++) {
    link.say({ type: "elements", set: 1, elements: [wanted, ...promised], last: false });
    said += 2_048 * 16;
    world.run(10);
  }
  assert.ok(link.heard("want").length > 0);
  assert.ok(target.bytesOut - before <= 1.1 * said, `${target.bytesOut - before} for ${said}`);
  world.connect(node, honest);
  assert(world.runUntil(() => valueAt(node, record) === "heron", minute), "the honest one gives it");
});

Deno.test("[T36] who does not read has so many answers waiting and no more; then it is parted with", () => {
  const world = createWorld(11);
  const node = addPlain(world);
  world.run(10);
  const target = new Target(node);
  target.isRead = false;
  const link = new HostileNode(keyOf("deaf"), plainGraph, null, node.clock.now().wallMs).enter(target);
  const page = Array.from({ length: 2_048 }, (_, i) => bytesOf(`promise ${i}`).slice(0, 16));
  link.say({ ...link.heard("summary").at(-1)!, count: 9, cursor: null });
  for (let i = 0; i < 1_000 && link.end === undefined; i++) {
    link.say({ type: "elements", set: 0, elements: page, last: false });
  }
  assert.equal(link.end, "misbehaved");
  assert.ok(target.bytesOut < 400_000, `${target.bytesOut} bytes: a window's worth and one message more`);
  assert.deepEqual(node.replica.neighbors(), []);
});

Deno.test("[T36] a member that vanishes after any frame of a meeting leaves nothing behind, and the meeting is made up", () => {
  for (let frames = 0;; frames++) {
    const group = new GroupWorld(100 + frames);
    const { founder, world } = group;
    const member = group.join();
    settle(world);
    const open = group.invite(founder);
    world.cut(founder, member);
    const records = [add(founder, "by the founder"), add(member, "by the member")];
    const joiner = group.addJoiner(open);
    world.healAll();
    let seen = 0;
    world.tap = (from, to) => {
      if (seen++ !== frames) return;
      world.cut(from, to);
      world.clock.set(1, () => world.healAll());
    };
    world.connect(joiner, founder);
    world.connect(member, founder);
    const isMet = () =>
      isMember(joiner, founder) && world.areEqual() && [founder, joiner, member].every(isSynchronised);
    // A joiner dials again by itself only once it has members to dial; who invited it dials on its behalf.
    for (let i = 0; i < 20 && !world.runUntil(isMet, 5_000); i++) {
      if (!isMember(joiner)) world.connect(joiner, founder);
    }
    assert(isMet(), `after ${frames} frames`);
    for (const record of records) assert.notEqual(valueAt(joiner, record), null, `after ${frames} frames`);
    for (const node of world.nodes) node.crash();
    if (seen <= frames || frames > 40) return;
  }
});

Deno.test("[T36] neighbors that move their clocks to and fro have a node look at all it holds once in a while only", () => {
  const world = createWorld(1);
  const node = addPlain(world);
  world.run(10);
  const count = 100;
  for (let i = 0; i < count; i++) node.call(addRequest(`${i}`, { lifeMs: 4 * minute }));
  assert(world.runUntil(() => node.replica.snapshot().dataItems === count, minute));
  const target = new Target(node);
  const links = [0, 1, 2].map((i) => {
    const link = target.link(keyOf(`mallory ${i}`), i === 0);
    link.greet();
    return link;
  });
  let events = 0;
  world.watch = (_, event) => {
    if (event.kind === "record") events++;
  };
  const flaps = 3 * peerTimeMoveMsMin / 100;
  for (let round = 0; round < flaps; round++) {
    for (const link of links) link.greet([], (round % 2 === 0 ? 1 : -1) * 9 * minute);
    world.run(100);
  }
  assert.ok(events >= count, "they move its time, as three neighbors may");
  assert.ok(events <= 4 * count, `${events} events of ${count} records by ${flaps} flaps`);
});

Deno.test("[T36] void authority, one item a message: so many messages, and no more for a new link", () => {
  const group = new GroupWorld(11);
  const { founder, world } = group;
  const rogue = group.join();
  settle(world);
  rogue.crash();
  const mallory = HostileNode.of(rogue, founder);
  const target = new Target(founder);
  const made = (count: number) =>
    Array.from({ length: count }, (_, i) => mallory.make(credentialBody(bytesOf(`${i}`), RoleBit.member)));
  const first = mallory.enter(target);
  first.give(...made(100));
  for (const item of made(straysMax)) first.give(item);
  assert.equal(first.end, "misbehaved");
  world.run(misbehavedMsMax + 1_000);
  const known = founder.replica.set.sizes.known;
  const again = mallory.enter(target);
  for (const item of made(2 * straysPerMinute)) again.give(item);
  assert.equal(again.end, "misbehaved");
  assert.ok(founder.replica.set.sizes.known - known <= straysPerMinute + 2);
});

Deno.test("[T36] a stranger that greets without showing anything is heard as often as one that does", () => {
  const group = new GroupWorld(12);
  const { policy } = group.founder.replica;
  let asked = 0;
  const reasonsAgainst = policy.reasonsAgainst.bind(policy);
  policy.reasonsAgainst = (lineage) => {
    asked++;
    return reasonsAgainst(lineage);
  };
  const link = new Target(group.founder).link(keyOf("stranger"));
  for (let i = 0; i < 100; i++) link.greet();
  assert.ok(asked <= strangerGreetingsMax, `${asked}`);
  assert.equal(link.end, "misbehaved");
});
