/** Whole peers in a virtual world: what users see across restarts, crashes, full disks, removal and parting. */

import assert from "node:assert/strict";
import type { ErrorCode } from "../../lib/base/errors.ts";
import type { Graph, GraphEvent, Group, RecordEvent } from "../../lib/peer/surface.ts";
import type { JsonValue } from "../../lib/peer/surface.ts";
import { type Machine, PeerWorld } from "./peer_world.ts";

const day = 24 * 60 * 60 * 1_000;

Deno.test("[R02] five peers share a group: each sees every record, once as an event", async () => {
  await using world = new PeerWorld(1);
  const { machines, groups } = await groupOf(world, 5);
  const events = groups.map((group) => collect(group.records.watch("note")));
  for (const [i, group] of groups.entries()) await world.within(group.records.add("note", `of ${i}`));
  await world.until("all records everywhere", () => groups.every((group) => recordsOf(group) === 5));
  await world.clock.run(120_000);
  const all = ["of 0", "of 1", "of 2", "of 3", "of 4"];
  for (const seen of events) {
    assert.deepEqual(
      seen.map(({ kind, record }) => [kind, record.value]).sort(),
      all.map((each) => ["added", each]),
    );
  }
  assert.deepEqual(machines.map(({ peer }) => peer.status().problems), [[], [], [], [], []]);
  for (const group of groups) {
    assert.deepEqual(await values(group), all);
    assert.equal(group.status().neighbors, 4, "five peers are a full mesh");
    assert.equal(group.status().explanation, "All is well.");
  }
});

Deno.test("[R19] a peer that restarts finds its neighbors again and gets what it missed", async () => {
  await using world = new PeerWorld(2);
  const { machines, groups } = await groupOf(world, 4);
  await world.within(groups[1]!.records.add("note", "before"));
  await world.until("everywhere", () => groups.every((group) => recordsOf(group) === 1));
  await machines[3]!.stop();
  const [first] = await groups[0]!.records.list();
  await world.within(groups[0]!.records.add("note", "meanwhile"));
  await world.within(groups[1]!.records.update(first!.id, "changed"));
  await machines[3]!.start();
  const [group] = machines[3]!.peer.groups.list();
  assert.equal(group?.name, "Team");
  assert.deepEqual(await values(group!), ["before"], "what it had is there at once");
  await world.until("caught up", () => group!.status().state === "synchronised" && recordsOf(group!) === 2);
  assert.deepEqual(await values(group!), ["changed", "meanwhile"]);
  await world.within(group!.records.add("note", "back"));
  await world.until("heard", () => recordsOf(groups[0]!) === 3);
});

Deno.test("all peers restart at once and meet again without being told", async () => {
  await using world = new PeerWorld(3);
  const { machines } = await groupOf(world, 3);
  for (const machine of machines) await machine.stop();
  for (const machine of machines) await machine.start();
  const groups = machines.map(({ peer }) => peer.groups.list()[0]!);
  await world.until("a full mesh", () => groups.every((group) => group.status().neighbors === 2), 120_000);
});

Deno.test("a full disk refuses writes by name, keeps what is there, and goes on when there is room", async () => {
  await using world = new PeerWorld(4);
  const { machines: [alice, bob], groups: [ours, theirs] } = await groupOf(world, 2);
  const kept = await world.within(ours!.records.add("note", "kept"));
  alice!.store.failAlways("store_full");
  await world.fails(ours!.records.add("note", "refused"), "store_full");
  await world.fails(ours!.records.update(kept.id, "refused"), "store_full");
  await world.fails(ours!.records.delete(kept.id), "store_full");
  await world.fails(ours!.invite(), "store_full");
  await world.fails(alice!.peer.graphs.create(), "store_full");
  await world.fails(alice!.peer.groups.create("More"), "store_full");
  assert.deepEqual(await values(ours!), ["kept"]);
  assert.match(
    alice!.peer.status().problems.join(),
    /The store took nothing when it was asked last: Cannot write/,
  );
  await world.within(theirs!.records.add("note", "from elsewhere"));
  await world.until("shown though not stored", () => recordsOf(ours!) === 2);
  alice!.store.failAlways(null);
  await world.within(ours!.records.add("note", "room again"));
  await world.clock.run(60_000);
  assert.deepEqual(alice!.peer.status().problems, []);
  await bob!.stop();
  await alice!.stop();
  await alice!.start();
  assert.deepEqual(await values(alice!.peer.groups.list()[0]!), ["from elsewhere", "kept", "room again"]);
});

