/** Whole peers in a virtual world: what users see across restarts, crashes, full disks, removal and parting. */

import assert from "node:assert/strict";
import type { ErrorCode } from "../../lib/base/errors.ts";
import type { Graph, GraphEvent, RecordEvent } from "../../lib/peer/surface.ts";
import type { JsonValue } from "../../lib/peer/surface.ts";
import { DiskWorld } from "./disk_world.ts";
import { isFailure, PeerSimulation } from "./peer_simulation.ts";

const day = 24 * 60 * 60 * 1_000;

Deno.test("[R02] five peers share a group: each sees every record, once as an event", async () => {
  await using sim = new PeerSimulation({ seed: 1 });
  const { peers, groups } = await sim.group(5);
  const events = groups.map((group) => collect(group.records.watch("note")));
  for (const [i, group] of groups.entries()) await sim.run(group.records.add("note", `of ${i}`));
  await sim.until("all records everywhere", () => groups.every((group) => recordsOf(group) === 5));
  await sim.run(120_000);
  const all = ["of 0", "of 1", "of 2", "of 3", "of 4"];
  for (const seen of events) {
    assert.deepEqual(
      seen.map(({ kind, record }) => [kind, record.value]).sort(),
      all.map((each) => ["added", each]),
    );
  }
  assert.deepEqual(peers.map(({ peer }) => peer.status().problems), [[], [], [], [], []]);
  for (const group of groups) {
    assert.deepEqual(await values(group), all);
    assert.equal(group.status().neighbors, 4, "five peers are a full mesh");
    assert.equal(group.status().explanation, "All is well.");
  }
});

Deno.test("[R19] a peer that restarts finds its neighbors again and gets what it missed", async () => {
  await using sim = new PeerSimulation({ seed: 2 });
  const { peers, groups } = await sim.group(4);
  await sim.run(groups[1].records.add("note", "before"));
  await sim.until("everywhere", () => groups.every((group) => recordsOf(group) === 1));
  await sim.run(peers[3].close());
  const [first] = await groups[0].records.list();
  await sim.run(groups[0].records.add("note", "meanwhile"));
  await sim.run(groups[1].records.update(first!.id, "changed"));
  await sim.restart(peers[3]);
  const [group] = peers[3].peer.groups.list();
  assert.equal(group?.name, "Team");
  assert.deepEqual(await values(group), ["before"], "what it had is there at once");
  await sim.until("caught up", () => group.status().state === "synchronised" && recordsOf(group) === 2);
  assert.deepEqual(await values(group), ["changed", "meanwhile"]);
  await sim.run(group.records.add("note", "back"));
  await sim.until("heard", () => recordsOf(groups[0]!) === 3);
});

Deno.test("all peers restart at once and meet again without being told", async () => {
  await using sim = new PeerSimulation({ seed: 3 });
  const { peers } = await sim.group(3);
  for (const peer of peers) await sim.run(peer.close());
  for (const peer of peers) await sim.restart(peer);
  const groups = peers.map(({ peer }) => peer.groups.list()[0]!);
  await sim.until("a full mesh", () => groups.every((group) => group.status().neighbors === 2), 120_000);
});

Deno.test("a full disk refuses writes by name, keeps what is there, and goes on when there is room", async () => {
  await using sim = new PeerSimulation({ seed: 4 });
  const { peers: [alice, bob], groups: [ours, theirs] } = await sim.group(2);
  const kept = await sim.run(ours.records.add("note", "kept"));
  alice.store.failAlways("store_full");
  await sim.fails(ours.records.add("note", "refused"), "store_full");
  await sim.fails(ours.records.update(kept.id, "refused"), "store_full");
  await sim.fails(ours.records.delete(kept.id), "store_full");
  await sim.fails(ours.invite(), "store_full");
  await sim.fails(alice.peer.graphs.create(), "store_full");
  await sim.fails(alice.peer.groups.create("More"), "store_full");
  assert.deepEqual(await values(ours), ["kept"]);
  assert.match(
    alice.peer.status().problems.join(),
    /The store took nothing when it was asked last: Cannot write/,
  );
  await sim.run(theirs.records.add("note", "from elsewhere"));
  await sim.until("shown though not stored", () => recordsOf(ours) === 2);
  alice.store.failAlways(null);
  await sim.run(ours.records.add("note", "room again"));
  await sim.run(60_000);
  assert.deepEqual(alice.peer.status().problems, []);
  await sim.run(bob.close());
  await sim.run(alice.close());
  await sim.restart(alice);
  assert.deepEqual(await values(alice.peer.groups.list()[0]!), ["from elsewhere", "kept", "room again"]);
});

