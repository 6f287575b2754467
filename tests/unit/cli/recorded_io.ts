/** An input and output that keep what was said. */

import { utf8 } from "../../../lib/base/bytes.ts";
import type { CliIo } from "../../../lib/cli/io.ts";
import { main } from "../../../lib/cli/mod.ts";

/** Keeps every line, and waits for one. */
export class RecordedIo implements CliIo {
  readonly outLines: string[] = [];
  readonly errLines: string[] = [];
  readonly #stopping = new AbortController();
  readonly #input: Uint8Array;
  #onLine: () => void = () => {};

  constructor(input = "") {
    this.#input = utf8(input);
  }

  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** What Ctrl-C does. */
  stop(): void {
    this.#stopping.abort();
  }

  out(line: string): void {
    this.outLines.push(line);
    this.#onLine();
  }

  err(line: string): void {
    this.errLines.push(line);
  }

  readInput(): Promise<Uint8Array> {
    return Promise.resolve(this.#input);
  }

  /** The first line of the result that holds a text, as soon as there is one. */
  async line(text: string): Promise<string> {
    while (true) {
      const found = this.outLines.find((line) => line.includes(text));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#onLine = resolve);
    }
  }
}

/** What a command line came to. */
export interface Outcome {
  readonly code: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

/** Runs a command line to its end. */
export async function kith(args: readonly string[], input?: string): Promise<Outcome> {
  const io = new RecordedIo(input);
  const code = await main(args, io);
  return { code, out: io.outLines, err: io.errLines };
}

/** Runs one with `--json`; the objects it printed. */
export async function kithJson(args: readonly string[], input?: string): Promise<readonly unknown[]> {
  const { out } = await kith([...args, "--json"], input);
  return out.map((line) => JSON.parse(line));
}
