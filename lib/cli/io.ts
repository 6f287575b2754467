/** What the command line has of the world: two outputs, one input, and the wish to stop. */

/** Input and output of one command. Tests bring their own. */
export interface CliIo {
  /** Writes a line of the result. */
  out(line: string): void;
  /** Writes a line about what is going on. */
  err(line: string): void;
  /** Everything on standard input. */
  readInput(): Promise<Uint8Array>;
  /** Fires when the user wants the command to end (Ctrl-C). */
  readonly signal: AbortSignal;
}

/** The input and output of a terminal. */
export interface TerminalIo extends CliIo, Disposable {}

/**
 * The terminal of this process. The first Ctrl-C (or SIGTERM) asks the command to end, the second
 * ends the process.
 */
export function openTerminal(): TerminalIo {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) Deno.exit(130);
    controller.abort();
  };
  const signals: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const each of signals) Deno.addSignalListener(each, stop);
  return {
    out: (line) => console.log(line),
    err: (line) => console.error(line),
    readInput: () => new Response(Deno.stdin.readable).bytes(),
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const each of signals) Deno.removeSignalListener(each, stop);
    },
  };
}

/** Resolves when the signal fires. */
export function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
