/** A peer of the demo, as the demo holds it: a process that is asked things and can be killed. */

import type { Timers } from "../base/ports.ts";
import { type DemoAnswer, type DemoCommand, type DemoCommands, textLines } from "./demo_commands.ts";
import { demoCloseMsMax, demoStderrCharsMax, demoWaitMsMax } from "./demo_limits.ts";

/** A peer could not do what it was asked. */
export class DemoPeerError extends Error {
  /** Always `DemoPeerError`. */
  override readonly name = "DemoPeerError";
  /** The peer's own code, or `timeout` or `ended`. */
  readonly code: string;

  /** Makes a failure with its code and a sentence. */
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** How a peer's process is started. */
export interface DemoProcessOptions {
  /** What people call it. */
  readonly name: string;
  /** Its own folder, and the only one that it may use. */
  readonly folder: string;
  /** Whether it can serve the admin API. */
  readonly hasAdmin: boolean;
  readonly timers: Timers;
}

interface Call {
  resolve(output: unknown): void;
  reject(error: Error): void;
}

/** One process. */
export class DemoProcess {
  /** What people call it. */
  readonly name: string;
  /** Its store. */
  readonly store: string;
  readonly #timers: Timers;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #calls = new Map<number, Call>();
  readonly #done: Promise<void>;
  #nextCall = 1;
  #complaint = "";
  #hasEnded = false;

  /** Starts a process; it opens its peer when it is asked to. */
  constructor({ name, folder, hasAdmin, timers }: DemoProcessOptions) {
    this.name = name;
    this.store = `${folder}/${name}.kv`;
    this.#timers = timers;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [...peerFlags(folder), programOf(hasAdmin)],
      env: plainText,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#done = this.#run();
  }

  /** The process's number on this machine. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Asks the peer to do something. */
  call<K extends DemoCommand>(
    command: K,
    input: DemoCommands[K]["input"],
    timeoutMs: number = demoWaitMsMax,
  ): Promise<DemoCommands[K]["output"]> {
    const id = this.#nextCall++;
    const { promise, resolve, reject } = Promise.withResolvers<DemoCommands[K]["output"]>();
    if (this.#hasEnded) return Promise.reject(this.#endedError());
    const timer = this.#timers.set(timeoutMs, () => {
      this.#calls.delete(id);
      reject(new DemoPeerError("timeout", `${this.name} did not answer '${command}' within ${timeoutMs} ms`));
    });
    this.#calls.set(id, { resolve: resolve as Call["resolve"], reject });
    const bytes = new TextEncoder().encode(`${JSON.stringify({ id, command, input })}\n`);
    // A pipe that breaks means that the process ended, and its end fails every call.
    this.#input.write(bytes).catch(() => undefined);
    return promise.finally(() => timer.cancel());
  }

  /** Kills the process at once: it gets no chance to store or say anything. */
  async kill(): Promise<void> {
    if (!this.#hasEnded) this.#child.kill("SIGKILL");
    await this.#done;
  }

  /** Lets the process end by closing its stdin; kills it if it does not. */
  async stop(): Promise<void> {
    this.#input.close().catch(() => undefined); // closed already, or broken because the process ended
    const timer = this.#timers.set(2 * demoCloseMsMax, () => {
      if (!this.#hasEnded) this.#child.kill("SIGKILL");
    });
    await this.#done;
    timer.cancel();
  }

  async #run(): Promise<void> {
    await Promise.all([this.#readAnswers(), this.#readComplaints()]);
    await this.#child.status;
    this.#hasEnded = true;
    await this.#input.abort().catch(() => undefined); // it was closed already
    for (const call of this.#calls.values()) call.reject(this.#endedError());
    this.#calls.clear();
  }

  async #readAnswers(): Promise<void> {
    for await (const line of textLines(this.#child.stdout)) {
      const answer = JSON.parse(line) as DemoAnswer;
      const call = this.#calls.get(answer.id);
      this.#calls.delete(answer.id);
      if ("output" in answer) call?.resolve(answer.output);
      else call?.reject(new DemoPeerError(answer.error.code, `${this.name}: ${answer.error.message}`));
    }
  }

  async #readComplaints(): Promise<void> {
    for await (const line of textLines(this.#child.stderr)) {
      this.#complaint = `${this.#complaint}\n${line}`.slice(-demoStderrCharsMax);
    }
  }

  #endedError(): DemoPeerError {
    return new DemoPeerError(
      "ended",
      `${this.name}'s process has ended${this.#complaint && `:${this.#complaint}`}`,
    );
  }
}

/** Loads what the peers' program needs, so that they can start together and with nothing but a cache. */
export async function preparePeers(hasAdmin: boolean): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", programOf(hasAdmin)],
    env: plainText,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) {
    throw new DemoPeerError(
      "ended",
      `Cannot load the peers' program: ${new TextDecoder().decode(stderr).trim()}`,
    );
  }
}

/** The least that a peer can do with: its own folder and loopback. */
function peerFlags(folder: string): string[] {
  return [
    "run",
    "--quiet",
    "--no-prompt",
    "--cached-only",
    "--unstable-kv",
    "--unstable-net",
    "--allow-net=127.0.0.1",
    `--allow-read=${folder}`,
    `--allow-write=${folder}`,
  ];
}

function programOf(hasAdmin: boolean): string {
  return import.meta.resolve(hasAdmin ? "./demo_peer_admin.ts" : "./demo_peer.ts");
}

/** What goes wrong is told without colours. */
const plainText = { NO_COLOR: "1" };
