/**
 * T28: an outsider guesses an answer. It knows who asks whom, when, from where and under which keys; it
 * does not know the random 16 bytes of a request, and cannot receive at the address that is asked. So an
 * answer counts only with the id (or nonce) of a request under way, from its exact source, under its key.
 */

import assert from "node:assert/strict";
import { createLightCrypto } from "../../lib/sim/light_crypto.ts";
import type { Address } from "../../lib/base/ports.ts";
import { below, SeededRandom } from "../../lib/base/random.ts";
import { keyPacket, openPacket, PacketType, tokenPacket } from "../../lib/names/datagram.ts";
import { decodeRequest, encodeResponse } from "../../lib/names/messages.ts";
import { NamesWorld, type SimPeer } from "../sim/names_world.ts";
import { found, HostileContact, ownToken } from "./kit/hostile_contact.ts";

const guesses = 2_000;

/** A peer that asks a contact, which stays silent; what it sent, as only the two of them know it. */
function createAsking(step: "hello" | "request"): {
  world: NamesWorld;
  peer: SimPeer;
  asked: HostileContact;
  outsider: HostileContact;
} {
  const world = new NamesWorld({ seed: 28, latencyMs: [10, 10], crypto: createLightCrypto() });
  const peer = world.addPeer();
  const asked = new HostileContact(world, { host: "23.0.0.1", port: 9 });
  asked.tellsKey = step === "request";
  const outsider = new HostileContact(world, { host: "24.0.0.1", port: 9 });
  peer.call({ kind: "bootstrap", addresses: [asked.address] });
  world.run(200);
  assert.equal(asked.heard.at(-1)?.packet?.type, PacketType[step]);
  return { world, peer, asked, outsider };
}

/** The id of the request that a contact was sent last. */
function requestIdAt(asked: HostileContact, peer: SimPeer): Uint8Array {
  const request = asked.heard.at(-1)!.packet!;
  assert.ok(request.type === PacketType.request);
  const { receiveKey } = asked.pairWith(keyOf(peer));
  const { nonce, header, ciphertext } = request;
  const decoded = decodeRequest(peer.world.crypto.aead.open(receiveKey, nonce, header, ciphertext)!);
  assert.ok(decoded.ok);
  return decoded.message.id;
}

function keyOf(peer: SimPeer): Uint8Array {
  return Uint8Array.fromHex(peer.machine.snapshot().key);
}

/** What the peer did about a datagram: how many it sent. */
function provoked(peer: SimPeer, bytes: Uint8Array, from: Address): number {
  const effects = peer.machine.handle({ kind: "datagram", bytes, from }, peer.world.now());
  return effects.filter(({ kind }) => kind === "send").length;
}

function dropsOf(peer: SimPeer): number {
  return Object.values(peer.machine.snapshot().drops).reduce((sum, count) => sum + count, 0);
}

Deno.test(`[T28] ${guesses} guessed nonces bring a peer no key, and the right one from any other source neither`, () => {
  const { peer, asked, outsider } = createAsking("hello");
  const random = new SeededRandom(1);
  const hello = asked.heard[0]!.packet!;
  assert.ok(hello.type === PacketType.hello);
  for (let i = 0; i < guesses; i++) {
    const nonce = random.bytes(16);
    if (i % 2 === 0) nonce.set(hello.nonce.subarray(0, 15)); // nearly right
    if (nonce[15] === hello.nonce[15]) nonce[15]! ^= 1;
    assert.equal(provoked(peer, keyPacket(nonce, outsider.key, ownToken), asked.address), 0);
  }
  const { host, port } = asked.address;
  const elsewhere = [{ host, port: port + 1 }, { host: "23.0.0.2", port }, outsider.address, peer.address];
  for (const from of elsewhere) {
    assert.equal(provoked(peer, keyPacket(hello.nonce, outsider.key, ownToken), from), 0);
  }
  assert.equal(dropsOf(peer), guesses + elsewhere.length);
  assert.equal(
    provoked(peer, keyPacket(hello.nonce, asked.key, ownToken), asked.address),
    1,
    "the right one",
  );
  assert.equal(provoked(peer, keyPacket(hello.nonce, asked.key, ownToken), asked.address), 0, "only once");
});