Deno.test("[R26] a crash at any commit leaves a store that opens, and peers that agree", async () => {
  for (const when of ["before", "after"] as const) {
    for (let later = 1; later <= 4; later++) {
      await using world = new PeerWorld(later);
      const { machines: [alice, bob], groups: [ours, theirs] } = await groupOf(world, 2);
      const events = collect(ours!.events());
      bob!.store.crashAt(bob!.store.committed + later, when);
      await world.within(ours!.records.add("note", "ours"));
      for (let i = 0; !bob!.store.crashed; i++) {
        void Promise.allSettled([theirs!.records.add("note", `n${i}`)]); // what is cut off never settles
        await world.clock.run(3);
        assert.ok(i < 20, "a commit for each");
      }
      await world.clock.run(1_000);
      bob!.crash();
      await world.clock.run(5_000);
      await bob!.start();
      const group = bob!.peer.groups.list()[0]!;
      await world.within(group.records.add("note", "after"));
      await world.until(
        "one state",
        () => recordsOf(group) === recordsOf(ours!) && group.status().state === "synchronised",
        120_000,
      );
      const state = (await values(ours!)).join();
      assert.equal((await values(group)).join(), state);
      assert.match(state, /after,.*ours/);
      assert.deepEqual(events.filter(({ kind }) => kind === "fork"), []);
      assert.deepEqual(alice!.peer.status().problems, []);
    }
  }
});

Deno.test("a member that was removed while it was away is told so, and cannot act", async () => {
  await using world = new PeerWorld(5);
  const { machines: [alice, bob], groups: [ours, theirs, others] } = await groupOf(world, 3);
  await world.within(theirs!.records.add("note", "before"));
  await world.until("everywhere", () => recordsOf(others!) === 1);
  const events = collect(others!.events());
  await bob!.stop();
  await world.within(ours!.members.remove(bob!.peerId));
  await world.until("removed at the others", () => others!.members.get(bob!.peerId) === null);
  assert.deepEqual(
    events.filter(({ kind }) => kind === "memberRemoved").map((event) =>
      "member" in event && event.member.peer
    ),
    [bob!.peerId],
  );
  await bob!.start();
  const group = bob!.peer.groups.list()[0]!;
  // What it writes before it hears of it is its own affair.
  await world.within(group.records.add("note", "unaware"));
  await world.until("told", () => group.status().state === "removed", 120_000);
  assert.match(group.status().explanation, /removed or has left/);
  await world.fails(group.records.add("note", "after"), "not_a_member");
  await world.fails(group.invite(), "removed");
  await world.fails(group.leave(), "removed");
  await world.fails(group.members.remove(alice!.peer.id), "removed");
  const invitation = await world.within(ours!.invite());
  await world.fails(bob!.peer.groups.join(invitation), "removed");
  await world.clock.run(300_000);
  assert.deepEqual(await values(ours!), ["before"]);
  assert.deepEqual(await values(others!), ["before"]);
  assert.deepEqual(group.nodes(), []);
  assert.equal(others!.nodes().length, 1);
});

Deno.test("who leaves says so: others hear it, what it wrote stays, and it may not come back as itself", async () => {
  await using world = new PeerWorld(6);
  const { machines: [, bob], groups: [ours, theirs] } = await groupOf(world, 2);
  await world.within(theirs!.records.add("note", "stays"));
  await world.until("there", () => recordsOf(ours!) === 1);
  const events = collect(ours!.events());
  const own = collect(theirs!.events());
  await world.within(theirs!.leave());
  await world.until("heard", () => ours!.members.get(bob!.peer.id) === null);
  await world.clock.settle();
  assert.deepEqual(events.filter(isOfMembers).map(memberText), [`memberRemoved ${bob!.peer.id}`]);
  assert.deepEqual(own.filter(isOfMembers).map(memberText), [`memberRemoved ${bob!.peer.id}`]);
  assert.equal(theirs!.status().state, "removed");
  assert.deepEqual(await values(ours!), ["stays"]);
  assert.deepEqual(await values(theirs!), ["stays"]);
  await world.fails(theirs!.records.add("note", "no more"), "not_a_member");
  await world.fails(bob!.peer.groups.join(await world.within(ours!.invite())), "removed");
  await world.fails(ours!.members.remove(bob!.peer.id), "not_a_member");
});

Deno.test("[G15] who closes cleanly is gone at its neighbors at once", async () => {
  await using world = new PeerWorld(7);
  const { machines: [alice, bob], groups: [ours] } = await groupOf(world, 2);
  const events = collect(ours!.events());
  const before = world.clock.now().monoMs;
  const id = bob!.peer.id;
  await bob!.stop();
  await world.until("gone", () => ours!.nodes().length === 0, 1_000);
  await world.clock.settle();
  assert.deepEqual(events.filter(({ kind }) => kind === "neighborDown"), [{
    kind: "neighborDown",
    peer: id,
  }]);
  assert.ok(world.clock.now().monoMs - before < 1_000);
  assert.equal(ours!.status().state, "alone");
  assert.match(ours!.status().explanation, /1 known peer is tried again and again/);
  assert.equal(ours!.members.get(id)?.connected, false);
  assert.equal(alice!.peer.status().links, 0);
});

