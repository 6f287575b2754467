/** Runs seeds in a thread of its own: takes `{seed, scenario}`, answers with what came of it. */

/// <reference lib="webworker" />

import { runSeed } from "./run_seed.ts";

declare const self: DedicatedWorkerGlobalScope;

self.onmessage = async ({ data }: MessageEvent<{ readonly seed: number; readonly scenario?: string }>) => {
  const { seed, scenario } = data;
  self.postMessage(await runSeed(seed, scenario === undefined ? {} : { scenario }));
};
