/** One node at the other end of a channel, as far as this graph knows it. */

import { BoundedSet } from "../base/bounded.ts";
import { hex } from "../base/bytes.ts";
import type { Instant } from "../base/ports.ts";
import { Catchup, type CatchupContext } from "./catchup.ts";
import { badItemsMax, contactMessagesPerMinuteMax, toldMax } from "./limits.ts";
import type { LinkId, LinkUp } from "./machine.ts";
import { LinkWindow, type Outbox } from "./outbox.ts";
import type { ServingBudget } from "./serving.ts";

/**
 * Where a neighbor stands: it has not greeted yet; it is no member and may only knock; we are no member
 * yet and knock; or both take part.
 */
export type NeighborPhase = "greeting" | "stranger" | "knocking" | "open";

/** The state of one channel. */
export class Neighbor {
  readonly link: LinkId;
  readonly peer: Uint8Array;
  /** Lineage in hex. */
  readonly id: string;
  readonly up: LinkUp;
  readonly window: LinkWindow;
  /** What it was served, here and on its earlier links. */
  readonly budget: ServingBudget;
  readonly catchup: Catchup;
  phase: NeighborPhase = "greeting";
  isSynchronised = false;
  /** Catch-ups in a row that ended in difference and brought nothing, and our last arrival number at the latest. */
  stuckCatchups = 0;
  arrivalAtCatchup = 0;
  /** When the channel came up, monotonic. */
  upMs = 0;
  /** Whether it showed what made it a member: it believes, or knows better, that it is one. */
  claims = false;
  /** Items that it showed before it was open, and their bytes. */
  itemsShown = 0;
  bytesShown = 0;
  /** Greetings that it sent before it was open, and its steps of joining. */
  greetings = 0;
  knocks = 0;
  /** Its wall clock when it last greeted, and ours; only who takes part may move our idea of the time. */
  clock: { readonly wallMs: number; readonly at: Instant } | null = null;
  /** Which items our last greeting showed. */
  greetedWith = "";
  /** Lineages about whose end it was told. */
  readonly told: BoundedSet<string> = new BoundedSet(toldMax);
  #bad = 0;
  #contactMessages = 0;
  #contactsMinuteEndsMs = 0;

  constructor(
    up: LinkUp,
    outbox: Outbox,
    budget: ServingBudget,
    context: (neighbor: Neighbor) => CatchupContext,
  ) {
    this.link = up.link;
    this.peer = up.peer;
    this.id = hex(up.peer);
    this.up = up;
    this.budget = budget;
    this.window = new LinkWindow(up.link, outbox, (bytes) => budget.charge(bytes));
    this.catchup = new Catchup(context(this), this.window);
  }

  /** It sent something that no honest node sends; tells whether that was once too often. */
  onBad(count = 1): boolean {
    this.#bad += count;
    return this.#bad > badItemsMax;
  }

  /** It says where peers are; tells whether it is heard, or said so too often in this minute. */
  hearsContacts(monoMs: number): boolean {
    if (monoMs >= this.#contactsMinuteEndsMs) {
      this.#contactsMinuteEndsMs = monoMs + 60_000;
      this.#contactMessages = 0;
    }
    return ++this.#contactMessages <= contactMessagesPerMinuteMax;
  }
}
