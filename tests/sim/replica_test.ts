import assert from "node:assert/strict";
import { hex } from "../../lib/base/bytes.ts";
import { contactEntry } from "../../lib/graph/keeping.ts";
import {
  contactsMax,
  neighborsMax,
  sendQueueBytesMax,
  sendWindowBytes,
  tickMs,
} from "../../lib/graph/limits.ts";
import { decodeMessage } from "../../lib/graph/messages.ts";
import type { ReplicaNode } from "../../lib/sim/replica_node.ts";
import type { ReplicaWorld } from "../../lib/sim/replica_world.ts";
import { keyOf } from "../fixtures/items.ts";
import {
  add,
  addPlain,
  addRequest,
  causes,
  countItems,
  createWorld,
  day,
  describe,
  hour,
  minute,
  plainGraph,
  plainWorld,
  refusal,
  settle,
  updateRequest,
  valueAt,
} from "./replica_fixture.ts";

Deno.test("[R02] a record reaches all nodes of a graph, each with one event", () => {
  const world = plainWorld(1, 5);
  const records = world.nodes.map((node, i) => add(node, `from ${i}`));
  settle(world);
  for (const node of world.nodes) {
    for (const [i, record] of records.entries()) {
      assert.equal(valueAt(node, record), `from ${i}`);
      assert.deepEqual(causes(node, record), ["added"], describe(node));
    }
  }
  world.run(10 * minute);
  for (const node of world.nodes) assert.equal(causes(node, records[0]!).length, 1);
});

Deno.test("[R13] a late joiner gets everything that is alive, and only that", () => {
  const world = plainWorld(2, 4);
  const [first] = world.nodes as [ReplicaNode];
  const records = Array.from({ length: 60 }, (_, i) => add(first, `${i}`));
  const brief = add(first, "brief", { lifeMs: minute });
  assert(first.wait({ kind: "delete", record: records[0]! }).ok);
  settle(world);
  world.run(2 * minute);
  const late = addPlain(world);
  world.run(10);
  world.connect(late, world.nodes[2]!);
  settle(world);
  assert.equal(valueAt(late, records[0]!), null);
  assert.equal(valueAt(late, brief), null);
  for (const record of records.slice(1)) assert.deepEqual(causes(late, record), ["added"]);
  assert.deepEqual(causes(late, brief), [], "what was over before it came is no news");
  assert.deepEqual(late.shown, first.shown);
});

Deno.test("[R13] a returning neighbor is sent exactly what it lacks, however much both hold", () => {
  const world = plainWorld(3, 2);
  const [a, b] = world.nodes as [ReplicaNode, ReplicaNode];
  for (let i = 0; i < 300; i++) a.call(addRequest(`${i}`));
  for (let i = 0; i < 100; i++) b.call(addRequest(`b ${i}`));
  settle(world);
  world.run(3 * minute); // a comparison with nothing to do brings both cursors up to date
  world.cut(a, b);
  for (let i = 0; i < 7; i++) add(a, `away ${i}`);
  for (let i = 0; i < 3; i++) add(b, `at home ${i}`);
  const counts = countItems(world);
  world.heal(a, b);
  settle(world);
  assert.deepEqual([...counts].sort(), [["0>1", 7], ["1>0", 3], ["lists", 0]]);
});

Deno.test("[R13] a cursor outlives a restart of either end", () => {
  const world = plainWorld(4, 2);
  const [a, b] = world.nodes as [ReplicaNode, ReplicaNode];
  for (let i = 0; i < 200; i++) a.call(addRequest(`${i}`));
  settle(world);
  world.run(3 * minute);
  for (const node of [a, b]) {
    node.crash();
    world.cut(a, b);
    node.restart();
    world.run(10);
    add(a, "meanwhile");
    const counts = countItems(world);
    world.heal(a, b);
    settle(world);
    assert.deepEqual([...counts].sort(), [["0>1", 1], ["lists", 0]]);
    world.run(3 * minute);
  }
});

