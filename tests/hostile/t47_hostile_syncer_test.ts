/**
 * T47: a small request, megabytes back, again and again. What one lineage is served stays within a budget,
 * over all its links: {@linkcode servedCopiesMax} copies of the sets at once, then
 * {@linkcode servedBytesPerMinute}; the catch-up under way is finished. It is delayed, never refused.
 *
 * Not protected: in a plain graph identities cost a handshake each, so many of them are served many copies.
 */

import assert from "node:assert/strict";
import { cursorsMax, servedBytesPerMinute, servedCopiesMax } from "../../lib/graph/limits.ts";
import type { Summary } from "../../lib/graph/messages.ts";
import type { Signer } from "../../lib/wire/envelope.ts";
import { keyOf } from "../fixtures/items.ts";
import {
  add,
  addPlain,
  addRequest,
  createWorld,
  GroupWorld,
  isSynchronised,
  minute,
  plainGraph,
  settle,
} from "../sim/replica_fixture.ts";
import { type HostileLink, HostileNode, Target } from "./kit/hostile_node.ts";

/** What a liar says of its own set. */
type Lie = (summary: Summary) => Partial<Summary>;

const holdsNothing: Lie = () => ({ count: 0, cursor: null });
const holdsOther: Lie = () => ({ count: 1, fingerprint: new Uint8Array(16), cursor: null });
const lostItsPlace: Lie = ({ count }) => ({
  count,
  fingerprint: new Uint8Array(16),
  cursor: { arrival: Number.MAX_SAFE_INTEGER, element: new Uint8Array(16) },
});

/** Goes on asking on a link: a catch-up as long as there may be one, and the next at once. */
class Syncer {
  readonly link: HostileLink;
  readonly #lie: Lie;
  #seen = 0;
  #isAnswered = true;

  constructor(link: HostileLink, lie: Lie) {
    this.link = link;
    this.#lie = lie;
  }

