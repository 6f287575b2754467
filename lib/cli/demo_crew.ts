/** The peers of the demo, by name. */

import type { Timers } from "../base/ports.ts";
import type { DemoCommand, DemoCommands, DemoPeerInfo } from "./demo_commands.ts";
import { DemoProcess } from "./demo_process.ts";

/** The five. */
export const peerNames = ["ada", "ben", "cleo", "dan", "eve"] as const;

/** A name of a peer of the demo; `mallory` is the one without an invitation. */
export type PeerName = typeof peerNames[number] | "mallory";

/** One peer, over all its processes. */
export class DemoPeerHandle {
  readonly name: PeerName;
  #process: DemoProcess;
  #info: DemoPeerInfo | null = null;

  /** A peer in a process. */
  constructor(name: PeerName, process: DemoProcess) {
    this.name = name;
    this.#process = process;
  }

  /** Its process now. */
  get process(): DemoProcess {
    return this.#process;
  }

  /** Gives it another process. */
  moveTo(process: DemoProcess): void {
    this.#process = process;
  }

  /** Opens its peer on its store. */
  async open(bootstraps: readonly string[]): Promise<DemoPeerInfo> {
    const { store } = this.#process;
    return this.#info = await this.call("open", { store, bootstraps });
  }

  /** What it told when it was opened last. */
  get info(): DemoPeerInfo {
    if (this.#info === null) throw new Error(`${this.name} is not open yet`);
    return this.#info;
  }

  /** Its peer id. */
  get id(): string {
    return this.info.id;
  }

  /** Asks it to do something. */
  call<K extends DemoCommand>(
    command: K,
    input: DemoCommands[K]["input"],
    timeoutMs?: number,
  ): Promise<DemoCommands[K]["output"]> {
    return this.#process.call(command, input, timeoutMs);
  }
}

/** All peers. Leaving the `await using` block ends every process. */
export class DemoCrew implements AsyncDisposable {
  readonly #folder: string;
  readonly #hasAdmin: boolean;
  readonly #timers: Timers;
  readonly #peers = new Map<PeerName, DemoPeerHandle>();

  /** A crew with a folder for all its stores. */
  constructor(folder: string, hasAdmin: boolean, timers: Timers) {
    this.#folder = folder;
    this.#hasAdmin = hasAdmin;
    this.#timers = timers;
  }

  /** Starts the process of a peer, with a folder of its own. */
  spawn(name: PeerName): DemoPeerHandle {
    const peer = new DemoPeerHandle(name, this.#start(name));
    this.#peers.set(name, peer);
    return peer;
  }

  /** Starts a new process for a peer whose old one has ended. */
  respawn(peer: DemoPeerHandle): DemoPeerHandle {
    peer.moveTo(this.#start(peer.name));
    return peer;
  }

  get ada(): DemoPeerHandle {
    return this.#peer("ada");
  }

  get ben(): DemoPeerHandle {
    return this.#peer("ben");
  }

  get cleo(): DemoPeerHandle {
    return this.#peer("cleo");
  }

  get dan(): DemoPeerHandle {
    return this.#peer("dan");
  }

  get eve(): DemoPeerHandle {
    return this.#peer("eve");
  }

  /** All five. */
  get five(): DemoPeerHandle[] {
    return peerNames.map((name) => this.#peer(name));
  }

  /** All five but the first. */
  get others(): DemoPeerHandle[] {
    return this.five.slice(1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#peers.values()].map((peer) => peer.process.stop()));
  }

  #start(name: PeerName): DemoProcess {
    const folder = `${this.#folder}/${name}`;
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    return new DemoProcess({ name, folder, hasAdmin: this.#hasAdmin, timers: this.#timers });
  }

  #peer(name: PeerName): DemoPeerHandle {
    const peer = this.#peers.get(name);
    if (peer === undefined) throw new Error(`${name} was not started`);
    return peer;
  }
}
