/** The command line on real stores and sockets; most of it in this process, the signals in another. */

import assert from "node:assert/strict";
import { within } from "../contract/real_world.ts";
import { kith, kithJson, RecordedIo } from "../unit/cli/recorded_io.ts";
import { main } from "../../lib/cli/mod.ts";

interface Running {
  readonly io: RecordedIo;
  readonly code: Promise<number>;
}

/** A peer that runs until the end of the block. */
async function runPeer(store: string, ...options: string[]): Promise<Running & AsyncDisposable> {
  const io = new RecordedIo();
  const code = main(["run", "--store", store, "--json", ...options], io);
  const outcome = await within(Promise.race([io.line('"running"'), code]));
  assert.equal(typeof outcome, "string", `The peer ended with ${outcome}: ${io.outLines} ${io.errLines}`);
  const end = async () => {
    io.stop();
    assert.equal(await within(code), 0);
  };
  return { io, code, [Symbol.asyncDispose]: end };
}

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "kith-cli-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function failure(
  args: readonly string[],
): Promise<readonly [code: string, message: string, exit: number]> {
  const io = new RecordedIo();
  const exit = await within(main([...args, "--json"], io));
  const { error } = JSON.parse(io.outLines.at(-1) ?? "{}");
  return [error.code, error.message, exit];
}

Deno.test("two stores share a record by commands alone", () =>
  withFolder(async (folder) => {
    const alice = ["--store", `${folder}/a.kv`];
    const bob = ["--store", `${folder}/b.kv`];
    await using _running = await runPeer(alice[1]!);
    const [group] = await kithJson(["group", "create", "Field notes", ...alice]) as { id: string }[];
    const [{ invitation }] = await kithJson(["group", "invite", ...alice]) as [{ invitation: string }];
    await kithJson(["record", "add", "note", "heron at the north pond", ...alice]);

    // No peer runs on Bob's store: the command opens it, and closes it when it has caught up.
    const [joined] = await kithJson(["group", "join", invitation, ...bob]) as {
      id: string;
      records: number;
    }[];
    assert.deepEqual([joined!.id, joined!.records], [group!.id, 1]);
    const [note] = await kithJson(["record", "list", ...bob]) as { id: string; value: string }[];
    assert.equal(note!.value, "heron at the north pond");

    const [added] = await kithJson(["record", "add", "place", '{"lat":47}', "--as", "json", ...bob]) as {
      value: unknown;
    }[];
    assert.deepEqual(added!.value, { lat: 47 });
    const text = await kith(["record", "list", "--type", "note", ...bob]);
    assert.deepEqual(text.out, [`${note!.id}  note  heron at the north pond`]);
    const bytes = await kithJson(["record", "add", "raw", "-", "--as", "bytes", ...bob], "\0\x01") as {
      base64: string;
    }[];
    assert.equal(bytes[0]!.base64, "AAE=");

    const members = await kithJson(["group", "members", ...alice]) as { peer: string; self: boolean }[];
    assert.deepEqual(members.map(({ self }) => self), [true, false]);
    const [removed] = await kithJson(["group", "remove", members[1]!.peer, ...alice]) as {
      removed: string;
    }[];
    assert.equal(removed!.removed, members[1]!.peer);
    const [left] = await kithJson(["group", "leave", ...bob]) as { left: string }[];
    assert.equal(left!.left, group!.id);
  }));

Deno.test("a watch shows what is there, then every change, until it is stopped", () =>
  withFolder(async (folder) => {
    const store = ["--store", `${folder}/a.kv`];
    await using _running = await runPeer(store[1]!);
    await kithJson(["group", "create", "Field notes", ...store]);
    const [first] = await kithJson(["record", "add", "note", "\x1b[2J", ...store]) as { id: string }[];
    const io = new RecordedIo();
    const code = main(["record", "watch", ...store, "--type", "note"], io);
    assert.equal(await within(io.line("added")), `added  ${first!.id}  note  \\u{1b}[2J`);
    await kithJson(["record", "add", "other", "not shown", ...store]);
    await kithJson(["record", "delete", first!.id, ...store]);
    await within(io.line("deleted"));
    io.stop();
    assert.equal(await within(code), 0);
    assert.equal(io.outLines.length, 2);
  }));

