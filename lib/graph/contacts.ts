/** Peers of a graph that this node may dial: where they are, and when to try again. */

import { addressScope, parseEndpoint } from "../base/address.ts";
import { BoundedMap } from "../base/bounded.ts";
import { hex } from "../base/bytes.ts";
import type { Random } from "../base/ports.ts";
import { jittered, shuffled } from "../base/random.ts";
import {
  contactEndpointsMax,
  contactsMax,
  dialBackoffMsMax,
  dialBackoffMsMin,
  dialMsMax,
  dialsPerMinuteMax,
} from "./limits.ts";
import type { ContactHint } from "./messages.ts";

/** Where a peer is, and on whose word. */
export interface KnownContact {
  readonly peer: Uint8Array;
  /** Where it said that it is, or where it answered. */
  readonly own: readonly string[];
  /** Where others said that it is, the last of them. */
  readonly hearsay: readonly string[];
}

interface Contact extends KnownContact {
  failures: number;
  nextTryMs: number;
}

/** The contacts of one graph. */
export class Contacts {
  readonly #random: Random;
  readonly #isNeighbor: (id: string) => boolean;
  readonly #contacts = new BoundedMap<string, Contact>(contactsMax);
  readonly #forgotten: Uint8Array[] = [];
  // When the dials under way began, by lineage in hex; the oldest first.
  readonly #dialling = new Map<string, number>();
  // When the dials of the last minute began.
  #dials: number[] = [];

  /** `isNeighbor` tells whether a peer, by lineage in hex, takes part with this node now. */
  constructor(random: Random, isNeighbor: (id: string) => boolean = () => false) {
    this.#random = random;
    this.#isNeighbor = isNeighbor;
  }

