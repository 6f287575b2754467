/**
 * The space of 256-bit ids in which contacts and names of a cloud lie, with the XOR metric of
 * Kademlia (Maymounkov and Mazières 2002): the distance of two ids is their exclusive or, read as a
 * number.
 */

import { utf8 } from "../base/bytes.ts";
import type { Crypto, Random } from "../base/ports.ts";

/** The id of the cloud with this name. Clouds of different ids cannot read each other. */
export function cloudId(crypto: Crypto, name: string): Uint8Array {
  return crypto.sha256(utf8("kith/cloud/1"), utf8(name));
}

/** Where the contact with this key lies. */
export function contactId(crypto: Crypto, cloud: Uint8Array, key: Uint8Array): Uint8Array {
  return crypto.sha256(cloud, key);
}

/** The hash under which a classifier travels; `null` stands for a secured name without one. */
export function classifierHash(crypto: Crypto, classifier: string | null): Uint8Array {
  return crypto.sha256(utf8("kith/classifier/1"), utf8(classifier ?? ""));
}

/** Where a name lies: made of hashes only, so that a holder can check it without knowing the name. */
export function nameKey(
  crypto: Crypto,
  cloud: Uint8Array,
  authority: Uint8Array | null,
  classifier: Uint8Array,
): Uint8Array {
  return crypto.sha256(cloud, authority ?? noAuthority, classifier);
}

/** How many leading bits two ids share: 0 … 256. */
export function sharedBits(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < 32; i++) {
    const difference = a[i]! ^ b[i]!;
    if (difference !== 0) return 8 * i + Math.clz32(difference) - 24;
  }
  return 256;
}

/** Orders `a` and `b` by their distance to `target`: negative if `a` is closer. */
export function compareDistance(target: Uint8Array, a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < 32; i++) {
    const difference = (a[i]! ^ target[i]!) - (b[i]! ^ target[i]!);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The distance of two ids as a share of the whole space: 0 … 1, exact to 48 bits. */
export function distanceShare(a: Uint8Array, b: Uint8Array): number {
  let share = 0;
  for (let i = 5; i >= 0; i--) share = (share + (a[i]! ^ b[i]!)) / 256;
  return share;
}

/** A random id that shares exactly `bits` leading bits with `id` (fewer than 256). */
export function randomIdSharing(random: Random, id: Uint8Array, bits: number): Uint8Array {
  const other = random.bytes(32);
  const byte = bits >> 3;
  other.set(id.subarray(0, byte));
  const kept = 0xff00 >> (bits & 7) & 0xff;
  const turned = 0x80 >> (bits & 7);
  const free = turned - 1;
  other[byte] = (id[byte]! & kept) | (~id[byte]! & turned) | (other[byte]! & free);
  return other;
}

const noAuthority = new Uint8Array(32);
