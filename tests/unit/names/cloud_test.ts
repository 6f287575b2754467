import assert from "node:assert/strict";
import type { Address } from "../../../lib/base/ports.ts";
import { createContact, packHint } from "../../../lib/names/contact.ts";
import {
  helloPacket,
  keyPacket,
  openPacket,
  PacketType,
  PairKeyCache,
  sealPacket,
  tokenPacket,
} from "../../../lib/names/datagram.ts";
import { classifierHash, cloudId, nameKey } from "../../../lib/names/id_space.ts";
import {
  decodeRequest,
  encodeFound,
  encodeRequest,
  encodeResponse,
  type RequestBody,
} from "../../../lib/names/messages.ts";
import { sealRegistration } from "../../../lib/names/registration.ts";
import { contentOf, crypto, NamesWorld, resolvedOf, signerOf, type SimPeer } from "../../sim/names_world.ts";

const cloud = cloudId(crypto, "test");
const chat = { authority: null, classifier: "chat" };
const steady = { latencyMs: [10, 10] as const };

/** What a hostile participant answers to a request; `null` for nothing. */
type Answer = (body: RequestBody, id: Uint8Array) => Uint8Array | null;

/** A participant whose every answer the test makes: it holds keys and sends what it likes. */
function addRogue(world: NamesWorld, address: Address, answer: Answer): { readonly key: Uint8Array } {
  const secretKey = world.random.bytes(32);
  const key = crypto.x25519.publicKey(secretKey);
  const pairs = new PairKeyCache(crypto, cloud, secretKey);
  const token = new Uint8Array(16);
  world.addListener(address, (bytes, from) => {
    const opened = openPacket(bytes);
    assert.ok(opened.ok);
    const { packet } = opened;
    if (packet.type === PacketType.hello) world.send(keyPacket(packet.nonce, key, token), address, from);
    if (packet.type !== PacketType.request) return;
    const keys = pairs.with(packet.sender)!;
    const plaintext = crypto.aead.open(keys.receiveKey, packet.nonce, packet.header, packet.ciphertext)!;
    const decoded = decodeRequest(plaintext);
    assert.ok(decoded.ok);
    const response = answer(decoded.message.body, decoded.message.id);
    if (response === null) return;
    const nonce = world.random.bytes(12);
    const sealed = sealPacket(crypto, PacketType.response, key, token, nonce, keys.sendKey, response);
    world.send(sealed, address, from);
  });
  return { key };
}

function joined(world: NamesWorld, first: SimPeer): SimPeer {
  const peer = world.addPeer();
  peer.wait({ kind: "bootstrap", addresses: [first.address] });
  world.run(1_000);
  return peer;
}

Deno.test("[N27] a cloud without socket, alone, synchronising and active shows it", () => {
  const world = new NamesWorld(steady);
  const a = world.addPeer();
  assert.equal(a.machine.state, "alone");
  const b = world.addPeer();
  b.call({ kind: "bootstrap", addresses: [a.address] });
  assert.equal(b.machine.state, "synchronising");
  world.run(1_000);
  assert.equal(b.machine.state, "active");
  assert.equal(a.machine.state, "active");
  assert.deepEqual(b.events.map((event) => event.kind === "state" && event.state), [
    "alone",
    "synchronising",
    "active",
  ]);
  b.input({ kind: "network", isUp: false });
  assert.equal(b.machine.state, "no_network");
});

Deno.test("[N27] nobody to ask, nobody who answers and nobody who publishes are told apart", () => {
  const world = new NamesWorld(steady);
  const a = world.addPeer();
  const request = { kind: "resolve", ...chat, resultsMax: 32 } as const;
  const codeOf = (peer: SimPeer) => {
    const end = peer.wait(request);
    return "code" in end ? end.code : null;
  };
  assert.equal(codeOf(a), "no_contacts");
  const b = joined(world, a);
  assert.equal(codeOf(b), "name_not_found");
  a.crash();
  assert.equal(codeOf(b), "no_contacts");
});

Deno.test("a peer that lost all contacts finds them again by itself", () => {
  const world = new NamesWorld(steady);
  const a = world.addPeer();
  const b = joined(world, a);
  a.isUp = false;
  for (let i = 0; i < 3; i++) b.wait({ kind: "resolve", ...chat, resultsMax: 1 });
  assert.equal(b.machine.state, "alone");
  a.isUp = true;
  assert.ok(world.runUntil(() => b.machine.state === "active", 120_000));
});