Deno.test("[G15] a graph that closes is gone at its neighbors, and the link serves the others", async () => {
  await using world = new PeerWorld(8);
  const alice = await world.open();
  const bob = await world.open();
  const graphs: [Graph, Graph][] = [];
  for (let i = 0; i < 2; i++) {
    const ours = await world.within(alice.peer.graphs.create());
    graphs.push([ours, await world.within(bob.peer.graphs.open(ours.id, { endpoints: [alice.endpoint] }))]);
  }
  await world.within(graphs[0]![1].close());
  await world.until("gone", () => graphs[0]![0].nodes().length === 0, 1_000);
  assert.equal(graphs[1]![0].nodes().length, 1);
  assert.equal(alice.peer.status().links, 1);
  await world.clock.run(60_000);
  assert.equal(graphs[0]![0].nodes().length, 0);
});

Deno.test("[X02] after close() everything fails as closed, and what only looks still answers", async () => {
  await using world = new PeerWorld(9);
  const { machines: [alice, bob], groups: [ours] } = await groupOf(world, 2);
  const graph = await world.within(alice!.peer.graphs.create());
  const invitation = await world.within(ours!.invite());
  const note = await world.within(ours!.records.add("note", "kept"));
  const { peer } = alice!;
  await alice!.stop();
  const calls: (() => Promise<unknown>)[] = [
    () => peer.graphs.create(),
    () => peer.graphs.open(graph.id),
    () => peer.groups.create("Late"),
    () => peer.groups.join(invitation),
    () => peer.identities.create("late"),
    () => peer.identities.setDefault("default"),
    () => peer.names.register("0.late"),
    () => peer.names.resolve("0.late"),
    () => peer.names.bootstrap([bob!.endpoint]),
    () => ours!.records.add("note", "late"),
    () => ours!.records.update(note.id, "late"),
    () => ours!.records.delete(note.id),
    () => ours!.records.extend(note.id, note.expires),
    () => ours!.invite(),
    () => ours!.leave(),
    () => ours!.members.remove(bob!.peer.id),
    () => ours!.connect(bob!.endpoint),
    () => graph.connect(bob!.endpoint),
  ];
  for (const call of calls) await world.fails(call(), "closed", /./, 0).catch((error) => named(error, call));
  assert.deepEqual(await collectAll(ours!.events()), []);
  assert.deepEqual(await collectAll(ours!.records.watch()), []);
  assert.equal((await ours!.records.get(note.id))?.value, "kept");
  assert.equal(ours!.status().state, "closed");
  assert.deepEqual([peer.graphs.list(), peer.groups.list(), ours!.nodes()], [[], [], []]);
  assert.equal(peer.status().links, 0);
  assert.equal(peer.identities.current.name, "default");
});

Deno.test("[X03] closing twice, and at once, is one closing; open handles end with it", async () => {
  await using world = new PeerWorld(10);
  const { machines: [alice], groups: [ours] } = await groupOf(world, 2);
  const { peer } = alice!;
  const closings = [ours!.close(), ours!.close(), peer.close(), peer.close(), ours![Symbol.asyncDispose]()];
  await world.within(Promise.all(closings));
  await world.within(Promise.all([ours!.close(), peer.close(), peer[Symbol.asyncDispose]()]));
});

Deno.test("[X03] closing a graph lets writes under way finish, and neighbors have them", async () => {
  await using world = new PeerWorld(11);
  const { machines: [alice], groups: [ours, theirs] } = await groupOf(world, 2);
  alice!.store.delay(50);
  const writing = ours!.records.add("note", "last words");
  const inviting = ours!.invite();
  const closing = alice!.peer.close();
  await world.fails(ours!.records.add("note", "too late"), "closed", /./, 0);
  assert.equal((await world.within(writing)).value, "last words");
  assert.match(await world.within(inviting), /^kith1/);
  await world.within(closing);
  await world.until("heard", () => recordsOf(theirs!) === 1);
});

Deno.test("[X03] close() settles whatever waits: joins, connects, resolves, readers", async () => {
  await using world = new PeerWorld(12);
  const alice = await world.open();
  const bob = await world.open();
  const group = await world.within(alice.peer.groups.create("Team"));
  const invitation = await world.within(group.invite());
  const graph = await world.within(bob.peer.graphs.create());
  world.network.cut(alice.host, bob.host);
  const waits = [
    bob.peer.groups.join(invitation),
    bob.peer.graphs.open("a".repeat(52), { endpoints: [alice.endpoint] }),
    graph.connect(alice.endpoint),
  ];
  const ended = waits.map((wait) => wait.then(() => "done", ({ code }) => code));
  const readers = [collectAll(graph.events()), collectAll(graph.records.watch())];
  await world.clock.run(100);
  const before = world.clock.now().monoMs;
  await world.within(bob.peer.close());
  assert.deepEqual(await world.within(Promise.all(ended), 0), ["closed", "closed", "closed"]);
  await world.within(Promise.all(readers), 0);
  assert.ok(world.clock.now().monoMs - before < 2_000, "no wait runs to its own end");
});