Deno.test(`[T28] ${guesses} guessed answers settle no request, nor does the right one from elsewhere or under another key`, () => {
  const { peer, asked, outsider } = createAsking("request");
  const random = new SeededRandom(2);
  const id = requestIdAt(asked, peer);
  const options = { type: PacketType.response, token: ownToken } as const;
  const before = peer.machine.snapshot();
  const refused = (bytes: Uint8Array, from: Address) => {
    assert.equal(provoked(peer, bytes, from), 0);
    const { contacts, requests } = peer.machine.snapshot();
    assert.deepEqual({ contacts, requests }, { contacts: before.contacts, requests: before.requests });
  };
  for (let i = 0; i < guesses; i++) {
    const guess = id.slice();
    guess[below(random, 16)]! ^= 1 + below(random, 255);
    const answer = found(i % 2 === 0 ? guess : random.bytes(16), [outsider.contact]);
    // By the one that was asked itself: knowing the keys is not enough.
    if (i % 4 < 2) refused(asked.seal(keyOf(peer), answer, options), asked.address);
    else refused(outsider.seal(keyOf(peer), answer, { ...options, sender: asked.key }), asked.address);
  }
  const right = found(id, []);
  const byAsked = asked.seal(keyOf(peer), right, options);
  refused(byAsked, outsider.address);
  refused(byAsked, { ...asked.address, port: asked.address.port + 1 });
  refused(outsider.seal(keyOf(peer), right, options), asked.address); // another key
  refused(outsider.seal(keyOf(peer), right, { ...options, sender: asked.key }), asked.address);
  const otherKinds = [
    encodeResponse({ id, body: { kind: "pong" } }),
    encodeResponse({ id, body: { kind: "stored", verdict: 0 } }),
    encodeResponse({ id, body: { kind: "answer", registration: null, bytes: null } }),
  ];
  for (const other of otherKinds) refused(asked.seal(keyOf(peer), other, options), asked.address);
  peer.input({ kind: "datagram", bytes: byAsked, from: asked.address });
  assert.equal(peer.machine.snapshot().contacts.length, 1, "the right one");
});

Deno.test("[T28] a contact that is asked something itself cannot answer for another, whose request's id it knows", () => {
  const world = new NamesWorld({ seed: 30, latencyMs: [10, 10] });
  const peer = world.addPeer();
  const asked = new HostileContact(world, { host: "23.0.0.1", port: 9 });
  const other = new HostileContact(world, { host: "24.0.0.1", port: 9 });
  peer.call({ kind: "bootstrap", addresses: [asked.address, other.address] });
  world.run(200);
  const options = { type: PacketType.response, token: ownToken } as const;
  const before = peer.machine.snapshot();
  const stolen = other.seal(keyOf(peer), found(requestIdAt(asked, peer), [other.contact]), options);
  assert.equal(provoked(peer, stolen, other.address), 0);
  const { contacts, requests, drops } = peer.machine.snapshot();
  assert.deepEqual({ contacts, requests, drops }, {
    contacts: [],
    requests: before.requests,
    drops: { ...before.drops, unasked: (before.drops["unasked"] ?? 0) + 1 },
  });
  const own = other.seal(keyOf(peer), found(requestIdAt(other, peer), []), options);
  peer.input({ kind: "datagram", bytes: own, from: other.address });
  assert.deepEqual(peer.machine.snapshot().contacts.map(({ key }) => key), [other.contact.keyHex]);
});

Deno.test("[T28] a guessed nonce of a packet brings nobody a token, and an old one is not taken again", () => {
  const { world, peer, asked } = createAsking("request");
  const random = new SeededRandom(3);
  const first = asked.heard.at(-1)!.packet!;
  assert.ok(first.type === PacketType.request);
  for (let i = 0; i < guesses; i++) {
    assert.equal(provoked(peer, tokenPacket(random.bytes(12), ownToken), asked.address), 0);
  }
  assert.equal(provoked(peer, tokenPacket(first.nonce, ownToken), { ...asked.address, port: 8 }), 0);
  assert.equal(provoked(peer, tokenPacket(first.nonce, ownToken), asked.address), 1, "the right one");
  assert.equal(provoked(peer, tokenPacket(first.nonce, ownToken), asked.address), 0, "only once");
  world.run(20_000);
  const { requests, state } = peer.machine.snapshot();
  assert.deepEqual({ requests, state }, { requests: 0, state: "alone" });
});

Deno.test("[T28] no two of 5,000 requests, hellos and datagrams share an id or a nonce", () => {
  const world = new NamesWorld({ seed: 29, latencyMs: [5, 30], crypto: createLightCrypto() });
  const seen = new Set<string>();
  let sent = 0;
  world.tap = (bytes) => {
    const opened = openPacket(bytes);
    assert.ok(opened.ok);
    if (opened.packet.type === PacketType.key || opened.packet.type === PacketType.token) return true;
    sent++;
    seen.add(opened.packet.nonce.toHex());
    return true;
  };
  world.populate(20);
  for (let i = 0; sent < 5_000; i++) {
    world.peers[i % 20]!.wait({ kind: "resolve", authority: null, classifier: `${i}`, resultsMax: 1 });
  }
  assert.equal(seen.size, sent);
});
