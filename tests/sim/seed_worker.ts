/** Runs seeds in a thread of its own: takes `{seed, scenario}`, answers with what came of it. */

import { runSeed, type SeedOutcome } from "./run_seed.ts";

/** What a thread sees of itself. */
interface Thread {
  onmessage: (event: MessageEvent<{ readonly seed: number; readonly scenario?: string }>) => void;
  postMessage(outcome: SeedOutcome): void;
}

const thread = globalThis as unknown as Thread;

thread.onmessage = async ({ data: { seed, scenario } }) => {
  thread.postMessage(await runSeed(seed, scenario === undefined ? {} : { scenario }));
};