Deno.test("[R26] a crash at any commit leaves a store that opens, and peers that agree", async () => {
  for (const when of ["before", "after"] as const) {
    for (let later = 1; later <= 4; later++) {
      await using sim = new PeerSimulation({ seed: later });
      const { peers: [alice, bob], groups: [ours, theirs] } = await sim.group(2);
      const events = collect(ours.events());
      bob.store.crashAt(bob.store.committed + later, when);
      await sim.run(ours.records.add("note", "ours"));
      for (let i = 0; !bob.store.crashed; i++) {
        void Promise.allSettled([theirs.records.add("note", `n${i}`)]); // what is cut off never settles
        await sim.run(3);
        assert.ok(i < 20, "a commit for each");
      }
      await sim.run(1_000);
      sim.crash(bob);
      await sim.run(5_000);
      await sim.restart(bob);
      const group = bob.peer.groups.list()[0]!;
      await sim.run(group.records.add("note", "after"));
      await sim.until(
        "one state",
        () => recordsOf(group) === recordsOf(ours) && group.status().state === "synchronised",
        120_000,
      );
      const state = (await values(ours)).join();
      assert.equal((await values(group)).join(), state);
      assert.match(state, /after,.*ours/);
      assert.deepEqual(events.filter(({ kind }) => kind === "fork"), []);
      assert.deepEqual(alice.peer.status().problems, []);
    }
  }
});

Deno.test("a member that was removed while it was away is told so, and cannot act", async () => {
  await using sim = new PeerSimulation({ seed: 5 });
  const { peers: [alice, bob], groups: [ours, theirs, others] } = await sim.group(3);
  await sim.run(theirs.records.add("note", "before"));
  await sim.until("everywhere", () => recordsOf(others) === 1);
  const events = collect(others.events());
  await sim.run(bob.close());
  await sim.run(ours.members.remove(bob.id));
  await sim.until("removed at the others", () => others.members.get(bob.id) === null);
  assert.deepEqual(
    events.filter(({ kind }) => kind === "memberRemoved").map((event) =>
      "member" in event && event.member.peer
    ),
    [bob.id],
  );
  await sim.restart(bob);
  const group = bob.peer.groups.list()[0]!;
  // What it writes before it hears of it is its own affair.
  await sim.run(group.records.add("note", "unaware"));
  await sim.until("told", () => group.status().state === "removed", 120_000);
  assert.match(group.status().explanation, /removed or has left/);
  await sim.fails(group.records.add("note", "after"), "not_a_member");
  await sim.fails(group.invite(), "removed");
  await sim.fails(group.leave(), "removed");
  await sim.fails(group.members.remove(alice.peer.id), "removed");
  const invitation = await sim.run(ours.invite());
  await sim.fails(bob.peer.groups.join(invitation), "removed");
  await sim.run(300_000);
  assert.deepEqual(await values(ours), ["before"]);
  assert.deepEqual(await values(others), ["before"]);
  assert.deepEqual(group.nodes(), []);
  assert.equal(others.nodes().length, 1);
});

Deno.test("who leaves says so: others hear it, what it wrote stays, and it may not come back as itself", async () => {
  await using sim = new PeerSimulation({ seed: 6 });
  const { peers: [, bob], groups: [ours, theirs] } = await sim.group(2);
  await sim.run(theirs.records.add("note", "stays"));
  await sim.until("there", () => recordsOf(ours) === 1);
  const events = collect(ours.events());
  const own = collect(theirs.events());
  await sim.run(theirs.leave());
  await sim.until("heard", () => ours.members.get(bob.peer.id) === null);
  await sim.clock.settle();
  assert.deepEqual(events.filter(isOfMembers).map(memberText), [`memberRemoved ${bob.peer.id}`]);
  assert.deepEqual(own.filter(isOfMembers).map(memberText), [`memberRemoved ${bob.peer.id}`]);
  assert.equal(theirs.status().state, "removed");
  assert.deepEqual(await values(ours), ["stays"]);
  assert.deepEqual(await values(theirs), ["stays"]);
  await sim.fails(theirs.records.add("note", "no more"), "not_a_member");
  await sim.fails(bob.peer.groups.join(await sim.run(ours.invite())), "removed");
  await sim.fails(ours.members.remove(bob.peer.id), "not_a_member");
});