Deno.test("what was registered alone is published when contacts come", () => {
  const world = new NamesWorld(steady);
  const a = world.addPeer();
  const end = a.wait({ kind: "register", ...chat, signer: signerOf(1), content: contentOf() });
  assert.ok("result" in end && end.result.kind === "published" && end.result.holders === 0);
  const b = joined(world, a);
  assert.equal(b.machine.snapshot().held, 1);
});

Deno.test("who comes later holds what is published, without waiting for it to be refreshed", () => {
  const world = new NamesWorld(steady);
  const a = world.addPeer();
  joined(world, a);
  a.wait({ kind: "register", ...chat, signer: signerOf(1), content: contentOf() });
  assert.equal(joined(world, a).machine.snapshot().held, 1);
});

Deno.test("[T18] datagrams from outside the scope of the cloud are not looked at", () => {
  const world = new NamesWorld(steady);
  const a = world.addPeer();
  const hello = helloPacket(crypto.x25519.publicKey(world.random.bytes(32)), world.random.bytes(16));
  for (const host of ["127.0.0.1", "192.168.0.1", "169.254.0.1", "224.0.0.1"]) {
    const from = { host, port: 9 };
    assert.deepEqual(a.machine.handle({ kind: "datagram", bytes: hello, from }, world.now()), []);
  }
  const from = { host: "23.0.0.1", port: 9 };
  assert.equal(a.machine.handle({ kind: "datagram", bytes: hello, from }, world.now()).length, 1);
});

Deno.test("[N13] holders have the registration and not the payload, which comes from its publisher", () => {
  const world = new NamesWorld(steady);
  const a = world.addPeer();
  const [b, c] = [joined(world, a), joined(world, a)];
  const payload = new Uint8Array(4_096).fill(7);
  a.wait({ kind: "register", ...chat, signer: signerOf(1), content: contentOf({ payload }) });
  let toC = 0;
  world.tap = (bytes, from) => {
    if (from === b.address) toC += bytes.length;
    return true;
  };
  const summary = resolvedOf(c.wait({ kind: "resolve", ...chat, resultsMax: 32 }));
  assert.deepEqual(summary.found.map((found) => found.payload), [payload]);
  assert.ok(toC < 2_000, "a holder sent no payload");
  a.crash();
  const again = resolvedOf(c.wait({ kind: "resolve", ...chat, resultsMax: 32 }));
  assert.deepEqual(again.found.map(({ verified, payload }) => ({ verified, payload })), [
    { verified: false, payload: null },
  ]);
});

Deno.test("[N12] a payload that is not the one of its digest is not shown", () => {
  const world = new NamesWorld(steady);
  const a = world.addPeer();
  const classifier = classifierHash(crypto, "chat");
  const signer = signerOf(3);
  let registration: Uint8Array | null = null;
  const rogue = addRogue(world, { host: "21.0.0.1", port: 9 }, (body, id) => {
    if (body.kind === "find") return encodeFound(id, [], [[registration!, new Uint8Array(0)]], 1);
    if (body.kind === "ping") return encodeResponse({ id, body: { kind: "pong" } });
    return encodeResponse({
      id,
      body: { kind: "answer", registration, bytes: new TextEncoder().encode("altered") },
    });
  });
  registration = sealRegistration(crypto, cloud, signer, {
    nameKey: nameKey(crypto, cloud, signer.publicKey, classifier),
    authority: signer.publicKey,
    classifier,
    signer: signer.publicKey,
    publisher: rogue.key,
    seq: 1,
    expires: world.now().wallMs + 3_600_000,
    body: {
      endpoints: [],
      comment: "",
      payload: { digest: crypto.sha256(new TextEncoder().encode("genuine")), length: 7, kind: 1 },
    },
  }).bytes;
  a.wait({ kind: "bootstrap", addresses: [{ host: "21.0.0.1", port: 9 }] });
  const request = {
    kind: "resolve",
    authority: signer.publicKey,
    classifier: "chat",
    resultsMax: 32,
  } as const;
  const summary = resolvedOf(a.wait(request));
  assert.deepEqual(summary.found.map(({ verified, payload }) => ({ verified, payload })), [
    { verified: false, payload: null },
  ]);
});

