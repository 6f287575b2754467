/**
 * One iterative look-up: which contacts to ask next, and when to stop.
 *
 * Up to four paths start from different contacts and never ask the same one, so that contacts that
 * refer only to their own kind mislead the paths they are on and no other (S/Kademlia, Baumgart and
 * Mies 2007). A contact that several paths name at different addresses is asked at each in turn, so
 * nobody can name an honest one away. A slow contact is replaced, not waited for; its answer still
 * counts when it comes.
 */

import { compareBytes } from "../base/bytes.ts";
import { type Contact, sameAddresses } from "./contact.ts";
import { compareDistance, distanceShare } from "./id_space.ts";
import {
  bucketContactsMax,
  lookupCandidatesMax,
  lookupContactsMax,
  lookupHopsMax,
  lookupPathsMax,
  lookupPathWidth,
  publishAcksMin,
  resolveHoldersMin,
} from "./limits.ts";

/** What a look-up seeks: the contacts closest to its target, or those that hold values for it. */
export type Aim = "closest" | "values";

/** How a look-up is set. */
export interface LookupOptions {
  readonly target: Uint8Array;
  readonly aim: Aim;
  /** The contacts to start from. */
  readonly seeds: readonly Contact[];
  /** Key of who looks up, in hex: never asked. */
  readonly selfHex: string;
  /** How many contacts are sought; the region may hold more. */
  readonly width?: number;
  /** Contacts nearer to the target than this share of the space are all sought: see region store. */
  readonly regionShare: number;
  /** Contacts asked at once. */
  readonly parallel: number;
}

type Status = "fresh" | "asked" | "slow" | "answered" | "failed" | "lying";

interface Candidate {
  /** With the addresses at which it is asked. */
  contact: Contact;
  /** The same at addresses that other paths name, one each: who named it first may have lied about them. */
  readonly elsewhere: Contact[];
  /** Paths that have named it. */
  readonly namedBy: Set<number>;
  readonly path: number;
  /** Referrals that led here; 0 for a seed. */
  readonly hop: number;
  /** Whether it lies so near that it is sought whatever others are. */
  readonly isInRegion: boolean;
  status: Status;
}

/** One look-up. */
export class Lookup {
  readonly target: Uint8Array;
  readonly aim: Aim;
  readonly #selfHex: string;
  readonly #width: number;
  readonly #regionShare: number;
  readonly #parallel: number;
  readonly #pathCount: number;
  readonly #candidates = new Map<string, Candidate>();
  /** All candidates, closest first. */
  readonly #order: Candidate[] = [];
  readonly #holderPaths: number[] = [];
  #isEnded = false;
  /** Contacts asked so far. */
  asked = 0;
  /** Referrals to the first contact that held values; 0 before. */
  hops = 0;

  constructor(options: LookupOptions) {
    this.target = options.target;
    this.aim = options.aim;
    this.#selfHex = options.selfHex;
    this.#width = options.width ?? bucketContactsMax;
    this.#regionShare = options.regionShare;
    this.#parallel = options.parallel;
    this.#pathCount = Math.min(lookupPathsMax, Math.max(1, options.seeds.length));
    const seeds = [...options.seeds].sort((a, b) => compareDistance(this.target, a.id, b.id));
    for (const [i, seed] of seeds.entries()) this.#add(seed, i % this.#pathCount, 0);
  }

