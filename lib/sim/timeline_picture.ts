/**
 * The picture of a simulation over time: a row for each peer with a line while it runs, what it sent above and
 * what was lost below, what was wrong with it on top, and the islands of partitions behind. One SVG without
 * scripts, for light and dark.
 */

import { timelineColumns } from "./limits.ts";
import { escaped, timelineStyle } from "./timeline_style.ts";
import { timeTicks } from "./timeline_ticks.ts";

/** Something at one moment. */
export interface Moment {
  readonly atMs: number;
  readonly what: string;
}

/** Something for a while; `null`: it still lasts. */
export interface Span {
  readonly fromMs: number;
  toMs: number | null;
  readonly what: string;
}

/** A span that is over. */
export type ClosedSpan = Span & { readonly toMs: number };

/** A partition, with the number of the island of each host; `null`: it still lasts. */
export interface Partition {
  readonly fromMs: number;
  toMs: number | null;
  readonly islands: ReadonlyMap<string, number>;
}

/** What is drawn of a peer. */
export interface PeerRow {
  readonly name: string;
  readonly host: string;
  readonly up: readonly ClosedSpan[];
  readonly paused: readonly ClosedSpan[];
  readonly disk: readonly ClosedSpan[];
  readonly cut: readonly ClosedSpan[];
  readonly crashesMs: readonly number[];
  readonly jumps: readonly Moment[];
  readonly sentMs: readonly number[];
  readonly lostMs: readonly number[];
}

/** What is drawn. */
export interface TimelinePicture {
  readonly title: string;
  /** Virtual time at the right end. */
  readonly endMs: number;
  readonly rows: readonly PeerRow[];
  /** How many peers have no row. */
  readonly rowsLeftOut: number;
  readonly partitions: readonly (Partition & { readonly toMs: number })[];
  readonly notes: readonly Moment[];
  /** Kinds of faults; `null` if nobody said. */
  readonly faults: readonly string[] | null;
  /** When all was mended and quiet. */
  readonly quietMs: number | null;
  /** What does not hold; it failed at the end. */
  readonly failure: string | null;
}

/** Draws it. */
export function drawTimeline(picture: TimelinePicture): string {
  const head = header(picture);
  const place = new Sheet(picture, head.bottom);
  const height = place.bottom + footHeight;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${sheetWidth} ${height}" class="kith-timeline" ` +
    `font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="11">`,
    `<title>${escaped(picture.title)}</title>`,
    `<style>${timelineStyle}</style>`,
    `<rect class="paper" width="100%" height="100%"/>`,
    ...head.parts,
    ...axis(place),
    ...picture.partitions.flatMap((partition) => islands(partition, picture.rows, place)),
    ...notes(picture.notes, place),
    ...picture.rows.map((row, i) => peerRow(row, place.top + i * rowHeight, place)),
    ...milestones(picture, place),
    ...legend(place.bottom + 36),
    "</svg>",
  ].join("\n");
}

/** Where things are: times from left to right, rows from top to bottom. */
class Sheet {
  readonly top: number;
  readonly bottom: number;
  readonly endMs: number;

  constructor({ endMs, rows }: TimelinePicture, headBottom: number) {
    this.endMs = Math.max(1, endMs);
    this.top = headBottom + laneHeight;
    this.bottom = this.top + rows.length * rowHeight;
  }

  x(atMs: number): number {
    return round(left + atMs / this.endMs * width);
  }

