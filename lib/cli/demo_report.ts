/** What the demo says while it works and at its end. Plain text in 80 columns; colours on a terminal only. */

/** How a step went. */
export interface StepReport {
  readonly name: string;
  readonly who: string;
  /** What was verified, or why it could not be. */
  readonly what: string;
  readonly ok: boolean;
  readonly ms: number;
}

/** Where progress goes. */
export interface ProgressSink {
  /** Whether a line may be written over. */
  readonly isTerminal: boolean;
  /** Writes text as it is. */
  write(text: string): void;
}

/** One line for each step: on a terminal it changes while the step runs. */
export class Progress {
  readonly #sink: ProgressSink;
  #title = "";

  /** Progress to an output. */
  constructor(sink: ProgressSink) {
    this.#sink = sink;
  }

  /** A step begins. */
  begin(number: number, of: number, name: string): void {
    this.#title = `[${String(number).padStart(2)}/${of}] ${name}`;
    this.#over(`${this.#title} …`);
  }

  /** A long step goes on. */
  advance(done: number, of: number, perSecond: number | null): void {
    const rate = perSecond === null ? "" : `, ${numberText(perSecond)}/s`;
    this.#over(`${this.#title}: ${numberText(done)} of ${numberText(of)}${rate}`);
  }

  /** The step ended. */
  end({ ok, what, ms }: StepReport): void {
    const line = `${this.#title}: ${ok ? what : `FAILED after ${numberText(ms)} ms`}`;
    if (this.#sink.isTerminal) this.#over("");
    else this.#sink.write(`${line}\n`);
  }

  #over(text: string): void {
    if (this.#sink.isTerminal) this.#sink.write(`\r\x1b[2K${text.slice(0, columns - 1)}`);
  }
}

/** The table of all steps, a line each, and what did not work in full below it. */
export function reportTable(steps: readonly StepReport[], isColoured: boolean): string[] {
  const paint = (code: number, text: string): string => isColoured ? `\x1b[${code}m${text}\x1b[0m` : text;
  const rows = steps.map(({ name, who, what, ok, ms }) =>
    [
      ok ? paint(32, "ok  ") : paint(31, "FAIL"),
      name.padEnd(8),
      who.padEnd(8),
      fitted(ok ? what : "see below", whatColumns),
      paint(2, `${numberText(ms).padStart(8)} ms`),
    ].join("  ")
  );
  const head = ["    ", "step    ", "who     ", "what was verified".padEnd(whatColumns), "       time"];
  const failures = steps.filter(({ ok }) => !ok).flatMap(({ name, what }) => ["", `${name}: ${what}`]);
  return [paint(1, head.join("  ").trimEnd()), ...rows, ...failures];
}

/** A whole number as people read it. */
export function numberText(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function fitted(text: string, width: number): string {
  const points = [...text];
  return (points.length > width ? [...points.slice(0, width - 1), "…"].join("") : text).padEnd(width);
}

const columns = 80;
/** What the other columns and the gaps between them leave. */
const whatColumns = 41;
