/**
 * A picture of a simulation over time as SVG: a line for each peer, dark while it runs, with what it sent
 * above and what was lost below, and the partitions as bands behind all.
 */

import type { NetworkEvent } from "../../transports/memory.ts";
import type { Checker } from "./checker.ts";
import type { SimulatedPeer } from "./simulated_peer.ts";
import { timelineColumns, timelinePeersMax } from "./limits.ts";

interface Mark {
  readonly atMs: number;
  readonly kind: "start" | "crash" | "sent" | "dropped";
}

interface Note {
  readonly atMs: number;
  readonly what: string;
}

/** Watches a simulation and draws it afterwards. */
export class Timeline implements Checker {
  readonly invariant = "";
  readonly #marks = new Map<string, Mark[]>();
  readonly #names = new Map<string, string>();
  readonly #notes: Note[] = [];
  readonly #nowMs: () => number;

  /** Reads the time of what happens from `nowMs`. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A peer runs. */
  onStart(peer: SimulatedPeer): void {
    this.#names.set(peer.host, peer.name);
    this.#mark(peer.host, "start");
  }

  /** A peer is gone. */
  onCrash(peer: SimulatedPeer): void {
    this.#mark(peer.host, "crash");
  }

  /** Something was sent, or lost. */
  onNetwork({ kind, from }: NetworkEvent): void {
    if (kind === "sent" || kind === "dropped") this.#mark(from.host, kind);
  }

  /** The simulation says something. */
  onNote(what: string): void {
    this.#notes.push({ atMs: this.#nowMs(), what });
  }

  /** The picture. */
  svg(): string {
    const hosts = [...this.#names.keys()].slice(0, timelinePeersMax);
    const height = top + hosts.length * rowHeight + 30;
    const endMs = Math.max(1, this.#nowMs());
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${
        left + width + 20
      } ${height}" font-family="sans-serif" font-size="11">`,
      `<rect width="100%" height="100%" fill="#fbfaf7"/>`,
      ...this.#bands(endMs, height),
      ...hosts.flatMap((host, i) => this.#row(host, top + i * rowHeight, endMs)),
      ...axis(endMs, height),
      "</svg>",
    ].join("\n");
  }

  #mark(host: string, kind: Mark["kind"]): void {
    this.#marks.getOrInsertComputed(host, () => []).push({ atMs: this.#nowMs(), kind });
  }

  /** From each partition to the heal that ends it, or to the next one. */
  #bands(endMs: number, height: number): string[] {
    const bands: string[] = [];
    const turns = this.#notes.filter(({ what }) => what.startsWith("partition") || what === "heal");
    for (const [i, { atMs, what }] of turns.entries()) {
      if (what === "heal") continue;
      const [x, end] = [xOf(atMs, endMs), xOf(turns[i + 1]?.atMs ?? endMs, endMs)];
      const title = `<title>${escaped(what)}</title>`;
      const size = `x="${x}" y="${top - 8}" width="${round(end - x)}" height="${height - top - 16}"`;
      bands.push(`<rect ${size} fill="#f0c9a0" opacity="0.45">${title}</rect>`);
    }
    return bands;
  }

  #row(host: string, y: number, endMs: number): string[] {
    const marks = this.#marks.get(host) ?? [];
    const middle = y + rowHeight / 2;
    const parts = [
      `<text x="${left - 8}" y="${middle + 4}" text-anchor="end">${escaped(this.#names.get(host)!)}</text>`,
    ];
    let upMs: number | null = null;
    for (const { atMs, kind } of [...marks, { atMs: endMs, kind: "crash" as const }]) {
      if (kind === "start") upMs = atMs;
      if (kind !== "crash" || upMs === null) continue;
      const [x, end] = [xOf(upMs, endMs), xOf(atMs, endMs)];
      parts.push(`<rect x="${x}" y="${middle - 1}" width="${round(end - x)}" height="2" fill="#24576b"/>`);
      if (atMs < endMs) {
        parts.push(`<text x="${end}" y="${middle + 4}" fill="#b3261e" text-anchor="middle">×</text>`);
      }
      upMs = null;
    }
    parts.push(...columns(marks, "sent", endMs, middle - 1, -1, "#3f8f8b"));
    parts.push(...columns(marks, "dropped", endMs, middle + 1, 1, "#b3261e"));
    return parts;
  }
}

/** How often something happened in each column, as bars up (−1) or down (1). */
function columns(
  marks: readonly Mark[],
  kind: Mark["kind"],
  endMs: number,
  y: number,
  way: 1 | -1,
  fill: string,
): string[] {
  const counts = new Map<number, number>();
  for (const mark of marks) {
    if (mark.kind !== kind) continue;
    const column = Math.min(timelineColumns - 1, Math.floor(mark.atMs / endMs * timelineColumns));
    counts.set(column, (counts.get(column) ?? 0) + 1);
  }
  return [...counts].map(([column, count]) => {
    const bar = round(Math.min(rowHeight / 2 - 2, 1 + Math.sqrt(count)));
    const size = `width="${round(width / timelineColumns)}" height="${bar}"`;
    return `<rect x="${round(left + column * width / timelineColumns)}" y="${
      way < 0 ? round(y - bar) : y
    }" ${size} fill="${fill}"/>`;
  });
}

function axis(endMs: number, height: number): string[] {
  return Array.from({ length: 11 }, (_, i) => {
    const seconds = (endMs * i / 10_000).toFixed(endMs < 10_000 ? 1 : 0);
    return `<text x="${round(left + i * width / 10)}" y="${
      height - 8
    }" text-anchor="middle">${seconds} s</text>`;
  });
}

function xOf(atMs: number, endMs: number): number {
  return round(left + atMs / endMs * width);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

const left = 80;
const top = 24;
const width = 1_080;
const rowHeight = 30;