Deno.test("[X03] what is being created while the peer closes is closed with it, or refused", async () => {
  await using world = new PeerWorld(13);
  const alice = await world.open();
  alice.store.delay(20);
  alice.keyWriteMs = 30;
  const { peer } = alice;
  const creating = [peer.graphs.create(), peer.groups.create("Late"), peer.identities.create("late")];
  const settled = Promise.allSettled(creating);
  await world.within(peer.close());
  for (const each of await settled) {
    if (each.status === "rejected") assert.equal(each.reason.code, "closed");
  }
  assert.deepEqual([peer.graphs.list(), peer.groups.list()], [[], []]);
});

Deno.test("[X03] what waits for a store that hangs is told at once that the peer closes", async () => {
  await using world = new PeerWorld(30);
  const alice = await world.open();
  alice.store.hold();
  const creating = [alice.peer.graphs.create(), alice.peer.groups.create("Team")];
  const codes = creating.map((each) => each.then(() => "done", ({ code }) => code));
  await world.clock.run(100);
  const closing = alice.peer.close();
  assert.deepEqual(await world.within(Promise.all(codes), 0), ["closed", "closed"]);
  alice.store.release();
  await world.within(closing);
});

Deno.test("[X03] closing a graph ends its connecting, and nothing else of the peer", async () => {
  await using world = new PeerWorld(31);
  const alice = await world.open();
  const bob = await world.open();
  const [graph, other] = [await alice.peer.graphs.create(), await alice.peer.graphs.create()];
  world.network.cut(alice.host, bob.host);
  const connecting = graph.connect(bob.endpoint).then(() => "done", ({ code }) => code);
  await world.clock.run(100);
  await world.within(graph.close(), 0);
  assert.equal(await world.within(connecting, 0), "closed");
  await world.within(other.records.add("note", 1));
});

Deno.test("[X10] calls in the wrong order get an answer that explains, never a hang", async () => {
  await using world = new PeerWorld(14);
  const { machines: [alice, bob], groups: [ours, theirs] } = await groupOf(world, 2);
  const graph = await world.within(alice!.peer.graphs.create());
  const invitation = await world.within(ours!.invite());
  await world.fails(alice!.peer.graphs.open(graph.id), "already_open", /use list\(\)/);
  await world.fails(alice!.peer.graphs.open(ours!.id), "already_open", /as a graph or a group/);
  await world.fails(alice!.peer.graphs.open("nonsense"), "graph_not_found", /52 characters/);
  await world.fails(alice!.peer.graphs.open(graph.id, { endpoints: ["nowhere"] }), "invalid_address");
  await world.fails(graph.connect("localhost:4000"), "invalid_address", /write it like 127.0.0.1:4000/);
  await world.fails(graph.connect(bob!.endpoint, { peer: "nobody" }), "invalid_peer_id", /56 characters/);
  await world.fails(graph.connect(bob!.endpoint), "link_refused", /does not hold this graph; open it there/);
  await world.fails(graph.connect(alice!.endpoint), "connect_self");
  await world.fails(graph.connect("10.0.0.99:1"), "connect_failed");
  await world.fails(graph.records.update("0".repeat(32), "x"), "record_not_found");
  await world.fails(graph.records.delete("no id"), "record_not_found");
  await world.fails(graph.records.extend("", new Date(day)), "record_not_found");
  await world.fails(alice!.peer.groups.join("kith1"), "invalid_invitation", /copy the whole line/);
  await world.fails(alice!.peer.groups.join(invitation.slice(0, -1)), "invalid_invitation");
  assert.equal(await bob!.peer.groups.join(invitation), theirs, "who is a member is let in without ado");
  await world.fails(theirs!.members.remove("nobody"), "not_authorized");
  await world.fails(ours!.members.remove("nobody"), "invalid_peer_id");
  await world.fails(ours!.members.remove(idOf(alice!)), "not_authorized", /rank/);
  await world.fails(alice!.peer.identities.create("default"), "identity_exists");
  await world.fails(alice!.peer.identities.setDefault("nobody"), "identity_not_found");
  assert.throws(() => alice!.peer.identities.verify(new Uint8Array(), "a", "nobody"), {
    code: "invalid_peer_id",
  });
  assert.throws(() => ours!.members.get("nobody"), { code: "invalid_peer_id" });
  assert.equal(alice!.peer.groups.get("nonsense"), null);
  assert.equal(await graph.records.get("nonsense"), null);
});