Deno.test("[G15] who closes cleanly is gone at its neighbors at once", async () => {
  await using sim = new PeerSimulation({ seed: 7 });
  const { peers: [alice, bob], groups: [ours] } = await sim.group(2);
  const events = collect(ours.events());
  const before = sim.clock.now().monoMs;
  const id = bob.peer.id;
  await sim.run(bob.close());
  await sim.until("gone", () => ours.nodes().length === 0, 1_000);
  await sim.clock.settle();
  assert.deepEqual(events.filter(({ kind }) => kind === "neighborDown"), [{
    kind: "neighborDown",
    peer: id,
  }]);
  assert.ok(sim.clock.now().monoMs - before < 1_000);
  assert.equal(ours.status().state, "alone");
  assert.match(ours.status().explanation, /1 known peer is tried again and again/);
  assert.equal(ours.members.get(id)?.connected, false);
  assert.equal(alice.peer.status().links, 0);
});

Deno.test("[G15] a graph that closes is gone at its neighbors, and the link serves the others", async () => {
  await using sim = new PeerSimulation({ seed: 8 });
  const [alice, bob] = await sim.peers(2);
  const graphs: [Graph, Graph][] = [];
  for (let i = 0; i < 2; i++) {
    const ours = await sim.run(alice.peer.graphs.create());
    graphs.push([ours, await sim.run(bob.peer.graphs.open(ours.id, { endpoints: [alice.endpoint] }))]);
  }
  await sim.run(graphs[0]![1].close());
  await sim.until("gone", () => graphs[0]![0].nodes().length === 0, 1_000);
  assert.equal(graphs[1]![0].nodes().length, 1);
  assert.equal(alice.peer.status().links, 1);
  await sim.run(60_000);
  assert.equal(graphs[0]![0].nodes().length, 0);
});

Deno.test("[X02] after close() everything fails as closed, and what only looks still answers", async () => {
  await using sim = new PeerSimulation({ seed: 9 });
  const { peers: [alice, bob], groups: [ours] } = await sim.group(2);
  const graph = await sim.run(alice.peer.graphs.create());
  const invitation = await sim.run(ours.invite());
  const note = await sim.run(ours.records.add("note", "kept"));
  const { peer } = alice!;
  await sim.run(alice.close());
  const calls: (() => Promise<unknown>)[] = [
    () => peer.graphs.create(),
    () => peer.graphs.open(graph.id),
    () => peer.groups.create("Late"),
    () => peer.groups.join(invitation),
    () => peer.identities.create("late"),
    () => peer.identities.setDefault("default"),
    () => peer.names.register("0.late"),
    () => peer.names.resolve("0.late"),
    () => peer.names.bootstrap([bob.endpoint]),
    () => ours.records.add("note", "late"),
    () => ours.records.update(note.id, "late"),
    () => ours.records.delete(note.id),
    () => ours.records.extend(note.id, note.expires),
    () => ours.invite(),
    () => ours.leave(),
    () => ours.members.remove(bob.peer.id),
    () => ours.connect(bob.endpoint),
    () => graph.connect(bob.endpoint),
  ];
  for (const call of calls) await sim.fails(call(), "closed", /./, 0).catch((error) => named(error, call));
  assert.deepEqual(await collectAll(ours.events()), []);
  assert.deepEqual(await collectAll(ours.records.watch()), []);
  assert.equal((await ours.records.get(note.id))?.value, "kept");
  assert.equal(ours.status().state, "closed");
  assert.deepEqual([peer.graphs.list(), peer.groups.list(), ours.nodes()], [[], [], []]);
  assert.equal(peer.status().links, 0);
  assert.equal(peer.identities.current.name, "default");
});

Deno.test("[X03] closing twice, and at once, is one closing; open handles end with it", async () => {
  await using sim = new PeerSimulation({ seed: 10 });
  const { peers: [alice], groups: [ours] } = await sim.group(2);
  const { peer } = alice!;
  const closings = [ours.close(), ours.close(), peer.close(), peer.close(), ours![Symbol.asyncDispose]()];
  await sim.run(Promise.all(closings));
  await sim.run(Promise.all([ours.close(), peer.close(), peer[Symbol.asyncDispose]()]));
});

