/** Runs seeds in a thread of its own: takes a seed and answers with what came of it. */

import { runSeed, type SeedOutcome } from "./run_seed.ts";

/** What a thread is given to run. */
export interface SeedTask {
  readonly seed: number;
  /** By the seed if `null`. */
  readonly scenario: string | null;
  /** Whether to draw a picture. */
  readonly draws: boolean;
}

/** What a thread answers. */
export interface SeedAnswer {
  readonly outcome: SeedOutcome;
  /** As SVG, if it was asked for. */
  readonly picture: string | null;
}

/** What a thread sees of itself. */
interface Thread {
  onmessage: (event: MessageEvent<SeedTask>) => void;
  postMessage(answer: SeedAnswer): void;
}

const thread = globalThis as unknown as Thread;

thread.onmessage = async ({ data: { seed, scenario, draws } }) => {
  let picture: string | null = null;
  const outcome = await runSeed(seed, {
    ...(scenario !== null && { scenario }),
    ...(draws && { onDrawn: (svg: string) => void (picture = svg) }),
  });
  thread.postMessage({ outcome, picture });
};
