/**
 * The demo: five peers, each a process of its own, share a text file on this machine. One is killed and
 * comes back, one is removed, a stranger is refused, and every step is verified at every peer.
 *
 * ```text
 * deno task demo [FILE] [--json] [--keep]
 * ```
 *
 * @module
 */

import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { messageOf } from "../base/errors.ts";
import { createClock } from "../platform/clock.ts";
import { createRandom } from "../platform/random.ts";
import { createTimers } from "../platform/timers.ts";
import { DemoCrew, peerNames } from "./demo_crew.ts";
import { splitFile } from "./demo_file.ts";
import { demoFileBytesMax, demoRecordsMax } from "./demo_limits.ts";
import { preparePeers } from "./demo_process.ts";
import { numberText, Progress, reportTable, type StepReport } from "./demo_report.ts";
import { Demo, type DemoFile, demoSteps } from "./demo_steps.ts";
import { type CliIo, openTerminal, stopped } from "./io.ts";
import { jsonLine, plainText } from "./output.ts";

/** What the command line asks for. */
interface DemoRequest {
  readonly path: string;
  readonly isJson: boolean;
  readonly keeps: boolean;
}

/** Runs the demo. Returns the exit code: 0 if every step was verified. */
export async function demoCommand(args: readonly string[], io: CliIo): Promise<number> {
  let request: DemoRequest;
  try {
    request = parseRequest(args);
  } catch (error) {
    io.err(`error: ${plainText(messageOf(error))}`);
    return 2;
  }
  try {
    return await runDemo(request, io);
  } catch (error) {
    const reason = messageOf(error).replaceAll(/\s*\n\s*/g, " ");
    if (request.isJson) {
      io.out(jsonLine({ ok: false, peers: peerNames.length, records: 0, steps: [], error: reason }));
    } else io.err(`error: ${plainText(reason)}`);
    return 1;
  }
}

function parseRequest(args: readonly string[]): DemoRequest {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: { json: { type: "boolean" }, keep: { type: "boolean" } },
    allowPositionals: true,
  });
  if (positionals.length > 1) {
    throw new TypeError("The demo shares one file: deno task demo [FILE] [--json] [--keep]");
  }
  return {
    path: positionals[0] ?? decodeURIComponent(new URL("../../docs/PROTOCOL.md", import.meta.url).pathname),
    isJson: values.json ?? false,
    keeps: values.keep ?? false,
  };
}

async function runDemo({ path, isJson, keeps }: DemoRequest, io: CliIo): Promise<number> {
  const file = await readDemoFile(path);
  await preparePeers(keeps);
  const folder = await Deno.makeTempDir({ prefix: "kith-demo-" });
  try {
    await using crew = new DemoCrew(folder, keeps, createTimers());
    const run = new DemoRun(crew, file, Deno.stderr.isTerminal());
    if (!isJson) io.out(plainText(titleOf(path, file)));
    await Promise.race([run.all(), stopped(io.signal)]);
    if (io.signal.aborted) return 130;
    const admins = keeps && run.isOk ? await serveAdmins(crew) : [];
    report(run, admins, isJson, io);
    if (admins.length > 0) await stopped(io.signal);
    return run.isOk ? 0 : 1;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** One run of all steps. */
class DemoRun {
  readonly reports: StepReport[] = [];
  readonly #crew: DemoCrew;
  readonly #demo: Demo;
  readonly #progress: Progress;
  readonly #clock = createClock();
  #beganMs = 0;

  constructor(crew: DemoCrew, file: DemoFile, isTerminal: boolean) {
    this.#crew = crew;
    const encoder = new TextEncoder();
    this.#progress = new Progress({
      isTerminal,
      write: (text) => void Deno.stderr.writeSync(encoder.encode(text)),
    });
    this.#demo = new Demo(crew, file, (done, of) => {
      const seconds = (this.#clock.now().monoMs - this.#beganMs) / 1000;
      this.#progress.advance(done, of, of > 100 && seconds > 0 ? done / seconds : null);
    });
  }

  /** Runs the steps until one cannot be verified. */
  async all(): Promise<void> {
    for (const [i, step] of demoSteps.entries()) {
      this.#progress.begin(i + 1, demoSteps.length, step.name);
      this.#beganMs = this.#clock.now().monoMs;
      const outcome = await step.run(this.#demo).then(
        (what) => ({ ok: true, what }),
        (error) => ({ ok: false, what: messageOf(error) }),
      );
      const ms = Math.round(this.#clock.now().monoMs - this.#beganMs);
      const stepReport = { name: step.name, who: step.who, ms, ...outcome };
      this.reports.push(stepReport);
      this.#progress.end(stepReport);
      if (!outcome.ok) return;
    }
  }

  get isOk(): boolean {
    return this.reports.length === demoSteps.length && this.reports.every(({ ok }) => ok);
  }

  /** Records written and acknowledged. */
  get records(): number {
    return this.#demo.written;
  }
}

