/**
 * The contacts that a peer knows well: buckets of 20 by shared leading bits with its own id
 * (Kademlia). Only contacts that answered enter, so nobody can name a table full (T22). Old live
 * contacts stay, except that a much faster one takes the place of a slow one: choosing near contacts
 * halves the time of a look-up (`docs/PROTOCOL.md`, "Names").
 */

import type { Address } from "../base/ports.ts";
import { addressGroup, type Contact, sameAddress } from "./contact.ts";
import { compareDistance, distanceShare, sharedBits } from "./id_space.ts";
import {
  answerTimeoutMsMax,
  answerTimeoutMsMin,
  bucketContactsMax,
  bucketGroupMax,
  bucketOldKept,
  contactFailuresMax,
  tableContactsMax,
} from "./limits.ts";

/** A contact of the table and what is known of it. */
export interface TableEntry {
  /** With the address that answered as the first one. */
  contact: Contact;
  /** When it last answered. */
  seenMs: number;
  /** Requests in a row that it left unanswered. */
  failures: number;
  readonly roundTrip: RoundTrip;
  readonly group: string | null;
}

/** Smoothed round-trip time of one contact or of all (RFC 6298). */
export class RoundTrip {
  /** Smoothed time in milliseconds; `null` before the first sample. */
  smoothedMs: number | null = null;
  #variationMs = 0;

  /** Adds a sample. */
  add(ms: number): void {
    if (this.smoothedMs === null) {
      this.smoothedMs = ms;
      this.#variationMs = ms / 2;
    } else {
      this.#variationMs += (Math.abs(this.smoothedMs - ms) - this.#variationMs) / 4;
      this.smoothedMs += (ms - this.smoothedMs) / 8;
    }
  }

  /** How long an answer is waited for. */
  timeoutMs(): number {
    if (this.smoothedMs === null) return answerTimeoutMsMax;
    const wanted = this.smoothedMs + 4 * this.#variationMs;
    return Math.min(Math.max(wanted, answerTimeoutMsMin), answerTimeoutMsMax);
  }
}

/** The routing table of one cloud. */
export class RoutingTable {
  readonly #selfId: Uint8Array;
  readonly #entries = new Map<string, TableEntry>();
  /** By shared bits, up to the last bucket that has a contact. */
  readonly #buckets: (readonly TableEntry[])[] = [];

  constructor(selfId: Uint8Array) {
    this.#selfId = selfId;
  }

  /** A contact answered from `address`. `roundTripMs` is `null` where it could not be measured. Tells whether it is new here. */
  answered(contact: Contact, address: Address, roundTripMs: number | null, nowMs: number): boolean {
    const known = this.#entries.get(contact.keyHex);
    if (known === undefined) return this.#add(contact, address, roundTripMs, nowMs);
    known.contact = reachedAt(known.contact, address);
    known.seenMs = nowMs;
    known.failures = 0;
    if (roundTripMs !== null) known.roundTrip.add(roundTripMs);
    return false;
  }

  /** A contact left a request unanswered. Tells whether it left the table for that. */
  failed(keyHex: string): boolean {
    const entry = this.#entries.get(keyHex);
    if (entry === undefined || ++entry.failures < contactFailuresMax) return false;
    this.#remove(entry);
    return true;
  }

  /** The entry of a contact. */
  entry(keyHex: string): TableEntry | undefined {
    return this.#entries.get(keyHex);
  }

  /** All entries. */
  entries(): IterableIterator<TableEntry> {
    return this.#entries.values();
  }