  /**
   * Remembers where a peer is, by its own word or by hearsay. Tells whether that is news. Hearsay stands
   * beside a peer's own word and never replaces it (a peer that came back elsewhere must be found all the
   * same), and nothing that is said shortens a pause: else anybody could have us dial anything in a loop.
   * Loopback endpoints are believed of peers on this machine only: elsewhere they would make us dial
   * ourselves. Where there is no room, peers that are known by hearsay alone give way; no hearsay drives out
   * what a peer said of itself, and nothing drives out a neighbor.
   */
  learn(hint: ContactHint, takesLoopback: boolean, isOwnWord: boolean): boolean {
    const id = hex(hint.peer);
    const known = this.#contacts.get(id);
    // Nearly all that is said was said before; to take it apart each time would be most of a large graph's work.
    const saidBefore = isOwnWord ? known?.own : known?.hearsay;
    if (saidBefore !== undefined && isSame(saidBefore, hint.endpoints)) return false;
    const dialable = hint.endpoints.filter((text) => isDialable(text, takesLoopback));
    const endpoints = [...new Set(dialable)].slice(0, contactEndpointsMax);
    if (endpoints.length === 0) return false;
    const own = isOwnWord ? endpoints : known?.own ?? [];
    const hearsay = isOwnWord ? [] : endpoints;
    const contact: Contact = {
      peer: hint.peer,
      own,
      hearsay,
      failures: known?.failures ?? 0,
      nextTryMs: known?.nextTryMs ?? 0,
    };
    // Hearsay that it confirms becomes its own word.
    const isKnown = known !== undefined && isSame(known.own, own);
    if (isKnown && isSame(endpointsOf(known), endpointsOf(contact))) return false;
    if (known === undefined && !this.#makeRoom(isOwnWord)) return false;
    this.#contacts.set(id, contact);
    return true;
  }

  #makeRoom(isOwnWord: boolean): boolean {
    const entries = [...this.#contacts.entries()];
    if (entries.length < contactsMax) return true;
    const others = entries.filter(([id]) => !this.#isNeighbor(id));
    const heard = others.find(([, { own }]) => own.length === 0);
    const victim = isOwnWord ? heard ?? others[0] : heard;
    if (victim !== undefined) this.forget(victim[0]);
    return victim !== undefined;
  }

  /** Forgets a peer, for one that was removed. */
  forget(id: string): void {
    const contact = this.#contacts.get(id);
    if (contact === undefined) return;
    this.#contacts.delete(id);
    this.#forgotten.push(contact.peer);
  }

  /** Peers that gave way or were forgotten since this was asked last, and were not learnt again: the store need not keep them. */
  takeForgotten(): Uint8Array[] {
    return this.#forgotten.splice(0).filter((peer) => !this.#contacts.has(hex(peer)));
  }

  /** Contacts to dial now, at most `count`, chosen by chance; they count as being dialled. */
  takeDue(count: number, monoMs: number, isExcluded: (id: string) => boolean): ContactHint[] {
    if (count <= 0) return [];
    this.#dials = this.#dials.filter((atMs) => atMs > monoMs - 60_000);
    const allowed = Math.min(count, dialsPerMinuteMax - this.#dials.length);
    const due = [...this.#contacts.entries()].filter(([id, contact]) =>
      !this.#dialling.has(id) && contact.nextTryMs <= monoMs && !isExcluded(id)
    );
    const chosen = shuffled(this.#random, due).slice(0, Math.max(0, allowed));
    for (const [id] of chosen) {
      this.#dialling.set(id, monoMs);
      this.#dials.push(monoMs);
    }
    return chosen.map(([, contact]) => hintOf(contact));
  }

  /** A dial ended: with a link, which {@linkcode Contacts.onLost} judges when it ends, or without. */
  onDialled(id: string, succeeded: boolean, monoMs: number): void {
    this.#dialling.delete(id);
    const contact = this.#contacts.get(id);
    if (contact !== undefined && !succeeded) this.#pause(contact, monoMs);
  }

  /** Counts dials of which nothing was heard for too long as failed: none may hold a place for ever. */
  endLateDials(monoMs: number): void {
    for (const [id, sinceMs] of this.#dialling) {
      if (sinceMs + dialMsMax > monoMs) break;
      this.onDialled(id, false, monoMs);
    }
  }

  /** When the oldest dial under way counts as failed, or `null` if there is none. */
  nextDialEnd(): number | null {
    const [sinceMs] = this.#dialling.values();
    return sinceMs === undefined ? null : sinceMs + dialMsMax;
  }

  /**
   * A link ended: try again soon, but not all at once. One that led to nothing, for it was refused or full,
   * counts as a failure, else whoever is refused would dial twice a second for ever.
   */
  onLost(id: string, wasOfUse: boolean, monoMs: number): void {
    const contact = this.#contacts.get(id);
    if (contact === undefined) return;
    if (!wasOfUse) return this.#pause(contact, monoMs);
    contact.failures = 0;
    contact.nextTryMs = Math.max(contact.nextTryMs, monoMs + jittered(this.#random, dialBackoffMsMin, 0.5));
  }

  #pause(contact: Contact, monoMs: number): void {
    const pause = Math.min(dialBackoffMsMax, dialBackoffMsMin * 2 ** Math.min(contact.failures, 16));
    contact.failures++;
    contact.nextTryMs = monoMs + jittered(this.#random, pause);
  }

  /** When the next contact outside `isExcluded` may be dialled, or `null`. */
  nextTry(isExcluded: (id: string) => boolean): number | null {
    let next: number | null = null;
    for (const [id, contact] of this.#contacts.entries()) {
      if (this.#dialling.has(id) || isExcluded(id)) continue;
      if (next === null || contact.nextTryMs < next) next = contact.nextTryMs;
    }
    const isSpent = this.#dials.length >= dialsPerMinuteMax;
    return next !== null && isSpent ? Math.max(next, this.#dials[0]! + 60_000) : next;
  }

  /** How many dials are under way. */
  get dialling(): number {
    return this.#dialling.size;
  }

  /** All contacts as hints. */
  hints(): ContactHint[] {
    return [...this.#contacts.values()].map(hintOf);
  }

  /** What is known of one peer, by lineage in hex. */
  known(id: string): KnownContact | null {
    return this.#contacts.get(id) ?? null;
  }

  /** One contact as a hint, by lineage in hex. */
  hint(id: string): ContactHint | null {
    const contact = this.#contacts.get(id);
    return contact === undefined ? null : hintOf(contact);
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i]);
}

function hintOf(contact: Contact): ContactHint {
  return { peer: contact.peer, endpoints: endpointsOf(contact) };
}

/** The peer's own word first, and room for one that was heard. */
function endpointsOf({ own, hearsay }: Contact): readonly string[] {
  const room = hearsay.length > 0 ? contactEndpointsMax - 1 : contactEndpointsMax;
  return [...new Set([...own.slice(0, room), ...hearsay])].slice(0, contactEndpointsMax);
}

function isDialable(text: string, takesLoopback: boolean): boolean {
  const endpoint = parseEndpoint(text);
  if (endpoint === null || endpoint.transport !== "tcp" || endpoint.address.port === 0) return false;
  const scope = addressScope(endpoint.address.host);
  return scope !== "unusable" && (scope !== "loopback" || takesLoopback);
}
