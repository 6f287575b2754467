/**
 * Registrations that a contact holds for others. What is full gives way at random among equals, so
 * that a flood wins no more than its share and nobody can choose whom it pushes out (T24).
 */

import { hex } from "../base/bytes.ts";
import type { Address, Crypto, Instant, Random } from "../base/ports.ts";
import { below } from "../base/random.ts";
import { addressGroup } from "./contact.ts";
import { heldGroupMax, heldMax, heldNameMax, registrationLifeMsMax, registrationSkewMs } from "./limits.ts";
import { StoreVerdict } from "./messages.ts";
import { replaces, type SignedStatement, verifyRegistration } from "./registration.ts";

/** A registration that is held. */
export interface Held {
  readonly statement: SignedStatement;
  /** From where its publisher stored it. */
  readonly from: Address;
  readonly group: string | null;
  /** When it runs out, on the monotonic clock: a jump of the wall clock drops nothing. */
  readonly untilMs: number;
}

/** What one contact holds in one cloud. */
export class Holdings {
  readonly #crypto: Crypto;
  readonly #cloud: Uint8Array;
  readonly #random: Random;
  readonly #names = new Map<string, Map<string, Held>>();
  readonly #groups = new Map<string, number>();
  #size = 0;

  constructor(crypto: Crypto, cloud: Uint8Array, random: Random) {
    this.#crypto = crypto;
    this.#cloud = cloud;
    this.#random = random;
  }

  /** Takes a registration that its publisher sent, if it is newer, holds and fits. */
  store(statement: SignedStatement, from: Address, now: Instant): StoreVerdict {
    const lifeMs = statement.expires - now.wallMs;
    if (lifeMs <= 0 || lifeMs > registrationLifeMsMax + registrationSkewMs) return StoreVerdict.refused;
    const name = hex(statement.nameKey);
    const publisher = hex(statement.publisher);
    const known = this.#names.get(name)?.get(publisher);
    if (known !== undefined && !replaces(statement, known.statement)) {
      return known.statement.seq === statement.seq ? StoreVerdict.kept : StoreVerdict.older;
    }
    if (!verifyRegistration(this.#crypto, this.#cloud, statement)) return StoreVerdict.refused;
    // A revocation stands as long as what it revokes could.
    const untilMs = Math.max(now.monoMs + lifeMs, statement.body === null ? known?.untilMs ?? 0 : 0);
    const held = { statement, from, group: addressGroup(from), untilMs };
    if (known !== undefined) this.#remove(name, publisher);
    else if (!this.#makeRoom(name, held)) return StoreVerdict.full;
    this.#add(name, publisher, held);
    return StoreVerdict.kept;
  }

  /** What is held for a name, in no particular order. Revocations are among it. */
  of(nameKey: Uint8Array, nowMs: number): Held[] {
    const all = this.#names.get(hex(nameKey));
    return all === undefined ? [] : [...all.values()].filter((held) => held.untilMs > nowMs);
  }

  /** Drops what has run out. */
  sweep(nowMs: number): void {
    for (const [name, publishers] of this.#names) {
      for (const [publisher, held] of publishers) {
        if (held.untilMs <= nowMs) this.#remove(name, publisher);
      }
    }
  }

  /** How many registrations are held. */
  get size(): number {
    return this.#size;
  }

  /** Lets something give way for a newcomer if need be; `false` if the newcomer itself does. */
  #makeRoom(name: string, held: Held): boolean {
    const rivals = [...(this.#names.get(name) ?? [])];
    const sameGroup = held.group === null ? [] : rivals.filter(([, rival]) => rival.group === held.group);
    if (sameGroup.length >= heldGroupMax) return this.#dropOne(name, sameGroup);
    if (rivals.length >= heldNameMax) return this.#dropOne(name, rivals);
    return this.#size < heldMax || this.#dropOfLargestGroup();
  }

  /** Drops one of the rivals or the newcomer, all with the same chance; `false` if it is the newcomer. */
  #dropOne(name: string, rivals: readonly (readonly [string, Held])[]): boolean {
    const leaving = rivals[below(this.#random, rivals.length + 1)];
    if (leaving === undefined) return false;
    this.#remove(name, leaving[0]);
    return true;
  }

  #dropOfLargestGroup(): boolean {
    let largest: string | null = null;
    for (const [group, count] of this.#groups) {
      if (largest === null || count > this.#groups.get(largest)!) largest = group;
    }
    const rivals: [string, string][] = [];
    for (const [name, publishers] of this.#names) {
      for (const [publisher, held] of publishers) {
        if ((held.group ?? "") === largest) rivals.push([name, publisher]);
      }
    }
    const leaving = rivals[below(this.#random, rivals.length + 1)];
    if (leaving === undefined) return false;
    this.#remove(...leaving);
    return true;
  }

  #add(name: string, publisher: string, held: Held): void {
    const publishers = this.#names.get(name) ?? new Map<string, Held>();
    publishers.set(publisher, held);
    this.#names.set(name, publishers);
    this.#size++;
    const group = held.group ?? "";
    this.#groups.set(group, (this.#groups.get(group) ?? 0) + 1);
  }

  #remove(name: string, publisher: string): void {
    const publishers = this.#names.get(name)!;
    const group = publishers.get(publisher)!.group ?? "";
    publishers.delete(publisher);
    if (publishers.size === 0) this.#names.delete(name);
    this.#size--;
    const left = this.#groups.get(group)! - 1;
    if (left === 0) this.#groups.delete(group);
    else this.#groups.set(group, left);
  }
}
