/** Writes `docs/LIMITS.md` from all files named `limits.ts`. */
import { cell, documentedConstants, listFiles } from "./sources.ts";

/** The text of `docs/LIMITS.md`. */
export async function limitsDoc(): Promise<string> {
  const files: string[] = [];
  for (const folder of ["lib", "transports", "http_api"]) {
    files.push(...await listFiles(folder, (path) => path.endsWith("/limits.ts")));
  }
  const sections = await Promise.all(files.map(sectionOf));
  return `${head}\n${sections.join("\n")}`;
}

const head = `# Limits

Everything has a limit, every limit a name, a unit in its name and a reason. Written by \`deno task docs\` from the
files named \`limits.ts\`; change it there. Figures marked "measured" were measured on the platform, "guess" means a guess.
`;

async function sectionOf(file: string): Promise<string> {
  const values: Readonly<Record<string, unknown>> = await import(
    new URL(`../../${file}`, import.meta.url).href
  );
  const rows = documentedConstants(await Deno.readTextFile(file)).map(({ name, comment }) => {
    const value = values[name];
    if (typeof value !== "number") throw new TypeError(`'${name}' in ${file} is no number`);
    return `| \`${name}\` | ${valueText(name, value)} | ${cell(comment)} |`;
  });
  return `## ${file}\n\n| limit | value | reason |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
}

/** A value with its unit, and in a larger unit where that reads better. */
export function valueText(name: string, value: number): string {
  const unit = unitOf(name);
  const plain = `${value.toLocaleString("en-US")} ${unit}`.trim();
  const larger = largerUnit(value, unit);
  return larger === null ? plain : `${plain} (${larger})`;
}

/** The unit that a name ends in: its first plural word, or the word before `Max` where there is none. */
export function unitOf(name: string): string {
  const words = name.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
  for (const unit of ["ms", "bytes"]) if (words.includes(unit)) return unit;
  const per = words.indexOf("per");
  if (per > 0) return words.slice(per - 1).join(" ");
  const plural = words.findIndex((word) => /[^s]s$/.test(word));
  if (plural >= 0) return words[plural] === "points" ? "code points" : words[plural] ?? "";
  return "";
}

function largerUnit(value: number, unit: string): string | null {
  const units = unit === "ms" ? timeUnits : unit === "bytes" ? byteUnits : [];
  const fitting = units.find(([size]) => value >= size && value % size === 0);
  if (fitting === undefined) return null;
  const count = value / fitting[0];
  return `${count.toLocaleString("en-US")} ${count === 1 ? fitting[1].replace("days", "day") : fitting[1]}`;
}

const timeUnits: readonly (readonly [size: number, name: string])[] = [
  [86_400_000, "days"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
];

const byteUnits: readonly (readonly [size: number, name: string])[] = [
  [1024 * 1024, "MiB"],
  [1024, "KiB"],
];