Deno.test("[X10] misuse is a RangeError or TypeError, told before anything is done", async () => {
  await using world = new PeerWorld(15);
  const { groups: [ours] } = await groupOf(world, 1);
  const { records, members } = ours!;
  const note = await world.within(records.add("note", 1));
  const misuses: (() => Promise<unknown>)[] = [
    () => records.add("note", 1, { lifeMs: 5, expires: new Date(day) }),
    () => records.add("note", 1, { lifeMs: -1 }),
    () => records.add("note", 1, { lifeMs: 1.5 }),
    () => records.add("note", 1, { expires: new Date(NaN) }),
    () => records.extend(note.id, new Date(NaN)),
    () => ours!.invite({ uses: 0 }),
    () => ours!.invite({ lifeMs: Infinity }),
    () => ours!.connect("10.0.0.1:1", { timeoutMs: NaN }),
    () => ours!.connect("10.0.0.1:1", { timeoutMs: -1 }),
    () => members.remove("nobody", { undoSince: new Date(NaN) }),
  ];
  for (const misuse of misuses.slice(0, -1)) {
    await assert.rejects(
      world.within(misuse(), 0),
      (error) => error instanceof RangeError || error instanceof TypeError,
    );
  }
  assert.equal(recordsOf(ours!), 1);
});

Deno.test("[X10] a graph of the store opens with the peer, and open() gives it the first time it is asked", async () => {
  await using world = new PeerWorld(16);
  const alice = await world.open();
  const bob = await world.open();
  const graph = await world.within(alice.peer.graphs.create());
  await world.within(bob.peer.graphs.open(graph.id, { endpoints: [alice.endpoint] }));
  for (let runs = 0; runs < 2; runs++) {
    await bob.stop();
    await bob.start();
    const again = await world.within(bob.peer.graphs.open(graph.id, { endpoints: [alice.endpoint] }));
    assert.equal(again, bob.peer.graphs.list()[0]);
    await world.fails(bob.peer.graphs.open(graph.id), "already_open");
  }
});

Deno.test("[X10] a graph whose opening failed is not kept, and may be opened again", async () => {
  await using world = new PeerWorld(17);
  const alice = await world.open();
  const bob = await world.open();
  const graph = await world.within(alice.peer.graphs.create());
  await world.fails(bob.peer.graphs.open(graph.id, { endpoints: ["10.0.0.9:4000"] }), "connect_failed");
  await world.fails(bob.peer.graphs.open("a".repeat(52), { endpoints: [alice.endpoint] }), "link_refused");
  assert.deepEqual(bob.peer.graphs.list(), []);
  await bob.stop();
  await bob.start();
  assert.deepEqual(bob.peer.graphs.list(), []);
  const endpoints = ["10.0.0.9:4000", alice.endpoint];
  await world.within(bob.peer.graphs.open(graph.id, { endpoints }));
});

Deno.test("[X11] every wait ends by itself, and at once by the caller's signal", async () => {
  await using world = new PeerWorld(18);
  const alice = await world.open();
  const bob = await world.open();
  const group = await world.within(alice.peer.groups.create("Team"));
  const other = await world.within(alice.peer.groups.create("Others"));
  const note = await world.within(group.records.add("note", 1));
  const invitation = await world.within(group.invite());
  const graph = await world.within(bob.peer.graphs.create());
  const own = await world.within(bob.peer.groups.create("Own"));
  const theirs = await world.within(bob.peer.groups.join(await world.within(other.invite())));
  await world.until("met", () => theirs.nodes().length === 1 && other.nodes().length === 1);
  world.network.cut(alice.host, bob.host);
  alice.store.hold();
  bob.store.hold();
  type Options = { signal?: AbortSignal };
  // Whichever is first: the wait's own end, or that of the store's patience with the disk.
  const lateCodes = ["timeout", "store_failed"] as const;
  const expires = new Date(note.expires.getTime() + 1);
  const waits: [string, ErrorCode | typeof lateCodes, (options: Options) => Promise<unknown>][] = [
    ["add", lateCodes, (options) => group.records.add("note", 2, options)],
    ["update", lateCodes, (options) => group.records.update(note.id, 2, options)],
    ["extend", lateCodes, (options) => group.records.extend(note.id, expires, options)],
    ["delete", lateCodes, (options) => group.records.delete(note.id, options)],
    ["invite", lateCodes, (options) => group.invite(options)],
    ["remove", lateCodes, (options) => other.members.remove(idOf(bob), options)],
    ["leave", lateCodes, (options) => theirs.leave(options)],
    ["create a graph", lateCodes, (options) => alice.peer.graphs.create(options)],
    ["create a group", lateCodes, (options) => alice.peer.groups.create("More", options)],
    ["open a graph", lateCodes, (options) => alice.peer.graphs.open(graph.id, options)],
    ["open and connect", "timeout", (options) => {
      return bob.peer.graphs.open("a".repeat(52), { endpoints: [alice.endpoint], ...options });
    }],
    ["connect", "timeout", (options) => graph.connect("10.0.0.1:4001", options)],
    ["join", "no_members_reachable", (options) => bob.peer.groups.join(invitation, options)],
  ];
  const names = ["resolve", (options: Options) => bob.peer.names.resolve("0.nobody", options)] as const;
  for (const [what, , call] of waits) {
    const early = call({ signal: AbortSignal.abort() });
    await world.fails(early, "aborted", /./, 0).catch((error) => named(error, what));
    const controller = new AbortController();
    const wait = call({ signal: controller.signal });
    const late = world.fails(wait, "aborted", /./, 0);
    controller.abort();
    await late.catch((error) => named(error, what));
  }
  assert.equal(own.status().records, 0);
  await world.fails(names[1]({ signal: AbortSignal.abort() }), "aborted", /./, 0);
  const before = world.clock.now().monoMs;
  // Of one graph only one attempt at a time: what is still parting from the signals above ends first.
  await world.clock.run(1_000);
  await Promise.all(
    waits.map(([what, code, call]) =>
      world.fails(call({}), code, /./, 70_000).catch((error) => named(error, what))
    ),
  );
  assert.ok(world.clock.now().monoMs - before < 70_000);
  alice.store.release();
  bob.store.release();
});