Deno.test("[R13] a cursor into an order that was written anew is not believed", () => {
  const world = plainWorld(26, 2);
  const [a, b] = world.nodes as [ReplicaNode, ReplicaNode];
  for (let i = 0; i < 20; i++) add(a, `${i}`);
  settle(world);
  world.run(3 * minute);
  world.cut(a, b);
  a.crash();
  a.disk.wipe();
  a.restart();
  world.run(10);
  for (let i = 0; i < 30; i++) add(a, `again ${i}`);
  const counts = countItems(world);
  world.heal(a, b);
  world.connect(b, a);
  settle(world);
  assert.deepEqual([...counts].sort(), [["0>1", 30], ["1>0", 20], ["lists", 2]]);
});

Deno.test("[R13] two that never met find their difference by the list of what each holds", () => {
  const world = createWorld(5);
  const nodes = [addPlain(world), addPlain(world), addPlain(world)];
  const [a, b, c] = nodes as [ReplicaNode, ReplicaNode, ReplicaNode];
  world.run(10);
  for (let i = 0; i < 50; i++) add(a, `common ${i}`);
  world.connect(a, b);
  world.connect(a, c);
  world.cut(b, c);
  settle(world);
  world.cut(a, b);
  world.cut(a, c);
  for (let i = 0; i < 5; i++) add(b, `b ${i}`);
  for (let i = 0; i < 8; i++) add(c, `c ${i}`);
  const counts = countItems(world);
  world.heal(b, c);
  world.connect(b, c);
  settle(world, [b, c]);
  assert.deepEqual([...counts].sort(), [["1>2", 5], ["2>1", 8], ["lists", 2]]);
  world.healAll();
  settle(world);
});

Deno.test("[R03] an update is the next version everywhere, and its expiry does not move nearer", () => {
  const world = plainWorld(6, 5);
  const [a] = world.nodes as [ReplicaNode];
  const record = add(a, "one");
  const first = a.replica.shown(record, a.clock.now())!;
  settle(world);
  const end = a.wait(updateRequest(record, "two"));
  assert(end.ok && end.outcome.kind === "record");
  assert.equal(end.outcome.shown.item.body.version, 2);
  settle(world);
  for (const node of world.nodes) {
    const shown = node.replica.shown(record, node.clock.now())!;
    assert.equal(valueAt(node, record), "two");
    assert.deepEqual(causes(node, record), ["added", "updated"]);
    assert.deepEqual(shown.item.body.creator, first.item.body.creator);
    assert.equal(shown.expires, first.expires);
  }
  const earlier = updateRequest(record, "three", { expires: first.expires - 1 });
  assert.equal(refusal(a, earlier), "invalid_record");
  assert.equal(refusal(world.nodes[1]!, updateRequest(record, "not mine")), "not_authorized");
  assert.equal(refusal(world.nodes[1]!, { kind: "delete", record }), "not_authorized");
  assert.equal(refusal(a, updateRequest("00".repeat(16), "unknown")), "record_not_found");
});

Deno.test("[R10] a record runs out everywhere at one peer time, unless it was extended", () => {
  const world = plainWorld(7, 5);
  const [a] = world.nodes as [ReplicaNode];
  const brief = add(a, "brief", { lifeMs: minute });
  const longer = add(a, "longer", { lifeMs: minute });
  const expires = a.clock.now().wallMs + hour;
  assert(a.wait({ kind: "extend", record: longer, expires }).ok);
  settle(world);
  world.run(2 * minute);
  for (const node of world.nodes) {
    assert.equal(valueAt(node, brief), null);
    assert.deepEqual(causes(node, brief), ["added", "expired"]);
    assert.equal(valueAt(node, longer), "longer");
    assert.equal(node.replica.shown(longer, node.clock.now())!.expires, expires);
  }
  assert.equal(refusal(a, { kind: "extend", record: brief, expires }), "record_not_found");
  world.run(hour);
  for (const node of world.nodes) {
    assert.deepEqual(causes(node, longer).slice(-1), ["expired"]);
    assert.deepEqual(node.shown, []);
  }
});

