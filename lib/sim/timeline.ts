/**
 * Watches a simulation for its picture: when each peer ran, stood still, had trouble with its disk or was cut
 * off, and which islands there were. It looks at the peers and the network themselves, not at what notes say
 * of them: so a fault is drawn whoever brought it about, and a note is only a note.
 */

import type { MemoryNetwork, NetworkEvent } from "../../transports/memory.ts";
import type { Checker } from "./checker.ts";
import { timelineJumpMs, timelinePeersMax } from "./limits.ts";
import type { SimulatedPeer } from "./simulated_peer.ts";
import type { SimulationFailure } from "./simulation_failure.ts";
import { drawTimeline, type Moment, type Partition, type PeerRow, type Span } from "./timeline_picture.ts";

/** What a timeline looks at: a simulation. */
export interface TimelineWorld {
  readonly seed: number;
  /** Virtual milliseconds since it began. */
  readonly nowMs: number;
  readonly network: Pick<MemoryNetwork, "islands" | "cuts">;
  /** Its peers, in the order of their rows. */
  readonly all: readonly TimelinePeer[];
}

/** What a timeline looks at in a peer. */
export interface TimelinePeer extends Pick<SimulatedPeer, "name" | "host" | "isUp" | "isPaused"> {
  readonly store: { readonly trouble: string | null };
  readonly clock: { readonly jumpsMs: { readonly wall: number; readonly mono: number } };
}

/** Watches a simulation and draws it afterwards. */
export class Timeline implements Checker {
  readonly invariant = "";
  readonly #world: TimelineWorld;
  readonly #rows: WatchedRow[] = [];
  readonly #byHost = new Map<string, WatchedRow>();
  readonly #notes: Moment[] = [];
  readonly #partitions: Partition[] = [];
  #faults: Set<string> | null = null;
  #quietMs: number | null = null;
  #islands: ReadonlyMap<string, number> = new Map();
  #cuts: TimelineWorld["network"]["cuts"] = [];

  /** Looks at a world whose peers and network may not be there yet. */
  constructor(world: TimelineWorld) {
    this.#world = world;
  }

  /** Looks at what has changed. */
  onEvent(): void {
    this.#look();
  }

  /** A peer was opened. */
  onStart(): void {
    this.#look();
  }

  /** A peer is gone, as by a power cut. */
  onCrash({ host }: Pick<SimulatedPeer, "host">): void {
    this.#look();
    this.#byHost.get(host)?.crashesMs.push(this.#world.nowMs);
  }

