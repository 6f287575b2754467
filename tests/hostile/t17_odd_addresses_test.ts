/**
 * T17: addresses and keys that no honest peer has (port 0, multicast, mapped, cut, in clear text) reach
 * our loops from hints, registrations and hellos. They are refused where they are read, or nothing is
 * ever sent there; and a platform that throws for one ends one attempt, not the loop.
 */

import assert from "node:assert/strict";
import { addressScope, addressText, isSendable, parseEndpoint } from "../../lib/base/address.ts";
import { concat, utf8 } from "../../lib/base/bytes.ts";
import { PeerError } from "../../lib/base/errors.ts";
import type { Address, Streams } from "../../lib/base/ports.ts";
import { below, SeededRandom } from "../../lib/base/random.ts";
import { unpackHint } from "../../lib/names/contact.ts";
import { openPacket, PairKeyCache } from "../../lib/names/datagram.ts";
import { cloudId } from "../../lib/names/id_space.ts";
import { encodeFound } from "../../lib/names/messages.ts";
import { openRegistration } from "../../lib/names/registration.ts";
import { Links } from "../../lib/peer/links.ts";
import { decodeLinkMessage } from "../../lib/peer/link_messages.ts";
import { usableEndpoints } from "../../lib/peer/live_link.ts";
import { encode } from "../../lib/wire/codec.ts";
import { contentOf, crypto, NamesWorld, signerOf } from "../sim/names_world.ts";
import { LinkWorld } from "../unit/peer/link_world.ts";
import { contactOf, found, HostileContact, searchLie } from "./kit/hostile_contact.ts";
import { lookUp, securedName } from "./kit/hostile_swarm.ts";

const oddHosts: readonly (readonly number[])[] = [
  [0, 0, 0, 0],
  [127, 0, 0, 1],
  [169, 254, 169, 254],
  [224, 0, 0, 1],
  [255, 255, 255, 255],
  [10, 0, 0, 1],
  [192, 168, 1, 1],
  [198, 51, 100, 7],
  new Array<number>(16).fill(0),
  [...new Array<number>(15).fill(0), 1],
  [...new Array<number>(10).fill(0), 255, 255, 127, 0, 0, 1],
  [...new Array<number>(10).fill(0), 255, 255, 20, 0, 0, 1],
  [0xff, 2, ...new Array<number>(13).fill(0), 1],
  [0xfe, 0x80, ...new Array<number>(13).fill(0), 1],
  [0x20, 2, 127, 0, 0, 1, ...new Array<number>(10).fill(0)],
  [0x20, 1, 0, 0, ...new Array<number>(12).fill(127)],
];

/** An address as it travels, more or less. */
function oddAddress(random: SeededRandom): Uint8Array {
  const host = below(random, 3) === 0
    ? random.bytes(below(random, 2) === 0 ? 4 : 16)
    : Uint8Array.from(oddHosts[below(random, oddHosts.length)]!);
  const ports = [0, 1, 22, 80, 65_535];
  const port = ports[below(random, ports.length)]!;
  const packed = concat(host, Uint8Array.of(port >> 8, port & 255));
  return below(random, 10) === 0 ? packed.subarray(0, below(random, packed.length)) : packed;
}

Deno.test("[T17] 10,000 odd addresses in hints: each is none or an address, and nothing goes where nothing may", () => {
  const random = new SeededRandom(17);
  const world = new NamesWorld({ seed: 17, latencyMs: [10, 10] });
  const peer = world.addPeer();
  let count = 0;
  const oddHint = () => {
    count++;
    const packed = oddAddress(random);
    const hint = concat(random.bytes(32), Uint8Array.of(packed.length), packed);
    const unpacked = unpackHint(hint);
    for (const { host, port } of unpacked?.addresses ?? []) {
      assert.ok(port >= 0 && port < 65_536 && host.length <= 45);
    }
    return unpacked === null ? null : hint;
  };
  const hostile = new HostileContact(world, { host: "23.0.0.1", port: 9 }, {
    lie: searchLie((_, id) => {
      const hints = Array.from({ length: 20 }, oddHint).filter((hint) => hint !== null);
      return encodeFound(id, hints, [], 0);
    }),
  });
  let sent = 0;
  world.tap = (_, from, to) => {
    if (from !== peer.address) return true;
    sent++;
    assert.ok(isSendable(to) && addressScope(to.host) === "global", addressText(to));
    return true;
  };
  peer.wait({ kind: "bootstrap", addresses: [hostile.address] });
  for (let i = 0; count < 10_000; i++) lookUp(peer, securedName(i % 200, crypto));
  assert.ok(sent > 500, `only ${sent} datagrams were sent`);
  assert.deepEqual(peer.machine.snapshot().contacts.length, 1);
});

