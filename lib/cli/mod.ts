/**
 * The command line of Kith.
 *
 * @example Asking for help
 * ```ts
 * import { main } from "@kith/peer/cli";
 *
 * const code = await main(["help", "group", "invite"]);
 * console.log(code); // 0
 * ```
 *
 * @module
 */

import { PeerError } from "../base/errors.ts";
import { parseRequest, wantsJson } from "./args.ts";
import { commands, helpText } from "./commands.ts";
import { type CliIo, openTerminal } from "./io.ts";
import { Output } from "./output.ts";

export type { CliIo } from "./io.ts";

/** Runs one command line; resolves to the exit code: 0 done, 1 failed, 2 not understood. Never rejects. */
export async function main(args: readonly string[], io?: CliIo): Promise<number> {
  if (io !== undefined) return await execute(args, io);
  using terminal = openTerminal();
  return await execute(args, terminal);
}

/** Runs the command line of this process and ends the process with its exit code. */
export async function run(): Promise<void> {
  Deno.exit(await main(Deno.args));
}

async function execute(args: readonly string[], io: CliIo): Promise<number> {
  const out = new Output(io, wantsJson(args));
  try {
    const { command, args: rest, options } = parseRequest(args, commands);
    if (command === null || options.has("help")) {
      const text = helpText(command === null ? [] : command.name.split(" "));
      out.result({ help: text }, text);
      return command === null && !options.has("help") ? 2 : 0;
    }
    return await command.run({ command, args: rest, options, out, io }) ?? 0;
  } catch (error) {
    // Ctrl-C while something was under way is an end, not a failure to be told of.
    if (io.signal.aborted && error instanceof PeerError && error.code === "aborted") return 130;
    out.failure(error);
    return error instanceof PeerError && error.code === "bad_usage" ? 2 : 1;
  }
}

if (import.meta.main) run();
