/**
 * Registrations that a contact holds for others. Where there are too many, chance decides: each
 * publisher has a rank drawn by a secret of this holder, and the highest gives way. So a flood wins no
 * more than its share, to come often or late does not help, and nobody can choose whom it pushes out
 * (T24). Other holders draw otherwise.
 */

import { hex } from "../base/bytes.ts";
import type { Address, Crypto, Instant, Random } from "../base/ports.ts";
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
  /** Drawn for its publisher; the highest gives way. */
  readonly rank: number;
  /** When it runs out, on the monotonic clock: a jump of the wall clock drops nothing. */
  readonly untilMs: number;
}

interface Rival {
  readonly name: string;
  readonly publisher: string;
  readonly held: Held;
}

/** What one contact holds in one cloud. */
export class Holdings {
  readonly #crypto: Crypto;
  readonly #cloud: Uint8Array;
  readonly #secret: Uint8Array;
  readonly #names = new Map<string, Map<string, Held>>();
  readonly #groups = new Map<string, number>();
  #size = 0;

  constructor(crypto: Crypto, cloud: Uint8Array, random: Random) {
    this.#crypto = crypto;
    this.#cloud = cloud;
    this.#secret = random.bytes(32);
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
    const held = { statement, from, group: addressGroup(from), rank: this.#rank(statement), untilMs };
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

  #rank({ publisher }: SignedStatement): number {
    const drawn = this.#crypto.hmacSha256(this.#secret, publisher);
    return new DataView(drawn.buffer, drawn.byteOffset).getUint32(0);
  }

  /** Lets something give way for a newcomer if need be; `false` if the newcomer itself does. */
  #makeRoom(name: string, held: Held): boolean {
    const rivals: Rival[] = [];
    for (const [publisher, rival] of this.#names.get(name) ?? []) {
      rivals.push({ name, publisher, held: rival });
    }
    const sameGroup = held.group === null ? [] : rivals.filter((rival) => rival.held.group === held.group);
    if (sameGroup.length >= heldGroupMax) return this.#replaceOne(sameGroup, held);
    if (rivals.length >= heldNameMax) return this.#replaceOne(rivals, held);
    return this.#size < heldMax || this.#replaceOne(this.#largestGroup(), held);
  }

  /** Drops the rival of the highest rank; `false` if that is the newcomer. */
  #replaceOne(rivals: readonly Rival[], held: Held): boolean {
    const leaving = rivals.reduce((worst, rival) => rival.held.rank > worst.held.rank ? rival : worst);
    if (leaving.held.rank <= held.rank) return false;
    this.#remove(leaving.name, leaving.publisher);
    return true;
  }

  /** What the address group with the most registrations has here. */
  #largestGroup(): Rival[] {
    let largest = "";
    let most = 0;
    for (const [group, count] of this.#groups) if (count > most) [largest, most] = [group, count];
    const rivals: Rival[] = [];
    for (const [name, publishers] of this.#names) {
      for (const [publisher, held] of publishers) {
        if ((held.group ?? "") === largest) rivals.push({ name, publisher, held });
      }
    }
    return rivals;
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