Deno.test("[X03] closing a graph lets writes under way finish, and neighbors have them", async () => {
  await using sim = new PeerSimulation({ seed: 11 });
  const { peers: [alice], groups: [ours, theirs] } = await sim.group(2);
  alice.store.delay(50);
  const writing = ours.records.add("note", "last words");
  const inviting = ours.invite();
  const closing = alice.peer.close();
  await sim.fails(ours.records.add("note", "too late"), "closed", /./, 0);
  assert.equal((await sim.run(writing)).value, "last words");
  assert.match(await sim.run(inviting), /^kith1/);
  await sim.run(closing);
  await sim.until("heard", () => recordsOf(theirs) === 1);
});

Deno.test("[X03] close() settles whatever waits: joins, connects, resolves, readers", async () => {
  await using sim = new PeerSimulation({ seed: 12 });
  const [alice, bob] = await sim.peers(2);
  const group = await sim.run(alice.peer.groups.create("Team"));
  const invitation = await sim.run(group.invite());
  const graph = await sim.run(bob.peer.graphs.create());
  sim.network.cut(alice.host, bob.host);
  const waits = [
    bob.peer.groups.join(invitation),
    bob.peer.graphs.open("a".repeat(52), { endpoints: [alice.endpoint] }),
    graph.connect(alice.endpoint),
  ];
  const ended = waits.map((wait) => wait.then(() => "done", ({ code }) => code));
  const readers = [collectAll(graph.events()), collectAll(graph.records.watch())];
  await sim.run(100);
  const before = sim.clock.now().monoMs;
  await sim.run(bob.peer.close());
  assert.deepEqual(await sim.run(Promise.all(ended), 0), ["closed", "closed", "closed"]);
  await sim.run(Promise.all(readers), 0);
  assert.ok(sim.clock.now().monoMs - before < 2_000, "no wait runs to its own end");
});

Deno.test("[X03] what is being created while the peer closes is closed with it, or refused", async () => {
  await using world = new DiskWorld({ seed: 13 });
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
  await using sim = new PeerSimulation({ seed: 30 });
  const [alice] = await sim.peers(1);
  alice.store.hold();
  const creating = [alice.peer.graphs.create(), alice.peer.groups.create("Team")];
  const codes = creating.map((each) => each.then(() => "done", ({ code }) => code));
  await sim.run(100);
  const closing = alice.peer.close();
  assert.deepEqual(await sim.run(Promise.all(codes), 0), ["closed", "closed"]);
  alice.store.release();
  await sim.run(closing);
});

Deno.test("[X03] closing a graph ends its connecting, and nothing else of the peer", async () => {
  await using sim = new PeerSimulation({ seed: 31 });
  const [alice, bob] = await sim.peers(2);
  const [graph, other] = [await alice.peer.graphs.create(), await alice.peer.graphs.create()];
  sim.network.cut(alice.host, bob.host);
  const connecting = graph.connect(bob.endpoint).then(() => "done", ({ code }) => code);
  await sim.run(100);
  await sim.run(graph.close(), 0);
  assert.equal(await sim.run(connecting, 0), "closed");
  await sim.run(other.records.add("note", 1));
});

Deno.test("[X10] calls in the wrong order get an answer that explains, never a hang", async () => {
  await using sim = new PeerSimulation({ seed: 14 });
  const { peers: [alice, bob], groups: [ours, theirs] } = await sim.group(2);
  const graph = await sim.run(alice.peer.graphs.create());
  const invitation = await sim.run(ours.invite());
  await sim.fails(alice.peer.graphs.open(graph.id), "already_open", /use list\(\)/);
  await sim.fails(alice.peer.graphs.open(ours.id), "already_open", /as a graph or a group/);
  await sim.fails(alice.peer.graphs.open("nonsense"), "graph_not_found", /52 characters/);
  await sim.fails(alice.peer.graphs.open(graph.id, { endpoints: ["nowhere"] }), "invalid_address");
  await sim.fails(graph.connect("localhost:4000"), "invalid_address", /write it like 127.0.0.1:4000/);
  await sim.fails(graph.connect(bob.endpoint, { peer: "nobody" }), "invalid_peer_id", /56 characters/);
  await sim.fails(graph.connect(bob.endpoint), "link_refused", /does not hold this graph; open it there/);
  await sim.fails(graph.connect(alice.endpoint), "connect_self");
  await sim.fails(graph.connect("10.0.0.99:1"), "connect_failed");
  await sim.fails(graph.records.update("0".repeat(32), "x"), "record_not_found");
  await sim.fails(graph.records.delete("no id"), "record_not_found");
  await sim.fails(graph.records.extend("", new Date(day)), "record_not_found");
  await sim.fails(alice.peer.groups.join("kith1"), "invalid_invitation", /copy the whole line/);
  await sim.fails(alice.peer.groups.join(invitation.slice(0, -1)), "invalid_invitation");
  assert.equal(await bob.peer.groups.join(invitation), theirs, "who is a member is let in without ado");
  await sim.fails(theirs.members.remove("nobody"), "not_authorized");
  await sim.fails(ours.members.remove("nobody"), "invalid_peer_id");
  await sim.fails(ours.members.remove(alice.peer.id), "not_authorized", /rank/);
  await sim.fails(alice.peer.identities.create("default"), "identity_exists");
  await sim.fails(alice.peer.identities.setDefault("nobody"), "identity_not_found");
  assert.throws(() => alice.peer.identities.verify(new Uint8Array(), "a", "nobody"), {
    code: "invalid_peer_id",
  });
  assert.throws(() => ours.members.get("nobody"), { code: "invalid_peer_id" });
  assert.equal(alice.peer.groups.get("nonsense"), null);
  assert.equal(await graph.records.get("nonsense"), null);
});

