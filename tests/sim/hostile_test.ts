import assert from "node:assert/strict";
import { equalBytes, hex } from "../../lib/base/bytes.ts";
import { cursorsMax, dialsPerMinuteMax, strangerBytesMax, strangerItemsMax } from "../../lib/graph/limits.ts";
import type { Effect, LinkId } from "../../lib/graph/machine.ts";
import {
  type ContactHint,
  decodeMessage,
  encodeMessage,
  type GraphMessage,
  graphProtocolVersion,
} from "../../lib/graph/messages.ts";
import { GroupPolicy } from "../../lib/groups/group_policy.ts";
import type { Membership } from "../../lib/groups/membership.ts";
import { RoleBit } from "../../lib/groups/roles.ts";
import { type AuthorityBody, ItemKind, type RemovalBody } from "../../lib/records/item.ts";
import { createList } from "../../lib/records/item_codec.ts";
import { ItemSet } from "../../lib/records/item_set.ts";
import { listPartHashesMax, shelfItemsMax } from "../../lib/records/limits.ts";
import type { ReplicaNode } from "../../lib/sim/replica_world.ts";
import type { Signer } from "../../lib/wire/envelope.ts";
import {
  admissionBody,
  bytesOf,
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
  signedItem,
} from "../fixtures/items.ts";
import {
  add,
  addPlain,
  createWorld,
  crypto,
  GroupWorld,
  hour,
  isMember,
  isSynchronised,
  minute,
  settle,
} from "./replica_fixture.ts";

/** A node that is attacked: links to it that no other node is behind, and all that it says and does. */
class Victim {
  readonly node: ReplicaNode;
  readonly sent: Map<LinkId, GraphMessage[]> = new Map();
  readonly parted: Map<LinkId, string> = new Map();
  readonly dials: { readonly atMs: number; readonly contact: ContactHint }[] = [];
  onParted: () => void = () => {};
  #link = 1_000_000;

  constructor(node: ReplicaNode) {
    this.node = node;
    const { replica } = node;
    const handle = replica.handle.bind(replica);
    replica.handle = (input, now) => {
      const effects = handle(input, now);
      for (const effect of effects) this.#see(effect, now.monoMs);
      return effects;
    };
  }

  /** A link of somebody with this key. */
  link(signer: Signer, dialled = false): Attacker {
    const link = ++this.#link;
    const peer = signer.publicKey;
    const place = { address: "198.51.100.1", isLoopback: false, endpoint: null };
    this.sent.set(link, []);
    this.node.input({ kind: "linkUp", link, peer, dialled, ...place });
    return new Attacker(this, link, signer);
  }

  /** All that is on its disk, by key. */
  disk(): Map<string, string> {
    return new Map([...this.node.disk].map(([key, { value }]) => [key, hex(value)]));
  }

  #see(effect: Effect, atMs: number): void {
    if (effect.kind === "connect") this.dials.push({ atMs, contact: effect.contact });
    if (effect.kind === "send") {
      for (const link of effect.links) this.sent.get(link)?.push(decodeMessage(effect.bytes)!);
    }
    if (effect.kind !== "disconnect" || !this.sent.has(effect.link)) return;
    const { link, reason } = effect;
    this.parted.set(link, reason);
    this.node.world.clock.set(0, () => {
      this.node.input({ kind: "linkDown", link, reason: "closed here" });
      this.onParted();
    });
  }
}

/** One such link, seen from its far end. */
class Attacker {
  readonly victim: Victim;
  readonly link: LinkId;
  readonly signer: Signer;
  #seq = 1;

  constructor(victim: Victim, link: LinkId, signer: Signer) {
    this.victim = victim;
    this.link = link;
    this.signer = signer;
  }

  say(message: GraphMessage): void {
    this.victim.node.input({ kind: "frame", link: this.link, bytes: encodeMessage(message) });
  }

  greet(items: readonly { readonly bytes: Uint8Array }[] = [], aheadMs = 0): void {
    const wallMs = this.victim.node.clock.now().wallMs + aheadMs;
    const version = graphProtocolVersion;
    this.say({ type: "greet", version, wallMs, items: items.map(({ bytes }) => bytes) });
  }

  /** An authority item of its own. */
  make(body: AuthorityBody, credential: Uint8Array, seq = this.#seq++) {
    const { replica, clock } = this.victim.node;
    const writer = this.signer.publicKey.subarray(0, 8);
    return signedItem(this.signer, replica.graph, body, { seq, credential, writer, at: clock.now().wallMs });
  }

  heard<T extends GraphMessage["type"]>(type: T): (GraphMessage & { type: T })[] {
    const messages = this.victim.sent.get(this.link)!;
    return messages.filter((message): message is GraphMessage & { type: T } => message.type === type);
  }

  /** Why the victim ended this link, if it did. */
  get end(): string | undefined {
    return this.victim.parted.get(this.link);
  }

  leave(): void {
    this.victim.node.input({ kind: "linkDown", link: this.link, reason: "reset" });
  }
}

