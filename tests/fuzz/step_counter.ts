/**
 * How much a piece of work is, counted by the engine itself: how often each function of the product (and
 * of the codec that it checks itself by) was called, and each block of code ran. It does not know how fast
 * the machine is, so a slow input is told from a slow machine.
 */

import { Session } from "node:inspector";

/** What a piece of work cost. */
export interface Steps {
  /** Calls of functions, and runs of those blocks that ran more or less often than what encloses them. */
  readonly steps: number;
  /** Values that the codec began to read: elements, keys, and whatever they hold. */
  readonly values: number;
}

interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly functionName: string;
      readonly ranges: readonly { readonly count: number }[];
    }[];
  }[];
}

/** Counts the steps of work while it stands. */
export class StepCounter implements AsyncDisposable {
  readonly #session: Session;

  static async start(): Promise<StepCounter> {
    const session = new Session();
    session.connect();
    const counter = new StepCounter(session);
    await counter.#post("Profiler.enable");
    await counter.#post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    return counter;
  }

  private constructor(session: Session) {
    this.#session = session;
  }

  /** What this work costs. */
  async count(work: () => void): Promise<Steps> {
    await this.#post("Profiler.takePreciseCoverage");
    work();
    const { result } = await this.#post("Profiler.takePreciseCoverage") as Coverage;
    let steps = 0;
    let values = 0;
    for (const { url, functions } of result) {
      if (!/\/lib\/|cborg/.test(url)) continue;
      for (const { functionName, ranges } of functions) {
        for (const { count } of ranges) steps += count;
        if (functionName === "value" && url.endsWith("/wire/codec.ts")) values += ranges[0]!.count;
      }
    }
    return { steps, values };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#post("Profiler.stopPreciseCoverage");
    await this.#post("Profiler.disable");
    this.#session.disconnect();
  }

  #post(method: string, parameters: object = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#session.post(method, parameters, (error, result) => error ? reject(error) : resolve(result));
    });
  }
}