Deno.test("[R11] a record that ran out here and was extended elsewhere returns", () => {
  const world = plainWorld(8, 3);
  const [a, b, c] = world.nodes as [ReplicaNode, ReplicaNode, ReplicaNode];
  const record = add(a, "kept", { lifeMs: minute });
  settle(world);
  world.split([c], [a, b]);
  assert(a.wait({ kind: "extend", record, expires: a.clock.now().wallMs + hour }).ok);
  world.run(5 * minute);
  assert.deepEqual(causes(c, record), ["added", "expired"]);
  world.healAll();
  settle(world);
  assert.deepEqual(causes(c, record), ["added", "expired", "returned"]);
  assert.equal(valueAt(c, record), "kept");
});

Deno.test("[R27] what is past its 'until' leaves every set, and all sets stay equal", () => {
  const world = plainWorld(9, 3);
  const [a] = world.nodes as [ReplicaNode];
  const until = a.clock.now().wallMs + hour;
  const record = add(a, "brief", { lifeMs: minute, until });
  const deleted = add(a, "deleted", { lifeMs: minute, until });
  assert(a.wait({ kind: "delete", record: deleted }).ok);
  settle(world);
  for (const node of world.nodes) assert.equal(node.replica.snapshot().dataItems, 2);
  world.run(hour + minute);
  settle(world);
  for (const node of world.nodes) assert.equal(node.replica.snapshot().dataItems, 0, record);
  world.run(hour + minute);
  for (const node of world.nodes) {
    assert.equal(node.replica.snapshot().known, 0, "memory holds nothing of it an hour later");
    const kept = [...node.disk.entries.values()].filter(({ key }) => key[2] === "item");
    assert.deepEqual(kept, [], "nor does the disk");
  }
});

Deno.test("[R04] a deleted record never comes back through a stale replica", () => {
  const world = plainWorld(10, 5);
  const [a, , , , stale] = world.nodes as [ReplicaNode, ReplicaNode, ReplicaNode, ReplicaNode, ReplicaNode];
  const record = add(a, "old");
  settle(world);
  stale.crash();
  assert(a.wait(updateRequest(record, "newer")).ok);
  assert(a.wait({ kind: "delete", record }).ok);
  world.run(minute);
  a.crash(); // who deleted is away as well
  stale.restart();
  world.run(10);
  assert.equal(valueAt(stale, record), "old");
  settle(world, world.nodes.filter((node) => node !== a));
  a.restart();
  settle(world);
  for (const node of world.nodes) {
    assert.equal(valueAt(node, record), null);
    assert.equal(causes(node, record).filter((cause) => cause === "deleted").length, 1, describe(node));
  }
  assert.equal(refusal(a, updateRequest(record, "again")), "record_not_found");
});

Deno.test("[R15] [R23] concurrent updates by one identity on two machines: one winner, and the other is reported", () => {
  const world = plainWorld(11, 2);
  const [a, b] = world.nodes as [ReplicaNode, ReplicaNode];
  // A plain record has one author, so two machines with one identity are what competes.
  const twin = world.addNode({
    graph: a.replica.graph,
    signer: a.signer,
    policy: () => a.replica.policy,
  });
  world.run(10);
  const record = add(a, "one");
  settle(world, [a, b]);
  world.cut(a, b);
  world.connect(twin, b);
  settle(world, [b, twin]);
  assert(twin.wait(updateRequest(record, "by the twin")).ok);
  settle(world, [b, twin]);
  assert(a.wait(updateRequest(record, "by a")).ok);
  world.healAll();
  // They take turns on the one link that b has for their identity.
  assert(world.runUntil(() => world.areEqual(), hour));
  const values = world.nodes.map((node) => valueAt(node, record));
  assert.equal(new Set(values).size, 1);
  const conflicts = [a, twin].flatMap((node) => causes(node, record).filter((cause) => cause === "conflict"));
  assert(conflicts.length >= 1, "the author of the loser hears of it");
  assert.equal(causes(b, record).includes("conflict"), false, "others do not");
});