  /** Something was sent, or lost. */
  onNetwork({ kind, from }: NetworkEvent): void {
    if (kind !== "sent" && kind !== "dropped") return;
    const row = this.#byHost.get(from.host);
    (kind === "sent" ? row?.sentMs : row?.lostMs)?.push(this.#world.nowMs);
  }

  /** The simulation says something. */
  onNote(what: string): void {
    this.#notes.push({ atMs: this.#world.nowMs, what });
  }

  /** The simulation says which kinds of faults it has. */
  onFaults(kinds: readonly string[]): void {
    this.#faults = new Set([...this.#faults ?? [], ...kinds]);
  }

  /** All faults are mended and the peers had time to settle. */
  onQuiet(): void {
    this.#quietMs ??= this.#world.nowMs;
  }

  /** The picture, as SVG. */
  svg(title: string = "", failure: Pick<SimulationFailure, "message"> | null = null): string {
    this.#look();
    const { seed, nowMs, all } = this.#world;
    return drawTimeline({
      title: `Seed ${seed}${title === "" ? "" : `, ${title}`}`,
      endMs: nowMs,
      rows: this.#rows.filter(({ up }) => up.spans.length > 0).map((row) => row.closed(nowMs)),
      rowsLeftOut: Math.max(0, all.length - timelinePeersMax),
      partitions: this.#partitions.map((partition) => ({ ...partition, toMs: partition.toMs ?? nowMs })),
      notes: this.#notes,
      faults: this.#faults === null ? null : [...this.#faults],
      quietMs: this.#quietMs,
      failure: failure === null ? null : failure.message.split("\n", 1)[0]!,
    });
  }

  #look(): void {
    const { all, network: { islands, cuts }, nowMs } = this.#world;
    while (this.#rows.length < Math.min(all.length, timelinePeersMax)) this.#add(all[this.#rows.length]!);
    if (islands !== this.#islands) this.#takeIslands(islands, nowMs);
    if (cuts !== this.#cuts) this.#takeCuts(cuts, nowMs);
    for (const row of this.#rows) row.look(nowMs);
  }

  #add(peer: TimelinePeer): void {
    const row = new WatchedRow(peer);
    this.#rows.push(row);
    this.#byHost.set(peer.host, row);
  }

  #takeIslands(islands: ReadonlyMap<string, number>, nowMs: number): void {
    const last = this.#partitions.at(-1);
    if (last?.toMs === null) last.toMs = nowMs;
    if (islands.size > 0) this.#partitions.push({ fromMs: nowMs, toMs: null, islands });
    this.#islands = islands;
  }

  #takeCuts(cuts: TimelineWorld["network"]["cuts"], nowMs: number): void {
    const name = (host: string) => this.#byHost.get(host)?.peer.name ?? host;
    for (const row of this.#rows) {
      const to = cuts.flatMap(([from, to]) => from === row.peer.host ? [name(to)] : []);
      row.cut.see(nowMs, to.length === 0 ? null : `nothing goes to ${to.join(", ")}`);
    }
    this.#cuts = cuts;
  }
}

/** What was seen of one peer. */
class WatchedRow {
  readonly peer: TimelinePeer;
  readonly up = new Spans();
  readonly paused = new Spans();
  readonly disk = new Spans();
  readonly cut = new Spans();
  readonly crashesMs: number[] = [];
  readonly jumps: Moment[] = [];
  readonly sentMs: number[] = [];
  readonly lostMs: number[] = [];
  #jumpsMs: { readonly wall: number; readonly mono: number } | null = null;

  constructor(peer: TimelinePeer) {
    this.peer = peer;
  }

  look(nowMs: number): void {
    const { isUp, isPaused, store, clock } = this.peer;
    this.up.see(nowMs, isUp ? "runs" : null);
    this.paused.see(nowMs, isPaused ? "stands still" : null);
    this.disk.see(nowMs, store.trouble);
    const { wall, mono } = clock.jumpsMs;
    // How its clocks were set before it ran is no jump.
    const before = this.#jumpsMs ??= isUp ? { wall, mono } : null;
    if (before === null) return;
    if (wall === before.wall && mono === before.mono) return;
    this.#jumped("wall", wall - before.wall, nowMs);
    this.#jumped("monotonic", mono - before.mono, nowMs);
    this.#jumpsMs = { wall, mono };
  }

  /** The row of the picture: what still lasts ends at `endMs`. */
  closed(endMs: number): PeerRow {
    const { peer: { name, host }, crashesMs, jumps, sentMs, lostMs } = this;
    const [up, paused, disk, cut] = [this.up, this.paused, this.disk, this.cut].map(({ spans }) =>
      spans.map((span) => ({ ...span, toMs: span.toMs ?? endMs }))
    );
    return { name, host, up: up!, paused: paused!, disk: disk!, cut: cut!, crashesMs, jumps, sentMs, lostMs };
  }

  #jumped(clock: string, byMs: number, atMs: number): void {
    if (Math.abs(byMs) < timelineJumpMs) return;
    const way = byMs > 0 ? "ahead" : "back";
    this.jumps.push({ atMs, what: `${clock} clock jumps ${way} by ${Math.round(Math.abs(byMs) / 1000)} s` });
  }
}

/** When something was so, and how: one span for as long as it stays the same. */
class Spans {
  readonly spans: Span[] = [];

  see(nowMs: number, what: string | null): void {
    const last = this.spans.at(-1);
    const lasts = last !== undefined && last.toMs === null ? last : null;
    if ((lasts?.what ?? null) === what) return;
    if (lasts !== null) lasts.toMs = nowMs;
    if (what !== null) this.spans.push({ fromMs: nowMs, toMs: null, what });
  }
}
