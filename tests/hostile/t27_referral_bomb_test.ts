/**
 * T27: referrals without end: 20 new contacts in each answer, loops, duplicates, the asker itself, and a
 * victim that asked for nothing. A look-up takes 20 hints of an answer, asks 200 contacts at most and
 * ends after 10 s; one address group that others name gets few hellos.
 */

import assert from "node:assert/strict";
import { createLightCrypto } from "../../lib/sim/light_crypto.ts";
import { type Contact, createContact, packHint } from "../../lib/names/contact.ts";
import { openPacket, PacketType } from "../../lib/names/datagram.ts";
import {
  answerHintsMax,
  hellosBurst,
  hellosPerSecond,
  lookupContactsMax,
  lookupMs,
  requestAttemptsMax,
} from "../../lib/names/limits.ts";
import { encodeFound } from "../../lib/names/messages.ts";
import { NamesWorld, type SimPeer } from "../sim/names_world.ts";
import { closestOf, found, HostileContact, type Lie, searchLie } from "./kit/hostile_contact.ts";
import { deadAddress, lookUp, securedName } from "./kit/hostile_swarm.ts";

const crypto = createLightCrypto();
const heron = securedName(1, crypto);

/** A peer that starts from one contact, which has accomplices; all of them say the same to a search. */
class Scene {
  readonly world = new NamesWorld({ seed: 27, latencyMs: [10, 10], crypto });
  readonly peer: SimPeer = this.world.addPeer();
  readonly bomber: HostileContact;
  /** Contacts that were named so far. */
  named = 0;
  readonly #lie: Lie;

  constructor(answer: (scene: Scene, target: Uint8Array, id: Uint8Array) => Uint8Array) {
    this.#lie = searchLie((target, id) => answer(this, target, id));
    this.bomber = this.accomplice();
  }