Deno.test("[R19] [R26] nothing acknowledged is lost by crashes at any moment", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const world = plainWorld(seed, 3);
    const acknowledged: [ReplicaNode, number][] = [];
    for (let step = 0; step < 25; step++) {
      const node = world.nodes[world.random.uint32() % 3]!;
      if (!node.isUp) continue;
      for (let i = 0; i < 4; i++) acknowledged.push([node, node.call(addRequest(`${step} ${i}`))]);
      world.run(world.random.uint32() % 8);
      const victim = world.nodes[world.random.uint32() % 3]!;
      victim.crash();
      world.run(world.random.uint32() % 50);
      victim.restart();
      world.run(world.random.uint32() % 50);
    }
    settle(world);
    let count = 0;
    for (const [node, call] of acknowledged) {
      const end = node.ends.get(call);
      if (!end?.ok || end.outcome.kind !== "record") continue;
      count++;
      for (const other of world.nodes) assert(valueAt(other, end.outcome.record) !== null, `seed ${seed}`);
    }
    assert(count > 10, `some were acknowledged: ${count}`);
  }
});

Deno.test("a full disk refuses writes; reading and forwarding go on; what came meanwhile is kept once there is room", () => {
  const world = plainWorld(12, 3);
  const [a, b, c] = world.nodes as [ReplicaNode, ReplicaNode, ReplicaNode];
  const before = add(b, "before");
  settle(world);
  world.cut(a, c); // whatever reaches c goes through b
  b.disk.fault = "full";
  assert.equal(refusal(b, addRequest("no room")), "store_full");
  assert.equal(valueAt(b, before), "before");
  const through = add(a, "through b");
  world.run(5_000);
  assert.equal(valueAt(c, through), "through b");
  assert.equal(valueAt(b, through), "through b");
  assert.equal(b.replica.snapshot().unstored, true);
  const troubles = b.events.filter((event) => event.kind === "storeTrouble");
  assert(troubles.length === 1 && troubles[0]!.kind === "storeTrouble" && troubles[0]!.code === "store_full");
  world.run(10 * minute);
  assert.equal(valueAt(b, through), "through b");
  b.disk.fault = null;
  world.run(minute);
  assert.equal(b.replica.snapshot().unstored, false);
  const after = add(b, "after");
  world.cut(a, b);
  world.cut(b, c);
  b.crash();
  b.restart();
  world.run(10);
  for (const record of [before, through, after]) assert(valueAt(b, record) !== null);
  assert.equal(b.shown.length, 3);
});

Deno.test("an answer that the store loses never makes two items with one number", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = plainWorld(seed, 2);
    const [a, b] = world.nodes as [ReplicaNode, ReplicaNode];
    for (let i = 0; i < 30; i++) {
      a.disk.fault = world.random.uint32() % 3 === 0
        ? (["lost", "full"] as const)[world.random.uint32() % 2]!
        : null;
      a.call(addRequest(`${i}`));
      world.run(world.random.uint32() % 5);
      if (i === 15) {
        a.crash();
        a.restart();
        world.run(5);
      }
    }
    a.disk.fault = null;
    world.run(minute);
    a.crash(); // what was written though nobody said so comes to light
    a.restart();
    settle(world);
    for (const node of [a, b]) {
      const numbers = [...node.replica.set.entries()].map(({ item }) =>
        `${hex(item.head!.writer)} ${item.head!.seq}`
      );
      assert.equal(new Set(numbers).size, numbers.length, `seed ${seed}`);
      assert.equal(node.events.some((event) => event.kind === "fork"), false, `seed ${seed}`);
    }
  }
});

Deno.test("(I25) a machine that slept over its next try does not ask a full disk again at once", () => {
  const world = plainWorld(18, 2);
  const [a, b] = world.nodes as [ReplicaNode, ReplicaNode];
  b.disk.fault = "full";
  add(a, "waits at b");
  world.run(5_000);
  assert.equal(b.replica.snapshot().unstored, true);
  const { monoMs, wallMs } = b.clock.now();
  const later = { monoMs: monoMs + 60 * minute, wallMs: wallMs + 60 * minute };
  const failure = {
    kind: "storeFailed",
    ticket: 1e6,
    code: "store_full",
    message: "full",
    certain: true,
  } as const;
  const offered = b.replica.handle(failure, later).filter(({ kind }) => kind === "store");
  assert.deepEqual(offered, []);
});

