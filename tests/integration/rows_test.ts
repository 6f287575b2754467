/** Rows of the checklist that show on whole peers over real sockets. */

import assert from "node:assert/strict";
import { parseEndpoint } from "../../lib/base/address.ts";
import { base32, fromBase32 } from "../../lib/base/base32.ts";
import { utf8 } from "../../lib/base/bytes.ts";
import { invitationText, parseInvitation } from "../../lib/groups/invitation.ts";
import { createCrypto } from "../../lib/platform/crypto.ts";
import { Peer, PeerError } from "../../mod.ts";
import { within } from "../contract/real_world.ts";

Deno.test("[G01] one peer creates a graph; the same id is not opened twice in one peer", async () => {
  await using alice = await Peer.open({ listen: false });
  const first = await alice.graphs.create();
  const second = await alice.graphs.create();
  assert.notEqual(first.id, second.id);
  await assert.rejects(alice.graphs.open(first.id), (error) => {
    assert.ok(error instanceof PeerError);
    assert.equal(error.code, "already_open");
    return true;
  });
  await first.close();
  await (await alice.graphs.open(first.id)).close();
});

Deno.test("[G11] status tells listening, connected and synchronised apart", async () => {
  await using deaf = await Peer.open({ listen: false });
  assert.deepEqual(deaf.status().endpoints, []);
  const own = await deaf.graphs.create();
  assert.deepEqual([own.status().state, own.status().neighbors], ["alone", 0]);

  await using alice = await Peer.open();
  assert.equal(alice.status().endpoints.length, 1);
  const graph = await alice.graphs.open(own.id);
  const synchronised = within(next(own.events(), "synchronised"));
  await own.connect(alice.status().endpoints[0]!);
  assert.deepEqual([own.status().neighbors, deaf.status().links], [1, 1]);
  await synchronised;
  assert.deepEqual(own.status().state, "synchronised");
  assert.deepEqual(own.nodes().map(({ peer, dialled, synchronised }) => [peer, dialled, synchronised]), [
    [alice.id, true, true],
  ]);
  const parted = within(next(graph.events(), "neighborDown"));
  await own.close();
  await parted;
  assert.deepEqual([own.status().state, graph.status().state], ["closed", "alone"]);
});

Deno.test("[S29] who listens between two members sees neither content nor who they are", async () => {
  await using alice = await Peer.open();
  const group = await alice.groups.create("Secret garden");
  const invitation = await group.invite();
  await group.records.add("note", "heron at the north pond", { attributes: { place: "north pond" } });
  await using relay = openRelay(alice.status().endpoints[0]!);
  await using bob = await Peer.open();
  // The only way to her that he is told leads through the relay.
  const crypto = createCrypto();
  const ticket = parseInvitation(crypto, invitation)!;
  const endpoints = [parseEndpoint(relay.endpoint)!];
  const joined = await within(bob.groups.join(invitationText(crypto, { ...ticket, endpoints })));
  assert.equal(joined.nodes()[0]?.address, relay.endpoint);
  assert.equal((await joined.records.list())[0]?.value, "heron at the north pond");
  await using carol = await Peer.open();
  const graph = await carol.graphs.create();
  const plain = await alice.graphs.open(graph.id);
  await plain.records.add("plain", "a plain graph's content travels sealed as well");
  await within(graph.connect(relay.endpoint));
  await within(first(graph.records.watch("plain")));
  assert.ok(relay.bytes().length > 4_000, "traffic went through the relay");
  const ids = [alice.id, bob.id, carol.id].map((id) => fromBase32(id)!.subarray(0, 32));
  for (
    const secret of [
      utf8("heron"),
      utf8("travels sealed"),
      utf8("Secret garden"),
      fromBase32(group.id)!,
      fromBase32(graph.id)!,
      ...ids,
    ]
  ) {
    assert.equal(indexOf(relay.bytes(), secret), -1, `${base32(secret)} shows on the wire`);
  }
});

interface Relay extends AsyncDisposable {
  readonly endpoint: string;
  bytes(): Uint8Array;
}

/** Passes bytes between whoever connects and the target, and keeps a copy of them all. */
function openRelay(target: string): Relay {
  const [, host, port] = /^tcp:\/\/([\d.]+):(\d+)$/.exec(target)!;
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const seen: number[] = [];
  const open = new Set<Deno.Conn>();
  const pass = async (from: Deno.Conn, to: Deno.Conn): Promise<void> => {
    const buffer = new Uint8Array(16_384);
    try {
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        for (const byte of buffer.subarray(0, count)) seen.push(byte);
        await to.write(buffer.slice(0, count));
      }
    } catch {
      // one end is gone: so is the other in a moment
    }
    for (const connection of [from, to]) if (open.delete(connection)) connection.close();
  };
  const accepting = (async () => {
    const passing: Promise<void>[] = [];
    for await (const near of listener) {
      const far = await Deno.connect({ hostname: host!, port: Number(port) });
      open.add(near).add(far);
      passing.push(pass(near, far), pass(far, near));
    }
    await Promise.all(passing);
  })();
  return {
    endpoint: `127.0.0.1:${(listener.addr as Deno.NetAddr).port}`,
    bytes: () => Uint8Array.from(seen),
    [Symbol.asyncDispose]: async () => {
      listener.close();
      for (const connection of [...open]) if (open.delete(connection)) connection.close();
      await accepting;
    },
  };
}

async function next(events: AsyncIterable<{ kind: string }>, kind: string): Promise<void> {
  for await (const event of events) if (event.kind === kind) return;
}

async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
}

function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  for (let at = bytes.indexOf(part[0]!); at >= 0; at = bytes.indexOf(part[0]!, at + 1)) {
    if (part.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}
