/**
 * T1: an outsider sends small requests with somebody else's source address and hopes for large
 * answers. Whoever has not shown a token gets no more bytes than came from its address, at once or
 * later, and costs no public-key work.
 *
 * A packet counter on a real interface is not part of this file; `names_udp_test.ts` runs real sockets.
 */

import assert from "node:assert/strict";
import { createLightCrypto } from "../../lib/sim/light_crypto.ts";
import { addressText } from "../../lib/base/address.ts";
import { concat } from "../../lib/base/bytes.ts";
import type { Address } from "../../lib/base/ports.ts";
import { below, SeededRandom } from "../../lib/base/random.ts";
import { helloPacket, PacketType } from "../../lib/names/datagram.ts";
import { tokenSecretMs } from "../../lib/names/limits.ts";
import { encodeRequest, type RequestBody } from "../../lib/names/messages.ts";
import { contentOf, NamesWorld, signerOf, type SimPeer } from "../sim/names_world.ts";
import { contactOf, HostileContact } from "./kit/hostile_contact.ts";

/** A peer that knows others, publishes and holds something, so that there is much to answer. */
function createVictim(): { world: NamesWorld; victim: SimPeer } {
  const world = new NamesWorld({ seed: 1, latencyMs: [10, 10], crypto: createLightCrypto() });
  world.populate(6);
  for (const [i, peer] of world.peers.entries()) {
    const request = {
      kind: "register",
      authority: null,
      classifier: "heron",
      signer: signerOf(i + 1, world.crypto),
    } as const;
    peer.wait({ ...request, content: contentOf({ payload: new Uint8Array(4_000) }) });
  }
  world.run(5_000);
  return { world, victim: world.peers[0]! };
}

/** Bytes from and to each address that has proven nothing. */
class Balance {
  readonly #left = new Map<string, number>();
  #spoofed = 0;

  constructor(world: NamesWorld, victim: SimPeer, honest: ReadonlySet<string>) {
    world.tap = (bytes, from, to) => {
      if (from === victim.address && !honest.has(addressText(to))) this.#add(to, -bytes.length);
      return true;
    };
  }

  /** A datagram that claims to come from an address nobody has used before. */
  spoof(victim: SimPeer, bytes: Uint8Array, from: Address = this.#fresh()): void {
    this.#add(from, bytes.length);
    victim.input({ kind: "datagram", bytes, from });
  }

  /** The address that got the most beyond what it sent; negative if none got as much. */
  worst(): number {
    return -Math.min(...this.#left.values());
  }

  /** A network of its own each time, so that no budget of one network hides anything. */
  #fresh(): Address {
    const i = this.#spoofed++;
    return { host: `${30 + (i >> 16)}.${i >> 8 & 255}.${i & 255}.9`, port: 1_024 + i % 60_000 };
  }

  #add(address: Address, bytes: number): void {
    const at = addressText(address);
    this.#left.set(at, (this.#left.get(at) ?? 0) + bytes);
  }
}

function balanceOf(world: NamesWorld, victim: SimPeer): Balance {
  return new Balance(world, victim, new Set(world.peers.map(({ address }) => addressText(address))));
}

const requests: readonly RequestBody[] = [
  { kind: "ping" },
  { kind: "find", target: new Uint8Array(32), offset: null },
  { kind: "find", target: new Uint8Array(32), offset: 0 },
  { kind: "store", registration: new Uint8Array(900) },
  { kind: "inquire", nameKey: new Uint8Array(32), part: 4 },
];

Deno.test("[T1] [N49] datagrams of every type and each size from 1 to 1,400 bytes bring back no more than themselves", () => {
  const { world, victim } = createVictim();
  const { agreements } = victim.machine.snapshot();
  const balance = balanceOf(world, victim);
  for (let size = 1; size <= 1_400; size++) {
    for (let type = 0; type <= 6; type++) {
      const bytes = new Uint8Array(size).fill(size & 255, Math.min(size, 50));
      bytes.set([1, type].slice(0, size));
      balance.spoof(victim, bytes);
      // A hello's zeros must be zeros.
      balance.spoof(victim, bytes.map((byte, i) => i < 50 ? byte : 0));
    }
  }
  world.run(60_000); // nothing comes later either
  assert.ok(balance.worst() <= 0, `${balance.worst()} bytes too many`);
  assert.equal(victim.machine.snapshot().agreements, agreements);
});

