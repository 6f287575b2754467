/** The demo as people start it, in processes of its own, with the permissions of its task. */

import assert from "node:assert/strict";
import { concat, utf8 } from "../../lib/base/bytes.ts";
import { demoCommand } from "../../lib/cli/demo.ts";
import { textLines } from "../../lib/cli/demo_commands.ts";
import { DemoCrew } from "../../lib/cli/demo_crew.ts";
import { splitFile } from "../../lib/cli/demo_file.ts";
import { demoFileBytesMax, demoRecordsMax } from "../../lib/cli/demo_limits.ts";
import { preparePeers } from "../../lib/cli/demo_process.ts";
import { Demo, demoSteps } from "../../lib/cli/demo_steps.ts";
import type { CliIo } from "../../lib/cli/io.ts";
import { realTimers, within } from "../contract/real_world.ts";

const program = decodeURIComponent(new URL("../../lib/cli/demo.ts", import.meta.url).pathname);

/** A folder that takes the place of the system's temporary one. */
class DemoFolder implements AsyncDisposable {
  readonly path: string;

  constructor() {
    this.path = Deno.makeTempDirSync({ prefix: "kith-demo-test-" });
  }

  file(content: Uint8Array): string {
    const path = `${this.path}/file.txt`;
    Deno.writeFileSync(path, content);
    return path;
  }

  /** Starts the demo. */
  start(args: readonly string[]): Deno.ChildProcess {
    return new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--allow-read",
        `--allow-run=${Deno.execPath()}`,
        `--allow-write=${this.path}`,
        program,
        ...args,
      ],
      env: { TMPDIR: this.path, NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  /** Where the demo's peers have their folders, while it runs. */
  stores(): string | null {
    const found = [...Deno.readDirSync(this.path)].find(({ name }) => name.startsWith("kith-demo-"));
    return found === undefined ? null : `${this.path}/${found.name}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

Deno.test("the demo verifies every step and says so in its last line", async () => {
  await using folder = new DemoFolder();
  const lines = ["first\r\n", "\n", "\n", "naïve €\n", `${"long ".repeat(12_000)}\n`, "no end"].map(utf8);
  const path = folder.file(concat(...lines, Uint8Array.of(0xff, 0x0a, 0xe2, 0x82)));
  const { code, stdout, stderr } = await within(folder.start([path, "--json"]).output(), 60_000);
  const output = new TextDecoder().decode(stdout).trim();
  assert.equal(code, 0, output + new TextDecoder().decode(stderr));
  const report = JSON.parse(output.split("\n").at(-1)!);
  assert.deepEqual(Object.keys(report), ["ok", "peers", "records", "steps"]);
  assert.equal(report.ok, true);
  assert.equal(report.peers, 5);
  assert.ok(report.records > 100);
  const names = demoSteps.map(({ name }) => name);
  assert.deepEqual(
    report.steps.map(({ name, ok }: { name: string; ok: boolean }) => [name, ok]),
    names.map((name) => [name, true]),
  );
  assert.ok(report.steps.every(({ ms }: { ms: unknown }) => Number.isInteger(ms)));
  assert.equal(folder.stores(), null, "the stores are still there");
});

Deno.test("the demo's peers end when it is killed", async () => {
  await using folder = new DemoFolder();
  const demo = folder.start([folder.file(utf8("a\nb\n")), "--json"]);
  await untilPeersRun(demo, folder);
  demo.kill("SIGKILL");
  await demo.status;
  await untilPeersEnded(folder.stores()!);
});

Deno.test("Ctrl-C ends the demo with its peers and stores", async () => {
  await using folder = new DemoFolder();
  const demo = folder.start([folder.file(utf8("a\nb\n")), "--json"]);
  await untilPeersRun(demo, folder);
  demo.kill("SIGINT");
  const { code } = await within(demo.status);
  assert.equal(code, 130);
  assert.equal(folder.stores(), null, "the stores are still there");
});

Deno.test("a step fails when one peer shows another file", async () => {
  await using folder = new DemoFolder();
  await preparePeers(false);
  const bytes = utf8("a\nb\n");
  await using crew = new DemoCrew(folder.path, false, realTimers);
  const demo = new Demo(
    crew,
    { pieces: splitFile(bytes), bytes: bytes.length, sha256: "00".repeat(32) },
    () => {},
  );
  for (const { name, run } of demoSteps.slice(0, 5)) assert.ok((await run(demo)).length > 0, name);
  await assert.rejects(demo.rebuild(), /ada rebuilt another file/);
});

Deno.test("the demo refuses what it cannot share, in one line that says why", async () => {
  await using folder = new DemoFolder();
  const refused = async (args: readonly string[]): Promise<[number, string]> => {
    const errors: string[] = [];
    const io: CliIo = {
      out: (line) => assert.fail(line),
      err: (line) => void errors.push(line),
      readInput: () => Promise.resolve(new Uint8Array()),
      signal: new AbortController().signal,
    };
    const code = await demoCommand(args, io);
    assert.equal(errors.length, 1);
    return [code, errors[0]!];
  };
  const path = folder.file(utf8("\n".repeat(demoRecordsMax + 1)));
  assert.deepEqual(await refused([path]), [
    1,
    `error: Cannot share ${path}: it has 100,001 lines, and the demo takes 100,000`,
  ]);
  await Deno.truncate(path, demoFileBytesMax + 1);
  assert.deepEqual(await refused([path]), [
    1,
    `error: Cannot share ${path}: it has 20,000,001 bytes, and the demo takes 20,000,000`,
  ]);
  assert.deepEqual(await refused([`${path}.not`]), [
    1,
    `error: Cannot share ${path}.not: there is no such file`,
  ]);
  assert.deepEqual(await refused([folder.path]), [1, `error: Cannot share ${folder.path}: it is no file`]);
  assert.equal((await refused(["--wrong"]))[0], 2);
  assert.equal((await refused(["one", "two"]))[0], 2);
});

/** Waits until the demo says that the five have begun; its outputs are read to their end. */
async function untilPeersRun(demo: Deno.ChildProcess, folder: DemoFolder): Promise<void> {
  const started = Promise.withResolvers<void>();
  const read = async (): Promise<void> => {
    for await (const line of textLines(demo.stderr)) if (line.startsWith("[ 1/12]")) started.resolve();
  };
  void read();
  void demo.stdout.pipeTo(new WritableStream());
  await within(started.promise);
  assert.ok(folder.stores() !== null);
}

/** A process that ends frees the lock of its store. */
async function untilPeersEnded(stores: string): Promise<void> {
  const names = ["ada", "ben", "cleo", "dan", "eve"];
  await within(Promise.all(names.map(async (name) => {
    using lock = await Deno.open(`${stores}/${name}/${name}.kv.lock`, { write: true });
    await lock.lock(true);
  })));
}