Deno.test("[X11] a store that never answers costs two timers, however many writes wait", async () => {
  await using world = new PeerWorld(19);
  const alice = await world.open({ listen: false });
  const graph = await world.within(alice.peer.graphs.create());
  const before = world.clock.timerCount;
  alice.store.hold();
  const writes = Array.from({ length: 100 }, (_, i) => graph.records.add("note", i));
  await world.clock.run(10);
  assert.ok(world.clock.timerCount <= before + 2, "one of the callers', one of the store's own");
  alice.store.release();
  await world.within(Promise.all(writes));
});

Deno.test("[R01] the peer sets id, times, version and author; the type and a future expiry are asked for", async () => {
  await using world = new PeerWorld(20);
  const alice = await world.open({ listen: false });
  const { records } = await world.within(alice.peer.graphs.create());
  const now = world.clock.now().wallMs;
  const { id, ...rest } = await world.within(records.add("note", "x", { attributes: { place: "pond" } }));
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.deepEqual(rest, {
    type: "note",
    value: "x",
    attributes: { place: "pond" },
    creator: alice.peer.id,
    author: alice.peer.id,
    version: 1,
    created: new Date(now),
    modified: new Date(now),
    expires: new Date(now + 30 * day),
    until: new Date(now + 60 * day),
  });
  await world.fails(records.add("", "x"), "invalid_record", /type must be 1 to 128 bytes/);
  await world.fails(records.add("x".repeat(129), "x"), "invalid_record");
  await world.fails(
    records.add("note", "x", { expires: new Date(now) }),
    "invalid_record",
    /expired already/,
  );
  await world.fails(records.add("note", "x", { until: new Date(now + 1) }), "invalid_record", /'until'/);
  await world.fails(
    records.add("note", "x", { until: new Date(now + 1_000 * day) }),
    "invalid_record",
    /span/,
  );
  assert.equal((await records.list()).length, 1);
});

Deno.test("[R21] types that begin with kith. are refused", async () => {
  await using world = new PeerWorld(21);
  const alice = await world.open({ listen: false });
  const { records } = await world.within(alice.peer.graphs.create());
  await world.fails(records.add("kith.note", 1), "invalid_record", /not begin with "kith\."/);
  await world.fails(records.add("note", 1, { attributes: { "kith.x": 1 } }), "invalid_record", /not begin/);
  await world.within(records.add("kithnote", 1));
});

Deno.test("[R03] an update is the next version by the same creator, and the expiry never moves nearer", async () => {
  await using world = new PeerWorld(22);
  const alice = await world.open({ listen: false });
  const { records } = await world.within(alice.peer.graphs.create());
  const first = await world.within(records.add("note", 1, { attributes: { a: 1 }, lifeMs: day }));
  await world.clock.run(1_000);
  const second = await world.within(records.update(first.id, 2));
  assert.deepEqual(second, {
    ...first,
    value: 2,
    version: 2,
    modified: new Date(first.created.getTime() + 1_000),
  });
  const nearer = new Date(first.expires.getTime() - 1);
  await world.fails(records.update(first.id, 3, { expires: nearer }), "invalid_record", /only forward/);
  await world.fails(records.extend(first.id, nearer), "invalid_record", /only forward/);
  const beyond = new Date(first.until.getTime() + 1);
  await world.fails(records.update(first.id, 3, { expires: beyond }), "invalid_record", /up to its 'until'/);
  const extended = await world.within(records.extend(first.id, new Date(first.expires.getTime() + 5)));
  assert.deepEqual([extended.version, extended.expires.getTime()], [2, first.expires.getTime() + 5]);
  const third = await world.within(records.update(first.id, 3, { attributes: {} }));
  assert.deepEqual([third.version, third.attributes, third.expires], [3, {}, extended.expires]);
});

