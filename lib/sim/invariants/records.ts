/** What records show over time: I5, I8, I13, I18 and I19. */

import { equalBytes, hex } from "../../base/bytes.ts";
import type { Instant } from "../../base/ports.ts";
import { decodeMessage } from "../../graph/messages.ts";
import type { Effect, ReplicaEvent } from "../../graph/machine.ts";
import type { Replica } from "../../graph/replica.ts";
import { type DataItem, isData, type Item, ItemKind } from "../../records/item.ts";
import { parseItem } from "../../records/item_codec.ts";
import type { Shown } from "../../records/shown.ts";
import type { Checker, ReplicaStep } from "../checker.ts";
import type { SimulatedPeer } from "../simulated_peer.ts";
import type { Watch } from "./watch.ts";
import type { Acknowledged } from "./writings.ts";

/** I5: what is deleted, or past its end, is not shown, and not sent past its `until`. */
export class NoResurrection implements Checker {
  readonly invariant = "I5";
  readonly #watch: Watch;
  #sends = 0;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onReplica({ peer, replica, effects, now }: ReplicaStep): void {
    for (const effect of effects) {
      // Reading every message again would cost more than the simulation itself.
      if (effect.kind === "send" && this.#sends++ % sendsLookedAt === 0) {
        this.#onSend(peer, replica, effect.bytes, now);
      }
    }
    for (const { cause, shown } of lastEvents(effects)) {
      if (appears.has(cause)) this.#onShown(peer, replica, shown.item.record);
    }
  }

  onQuiet(): void {
    for (const nodes of this.#watch.replicas.graphs().values()) {
      for (const { peer, replica } of nodes) {
        for (const [record] of replica.set.allShown()) this.#onShown(peer, replica, record);
      }
    }
  }

  #onShown(peer: SimulatedPeer, replica: Replica, record: string): void {
    const isDeleted = replica.set.itemsOf(record).some(({ item }) =>
      isData(item) && item.body.kind === ItemKind.delete && counts(replica, item)
    );
    if (isDeleted) this.#watch.report("I5", `${peer.name} shows record ${record}, which is deleted`);
  }

  #onSend(peer: SimulatedPeer, replica: Replica, bytes: Uint8Array, now: Instant): void {
    const message = decodeMessage(bytes);
    if (message?.type !== "items") return;
    // A clock that is known to be wrong is not what an end is judged by.
    const sweepAt = replica.peerTime.sweepAt(now);
    for (const sent of message.items) {
      const parsed = parseItem(this.#watch.crypto, replica.graph, sent);
      if (!parsed.ok || !isData(parsed.item) || parsed.item.body.until + skewMs >= sweepAt) continue;
      this.#watch.report("I5", `${peer.name} sends item ${parsed.item.id} past its end`);
    }
  }
}

/** I8, first half: nothing is shown after its time, and nothing is said to have run out before it. */
export class ExpiryHonoured implements Checker {
  readonly invariant = "I8";
  readonly #watch: Watch;
  /** A neighbor's clock may move peer time within a step: what held before or after it is right. */
  readonly #offsets = new WeakMap<Replica, number>();

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onReplica({ peer, replica, effects, now }: ReplicaStep): void {
    const { offsetMs } = replica.peerTime;
    const beforeMs = this.#offsets.get(replica) ?? offsetMs;
    this.#offsets.set(replica, offsetMs);
    const earliest = now.wallMs + Math.min(beforeMs, offsetMs);
    const latest = now.wallMs + Math.max(beforeMs, offsetMs);
    for (const { cause, shown } of lastEvents(effects)) {
      const { record } = shown.item;
      if (appears.has(cause) && shown.expires < earliest) {
        this.#watch.report("I8", `${peer.name} shows record ${record} after its time`);
      }
      // Another version may have taken its place whose own time is over.
      const expires = replica.set.shown(record)?.expires ?? shown.expires;
      if (cause === "expired" && expires >= latest) {
        this.#watch.report("I8", `${peer.name} says that record ${record} ran out before its time`);
      }
    }
  }
}

