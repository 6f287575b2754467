/** What a command is. */

import type { CliIo } from "./io.ts";
import type { OptionName, Options } from "./options.ts";
import type { Output } from "./output.ts";

/** One command. */
export interface Command {
  /** One or two words. */
  readonly name: string;
  /** What its arguments are called; one in brackets may be left out. */
  readonly args: readonly string[];
  /** Which options it takes, besides `--json` and `--help`. */
  readonly options: readonly OptionName[];
  /** One line for the list of commands. */
  readonly summary: string;
  /** What else there is to know. */
  readonly details?: string;
  /** Command lines, without the word `kith`. */
  readonly examples: readonly string[];
  /** Does it; what it throws is printed in one line. A number is the exit code. */
  run(call: Call): Promise<void | number>;
}

/** A command that was called. */
export interface Call {
  readonly command: Command;
  readonly args: readonly string[];
  readonly options: Options;
  readonly out: Output;
  readonly io: CliIo;
}

/** Options of every command that works on a store. */
export const storeOptions: readonly OptionName[] = ["store", "admin-file", "passphrase-file", "identity"];

/** Options of every command that may have to reach other peers itself. */
export const networkOptions: readonly OptionName[] = [...storeOptions, "listen", "bootstrap"];
