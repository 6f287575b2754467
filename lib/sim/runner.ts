/** How a simulation runs: for a time, until a condition holds, or until a promise settles; and for whom. */

import { checkAnswer, checkRun } from "./misuse.ts";
import { callerOf } from "./replay.ts";
import type { RunUntil } from "./simulation_options.ts";
import type { VirtualClock } from "./virtual_clock.ts";

/** What a runner is told by its simulation, and tells it. */
export interface RunnerContext {
  readonly clock: VirtualClock;
  /** After each event: whether the simulation has failed, and with what. */
  readonly look: () => Error | null;
  /** Something does not hold. */
  readonly fail: (invariant: string, message: string) => void;
}

/** Runs a simulation for one caller at a time. */
export class Runner {
  readonly #context: RunnerContext;
  /** Promises that run by themselves. */
  readonly #runs = new WeakSet<Promise<unknown>>();
  #isRunning = false;
  /** Made by whoever called the run at hand, or the last one: it knows where. */
  #caller = new Error("no run yet");
  /** What the last run failed with. */
  #thrown: unknown = null;

  constructor(context: RunnerContext) {
    this.#context = context;
  }

  /** Whether a run is under way. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Runs; throws what the simulation failed with, or what the promise was rejected with. */
  async run(until: RunUntil<unknown>, maxMs: number): Promise<unknown> {
    checkRun(until, maxMs);
    if (until instanceof Promise && this.#runs.has(until)) return await until;
    if (this.#isRunning) {
      throw new TypeError("Cannot run: this simulation runs already; await that run first");
    }
    this.#isRunning = true;
    this.#caller = new Error("run");
    globalThis.addEventListener("unhandledrejection", this.#onRejection);
    try {
      return await this.#until(until, maxMs);
    } catch (error) {
      this.#thrown = error;
      throw error;
    } finally {
      globalThis.removeEventListener("unhandledrejection", this.#onRejection);
      this.#isRunning = false;
    }
  }

  /** A promise that runs by itself: given to a run, it is awaited and nothing more. */
  runsItself<T>(run: Promise<T>): Promise<T> {
    this.#runs.add(run);
    return run;
  }

  /** File and line of the run that is under way, or that failed with this error; `null` if it was none. */
  placeOf(error: unknown): string | null {
    const isOfRun = this.#isRunning || (error !== undefined && error === this.#thrown);
    return isOfRun ? callerOf(this.#caller.stack ?? "") : null;
  }

  async #until(until: RunUntil<unknown>, maxMs: number): Promise<unknown> {
    if (typeof until === "number") return await this.#drive(() => false, until), undefined;
    let isOver = false;
    const over = () => void (isOver = true);
    if (until instanceof Promise) until.then(over, over);
    const holds = until instanceof Promise ? () => isOver : () => checkAnswer(until());
    if (!await this.#drive(holds, maxMs)) {
      const what = until instanceof Promise ? "What was awaited" : "What was to hold";
      this.#context.fail(
        "I9",
        `${what} had not come after ${maxMs} virtual ms, the most that this run waits`,
      );
      await this.#drive(holds, 0);
    }
    return until instanceof Promise ? await until : undefined;
  }

  /** Lets time pass; throws once the simulation has failed. */
  async #drive(holds: () => boolean, maxMs: number): Promise<boolean> {
    const { clock, look } = this.#context;
    let failure: Error | null = null;
    const reached = await clock.runUntil(() => (failure = look()) !== null || holds(), maxMs);
    if (failure !== null) throw failure;
    return reached;
  }

  readonly #onRejection = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    const { reason } = event;
    const text = reason instanceof Error ? reason.stack : reason;
    this.#context.fail("I9", `A promise failed and nobody took it: ${text}`);
  };
}
