/**
 * The invariants that hold over all simulations, after `I1` to `I30` of the fault model, reworded where
 * the protocol decided otherwise. {@linkcode invariants} says of each where it is held.
 */

import type { Checker, Report } from "./checker.ts";
import type { CryptoWork } from "./crypto_work.ts";
import {
  Authenticity,
  Convergence,
  type Difference,
  Idempotence,
  Membership,
  OrderIndependence,
  Reconnection,
  Seeking,
} from "./invariants/agreement.ts";
import { Bounded, BoundedWork, EndingRequests, NoncesUnique, Progress, Rest } from "./invariants/bounds.ts";
import { AtomicWrites, DurableAcknowledgement, NothingSweptEarly } from "./invariants/durable.ts";
import { Confidential, Diversity, NarrowerAddresses, NoAmplification } from "./invariants/network.ts";
import { ExpiryHonoured, MonotonicVersions, NoForkByUs, NoResurrection } from "./invariants/records.ts";
import { Replicas } from "./invariants/replicas.ts";
import type { Watch } from "./invariants/watch.ts";
import { Writings } from "./invariants/writings.ts";
import type { SimulatedPeer } from "./simulated_peer.ts";

/** An invariant, and what holds it. */
export interface Invariant {
  /** `I1` to `I30`. */
  readonly id: string;
  /** In a sentence. */
  readonly claim: string;
  /** Checker, test, or why there is none yet. */
  readonly heldBy: string;
}

/** All invariants. */
export const invariants: readonly Invariant[] = [
  row(
    "I1",
    "What a peer acknowledged is durable then, and known after each of its starts",
    "DurableAcknowledgement",
  ),
  row("I2", "A write is found whole or not at all", "AtomicWrites; crash images"),
  row("I3", "All who take part in a graph come to equal sets and show the same", "Convergence"),
  row(
    "I4",
    "What is known already changes nothing; a commit made twice counts once",
    "Idempotence; store tests",
  ),
  row("I5", "What is deleted is final; nothing is sent past its `until`", "NoResurrection"),
  row("I6", "Each item in a set holds under its author's key", "Authenticity"),
  row(
    "I7",
    "Who may do what follows from the known items alone, in any order",
    "OrderIndependence; reference model",
  ),
  row(
    "I8",
    "Nothing is shown after its time, nothing goes before it, whatever the clocks do",
    "ExpiryHonoured, NothingSweptEarly",
  ),
  row(
    "I9",
    "No fault ends a process or leaves a call open past its limit",
    "Simulation, and the scenarios' calls",
  ),
  row(
    "I10",
    "Every record reaches every member; no reader is told of one version twice",
    "the scenarios' readers",
  ),
  row("I11", "Members come together again once they can", "Reconnection, Seeking"),
  row("I12", "A live name is found; one that ended is reported so", "scenario names"),
  row("I13", "A node never goes back to an older version that still counts", "MonotonicVersions"),
  row("I14", "Nothing grows beyond its limit, and all that was asked ends", "Bounded, EndingRequests"),
  row("I15", "One event costs a bounded amount of work", "BoundedWork"),
  row("I16", "An address that has proven nothing gets no more bytes than came from it", "NoAmplification"),
  row("I17", "What is refused changes nothing", "fuzz tests"),
  row("I18", "Nobody honest signs two items with one number of one writer", "NoForkByUs"),
  row("I19", "Of a fork both items stand everywhere, and it is reported", "hostile tests"),
  row("I20", "An invitation never admits more than it says", "Membership"),
  row("I21", "Who is removed is no member but by a higher grant, and knows it", "Membership, Convergence"),
  row(
    "I22",
    "What records say never shows on the wire",
    "Confidential; keys of epochs come with sealed content",
  ),
  row("I23", "No key seals two things with one nonce", "NoncesUnique"),
  row("I24", "Bytes charged to an author stay within its quota", "comes with quotas"),
  row("I25", "At rest traffic falls to what keeps links and clouds alive; time moves on", "Rest, Progress"),
  row("I26", "Who keeps to its budget waits no longer because others do not", "comes with budgets for work"),
  row(
    "I27",
    "No bucket of a routing table holds more contacts of one network than the cap; nobody writes to an address " +
      "on the word of one from further away",
    "Diversity, NarrowerAddresses",
  ),
  row("I28", "One seed gives one trace", "tests of the simulation"),
  row("I29", "A closed peer leaves no timer and no socket", "Simulation.close"),
  row(
    "I30",
    "What was sent was delivered, dropped for a reason that is counted, or is under way",
    "MemoryNetwork, by assertion",
  ),
];

/** What checkers see of their simulation. */
export interface Watched {
  readonly work: CryptoWork;
  /** True wall time. */
  wallMs(): number;
  /** True milliseconds since the simulation began. */
  nowMs(): number;
}

/** The checkers of one simulation. */
export interface Checkers {
  readonly all: readonly Checker[];
  /** In what peers differ now who should come to hold the same. */
  differences(): Difference[];
}

/** The checkers of one simulation, all of them. */
export function createCheckers(watched: Watched, report: Report): Checkers {
  const writings = new Writings(watched.work.uncounted);
  const replicas = new Replicas();
  const watch: Watch = {
    ...{ crypto: watched.work.uncounted, work: watched.work, writings, replicas, report },
    wallMs: () => watched.wallMs(),
  };
  const convergence = new Convergence(watch);
  const checkers: readonly Checker[] = [
    ...[new DurableAcknowledgement(watch), new AtomicWrites(watch), new NothingSweptEarly(watch)],
    ...[
      new NoResurrection(watch),
      new ExpiryHonoured(watch),
      new MonotonicVersions(watch),
      new NoForkByUs(watch),
    ],
    // Who is cut off also lacks items: the cause is named before its effect.
    ...[new Reconnection(watch), new Seeking(watch)],
    ...[convergence, new Idempotence(watch), new Authenticity(watch), new OrderIndependence(watch)],
    new Membership(watch),
    ...[
      new Bounded(watch),
      new EndingRequests(watch),
      new BoundedWork(watch),
      new NoncesUnique(watch),
      new Rest(watch),
      new Progress(watch),
    ],
    ...[new NoAmplification(watch), new Confidential(watch)],
    ...[new Diversity(watch), new NarrowerAddresses(watch)],
  ];
  return {
    all: [follow(writings, replicas, checkers), ...checkers],
    differences: () => convergence.differences(),
  };
}

/** Keeps what the checkers share up to date, before they are told. */
function follow(writings: Writings, replicas: Replicas, checkers: readonly Checker[]): Checker {
  const forget = (peer: SimulatedPeer): void => {
    writings.forget(peer);
    replicas.forget(peer);
  };
  return {
    invariant: "",
    onReplica: (step) => {
      replicas.onReplica(step);
      for (const one of writings.onReplica(step)) {
        for (const checker of checkers) checker.onAcknowledged?.(one);
      }
    },
    onCrash: forget,
    onClosed: forget,
  };
}

function row(id: string, claim: string, heldBy: string): Invariant {
  return { id, claim, heldBy };
}
