/**
 * First contact with what can be wrong: programs of their own, started with other flags, on other
 * disks, beside other programs. Each failure is one line with a code that names the remedy; nothing
 * prompts, nothing is left unhandled.
 */

import assert from "node:assert/strict";
import { within } from "../contract/real_world.ts";

const root = new URL("../../", import.meta.url);
const kv: readonly string[] = ["--unstable-kv"];
const loopback: readonly string[] = ["--allow-net=127.0.0.1"];

/** A program that opens a peer with the options it is given and tells of it, or of the failure. */
const openProgram = program(`
  await using peer = await Peer.open(JSON.parse(Deno.args[0]));
  const group = await peer.groups.create("Team");
  await group.records.add("note", "x");
  console.log(JSON.stringify(peer.status()));
`);

Deno.test("[X14] a peer opens with no permission and no flag at all, and says what it cannot do", async () => {
  const { code, out, err } = await runProgram(openProgram, [], {});
  assert.deepEqual([code, err], [0, ""]);
  const status = JSON.parse(out);
  assert.deepEqual([status.endpoints, status.clouds, status.store], [[], [], "memory"]);
  assert.equal(status.problems.length, 1);
  assert.match(status.problems[0], /accepts no links.*start it with --allow-net=127\.0\.0\.1/);
});

Deno.test("with --allow-net=127.0.0.1 alone everything on loopback is open, with or without --unstable-net", async () => {
  for (const flags of [loopback, [...loopback, "--unstable-net"]]) {
    const { code, out, err } = await runProgram(openProgram, flags, {});
    assert.deepEqual([code, err], [0, ""]);
    const status = JSON.parse(out);
    assert.match(status.endpoints.join(), /^tcp:\/\/127\.0\.0\.1:\d+$/);
    assert.match(status.nameEndpoints.join(), /^udp:\/\/127\.0\.0\.1:\d+$/);
    assert.deepEqual(status.problems, []);
  }
});

Deno.test("the program of the readme works as two processes on loopback, without unstable flags", async () => {
  const host = start(
    program(`
      await using alice = await Peer.open();
      const group = await alice.groups.create("Field notes");
      const invitation = await group.invite();
      const registration = await alice.names.register("0.field-notes", { payload: invitation });
      await group.records.add("note", "heron at the north pond");
      console.log(JSON.stringify(alice.status().nameEndpoints[0]));
      for await (const event of group.records.watch("answer")) {
        console.log(JSON.stringify(event.record.value));
        break;
      }
      await registration.unregister();
    `),
    loopback,
    [],
  );
  try {
    const endpoint = JSON.parse((await within(host.lines.next())).value ?? "null");
    const guest = await runProgram(
      program(`
        const { bootstrap } = JSON.parse(Deno.args[0]);
        await using bob = await Peer.open({ bootstraps: [bootstrap] });
        await bob.names.bootstrap([bootstrap]);
        const [found] = await bob.names.resolve("0.field-notes");
        const notes = (await bob.groups.join(found.payload)).records;
        for await (const { record } of notes.watch("note")) {
          console.log(record.value);
          break;
        }
        await notes.add("answer", "seen");
      `),
      loopback,
      { bootstrap: endpoint },
    );
    assert.deepEqual([guest.code, guest.out, guest.err], [0, "heron at the north pond\n", ""]);
    assert.equal((await within(host.lines.next())).value, '"seen"');
    assert.equal((await within(host.child.status)).code, 0);
    assert.equal(await within(host.err), "");
  } finally {
    await host.end();
  }
});

Deno.test("an endpoint that no permission covers is named with its flag, at once", async () => {
  const body = (call: string) => `
    await using alice = await Peer.open({ listen: false });
    const group = await alice.groups.create("Team");
    const invitation = await group.invite();
    await using bob = await Peer.open();
    ${call}
  `;
  const calls = [
    `await group.connect("10.9.8.7:4000");`,
    `await bob.groups.join(invitation, { endpoints: ["10.9.8.7:4000"] });`,
    `await bob.graphs.open("a".repeat(52), { endpoints: ["10.9.8.7:4000"] });`,
  ];
  for (const call of calls) {
    const result = await runProgram(program(body(call)), loopback, {});
    assertFailure(result, "permission_denied", /--allow-net=10\.9\.8\.7:4000/);
  }
});

Deno.test("a listening address without permission names the flag", async () => {
  const result = await runProgram(openProgram, [], { listen: "127.0.0.1:4321" });
  assertFailure(result, "permission_denied", /--allow-net=127\.0\.0\.1:4321/);
});

Deno.test("[G04] a port in use names another way, over TCP and over UDP", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  try {
    const result = await runProgram(openProgram, loopback, { listen: `127.0.0.1:${port}` });
    assertFailure(result, "port_in_use", new RegExp(`127\\.0\\.0\\.1:${port}.*Choose another port, or 0`));
  } finally {
    listener.close();
  }
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  try {
    const listen = `127.0.0.1:${(socket.addr as Deno.NetAddr).port}`;
    const result = await runProgram(openProgram, loopback, { listen });
    assertFailure(result, "port_in_use", /Choose another port, or 0/);
  } finally {
    socket.close();
  }
});

