/** The help, made from the commands themselves; every line fits a terminal of 80 columns. */

import { usageOf } from "./args.ts";
import type { Command } from "./command.ts";
import { helpColumns } from "./limits.ts";
import { type OptionName, optionSpecs } from "./options.ts";

/** The help of everything. */
export function overview(commands: readonly Command[]): string {
  const rows = commands.map((command) =>
    [[command.name, ...command.args].join(" "), command.summary] as const
  );
  return [
    "Kith: names, groups and shared records between peers, without servers.",
    "",
    "Usage: kith COMMAND [ARGUMENTS] [OPTIONS]",
    ...wrap(
      "kith stands for: deno run -A --unstable-kv --unstable-net jsr:@kith/peer",
      "       ",
    ),
    "",
    "Commands:",
    ...table(rows),
    "",
    "Try it:",
    "  kith run --store ./alice.kv &",
    '  kith group create "Field notes" --store ./alice.kv',
    "  kith group invite --store ./alice.kv",
    '  kith record add note "heron at the north pond" --store ./alice.kv',
    "",
    ...wrap(
      "With --json every command prints one JSON object a line. Exit codes: 0 done, 1 failed, " +
        "2 not understood. 'kith help COMMAND' says more; 'kith doctor' looks for what is wrong.",
      "",
    ),
  ].join("\n");
}

/** The help of one command. */
export function helpOf(command: Command): string {
  const names: readonly OptionName[] = [...command.options, "json", "help"];
  const rows = names.map((name) => {
    const { value, text } = optionSpecs[name];
    return [value === null ? `--${name}` : `--${name} ${value}`, text] as const;
  });
  const summary = command.summary[0]!.toUpperCase() + command.summary.slice(1);
  return [
    `Usage: ${usageOf(command)} [OPTIONS]`,
    "",
    ...wrap(`${summary}.`, ""),
    ...(command.details === undefined ? [] : ["", ...wrap(command.details, "")]),
    "",
    "Options:",
    ...table(rows),
    "",
    "Examples:",
    ...command.examples.map((example) => `  kith ${example}`),
  ].join("\n");
}

/** The help of the commands whose names begin with one word. */
export function familyHelp(word: string, commands: readonly Command[]): string {
  const rows = commands.map((command) =>
    [[command.name, ...command.args].join(" "), command.summary] as const
  );
  return [`Commands of '${word}':`, ...table(rows), "", `'kith help ${word} WORD' says more.`].join("\n");
}

function table(rows: readonly (readonly [left: string, right: string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  const indent = " ".repeat(width + 4);
  return rows.flatMap(([left, right]) => {
    const [first, ...rest] = wrap(right, indent);
    return [`  ${left.padEnd(width)}  ${first!.trimStart()}`, ...rest];
  });
}

/** Breaks a text at spaces, each line indented. */
function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(" ")) {
    const longer = line === indent ? line + word : `${line} ${word}`;
    if (longer.length <= helpColumns || line === indent) line = longer;
    else {
      lines.push(line);
      line = indent + word;
    }
  }
  return [...lines, line];
}