Deno.test("[T17] datagrams from odd addresses are not looked at", () => {
  const world = new NamesWorld({ seed: 18, latencyMs: [10, 10] });
  const peer = world.addPeer();
  const hosts = [
    "",
    "localhost",
    "23.0.0.1.",
    "023.0.0.1",
    "::ffff:23.0.0.1",
    "fe80::1%eth0",
    "0.0.0.0",
    "::",
    "x".repeat(9_999),
  ];
  const from: Address[] = hosts.map((host) => ({ host, port: 9 }));
  from.push({ host: "23.0.0.1", port: 0 });
  const hello = concat(Uint8Array.of(1, 1), new Uint8Array(48).fill(7), new Uint8Array(46));
  assert.ok(openPacket(hello).ok);
  for (const address of from) {
    assert.deepEqual(peer.machine.handle({ kind: "datagram", bytes: hello, from: address }, world.now()), []);
  }
  assert.equal(peer.machine.snapshot().drops["out_of_scope"], from.length);
});

Deno.test("[T17] a registration whose endpoint nobody can reach is none", () => {
  const world = new NamesWorld({ seed: 19 });
  const hostile = new HostileContact(world, { host: "23.0.0.1", port: 9 });
  const signer = signerOf(1);
  for (
    const [host, port] of [["0.0.0.0", 80], ["224.0.0.1", 80], ["20.0.0.1", 0], [
      "::ffff:20.0.0.1",
      80,
    ]] as const
  ) {
    const endpoints = [{ transport: "tcp", address: { host, port } }] as const;
    const bytes = hostile.statement({ signer, body: { endpoints, comment: "", payload: null } });
    assert.equal(openRegistration(crypto, hostile.cloud, bytes).ok, false, host);
  }
});

Deno.test("[T17] [T18] 10,000 odd endpoints in hellos: those that count can be dialled, and lead to no narrower place", () => {
  const random = new SeededRandom(20);
  const hosts = [
    "0.0.0.0",
    "::",
    "127.0.0.1",
    "169.254.169.254",
    "10.0.0.1",
    "[::1]",
    "[fe80::1]",
    "localhost",
    "20.0.0.1",
    "224.0.0.1",
  ];
  const ports = ["0", "1", "80", "65535", "65536", "-1", "080", "1e3", "", " 80"];
  const pick = <T>(from: readonly T[]) => from[below(random, from.length)]!;
  const remote = { host: "20.1.1.1", port: 4_000 };
  let usable = 0;
  for (let i = 0; i < 10_000; i++) {
    const text = below(random, 4) === 0
      ? String.fromCharCode(...random.bytes(below(random, 80)).map((byte) => 32 + byte % 95))
      : `${pick(["tcp", "udp", "TCP", "http", ""])}://${pick(hosts)}:${pick(ports)}`;
    const decoded = decodeLinkMessage(encode([0, 1, [text], 0, ""]));
    assert.ok(decoded.ok && decoded.message.kind === "hello", text);
    for (const { address } of usableEndpoints(decoded.message.endpoints, remote)) {
      usable++;
      assert.ok(isSendable(address) && addressScope(address.host) === "global", text);
    }
    const parsed = parseEndpoint(text);
    if (parsed !== null) assert.ok(parsed.address.port <= 65_535);
  }
  assert.ok(usable > 100);
});