Deno.test("an address that is not this machine's, or none, says so", async () => {
  const net = ["--allow-net"];
  assertFailure(
    await runProgram(openProgram, net, { listen: "192.0.2.1:0" }),
    "invalid_address",
    /address of this/,
  );
  assertFailure(
    await runProgram(openProgram, net, { listen: "localhost:1" }),
    "invalid_address",
    /write it like/,
  );
});

Deno.test("a store without --unstable-kv, or without permission, names flag and files", () =>
  inFolder(async (folder) => {
    const store = `${folder}/x.kv`;
    const files = [`--allow-read=${folder}`, `--allow-write=${folder}`];
    assertFailure(await runProgram(openProgram, files, { store }), "flag_missing", /--unstable-kv/);
    const denied = await runProgram(openProgram, kv, { store });
    assertFailure(denied, "permission_denied", new RegExp(`--allow-read=${store},.*--allow-write=${store},`));
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), [], "no file is left by what cannot be");
  }));

Deno.test("a folder that is missing, or belongs to somebody else, says what to do", () =>
  inFolder(async (folder) => {
    const missing = await openStoreIn(folder, { store: `${folder}/none/x.kv` });
    assertFailure(missing, "store_failed", /create the folder first/);
    await Deno.mkdir(`${folder}/folder.kv`);
    const isFolder = await openStoreIn(folder, { store: `${folder}/folder.kv` });
    assertFailure(isFolder, "store_failed", /check the folder and the disk/);
  }));

Deno.test("a store that is no store is left as it is, with a way out", () =>
  inFolder(async (folder) => {
    const store = `${folder}/x.kv`;
    await Deno.writeTextFile(store, "this is a letter to my aunt\n".repeat(500));
    const result = await openStoreIn(folder, { store });
    assertFailure(result, "store_damaged", /give another path, or move the file away/);
    assert.match(await Deno.readTextFile(store), /^this is a letter/);
  }));

Deno.test("a store in use says so, and is free after a kill", () =>
  inFolder(async (folder) => {
    const store = `${folder}/x.kv`;
    const holder = start(
      program(`
        await Peer.open({ store: Deno.args[0] });
        console.log("open");
        setInterval(() => {}, 1_000);
      `),
      storeFlags(folder),
      [store],
    );
    try {
      assert.equal((await within(holder.lines.next())).value, "open");
      const second = await openStoreIn(folder, { store });
      assertFailure(second, "store_in_use", /another process has it open\. End that process/);
    } finally {
      await holder.end("SIGKILL");
    }
    assert.equal((await openStoreIn(folder, { store })).code, 0);
  }));

Deno.test("keys that others may read, that are sealed, or that are damaged, are refused by name", () =>
  inFolder(async (folder) => {
    const store = `${folder}/x.kv`;
    assert.equal((await openStoreIn(folder, { store })).code, 0);
    await Deno.chmod(`${store}.key`, 0o644);
    const readable = await openStoreIn(folder, { store });
    assertFailure(readable, "keys_readable", new RegExp(`Run "chmod 600 ${store}\\.key"`));
    await Deno.chmod(`${store}.key`, 0o600);
    assert.equal((await openStoreIn(folder, { store, passphrase: "right" })).code, 0);
    assertFailure(await openStoreIn(folder, { store }), "bad_passphrase", /give the passphrase/);
    const wrong = await openStoreIn(folder, { store, passphrase: "wrong" });
    assertFailure(wrong, "bad_passphrase", /not the one they were sealed with/);
    const identity = await openStoreIn(folder, { store, passphrase: "right", identity: "work" });
    assertFailure(identity, "identity_not_found", /this store holds "default"; use one of them/);
    await Deno.writeTextFile(`${store}.key`, "garbage");
    assertFailure(await openStoreIn(folder, { store }), "keys_damaged", /restore it from a backup/);
  }));

