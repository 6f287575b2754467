/**
 * T7: what is flipped, cut or lengthened on the way, or made up by who holds the keys. Outside the seal
 * any change is refused by the AEAD; inside it a message is taken only in its one encoding.
 *
 * Handshake messages are turned byte by byte in `links_open_test.ts`; blind mutation of everything at its
 * full size is `deno task test:slow`.
 */

import assert from "node:assert/strict";
import { concat, hex } from "../../lib/base/bytes.ts";
import { createLightCrypto } from "../../lib/sim/light_crypto.ts";
import { below, SeededRandom } from "../../lib/base/random.ts";
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type RequestBody,
} from "../../lib/names/messages.ts";
import { PacketType } from "../../lib/names/datagram.ts";
import { packHint } from "../../lib/names/contact.ts";
import { decodeLinkMessage, encodeLinkMessage, type LinkMessage } from "../../lib/peer/link_messages.ts";
import { FrameOpener, FrameSealer } from "../../lib/wire/frames.ts";
import { NamesWorld, signerOf } from "../sim/names_world.ts";
import { worldTest } from "../unit/peer/link_world.ts";
import { contactOf, found, HostileContact, ownToken } from "./kit/hostile_contact.ts";
import { framed, HostileLink, segment } from "./kit/hostile_link.ts";

const crypto = createLightCrypto();
const key = new Uint8Array(32).fill(7);

/** Every flipped bit, every cut and 64 lengthenings. */
function* changesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    yield flipped;
  }
  for (let length = 0; length < bytes.length; length++) yield bytes.slice(0, length);
  for (let extra = 1; extra <= 64; extra++) yield concat(bytes, new Uint8Array(extra).fill(extra));
}

const linkMessages: readonly LinkMessage[] = [
  {
    kind: "hello",
    endpoints: [{ transport: "tcp", address: { host: "20.0.0.1", port: 80 } }],
    wallMs: 1e12,
    agent: "x",
  },
  { kind: "ping" },
  { kind: "pong" },
  { kind: "open", channel: 1, tag: new Uint8Array(16) },
  { kind: "answer", channel: 2_000, answer: "unknown" },
  { kind: "close", channel: 70_000 },
  { kind: "data", channel: 24, bytes: new Uint8Array(30) },
  { kind: "data", channel: 2 ** 31 - 1, bytes: new Uint8Array(300) },
  { kind: "bye", reason: "too_many" },
];

Deno.test("[T7] every change of a frame is refused, or is a frame whose rest has not come", () => {
  const frame = new FrameSealer(crypto, key).seal([new Uint8Array(40).fill(1)]);
  for (const changed of changesOf(frame)) {
    const opener = new FrameOpener(crypto, key);
    const { messages, reject } = opener.push(changed);
    if (reject === undefined && messages.length > 0) {
      // Lengthened: the frame is whole, and what follows it is the beginning of another.
      assert.equal(hex(changed.subarray(0, frame.length)), hex(frame));
    } else if (reject === undefined) assert.ok(opener.midway || changed.length === 0);
  }
});

Deno.test("[T7] every change of a link message that is taken at all is another message in its one encoding", () => {
  let taken = 0;
  for (const message of linkMessages) {
    const bytes = encodeLinkMessage(message);
    assert.deepEqual(decodeLinkMessage(bytes), { ok: true, message });
    for (const changed of changesOf(bytes)) {
      const decoded = decodeLinkMessage(changed);
      if (!decoded.ok) continue;
      taken++;
      // Of a hello, endpoints of an unknown transport are passed over; of a goodbye, an unknown reason.
      if (decoded.message.kind === "hello" || decoded.message.kind === "bye") continue;
      assert.equal(hex(encodeLinkMessage(decoded.message)), hex(changed));
    }
  }
  assert.ok(taken > 100);
});