Deno.test("[T17] a platform that throws for an address, at once or later, fails one connect and no other", async () => {
  const world = new LinkWorld();
  const peer = await world.peer(1);
  const ports = world.ports("10.0.0.2");
  const real = ports.streams;
  const streams: Streams = {
    listen: (address) => real.listen(address),
    connect: (address, signal) => {
      if (address.port === 1) throw new TypeError("not at once");
      if (address.port === 2) return Promise.reject(new RangeError("not later"));
      return real.connect(address, signal);
    },
  };
  const links = new Links({ ...ports, streams }, signerOf(7));
  for (const port of [1, 2]) {
    await assert.rejects(
      world.within(links.connect({ host: "10.0.0.1", port })),
      (error) => error instanceof PeerError && error.code === "connect_failed",
    );
  }
  const link = await world.within(links.connect(peer.home));
  assert.deepEqual(link.peer, peer.publicKey);
  await world.within(links.close());
  await world.close();
});

/** Keys of small order: with any of them every agreement gives zeros. */
const noKeys: readonly Uint8Array[] = [new Uint8Array(32), new Uint8Array(32).with(0, 1)];

Deno.test("[T17] [T1] a thousand requests under a key that is none cost one agreement", () => {
  const world = new NamesWorld({ seed: 21, latencyMs: [10, 10] });
  const peer = world.addPeer();
  const hostile = new HostileContact(world, { host: "23.0.0.1", port: 9 });
  const pairs = new PairKeyCache(crypto, cloudId(crypto, "test"), world.random.bytes(32));
  for (const sender of noKeys) {
    assert.equal(pairs.with(sender), null);
    hostile.heard.length = 0;
    hostile.send(concat(Uint8Array.of(1, 1), sender, new Uint8Array(62)), peer.address);
    world.run(100);
    const packet = hostile.heard.at(-1)!.packet!;
    assert.ok("token" in packet);
    const { agreements } = peer.machine.snapshot();
    for (let i = 0; i < 1_000; i++) {
      const { key } = contactOf(peer);
      hostile.send(hostile.seal(key, utf8(`${i}`), { sender, token: packet.token }), peer.address);
    }
    world.run(100);
    assert.equal(peer.machine.snapshot().agreements, agreements + 1);
  }
  assert.equal(peer.machine.snapshot().drops["not_authentic"], 2_000);
});

Deno.test("[T17] contacts whose key is none are asked in vain, once, and leave nothing behind", () => {
  const world = new NamesWorld({ seed: 22, latencyMs: [10, 10] });
  const peer = world.addPeer();
  const address = { host: "24.0.0.1", port: 9 };
  const hostile: HostileContact = new HostileContact(world, { host: "23.0.0.1", port: 9 }, {
    lie: searchLie((_, id) =>
      found(id, noKeys.map((key) => ({ ...hostile.contact, key, addresses: [address] })))
    ),
  });
  // It tells a key that is none, to whoever asks it.
  world.addListener(address, (bytes, from) => {
    const opened = openPacket(bytes);
    assert.ok(opened.ok);
    if (opened.packet.type !== 1) return;
    for (const key of noKeys) {
      world.send(concat(Uint8Array.of(1, 2), opened.packet.nonce, key, new Uint8Array(16)), address, from);
    }
  });
  peer.wait({ kind: "bootstrap", addresses: [hostile.address, address] });
  peer.wait({
    kind: "register",
    authority: null,
    classifier: "x",
    signer: signerOf(1),
    content: contentOf(),
  });
  assert.equal(lookUp(peer, securedName(1, crypto)).end, "name_not_found");
  world.run(30_000);
  const { contacts, requests, searches } = peer.machine.snapshot();
  assert.deepEqual({ contacts: contacts.length, requests, searches }, {
    contacts: 1,
    requests: 0,
    searches: 0,
  });
  const due = peer.machine.nextDeadline()!;
  assert.ok(due > world.nowMs + 100, "no alarm of theirs is left");
});