Deno.test("names are published by a run and by a command, and resolved", () =>
  withFolder(async (folder) => {
    const alice = ["--store", `${folder}/a.kv`];
    await using running = await runPeer(alice[1]!, "--name", "0.hall");
    const { nameEndpoints } = JSON.parse(running.io.outLines[0]!) as { nameEndpoints: string[] };
    await kithJson(["name", "register", "0.pond", "--comment", "north", ...alice]);
    const bob = ["--store", `${folder}/b.kv`, "--bootstrap", nameEndpoints[0]!.replace("udp://", "")];
    await using _bob = await runPeer(bob[1]!, ...bob.slice(2));
    for (const [name, comment] of [["0.hall", ""], ["0.pond", "north"]]) {
      const found = await kithJson(["name", "resolve", name!, ...bob]) as {
        comment: string;
        verified: boolean;
      }[];
      assert.deepEqual(found.map(({ comment, verified }) => [comment, verified]), [[comment, true]]);
    }
    assert.equal((await failure(["name", "resolve", "0.nothing", ...bob]))[0], "name_not_found");
  }));

Deno.test("identities are created and chosen without a running peer", () =>
  withFolder(async (folder) => {
    const store = ["--store", `${folder}/a.kv`];
    type Shown = { readonly id: string; readonly name: string; readonly isDefault: boolean };
    const [work] = await kithJson(["id", "create", "work", ...store]) as Shown[];
    assert.equal((await failure(["id", "create", "work", ...store]))[0], "identity_exists");
    await kithJson(["id", "default", "work", ...store]);
    const all = await kithJson(["id", "list", ...store]) as Shown[];
    assert.equal(all.length, 2);
    assert.deepEqual([all[0]!.id, all[0]!.isDefault], [work!.id, true]);
    await using running = await runPeer(store[1]!);
    assert.equal((JSON.parse(running.io.outLines[0]!) as Shown).id, work!.id);
  }));

Deno.test("the token of a running peer is for its owner alone, and gone when it ends", () =>
  withFolder(async (folder) => {
    const store = `${folder}/a.kv`;
    const file = `${store}.admin`;
    {
      await using _running = await runPeer(store);
      assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
      const { url, token } = JSON.parse(await Deno.readTextFile(file));
      assert.match(url, /^http:\/\/127\.0\.0\.1:/);
      assert.match(token, /^[A-Za-z0-9_-]{43}$/);
    }
    await assert.rejects(Deno.stat(file), Deno.errors.NotFound);
  }));

Deno.test("a file left over from a run that was killed is passed by", () =>
  withFolder(async (folder) => {
    const store = `${folder}/a.kv`;
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const url = `http://127.0.0.1:${listener.addr.port}`;
    listener.close();
    for (const content of ["", "{}", "not JSON", JSON.stringify({ url, token: "x".repeat(30) })]) {
      await Deno.writeTextFile(`${store}.admin`, content);
      assert.equal((await kith(["id", "create", `n${content.length}`, "--store", store])).code, 0, content);
    }
  }));

