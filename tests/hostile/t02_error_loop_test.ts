/**
 * T2 (and the past bug R15, CVE-2024-2169): an outsider spoofs one datagram and two peers answer each
 * other for ever. An answer or an error never causes a datagram, unless it shows the nonce of a request
 * under way; and that once for each request of one's own.
 */

import assert from "node:assert/strict";
import { createLightCrypto } from "../../lib/sim/light_crypto.ts";
import type { Address } from "../../lib/base/ports.ts";
import { helloPacket, keyPacket, openPacket, PacketType, tokenPacket } from "../../lib/names/datagram.ts";
import { clearAnswersBurst, clearAnswersPerSecond, requestAttemptsMax } from "../../lib/names/limits.ts";
import { encodeResponse, type RequestBody } from "../../lib/names/messages.ts";
import { NamesWorld, type SimPeer } from "../sim/names_world.ts";
import { contactOf, found, honestLie, HostileContact, ownToken } from "./kit/hostile_contact.ts";

type TypeName = keyof typeof PacketType;

const typeNames = Object.keys(PacketType) as TypeName[];

const requests: readonly RequestBody[] = [
  { kind: "ping" },
  { kind: "find", target: new Uint8Array(32).fill(1), offset: null },
  { kind: "find", target: new Uint8Array(32).fill(1), offset: 0 },
  { kind: "inquire", nameKey: new Uint8Array(32), part: 0 },
];

function typeOf(bytes: Uint8Array): TypeName {
  const opened = openPacket(bytes);
  assert.ok(opened.ok);
  return typeNames.find((name) => PacketType[name] === opened.packet.type)!;
}

/** Two peers at rest that know each other and hold each other's tokens. */
function createPair(): { world: NamesWorld; a: SimPeer; b: SimPeer } {
  const world = new NamesWorld({ seed: 2, latencyMs: [10, 10], crypto: createLightCrypto() });
  const [a, b] = [world.addPeer(), world.addPeer()];
  b.wait({ kind: "bootstrap", addresses: [a.address] });
  world.run(10_000);
  assert.equal(a.machine.snapshot().requests + b.machine.snapshot().requests, 0);
  return { world, a, b };
}

/** Datagrams of each type that nobody asked for, as well made as they can be. */
function craftAll(hostile: HostileContact, to: SimPeer): [TypeName, Uint8Array][] {
  const random = hostile.world.random;
  const { key } = contactOf(to);
  const id = random.bytes(16);
  const response = { type: PacketType.response, token: ownToken } as const;
  return [
    ["hello", helloPacket(hostile.key, random.bytes(16))],
    ["key", keyPacket(random.bytes(16), hostile.key, ownToken)],
    ["token", tokenPacket(random.bytes(12), ownToken)],
    ...requests.map((body): [TypeName, Uint8Array] => ["request", hostile.requestTo(to.address, body)]),
    ["response", hostile.seal(key, encodeResponse({ id, body: { kind: "pong" } }), response)],
    ["response", hostile.seal(key, found(id, [hostile.contact]), response)],
  ];
}

Deno.test("[T2] which type may cause which: without a proof nothing but key and token, which cause nothing", () => {
  const { world, a } = createPair();
  const hostile = new HostileContact(world, { host: "23.0.0.1", port: 9 });
  hostile.ask(a.address, { kind: "ping" });
  world.run(1_000);
  /** `x>y` where x from an address that has shown no token made a peer send y. */
  const unproven = new Set<string>();
  for (const [i, [type, bytes]] of craftAll(hostile, a).entries()) {
    const from = { host: `24.0.${i}.1`, port: 9 };
    world.tap = (sent, by) => {
      if (by === a.address) unproven.add(`${type}>${typeOf(sent)}`);
      return true;
    };
    a.input({ kind: "datagram", bytes, from });
    world.run(30_000);
  }
  assert.deepEqual([...unproven].sort(), ["hello>key", "request>token"]);
  assert.ok(!hasCycle(unproven));
  /** The same from an address that has shown its token: a request brings its answer, and at most a ping. */
  const proven = new Set<string>();
  for (const [type, bytes] of craftAll(hostile, a)) {
    world.tap = (sent, by) => {
      if (by === a.address) proven.add(`${type}>${typeOf(sent)}`);
      return true;
    };
    a.input({ kind: "datagram", bytes, from: hostile.address });
    world.run(30_000);
  }
  assert.deepEqual([...proven].sort(), ["hello>key", "request>hello", "request>request", "request>response"]);
});

