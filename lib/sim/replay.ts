/** Which seeds to run, and how to run one again. */

import { fileURLToPath } from "node:url";
import { hasPermission } from "../platform/permissions.ts";

/** The seeds 1 to `count`, or the one that the environment asks for. */
export async function seedsToRun(count: number): Promise<number[]> {
  const wanted = await hasPermission({ name: "env", variable: seedVariable })
    ? Deno.env.get(seedVariable)
    : undefined;
  if (wanted === undefined) return Array.from({ length: count }, (_, i) => i + 1);
  const seed = Number(wanted);
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`Cannot run the seed ${seedVariable}="${wanted}": it must be a whole number from 0`);
  }
  return [seed];
}

/** The command that repeats a run of whoever called, by the stack of an error made there. */
export function replayCommand(stack: string): (seed: number) => string {
  const places = [...stack.matchAll(/(file:\/\/[^\s():]+(?::\d+)?[^\s():]*):\d+:\d+/g)].map(([, url]) =>
    url!
  );
  const caller = places.find((url) => !url.startsWith(ownFolder));
  const file = caller === undefined ? "" : ` ${shellWord(fileURLToPath(caller))}`;
  return (seed) => `${seedVariable}=${seed} deno test --allow-env=${seedVariable}${file}`;
}

/** A text as one word of a shell's command. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Environment variable with the one seed to run. */
const seedVariable = "KITH_SEED";
const ownFolder = new URL("./", import.meta.url).href;