  #begin(): void {
    this.#isAnswered = false;
    const none: Summary = {
      ...{ type: "summary", set: 0, round: 1, count: 0, fingerprint: new Uint8Array(16), cursor: null },
    };
    this.link.say({ ...none, ...this.#lie(none) });
  }

  /** Answers what it was told since the last time. */
  goOn(): void {
    const told = this.link.told.slice(this.#seen);
    this.#seen += told.length;
    for (const message of told) {
      if (message.type === "elements") this.link.say({ ...message, type: "want" });
      if (message.type !== "summary") continue;
      this.#isAnswered = true;
      this.link.say({ ...message, ...this.#lie(message) });
      this.link.say({ type: "served", set: message.set, cursor: null });
    }
    const state = this.link.target.node.replica.neighbors().find(({ link }) => link === this.link.link)
      ?.catchup;
    if (state?.state === "idle" && this.#isAnswered) this.#begin();
  }
}

/** A node of a plain graph that holds this many records of a thousand bytes. */
function holding(seed: number, records: number) {
  const world = createWorld(seed);
  const node = addPlain(world);
  world.run(10);
  for (let i = 0; i < records; i++) node.call(addRequest(`${i} `.padEnd(1_000, ".")));
  assert(world.runUntil(() => node.replica.snapshot().dataItems === records, minute));
  const setBytes = node.replica.set.data.bytes;
  return { world, node, setBytes, target: new Target(node), wallMs: node.clock.now().wallMs };
}

/** What the budget allows in this time: one catch-up may be under way, of three rounds with a list each. */
function allowedBytes(setBytes: number, minutes: number): number {
  const oneCatchup = 3 * 1.1 * setBytes;
  return servedCopiesMax * setBytes + (1 + minutes) * servedBytesPerMinute + oneCatchup;
}

for (const [name, lie] of Object.entries({ holdsNothing, holdsOther, lostItsPlace })) {
  Deno.test(`[T47] who asks for everything again and again is served within its budget (${name})`, () => {
    const { world, target, setBytes, wallMs } = holding(1, 400);
    const link = new HostileNode(keyOf("syncer"), plainGraph, null, wallMs).enter(target);
    const syncer = new Syncer(link, lie);
    const allowed = allowedBytes(setBytes, 2);
    for (let ms = 0; ms < 2 * minute && target.bytesOut <= allowed; ms += 20) {
      syncer.goOn();
      world.run(20);
    }
    assert.ok(target.bytesOut > 2 * setBytes, `it was served something: ${target.bytesOut}`);
    assert.ok(target.bytesOut <= allowed, `${target.bytesOut} bytes, ${allowed} allowed`);
    assert.equal(link.end, undefined, "it is delayed, not refused");
  });
}

Deno.test("[T47] coming back on a new link each time gives no new budget", () => {
  const { world, target, setBytes, wallMs } = holding(2, 400);
  const hostile = new HostileNode(keyOf("syncer"), plainGraph, null, wallMs);
  const allowed = allowedBytes(setBytes, 2);
  let links = 0;
  for (let ms = 0; ms < 2 * minute && target.bytesOut <= allowed; ms += 200) {
    const syncer = new Syncer(hostile.enter(target), holdsNothing);
    for (let step = 0; step < 10; step++) {
      syncer.goOn();
      world.run(20);
    }
    syncer.link.leave();
    links++;
  }
  assert.ok(links > 500, `${links} links`);
  assert.ok(target.bytesOut <= allowed, `${target.bytesOut} bytes, ${allowed} allowed`);
});

Deno.test("[T47] a member of a group that never takes part is served within its budget, members are served all the same", () => {
  const group = new GroupWorld(3);
  const { world, founder } = group;
  const rogue = group.join();
  settle(world);
  rogue.crash();
  for (let i = 0; i < 200; i++) founder.call(addRequest(`${i} `.padEnd(2_000, ".")));
  world.run(1_000);
  const { data, authority } = founder.replica.set;
  const setBytes = data.bytes + authority.bytes;
  const target = new Target(founder);
  const syncer = new Syncer(HostileNode.of(rogue, founder).enter(target), holdsNothing);
  const allowed = allowedBytes(setBytes, 2);
  const spend = (ms: number) => {
    for (let at = 0; at < ms && target.bytesOut <= allowed; at += 50) {
      syncer.goOn();
      world.run(50);
    }
  };
  spend(minute);
  const joiner = group.addJoiner(group.invite(founder));
  world.connect(joiner, founder);
  spend(5_000);
  assert(isSynchronised(joiner));
  assert.equal(joiner.replica.snapshot().dataItems, 200);
  spend(minute - 5_000);
  assert.ok(target.bytesOut <= allowed, `${target.bytesOut} bytes, ${allowed} allowed`);
});

Deno.test("[T47] who waits for its budget is answered when its time comes, and gets what it lacks", () => {
  const { world, node, target, setBytes, wallMs } = holding(4, 400);
  const honest = addPlain(world);
  world.run(10);
  const liar = new HostileNode(honest.signer, plainGraph, null, wallMs).enter(target);
  const syncer = new Syncer(liar, holdsNothing);
  const spend = (ms: number) => {
    const { bytesOut } = target;
    for (let at = 0; at < ms; at += 20) {
      syncer.goOn();
      world.run(20);
    }
    return target.bytesOut - bytesOut;
  };
  spend(20_000);
  assert.ok(spend(1_000) < 4 * setBytes, "it is over its budget");
  liar.leave();
  // Its own node comes back, holding nothing: it was the one that asked too much, and waits.
  world.connect(honest, node);
  assert(world.runUntil(() => honest.replica.neighbors().some(({ phase }) => phase === "open"), minute));
  const record = add(node, "news");
  world.run(100);
  assert.notEqual(honest.replica.shown(record, honest.clock.now()), null, "what is new comes at once");
  settle(world, [node, honest], 10 * minute);
  assert.equal(honest.replica.snapshot().dataItems, 401);
});

Deno.test("[T47] what was not on a page, or was on it once and asked for twice, is not served for it", () => {
  const { world, node, target, wallMs } = holding(5, 50);
  const elements = [...node.replica.set.data.since(0)].map(({ item }) => item.hash.slice(0, 16));
  const asks: [string, Uint8Array[]][] = [
    ["twice", [elements[0]!, elements[0]!]],
    ["out of its order", [elements[1]!, elements[0]!]],
    ["another", [new Uint8Array(16)]],
    ["more than all", [...elements, elements[49]!]],
  ];
  for (const [name, wanted] of asks) {
    const link = new HostileNode(keyOf(name), plainGraph, null, wallMs).enter(target);
    const heard = () => link.heard("summary").at(-1)!;
    link.say({ ...heard(), cursor: null }); // authority: equal
    link.say({ type: "served", set: 0, cursor: null });
    link.say({ ...heard(), ...holdsOther(heard()) });
    assert.deepEqual(link.heard("elements").map((page) => page.elements), [[], elements].slice(1), name);
    link.say({ type: "want", set: 1, elements: wanted, last: true });
    world.run(10);
    assert.equal(link.heard("items").length, 0, name);
    link.leave();
  }
});

/** Lets a neighbor go through a whole catch-up as an equal that names these cursors; those it was asked by. */
function catchUp(link: HostileLink, arrival: number): (number | null)[] {
  link.greet();
  for (const set of [0, 1] as const) {
    const summary = link.heard("summary").at(-1)!;
    assert.equal(summary.set, set);
    link.say({ ...summary, cursor: null });
    link.say({ type: "served", set, cursor: { arrival, element: new Uint8Array(16) } });
  }
  return link.heard("summary").map(({ cursor }) => cursor?.arrival ?? null);
}

Deno.test("[T47] 1,100 identities that are used once leave a bounded number of cursors in memory and on disk", () => {
  const world = createWorld(6);
  const node = addPlain(world);
  world.run(10);
  add(node, "heron");
  const target = new Target(node);
  const keys = Array.from({ length: 1_100 }, (_, i) => keyOf(`identity ${i}`));
  const visit = (signer: Signer, arrival: number) => {
    const link = target.link(signer);
    const cursors = catchUp(link, arrival);
    link.leave();
    return cursors;
  };
  const onDisk = () => [...node.disk.entries.values()].filter(({ key }) => key[2] === "cursor").length;
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
  const again = new Target(node).link(keys.at(-1)!);
  assert.deepEqual(catchUp(again, 1), [5_000, 5_000]);
  assert.ok(onDisk() <= 2 * cursorsMax);
});