Deno.test("[X10] misuse is a RangeError or TypeError, told before anything is done", async () => {
  await using sim = new PeerSimulation({ seed: 15 });
  const { groups: [ours] } = await sim.group(1);
  const { records, members } = ours!;
  const note = await sim.run(records.add("note", 1));
  const misuses: (() => Promise<unknown>)[] = [
    () => records.add("note", 1, { lifeMs: 5, expires: new Date(day) }),
    () => records.add("note", 1, { lifeMs: -1 }),
    () => records.add("note", 1, { lifeMs: 1.5 }),
    () => records.add("note", 1, { expires: new Date(NaN) }),
    () => records.extend(note.id, new Date(NaN)),
    () => ours.invite({ uses: 0 }),
    () => ours.invite({ lifeMs: Infinity }),
    () => ours.connect("10.0.0.1:1", { timeoutMs: NaN }),
    () => ours.connect("10.0.0.1:1", { timeoutMs: -1 }),
    () => members.remove("nobody", { undoSince: new Date(NaN) }),
  ];
  for (const misuse of misuses.slice(0, -1)) {
    await assert.rejects(
      sim.run(misuse(), 0),
      (error) => error instanceof RangeError || error instanceof TypeError,
    );
  }
  assert.equal(recordsOf(ours), 1);
});

Deno.test("[X10] a graph of the store opens with the peer, and open() gives it the first time it is asked", async () => {
  await using sim = new PeerSimulation({ seed: 16 });
  const [alice, bob] = await sim.peers(2);
  const graph = await sim.run(alice.peer.graphs.create());
  await sim.run(bob.peer.graphs.open(graph.id, { endpoints: [alice.endpoint] }));
  for (let runs = 0; runs < 2; runs++) {
    await sim.run(bob.close());
    await sim.restart(bob);
    const again = await sim.run(bob.peer.graphs.open(graph.id, { endpoints: [alice.endpoint] }));
    assert.equal(again, bob.peer.graphs.list()[0]);
    await sim.fails(bob.peer.graphs.open(graph.id), "already_open");
  }
});

Deno.test("[X10] a graph whose opening failed is not kept, and may be opened again", async () => {
  await using sim = new PeerSimulation({ seed: 17 });
  const [alice, bob] = await sim.peers(2);
  const graph = await sim.run(alice.peer.graphs.create());
  await sim.fails(bob.peer.graphs.open(graph.id, { endpoints: ["10.0.0.9:4000"] }), "connect_failed");
  await sim.fails(bob.peer.graphs.open("a".repeat(52), { endpoints: [alice.endpoint] }), "link_refused");
  assert.deepEqual(bob.peer.graphs.list(), []);
  await sim.run(bob.close());
  await sim.restart(bob);
  assert.deepEqual(bob.peer.graphs.list(), []);
  const endpoints = ["10.0.0.9:4000", alice.endpoint];
  await sim.run(bob.peer.graphs.open(graph.id, { endpoints }));
});