  /** Left end and width of a span; never so short that it cannot be seen. */
  span({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): [x: number, width: number] {
    const x = this.x(fromMs);
    return [x, Math.max(1.5, round(this.x(toMs) - x))];
  }
}

function header({ title, endMs, rows, rowsLeftOut, faults, failure }: TimelinePicture) {
  const count = `${rows.length}${rowsLeftOut > 0 ? ` of ${rows.length + rowsLeftOut}` : ""}`;
  const facts = `${count} ${rows.length === 1 ? "peer" : "peers"}, ${duration(endMs)} of virtual time`;
  const parts = [
    `<text x="16" y="26"><tspan class="head">${escaped(title)}</tspan><tspan dx="12">${facts}</tspan></text>`,
  ];
  const texts = [
    ...faults === null ? [] : [["", `Faults: ${faults.join(", ") || "none"}`] as const],
    ...failure === null ? [] : [[` class="fail"`, `Fails at the end: ${failure}`] as const],
  ];
  const lines = texts.flatMap(([kind, text]) => folded(text).map((line) => [kind, line] as const));
  for (const [i, [kind, line]] of lines.entries()) {
    parts.push(`<text x="16" y="${46 + i * lineHeight}"${kind}>${escaped(line)}</text>`);
  }
  return { parts, bottom: 38 + lines.length * lineHeight };
}

function axis(place: Sheet): string[] {
  const ticks = timeTicks(place.endMs);
  const grid = ticks.map(({ atMs }) => `M${place.x(atMs)} ${place.top - 4}V${place.bottom + 4}`).join("");
  const labels = ticks.map(({ atMs, label }) =>
    `<text x="${place.x(atMs)}" y="${place.bottom + 17}" text-anchor="middle">${label}</text>`
  );
  return [`<path class="grid" d="${grid}"/>`, ...labels];
}

/** A tint behind each row that stands on an island, with the island's number where there is room. */
function islands(
  partition: TimelinePicture["partitions"][number],
  rows: readonly PeerRow[],
  place: Sheet,
): string[] {
  const [x, wide] = place.span(partition);
  const parts: string[] = [];
  for (const [i, { host }] of rows.entries()) {
    const island = partition.islands.get(host);
    if (island === undefined) continue;
    const y = place.top + i * rowHeight;
    // A gap at the right tells it from the partition that follows.
    const size = `width="${round(Math.max(1, wide - 1.5))}" height="${rowHeight - 2}"`;
    parts.push(`<rect class="i${island % islandTints}" x="${x}" y="${y + 1}" ${size}/>`);
    if (wide > 14) {
      parts.push(`<text class="mark" x="${round(x + 3)}" y="${y + rowHeight - 4}">${letter(island)}</text>`);
    }
  }
  const sides = Map.groupBy(
    rows.filter(({ host }) => partition.islands.has(host)),
    ({ host }) => partition.islands.get(host)!,
  );
  const title = [...sides].sort(([a], [b]) => a - b).map(([island, side]) =>
    `${letter(island)}: ${side.map(({ name }) => name).join(", ")}`
  );
  parts.push(
    `<rect class="partition" x="${x}" y="${place.top - 4}" width="${
      round(Math.max(1.5, wide - 1.5))
    }" height="2"/>`,
  );
  return [`<g><title>${escaped(`Partition ${title.join(" | ")}`)}</title>${parts.join("")}</g>`];
}

/** Ticks over the rows, each with what was said at its place. */
function notes(all: readonly Moment[], place: Sheet): string[] {
  const places = Map.groupBy(all, ({ atMs }) => Math.round(place.x(atMs)));
  return [...places].map(([x, said]) => {
    const title = said.map(({ atMs, what }) => `${(atMs / 1000).toFixed(3)} s: ${what}`).join("\n");
    return `<g><title>${escaped(title)}</title><path class="note" d="M${x} ${place.top - 6}v-7"/></g>`;
  });
}

function peerRow(row: PeerRow, y: number, place: Sheet): string {
  const middle = y + lineY;
  const strip = (kind: string, top: number, high: number) => (span: ClosedSpan) => {
    const [x, wide] = place.span(span);
    const title = `${escaped(span.what)}, ${round((span.toMs - span.fromMs) / 1000)} s`;
    return `<rect class="${kind}" x="${x}" y="${
      round(top)
    }" width="${wide}" height="${high}"><title>${title}</title></rect>`;
  };
  return [
    `<g><text class="name" x="${left - 10}" y="${middle + 4}" text-anchor="end">${escaped(row.name)}</text>`,
    ...row.paused.map(strip("paused", y + 3, rowHeight - 6)),
    bars("sent", row.sentMs, -1, middle - 1, place),
    bars("lost", row.lostMs, 1, middle + 1, place),
    `<path class="down" d="${downs(row, place.endMs).map((gap) => line(gap, middle, place)).join("")}"/>`,
    `<path class="up" d="${row.up.map((span) => line(span, middle, place)).join("")}"/>`,
    ...row.disk.map(strip("disk", y + rowHeight - 9, 3)),
    ...row.cut.map(strip("cut", y + rowHeight - 5, 3)),
    ...row.jumps.map(({ atMs, what }) => sign("jump", diamond, place.x(atMs), middle, what)),
    ...row.crashesMs.map((atMs) => sign("crash", cross, place.x(atMs), middle, `crash at ${atMs / 1000} s`)),
    "</g>",
  ].join("");
}

/** How often something happened in each column, as bars up (−1) or down (1). */
function bars(kind: string, momentsMs: readonly number[], way: 1 | -1, y: number, place: Sheet): string {
  const counts = new Map<number, number>();
  for (const atMs of momentsMs) {
    const column = Math.min(timelineColumns - 1, Math.floor(atMs / place.endMs * timelineColumns));
    counts.set(column, (counts.get(column) ?? 0) + 1);
  }
  if (counts.size === 0) return "";
  const most = way < 0 ? lineY - 4 : rowHeight - lineY - 11;
  const path = [...counts].map(([column, count]) => {
    const x = round(left + (column + 0.5) * width / timelineColumns);
    return `M${x} ${y}v${way * round(Math.min(most, 1 + 2 * Math.sqrt(count)))}`;
  });
  return `<path class="${kind}" d="${path.join("")}"/>`;
}

/** From each crash to the next start, or to the end. A peer that was closed is not drawn until it starts again. */
function downs(
  { up, crashesMs }: PeerRow,
  endMs: number,
): { readonly fromMs: number; readonly toMs: number }[] {
  return up.map(({ toMs }, i) => ({ fromMs: toMs, toMs: up[i + 1]?.fromMs ?? endMs }))
    .filter(({ fromMs, toMs }) => fromMs < toMs && crashesMs.includes(fromMs));
}

function line(span: { readonly fromMs: number; readonly toMs: number }, y: number, place: Sheet): string {
  return `M${place.x(span.fromMs)} ${y}H${place.x(span.toMs)}`;
}

/** A sign at a moment, with paper around it: it must be seen among bars. */
function sign(kind: string, path: string, x: number, y: number, what: string): string {
  const d = `M${x} ${y}${path}`;
  return `<g><title>${
    escaped(what)
  }</title><path class="halo" d="${d}"/><path class="${kind}" d="${d}"/></g>`;
}

function milestones({ quietMs, failure, endMs }: TimelinePicture, place: Sheet): string[] {
  const parts: string[] = [];
  const stroke = (x: number) => `d="M${x} ${place.top - 28}V${place.bottom + 4}"`;
  if (quietMs !== null) {
    const x = place.x(quietMs);
    parts.push(
      `<path class="quiet" ${stroke(x)}/>`,
      `<text x="${x - 4}" y="${place.top - 19}" text-anchor="end">all is mended and quiet</text>`,
    );
  }
  if (failure !== null) {
    const x = place.x(endMs);
    parts.push(
      `<path class="failing" ${stroke(x)}><title>${escaped(failure)}</title></path>`,
      `<text class="fail" x="${x - 4}" y="${place.top - 19}" text-anchor="end">fails</text>`,
    );
  }
  return parts;
}

function legend(y: number): string[] {
  let x = left;
  const next = (wide: number, picture: string, words: string): string => {
    const at = x;
    x += wide + 24 + words.length * 6;
    return `<g transform="translate(${round(at)} ${y})">${picture}<text x="${
      wide + 6
    }" y="4">${words}</text></g>`;
  };
  const box = (kind: string, height: number) =>
    `<rect class="${kind}" y="${-height / 2}" width="18" height="${height}"/>`;
  const tints = Array.from(
    { length: 3 },
    (_, i) =>
      `<rect class="i${i}" x="${i * 15}" y="-7" width="14" height="14"/>` +
      `<text class="mark" x="${i * 15 + 4}" y="4">${letter(i)}</text>`,
  );
  return [
    next(18, `<path class="up" d="M0 0h18"/>`, "runs"),
    next(18, `<path class="sent" d="M2 6v-5M5 6v-9M8 6v-12M11 6v-7M14 6v-4"/>`, "sends"),
    next(18, `<path class="lost" d="M2 -4v5M5 -4v8M8 -4v4M11 -4v6M14 -4v3"/>`, "of that, lost"),
    next(18, `<path class="down" d="M0 0h18"/><path class="crash" d="M0 0${cross}"/>`, "crashed, down"),
    next(18, box("paused", 14), "stands still"),
    next(18, box("disk", 3), "disk fails"),
    next(18, box("cut", 3), "sends to some are cut"),
    next(10, `<path class="jump" d="M5 0${diamond}"/>`, "clock jumps"),
    next(44, tints.join(""), "sides of a partition"),
    next(4, `<path class="note" d="M2 -4v7"/>`, "a note"),
  ];
}

/** In lines that fit the sheet. */
function folded(text: string): string[] {
  const lines = [""];
  for (const word of text.slice(0, headCharsMax).split(" ")) {
    if (lines.at(-1)!.length + word.length > lineChars) lines.push("");
    lines.push(`${lines.pop()!} ${word}`.trimStart());
  }
  return lines;
}

function duration(ms: number): string {
  return ms < 600_000 ? `${round(ms / 1000)} s` : `${round(ms / 60_000)} min`;
}

function letter(island: number): string {
  return String.fromCharCode(65 + island % 26);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

const cross = "m-4 -4l8 8m-8 0l8 -8";
const diamond = "m-4.5 0l4.5 -4.5l4.5 4.5l-4.5 4.5z";

const left = 76;
const width = 1_096;
const sheetWidth = 1_200;
const rowHeight = 36;
/** Of a row, where the line of its peer is. */
const lineY = 18;
const lineHeight = 15;
const laneHeight = 34;
const footHeight = 52;
const islandTints = 6;
/** Letters of a line of the header, and of all of it; sans-serif of this size has some 5.6 units for each. */
const lineChars = 190;
const headCharsMax = 570;