/** Leaves, invitations and removals that name a list of many hashes, and its parts; the group's id is all it takes. */
function junk(by: Attacker, count: number) {
  const group = by.victim.node.replica.graph;
  const hashes = Array.from({ length: 2 * listPartHashesMax }, (_, i) => bytesOf(`hash ${i}`));
  const parts = createList(crypto, hashes);
  const list = parts[0]!.hash;
  const { publicKey: bearer } = keyOf("a stranger's bearer");
  const bodies: AuthorityBody[] = [
    { kind: ItemKind.leave, list },
    { kind: ItemKind.invitation, bearer, joinersMax: 9, roles: 8, expires: 1, discovery: null },
    { kind: ItemKind.removal, subject: by.victim.node.signer.publicKey, list, closes: [] },
  ];
  const items = Array.from({ length: count }, (_, i) => by.make(bodies[i % 3]!, group));
  return { parts, items };
}

Deno.test("nothing that a stranger shows is known afterwards, in memory or on disk", () => {
  const group = new GroupWorld(1);
  const victim = new Victim(group.founder);
  const { replica, events } = group.founder;
  const [before, disk, eventsBefore] = [replica.snapshot(), victim.disk(), events.length];
  const stranger = victim.link(keyOf("stranger"));
  const { parts, items } = junk(stranger, 60);
  for (const part of parts) stranger.greet([part]);
  stranger.greet(items);
  // One number twice is no news either: nobody knows who that is.
  const [leave, other] = [1, 2].map((n) =>
    stranger.make({ kind: ItemKind.leave, list: bytesOf(`${n}`) }, bytesOf("nothing known"), 99)
  );
  stranger.greet([leave!, other!]);
  assert.equal(stranger.end, undefined);
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
  assert.deepEqual(victim.disk(), disk);
  assert.equal(events.length, eventsBefore);
});

Deno.test("a stranger that shows more items, or more bytes, than any proof needs is parted with", () => {
  const group = new GroupWorld(2);
  const victim = new Victim(group.founder);
  const talker = victim.link(keyOf("talker"));
  const { items, parts } = junk(talker, 128);
  for (let shown = 0; shown < strangerItemsMax; shown += items.length) talker.greet(items);
  assert.equal(talker.end, undefined);
  talker.greet(items.slice(0, 1));
  assert.equal(talker.end, "misbehaved");
  const sender = victim.link(keyOf("sender"));
  const part = parts[0]!;
  const fitting = Math.floor(strangerBytesMax / part.bytes.length);
  for (let i = 0; i < fitting; i++) sender.greet([part]);
  assert.equal(sender.end, undefined);
  sender.greet([part]);
  assert.equal(sender.end, "misbehaved");
});

Deno.test("clocks of strangers never count, those of members do", () => {
  const group = new GroupWorld(3);
  const node = group.join();
  const [a, b] = [group.join({}, 5 * minute), group.join({}, 5 * minute)];
  group.world.split([node], [a, b]);
  const victim = new Victim(node);
  const strangers = () => [1, 2, 3, 4, 5].map((n) => victim.link(keyOf(`stranger ${n}`), true));
  for (const stranger of strangers()) stranger.greet([], 10 * minute - 1);
  assert.equal(node.replica.snapshot().peerTimeOffsetMs, 0);
  for (const stranger of strangers()) stranger.greet([], hour);
  assert.equal(node.replica.snapshot().isClockWrong, false);
  group.world.healAll();
  const isAmongThree = () => node.replica.neighbors().filter(({ phase }) => phase === "open").length === 3;
  assert(group.world.runUntil(isAmongThree, 5 * minute));
  group.world.run(1_000);
  for (const stranger of strangers()) stranger.greet([], hour);
  const { peerTimeOffsetMs } = node.replica.snapshot();
  assert(Math.abs(peerTimeOffsetMs - 5 * minute) < 1_000, `${peerTimeOffsetMs} ms`);
  assert.equal(node.replica.snapshot().isClockWrong, false);
});

