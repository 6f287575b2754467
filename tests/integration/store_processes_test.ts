import assert from "node:assert/strict";
import { lockStore } from "../../lib/platform/files.ts";
import { VirtualClock } from "../../lib/sim/virtual_clock.ts";
import { storeCommitMsMax } from "../../lib/storage/limits.ts";
import { KvStore } from "../../lib/storage/kv_store.ts";
import { within } from "../contract/real_world.ts";
import { checkNumbered } from "./store_changes.ts";

/** Virtual time stands still unless a test moves it: a slow machine trips no deadline. */
const options = { timers: new VirtualClock() };

async function inFolder(work: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(`${folder}/x.kv`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A second process, and what it prints line by line. */
class Child {
  readonly #process: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(mode: string, path: string) {
    const script = new URL("store_child.ts", import.meta.url).pathname;
    const args = ["run", "-A", "--no-check", "--unstable-kv", script, mode, path];
    const command = new Deno.Command(Deno.execPath(), {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    });
    this.#process = command.spawn();
    this.#lines = lines(this.#process.stdout);
  }

  async line(): Promise<string | null> {
    const { done, value } = await within(this.#lines.next(), 60_000);
    return done ? null : value;
  }

  /** Lets it end by itself. */
  async finish(): Promise<void> {
    await this.#process.stdin.close();
  }

  /** Kills it outright and returns what it still had printed. */
  async kill(): Promise<string[]> {
    this.#process.kill("SIGKILL");
    const rest: string[] = [];
    for (let line = await this.line(); line !== null; line = await this.line()) rest.push(line);
    await this.#process.status;
    await this.#process.stdin.close().catch(() => {
      // the pipe broke with the process
    });
    return rest;
  }

  async ended(): Promise<void> {
    assert.equal(await this.line(), null);
    await this.#process.status;
  }
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
}

Deno.test("[T69] a second process is refused while the first lives, and a kill frees the store", () =>
  inFolder(async (path) => {
    const child = new Child("lock", path);
    assert.equal(await child.line(), "ready");
    await assert.rejects(lockStore(path), { code: "store_in_use", message: /another process has it open/ });
    await child.kill();
    (await lockStore(path)).release();
  }));

Deno.test("[R26] kill -9 while writing: what was acknowledged is there, nothing is torn", () =>
  inFolder(async (path) => {
    for (let round = 0; round < 4; round++) {
      await Deno.remove(path).catch(() => {
        // the first round
      });
      const child = new Child("write", path);
      let acknowledged = -1;
      for (let i = 0; i < 5 + 7 * round; i++) acknowledged = Number(await child.line());
      acknowledged = Number((await child.kill()).at(-1) ?? acknowledged);
      const store = await KvStore.open(path, options);
      const last = await checkNumbered(store);
      assert.ok(
        last === acknowledged || last === acknowledged + 1,
        `${last} after ${acknowledged} was acknowledged`,
      );
      await store.close();
    }
  }));

Deno.test("[T85] a foreign lock fails calls at their deadline and passes", () =>
  inFolder(async (path) => {
    const clock = new VirtualClock();
    const store = await KvStore.open(path, { timers: clock });
    const sets = (name: string) => ({ sets: [{ key: [name], value: Uint8Array.of(1) }] });
    await store.commit(sets("before"));
    const child = new Child("sqlite", path);
    assert.equal(await child.line(), "ready");
    const held = store.commit(sets("held"));
    const queued = store.commit(sets("queued"));
    const late = { message: /no answer within 30000 ms.*another process/ };
    const refusals = Promise.all([
      assert.rejects(held, { ...late, code: "timeout" }), // it may come to count yet
      assert.rejects(queued, { ...late, code: "store_failed" }), // its turn never came
    ]);
    await clock.run(storeCommitMsMax);
    await refusals;
    await child.finish();
    assert.equal(await child.line(), "released");
    await child.ended();
    await within(store.commit(sets("after")), 60_000);
    assert.equal(await store.read(["queued"]), null);
    assert.deepEqual(await store.read(["after"]), Uint8Array.of(1));
    await store.close();
  }));