Deno.test("[X11] every wait ends by itself, and at once by the caller's signal", async () => {
  await using sim = new PeerSimulation({ seed: 18 });
  const [alice, bob] = await sim.peers(2);
  const group = await sim.run(alice.peer.groups.create("Team"));
  const other = await sim.run(alice.peer.groups.create("Others"));
  const note = await sim.run(group.records.add("note", 1));
  const invitation = await sim.run(group.invite());
  const graph = await sim.run(bob.peer.graphs.create());
  const own = await sim.run(bob.peer.groups.create("Own"));
  const theirs = await sim.run(bob.peer.groups.join(await sim.run(other.invite())));
  await sim.until("met", () => theirs.nodes().length === 1 && other.nodes().length === 1);
  sim.network.cut(alice.host, bob.host);
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
    ["remove", lateCodes, (options) => other.members.remove(bob.peer.id, options)],
    ["leave", lateCodes, (options) => theirs.leave(options)],
    ["create a graph", lateCodes, (options) => alice.peer.graphs.create(options)],
    ["create a group", lateCodes, (options) => alice.peer.groups.create("More", options)],
    ["open a graph", lateCodes, (options) => alice.peer.graphs.open(graph.id, options)],
    ["open and connect", "timeout", (options) => {
      return bob.peer.graphs.open("a".repeat(52), { endpoints: [alice.endpoint], ...options });
    }],
    ["connect", "timeout", (options) => graph.connect(`${alice.host}:4001`, options)],
    ["join", "no_members_reachable", (options) => bob.peer.groups.join(invitation, options)],
  ];
  const names = ["resolve", (options: Options) => bob.peer.names.resolve("0.nobody", options)] as const;
  for (const [what, , call] of waits) {
    const early = call({ signal: AbortSignal.abort() });
    await sim.fails(early, "aborted", /./, 0).catch((error) => named(error, what));
    const controller = new AbortController();
    const wait = call({ signal: controller.signal });
    controller.abort();
    await sim.fails(wait, "aborted", /./, 0).catch((error) => named(error, what));
  }
  assert.equal(own.status().records, 0);
  await sim.fails(names[1]({ signal: AbortSignal.abort() }), "aborted", /./, 0);
  // Of one graph only one attempt at a time: what is still parting from the signals above ends first.
  await sim.run(1_000);
  const ends = await sim.run(Promise.allSettled(waits.map(([, , call]) => call({}))), 70_000);
  for (const [i, [what, code]] of waits.entries()) {
    const end = ends[i]!;
    assert.ok(end.status === "rejected", what);
    isFailure(end.reason, code, /./);
  }
  alice.store.release();
  bob.store.release();
});

Deno.test("[X11] a store that never answers costs two timers, however many writes wait", async () => {
  await using sim = new PeerSimulation({ seed: 19 });
  const [alice] = await sim.peers(1, { listen: false });
  const graph = await sim.run(alice.peer.graphs.create());
  const before = alice.clock.timerCount;
  alice.store.hold();
  const writes = Array.from({ length: 100 }, (_, i) => graph.records.add("note", i));
  await sim.run(10);
  assert.ok(alice.clock.timerCount <= before + 2, "one of the callers', one of the store's own");
  alice.store.release();
  await sim.run(Promise.all(writes));
});

Deno.test("[R01] the peer sets id, times, version and author; the type and a future expiry are asked for", async () => {
  await using sim = new PeerSimulation({ seed: 20 });
  const [alice] = await sim.peers(1, { listen: false });
  const { records } = await sim.run(alice.peer.graphs.create());
  const now = sim.clock.now().wallMs;
  const { id, ...rest } = await sim.run(records.add("note", "x", { attributes: { place: "pond" } }));
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
  await sim.fails(records.add("", "x"), "invalid_record", /type must be 1 to 128 bytes/);
  await sim.fails(records.add("x".repeat(129), "x"), "invalid_record");
  await sim.fails(
    records.add("note", "x", { expires: new Date(now) }),
    "invalid_record",
    /expired already/,
  );
  await sim.fails(records.add("note", "x", { until: new Date(now + 1) }), "invalid_record", /'until'/);
  await sim.fails(
    records.add("note", "x", { until: new Date(now + 1_000 * day) }),
    "invalid_record",
    /span/,
  );
  assert.equal((await records.list()).length, 1);
});

Deno.test("[R21] types that begin with kith. are refused", async () => {
  await using sim = new PeerSimulation({ seed: 21 });
  const [alice] = await sim.peers(1, { listen: false });
  const { records } = await sim.run(alice.peer.graphs.create());
  await sim.fails(records.add("kith.note", 1), "invalid_record", /not begin with "kith\."/);
  await sim.fails(records.add("note", 1, { attributes: { "kith.x": 1 } }), "invalid_record", /not begin/);
  await sim.run(records.add("kithnote", 1));
});

