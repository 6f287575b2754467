/** All commands, in the order in which the help lists them. */

import { commandOf, usage } from "./args.ts";
import type { Call, Command } from "./command.ts";
import { groupCommands } from "./commands_group.ts";
import { idCommands } from "./commands_id.ts";
import { nameCommands } from "./commands_name.ts";
import { recordCommands } from "./commands_record.ts";
import { runCommands } from "./commands_run.ts";
import { doctorCommands } from "./doctor.ts";
import { familyHelp, helpOf, overview } from "./help.ts";
import type { CliIo } from "./io.ts";

/** The command line of the demo, which stands in a module of its own. */
interface DemoModule {
  demoCommand(args: readonly string[], io: CliIo): Promise<number>;
}

/** All commands. */
export const commands: readonly Command[] = [
  ...runCommands,
  ...idCommands,
  ...groupCommands,
  ...recordCommands,
  ...nameCommands,
  ...doctorCommands,
  {
    name: "demo",
    args: ["[FILE]"],
    options: ["keep"],
    summary: "watch five peers share a text file on this machine",
    details: "Each is a process of its own. One is killed and comes back, one is removed, a stranger " +
      "is refused; every step is verified at every peer.",
    examples: ["demo", "demo notes.txt --keep"],
    run: demo,
  },
  {
    name: "help",
    args: ["[COMMAND...]"],
    options: [],
    summary: "show this, or the help of one command",
    examples: ["help", "help group invite"],
    run: help,
  },
];

/** Prints the help of everything, of a family (`group`), or of one command. */
function help({ args, out }: Call): Promise<void> {
  const text = helpText(args);
  out.result({ help: text }, text);
  return Promise.resolve();
}

/** The help for some words. */
export function helpText(words: readonly string[]): string {
  const [first, ...rest] = words;
  if (first === undefined) return overview(commands);
  const family = commands.filter(({ name }) => name.startsWith(`${first} `));
  if (rest.length === 0 && family.length > 0) return familyHelp(first, family);
  const command = commandOf(words, commands);
  const extra = words.slice(command.name.split(" ").length);
  if (extra.length > 0) throw usage(`'${extra[0]}' is too much: kith help ${command.name}`);
  return helpOf(command);
}

/** Loads the demo only when it is asked for: it brings much along. */
async function demo({ args, options, out, io }: Call): Promise<number> {
  const module = ["./demo", "ts"].join(".");
  const { demoCommand } = await import(import.meta.resolve(module)) as DemoModule;
  const flags = [...(out.isJson ? ["--json"] : []), ...(options.has("keep") ? ["--keep"] : [])];
  return await demoCommand([...flags, "--", ...args], io);
}
