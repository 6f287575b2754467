/** Peers over real sockets on loopback, in one process. */

import assert from "node:assert/strict";
import { Peer, PeerError, type RecordEvent } from "../../mod.ts";
import { within } from "../contract/real_world.ts";

Deno.test("two peers share a group by invitation", async () => {
  await using alice = await Peer.open();
  const group = await alice.groups.create("Field notes");
  await group.records.add("note", "heron at the north pond");
  const invitation = await group.invite();
  await using bob = await Peer.open();
  const joined = await bob.groups.join(invitation);
  assert.equal(joined.id, group.id);
  assert.equal(joined.name, "Field notes");
  assert.deepEqual((await joined.records.list()).map(({ value }) => value), ["heron at the north pond"]);
  assert.deepEqual(joined.members.list().map(({ peer, roles, self }) => ({ peer, roles, self })), [
    { peer: bob.id, roles: ["member"], self: true },
    { peer: alice.id, roles: ["creator"], self: false },
  ]);
});

Deno.test("[R02] a record reaches the other node once as an event, while it is linked", async () => {
  await using alice = await Peer.open();
  const graph = await alice.graphs.create();
  await using bob = await Peer.open();
  const other = await bob.graphs.open(graph.id, { endpoints: [...alice.status().endpoints] });
  const events = other.records.watch("note");
  const seen = take(events, 2);
  const first = await graph.records.add("note", { bird: "heron" });
  await within(arrived(other.records, first.id));
  await graph.records.update(first.id, { bird: "egret" });
  const [added, updated] = await within(seen);
  assert.deepEqual([added?.kind, added?.record.value], ["added", { bird: "heron" }]);
  assert.deepEqual([updated?.kind, updated?.record.value, updated?.record.version], ["updated", {
    bird: "egret",
  }, 2]);
});

Deno.test("values come out as they went in", async () => {
  await using peer = await Peer.open({ listen: false });
  const { records } = await peer.graphs.create();
  const values = [new Uint8Array([0, 255]), "text", "", 5, 1.5, null, true, [1, [2]], { a: { b: "c" } }];
  for (const value of values) {
    const { id } = await records.add("thing", value, {
      attributes: { n: 1, t: "x", b: true, raw: Uint8Array.of(7) },
    });
    const read = await records.get(id);
    assert.deepEqual(read?.value, value);
    assert.deepEqual(read?.attributes, { n: 1, t: "x", b: true, raw: Uint8Array.of(7) });
  }
});

Deno.test("[R22] watch() filters by type, and begins with what is there", async () => {
  await using peer = await Peer.open({ listen: false });
  const { records } = await peer.graphs.create();
  await records.add("a", 1);
  await records.add("b", 2);
  const events = take(records.watch("b"), 2);
  await records.add("a", 3);
  await records.add("b", 4);
  assert.deepEqual((await within(events)).map(({ record }) => record.value), [2, 4]);
});

Deno.test("[X10] what was closed says so, and closing twice is harmless", async () => {
  const peer = await Peer.open({ listen: false });
  const graph = await peer.graphs.create();
  await graph.close();
  await graph.close();
  await assert.rejects(graph.records.add("note", 1), hasCode("closed"));
  assert.equal(graph.status().state, "closed");
  await peer.close();
  await peer.close();
});

Deno.test("[S14] who may not, is told so: invite, remove, change others' records", async () => {
  await using alice = await Peer.open();
  const group = await alice.groups.create("Team");
  const note = await group.records.add("note", "mine");
  await using bob = await Peer.open();
  const joined = await bob.groups.join(await group.invite());
  await assert.rejects(joined.invite(), hasCode("not_authorized"));
  await assert.rejects(joined.members.remove(alice.id), hasCode("not_authorized"));
  await assert.rejects(joined.records.update(note.id, "yours"), hasCode("not_authorized"));
  await assert.rejects(joined.records.delete(note.id), hasCode("not_authorized"));
  await assert.rejects(group.members.remove(alice.id), hasCode("not_authorized"));
});

Deno.test("a removed member is cut off, told, and its later writes have no effect", async () => {
  await using alice = await Peer.open();
  const group = await alice.groups.create("Team");
  await using bob = await Peer.open();
  const joined = await bob.groups.join(await group.invite());
  const kept = await joined.records.add("note", "before");
  await within(arrived(group.records, kept.id));
  await group.members.remove(bob.id);
  await within(until(() => joined.status().state === "removed", joined.events()));
  await assert.rejects(joined.records.add("note", "after"), hasCode("not_a_member"));
  assert.equal((await group.records.get(kept.id))?.value, "before");
  assert.equal(group.members.get(bob.id), null);
  await assert.rejects(bob.groups.join("kith1nonsense"), hasCode("invalid_invitation"));
});

