/**
 * A replica's side of every channel: greeting, joining, catching up, flooding, and parting. A part of
 * the {@linkcode Replica}, not a machine: it is told what came and leaves effects in the outbox.
 */

import { BoundedMap } from "../base/bounded.ts";
import { hex } from "../base/bytes.ts";
import type { Instant } from "../base/ports.ts";
import type { AuthorityItem, Item } from "../records/item.ts";
import type { Value } from "../wire/codec.ts";
import { packed } from "./catchup.ts";
import { contactEntry } from "./keeping.ts";
import {
  greetingMsMax,
  knocksPerLinkMax,
  misbehavedMsMax,
  misbehavedPeersMax,
  neighborsDialledMin,
  neighborsMax,
  proofItemsMax,
  servedPeersMax,
  strangerGreetingsMax,
  strangersMax,
} from "./limits.ts";
import type { LinkId, LinkUp } from "./machine.ts";
import { type GraphMessage, graphProtocolVersion } from "./messages.ts";
import { Neighbor } from "./neighbor.ts";
import { isIdle } from "./neighborhood.ts";
import type { KnockAnswer } from "./policy.ts";
import { fitting, isEnded, proofFor } from "./proof.ts";
import type { Replica, ReplicaSnapshot } from "./replica.ts";
import { ServingBudget } from "./serving.ts";

interface PendingAdmission {
  readonly link: LinkId;
  readonly reply: (item: AuthorityItem) => Value;
}