  /** The contacts to ask now; they count as asked. */
  next(): Contact[] {
    const chosen: Contact[] = [];
    if (this.#isEnded || this.#isSatisfied()) return chosen;
    const useful = this.#useful();
    const asked = this.#count("asked");
    // Once values were seen, no more are asked than the holders still wanted.
    const holders = this.#holderPaths.length;
    let room = (holders === 0 ? this.#parallel : Math.max(1, resolveHoldersMin - holders)) - asked;
    // First one for each idle path, then the closest of any.
    const busy = new Set<number>();
    for (const candidate of this.#order) if (candidate.status === "asked") busy.add(candidate.path);
    for (const isSpare of [false, true]) {
      for (const candidate of useful) {
        if (room <= 0 || this.asked >= lookupContactsMax) break;
        if (candidate.status !== "fresh" || (!isSpare && busy.has(candidate.path))) continue;
        busy.add(candidate.path);
        candidate.status = "asked";
        this.asked++;
        room--;
        chosen.push(candidate.contact);
      }
    }
    return chosen;
  }

  /** A contact answered with hints, and with values or not. */
  onAnswer(contact: Contact, hints: readonly Contact[], hasValues: boolean): void {
    const candidate = this.#candidates.get(contact.keyHex);
    if (candidate === undefined) return;
    candidate.status = "answered";
    candidate.contact = contact;
    if (hasValues) {
      if (this.#holderPaths.length === 0) this.hops = candidate.hop;
      this.#holderPaths.push(candidate.path);
    }
    for (const hint of hints) this.#add(hint, candidate.path, candidate.hop + 1);
  }

  /** A contact takes long. */
  onSlow(contact: Contact): void {
    const candidate = this.#candidates.get(contact.keyHex);
    if (candidate?.status !== "asked" || candidate.contact !== contact) return;
    candidate.status = "slow";
    this.#tryElsewhere(candidate);
  }

  /** A contact did not answer. */
  onFailed(contact: Contact): void {
    const candidate = this.#candidates.get(contact.keyHex);
    // It may have answered at another address, or be asked there.
    if (candidate?.contact !== contact || candidate.status === "answered") return;
    candidate.status = "failed";
    this.#tryElsewhere(candidate);
  }

  /** A contact said what no honest one does: nothing of it is believed and it is not asked again. */
  onLie(contact: Contact): void {
    const candidate = this.#candidates.get(contact.keyHex);
    if (candidate !== undefined) candidate.status = "lying";
  }

  /** Ends the look-up with what it has. */
  end(): void {
    this.#isEnded = true;
  }

  /** Whether there is nothing more to ask or to wait for. Ask for {@linkcode Lookup.next} first. */
  isDone(): boolean {
    if (this.#isEnded || this.#isSatisfied()) return true;
    if (this.#count("asked") > 0) return false;
    if (this.#count("slow") === 0) return true;
    // Who seeks the closest contacts has others; who finds no value must have heard everybody out.
    return this.aim === "closest" && this.#count("answered") >= publishAcksMin;
  }

  /** Contacts that answered, closest first: those sought and those of the region. */
  closest(): Contact[] {
    const answered = this.#order.filter((candidate) => candidate.status === "answered");
    return answered.filter((candidate, i) => i < this.#width || candidate.isInRegion)
      .map((candidate) => candidate.contact);
  }

  /** How many contacts answered, liars among them. */
  get answered(): number {
    return this.#count("answered") + this.#count("lying");
  }

  #isSatisfied(): boolean {
    if (this.aim === "closest" || this.#holderPaths.length < resolveHoldersMin) return false;
    return new Set(this.#holderPaths).size >= Math.min(2, this.#pathCount);
  }

  /** Candidates whose answers matter: the closest of all, those of the region, and the closest of each path. */
  #useful(): Candidate[] {
    const counts = new Array<number>(this.#pathCount).fill(0);
    let count = 0;
    return this.#order.filter((candidate) => {
      if (hopeless.has(candidate.status)) return false;
      const isClosest = count++ < this.#width;
      const isClosestOfPath = counts[candidate.path]!++ < Math.min(lookupPathWidth, this.#width);
      return isClosest || isClosestOfPath || candidate.isInRegion;
    });
  }

  #add(contact: Contact, path: number, hop: number): void {
    if (contact.keyHex === this.#selfHex || hop > lookupHopsMax) return;
    const known = this.#candidates.get(contact.keyHex);
    if (known !== undefined) return this.#addElsewhere(known, contact, path);
    const namedBy = new Set([path]);
    const isInRegion = distanceShare(this.target, contact.id) < this.#regionShare;
    const candidate: Candidate = { contact, elsewhere: [], namedBy, path, hop, isInRegion, status: "fresh" };
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compare(this.#order[middle]!, candidate) < 0) low = middle + 1;
      else high = middle;
    }
    if (low >= lookupCandidatesMax) return;
    this.#order.splice(low, 0, candidate);
    this.#candidates.set(contact.keyHex, candidate);
    if (this.#order.length > lookupCandidatesMax) this.#forgetFarthest();
  }

  #addElsewhere(candidate: Candidate, contact: Contact, path: number): void {
    if (candidate.namedBy.has(path)) return;
    candidate.namedBy.add(path);
    const named = [candidate.contact, ...candidate.elsewhere];
    if (named.some((other) => sameAddresses(other, contact))) return;
    candidate.elsewhere.push(contact);
    this.#tryElsewhere(candidate);
  }

  /** What does not answer at one address is asked at the next that was named. */
  #tryElsewhere(candidate: Candidate): void {
    if (candidate.status !== "slow" && candidate.status !== "failed") return;
    const contact = candidate.elsewhere.shift();
    if (contact === undefined) return;
    candidate.contact = contact;
    candidate.status = "fresh";
  }

  #forgetFarthest(): void {
    const index = this.#order.findLastIndex((candidate) => candidate.status === "fresh");
    if (index < 0) return; // all were asked, and those are bounded
    const [forgotten] = this.#order.splice(index, 1);
    this.#candidates.delete(forgotten!.contact.keyHex);
  }

  #compare(a: Candidate, b: Candidate): number {
    const order = compareDistance(this.target, a.contact.id, b.contact.id);
    return order !== 0 ? order : compareBytes(a.contact.key, b.contact.key);
  }

  #count(status: Status): number {
    let count = 0;
    for (const candidate of this.#order) if (candidate.status === status) count++;
    return count;
  }
}

/** What a candidate is that brings nothing for now. */
const hopeless: ReadonlySet<Status> = new Set<Status>(["failed", "slow", "lying"]);
