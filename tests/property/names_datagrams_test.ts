/** Datagrams of any bytes, from anybody: what comes out is bounded by what came in, and nothing changes. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { addressText } from "../../lib/base/address.ts";
import { concat, hex } from "../../lib/base/bytes.ts";
import type { Address } from "../../lib/base/ports.ts";
import { below, SeededRandom } from "../../lib/base/random.ts";
import { helloPacket, openPacket, PacketType } from "../../lib/names/datagram.ts";
import { openRegistration, verifyRegistration } from "../../lib/names/registration.ts";
import { blindly, cuts, extensions, flips } from "../fuzz/mutators.ts";
import { contentOf, crypto, NamesWorld, signerOf, type SimPeer } from "../sim/names_world.ts";

interface Captured {
  readonly bytes: Uint8Array;
  readonly from: Address;
  readonly to: Address;
}

/** A small cloud at rest, and every datagram that crossed while it joined, published and resolved. */
function captureCloud(): { world: NamesWorld; captured: readonly Captured[] } {
  const world = new NamesWorld({ seed: 41, latencyMs: [10, 10] });
  const captured: Captured[] = [];
  world.tap = (bytes, from, to) => {
    captured.push({ bytes, from, to });
    return true;
  };
  world.populate(4);
  const chat = { authority: null, classifier: "chat" };
  const content = contentOf({ payload: new Uint8Array(3_000).fill(5), comment: "hello" });
  world.peers[0]!.wait({ kind: "register", ...chat, signer: signerOf(1), content });
  world.peers[3]!.wait({ kind: "resolve", ...chat, resultsMax: 32 });
  world.run(5_000);
  world.tap = () => true;
  return { world, captured };
}

/** Everything of a machine that a rejected datagram must leave as it is. */
function stateOf(peer: SimPeer): string {
  return JSON.stringify({ ...peer.machine.snapshot(), drops: null });
}

/** What a machine sends when this datagram comes, without anything else happening. */
function provoke(
  peer: SimPeer,
  bytes: Uint8Array,
  from: Address,
): readonly { bytes: Uint8Array; to: Address }[] {
  const sent: { bytes: Uint8Array; to: Address }[] = [];
  for (const effect of peer.machine.handle({ kind: "datagram", bytes, from }, peer.world.now())) {
    if (effect.kind === "send") sent.push(effect);
    else assert.equal(effect.kind, "emit");
  }
  return sent;
}

function typeOf(bytes: Uint8Array): number | null {
  const opened = openPacket(bytes);
  return opened.ok ? opened.packet.type : null;
}

Deno.test("[X09] [T6] [T7] 50,000 mutated datagrams are dropped and change nothing", () => {
  const { world, captured } = captureCloud();
  const random = new SeededRandom(4_242);
  const all = captured.map(({ bytes }) => bytes);
  const known = new Set(captured.map(({ bytes }) => hex(bytes)));
  const before = world.peers.map(stateOf);
  let clear = 0;
  for (let i = 0; i < 50_000; i++) {
    const { bytes, from, to } = captured[below(random, captured.length)]!;
    const mutated = blindly(random, bytes, all);
    if (known.has(hex(mutated))) continue;
    const peer = world.peers.find(({ address }) => addressText(address) === addressText(to))!;
    for (const sent of provoke(peer, mutated, from)) {
      // Only a hello and a request without a good token are answered, in clear and no longer.
      clear++;
      const type = typeOf(sent.bytes);
      assert.ok(type === PacketType.key || type === PacketType.token);
      assert.ok(sent.bytes.length <= mutated.length && sent.to === from);
    }
  }
  assert.ok(clear > 0);
  assert.deepEqual(world.peers.map(stateOf), before);
});