/** All channels of one graph. */
export class Conversations {
  readonly #replica: Replica;
  readonly #neighbors = new Map<LinkId, Neighbor>();
  // The same by lineage in hex: there is one link at most with each.
  readonly #byLineage = new Map<string, Neighbor>();
  readonly #admissions = new Map<number, PendingAdmission>();
  readonly #budgets = new BoundedMap<string, ServingBudget>(servedPeersMax);
  // Until when (monotonic) lineages are turned away.
  readonly #misbehaved = new BoundedMap<string, number>(misbehavedPeersMax);

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  onLinkUp(up: LinkUp, now: Instant): void {
    const { contacts, outbox, deadlines } = this.#replica;
    const id = hex(up.peer);
    contacts.onDialled(id, true, now.monoMs);
    if ((this.#misbehaved.get(id) ?? 0) > now.monoMs) {
      contacts.onLost(id, false, now.monoMs);
      return outbox.push({ kind: "disconnect", link: up.link, reason: "misbehaved" });
    }
    if (up.endpoint !== null) {
      contacts.learn({ peer: up.peer, endpoints: [up.endpoint] }, up.isLoopback, true);
    }
    const old = this.#byLineage.get(id);
    if (old !== undefined) this.#part(old, "replaced", now);
    const strangers = this.all().filter(({ phase }) => phase !== "open");
    if (strangers.length >= strangersMax) this.#part(strangers[0]!, "too_many", now);
    const budget = this.#budgets.get(id) ?? new ServingBudget();
    this.#budgets.set(id, budget);
    const neighbor = new Neighbor(up, outbox, budget, (made) => this.#replica.catchups.contextOf(made));
    neighbor.upMs = now.monoMs;
    this.#neighbors.set(up.link, neighbor);
    this.#byLineage.set(id, neighbor);
    deadlines.set(`greeting:${up.link}`, now.monoMs + greetingMsMax);
    this.#greet(neighbor, now);
  }

  onLinkDown(link: LinkId, now: Instant): void {
    const neighbor = this.#neighbors.get(link);
    if (neighbor === undefined) return;
    if (neighbor.phase !== "open") {
      this.#replica.outbox.emit({ kind: "refused", peer: neighbor.peer, reason: "link_lost" });
    }
    this.#forget(neighbor, now);
  }

  onFrame(link: LinkId, bytes: Uint8Array, now: Instant): void {
    const neighbor = this.#neighbors.get(link);
    if (neighbor === undefined) return; // it was parted with while the frame was under way
    const message = this.#replica.wire.decode(bytes);
    const isTaken = message !== null && this.#onMessage(neighbor, message, now);
    if (!isTaken && neighbor.onBad()) this.#part(neighbor, "misbehaved", now);
    this.#advance(neighbor, now);
  }

  onWritable(link: LinkId, now: Instant): void {
    const neighbor = this.#neighbors.get(link);
    if (neighbor === undefined) return;
    neighbor.window.onWritable();
    this.#advance(neighbor, now);
  }

  /** A neighbor that has not shown why it may take part is let go. */
  onGreetingLate(link: LinkId): void {
    const neighbor = this.#neighbors.get(link);
    if (neighbor === undefined || neighbor.phase === "open") return;
    this.#replica.outbox.push({ kind: "disconnect", link, reason: "greeting_late" });
  }

  /** Time to compare again with a live neighbor, clocks included: one of them may have been moved. */
  onCatchupDue(link: LinkId, now: Instant): void {
    const neighbor = this.#neighbors.get(link);
    if (neighbor?.phase !== "open") return;
    neighbor.window.send({ type: "greet", version: graphProtocolVersion, wallMs: now.wallMs, items: [] });
    neighbor.catchup.begin();
  }

  /** Items of ours became durable: an admission may be among them, and its joiner waits. */
  onIssued(ticket: number, items: readonly Item[], now: Instant): void {
    for (const item of items) this.#replica.intake.noteNumber(item);
    const admission = this.#admissions.get(ticket);
    if (admission === undefined) return;
    this.#admissions.delete(ticket);
    const neighbor = this.#neighbors.get(admission.link);
    if (neighbor === undefined) return;
    neighbor.window.send({ type: "knock", content: admission.reply(items[0] as AuthorityItem) });
    this.#judge(neighbor, now);
  }

  /** The store did not take an admission: the joiner may try again. */
  onIssueFailed(ticket: number, now: Instant): void {
    const admission = this.#admissions.get(ticket);
    const neighbor = admission === undefined ? undefined : this.#neighbors.get(admission.link);
    this.#admissions.delete(ticket);
    if (neighbor !== undefined) this.#refuse(neighbor, "store_failed", [], now);
  }

  /** Sends items that entered the set to every neighbor, but those it brought to the one that brought them. */
  flood(items: readonly Item[], from: LinkId | null, brought: ReadonlySet<string>): void {
    if (items.length === 0) return;
    const open = this.all().filter((neighbor) => neighbor.phase === "open");
    this.#sendItems(items, open.filter((neighbor) => neighbor.link !== from));
    // What its items let in besides came from others, and may be news to it.
    const besides = from === null ? [] : items.filter((item) => !brought.has(item.id));
    this.#sendItems(besides, open.filter((neighbor) => neighbor.link === from));
  }

  #sendItems(items: readonly Item[], to: readonly Neighbor[]): void {
    if (to.length === 0) return;
    for (const message of packed(items)) {
      const bytes = this.#replica.wire.encode(message);
      for (const neighbor of to) neighbor.window.sendEncoded(bytes);
    }
  }

  /** Who may take part may have changed. */
  onAuthority(now: Instant): void {
    const { policy, signer } = this.#replica;
    const isIn = policy.mayConnect(signer.publicKey);
    for (const neighbor of this.all()) {
      if (neighbor.phase === "greeting") continue;
      if (neighbor.phase !== "open" || !isIn || !policy.mayConnect(neighbor.peer)) this.#judge(neighbor, now);
    }
  }

  /** Whether there is a channel with this lineage (hex). */
  has(id: string): boolean {
    return this.#byLineage.has(id);
  }

  /** Whether this lineage (hex) takes part with us now. */
  isOpen(id: string): boolean {
    return this.#byLineage.get(id)?.phase === "open";
  }

  /** How many there are. */
  get count(): number {
    return this.#neighbors.size;
  }

  all(): Neighbor[] {
    return [...this.#neighbors.values()];
  }

  snapshot(): ReplicaSnapshot["neighbors"] {
    return this.all().map(({ id, phase, catchup, isSynchronised, window }) => ({
      peer: id,
      phase,
      catchup: catchup.state,
      isSynchronised,
      waitingBytes: window.waitingBytes,
    }));
  }

  /** Handles a message; `false` if no honest node says that now. */
  #onMessage(neighbor: Neighbor, message: GraphMessage, now: Instant): boolean {
    switch (message.type) {
      case "greet":
        return this.#onGreet(neighbor, message, now);
      case "refuse":
        return this.#onRefuse(neighbor, message, now);
      case "knock":
        return this.#onKnock(neighbor, message.content, now);
      case "items":
        return neighbor.phase === "open" && this.#onItems(neighbor, message.items, now);
      case "contacts":
        return neighbor.phase === "open" &&
          this.#replica.neighborhood.onContacts(neighbor, message.contacts, now);
      case "summary":
      case "elements":
      case "want":
      case "served":
        return neighbor.phase === "open" && neighbor.catchup.onMessage(message);
    }
  }

  #greet(neighbor: Neighbor, now: Instant): void {
    const { policy, signer } = this.#replica;
    const proof = proofFor(policy, signer.publicKey, neighbor.peer);
    neighbor.greetedWith = [...proof.keys()].join();
    const items = fitting([...proof.values()].slice(0, proofItemsMax));
    neighbor.window.send({ type: "greet", version: graphProtocolVersion, wallMs: now.wallMs, items });
  }