/** I13: of one record a node never shows an older version while the newer one still counts. */
export class MonotonicVersions implements Checker {
  readonly invariant = "I13";
  readonly #watch: Watch;
  readonly #shown = new Map<string, Shown>();

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onReplica({ peer, replica, effects }: ReplicaStep): void {
    for (const effect of effects) {
      if (effect.kind !== "emit" || effect.event.kind !== "record") continue;
      const { cause, shown } = effect.event;
      if (cause === "conflict") continue;
      const key = `${peer.host} ${hex(replica.graph)} ${shown.item.record}`;
      const before = this.#shown.get(key);
      if (appears.has(cause)) this.#shown.set(key, shown);
      else this.#shown.delete(key);
      if (!appears.has(cause) || before === undefined) continue;
      if (before.item.body.version <= shown.item.body.version) continue;
      if (!replica.set.has(before.item.id) || !counts(replica, before.item)) continue;
      this.#watch.report("I13", `${peer.name} went back to an older version of record ${shown.item.record}`);
    }
  }

  onCrash(peer: SimulatedPeer): void {
    this.#forget(peer);
  }

  onClosed(peer: SimulatedPeer): void {
    this.#forget(peer);
  }

  #forget(peer: SimulatedPeer): void {
    for (const key of this.#shown.keys()) if (key.startsWith(`${peer.host} `)) this.#shown.delete(key);
  }
}

/**
 * I18: nobody honest signs two items with one number of one writer (writers, protocol §4), over all its
 * starts; and so no node ever reports a fork (I19 is about forgers, which `tests/hostile` has).
 */
export class NoForkByUs implements Checker {
  readonly invariant = "I18";
  readonly #watch: Watch;
  readonly #numbers = new Map<string, string>();

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onAcknowledged({ peer, graph, item }: Acknowledged): void {
    this.#onSigned(peer, graph, item);
  }

  #onSigned(peer: SimulatedPeer, graph: string, item: Item): void {
    if (item.head === null) return;
    const number = `${graph} ${hex(item.head.author)} ${hex(item.head.writer)} ${item.head.seq}`;
    const other = this.#numbers.getOrInsertComputed(number, () => item.id);
    if (other === item.id) return;
    this.#watch.report("I18", `${peer.name} signed the items ${other} and ${item.id} with one number`);
  }

  onReplica({ peer, replica, input, effects }: ReplicaStep): void {
    if (input.kind === "loaded") {
      // What was stored and never acknowledged, for its answer was lost, has a number as well.
      for (const { item } of replica.set.entries()) {
        const isOwn = item.head !== null && equalBytes(item.head.author, replica.signer.publicKey);
        if (isOwn) this.#onSigned(peer, hex(replica.graph), item);
      }
    }
    for (const effect of effects) {
      if (effect.kind !== "emit" || effect.event.kind !== "fork") continue;
      this.#watch.report(
        "I18",
        `${peer.name} holds proof of a fork by ${hex(effect.event.author)}, who is honest`,
      );
    }
  }
}

/** Whether an item that is known counts by its author's rights, wherever it was put: a wrong place hides nothing here. */
function counts({ policy }: Replica, item: DataItem): boolean {
  return policy.judge(item) === "in" && policy.mayWrite(item);
}

/** An event of a record that is no conflict. */
type RecordChange = ReplicaEvent & { readonly kind: "record" };

/** Of each record the last event of a step: that is how it stands after it. */
function lastEvents(effects: readonly Effect[]): Iterable<RecordChange> {
  const last = new Map<string, RecordChange>();
  for (const effect of effects) {
    if (effect.kind !== "emit" || effect.event.kind !== "record" || effect.event.cause === "conflict") {
      continue;
    }
    last.set(effect.event.shown.item.record, effect.event);
  }
  return last.values();
}

/** Events after which a record is there. */
const appears: ReadonlySet<string> = new Set(["added", "updated", "returned"]);

/** One message in so many is read again. */
const sendsLookedAt = 16;

/** Two nodes' peer times differ by at most this much while both may write (protocol §4). */
const skewMs = 1_200_000;