Deno.test("[T2] with the nonce of a request under way a key or token brings one request, and no second one", () => {
  const world = new NamesWorld({ seed: 3, latencyMs: [10, 10], crypto: createLightCrypto() });
  const peer = world.addPeer();
  const address = { host: "23.0.0.1", port: 9 };
  const sent: TypeName[] = [];
  // Every answer of it comes five times, and a token again for each request that comes of it.
  world.addListener(address, (bytes, from) => {
    const opened = openPacket(bytes);
    assert.ok(opened.ok);
    const { packet } = opened;
    sent.push(typeOf(bytes));
    for (let i = 0; i < 5; i++) {
      const key = keyPacket(
        new Uint8Array(16),
        world.crypto.x25519.publicKey(new Uint8Array(32).fill(5)),
        ownToken,
      );
      if (packet.type === PacketType.hello) {
        key.set(packet.nonce, 2);
        world.send(key, address, from);
      } else if (packet.type === PacketType.request) {
        world.send(tokenPacket(packet.nonce, ownToken), address, from);
      }
    }
  });
  peer.call({ kind: "bootstrap", addresses: [address] });
  world.run(80); // before the next attempt
  assert.deepEqual(sent, ["hello", "request", "request"]);
  world.runUntil(() => peer.machine.state === "alone", 10_000);
  assert.equal(sent.length, 1 + 2 * requestAttemptsMax);
});

Deno.test("[T2] (R15) every type spoofed between two peers in both directions leaves the network silent after two datagrams", () => {
  const { world, a, b } = createPair();
  const hostile = new HostileContact(world, { host: "23.0.0.1", port: 9 });
  for (const peer of [a, b]) hostile.ask(peer.address, { kind: "ping" });
  world.run(1_000);
  const types = craftAll(hostile, a).length;
  for (let i = 0; i < types; i++) {
    for (let j = 0; j < types; j++) {
      const before = world.datagrams;
      a.input({ kind: "datagram", bytes: craftAll(hostile, a)[i]![1], from: b.address });
      b.input({ kind: "datagram", bytes: craftAll(hostile, b)[j]![1], from: a.address });
      world.run(1_000);
      assert.ok(world.datagrams - before <= 2, `types ${i} and ${j}: ${world.datagrams - before}`);
      const at = world.datagrams;
      world.run(1_000);
      assert.equal(world.datagrams, at, `types ${i} and ${j} go on`);
    }
  }
});

Deno.test("[T2] (R15) what two peers really said to each other, played again from either source, ends after two datagrams", () => {
  const world = new NamesWorld({ seed: 4, latencyMs: [10, 10], crypto: createLightCrypto() });
  const recorded: { bytes: Uint8Array; from: Address; to: Address }[] = [];
  const [a, b] = [world.addPeer(), world.addPeer()];
  world.tap = (bytes, from, to) => (recorded.push({ bytes, from, to }), true);
  b.wait({ kind: "bootstrap", addresses: [a.address] });
  world.run(10_000);
  world.tap = () => true;
  assert.deepEqual(
    new Set(recorded.map(({ bytes }) => typeOf(bytes))),
    new Set(typeNames.filter((name) => name !== "token")),
  );
  for (const { bytes } of recorded) {
    const before = world.datagrams;
    a.input({ kind: "datagram", bytes, from: b.address });
    b.input({ kind: "datagram", bytes, from: a.address });
    world.run(1_000);
    assert.ok(world.datagrams - before <= 2, typeOf(bytes));
  }
  assert.equal(a.machine.snapshot().requests + b.machine.snapshot().requests, 0);
});

Deno.test("[T2] two contacts that ask each other of everything stop when they are not asked", () => {
  const { world, a } = createPair();
  const hostile = new HostileContact(world, { host: "23.0.0.1", port: 9 });
  hostile.lie = honestLie(() => [contactOf(a)]);
  for (const body of requests) hostile.ask(a.address, body);
  world.run(10_000);
  const before = world.datagrams;
  world.run(30_000);
  assert.equal(world.datagrams, before);
});

Deno.test("[T2] 10,000 datagrams of each clear kind from one network in ten seconds get ten answers a second", () => {
  const { world, a } = createPair();
  const hostile = new HostileContact(world, { host: "23.0.0.1", port: 9 });
  const hello = helloPacket(hostile.key, world.random.bytes(16));
  const request = hostile.seal(contactOf(a).key, new Uint8Array(20));
  for (const [i, bytes] of [hello, request].entries()) {
    let answers = 0;
    world.tap = (_, from) => {
      if (from === a.address) answers++;
      return true;
    };
    for (let sent = 0; sent < 10_000; sent++) {
      a.input({ kind: "datagram", bytes, from: { host: `25.0.${i}.${sent & 255}`, port: 1 + sent } });
      world.run(1);
    }
    assert.ok(
      answers >= 100 && answers <= clearAnswersBurst + 10 * clearAnswersPerSecond,
      `${answers} answers`,
    );
  }
});

function hasCycle(edges: ReadonlySet<string>): boolean {
  const next = new Map<string, string[]>();
  for (const edge of edges) {
    const [from, to] = edge.split(">");
    next.set(from!, [...next.get(from!) ?? [], to!]);
  }
  const leadsBack = (start: string, at: string, depth: number): boolean =>
    depth > 0 && (next.get(at) ?? []).some((to) => to === start || leadsBack(start, to, depth - 1));
  return [...next.keys()].some((type) => leadsBack(type, type, typeNames.length));
}
