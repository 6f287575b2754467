/** How the picture of a simulation looks, in light and in dark, and text that is safe in it. */

/** Text for SVG: no mark-up, and nothing that XML forbids. */
export function escaped(text: string): string {
  return text.toWellFormed()
    // deno-lint-ignore no-control-regex -- XML has no control characters
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

interface Colours {
  readonly paper: string;
  readonly ink: string;
  readonly faint: string;
  readonly grid: string;
  readonly up: string;
  readonly sent: string;
  readonly alarm: string;
  readonly lost: string;
  readonly paused: string;
  readonly disk: string;
  readonly cut: string;
  readonly jump: string;
  readonly islands: readonly string[];
}

const light: Colours = {
  paper: "#fbfaf7",
  ink: "#1f2d35",
  faint: "#5d6b74",
  grid: "#e6e3dc",
  up: "#24576b",
  sent: "#5aa39e",
  alarm: "#b3261e",
  lost: "#d98a80",
  paused: "#9aa0b5",
  disk: "#b7791f",
  cut: "#7b5ea7",
  jump: "#3d5fc4",
  islands: ["#f5e2bf", "#d3e3f1", "#dbebd1", "#eedbe8", "#f6dad3", "#d3e8e6"],
};

const dark: Colours = {
  paper: "#14191d",
  ink: "#e4e8ea",
  faint: "#93a0a8",
  grid: "#262e34",
  up: "#8cc3d8",
  sent: "#3f8a86",
  alarm: "#ff7b6e",
  lost: "#b0605a",
  paused: "#6b7190",
  disk: "#e0a549",
  cut: "#b79ae2",
  jump: "#8ea8ff",
  islands: ["#43371d", "#1d3448", "#253b22", "#41293a", "#472722", "#1c3b3a"],
};

/** The style sheet: all under one class, so that it changes nothing around the picture. */
export const timelineStyle: string = `${rules(light)}@media (prefers-color-scheme:dark){${rules(dark)}}`;

function rules(of: Colours): string {
  const stroke = (colour: string, width: number, more = "") =>
    `{fill:none;stroke:${colour};stroke-width:${width}${more}}`;
  const all: Readonly<Record<string, string>> = {
    "text": `{fill:${of.faint}}`,
    ".head": `{fill:${of.ink};font-size:16px;font-weight:600}`,
    ".name": `{fill:${of.ink}}`,
    ".mark": `{font-size:8px}`,
    ".fail": `{fill:${of.alarm};font-weight:500}`,
    ".paper": `{fill:${of.paper}}`,
    ".grid": stroke(of.grid, 1),
    ".up": stroke(of.up, 2),
    ".down": stroke(of.alarm, 1, ";stroke-dasharray:2 3"),
    ".sent": stroke(of.sent, 2.4),
    ".lost": stroke(of.lost, 2.4),
    ".partition": `{fill:${of.faint}}`,
    ".note": stroke(of.faint, 1),
    ".quiet": stroke(of.faint, 1, ";stroke-dasharray:4 3"),
    ".failing": stroke(of.alarm, 2),
    ".halo":
      `{fill:${of.paper};stroke:${of.paper};stroke-width:5;stroke-linejoin:round;stroke-linecap:round}`,
    ".crash": stroke(of.alarm, 2.2, ";stroke-linecap:round"),
    ".jump": `{fill:${of.jump}}`,
    ".paused": `{fill:${of.paused};fill-opacity:.45}`,
    ".disk": `{fill:${of.disk}}`,
    ".cut": `{fill:${of.cut}}`,
    ...Object.fromEntries(of.islands.map((colour, i) => [`.i${i}`, `{fill:${colour}}`])),
  };
  return Object.entries(all).map(([selector, rule]) => `.kith-timeline ${selector}${rule}`).join("");
}