Deno.test("[R10] what runs out is gone everywhere at its time, with an event", async () => {
  await using world = new PeerWorld(23);
  const { groups } = await groupOf(world, 3);
  const events = groups.map((group) => collect(group.records.watch()));
  const short = await world.within(groups[0]!.records.add("note", "short", { lifeMs: 60_000 }));
  await world.within(groups[0]!.records.add("note", "long"));
  await world.until("everywhere", () => groups.every((group) => recordsOf(group) === 2));
  await world.clock.run(short.expires.getTime() - world.clock.now().wallMs - 1);
  for (const group of groups) assert.deepEqual(await values(group), ["long", "short"]);
  await world.clock.run(2);
  for (const [i, group] of groups.entries()) {
    assert.deepEqual(await values(group), ["long"]);
    assert.equal(await group.records.get(short.id), null);
    const expired = events[i]!.filter(({ kind }) => kind === "expired");
    assert.deepEqual(expired.map(({ record }) => record.value), ["short"]);
  }
  await world.fails(groups[0]!.records.update(short.id, "late"), "record_not_found", /expired/);
});

Deno.test("[R06] records are listed by type, creator or both, oldest first, as a snapshot", async () => {
  await using world = new PeerWorld(24);
  const { machines: [alice, bob], groups: [ours, theirs] } = await groupOf(world, 2);
  for (
    const [group, type, value] of [[ours, "a", 1], [theirs, "a", 2], [theirs, "b", 3], [
      ours,
      "b",
      4,
    ]] as const
  ) {
    await world.within(group!.records.add(type, value));
    await world.clock.run(1_000);
  }
  const found = async (options?: { type?: string; creator?: string }): Promise<unknown[]> =>
    (await ours!.records.list(options)).map(({ value }) => value);
  assert.deepEqual(await found(), [1, 2, 3, 4]);
  assert.deepEqual(await found({ type: "a" }), [1, 2]);
  assert.deepEqual(await found({ creator: bob!.peer.id }), [2, 3]);
  assert.deepEqual(await found({ type: "b", creator: alice!.peer.id }), [4]);
  assert.deepEqual(await found({ type: "c" }), []);
  assert.throws(() => ours!.records.list({ creator: "nobody" }), { code: "invalid_peer_id" });
  const snapshot = await ours!.records.list();
  await world.within(ours!.records.delete(snapshot[0]!.id));
  assert.equal(snapshot.length, 4);
  assert.deepEqual(await found(), [2, 3, 4]);
});

Deno.test("[R22] watch() tells each record once, whether it was there or came before the first was read", async () => {
  await using world = new PeerWorld(25);
  const alice = await world.open({ listen: false });
  const { records } = await world.within(alice.peer.graphs.create());
  await world.within(records.add("note", "there"));
  const watching = records.watch("note");
  await world.within(records.add("note", "between"));
  const seen = collect(watching);
  await world.clock.settle();
  await world.within(records.add("note", "later"));
  await world.clock.settle();
  assert.deepEqual(seen.map(({ kind, record }) => [kind, record.value]).sort(), [
    ["added", "between"],
    ["added", "later"],
    ["added", "there"],
  ]);
  for (let i = 0; i < 2_000; i++) records.watch(); // never read: costs nothing and fills nothing
  const controller = new AbortController();
  const ended = collectAll(records.watch(undefined, { signal: controller.signal }));
  await world.clock.settle();
  controller.abort();
  assert.equal((await ended).length, 3);
  assert.deepEqual(await collectAll(records.watch(undefined, { signal: AbortSignal.abort() })), []);
});