Deno.test("what cannot be done is said in one line with its remedy", () =>
  withFolder(async (folder) => {
    const store = `${folder}/a.kv`;
    const missing = await failure(["group", "list", "--store", `${folder}/none.kv`]);
    assert.deepEqual([missing[0], missing[2]], ["store_failed", 1]);
    assert.match(missing[1], /check the path/);
    await assert.rejects(Deno.stat(`${folder}/none.kv`), Deno.errors.NotFound);

    await using running = await runPeer(store);
    const { admin, endpoints } = JSON.parse(running.io.outLines[0]!) as {
      admin: { url: string };
      endpoints: string[];
    };
    const inUse = await failure(["run", "--store", store]);
    assert.deepEqual([inUse[0], inUse[2]], ["store_in_use", 1]);
    assert.match(inUse[1], /another process/);
    const other = ["run", "--store", `${folder}/b.kv`];
    assert.equal((await failure([...other, "--listen", endpoints[0]!.slice(6)]))[0], "port_in_use");
    const taken = await failure([...other, "--admin", new URL(admin.url).host]);
    assert.equal(taken[0], "port_in_use");
    assert.match(taken[1], /Choose another port/);
    const place = await failure([...other, "--admin-file", `${folder}/no/such/folder`]);
    assert.match(place[1], /Choose another place with --admin-file/);

    const file = `${folder}/wrong.admin`;
    await Deno.writeTextFile(file, JSON.stringify({ url: admin.url, token: "x".repeat(43) }));
    const refused = await failure(["group", "list", "--admin-file", file]);
    assert.deepEqual([refused[0], refused[2]], ["bad_token", 1]);
    assert.match(refused[1], /Restart that peer, or remove the file/);

    const none = await failure(["record", "list", "--store", store]);
    assert.equal(none[0], "graph_not_found");
    assert.match(none[1], /kith group create/);
    await kithJson(["group", "create", "One", "--store", store]);
    await kithJson(["group", "create", "Two", "--store", store]);
    const which = await failure(["record", "list", "--store", store]);
    assert.deepEqual([which[0], which[2]], ["bad_usage", 2]);
    assert.match(which[1], /--group ID: One \([a-z2-7]{52}\), Two/);
    assert.equal((await kith(["record", "list", "--store", store, "--group", "Two"])).code, 0);
    assert.equal((await failure(["group", "join", "nonsense", "--store", store]))[0], "invalid_invitation");
    assert.equal(
      (await failure(["record", "delete", "0".repeat(32), "--group", "One", "--store", store]))[0],
      "record_not_found",
    );

    await Deno.writeTextFile(`${folder}/damaged.kv`, "this is no store ".repeat(1_000));
    assert.equal((await failure(["group", "list", "--store", `${folder}/damaged.kv`]))[0], "store_damaged");
  }));

Deno.test("a run without a store has no admin API, and says so", async () => {
  const io = new RecordedIo();
  const code = main(["run"], io);
  assert.match(await within(io.line("admin")), /none$/);
  await within(io.line("Ctrl-C"));
  io.stop();
  assert.equal(await within(code), 0);
});

Deno.test("the doctor tells a running peer from a store at rest", () =>
  withFolder(async (folder) => {
    const store = ["--store", `${folder}/a.kv`];
    type Found = { readonly check: string; readonly result: string; readonly message: string };
    const look = async (check: string) => {
      const findings = await kithJson(["doctor", ...store]) as Found[];
      return findings.find((finding) => finding.check === check);
    };
    assert.match((await look("store"))!.message, /not there yet/);
    await assert.rejects(Deno.stat(store[1]!), Deno.errors.NotFound);
    {
      await using _running = await runPeer(store[1]!);
      assert.match((await look("lock"))!.message, /A peer runs on this store; its admin API is at http:/);
    }
    assert.match((await look("lock"))!.message, /No other process/);
    await Deno.chmod(`${store[1]}.key`, 0o644);
    assert.deepEqual([(await look("keys"))!.result, (await kith(["doctor", ...store])).code], ["wrong", 1]);
  }));

Deno.test("a process ends cleanly on a signal, with its exit code", () =>
  withFolder(async (folder) => {
    const store = `${folder}/a.kv`;
    const child = spawn(["-A"], ["run", "--store", store, "--json"]);
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    assert.match((await within(reader.read())).value ?? "", /"event":"running"/);
    child.kill("SIGINT");
    assert.equal((await within(child.status)).code, 0);
    await reader.cancel();
    await child.stderr.cancel();
    await assert.rejects(Deno.stat(`${store}.admin`), Deno.errors.NotFound);
    assert.equal((await kith(["id", "list", "--store", store])).code, 0); // it is free again
  }));

Deno.test("a process without permissions names the flag, asks nothing and shows no stack", () =>
  withFolder(async (folder) => {
    for (
      const args of [["run", "--store", `${folder}/a.kv`], ["group", "list", "--store", `${folder}/a.kv`]]
    ) {
      const { code, stdout, stderr } = await within(spawn([], args).output());
      assert.equal(code, 1);
      assert.equal(new TextDecoder().decode(stdout), "");
      assert.match(new TextDecoder().decode(stderr), /^error: Cannot .*--allow-read=.*\n$/);
    }
  }));

function spawn(flags: readonly string[], args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--no-prompt",
      ...flags,
      new URL("../../lib/cli/mod.ts", import.meta.url).pathname,
      ...args,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
}