Deno.test("an invitation admits as many as it says", async () => {
  await using alice = await Peer.open();
  const invitation = await (await alice.groups.create("Team")).invite();
  await using bob = await Peer.open();
  await bob.groups.join(invitation);
  await using carol = await Peer.open();
  await assert.rejects(carol.groups.join(invitation), hasCode("invitation_used"));
});

Deno.test("[X11] joining ends at its time, and at the caller's signal", async () => {
  const alice = await Peer.open();
  const invitation = await (await alice.groups.create("Team")).invite();
  await alice.close();
  await using bob = await Peer.open();
  await assert.rejects(bob.groups.join(invitation, { timeoutMs: 50 }), hasCode("no_members_reachable"));
  const controller = new AbortController();
  const joining = bob.groups.join(invitation, { signal: controller.signal });
  controller.abort();
  await assert.rejects(joining, hasCode("aborted"));
});

Deno.test("[G07] connecting a graph to the wrong peer fails", async () => {
  await using alice = await Peer.open();
  await using bob = await Peer.open();
  const graph = await bob.graphs.create();
  const [endpoint] = alice.status().endpoints;
  await assert.rejects(graph.connect(endpoint!, { peer: bob.id }), hasCode("connect_self"));
  await using carol = await Peer.open();
  await assert.rejects(graph.connect(endpoint!, { peer: carol.id }), hasCode("wrong_peer"));
  await assert.rejects(graph.connect(endpoint!), hasCode("link_refused"));
});

Deno.test("[R19] [I02] a store keeps identity, groups and records; the next opening goes on", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const store = `${folder}/alice.kv`;
    let id: string;
    let groupId: string;
    {
      await using alice = await Peer.open({ store });
      const group = await alice.groups.create("Field notes");
      await group.records.add("note", "heron");
      await alice.identities.create("work");
      [id, groupId] = [alice.id, group.id];
      await assert.rejects(Peer.open({ store }), hasCode("store_in_use"));
    }
    await using again = await Peer.open({ store });
    assert.equal(again.id, id);
    const group = again.groups.get(groupId);
    assert.deepEqual((await group?.records.list())?.map(({ value }) => value), ["heron"]);
    assert.deepEqual(again.identities.list().map(({ name, isDefault }) => [name, isDefault]), [
      ["default", true],
      ["work", false],
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("[S01] a group's creator is its first member and may do everything", async () => {
  await using alice = await Peer.open({ listen: false });
  const group = await alice.groups.create("Field notes");
  assert.deepEqual(group.members.list(), [
    { peer: alice.id, roles: ["creator"], self: true, connected: false },
  ]);
  assert.match(group.id, /^[a-z2-7]{52}$/);
  const invitation = await group.invite({ role: "admin", uses: 3, lifeMs: 60_000 });
  assert.match(invitation, /^kith1[a-z2-7]{150,315}$/);
  await assert.rejects(alice.groups.create(""), RangeError);
});

Deno.test("[I09] an application signs with the identity and never sees the key", async () => {
  await using alice = await Peer.open({ listen: false });
  const signed = alice.identities.sign(new Uint8Array([1, 2]), "my-app");
  assert.deepEqual(alice.identities.verify(signed, "my-app", alice.id), new Uint8Array([1, 2]));
  assert.equal(alice.identities.verify(signed, "other-app", alice.id), null);
});

Deno.test("[X14] the defaults name no third party: a peer alone sends nothing", async () => {
  await using peer = await Peer.open();
  assert.ok(peer.status().endpoints.every((endpoint) => endpoint.startsWith("tcp://127.0.0.1:")));
  assert.deepEqual(peer.status().clouds.map(({ name, state }) => [name, state]), [["loopback", "alone"]]);
  assert.deepEqual(peer.status().problems, []);
});

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof PeerError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  };
}

async function take(events: AsyncIterable<RecordEvent>, count: number): Promise<RecordEvent[]> {
  const taken: RecordEvent[] = [];
  for await (const event of events) if (taken.push(event) === count) break;
  return taken;
}

async function arrived(records: { watch(): AsyncIterable<RecordEvent> }, id: string): Promise<void> {
  for await (const { record } of records.watch()) if (record.id === id) return;
}

async function until(holds: () => boolean, events: AsyncIterable<unknown>): Promise<void> {
  if (holds()) return;
  for await (const _ of events) if (holds()) return;
}