Deno.test("[R03] an update is the next version by the same creator, and the expiry never moves nearer", async () => {
  await using sim = new PeerSimulation({ seed: 22 });
  const [alice] = await sim.peers(1, { listen: false });
  const { records } = await sim.run(alice.peer.graphs.create());
  const first = await sim.run(records.add("note", 1, { attributes: { a: 1 }, lifeMs: day }));
  await sim.run(1_000);
  const second = await sim.run(records.update(first.id, 2));
  assert.deepEqual(second, {
    ...first,
    value: 2,
    version: 2,
    modified: new Date(first.created.getTime() + 1_000),
  });
  const nearer = new Date(first.expires.getTime() - 1);
  await sim.fails(records.update(first.id, 3, { expires: nearer }), "invalid_record", /only forward/);
  await sim.fails(records.extend(first.id, nearer), "invalid_record", /only forward/);
  const beyond = new Date(first.until.getTime() + 1);
  await sim.fails(records.update(first.id, 3, { expires: beyond }), "invalid_record", /up to its 'until'/);
  const extended = await sim.run(records.extend(first.id, new Date(first.expires.getTime() + 5)));
  assert.deepEqual([extended.version, extended.expires.getTime()], [2, first.expires.getTime() + 5]);
  const third = await sim.run(records.update(first.id, 3, { attributes: {} }));
  assert.deepEqual([third.version, third.attributes, third.expires], [3, {}, extended.expires]);
});

Deno.test("[R10] what runs out is gone everywhere at its time, with an event", async () => {
  // Whole milliseconds: a record ends at one of them.
  await using sim = new PeerSimulation({ seed: 23, network: { latencyMs: 5, jitterMs: 0 } });
  const { groups } = await sim.group(3);
  const events = groups.map((group) => collect(group.records.watch()));
  const short = await sim.run(groups[0].records.add("note", "short", { lifeMs: 60_000 }));
  await sim.run(groups[0].records.add("note", "long"));
  await sim.until("everywhere", () => groups.every((group) => recordsOf(group) === 2));
  await sim.run(short.expires.getTime() - sim.clock.now().wallMs - 1);
  for (const group of groups) assert.deepEqual(await values(group), ["long", "short"]);
  await sim.run(2);
  for (const [i, group] of groups.entries()) {
    assert.deepEqual(await values(group), ["long"]);
    assert.equal(await group.records.get(short.id), null);
    const expired = events[i]!.filter(({ kind }) => kind === "expired");
    assert.deepEqual(expired.map(({ record }) => record.value), ["short"]);
  }
  await sim.fails(groups[0].records.update(short.id, "late"), "record_not_found", /expired/);
});

Deno.test("[R06] records are listed by type, creator or both, oldest first, as a snapshot", async () => {
  await using sim = new PeerSimulation({ seed: 24 });
  const { peers: [alice, bob], groups: [ours, theirs] } = await sim.group(2);
  for (
    const [group, type, value] of [[ours, "a", 1], [theirs, "a", 2], [theirs, "b", 3], [
      ours,
      "b",
      4,
    ]] as const
  ) {
    await sim.run(group.records.add(type, value));
    await sim.run(1_000);
  }
  const found = async (options?: { type?: string; creator?: string }): Promise<unknown[]> =>
    (await ours.records.list(options)).map(({ value }) => value);
  assert.deepEqual(await found(), [1, 2, 3, 4]);
  assert.deepEqual(await found({ type: "a" }), [1, 2]);
  assert.deepEqual(await found({ creator: bob.peer.id }), [2, 3]);
  assert.deepEqual(await found({ type: "b", creator: alice.peer.id }), [4]);
  assert.deepEqual(await found({ type: "c" }), []);
  assert.throws(() => ours.records.list({ creator: "nobody" }), { code: "invalid_peer_id" });
  const snapshot = await ours.records.list();
  await sim.run(ours.records.delete(snapshot[0]!.id));
  assert.equal(snapshot.length, 4);
  assert.deepEqual(await found(), [2, 3, 4]);
});

