/**
 * What a command prints: text for people, or with `--json` one object a line.
 *
 * Text from peers could steer a terminal (control sequences) or read otherwise than it is written
 * (bidirectional controls), so whatever prints goes through {@linkcode plainText} or
 * {@linkcode jsonLine} here and nowhere else.
 */

import { messageOf, PeerError } from "../base/errors.ts";
import type { CliIo } from "./io.ts";
import { shownCharsMax } from "./limits.ts";

/** Prints the results of one command. */
export class Output {
  readonly isJson: boolean;
  readonly #io: CliIo;

  /** Prints to the given outputs. */
  constructor(io: CliIo, isJson: boolean) {
    this.#io = io;
    this.isJson = isJson;
  }

  /** One result: the object with `--json`, else the text, of which each line is made harmless. */
  result(data: object, text: string): void {
    if (this.isJson) this.#io.out(jsonLine(data));
    else for (const line of text.split("\n")) this.#io.out(plainText(line));
  }

  /** Says to people what is going on; programs do not see it. */
  note(text: string): void {
    if (!this.isJson) this.#io.err(plainText(text));
  }

  /** One failure, in one line. Programs read it where they read results. */
  failure(error: unknown): void {
    const code = error instanceof PeerError ? error.code : "internal";
    const message = messageOf(error).replaceAll(/\s*\n\s*/g, " ");
    if (this.isJson) this.#io.out(jsonLine({ error: { code, message } }));
    else this.#io.err(`error: ${plainText(message)}`);
  }
}

/** A text in which nothing steers a terminal: controls, formats and separators become `\u{…}`. */
export function plainText(text: string): string {
  return text.replaceAll(steering, (each) => `\\u{${each.codePointAt(0)!.toString(16)}}`);
}

/** A value in one line of JSON, in which nothing steers a terminal either. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replaceAll(steering, (each) => {
    const units = Array.from({ length: each.length }, (_, i) => each.charCodeAt(i));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
  });
}

/** A value from a record or a name, as one line for people; long ones are cut. */
export function shownValue(
  content: { readonly value?: unknown; readonly base64?: string | undefined },
): string {
  if (content.base64 !== undefined) return `(${Uint8Array.fromBase64(content.base64).length} bytes)`;
  const text = typeof content.value === "string" ? content.value : JSON.stringify(content.value);
  return text.length <= shownCharsMax ? text : `${text.slice(0, shownCharsMax)}… (--json shows all)`;
}

/** Rows as columns, two spaces apart. */
export function columns(rows: readonly (readonly string[])[]): string {
  const plain = rows.map((row) => row.map(plainText));
  const widths: number[] = [];
  for (const row of plain) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return plain.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd()).join("\n");
}

/** Controls, formats, lone surrogates, unassigned and private characters; line and paragraph separators. */
const steering = /[\p{C}\p{Zl}\p{Zp}]/gu;