Deno.test("a number whose commit failed for certain is used again", () => {
  const world = plainWorld(13, 2);
  const [a] = world.nodes as [ReplicaNode];
  add(a, "one");
  a.disk.fault = "full";
  assert.equal(refusal(a, addRequest("no room")), "store_full");
  a.disk.fault = null;
  const record = add(a, "two");
  assert.equal(a.replica.set.shown(record)!.item.head.seq, 2);
});

Deno.test("damaged entries are put aside and fetched again from others", () => {
  const world = plainWorld(14, 3);
  const [a, b] = world.nodes as [ReplicaNode, ReplicaNode];
  for (let i = 0; i < 20; i++) add(a, `${i}`);
  settle(world);
  world.run(3 * minute);
  b.crash();
  assert.equal(b.disk.damage("item"), 20);
  b.restart();
  world.run(200);
  assert.equal([...b.disk.entries.values()].filter(({ key }) => key[0] === "quarantine").length, 20);
  settle(world);
  assert.deepEqual(b.shown, a.shown);
});

Deno.test("a neighbor that does not read costs a bounded queue, delays nobody, and catches up when it is back", () => {
  const world = plainWorld(15, 4);
  const [a, b, c, deaf] = world.nodes as [ReplicaNode, ReplicaNode, ReplicaNode, ReplicaNode];
  let sent = 0;
  world.tap = (from, to, bytes) => void (from === a && to === deaf && (sent += bytes.length));
  deaf.isReading = false;
  const value = "x".repeat(20_000);
  for (let i = 0; i < 150; i++) a.call(addRequest(`${i} ${value}`));
  world.run(5_000);
  assert.equal(b.replica.snapshot().dataItems, 150);
  assert.deepEqual(c.shown, b.shown);
  const waiting = a.replica.snapshot().neighbors.find(({ peer }) => peer === hex(deaf.signer.publicKey))!;
  assert(waiting.waitingBytes <= sendQueueBytesMax);
  assert(waiting.waitingBytes > sendQueueBytesMax / 2, "so much was held back for it");
  assert.equal(sent, 0);
  deaf.isReading = true;
  // Long before the next comparison that would be made anyway.
  world.run(5_000);
  assert(sent <= 2 * (sendWindowBytes + sendQueueBytesMax) + 150 * 21_000);
  assert.deepEqual(deaf.shown, a.shown);
  settle(world);
  for (const event of deaf.events) assert.notEqual(event.kind, "refused");
});

Deno.test("a record may be as large as a record is, in a group of them", () => {
  const world = plainWorld(16, 2);
  const [a, b] = world.nodes as [ReplicaNode, ReplicaNode];
  for (let i = 0; i < 4; i++) add(a, "x".repeat(49_152));
  settle(world);
  assert.equal(b.shown.length, 4);
});

Deno.test("dials of who is away double their pause and are spread", () => {
  const world = plainWorld(17, 2);
  const [a, b] = world.nodes as [ReplicaNode, ReplicaNode];
  const gaps = dialGaps(world, () => b.crash(), 10 * minute);
  assert(gaps.length > 8 && gaps.length < 25, `${gaps.length} dials in ten minutes`);
  for (let i = 1; i < 7; i++) assert(gaps[i]! > 1.1 * gaps[i - 1]!, gaps.join());
  for (const gap of gaps.slice(8)) assert(gap >= 44_000 && gap <= 76_000, gaps.join());
  assert(new Set(gaps.slice(8)).size > 1, "no two peers in step");
  b.restart();
  settle(world);
  assert(world.areLinked(a, b));
});

Deno.test("[G15] a graph that is closed is left at once, and takes nothing more", () => {
  const world = plainWorld(18, 3);
  const [a, b, c] = world.nodes as [ReplicaNode, ReplicaNode, ReplicaNode];
  const call = c.call({ kind: "close" });
  assert(c.ends.get(call)!.ok);
  world.run(100);
  for (const node of [a, b]) {
    assert(
      node.events.some((event) =>
        event.kind === "neighborDown" && hex(event.peer) === hex(c.signer.publicKey)
      ),
    );
  }
  assert.equal(c.replica.nextDeadline(), null);
  assert.equal(refusal(c, addRequest("late")), "closed");
  settle(world, [a, b]);
});

