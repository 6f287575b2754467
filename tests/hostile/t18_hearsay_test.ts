/** T18, in graphs: what neighbors say of peers has a node dial whatever they like, or forget where peers are. */

import assert from "node:assert/strict";
import { equalBytes, hex } from "../../lib/base/bytes.ts";
import { contactsMax, dialsPerMinuteMax } from "../../lib/graph/limits.ts";
import { bytesOf, keyOf } from "../fixtures/items.ts";
import {
  addPlain,
  createWorld,
  GroupWorld,
  minute,
  plainGraph,
  plainWorld,
  settle,
} from "../sim/replica_fixture.ts";
import { HostileNode, Target } from "./kit/hostile_node.ts";

Deno.test("[T18] a neighbor that names peers without end has a node dial so often in a minute and no more", () => {
  const world = createWorld(7);
  const node = addPlain(world);
  world.run(10);
  const target = new Target(node);
  const link = new HostileNode(keyOf("flooder"), plainGraph, null, 1).enter(target);
  for (let i = 0; i < 1_500; i++) {
    const peers = [0, 1, 2, 3].map((n) => bytesOf(`invented ${i} ${n}`));
    const endpoints = [`tcp://20.9.9.${i % 250 + 1}:${1_000 + i}`];
    link.say({ type: "contacts", contacts: peers.map((peer) => ({ peer, endpoints })) });
    world.run(100);
  }
  const { dials } = target;
  const inMinuteFrom = ({ atMs }: { readonly atMs: number }) =>
    dials.filter((dial) => dial.atMs >= atMs && dial.atMs < atMs + minute).length;
  assert.equal(Math.max(...dials.map(inMinuteFrom)), dialsPerMinuteMax);
  assert.equal(link.end, undefined);
});

Deno.test("[T18] what one member says of another replaces nothing that this one said of itself", () => {
  const group = new GroupWorld(8);
  const { founder, world } = group;
  const [absent, rogue] = [group.join(), group.join()];
  settle(world);
  absent.crash();
  rogue.crash();
  const target = new Target(founder);
  const link = HostileNode.of(rogue, founder).enter(target);
  const peer = absent.signer.publicKey;
  for (let i = 0; i < 600; i++) {
    const endpoints = Array.from({ length: i % 4 + 1 }, () => "tcp://20.9.9.9:80");
    link.say({ type: "contacts", contacts: [{ peer, endpoints }] });
    world.run(100);
  }
  // What was heard stands behind, once, and is tried after: the peer may have come back elsewhere.
  const known = [absent.endpoint, "tcp://20.9.9.9:80"];
  assert.deepEqual(founder.replica.contacts.hint(hex(peer))?.endpoints, known);
  const dials = target.dials.filter(({ contact }) => equalBytes(contact.peer, peer));
  assert.ok(dials.length > 0 && dials.length < 15, `${dials.length} dials: the pauses grow all the same`);
  assert.ok(dials.every(({ contact }) => contact.endpoints[0] === absent.endpoint));
});

Deno.test("[T18] a neighbor that names peers without end drives out nobody who spoke for itself, in memory or on disk", () => {
  const world = plainWorld(2, 6);
  const node = world.nodes[0]!;
  world.run(minute);
  const honest = world.nodes.slice(1).map(({ signer, endpoint }) => ({
    id: hex(signer.publicKey),
    endpoint,
  }));
  const known = (endpoints: (id: string) => readonly string[] | undefined) =>
    honest.filter(({ id, endpoint }) => endpoints(id)?.[0] === endpoint).length;
  const { contacts } = node.replica;
  assert.equal(known((id) => contacts.hint(id)?.endpoints), honest.length);
  const link = new HostileNode(keyOf("mallory"), plainGraph, null, 1).enter(new Target(node));
  for (let round = 0; round < 3; round++) {
    const invented = Array.from({ length: contactsMax }, (_, i) => keyOf(`made up ${round} ${i}`).publicKey);
    const peers = [...honest.map(({ id }) => Uint8Array.fromHex(id)), ...invented].slice(0, contactsMax);
    link.say({
      type: "contacts",
      contacts: peers.map((peer) => ({ peer, endpoints: ["tcp://20.9.9.9:80"] })),
    });
    world.run(1_000);
  }
  assert.equal(contacts.hints().length, contactsMax);
  assert.equal(known((id) => contacts.hint(id)?.endpoints), honest.length);
  node.crash();
  node.restart();
  world.run(1);
  const { contacts: found } = node.replica;
  assert.equal(known((id) => found.known(id)?.own), honest.length, "and it knows still on whose word");
});

Deno.test("[T18] what strangers say of peers is not heard", () => {
  const group = new GroupWorld(9);
  const { founder, world } = group;
  const member = group.join();
  settle(world);
  const link = new Target(founder).link(keyOf("stranger"));
  link.greet();
  const peer = member.signer.publicKey;
  const { contacts } = founder.replica;
  const before = contacts.hints();
  link.say({ type: "contacts", contacts: [{ peer, endpoints: ["tcp://20.9.9.9:80"] }] });
  world.run(1);
  assert.deepEqual(contacts.hints(), before);
});