Deno.test("a full disk says so, in opening and in writing", async (test) => {
  const folder = await Deno.makeTempDir();
  try {
    const isMounted = await run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder);
    await test.step({
      name: "on a disk of 4 MiB",
      ignore: !isMounted, // where mounting is not allowed
      fn: async () => {
        const filling = await runProgram(
          program(`
            const { store } = JSON.parse(Deno.args[0]);
            await using peer = await Peer.open({ store, listen: false });
            const { records } = await peer.graphs.create();
            try {
              for (let i = 0; i < 1_000; i++) await records.add("note", new Uint8Array(40_000));
            } finally {
              console.log(peer.status().problems.join());
            }
          `),
          storeFlags(folder),
          { store: `${folder}/x.kv` },
        );
        assertFailure(filling, "store_full", /free some space/);
        assert.match(filling.out, /The store took nothing when it was asked last: .*free some space/);
        await Deno.writeFile(`${folder}/filler`, new Uint8Array(4_000_000)).catch(() => "as full as it gets");
        const opening = await openStoreIn(folder, { store: `${folder}/y.kv` });
        assertFailure(opening, "store_full", /free some space/);
      },
    });
    if (isMounted) assert.ok(await run("umount", folder));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("whatever fails is told to its caller: nothing is left to a global handler", () =>
  inFolder(async (folder) => {
    const result = await runProgram(
      program(`
        const unhandled = [];
        globalThis.addEventListener("unhandledrejection", (event) => {
          event.preventDefault();
          unhandled.push(String(event.reason));
        });
        const { store } = JSON.parse(Deno.args[0]);
        const outcomes = [];
        const code = (error) => void outcomes.push(error.code ?? String(error));
        const alice = await Peer.open({ store });
        const bob = await Peer.open();
        const group = await alice.groups.create("Team");
        const invitation = await group.invite();
        const theirs = await bob.groups.join(invitation);
        const other = await bob.graphs.create();
        const waits = [
          Peer.open({ store }),
          Peer.open({ bootstraps: ["nowhere"] }),
          bob.groups.join("nonsense"),
          other.connect("127.0.0.1:1"),
          other.connect(alice.status().endpoints[0]),
          bob.graphs.open("a".repeat(52), { endpoints: ["127.0.0.1:1"] }),
          theirs.invite(),
          bob.names.resolve("0.nobody"),
          bob.names.bootstrap(["127.0.0.1:9"], { timeoutMs: 50 }),
          alice.names.register("no name"),
          group.records.update("none", 1),
          group.records.add("note", 1, { signal: AbortSignal.abort() }),
        ].map((wait) => wait.then(() => outcomes.push("done"), code));
        void group.events();
        void group.records.watch();
        await Promise.all(waits);
        const late = [group.records.add("note", 2), other.connect("127.0.0.1:1"), alice.graphs.create()];
        const settled = Promise.allSettled(late);
        await Promise.all([alice.close(), bob.close(), group.close(), theirs.close()]);
        await settled;
        // When the program has nothing left to wait for, nothing more can fail.
        addEventListener("unload", () => console.log(JSON.stringify({ unhandled, outcomes: outcomes.sort() })));
      `),
      [...storeFlags(folder), ...loopback],
      { store: `${folder}/x.kv` },
    );
    assert.deepEqual([result.code, result.err], [0, ""]);
    const { unhandled, outcomes } = JSON.parse(result.out);
    assert.deepEqual(unhandled, []);
    assert.deepEqual(outcomes, [
      "aborted",
      "connect_failed",
      "connect_failed",
      "invalid_address",
      "invalid_invitation",
      "invalid_peer_name",
      "link_refused",
      "no_contacts",
      "not_authorized",
      "record_not_found",
      "store_in_use",
      "timeout",
    ]);
  }));

interface Finished {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The text of a program that prints one line for a failure, as a command line would. */
function program(body: string): string {
  return `
    import { Peer, PeerError } from ${JSON.stringify(new URL("mod.ts", root).href)};
    try {${body}} catch (error) {
      if (!(error instanceof PeerError)) throw error;
      console.error(\`\${error.code}: \${error.message}\`);
      Deno.exitCode = 1;
    }
  `;
}

/** Runs a program to its end. Its flags are these alone, whatever the project's configuration grants. */
async function runProgram(text: string, flags: readonly string[], options: object): Promise<Finished> {
  const running = start(text, flags, [JSON.stringify(options)]);
  try {
    const out = await within(Array.fromAsync(running.lines));
    const { code } = await within(running.child.status);
    return { code, out: out.map((line) => `${line}\n`).join(""), err: await within(running.err) };
  } finally {
    await running.end();
  }
}

function start(text: string, flags: readonly string[], args: readonly string[]) {
  const imports = `--import-map=${new URL("deno.json", root).pathname}`;
  const fixed = ["run", "--no-prompt", "--no-config", "--no-lock", "--cached-only", "--quiet", imports];
  const source = `data:application/typescript,${encodeURIComponent(text)}`;
  const child = new Deno.Command(Deno.execPath(), {
    args: [...fixed, ...flags, source, ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const lines = linesOf(child.stdout);
  const err = new Response(child.stderr).text();
  const end = async (signal: Deno.Signal = "SIGTERM") => {
    try {
      child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended already
    }
    await child.status;
    for await (const _ of lines);
    await err;
  };
  return { child, lines, err, end };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  let rest = "";
  for await (
    const text of stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
  ) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}

/** One line on standard error, and no stack in it: code, what was attempted, what is wrong, what to do. */
function assertFailure(result: Finished, code: string, message: RegExp): void {
  const [line, ...more] = result.err.trimEnd().split("\n");
  assert.deepEqual(more, [], result.err);
  assert.ok(line!.startsWith(`${code}: `), result.err);
  assert.match(line!, message);
  assert.equal(result.code, 1);
}

function storeFlags(folder: string): string[] {
  return [...kv, `--allow-read=${folder}`, `--allow-write=${folder}`];
}

function openStoreIn(folder: string, options: object): Promise<Finished> {
  return runProgram(openProgram, storeFlags(folder), options);
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function run(command: string, ...args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args, stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