Deno.test("a write that waits for the store when the graph is closed is still acknowledged", () => {
  const world = plainWorld(19, 2);
  const [a] = world.nodes as [ReplicaNode];
  const write = a.call(addRequest("last words"));
  a.call({ kind: "close" });
  world.run(100);
  assert(a.ends.get(write)!.ok);
  a.crash();
  a.restart();
  world.run(10);
  assert.equal(a.shown.length, 1);
});

Deno.test("[G26] clocks minutes apart hide a record at about one moment; one that is hours off does not count", () => {
  const world = createWorld(20);
  for (const offsetMs of [0, 2 * minute, -3 * minute, minute, -minute, 5 * hour]) addPlain(world, offsetMs);
  world.run(10);
  for (let i = 1; i < 6; i++) world.connect(world.nodes[i]!, world.nodes[i - 1]!);
  settle(world);
  const honest = world.nodes.slice(0, 5);
  const times = honest.map((node) => node.clock.now().wallMs + node.replica.snapshot().peerTimeOffsetMs);
  assert(Math.max(...times) - Math.min(...times) <= 4 * minute, `${times.map((time) => time - times[0]!)}`);
  const off = world.nodes[5]!;
  assert.equal(off.replica.snapshot().isClockWrong, true);
  for (const node of honest) assert.equal(node.replica.snapshot().isClockWrong, false);
  assert.equal(refusal(off, addRequest("when?")), "clock_wrong");
  const record = add(honest[0]!, "heron", { lifeMs: day });
  settle(world);
  assert.equal(valueAt(off, record), "heron");
});

Deno.test("a wrong clock sweeps nothing and wakes nobody for it", () => {
  const world = plainWorld(21, 4);
  const [a, b] = world.nodes as [ReplicaNode, ReplicaNode];
  const record = add(a, "kept", { lifeMs: hour, until: a.clock.now().wallMs + 2 * hour });
  settle(world);
  b.crash();
  b.clock.jumpWall(30 * day);
  b.restart();
  // Until it hears other clocks it believes its own; then it must find its way back.
  settle(world);
  assert.equal(b.replica.snapshot().isClockWrong, true);
  assert.equal(b.replica.snapshot().dataItems, 1);
  let inputs = 0;
  const handle = b.replica.handle.bind(b.replica);
  b.replica.handle = (input, now) => (inputs++, handle(input, now));
  world.run(minute);
  assert(inputs < 200, `${inputs} inputs in a quiet minute`);
  b.clock.jumpWall(-30 * day);
  world.run(10 * minute);
  assert.equal(b.replica.snapshot().isClockWrong, false);
  assert.equal(valueAt(b, record), "kept");
  settle(world);
});

Deno.test("items from too far in the future wait for their time", () => {
  const world = createWorld(22);
  const [a, b] = [addPlain(world), addPlain(world, 20 * minute)];
  world.run(10);
  const record = add(b, "from tomorrow");
  world.connect(b, a);
  world.run(minute);
  assert.equal(valueAt(a, record), null);
  assert(world.areLinked(a, b), "it is no misbehaviour");
  world.run(15 * minute);
  assert.equal(valueAt(a, record), "from tomorrow");
  settle(world);
});

Deno.test("a replica with many contacts and few links does not dial in circles", () => {
  const world = plainWorld(23, 12, { latencyMs: [400, 600] });
  const [a] = world.nodes as [ReplicaNode];
  for (const node of world.nodes.slice(1)) node.crash();
  let inputs = 0;
  const handle = a.replica.handle.bind(a.replica);
  a.replica.handle = (input, now) => (inputs++, handle(input, now));
  world.run(minute);
  assert(inputs < 1_000, `${inputs} inputs in a minute alone`);
});

Deno.test("neighbors are found by what neighbors tell, up to as many as are wanted", () => {
  const world = plainWorld(24, 8);
  world.run(5 * minute);
  for (const node of world.nodes) assert.equal(node.replica.neighbors().length, 7);
  const record = add(world.nodes[0]!, "all");
  const counts = countItems(world);
  settle(world);
  for (const node of world.nodes) assert.deepEqual(causes(node, record), ["added"]);
  assert(counts.size > 0);
});