Deno.test("[T1] [N49] each request, rightly sealed but with no token, a stale one or a stranger's, brings back less than itself", () => {
  const { world, victim } = createVictim();
  const hostile = new HostileContact(world, { host: "23.0.0.1", port: 9 });
  hostile.ask(victim.address, { kind: "ping" });
  world.run(1_000);
  const token = hostile.tokenFrom(victim.address)!;
  const { agreements } = victim.machine.snapshot();
  const balance = balanceOf(world, victim);
  for (const body of requests) {
    balance.spoof(victim, hostile.requestTo(victim.address, body, { token: new Uint8Array(16) }));
    balance.spoof(victim, hostile.requestTo(victim.address, body, { token })); // right, but another address
    const key = contactOf(victim).key;
    const plaintext = encodeRequest({ id: new Uint8Array(16), body });
    const other = world.random.bytes(32);
    // From its own address, but under another key than the token was given to.
    balance.spoof(victim, hostile.seal(key, plaintext, { token, sender: other }), hostile.address);
  }
  world.run(3 * tokenSecretMs);
  for (const body of requests) {
    balance.spoof(victim, hostile.requestTo(victim.address, body, { token }), hostile.address);
  }
  world.run(60_000);
  assert.ok(balance.worst() < 0, `${balance.worst()} bytes too many`);
  assert.ok(victim.machine.snapshot().agreements - agreements <= 5, "the world's own traffic alone");
  assert.equal(hostile.answers.length, 1, "the ping that it proved itself with");
});

Deno.test("[T1] [N49] 60,000 mutated datagrams from 500 addresses bring back no more than came from each", () => {
  const { world, victim } = createVictim();
  const hostile = new HostileContact(world, { host: "23.0.0.1", port: 9 });
  hostile.ask(victim.address, { kind: "ping" });
  world.run(1_000);
  const random = new SeededRandom(11);
  const key = contactOf(victim).key;
  const golden = [
    helloPacket(hostile.key, random.bytes(16)),
    ...requests.map((body) => hostile.requestTo(victim.address, body)),
    ...requests.map((body) => hostile.seal(key, encodeRequest({ id: random.bytes(16), body }))),
    ...requests.map((body) =>
      hostile.seal(key, encodeRequest({ id: random.bytes(16), body }), { type: PacketType.response })
    ),
    ...hostile.heard.map(({ bytes }) => bytes),
  ];
  const addresses = Array.from({ length: 500 }, (_, i) => ({ host: `31.${i >> 8}.${i & 255}.9`, port: 9 }));
  const balance = balanceOf(world, victim);
  for (let i = 0; i < 60_000; i++) {
    const bytes = mutate(random, golden[below(random, golden.length)]!);
    balance.spoof(victim, bytes, addresses[below(random, addresses.length)]!);
  }
  world.run(60_000);
  assert.ok(balance.worst() <= 0, `seed 11: ${balance.worst()} bytes too many`);
  const { drops } = victim.machine.snapshot();
  for (const reason of ["no_token", "over_budget", "wrong_size", "unasked"]) {
    assert.ok(drops[reason]! > 0, reason);
  }
});

Deno.test("[T1] a hello's answer is as long for whoever asks, and its budget is counted for each network alone", () => {
  const { world, victim } = createVictim();
  let answered = 0;
  world.tap = (bytes, from) => {
    if (from === victim.address) answered += bytes.length;
    return true;
  };
  const flood = (network: number) => {
    for (let i = 0; i < 1_000; i++) {
      const from = { host: `40.0.${network}.${i & 255}`, port: 1_000 + i };
      victim.input({
        kind: "datagram",
        bytes: helloPacket(world.random.bytes(32), world.random.bytes(16)),
        from,
      });
    }
  };
  flood(1);
  assert.equal(answered, 32 * 66);
  flood(1);
  assert.equal(answered, 32 * 66, "the network has used up what it gets");
  flood(2);
  assert.equal(answered, 64 * 66, "another one has not");
  world.run(1_000);
  answered = 0;
  flood(1);
  assert.equal(answered, 10 * 66, "ten a second");
});

function mutate(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  switch (below(random, 4)) {
    case 0:
      changed[below(random, bytes.length)]! ^= 1 << below(random, 8);
      return changed;
    case 1:
      return changed.subarray(0, below(random, bytes.length));
    case 2:
      return concat(changed, random.bytes(1 + below(random, 64)));
    default:
      return changed;
  }
}