  /** A contact in a network of its own. */
  accomplice(): HostileContact {
    const n = this.named++;
    const address = { host: `${70 + (n >> 16)}.${n >> 8 & 255}.${n & 255}.1`, port: 9 };
    return new HostileContact(this.world, address, { lie: this.#lie });
  }

  /** Starts from the bomber; until that ended and everything that came of it. */
  start(): void {
    this.peer.wait({ kind: "bootstrap", addresses: [this.bomber.address] });
    this.world.run(30_000);
  }

  /** How long a resolve takes, and how many contacts the peer writes to meanwhile. */
  resolve(): { end: string; ms: number; written: number } {
    const written = new Set<string>();
    this.world.tap = (bytes, from, to) => {
      const opened = openPacket(bytes);
      const isRequest = opened.ok && opened.packet.type === PacketType.request;
      if (from === this.peer.address && isRequest) written.add(to.host);
      return true;
    };
    const startMs = this.world.nowMs;
    const { end } = lookUp(this.peer, heron);
    this.world.tap = () => true;
    return { end, ms: this.world.nowMs - startMs, written: written.size };
  }

  /** Nothing goes on after a while, and nothing is left of what was begun. */
  assertAtRest(): void {
    this.world.run(60_000);
    const { requests, searches, resolves } = this.peer.machine.snapshot();
    assert.deepEqual({ requests, searches, resolves }, { requests: 0, searches: 0, resolves: 0 });
  }
}

Deno.test("[T27] twenty new contacts in each answer, for ever: 200 are asked, within ten seconds, and that was it", () => {
  const scene = new Scene((scene, target, id) => {
    const fresh = Array.from({ length: answerHintsMax }, () => scene.accomplice().contact);
    return found(id, closestOf(fresh, target));
  });
  scene.start();
  const { ms, written } = scene.resolve();
  assert.ok(ms <= lookupMs, `${ms} ms`);
  // Besides those that the look-up asks, named contacts are asked whether they are there, four at a time.
  assert.ok(written <= 2 * lookupContactsMax, `${written} contacts`);
  assert.ok(scene.named > 2_000, `only ${scene.named} were named`);
  scene.assertAtRest();
});

Deno.test("[T27] contacts that never answer, twenty new ones in each answer, cost no more time than a look-up has", () => {
  const scene = new Scene((scene, target, id) => {
    const fresh = Array.from({ length: 20 }, () => {
      const key = scene.world.random.bytes(32);
      return createContact(crypto, scene.bomber.cloud, key, [deadAddress(scene.named++)]);
    });
    return found(id, closestOf(fresh, target));
  });
  scene.start();
  const { end, ms } = scene.resolve();
  assert.ok(ms <= lookupMs, `${ms} ms`);
  assert.ok(end === "name_not_found" || end === "timeout", end);
  scene.assertAtRest();
});

Deno.test("[T27] two contacts that name each other, themselves and the asker, each many times, are asked once each", () => {
  let loop: Contact[] = [];
  const scene = new Scene((_, __, id) => found(id, loop));
  const [{ bomber, peer }, other] = [scene, scene.accomplice()];
  const self = createContact(crypto, bomber.cloud, Uint8Array.fromHex(peer.machine.snapshot().key), [
    peer.address,
  ]);
  const selfElsewhere = { ...self, addresses: [bomber.address] };
  loop = Array.from({ length: 5 }, () => [bomber.contact, other.contact, self, selfElsewhere]).flat();
  scene.start();
  const before = scene.world.datagrams;
  const { end, written } = scene.resolve();
  assert.deepEqual({ end, written }, { end: "name_not_found", written: 2 });
  assert.equal(scene.world.datagrams - before, 4, "two requests and their answers");
  assert.equal(peer.machine.snapshot().contacts.length, 2);
  scene.assertAtRest();
});

Deno.test("[T27] an answer with 21 hints, or one that is none, is not taken at all", () => {
  for (const extra of [new Uint8Array(0), new Uint8Array(33), new Uint8Array(32)]) {
    const scene = new Scene((scene, _, id) => {
      const hints = Array.from({ length: 20 }, () => packHint(scene.accomplice().contact));
      return encodeFound(id, extra.length === 0 ? [...hints, hints[0]!] : [...hints.slice(1), extra], [], 0);
    });
    scene.start();
    assert.equal(scene.peer.machine.snapshot().contacts.length, 0);
    assert.ok(scene.peer.machine.snapshot().drops["not_a_message"]! >= 1);
  }
});

Deno.test("[T27] [T18] a victim that 200 contacts name under ever new keys and ports gets few datagrams", () => {
  let inside = 0;
  const victim = (scene: Scene) => {
    const n = scene.named++;
    const address = { host: `99.1.2.${1 + n % 250}`, port: 1_024 + n % 60_000 };
    return createContact(crypto, scene.bomber.cloud, scene.world.random.bytes(32), [address]);
  };
  const scene = new Scene((scene, target, id) => {
    const accomplices = inside++ < 10 ? Array.from({ length: 10 }, () => scene.accomplice().contact) : [];
    const named = Array.from({ length: 20 - accomplices.length }, () => victim(scene));
    return found(id, closestOf([...accomplices, ...named], target));
  });
  const sent: { readonly atMs: number; readonly bytes: number }[] = [];
  scene.world.tap = (bytes, _, to) => {
    if (to.host.startsWith("99.1.2.")) sent.push({ atMs: scene.world.nowMs, bytes: bytes.length });
    return true;
  };
  const startMs = scene.world.nowMs;
  scene.peer.wait({ kind: "bootstrap", addresses: [scene.bomber.address] });
  for (let i = 0; i < 10; i++) lookUp(scene.peer, securedName(i, crypto));
  const seconds = (scene.world.nowMs - startMs) / 1_000;
  const allowed = hellosBurst + Math.ceil(seconds * hellosPerSecond);
  assert.ok(scene.named > 40 * requestAttemptsMax, `only ${scene.named} were named`);
  assert.ok(sent.length <= allowed, `${sent.length} datagrams in ${seconds} s, of ${allowed}`);
  assert.ok(sent.every(({ bytes }) => bytes === 96), "hellos alone");
  scene.assertAtRest();
});

Deno.test("[T27] who floods a victim's network with names does not keep a peer from contacts that it knows there", () => {
  const scene = new Scene((scene, target, id) => {
    const named = Array.from({ length: 20 }, () => {
      const n = scene.named++;
      const address = { host: `99.1.2.${1 + n % 250}`, port: 1_024 + n % 60_000 };
      return createContact(crypto, scene.bomber.cloud, scene.world.random.bytes(32), [address]);
    });
    return found(id, closestOf(named, target));
  });
  const friend = scene.world.addPeer({ address: { host: "99.1.2.77", port: 4_000 } });
  scene.peer.wait({ kind: "bootstrap", addresses: [friend.address, scene.bomber.address] });
  for (let i = 0; i < 5; i++) lookUp(scene.peer, securedName(i, crypto));
  // All tokens run out meanwhile; the contact is asked for a new one.
  scene.world.run(20 * 60_000);
  lookUp(scene.peer, heron);
  const keys = scene.peer.machine.snapshot().contacts.map(({ key }) => key);
  assert.ok(keys.includes(friend.machine.snapshot().key));
});