Deno.test("a node that starts again knows whom it had dialled", () => {
  const world = createWorld(26);
  const [a, b] = [addPlain(world), addPlain(world)];
  world.run(10);
  world.connect(b, a);
  settle(world);
  for (const node of [a, b]) node.crash();
  b.restart();
  world.run(100);
  assert.deepEqual(b.replica.contacts.hints(), [{ peer: a.signer.publicKey, endpoints: [a.endpoint] }]);
});

Deno.test("[T18] of many contacts that are told, the disk keeps those that the replica keeps", () => {
  const world = createWorld(27);
  const node = addPlain(world);
  world.run(10);
  for (let round = 0; round < 3; round++) {
    const names = Array.from({ length: contactsMax + 1 }, (_, i) => `told ${round} ${i}`);
    // The first one gives way to the last one, and is told again.
    for (const name of [...names, names[0]!]) {
      const hint = { peer: keyOf(name).publicKey, endpoints: ["tcp://20.1.0.1:4000"] };
      const { contacts } = node.replica;
      if (!contacts.learn(hint, false, true)) continue;
      node.replica.keep(contactEntry(plainGraph, contacts.known(hex(hint.peer))!));
    }
    node.input({ kind: "deadline" });
    world.run(1_000);
    const onDisk = [...node.disk.entries.values()].filter(({ key }) => key[2] === "contact");
    const kept = node.replica.contacts.hints().map(({ peer }) => hex(peer));
    assert.deepEqual(onDisk.map(({ key }) => hex(key[3] as Uint8Array)).sort(), kept.sort());
  }
});

Deno.test("messages of replicas are what the codec reads", () => {
  const world = createWorld(25);
  const types = new Set<string>();
  world.tap = (_from, _to, bytes) => types.add(decodeMessage(bytes)!.type);
  const [a, b] = [addPlain(world), addPlain(world)];
  world.run(10);
  for (const node of [a, b]) for (let i = 0; i < 3; i++) add(node, `${i}`);
  world.connect(a, b);
  settle(world);
  assert.deepEqual([...types].sort(), [
    "contacts",
    "elements",
    "greet",
    "items",
    "served",
    "summary",
    "want",
  ]);
});

/** Pauses between the dials after `event`, in milliseconds. */
function dialGaps(world: ReplicaWorld, event: () => void, forMs: number): number[] {
  event();
  const times: number[] = [];
  const untilMs = world.clock.now().monoMs + forMs;
  for (let dials = world.dials; world.clock.now().monoMs < untilMs; dials = world.dials) {
    if (!world.runUntil(() => world.dials > dials, untilMs - world.clock.now().monoMs)) break;
    times.push(world.clock.now().monoMs);
  }
  return times.slice(1).map((time, i) => time - times[i]!);
}

Deno.test("a newcomer that knows one node alone, which is full, hears of others there and joins at one", () => {
  const world = createWorld(71);
  for (let i = 0; i <= neighborsMax; i++) addPlain(world);
  world.run(10);
  const [full, ...others] = world.nodes as [ReplicaNode, ...ReplicaNode[]];
  for (const other of others) world.connect(other, full);
  settle(world);
  assert.equal(full.replica.neighbors().length, neighborsMax);
  const record = add(others[5]!, "for all");
  const newcomer = addPlain(world);
  world.run(10);
  world.connect(newcomer, full);
  const isIn = () => newcomer.replica.neighbors().length > 0 && valueAt(newcomer, record) === "for all";
  assert(world.runUntil(isIn, minute), describe(newcomer));
});

Deno.test("a node wakes when an item is over, and keeps it no longer", () => {
  const world = createWorld(38);
  const node = addPlain(world);
  world.run(10);
  // Between two of its regular looks at the time.
  const until = node.clock.now().wallMs + 4.5 * tickMs;
  const record = add(node, "heron", { lifeMs: minute, until });
  node.wait({ kind: "delete", record });
  world.run(until - node.clock.now().wallMs - 1);
  assert.equal(node.replica.snapshot().dataItems, 1);
  world.run(3);
  assert.equal(node.replica.snapshot().dataItems, 0);
});