Deno.test("a hundred silent strangers that always come back keep no joiner and no member out", () => {
  const group = new GroupWorld(4);
  const { founder, world } = group;
  const member = group.join();
  const ticket = group.invite(founder);
  member.crash();
  const victim = new Victim(founder);
  let links = 0;
  const dial = () => void victim.link(keyOf(`silent ${links++ % 100}`));
  victim.onParted = () => void world.clock.set(200, dial);
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

Deno.test("admissions that a member makes up do not change what a removal closes", () => {
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
  const victim = new Victim(founder);
  const attacker = victim.link(rogue.signer);
  const policy = founder.replica.policy as Membership;
  const credential = policy.standings(hex(rogue.signer.publicKey))[0]!.item.hash;
  const named = [open.invitation, ...[1, 2, 3].map((n) => bytesOf(`invented ${n}`))];
  const planted = named.map((invitation) => {
    const { graph } = founder.replica;
    const body = admissionBody(keyOf("own bearer"), graph, invitation, subject.signer.publicKey);
    return attacker.make(body, credential);
  });
  attacker.greet();
  attacker.say({ type: "items", items: planted.map(({ bytes }) => bytes) });
  for (const { id } of planted) assert(founder.replica.set.has(id), "a member's items are kept");
  group.remove(founder, subject);
  const removals = [...founder.replica.set.entries()].map(({ item }) => item.body)
    .filter((body): body is RemovalBody => body.kind === ItemKind.removal);
  assert.deepEqual(removals.map(({ closes }) => closes.map(hex)), [[hex(joined.invitation)]]);
  const joiner = group.addJoiner(open);
  world.connect(joiner, founder);
  assert(world.runUntil(() => isMember(joiner), minute), "the other invitation still holds");
});

Deno.test("[S31] an ex-member that writes a lot does not push off the shelf what others superseded", () => {
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

/** Lets a neighbor go through a whole catch-up as an equal that names these cursors; those it was asked by. */
function catchUp(attacker: Attacker, arrival: number): (number | null)[] {
  attacker.greet();
  for (const set of [0, 1] as const) {
    const summary = attacker.heard("summary").at(-1)!;
    assert.equal(summary.set, set);
    attacker.say({ ...summary, cursor: null });
    attacker.say({ type: "served", set, cursor: { arrival, element: new Uint8Array(16) } });
  }
  return attacker.heard("summary").map(({ cursor }) => cursor?.arrival ?? null);
}

Deno.test("1,100 identities that are used once leave a bounded number of cursors in memory and on disk", () => {
  const world = createWorld(6);
  const node = addPlain(world);
  world.run(10);
  add(node, "heron");
  const victim = new Victim(node);
  const keys = Array.from({ length: 1_100 }, (_, i) => keyOf(`identity ${i}`));
  const visit = (signer: Signer, arrival: number) => {
    const attacker = victim.link(signer);
    const cursors = catchUp(attacker, arrival);
    attacker.leave();
    return cursors;
  };
  const onDisk = () => [...node.disk.values()].filter(({ key }) => key[2] === "cursor").length;
  const isStored = () => !node.replica.snapshot().unstored;
  assert.ok(2 * keys.length > 2 * cursorsMax);
  for (const [i, key] of keys.entries()) assert.deepEqual(visit(key, i + 1), [null, null]);
  assert(world.runUntil(isStored, minute));
  assert.equal(onDisk(), 2 * cursorsMax);
  assert.deepEqual(visit(keys.at(-1)!, 5_000), [1_100, 1_100], "a recent one is known by its cursors");
  assert.deepEqual(visit(keys[0]!, 5_000), [null, null], "the first has given way");
  assert(world.runUntil(isStored, minute));
  node.crash();
  node.restart();
  world.run(10);
  const again = new Victim(node).link(keys.at(-1)!);
  assert.deepEqual(catchUp(again, 1), [5_000, 5_000]);
  assert.ok(onDisk() <= 2 * cursorsMax);
});

Deno.test("[T18] a neighbor that names peers without end has a node dial so often in a minute and no more", () => {
  const world = createWorld(7);
  const node = addPlain(world);
  world.run(10);
  const victim = new Victim(node);
  const attacker = victim.link(keyOf("flooder"));
  attacker.greet();
  for (let i = 0; i < 1_500; i++) {
    const peer = bytesOf(`invented ${i}`);
    const endpoints = [`tcp://20.9.9.${i % 250 + 1}:${1_000 + i}`];
    attacker.say({ type: "contacts", contacts: [{ peer, endpoints }] });
    world.run(100);
  }
  const { dials } = victim;
  const inMinuteFrom = ({ atMs }: { readonly atMs: number }) =>
    dials.filter((dial) => dial.atMs >= atMs && dial.atMs < atMs + minute).length;
  assert.equal(Math.max(...dials.map(inMinuteFrom)), dialsPerMinuteMax);
  assert.equal(attacker.end, undefined);
});

Deno.test("[T18] what one member says of another replaces nothing that this one said of itself", () => {
  const group = new GroupWorld(8);
  const { founder, world } = group;
  const [absent, rogue] = [group.join(), group.join()];
  settle(world);
  absent.crash();
  rogue.crash();
  const victim = new Victim(founder);
  const attacker = victim.link(rogue.signer);
  attacker.greet();
  const peer = absent.signer.publicKey;
  for (let i = 0; i < 600; i++) {
    const endpoints = Array.from({ length: i % 4 + 1 }, () => "tcp://20.9.9.9:80");
    attacker.say({ type: "contacts", contacts: [{ peer, endpoints }] });
    world.run(100);
  }
  // What was heard stands behind, once, and is tried after: the peer may have come back elsewhere.
  const known = [absent.endpoint, "tcp://20.9.9.9:80"];
  assert.deepEqual(founder.replica.contacts.hint(hex(peer))?.endpoints, known);
  const dials = victim.dials.filter(({ contact }) => equalBytes(contact.peer, peer));
  assert.ok(dials.length > 0 && dials.length < 15, `${dials.length} dials: the pauses grow all the same`);
  assert.ok(dials.every(({ contact }) => contact.endpoints[0] === absent.endpoint));
});