Deno.test("[T54] a publisher's later word that the name is no more, shown while its payload comes, ends the find", () => {
  const world = new NamesWorld(steady);
  const a = world.addPeer();
  const classifier = classifierHash(crypto, "chat");
  const signer = signerOf(3);
  const [first, second] = [{ host: "21.0.0.1", port: 9 }, { host: "22.0.0.1", port: 9 }];
  const stated = new Map<number, Uint8Array>();
  const asked = new Set<number>();
  const holder = addRogue(world, second, (body, id) => {
    if (body.kind !== "find") return encodeResponse({ id, body: { kind: "pong" } });
    return asked.size === 0 ? null : encodeFound(id, [], [[stated.get(2)!, new Uint8Array(0)]], 1);
  });
  const hint = packHint(createContact(crypto, cloud, holder.key, [second]));
  const publisher = addRogue(world, first, (body, id) => {
    if (body.kind === "find") return encodeFound(id, [hint], [[stated.get(1)!, new Uint8Array(0)]], 1);
    if (body.kind !== "inquire") return encodeResponse({ id, body: { kind: "pong" } });
    // Each part is answered when it is asked for again, after the holder has had its say.
    if (body.part > 0 && !asked.has(body.part)) {
      asked.add(body.part);
      return null;
    }
    const registration = body.part === 0 ? stated.get(1)! : null;
    const bytes = body.part === 0 ? null : new Uint8Array(1_000);
    return encodeResponse({ id, body: { kind: "answer", registration, bytes } });
  });
  const payload = { digest: crypto.sha256(new Uint8Array(2_000)), length: 2_000, kind: 1 } as const;
  for (const [seq, body] of [[1, { endpoints: [], comment: "", payload }], [2, null]] as const) {
    const name = { nameKey: nameKey(crypto, cloud, signer.publicKey, classifier), classifier, seq, body };
    const by = { authority: signer.publicKey, signer: signer.publicKey, publisher: publisher.key };
    const expires = world.now().wallMs + 3_600_000;
    stated.set(seq, sealRegistration(crypto, cloud, signer, { ...name, ...by, expires }).bytes);
  }
  a.wait({ kind: "bootstrap", addresses: [first] });
  const end = a.wait({ kind: "resolve", authority: signer.publicKey, classifier: "chat", resultsMax: 32 });
  assert.equal("code" in end && end.code, "name_not_found");
  assert.equal(asked.size, 2);
});

Deno.test("[N19] what a stranger signs under a secured name is neither held nor shown", () => {
  const world = new NamesWorld(steady);
  const a = world.addPeer();
  const victim = signerOf(1).publicKey;
  const stranger = { publicKey: victim, sign: signerOf(2).sign };
  const classifier = classifierHash(crypto, "chat");
  let forged: Uint8Array | null = null;
  const rogue = addRogue(world, { host: "21.0.0.1", port: 9 }, (body, id) => {
    if (body.kind === "find") return encodeFound(id, [], [[forged!, new Uint8Array(0)]], 1);
    return encodeResponse({ id, body: { kind: "answer", registration: forged, bytes: null } });
  });
  forged = sealRegistration(crypto, cloud, stranger, {
    nameKey: nameKey(crypto, cloud, victim, classifier),
    authority: victim,
    classifier,
    signer: victim,
    publisher: rogue.key,
    seq: 1,
    expires: world.now().wallMs + 3_600_000,
    body: { endpoints: [], comment: "not me", payload: null },
  }).bytes;
  a.wait({ kind: "bootstrap", addresses: [{ host: "21.0.0.1", port: 9 }] });
  const end = a.wait({ kind: "resolve", authority: victim, classifier: "chat", resultsMax: 32 });
  assert.equal("code" in end && end.code, "name_not_found");
  const b = joined(world, a);
  b.wait({
    kind: "register",
    authority: victim,
    classifier: "chat",
    signer: stranger,
    content: contentOf(),
  });
  assert.equal(a.machine.snapshot().held, 0);
});