/** Where a running peer answers its operator. */
interface AdminAddress {
  readonly name: string;
  readonly url: string;
  readonly token: string;
}

async function serveAdmins(crew: DemoCrew): Promise<AdminAddress[]> {
  const random = createRandom();
  return await Promise.all(crew.five.map(async (peer) => {
    const token = random.bytes(32).toBase64({ alphabet: "base64url", omitPadding: true });
    const { url } = await peer.call("admin", { token });
    return { name: peer.name, url, token };
  }));
}

function report(run: DemoRun, admins: readonly AdminAddress[], isJson: boolean, io: CliIo): void {
  const { isOk, records, reports } = run;
  if (isJson) {
    const steps = reports.map(({ name, ok, ms, what }) => ({ name, ok, ms, ...(ok ? {} : { error: what }) }));
    const admin = admins.length === 0 ? {} : { admin: admins };
    return io.out(jsonLine({ ok: isOk, peers: peerNames.length, records, steps, ...admin }));
  }
  const totalMs = reports.reduce((sum, { ms }) => sum + ms, 0);
  io.out("");
  for (const line of reportTable(reports, Deno.stdout.isTerminal() && !Deno.noColor)) io.out(line);
  io.out("");
  const verdict = isOk
    ? "Every step was verified"
    : `Stopped: only ${reports.length - 1} of ${demoSteps.length} steps were verified`;
  io.out(`${verdict}; ${numberText(records)} records, ${numberText(totalMs)} ms.`);
  if (admins.length > 0) { for (const line of adminLines(admins)) io.out(line); }
}

function adminLines(admins: readonly AdminAddress[]): string[] {
  const [first] = admins;
  return [
    "",
    "All five go on until Ctrl-C. Their admin APIs:",
    ...admins.map(({ name, url, token }) => `  ${name.padEnd(5)} ${url}  token ${token}`),
    "",
    "Try:",
    `  curl -H "Authorization: Bearer ${first!.token}" \\\n    ${first!.url}/v1/status`,
  ];
}

async function readDemoFile(path: string): Promise<DemoFile> {
  const bytes = await readWithin(path);
  const pieces = splitFile(bytes);
  if (pieces.length > demoRecordsMax) {
    throw new RangeError(
      `Cannot share ${path}: it has ${numberText(pieces.length)} lines, and the demo takes ${
        numberText(demoRecordsMax)
      }`,
    );
  }
  return { pieces, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

async function readWithin(path: string): Promise<Uint8Array> {
  try {
    const { isFile, size } = await Deno.stat(path);
    if (!isFile) throw new RangeError("it is no file");
    if (size > demoFileBytesMax) {
      throw new RangeError(
        `it has ${numberText(size)} bytes, and the demo takes ${numberText(demoFileBytesMax)}`,
      );
    }
    return await Deno.readFile(path);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound ? "there is no such file" : messageOf(error);
    throw new RangeError(`Cannot share ${path}: ${reason}`, { cause: error });
  }
}

function titleOf(path: string, { bytes, pieces }: DemoFile): string {
  const name = path.split("/").at(-1)!;
  const shown = name.length > 30 ? `${name.slice(0, 29)}…` : name;
  return `Five peers share ${shown}: ${numberText(bytes)} bytes, ${numberText(pieces.length)} records`;
}

if (import.meta.main) {
  const terminal = openTerminal();
  const code = await demoCommand(Deno.args, terminal);
  terminal[Symbol.dispose]();
  Deno.exit(code);
}