  /** The first greeting begins everything; a later one brings what can be shown by now, and the clock. */
  #onGreet(neighbor: Neighbor, greet: GraphMessage & { type: "greet" }, now: Instant): boolean {
    if (greet.items.length > proofItemsMax) return false;
    if (greet.version !== graphProtocolVersion) {
      this.#refuse(neighbor, "unsupported_version", [], now);
      return true;
    }
    // Those without items too: each asks anew why it may not take part.
    if (neighbor.phase !== "open" && ++neighbor.greetings > strangerGreetingsMax) return false;
    neighbor.clock = { wallMs: greet.wallMs, at: now };
    if (neighbor.phase === "open") this.#sampleClock(neighbor);
    if (neighbor.phase === "greeting") neighbor.phase = "stranger";
    this.#onProof(neighbor, greet.items, now);
    if (neighbor.phase === "stranger") this.#judge(neighbor, now);
    return true;
  }

  #onRefuse(neighbor: Neighbor, refuse: GraphMessage & { type: "refuse" }, now: Instant): boolean {
    if (refuse.items.length > proofItemsMax) return false;
    this.#onProof(neighbor, refuse.items, now);
    this.#replica.outbox.emit({ kind: "refused", peer: neighbor.peer, reason: refuse.reason });
    this.#part(neighbor, "refused", now);
    return true;
  }

  #onKnock(neighbor: Neighbor, content: Value, now: Instant): boolean {
    if (neighbor.phase !== "stranger" && neighbor.phase !== "knocking") return false;
    if (++neighbor.knocks > knocksPerLinkMax) return false;
    const { policy, signer, peerTime } = this.#replica;
    // By peer time, as the admission is stamped and judged.
    const at: Instant = { monoMs: now.monoMs, wallMs: peerTime.at(now) };
    const answer: KnockAnswer = policy.answerKnock(signer.publicKey, neighbor.peer, content, at);
    if (answer.learn !== undefined) {
      // Answers that nobody asked for: who was not knocked at teaches nothing.
      if (neighbor.phase !== "knocking") return false;
      this.#replica.forget(this.#replica.learn(answer.learn, neighbor, now).outside);
    }
    if (answer.reply !== undefined) neighbor.window.send({ type: "knock", content: answer.reply });
    if (answer.end !== undefined) {
      if (neighbor.phase === "knocking") {
        this.#replica.outbox.emit({ kind: "refused", peer: neighbor.peer, reason: answer.end });
      }
      this.#refuse(neighbor, answer.end, policy.reasonsAgainst(neighbor.peer), now);
    } else if (answer.issue !== undefined && answer.replyIssued !== undefined) {
      const ticket = this.#replica.issue({ kind: "issue", bodies: [answer.issue], lists: [] }, now);
      if (ticket === null) this.#refuse(neighbor, "not_now", [], now);
      else this.#admissions.set(ticket, { link: neighbor.link, reply: answer.replyIssued });
    } else if (answer.learn !== undefined && this.#neighbors.has(neighbor.link)) {
      if (policy.mayConnect(signer.publicKey)) this.#judge(neighbor, now);
    }
    return true;
  }

  /** Decides what a neighbor is to us, and we to it, by what is known now. */
  #judge(neighbor: Neighbor, now: Instant): void {
    const { policy, signer } = this.#replica;
    if (!this.#neighbors.has(neighbor.link)) return;
    if (!policy.mayConnect(signer.publicKey)) {
      if (neighbor.phase === "knocking") return;
      const content = policy.beginKnock(signer.publicKey, neighbor.peer, now);
      if (content === null) return this.#part(neighbor, "not_a_member", now);
      neighbor.phase = "knocking";
      neighbor.window.send({ type: "knock", content });
    } else if (policy.mayConnect(neighbor.peer)) {
      if (neighbor.phase === "open") return;
      if (this.#hasRoomFor(neighbor) || this.#makeRoom(now)) return this.#open(neighbor, now);
      // It may know nobody but this node, and would ask again and again where there is no room.
      this.#replica.neighborhood.tell(neighbor);
      this.#refuse(neighbor, "too_many", [], now);
    } else {
      const reasons = policy.reasonsAgainst(neighbor.peer);
      // Who does not claim to be a member may still knock, by another invitation too; `greeting_late` ends the wait.
      if (neighbor.phase === "open" || (neighbor.claims && reasons.length > 0)) {
        this.#refuse(neighbor, isEnded(reasons) ? "removed" : "invitation_used", reasons, now);
      } else neighbor.phase = "stranger";
    }
  }

  /** Some places are kept for neighbors that this node dials: those that dial it must not take all (T22). */
  #hasRoomFor({ up }: Neighbor): boolean {
    const open = this.all().filter(({ phase }) => phase === "open");
    if (open.length >= neighborsMax) return false;
    return up.dialled ||
      open.filter((other) => !other.up.dialled).length < neighborsMax - neighborsDialledMin;
  }

  /** Parts with the neighbor that dialled this node and has been mute for longest, if there is one. */
  #makeRoom(now: Instant): boolean {
    const idle = this.all().find((other) =>
      other.phase === "open" && !other.up.dialled && isIdle(other, now.monoMs)
    );
    if (idle === undefined) return false;
    this.#refuse(idle, "too_many", [], now);
    return true;
  }

  #open(neighbor: Neighbor, now: Instant): void {
    const { policy, signer } = this.#replica;
    // Either of us became a member since we greeted: the other end may not know, and would take nothing.
    if (neighbor.greetedWith !== [...proofFor(policy, signer.publicKey, neighbor.peer).keys()].join()) {
      this.#greet(neighbor, now);
    }
    neighbor.phase = "open";
    this.#sampleClock(neighbor);
    this.#replica.deadlines.clear(`greeting:${neighbor.link}`);
    this.#replica.outbox.emit({ kind: "neighborUp", peer: neighbor.peer });
    const known = this.#replica.contacts.known(neighbor.id);
    // Where our dial reached it is known already, so what it says of itself would be no news to keep.
    if (known !== null) this.#replica.keep(contactEntry(this.#replica.graph, known));
    this.#replica.neighborhood.tell(neighbor);
    neighbor.catchup.begin();
  }

  #sampleClock({ id, clock, up }: Neighbor): void {
    if (clock !== null) this.#replica.peerTime.sample(id, clock.wallMs, up.dialled, clock.at);
  }

  #onProof(neighbor: Neighbor, list: readonly Uint8Array[], now: Instant): void {
    if (!this.#replica.intake.onProof(neighbor, list, now)) this.#part(neighbor, "misbehaved", now);
  }

  #onItems(neighbor: Neighbor, list: readonly Uint8Array[], now: Instant): boolean {
    if (!this.#replica.intake.onItems(neighbor, list, now)) this.#part(neighbor, "misbehaved", now);
    return true;
  }

  #advance(neighbor: Neighbor, now: Instant): void {
    if (!this.#neighbors.has(neighbor.link)) return;
    const { window, catchup, phase } = neighbor;
    if (catchup.advance()) this.#replica.catchups.onEnd(neighbor, now);
    // What a full queue dropped is found by comparing again, once there is room.
    const hasRoom = window.waitingBytes === 0 && catchup.state === "idle";
    if (phase === "open" && hasRoom && window.takeMissed()) catchup.begin();
  }

  #refuse(neighbor: Neighbor, reason: string, items: readonly Item[], now: Instant): void {
    const bytes = items.slice(0, proofItemsMax).map((item) => item.bytes);
    neighbor.window.sendLast({ type: "refuse", reason, items: fitting(bytes) });
    this.#part(neighbor, reason, now);
    if (reason === "removed") this.#replica.contacts.forget(neighbor.id);
  }

  #part(neighbor: Neighbor, reason: string, now: Instant): void {
    if (!this.#neighbors.has(neighbor.link)) return; // what it brought ended it already
    if (reason === "misbehaved") this.#misbehaved.set(neighbor.id, now.monoMs + misbehavedMsMax);
    this.#replica.outbox.push({ kind: "disconnect", link: neighbor.link, reason });
    this.#forget(neighbor, now);
  }

  #forget(neighbor: Neighbor, now: Instant): void {
    const { deadlines, outbox, contacts, peerTime } = this.#replica;
    this.#neighbors.delete(neighbor.link);
    this.#byLineage.delete(neighbor.id);
    deadlines.clear(`greeting:${neighbor.link}`);
    deadlines.clear(`catchup:${neighbor.link}`);
    peerTime.remove(neighbor.id, now.monoMs);
    contacts.onLost(neighbor.id, neighbor.isSynchronised, now.monoMs);
    if (neighbor.phase === "open") outbox.emit({ kind: "neighborDown", peer: neighbor.peer });
  }
}
