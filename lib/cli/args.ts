/** Reads a command line. Everything wrong with it is a `bad_usage` that says what to write instead. */

import { parseArgs } from "node:util";
import { PeerError } from "../base/errors.ts";
import type { Command } from "./command.ts";
import { suggestionEditsMax } from "./limits.ts";
import { type OptionName, Options, type OptionSpec, optionSpecs } from "./options.ts";

/** What a command line asks for. */
export interface Request {
  /** `null`: nothing was named. */
  readonly command: Command | null;
  readonly args: readonly string[];
  readonly options: Options;
}

/** Reads a command line. Options may stand anywhere; after `--` nothing is an option. */
export function parseRequest(args: readonly string[], commands: readonly Command[]): Request {
  const { options, words } = split(args);
  if (words.length === 0) return { command: null, args: [], options };
  const command = commandOf(words, commands);
  const rest = words.slice(command.name.split(" ").length);
  if (!options.has("help")) {
    checkOptions(command, options);
    checkCount(command, rest);
  }
  return { command, args: rest, options };
}

/** Whether `--json` was asked for, also where the rest cannot be understood. */
export function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).includes("--json");
}

/** The command that the first words name. */
export function commandOf(words: readonly string[], commands: readonly Command[]): Command {
  const [first, second] = words;
  const found = commands.find(({ name }) => name === `${first} ${second}`) ??
    commands.find(({ name }) => name === first);
  if (found !== undefined) return found;
  const family = commands.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name);
  if (family.length > 0) {
    const given = second === undefined
      ? `'${first}' needs a second word`
      : `There is no command '${first} ${second}'${suggestion(`${first} ${second}`, family)}`;
    throw usage(`${given}. There are ${list(family)}`);
  }
  const firsts = [...new Set(commands.map(({ name }) => name.split(" ")[0]!))];
  throw usage(`There is no command '${first}'${suggestion(first!, firsts)}. 'kith help' lists the commands`);
}

/** How a command is written. */
export function usageOf(command: Command): string {
  return ["kith", command.name, ...command.args].join(" ");
}

/** The failure for a command line that cannot be understood. */
export function usage(message: string): PeerError {
  return new PeerError("bad_usage", message);
}

function split(args: readonly string[]): { readonly options: Options; readonly words: readonly string[] } {
  const types = Object.entries<OptionSpec>(optionSpecs).map(([name, { value }]) =>
    [name, {
      type: value === null ? "boolean" : "string",
      ...(name === "help" ? { short: "h" } : {}),
    }] as const
  );
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(types),
    allowPositionals: true,
    strict: false, // our own words for what is wrong
    tokens: true,
  });
  const values = new Map<string, string[]>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const value = valueOf(token);
    const known = values.get(token.name);
    if (known === undefined) values.set(token.name, [value]);
    else if (specOf(token.name)?.isMany === true) known.push(value);
    else throw usage(`${token.rawName} was given twice: give it once`);
  }
  return { options: new Options(values), words };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

/** The value of an option, judged. */
function valueOf({ name, rawName, value, inlineValue }: OptionToken): string {
  const spec = specOf(name);
  if (spec === undefined) {
    const names = Object.keys(optionSpecs).map((each) => `--${each}`);
    throw usage(
      `There is no option '${rawName}'${
        suggestion(rawName, names)
      }. Text that begins with a dash comes after --`,
    );
  }
  if (spec.value === null) {
    if (value === undefined) return "";
    throw usage(`${rawName} takes no value: write ${rawName} alone`);
  }
  if (value === undefined || value === "") throw usage(`${rawName} needs a value: ${rawName} ${spec.value}`);
  // `--store --json` forgot a value more often than it means a store of that name.
  if (inlineValue !== true && /^-./.test(value)) {
    throw usage(`${rawName} needs a value; if it is '${value}', write ${rawName}=${value}`);
  }
  if (spec.choices !== undefined && !spec.choices.includes(value)) {
    throw usage(`${rawName} can be ${list(spec.choices)}, not '${value}'`);
  }
  if (spec.min !== undefined && !(/^[0-9]{1,9}$/.test(value) && Number(value) >= spec.min)) {
    throw usage(`${rawName} must be a whole number from ${spec.min}, not '${value}'`);
  }
  return value;
}

function checkOptions(command: Command, options: Options): void {
  const taken: readonly string[] = [...command.options, "json", "help"];
  const other = options.names.find((name) => !taken.includes(name));
  if (other !== undefined) {
    throw usage(`'${command.name}' takes no --${other}. See 'kith help ${command.name}'`);
  }
}

function checkCount(command: Command, args: readonly string[]): void {
  const least = command.args.filter((arg) => !arg.startsWith("[")).length;
  if (args.length < least) {
    throw usage(`${command.args[args.length]} is missing. Write: ${usageOf(command)}`);
  }
  if (args.length > command.args.length && command.args.at(-1) !== "[COMMAND...]") {
    throw usage(
      `'${args[command.args.length]}' is too much (quote text with spaces). Write: ${usageOf(command)}`,
    );
  }
}

function specOf(name: string): OptionSpec | undefined {
  return Object.hasOwn(optionSpecs, name) ? optionSpecs[name as OptionName] : undefined;
}

function suggestion(word: string, known: readonly string[]): string {
  const near = known.map((each) => ({ each, edits: editsBetween(word, each) }))
    .filter(({ edits }) => edits <= suggestionEditsMax)
    .sort((a, b) => a.edits - b.edits)[0];
  return near === undefined ? "" : `; did you mean '${near.each}'?`;
}

/** Letters to insert, drop or change (Levenshtein), for short words. */
function editsBetween(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > suggestionEditsMax) return Infinity;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

function list(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(", ");
}
