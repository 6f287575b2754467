/**
 * Processes killed at random moments: a writer while it writes, a receiver while it receives, the founder
 * while somebody joins. What was acknowledged is in the store, read without any link; nothing is torn;
 * and all peers come to the same records again.
 */

import assert from "node:assert/strict";
import { PeerError } from "../../lib/base/errors.ts";
import type { Streams } from "../../lib/base/ports.ts";
import { below, SeededRandom } from "../../lib/base/random.ts";
import type { DemoDigest, DemoPeerInfo } from "../../lib/cli/demo_commands.ts";
import { DemoProcess, preparePeers } from "../../lib/cli/demo_process.ts";
import { createPorts, openStore } from "../../lib/peer/defaults.ts";
import { Peer } from "../../lib/peer/peer.ts";
import { createRandom } from "../../lib/platform/random.ts";
import { createTimers } from "../../lib/platform/timers.ts";
import { realTimers } from "../contract/real_world.ts";

/** A peer over all its processes, and what it acknowledged. */
class Victim {
  readonly name: string;
  readonly acknowledged: string[] = [];
  process: DemoProcess;
  info: DemoPeerInfo | null = null;
  readonly #folder: string;
  /** Lines written by all, so that equal files mean equal records. */
  static #lines = 0;

  constructor(root: string, name: string) {
    this.name = name;
    this.#folder = `${root}/${name}`;
    Deno.mkdirSync(this.#folder);
    this.process = this.#spawn();
  }

  async open(): Promise<void> {
    this.info = await this.process.call("open", { store: this.process.store, bootstraps: [] });
  }

  async reopen(): Promise<void> {
    this.process = this.#spawn();
    await this.open();
  }

  /** Writes records one by one, many at once; each acknowledgement counts as soon as it is read. */
  async write(count: number, onAcknowledged: () => void): Promise<void> {
    const writes = Array.from({ length: count }, async () => {
      const line = ++Victim.#lines;
      const record = { type: "line", value: valueOf(line), attributes: { line } };
      const { ids } = await this.process.call("add", { records: [record] });
      this.acknowledged.push(ids[0]!);
      onAcknowledged();
    });
    for (const outcome of await Promise.allSettled(writes)) {
      if (outcome.status === "rejected") assert.equal(outcome.reason.code, "ended", outcome.reason);
    }
  }

  #spawn(): DemoProcess {
    return new DemoProcess({
      name: this.name,
      folder: this.#folder,
      hasAdmin: false,
      timers: createTimers(),
    });
  }
}

/** Three peers of one group, and whoever joins. */
class KillWorld {
  readonly random: SeededRandom;
  readonly victims: Victim[];
  joiners = 0;
  readonly #root: string;
  #invitation = "";

  constructor(root: string, seed: number) {
    this.#root = root;
    this.random = new SeededRandom(seed);
    this.victims = ["ada", "ben", "cleo"].map((name) => new Victim(root, name));
  }

