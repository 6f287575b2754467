/**
 * Clouds of a hundred thousand contacts in one process: cloud machines whose messages travel by reference,
 * with stand-ins for cryptography. Contacts join by the protocol, or are placed: a placed cloud is one that
 * has run for long, each table filled with contacts drawn by chance from those that belong into each bucket.
 */

import { assert } from "../base/assert.ts";
import type { Crypto } from "../base/ports.ts";
import { below, pick, type SeededRandom } from "../base/random.ts";
import type { CloudConfig } from "../names/cloud.ts";
import { type Contact, ContactBook } from "../names/contact.ts";
import { cloudId, compareDistance } from "../names/id_space.ts";
import { bucketContactsMax } from "../names/limits.ts";
import type { PublicationContent } from "../names/publications.ts";
import { type CloudPeer, CloudWorld, peerAddress, resolvedOf } from "./cloud_world.ts";
import { type LeanRegistrations, LeanWire } from "./lean_wire.ts";
import { createLightCrypto, lightDigest } from "./light_crypto.ts";

/** What a cloud is like. */
export interface LeanCloudOptions {
  /** Equal seeds give equal runs; 1 by default. */
  readonly seed?: number;
  /** Datagrams of which so many are lost; none by default. */
  readonly lossShare?: number;
  /** Time that a datagram takes, in whole milliseconds; 5 to 60 by default. */
  readonly latencyMs?: readonly [min: number, max: number];
  /** Whether messages are encoded and sealed after all, to compare; `false` by default. */
  readonly isSealed?: boolean;
  /** The most contacts that it will have; 131,072 by default. */
  readonly contactsMax?: number;
}

/** How resolves went. */
export interface ResolveReport {
  readonly resolves: number;
  /** Those that found a publisher, and those whose publisher confirmed. */
  readonly found: number;
  readonly verified: number;
  /** Contacts asked by one resolve that found something. */
  readonly askedMean: number;
  readonly askedMax: number;
  /** Referrals to the first holder, of those. */
  readonly hopsMean: number;
  readonly hopsMax: number;
  /** Datagrams of everybody for one resolve, upkeep that went on meanwhile included. */
  readonly datagramsMean: number;
}

/** One cloud. */
export class LeanCloud {
  readonly world: CloudWorld;
  readonly #crypto: Crypto = createLightCrypto(lightDigest);
  readonly #machine: Partial<CloudConfig>;
  /** Those that make calls. */
  readonly #awake: CloudPeer[] = [];
  #names = 0;

  constructor(options: LeanCloudOptions = {}) {
    const crypto = this.#crypto;
    const { isSealed, contactsMax, ...world } = options;
    this.world = new CloudWorld({ ...world, crypto });
    const book = new ContactBook(crypto, cloudId(crypto, cloudName), contactsMax ?? 131_072);
    const registrations: LeanRegistrations = new WeakMap();
    this.#machine = isSealed
      ? { name: cloudName }
      : { name: cloudName, book, wire: (config) => new LeanWire(config, registrations) };
  }

  /** All contacts, those that stopped included. */
  get peers(): readonly CloudPeer[] {
    return this.world.peers;
  }