Deno.test("nobody stores a registration in another publisher's place", () => {
  const world = new NamesWorld(steady);
  const [a, b] = [world.addPeer(), world.addPeer()];
  const victim = joined(world, a);
  victim.wait({ kind: "register", ...chat, signer: signerOf(1), content: contentOf({ comment: "genuine" }) });
  const classifier = classifierHash(crypto, "chat");
  const forged = sealRegistration(crypto, cloud, signerOf(2), {
    nameKey: nameKey(crypto, cloud, null, classifier),
    authority: null,
    classifier,
    signer: signerOf(2).publicKey,
    publisher: Uint8Array.fromHex(victim.machine.snapshot().key),
    seq: 1, // lower than the victim's, whose own statement would seem to be the newer one
    expires: world.now().wallMs + 3_600_000,
    body: { endpoints: [], comment: "squatter", payload: null },
  }).bytes;
  addRogue(world, { host: "21.0.0.1", port: 9 }, (body, id) => {
    if (body.kind === "find") return encodeFound(id, [], [[forged, new Uint8Array(0)]], 1);
    return encodeResponse({ id, body: { kind: "pong" } });
  });
  b.wait({ kind: "bootstrap", addresses: [a.address, { host: "21.0.0.1", port: 9 }] });
  const summary = resolvedOf(b.wait({ kind: "resolve", ...chat, resultsMax: 32 }));
  assert.deepEqual(summary.found.map((found) => found.statement.body!.comment), ["genuine"]);
});

/** Has a stranger with real keys and a real token send one request, and returns what came back sealed. */
function sendRequest(world: NamesWorld, to: SimPeer, secretKey: Uint8Array, body: RequestBody): number {
  const address = { host: "23.0.0.1", port: 9 };
  const key = crypto.x25519.publicKey(secretKey);
  const keys = new PairKeyCache(crypto, cloud, secretKey).with(
    Uint8Array.fromHex(to.machine.snapshot().key),
  )!;
  let responses = 0;
  world.addListener(address, (bytes) => {
    const opened = openPacket(bytes);
    assert.ok(opened.ok);
    if (opened.packet.type === PacketType.response) responses++;
    if (opened.packet.type !== PacketType.key) return;
    const plaintext = encodeRequest({ id: world.random.bytes(16), body });
    const nonce = world.random.bytes(12);
    const { token } = opened.packet;
    const sealed = sealPacket(crypto, PacketType.request, key, token, nonce, keys.sendKey, plaintext);
    world.send(sealed, address, to.address);
  });
  world.send(helloPacket(key, world.random.bytes(16)), address, to.address);
  world.run(1_000);
  return responses;
}

Deno.test("[T24] a holder takes a registration from its publisher alone", () => {
  const world = new NamesWorld(steady);
  const a = world.addPeer();
  const classifier = classifierHash(crypto, "chat");
  const [own, other] = [world.random.bytes(32), world.random.bytes(32)];
  const registration = sealRegistration(crypto, cloud, signerOf(2), {
    nameKey: nameKey(crypto, cloud, null, classifier),
    authority: null,
    classifier,
    signer: signerOf(2).publicKey,
    publisher: crypto.x25519.publicKey(own),
    seq: 1,
    expires: world.now().wallMs + 3_600_000,
    body: { endpoints: [], comment: "", payload: null },
  }).bytes;
  assert.equal(sendRequest(world, a, other, { kind: "store", registration }), 1);
  assert.equal(a.machine.snapshot().held, 0);
  assert.equal(sendRequest(world, a, own, { kind: "store", registration }), 1);
  assert.equal(a.machine.snapshot().held, 1);
});

Deno.test("[T22] contacts that others name enter the table only once they answer", () => {
  const world = new NamesWorld(steady);
  const a = world.addPeer();
  addRogue(world, { host: "21.0.0.1", port: 9 }, (body, id) => {
    if (body.kind !== "find") return null;
    const hints = Array.from({ length: 20 }, (_, i) =>
      packHint(
        createContact(crypto, cloud, world.random.bytes(32), [{ host: `22.0.${i}.1`, port: 9 }]),
      ));
    return encodeFound(id, hints, [], 0);
  });
  a.wait({ kind: "bootstrap", addresses: [{ host: "21.0.0.1", port: 9 }] });
  world.run(60_000);
  assert.equal(a.machine.snapshot().contacts.length, 1);
  assert.equal(a.machine.snapshot().searches, 0);
});