  async begin(): Promise<void> {
    await Promise.all(this.victims.map((victim) => victim.open()));
    const [ada, ...others] = this.victims;
    await ada!.process.call("create", { name: "Kill" });
    this.#invitation = (await ada!.process.call("invite", { uses: 100 })).invitation;
    const input = { invitation: this.#invitation, endpoints: [] };
    await Promise.all(others.map(({ process }) => process.call("join", input)));
    await this.#equalAgain();
  }

  /** Kills a peer that writes. */
  async killWriter(): Promise<void> {
    const victim = this.victims[below(this.random, this.victims.length)]!;
    await this.#writeAndKill(victim, victim);
  }

  /** Kills a peer that receives. */
  async killReceiver(): Promise<void> {
    const at = below(this.random, this.victims.length);
    const victim = this.victims[(at + 1) % this.victims.length]!;
    await this.#writeAndKill(this.victims[at]!, victim);
  }

  /** Kills the founder while somebody joins; another member lets it in if the founder cannot. */
  async killFounder(): Promise<void> {
    const [ada, ben] = this.victims as [Victim, Victim];
    const joiner = new Victim(this.#root, `joiner${++this.joiners}`);
    await joiner.open();
    const input = { invitation: this.#invitation, endpoints: [ada.info!.endpoint, ben.info!.endpoint] };
    const joined = joiner.process.call("join", input);
    await pause(below(this.random, joinMs));
    await ada.process.kill();
    await this.#reopen(ada);
    await joined;
    const { sha256 } = await ben.process.call("digest", { type: "line" });
    const members = (await this.#equalAgain()).map(({ members }) => members);
    for (const list of members) {
      assert.ok(list.includes(joiner.info!.id), "a member does not know the joiner");
    }
    // What its join gave it is all that was there.
    await joiner.process.call("awaitCount", { type: "line", count: this.#count });
    assert.equal((await joiner.process.call("digest", { type: "line" })).sha256, sha256);
    await joiner.process.stop();
  }

  async end(): Promise<void> {
    await Promise.all(this.victims.map(({ process }) => process.stop()));
  }

  async #writeAndKill(writer: Victim, victim: Victim): Promise<void> {
    const reached = Promise.withResolvers<void>();
    let left = below(this.random, recordsPerRound);
    const jitterMs = below(this.random, killJitterMs);
    const writing = writer.write(recordsPerRound, () => {
      if (left-- === 0) reached.resolve();
    });
    await Promise.race([reached.promise, writing]);
    assert.ok(left < 0, `${writer.name} ended by itself`);
    await pause(jitterMs);
    await victim.process.kill();
    await writing;
    await this.#reopen(victim);
    await this.#equalAgain();
  }

  /** First what the store holds by itself, then a new process on it. */
  async #reopen(victim: Victim): Promise<void> {
    const stored = await readAlone(victim.process.store);
    const missing = victim.acknowledged.filter((id) => !stored.has(id));
    assert.deepEqual(missing, [], `${victim.name} lost acknowledged records`);
    await victim.reopen();
  }

  get #count(): number {
    return this.#digest?.records ?? 0;
  }

  #digest: DemoDigest | null = null;

  /** Waits until all peers show the same records, every acknowledged one among them. */
  async #equalAgain(): Promise<{ readonly members: readonly string[] }[]> {
    const processes = this.victims.map(({ process }) => process);
    for (;;) {
      const digests = await Promise.all(processes.map((process) => process.call("digest", { type: "line" })));
      this.#digest = digests[0]!;
      if (new Set(digests.map(({ sha256 }) => sha256)).size === 1) break;
      // Each of two may lack what the other has: then all come to have more than they have now.
      const counts = new Set(digests.map(({ records }) => records));
      const count = Math.max(...counts) + (counts.size === 1 ? 1 : 0);
      await Promise.all(processes.map((process) => process.call("awaitCount", { type: "line", count })));
    }
    const ids = this.victims.flatMap(({ acknowledged }) => acknowledged);
    for (const process of processes) {
      const readable = await process.call("readable", { type: "line", ids });
      assert.deepEqual(readable.ids, ids, `${process.name} does not show every acknowledged record`);
    }
    const count = this.victims.length + this.joiners;
    return await Promise.all(processes.map((process) => process.call("awaitMembers", { count })));
  }
}

/** The ids of the records in a store, read with no way to any other peer. */
async function readAlone(store: string): Promise<Set<string>> {
  const ports = { ...createPorts(undefined), streams: noStreams };
  const opened = await openStore(store, undefined, ports.timers, ports.log);
  for await (const { key } of opened.store.list(["quarantine"])) {
    assert.fail(`A torn entry: ${key.join(" ")}`);
  }
  await using peer = await Peer.openIn({ ports, opened }, { listen: false });
  const [group] = peer.groups.list();
  return new Set((await group!.records.list()).map(({ id, value, attributes }) => {
    assert.equal(value, valueOf(Number(attributes.line)), "a record differs from what was written");
    return id;
  }));
}

const noStreams: Streams = {
  listen: () => Promise.reject(new PeerError("permission_denied", "This peer listens nowhere")),
  connect: () => Promise.reject(new PeerError("connect_failed", "This peer reaches nobody")),
};

/** Of very different lengths, so that kills fall into large writes as well. */
function valueOf(line: number): string {
  return `record ${line} `.repeat(line % 10 === 0 ? 1_000 : 4);
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => void realTimers.set(delayMs, resolve));
}

const recordsPerRound = 40;
const killJitterMs = 30;
/** About as long as a join takes. */
const joinMs = 250;

const rounds: readonly (readonly [count: number, what: string, kill: (world: KillWorld) => Promise<void>])[] =
  [
    [12, "the writer", (world) => world.killWriter()],
    [8, "a receiver", (world) => world.killReceiver()],
    [5, "the founder, while somebody joins", (world) => world.killFounder()],
  ];

Deno.test("[R26] [F1] (I1) (I2) a process killed at any of 25 random moments loses no acknowledged record", async (t) => {
  const seed = createRandom().uint32();
  await preparePeers(false);
  const root = await Deno.makeTempDir({ prefix: "kith-kill-" });
  const world = new KillWorld(root, seed);
  try {
    await world.begin();
    for (const [count, what, kill] of rounds) {
      await t.step(`killing ${what}, ${count} times (seed ${seed})`, async () => {
        for (let round = 0; round < count; round++) await kill(world);
      });
    }
  } finally {
    await world.end();
    await Deno.remove(root, { recursive: true });
  }
});