Deno.test("[R22] watch() tells each record once, whether it was there or came before the first was read", async () => {
  await using sim = new PeerSimulation({ seed: 25 });
  const [alice] = await sim.peers(1, { listen: false });
  const { records } = await sim.run(alice.peer.graphs.create());
  await sim.run(records.add("note", "there"));
  const watching = records.watch("note");
  await sim.run(records.add("note", "between"));
  const seen = collect(watching);
  await sim.clock.settle();
  await sim.run(records.add("note", "later"));
  await sim.clock.settle();
  assert.deepEqual(seen.map(({ kind, record }) => [kind, record.value]).sort(), [
    ["added", "between"],
    ["added", "later"],
    ["added", "there"],
  ]);
  for (let i = 0; i < 2_000; i++) records.watch(); // never read: costs nothing and fills nothing
  const controller = new AbortController();
  const ended = collectAll(records.watch(undefined, { signal: controller.signal }));
  await sim.clock.settle();
  controller.abort();
  assert.equal((await ended).length, 3);
  assert.deepEqual(await collectAll(records.watch(undefined, { signal: AbortSignal.abort() })), []);
});

Deno.test("[S17] members are listed at every node, self first, with roles and presence", async () => {
  await using sim = new PeerSimulation({ seed: 26 });
  const [alice] = await sim.peers(1);
  const group = await sim.run(alice.peer.groups.create("Team"));
  const events = collect(group.events());
  const [admin] = await sim.peers(1);
  const theirs = await sim.run(
    admin.peer.groups.join(await sim.run(group.invite({ role: "admin" }))),
  );
  const [member] = await sim.peers(1);
  await sim.run(member.peer.groups.join(await sim.run(theirs.invite())));
  await sim.until("known", () => group.members.list().length === 3 && group.nodes().length === 2);
  const list = group.members.list();
  assert.deepEqual(list[0], { peer: alice.peer.id, roles: ["creator"], self: true, connected: false });
  const expected = [
    { peer: admin.peer.id, roles: ["admin"], self: false, connected: true },
    { peer: member.peer.id, roles: ["member"], self: false, connected: true },
  ].sort((a, b) => a.peer < b.peer ? -1 : 1);
  assert.deepEqual(list.slice(1), expected);
  await sim.clock.settle();
  assert.deepEqual(events.filter(isOfMembers).map(memberText), [
    `memberJoined ${admin.peer.id}`,
    `memberJoined ${member.peer.id}`,
  ]);
  assert.deepEqual(theirs.members.list().map(({ self }) => self), [true, false, false]);
});

Deno.test("a clock that is wrong is named in words, and nothing is written until it is right", async () => {
  await using sim = new PeerSimulation({ seed: 27 });
  const { groups } = await sim.group(4);
  const invitation = await sim.run(groups[0].invite());
  const [late] = await sim.peers(1, { clock: { wallOffsetMs: 3_600_000 } });
  const group = await sim.run(late.peer.groups.join(invitation));
  await sim.until("three neighbors", () => group.nodes().length >= 3);
  await sim.fails(group.records.add("note", 1), "clock_wrong", /set it/);
  assert.match(late.peer.status().problems.join(), /clock differs from its neighbors'.*set it/);
  assert.match(group.status().explanation, /clock differs/);
  await sim.run(group.close());
  assert.deepEqual(late.peer.status().problems, [], "no neighbor says so any more");
});

Deno.test("bootstraps and addresses that are none are refused before anything is opened", async () => {
  await using sim = new PeerSimulation({ seed: 28 });
  await sim.fails(sim.addMachine().open({ bootstraps: ["nowhere"] }), "invalid_address");
  await sim.fails(sim.addMachine().open({ listen: "nowhere" }), "invalid_address", /write it like/);
  await sim.fails(sim.addMachine().open({ identity: "nobody" }), "identity_not_found");
  const [machine] = await sim.peers(1, { listen: false, bootstraps: ["10.0.0.1:4000"] });
  assert.match(machine.peer.status().problems.join(), /bootstraps are of no use/);
});

Deno.test("an invitation that leads nowhere says what was tried, and what to do", async () => {
  await using sim = new PeerSimulation({ seed: 29 });
  const [alice] = await sim.peers(1, { listen: false });
  const [bob] = await sim.peers(1);
  const group = await sim.run(alice.peer.groups.create("Team"));
  const invitation = await sim.run(group.invite());
  await sim.fails(bob.peer.groups.join(invitation), "no_members_reachable", /no endpoint.*'endpoints'/, 0);
  const endpoints = ["10.0.0.77:4000"];
  await sim.fails(
    bob.peer.groups.join(invitation, { endpoints }),
    "no_members_reachable",
    /tried 10\.0\.0\.77:4000: .*See that one is on line/,
  );
});

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

function named(error: unknown, what: unknown): never {
  throw new Error(`${String(what)}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}