Deno.test("[S17] members are listed at every node, self first, with roles and presence", async () => {
  await using world = new PeerWorld(26);
  const alice = await world.open();
  const group = await world.within(alice.peer.groups.create("Team"));
  const events = collect(group.events());
  const admin = await world.open();
  const theirs = await world.within(
    admin.peer.groups.join(await world.within(group.invite({ role: "admin" }))),
  );
  const member = await world.open();
  await world.within(member.peer.groups.join(await world.within(theirs.invite())));
  await world.until("known", () => group.members.list().length === 3 && group.nodes().length === 2);
  const list = group.members.list();
  assert.deepEqual(list[0], { peer: alice.peer.id, roles: ["creator"], self: true, connected: false });
  const expected = [
    { peer: admin.peer.id, roles: ["admin"], self: false, connected: true },
    { peer: member.peer.id, roles: ["member"], self: false, connected: true },
  ].sort((a, b) => a.peer < b.peer ? -1 : 1);
  assert.deepEqual(list.slice(1), expected);
  await world.clock.settle();
  assert.deepEqual(events.filter(isOfMembers).map(memberText), [
    `memberJoined ${admin.peer.id}`,
    `memberJoined ${member.peer.id}`,
  ]);
  assert.deepEqual(theirs.members.list().map(({ self }) => self), [true, false, false]);
});

Deno.test("a clock that is wrong is named in words, and nothing is written until it is right", async () => {
  await using world = new PeerWorld(27);
  const { groups } = await groupOf(world, 4);
  const invitation = await world.within(groups[0]!.invite());
  const late = await world.open({}, 3_600_000);
  const group = await world.within(late.peer.groups.join(invitation));
  await world.until("three neighbors", () => group.nodes().length >= 3);
  await world.fails(group.records.add("note", 1), "clock_wrong", /set it/);
  assert.match(late.peer.status().problems.join(), /clock differs from its neighbors'.*set it/);
  assert.match(group.status().explanation, /clock differs/);
  await world.within(group.close());
  assert.deepEqual(late.peer.status().problems, [], "no neighbor says so any more");
});

Deno.test("bootstraps and addresses that are none are refused before anything is opened", async () => {
  await using world = new PeerWorld(28);
  await world.fails(world.open({ bootstraps: ["nowhere"] }), "invalid_address");
  await world.fails(world.open({ listen: "nowhere" }), "invalid_address", /write it like/);
  await world.fails(world.open({ identity: "nobody" }), "identity_not_found");
  const machine = await world.open({ listen: false, bootstraps: ["10.0.0.1:4000"] });
  assert.match(machine.peer.status().problems.join(), /bootstraps are of no use/);
});

Deno.test("an invitation that leads nowhere says what was tried, and what to do", async () => {
  await using world = new PeerWorld(29);
  const alice = await world.open({ listen: false });
  const bob = await world.open();
  const group = await world.within(alice.peer.groups.create("Team"));
  const invitation = await world.within(group.invite());
  await world.fails(bob.peer.groups.join(invitation), "no_members_reachable", /no endpoint.*'endpoints'/, 0);
  const endpoints = ["10.0.0.77:4000"];
  await world.fails(
    bob.peer.groups.join(invitation, { endpoints }),
    "no_members_reachable",
    /tried 10\.0\.0\.77:4000: .*See that one is on line/,
  );
});

/** A group of so many peers, each on a machine of its own, all linked and caught up. */
async function groupOf(world: PeerWorld, count: number): Promise<{ machines: Machine[]; groups: Group[] }> {
  const machines: Machine[] = [await world.open()];
  const groups: Group[] = [await world.within(machines[0]!.peer.groups.create("Team"))];
  const invitation = count > 1 ? await world.within(groups[0]!.invite({ uses: count - 1 })) : "";
  while (machines.length < count) {
    const machine = await world.open();
    machines.push(machine);
    groups.push(await world.within(machine.peer.groups.join(invitation)));
  }
  await world.until(
    "a full mesh",
    () =>
      groups.every((group) =>
        group.status().neighbors === count - 1 && group.members.list().length === count &&
        group.nodes().every(({ synchronised }) => synchronised)
      ),
  );
  return { machines, groups };
}

function recordsOf(group: Graph): number {
  return group.status().records;
}

async function values(graph: Graph): Promise<JsonValue[]> {
  return (await graph.records.list()).map(({ value }) => value as JsonValue).sort();
}

/** What a stream gives, from now on, in a list that grows. */
function collect<T>(stream: AsyncIterable<T>): T[] {
  const taken: T[] = [];
  void (async () => {
    for await (const each of stream) taken.push(each);
  })();
  return taken;
}

async function collectAll(stream: AsyncIterable<GraphEvent | RecordEvent>): Promise<unknown[]> {
  return await Array.fromAsync(stream);
}

function isOfMembers(event: GraphEvent): boolean {
  return event.kind === "memberJoined" || event.kind === "memberChanged" || event.kind === "memberRemoved";
}

function memberText(event: GraphEvent): string {
  return "member" in event ? `${event.kind} ${event.member.peer}` : event.kind;
}

function idOf(machine: Machine): string {
  return machine.peer.id;
}

function named(error: unknown, what: unknown): never {
  throw new Error(`${String(what)}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}
