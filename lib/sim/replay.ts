/** Which seeds to run, and how to run one again. */

import { fileURLToPath } from "node:url";
import { hasPermission } from "../platform/permissions.ts";
import { seedMax } from "./limits.ts";

/** The seeds 1 to `count`, or the one that the environment asks for. */
export async function seedsToRun(count: number): Promise<number[]> {
  const wanted = await hasPermission({ name: "env", variable: seedVariable })
    ? Deno.env.get(seedVariable)
    : undefined;
  if (wanted === undefined) return Array.from({ length: count }, (_, i) => i + 1);
  const seed = /^(?:0|[1-9][0-9]*)$/.test(wanted) ? Number(wanted) : Infinity;
  if (seed > seedMax) {
    throw new RangeError(
      `Cannot run the seed ${seedVariable}="${wanted}": it must be a whole number from 0 to ${seedMax}`,
    );
  }
  return [seed];
}

/**
 * The command that repeats a run of whoever called {@linkcode Simulation.each}, by the stack of an error made
 * there: the outermost file that is named as tests are, for what called may be a helper of theirs.
 */
export function replayCommand(stack: string): (seed: number) => string {
  const files = placesOf(stack).map(({ file }) => file);
  const caller = files.findLast((file) => testName.test(file)) ?? files.at(-1);
  const file = caller === undefined ? "" : ` ${shellWord(fileURLToPath(caller))}`;
  return (seed) => `${seedVariable}=${seed} deno test --allow-env=${seedVariable}${file}`;
}

/** How to repeat a run of whoever made a simulation by hand: the seed is theirs to give. */
export function replayByHand(stack: string): (seed: number) => string {
  const place = callerOf(stack);
  return (seed) => `give seed ${seed} to the simulation${place === null ? "" : ` made at ${place}`}`;
}

/** File and line of whoever called into the simulation, or `null`, by the stack of an error made there. */
export function callerOf(stack: string): string | null {
  const [place] = placesOf(stack);
  return place === undefined ? null : `${fileURLToPath(place.file)}:${place.line}`;
}

/** Places outside this folder, innermost first. */
function placesOf(stack: string): { readonly file: string; readonly line: string }[] {
  return [...stack.matchAll(/(file:\/\/[^\s():]+(?::\d+)?[^\s():]*):(\d+):\d+/g)]
    .map(([, file, line]) => ({ file: file!, line: line! }))
    .filter(({ file }) => !file.startsWith(ownFolder));
}

/** A text as one word of a shell's command. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Environment variable with the one seed to run. */
const seedVariable = "KITH_SEED";
/** What Deno takes for a test file. */
const testName = /(?:^|[/_.])test\.[cm]?[jt]sx?$/;
const ownFolder = new URL("./", import.meta.url).href;
