/** Bounds at each moment, and rest when nothing happens: I14, I15, I23 and I25. */

import {
  asideAuthorityItemsMax,
  asideItemsMax,
  shelfAuthorityItemsMax,
  shelfItemsMax,
} from "../../records/limits.ts";
import { neighborsMax, strangersMax, writesPendingMax } from "../../graph/limits.ts";
import type { NetworkEvent } from "../../../transports/memory.ts";
import type { CloudMachine } from "../../names/cloud.ts";
import type { Checker, CloudStep, ReplicaStep } from "../checker.ts";
import type { SimulatedPeer } from "../simulated_peer.ts";
import {
  eventsPerMomentMax,
  idleMessagesPerMinuteMax,
  inputsPerMomentMax,
  timersMax,
  verificationsPerEventMax,
} from "../limits.ts";
import type { Watch } from "./watch.ts";

/** I14: whatever happens, nothing grows beyond its limit. */
export class Bounded implements Checker {
  readonly invariant = "I14";
  readonly #watch: Watch;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onReplica({ peer, replica }: ReplicaStep): void {
    const { shelf, aside } = replica.set.sizes;
    this.#holds(peer, "items on the shelf", shelf, shelfItemsMax + shelfAuthorityItemsMax);
    this.#holds(peer, "items set aside", aside, asideItemsMax + asideAuthorityItemsMax);
    this.#holds(peer, "neighbors", replica.neighborCount, neighborsMax + strangersMax);
    this.#holds(peer, "writes under way", replica.pendingWrites, writesPendingMax);
    this.#holds(peer, "timers", peer.timerCount, timersMax);
  }

  #holds(peer: SimulatedPeer, what: string, count: number, max: number): void {
    if (count > max) this.#watch.report("I14", `${peer.name} has ${count} ${what}; ${max} is the most`);
  }
}

/**
 * I14 as well: what a cloud asks ends, answered or given up, so that at rest there are moments in which nothing
 * is under way.
 */
export class EndingRequests implements Checker {
  readonly invariant = "I14";
  readonly #watch: Watch;
  readonly #clouds = new Map<SimulatedPeer, CloudMachine>();
  /** Peers in whose cloud nothing was under way at some moment since it was quiet. */
  readonly #rested = new Set<SimulatedPeer>();
  #isQuiet = false;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onCloud({ peer, cloud }: CloudStep): void {
    this.#clouds.set(peer, cloud);
    if (this.#isQuiet && !this.#rested.has(peer) && requestsOf(cloud) === 0) this.#rested.add(peer);
  }

  onQuiet(): void {
    this.#isQuiet = true;
    this.#rested.clear();
  }

  onIdle(): void {
    for (const [peer, cloud] of this.#clouds) {
      const requests = requestsOf(cloud);
      if (!peer.isUp || requests === 0 || this.#rested.has(peer)) continue;
      this.#watch.report("I14", `${peer.name} has ${requests} requests under way that nobody gives up`);
    }
  }
}

function requestsOf(cloud: CloudMachine): number {
  const { requests, searches, resolves } = cloud.snapshot();
  return requests + searches + resolves;
}

/** I15: one event costs a bounded number of signature checks, whoever brought it. */
export class BoundedWork implements Checker {
  readonly invariant = "I15";
  readonly #watch: Watch;
  #verifications = 0;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onEvent(): void {
    const { verifications } = this.#watch.work.counts();
    const count = verifications - this.#verifications;
    this.#verifications = verifications;
    if (count <= verificationsPerEventMax) return;
    this.#watch.report(
      "I15",
      `One event cost ${count} signature checks; ${verificationsPerEventMax} is the most`,
    );
  }
}

/**
 * I25 as well: time moves on, whatever is due. Nothing is set for no time at all for ever, and no peer asks
 * itself again and again without any timer.
 */
export class Progress implements Checker {
  readonly invariant = "I25";
  readonly #watch: Watch;
  #wallMs = 0;
  #events = 0;
  /** Inputs of each peer's machines at this moment. */
  readonly #inputs = new Map<SimulatedPeer, number>();

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onEvent(): void {
    this.#look();
    this.#events++;
    if (this.#events > eventsPerMomentMax) {
      this.#watch.report("I25", "Time stands still: something is due again and again");
    }
  }

  onReplica({ peer }: ReplicaStep): void {
    this.#onInput(peer);
  }

  onCloud({ peer }: CloudStep): void {
    this.#onInput(peer);
  }

  #onInput(peer: SimulatedPeer): void {
    this.#look();
    const inputs = (this.#inputs.get(peer) ?? 0) + 1;
    this.#inputs.set(peer, inputs);
    if (inputs > inputsPerMomentMax) {
      this.#watch.report("I25", `Time stands still: ${peer.name} asks itself again and again`);
    }
  }

  /** Forgets what was counted before this moment. */
  #look(): void {
    const wallMs = this.#watch.wallMs();
    if (wallMs === this.#wallMs) return;
    this.#wallMs = wallMs;
    this.#events = 0;
    this.#inputs.clear();
  }
}

/** I23: no key seals two things with one nonce, over all peers and starts. */
export class NoncesUnique implements Checker {
  readonly invariant = "I23";
  readonly #watch: Watch;
  readonly #seen = new Set<number>();

  constructor(watch: Watch) {
    this.#watch = watch;
    watch.work.onSeal = (key, nonce) => this.#onSeal(key, nonce);
  }

  #onSeal(key: Uint8Array, nonce: Uint8Array): void {
    // Both ends of a link draw the next key by sealing zeros with the last nonce (Noise, 4.2): nothing is sent.
    if (nonce.subarray(4).every((byte) => byte === 255)) return;
    const mark = markOf(key, nonce);
    if (this.#seen.has(mark)) this.#watch.report("I23", "A key sealed two things with one nonce");
    this.#seen.add(mark);
  }
}

/** I25: in a quiet network traffic falls to what keeps links and clouds alive. */
export class Rest implements Checker {
  readonly invariant = "I25";
  readonly #watch: Watch;
  readonly #sent = new Map<string, number>();

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onNetwork({ kind, from }: NetworkEvent): void {
    if (kind === "sent") this.#sent.set(from.host, (this.#sent.get(from.host) ?? 0) + 1);
  }

  onQuiet(): void {
    this.#sent.clear();
  }

  onIdle(peers: readonly SimulatedPeer[], spanMs: number): void {
    for (const peer of peers) {
      const perMinute = (this.#sent.get(peer.host) ?? 0) / (spanMs / 60_000);
      if (perMinute <= idleMessagesPerMinuteMax) continue;
      const most = `${idleMessagesPerMinuteMax} is the most`;
      this.#watch.report(
        "I25",
        `${peer.name} sends ${Math.round(perMinute)} times a minute at rest; ${most}`,
      );
    }
  }
}

/** 52 bits of a key and a nonce: by chance two of a million marks are equal once in ten thousand runs. */
function markOf(key: Uint8Array, nonce: Uint8Array): number {
  let a = 0x9e3779b9;
  let b = 0x85ebca6b;
  for (const bytes of [key, nonce]) {
    for (const byte of bytes) {
      a = Math.imul(a ^ byte, 0x01000193);
      b = Math.imul(b + byte + (a >>> 13) | 0, 0xc2b2ae35);
    }
  }
  return (a >>> 0) * 2 ** 20 + (b >>> 12);
}