  /** Lets contacts join, one each `everyMs`, each by one that is there; then waits until they have looked around. */
  join(count: number, everyMs = 50): void {
    const { world } = this;
    for (let i = 0; i < count; i++) {
      const known = world.peers.length === 0 ? null : pick(world.random, world.peers);
      const peer = world.addPeer({ machine: this.#machine });
      this.#awake.push(peer);
      if (known !== null) peer.call({ kind: "bootstrap", addresses: [known.address] });
      world.run(everyMs);
    }
    world.run(settleMs);
  }

  /**
   * Places contacts that know each other, then waits until they have looked around. Those beyond `awake`
   * answer, but have no network of their own to look after their tables and to call from: looking around
   * is some 300 events for each.
   */
  place(count: number, awake: number = count): void {
    assert(this.peers.length === 0, "contacts are placed into an empty cloud");
    const { world } = this;
    const placed = Array.from({ length: count }, (_, i) => this.#contactAt(i));
    const byId = placed.toSorted((a, b) => compareDistance(zeros, a.contact.id, b.contact.id))
      .map(({ contact }) => contact);
    for (const { secretKey, contact } of placed) {
      const known = knownBy(world.random, byId, contact.id);
      const isAwake = this.#awake.length < awake;
      const peer = world.addPeer({ isOnline: isAwake, machine: { ...this.#machine, secretKey, known } });
      if (!isAwake) continue;
      this.#awake.push(peer);
      // Machines that begin in one moment would look after their tables in one moment for ever.
      if (this.#awake.length % placedEachMs === 0) world.run(1);
    }
    world.run(settleMs);
  }

  /** Publishes names, so many at once, each from another contact; tells how many were acknowledged. */
  publish(count: number, atOnce = 100): number {
    let published = 0;
    for (let i = 0; i < count; i += atOnce) {
      const calls = Array.from({ length: Math.min(atOnce, count - i) }, () => {
        const peer = this.#livePeer();
        return {
          peer,
          call: peer.call({ kind: "register", ...this.#nameOf(this.#names++), ...this.#statement() }),
        };
      });
      this.#await(calls);
      for (const { peer, call } of calls) if ("result" in peer.ends.get(call)!) published++;
    }
    return published;
  }

  /** Stops this share of the contacts without a word. */
  stop(share: number): void {
    for (let left = Math.round(share * this.peers.length); left > 0; left--) {
      this.#livePeer(this.peers).crash();
    }
  }

  /** Resolves published names, so many at once, each from a contact drawn by chance. */
  resolve(count: number, atOnce = 100): ResolveReport {
    const { world } = this;
    const datagrams = world.datagrams;
    const asked: number[] = [];
    const hops: number[] = [];
    let verified = 0;
    for (let i = 0; i < count; i += atOnce) {
      const calls = Array.from({ length: Math.min(atOnce, count - i) }, () => {
        const peer = this.#livePeer();
        const name = this.#nameOf(below(world.random, this.#names));
        return { peer, call: peer.call({ kind: "resolve", ...name, resultsMax: 32 }) };
      });
      this.#await(calls);
      for (const { peer, call } of calls) {
        const end = peer.ends.get(call)!;
        if (!("result" in end)) continue;
        const summary = resolvedOf(end);
        asked.push(summary.asked);
        hops.push(summary.hops);
        if (summary.found.some((found) => found.verified)) verified++;
        peer.ends.delete(call);
      }
    }
    return {
      resolves: count,
      found: asked.length,
      verified,
      askedMean: meanOf(asked),
      askedMax: Math.max(0, ...asked),
      hopsMean: meanOf(hops),
      hopsMax: Math.max(0, ...hops),
      datagramsMean: (world.datagrams - datagrams) / count,
    };
  }

  #await(calls: readonly { readonly peer: CloudPeer; readonly call: number }[]): void {
    let next = 0;
    const haveEnded = () => {
      while (next < calls.length && calls[next]!.peer.ends.has(calls[next]!.call)) next++;
      return next === calls.length;
    };
    assert(this.world.runUntil(haveEnded, callMsMax), "calls end");
  }

  #livePeer(peers: readonly CloudPeer[] = this.#awake): CloudPeer {
    for (;;) {
      const peer = pick(this.world.random, peers);
      if (peer.isUp) return peer;
    }
  }

  #contactAt(index: number): { readonly secretKey: Uint8Array; readonly contact: Contact } {
    const secretKey = this.world.random.bytes(32);
    const key = this.#crypto.x25519.publicKey(secretKey);
    const addresses = [peerAddress(index)];
    const book = this.#machine.book ?? new ContactBook(this.#crypto, cloudId(this.#crypto, cloudName), 1);
    return { secretKey, contact: book.contactOf(key, addresses) };
  }

  #nameOf(index: number): { readonly authority: null; readonly classifier: string } {
    return { authority: null, classifier: `name ${index}` };
  }

  #statement(): { readonly signer: CloudSigner; readonly content: PublicationContent } {
    const { ed25519 } = this.#crypto;
    const seed = this.world.random.bytes(32);
    const signer = {
      publicKey: ed25519.publicKey(seed),
      sign: (message: Uint8Array) => ed25519.sign(seed, message),
    };
    const endpoints = [{ transport: "tcp", address: { host: "20.0.0.1", port: 4_000 } }] as const;
    return { signer, content: { endpoints, comment: "", payload: null, lifeMs: nameLifeMs, expires: null } };
  }
}

interface CloudSigner {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/** Of each bucket of an id as many contacts as it holds, drawn by chance from those that belong there. */
function knownBy(random: SeededRandom, byId: readonly Contact[], id: Uint8Array): Contact[] {
  const known: Contact[] = [];
  let start = 0;
  let end = byId.length;
  for (let bit = 0; end - start > 1; bit++) {
    // Those with a 0 in this bit come first.
    const middle = firstWithBit(byId, bit, start, end);
    const isUpper = hasBit(id, bit);
    const [otherStart, otherEnd] = isUpper ? [start, middle] : [middle, end];
    known.push(...drawn(random, byId, otherStart, otherEnd));
    [start, end] = isUpper ? [middle, end] : [start, middle];
  }
  return known;
}

function firstWithBit(byId: readonly Contact[], bit: number, start: number, end: number): number {
  let low = start;
  let high = end;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (hasBit(byId[middle]!.id, bit)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function hasBit(id: Uint8Array, bit: number): boolean {
  return (id[bit >> 3]! & (0x80 >> (bit & 7))) !== 0;
}

function drawn(random: SeededRandom, byId: readonly Contact[], start: number, end: number): Contact[] {
  if (end - start <= bucketContactsMax) return byId.slice(start, end);
  const indexes = new Set<number>();
  while (indexes.size < bucketContactsMax) indexes.add(start + below(random, end - start));
  return Array.from(indexes, (index) => byId[index]!);
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

const cloudName = "lean";
const zeros = new Uint8Array(32);

/** Contacts placed in one millisecond. */
const placedEachMs = 20;

/** What a newcomer needs to fill its table, with room. */
const settleMs = 20_000;

/** The longest that a call may take: a look-up, and slow answers of its publishers. */
const callMsMax = 60_000;
const nameLifeMs = 2 * 3_600_000;