Deno.test("[T7] every change of a request or response inside its seal is refused, or another in its one encoding", () => {
  const world = new NamesWorld({ seed: 7, crypto });
  const hostile = new HostileContact(world, { host: "23.0.0.1", port: 9 });
  const id = new Uint8Array(16).fill(3);
  const registration = hostile.statement({ signer: signerOf(1, crypto) });
  const bodies: RequestBody[] = [
    { kind: "ping" },
    { kind: "find", target: key, offset: 7 },
    { kind: "store", registration },
    { kind: "inquire", nameKey: key, part: 4 },
  ];
  for (const body of bodies) {
    for (const changed of changesOf(encodeRequest({ id, body }))) {
      const decoded = decodeRequest(changed);
      if (decoded.ok) assert.equal(hex(encodeRequest(decoded.message)), hex(changed));
    }
  }
  const responses = [
    encodeResponse({ id, body: { kind: "pong" } }),
    encodeResponse({ id, body: { kind: "stored", verdict: 2 } }),
    encodeResponse({ id, body: { kind: "answer", registration, bytes: key } }),
    found(id, [hostile.contact], [[registration, packHint(hostile.contact).subarray(33)]], 9),
  ];
  for (const response of responses) {
    assert.ok(decodeResponse(response).ok);
    for (const changed of changesOf(response)) {
      const decoded = decodeResponse(changed);
      if (!decoded.ok || decoded.message.body.kind === "found") continue;
      assert.equal(hex(encodeResponse({ ...decoded.message, body: decoded.message.body })), hex(changed));
    }
  }
});

Deno.test("[T7] 20,000 plaintexts of a contact that holds the keys, changed at will, leave a machine working", () => {
  const world = new NamesWorld({ seed: 8, latencyMs: [1, 1], crypto });
  const peer = world.addPeer();
  const hostile = new HostileContact(world, { host: "23.0.0.1", port: 9 });
  hostile.ask(peer.address, { kind: "ping" });
  world.run(1_000);
  const random = new SeededRandom(8);
  const id = random.bytes(16);
  const golden = [
    encodeRequest({ id, body: { kind: "find", target: key, offset: 0 } }),
    encodeRequest({
      id,
      body: { kind: "store", registration: hostile.statement({ signer: signerOf(1, crypto) }) },
    }),
    encodeRequest({ id, body: { kind: "inquire", nameKey: key, part: 1 } }),
    found(id, [hostile.contact], [], 0),
  ];
  const { key: peerKey } = contactOf(peer);
  for (let i = 0; i < 20_000; i++) {
    const plaintext = golden[below(random, golden.length)]!.slice();
    for (let n = below(random, 4); n >= 0; n--) {
      plaintext[below(random, plaintext.length)] = below(random, 256);
    }
    const type = below(random, 2) === 0 ? PacketType.request : PacketType.response;
    const token = hostile.tokenFrom(peer.address) ?? ownToken;
    const cut = below(random, 8) === 0
      ? plaintext.subarray(0, 1 + below(random, plaintext.length))
      : plaintext;
    peer.input({
      kind: "datagram",
      bytes: hostile.seal(peerKey, cut, { type, token }),
      from: hostile.address,
    });
  }
  world.run(60_000);
  hostile.answers.length = 0;
  hostile.ask(peer.address, { kind: "ping" });
  world.run(1_000);
  assert.equal(hostile.answers.length, 1, "seed 8: it still answers");
  const { drops, requests, searches } = peer.machine.snapshot();
  assert.ok(drops["not_a_message"]! > 100 && drops["unasked"]! > 1_000);
  assert.deepEqual({ requests, searches }, { requests: 0, searches: 0 });
});

worldTest(
  "[T7] 400 links of a peer that holds the keys and seals whatever it likes end alone, and no other with them",
  async (world) => {
    const victim = await world.peer(1);
    const honest = await world.peer(2);
    const standing = await world.connect(honest, victim);
    const random = new SeededRandom(9);
    for (let i = 0; i < 400; i++) {
      const link = await world.within(HostileLink.dial(world, "20.0.0.1", victim.home, 100));
      assert.ok(await world.within(link!.handshake()));
      let isOpen = true;
      link!.drain().then(() => isOpen = false);
      const message = encodeLinkMessage(linkMessages[i % linkMessages.length]!);
      const plaintext = segment(message);
      for (let n = below(random, 3); n > 0; n--) {
        plaintext[below(random, plaintext.length)] = below(random, 256);
      }
      await world.within(link!.write(link!.frameOf(plaintext)));
      // Then a frame again, one under a nonce that was used, or none at all.
      if (i % 3 === 0) await world.within(link!.write(link!.wrote.at(-1)!));
      if (i % 3 === 1) await world.within(link!.write(framed(random.bytes(40))));
      if (i % 3 === 2) link!.stream.close();
      await world.clock.run(100);
      assert.equal(isOpen, false, `seed 9, link ${i}`);
    }
    await world.clock.run(2_000);
    assert.ok(standing.isOpen);
    assert.deepEqual(victim.links.peers().map(({ peerIdHex }) => peerIdHex), [hex(honest.publicKey)]);
  },
  "fake",
);
