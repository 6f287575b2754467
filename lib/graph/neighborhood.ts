/**
 * Who is near: whom a node dials while it has fewer neighbors than it wants, and what neighbors tell each
 * other of where peers are. A part of the {@linkcode Replica}, as conversations are.
 */

import { hex } from "../base/bytes.ts";
import type { Instant } from "../base/ports.ts";
import type { Conversations } from "./conversations.ts";
import { contactEntry } from "./keeping.ts";
import {
  contactEndpointsMax,
  contactsMax,
  dialsMax,
  neighborsDialledMin,
  neighborsIdeal,
  neighborsMax,
  settlingMsMax,
} from "./limits.ts";
import type { ContactHint } from "./messages.ts";
import type { Neighbor } from "./neighbor.ts";
import type { Replica } from "./replica.ts";

/** Whether a neighbor had its time to catch up with us and has not: it may be mute (T35). */
export function isIdle({ isSynchronised, upMs }: Neighbor, monoMs: number): boolean {
  return !isSynchronised && monoMs - upMs >= settlingMsMax;
}

/** The surroundings of one node. */
export class Neighborhood {
  readonly #replica: Replica;
  readonly #conversations: Conversations;
  readonly #self: string;
  #endpoints: readonly string[] = [];

  constructor(replica: Replica, conversations: Conversations) {
    this.#replica = replica;
    this.#conversations = conversations;
    this.#self = hex(replica.signer.publicKey);
  }

  /** Where this node may be reached from now on; its neighbors are told. */
  moveTo(endpoints: readonly string[]): void {
    this.#endpoints = endpoints;
    for (const neighbor of this.#conversations.all()) if (neighbor.phase === "open") this.tell(neighbor);
  }

  /** Tells a neighbor where this node and the peers that it knows are. */
  tell(neighbor: Neighbor): void {
    const { signer, contacts } = this.#replica;
    const endpoints = this.#endpoints.slice(0, contactEndpointsMax);
    const own: ContactHint = { peer: signer.publicKey, endpoints };
    // Those that are away too: who comes back elsewhere is found by whoever knows of it.
    const others = contacts.hints().filter(({ peer }) => hex(peer) !== neighbor.id).slice(0, contactsMax);
    neighbor.window.send({ type: "contacts", contacts: [own, ...others] });
  }

  /** A neighbor says where peers are; `false` if no honest one would. */
  onContacts(neighbor: Neighbor, hints: readonly ContactHint[], now: Instant): boolean {
    const { contacts, policy, graph } = this.#replica;
    if (!neighbor.hearsContacts(now.monoMs)) return true;
    for (const hint of hints) {
      if (!policy.mayConnect(hint.peer)) continue;
      const isOwn = hex(hint.peer) === neighbor.id;
      if (!contacts.learn(hint, neighbor.up.isLoopback, isOwn)) continue;
      this.#replica.keep(contactEntry(graph, contacts.known(hex(hint.peer))!));
      // What a neighbor says of itself goes one step further, so that its neighbors' neighbors may dial it.
      if (isOwn) this.#passOn(neighbor, hint);
    }
    return true;
  }

  /** Looks for neighbors while there are fewer than wanted and somebody to dial. */
  seek(now: Instant): void {
    const { contacts, deadlines, outbox } = this.#replica;
    contacts.endLateDials(now.monoMs);
    const missing = this.#missing(now);
    if (missing <= 0) return deadlines.clear("seek");
    const isExcluded = (id: string): boolean => id === this.#self || this.#conversations.has(id);
    const { dialling } = contacts;
    const wanted = Math.min(missing - dialling, dialsMax - dialling);
    for (const contact of contacts.takeDue(wanted, now.monoMs, isExcluded)) {
      outbox.push({ kind: "connect", peer: hex(contact.peer), contact });
    }
    const next = contacts.nextTry(isExcluded);
    // One that is due already waits for a dial to end: an input of its own, or the dial's deadline.
    const isLater = next !== null && next > now.monoMs;
    const at = Math.min(isLater ? next : Infinity, contacts.nextDialEnd() ?? Infinity);
    if (at === Infinity) deadlines.clear("seek");
    else if (at !== deadlines.at("seek")) deadlines.set("seek", at);
  }

  #passOn(from: Neighbor, hint: ContactHint): void {
    for (const other of this.#conversations.all()) {
      if (other !== from && other.phase === "open") {
        other.window.send({ type: "contacts", contacts: [hint] });
      }
    }
  }

  /**
   * How many neighbors are wanted besides those that are of use, or have just come and may be. Whoever waits at
   * the door counts only if it was dialled: strangers have places of their own and take none of these.
   */
  #missing(now: Instant): number {
    let [useful, dialled, taken] = [0, 0, 0];
    for (const neighbor of this.#conversations.all()) {
      const { phase, up } = neighbor;
      if (phase !== "open" && !up.dialled) continue;
      taken++;
      if (isIdle(neighbor, now.monoMs)) continue;
      useful++;
      if (up.dialled) dialled++;
    }
    const missing = Math.max(neighborsIdeal - useful, neighborsDialledMin - dialled);
    return Math.min(missing, neighborsMax - taken);
  }
}