Deno.test("[X09] [T7] every flipped bit and every cut of each kind of datagram is dropped", () => {
  const { world, captured } = captureCloud();
  const before = world.peers.map(stateOf);
  const kinds = new Map(
    captured.map((packet) => [`${typeOf(packet.bytes)} ${packet.bytes.length >> 6}`, packet]),
  );
  assert.ok(kinds.size >= 8);
  for (const { bytes, from, to } of kinds.values()) {
    const peer = world.peers.find(({ address }) => addressText(address) === addressText(to))!;
    const check = (changed: Uint8Array) => {
      for (const sent of provoke(peer, changed, from)) assert.ok(sent.bytes.length <= 66);
    };
    for (const alteration of [flips, cuts, extensions]) {
      for (const changed of alteration(bytes)) check(changed);
    }
  }
  assert.deepEqual(world.peers.map(stateOf), before);
});

const arbitraryAddress: fc.Arbitrary<Address> = fc.record({
  host: fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)).map((parts) => `20.${parts.join(".")}`),
  port: fc.integer({ min: 1, max: 65_535 }),
});

const arbitraryDatagram: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 1_400 }),
  // Right in its first bytes: version, each type, any size.
  fc.tuple(fc.integer({ min: 0, max: 6 }), fc.uint8Array({ minLength: 0, maxLength: 1_398 }))
    .map(([type, rest]) => concat(Uint8Array.of(1, type), rest)),
  fc.tuple(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
    .map(([key, nonce]) => helloPacket(key, nonce)),
);

Deno.test("[T1] [N49] an address that has proven nothing gets no more bytes than it sent, and no public-key work", () => {
  const { world } = captureCloud();
  const peer = world.peers[0]!;
  const { agreements } = peer.machine.snapshot();
  fc.assert(
    fc.property(fc.array(fc.tuple(arbitraryDatagram, arbitraryAddress), { maxLength: 20 }), (packets) => {
      const balance = new Map<string, number>();
      for (const [bytes, from] of packets) {
        const add = (text: string, count: number) => balance.set(text, (balance.get(text) ?? 0) + count);
        add(addressText(from), bytes.length);
        for (const sent of provoke(peer, bytes, from)) add(addressText(sent.to), -sent.bytes.length);
      }
      return [...balance.values()].every((left) => left >= 0);
    }),
    { seed: 1, numRuns: 2_000 },
  );
  assert.equal(peer.machine.snapshot().agreements, agreements);
});

Deno.test("[T1] every datagram of a real cloud, sent again from strangers' addresses, gets no more than itself", () => {
  const { world, captured } = captureCloud();
  for (const [i, { bytes, to }] of captured.entries()) {
    const peer = world.peers.find(({ address }) => addressText(address) === addressText(to))!;
    const stranger = { host: `40.${i >> 8}.${i & 255}.1`, port: 5_000 };
    let out = 0;
    for (const sent of provoke(peer, bytes, stranger)) out += sent.bytes.length;
    assert.ok(out <= bytes.length);
  }
});

Deno.test("[T2] whatever is spoofed between two peers, they are silent after two datagrams", () => {
  const { captured } = captureCloud();
  const world = new NamesWorld({ latencyMs: [10, 10] });
  const [a, b] = [world.addPeer(), world.addPeer()];
  for (const { bytes } of captured) {
    const before = world.datagrams;
    a.input({ kind: "datagram", bytes, from: b.address });
    b.input({ kind: "datagram", bytes, from: a.address });
    world.run(10_000);
    assert.ok(world.datagrams - before <= 2);
  }
});

Deno.test("[T2] answers, errors and tokens that nobody asked for cause no datagram at all", () => {
  const { world, captured } = captureCloud();
  let count = 0;
  for (const { bytes, from, to } of captured) {
    const type = typeOf(bytes);
    if (type === PacketType.hello || type === PacketType.request) continue;
    const peer = world.peers.find(({ address }) => addressText(address) === addressText(to))!;
    assert.deepEqual(provoke(peer, bytes, from), []);
    count++;
  }
  assert.ok(count > 50);
});

Deno.test("[X09] [T25] bytes that are no registration never throw and never verify", () => {
  const { world } = captureCloud();
  const cloud = Uint8Array.fromHex(world.peers[0]!.machine.snapshot().id);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1_000 }), (bytes) => {
      const opened = openRegistration(crypto, cloud, bytes);
      return !opened.ok || !verifyRegistration(crypto, cloud, opened.statement);
    }),
    { seed: 2, numRuns: 5_000 },
  );
});