  /** How many contacts there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether a contact that is not here could enter without pushing another out. */
  hasRoom(contact: Contact): boolean {
    if (this.#entries.has(contact.keyHex) || this.#entries.size >= tableContactsMax) return false;
    const bucket = this.#bucketOf(contact);
    return bucket.length < bucketContactsMax && !isCrowded(bucket, addressGroup(contact.addresses[0]!));
  }

  /** The contacts closest to an id, closest first. */
  closest(target: Uint8Array, count: number): Contact[] {
    const shared = sharedBits(this.#selfId, target);
    const near: Contact[] = [];
    // Who first differs from this peer where the target does lies on the target's side. Next come all who
    // differ later, in no order, then those who differ earlier, bucket by bucket.
    const last = this.#buckets.length - 1;
    this.#collect(shared, near);
    if (near.length < count) {
      for (let bits = shared + 1; bits <= last; bits++) this.#collect(bits, near);
    }
    for (let bits = Math.min(shared, last + 1) - 1; bits >= 0 && near.length < count; bits--) {
      this.#collect(bits, near);
    }
    near.sort((a, b) => compareDistance(target, a.id, b.id));
    return near.length > count ? near.slice(0, count) : near;
  }

  /** Buckets with room that are no deeper than the deepest one with a contact: those that a look-up may fill. */
  openBuckets(): number[] {
    const open: number[] = [];
    for (const [bits, bucket] of this.#buckets.entries()) {
      if (bucket.length < bucketContactsMax) open.push(bits);
    }
    return open;
  }

  /**
   * How many participants the cloud has, by how densely the contacts nearest to this peer lie: of n
   * evenly spread ids the i-th nearest lies at about i ⁄ n of the space. The median of several i is
   * robust against a few ids that were made to lie near.
   */
  estimatedSize(): number {
    if (this.#entries.size < bucketContactsMax) return this.#entries.size + 1;
    const nearest = this.closest(this.#selfId, bucketContactsMax);
    const sizes = nearest.map((contact, i) =>
      (i + 1) / Math.max(distanceShare(this.#selfId, contact.id), 2 ** -47)
    );
    sizes.splice(0, 4); // the first few say little
    sizes.sort((a, b) => a - b);
    return Math.max(Math.round(sizes[sizes.length >> 1]!), this.#entries.size + 1);
  }

  #collect(bits: number, contacts: Contact[]): void {
    for (const entry of this.#buckets[bits] ?? []) contacts.push(entry.contact);
  }

  #add(contact: Contact, address: Address, roundTripMs: number | null, nowMs: number): boolean {
    const bucket = this.#bucketOf(contact);
    const group = addressGroup(address);
    if (isCrowded(bucket, group)) return false;
    if (bucket.length >= bucketContactsMax || this.#entries.size >= tableContactsMax) {
      const leaving = replaceable(bucket, roundTripMs);
      if (leaving === null) return false;
      this.#remove(leaving);
    }
    const entry: TableEntry = {
      contact: reachedAt(contact, address),
      seenMs: nowMs,
      failures: 0,
      roundTrip: new RoundTrip(),
      group,
    };
    if (roundTripMs !== null) entry.roundTrip.add(roundTripMs);
    this.#entries.set(contact.keyHex, entry);
    this.#setBucket(contact, [...this.#bucketOf(contact), entry]);
    return true;
  }

  #remove(entry: TableEntry): void {
    this.#entries.delete(entry.contact.keyHex);
    this.#setBucket(entry.contact, this.#bucketOf(entry.contact).filter((other) => other !== entry));
  }

  #bucketOf(contact: Contact): readonly TableEntry[] {
    return this.#buckets[sharedBits(this.#selfId, contact.id)] ?? [];
  }

  #setBucket(contact: Contact, bucket: readonly TableEntry[]): void {
    const bits = sharedBits(this.#selfId, contact.id);
    while (this.#buckets.length <= bits) this.#buckets.push([]);
    this.#buckets[bits] = bucket;
    while (this.#buckets.at(-1)?.length === 0) this.#buckets.pop();
  }
}

/** The entry of a full bucket that may go: one that fails, or one more than twice as slow as the newcomer. */
function replaceable(bucket: readonly TableEntry[], roundTripMs: number | null): TableEntry | null {
  const failing = bucket.find((entry) => entry.failures > 0);
  if (failing !== undefined || roundTripMs === null) return failing ?? null;
  let slowest: TableEntry | null = null;
  for (const entry of bucket.slice(bucketOldKept)) { // a bucket is in order of arrival
    const ms = entry.roundTrip.smoothedMs;
    if (ms !== null && ms > 2 * roundTripMs && ms > (slowest?.roundTrip.smoothedMs ?? 0)) slowest = entry;
  }
  return slowest;
}

function isCrowded(bucket: readonly TableEntry[], group: string | null): boolean {
  if (group === null) return false;
  return bucket.filter((entry) => entry.group === group).length >= bucketGroupMax;
}

/** The contact with the address that answered first, and at most one of the other family beside it. */
function reachedAt(contact: Contact, address: Address): Contact {
  if (sameAddress(contact.addresses[0]!, address)) return contact;
  const isSix = address.host.includes(":");
  const others = contact.addresses.filter((other) => other.host.includes(":") !== isSix);
  return { ...contact, addresses: [address, ...others.slice(0, 1)] };
}