Deno.test("[T28] a response counts only from its exact source, with its key and id", () => {
  const world = new NamesWorld(steady);
  const a = world.addPeer();
  let forge: (id: Uint8Array) => Uint8Array = (id) => id;
  addRogue(world, { host: "21.0.0.1", port: 9 }, (_, id) => encodeFound(forge(id), [], [], 0));
  forge = (id) => id.with(15, id[15]! ^ 1);
  a.wait({ kind: "bootstrap", addresses: [{ host: "21.0.0.1", port: 9 }] });
  assert.equal(a.machine.snapshot().contacts.length, 0);
  assert.ok(a.machine.snapshot().drops["unasked"]! >= 3);
});

Deno.test("[T2] a token is taken once for each request of ours: a peer that only gives tokens starts no loop", () => {
  const world = new NamesWorld(steady);
  const a = world.addPeer();
  const address = { host: "21.0.0.1", port: 9 };
  const key = crypto.x25519.publicKey(world.random.bytes(32));
  world.addListener(address, (bytes, from) => {
    const opened = openPacket(bytes);
    assert.ok(opened.ok);
    const { packet } = opened;
    if (packet.type === PacketType.hello) {
      world.send(keyPacket(packet.nonce, key, new Uint8Array(16)), address, from);
    } else if (packet.type === PacketType.request) {
      world.send(tokenPacket(packet.nonce, world.random.bytes(16)), address, from);
    }
  });
  a.call({ kind: "bootstrap", addresses: [address] });
  const before = world.datagrams;
  world.runUntil(() => a.machine.state === "alone", 10_000);
  assert.ok(world.datagrams - before <= 20, `${world.datagrams - before} datagrams`);
});

Deno.test("[N23] a cancelled resolve says nothing more and asks nothing more", () => {
  const world = new NamesWorld(steady);
  const a = world.addPeer();
  const b = joined(world, a);
  a.wait({ kind: "register", ...chat, signer: signerOf(1), content: contentOf() });
  const before = b.events.length;
  const call = b.call({ kind: "resolve", ...chat, resultsMax: 32 });
  b.input({ kind: "cancel", call });
  world.run(20_000);
  assert.equal(b.ends.has(call), false);
  assert.equal(b.events.length, before);
  assert.equal(b.machine.snapshot().resolves, 0);
});

Deno.test("a bootstrap outside the scope of the cloud is refused", () => {
  const world = new NamesWorld(steady);
  const end = world.addPeer().wait({ kind: "bootstrap", addresses: [{ host: "127.0.0.1", port: 1 }] });
  assert.equal("code" in end && end.code, "invalid_address");
});

Deno.test("of several addresses to start from one that answers is enough, and a dead one delays little", () => {
  const world = new NamesWorld(steady);
  const a = world.addPeer();
  const b = world.addPeer();
  const startMs = world.nowMs;
  b.wait({ kind: "bootstrap", addresses: [{ host: "21.0.0.1", port: 9 }, a.address] });
  assert.equal(b.machine.state, "active");
  assert.ok(world.nowMs - startMs < 300);
});

Deno.test("addresses that are given while others are being asked are asked too, before the call ends", () => {
  const world = new NamesWorld(steady);
  const [a, b, c] = [world.addPeer(), world.addPeer(), world.addPeer()];
  c.call({ kind: "bootstrap", addresses: [a.address] });
  const end = c.wait({ kind: "bootstrap", addresses: [b.address] });
  assert.ok("result" in end && end.result.kind === "bootstrapped" && end.result.contacts === 2);
});

Deno.test("a peer that starts from itself stays alone", () => {
  const world = new NamesWorld(steady);
  const a = world.addPeer();
  const end = a.wait({ kind: "bootstrap", addresses: [a.address] });
  assert.ok("result" in end && end.result.kind === "bootstrapped" && end.result.contacts === 0);
  assert.equal(a.machine.state, "alone");
});

Deno.test("peers of different clouds do not mix", () => {
  const world = new NamesWorld(steady);
  const a = world.addPeer();
  const b = world.addPeer({ cloud: "another" });
  b.wait({ kind: "bootstrap", addresses: [a.address] });
  assert.equal(b.machine.snapshot().contacts.length, 0);
  assert.equal(a.machine.snapshot().contacts.length, 0);
});
