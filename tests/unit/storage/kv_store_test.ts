import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { storeChangeBytesMax } from "../../../lib/base/limits.ts";
import type { LogDetails, RecordStore, StoreChange } from "../../../lib/base/ports.ts";
import { silentLog } from "../../../lib/platform/log.ts";
import { StrictStore } from "../../../lib/sim/strict_store.ts";
import { VirtualClock } from "../../../lib/sim/virtual_clock.ts";
import { storeCommitMsMax } from "../../../lib/storage/limits.ts";
import { kvError } from "../../../lib/storage/kv_open.ts";
import { KvStore } from "../../../lib/storage/kv_store.ts";
import { bodyHash, listAll, sameBytes } from "../../contract/store_contract.ts";

/** Virtual time stands still: a slow machine trips no deadline. */
const options = { timers: new VirtualClock() };

async function inFolder(work: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(`${folder}/x.kv`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function withKv<T>(path: string, work: (kv: Deno.Kv) => Promise<T>): Promise<T> {
  using kv = await Deno.openKv(path);
  return await work(kv);
}

/** Names of the first parts of all raw keys, and how often each occurs. */
function rawKeys(path: string): Promise<Record<string, number>> {
  return withKv(path, async (kv) => {
    const counts: Record<string, number> = {};
    for await (const { key } of kv.list({ prefix: [] })) {
      counts[String(key[0])] = (counts[String(key[0])] ?? 0) + 1;
    }
    return counts;
  });
}

function body(length: number, salt: number): { hash: string; bytes: Uint8Array } {
  const bytes = Uint8Array.from({ length }, (_, i) => (i * salt + (i >> 8)) & 255);
  return { hash: bodyHash(bytes), bytes };
}

/** Puts another function, or none, in the place of `Deno.openKv`, which is a getter. */
function replaceOpenKv(value: typeof Deno.openKv | undefined): { restore(): void } {
  const original = Object.getOwnPropertyDescriptor(Deno, "openKv")!;
  Object.defineProperty(Deno, "openKv", { configurable: true, get: () => value });
  return { restore: () => void Object.defineProperty(Deno, "openKv", original) };
}

/** Makes the n-th atomic commit from now (from 1) throw, before or after it is durable; counts all. */
async function failingCommits<T>(
  plan: { readonly at: number; readonly when: "before" | "after" } | null,
  open: () => Promise<T>,
): Promise<{ opened: T; counts: { commits: number; armed: boolean } }> {
  const counts = { commits: 0, armed: false };
  const openKv = Deno.openKv;
  const replaced = replaceOpenKv(async (path?: string) => {
    const kv = await openKv(path);
    const atomic = kv.atomic.bind(kv);
    kv.atomic = () => {
      const operation = atomic();
      const commit = operation.commit.bind(operation);
      operation.commit = async () => {
        if (!counts.armed) return await commit();
        counts.commits++;
        if (plan !== null && counts.commits >= plan.at) {
          if (plan.when === "after" && counts.commits === plan.at) await commit();
          throw new Error("database or disk is full");
        }
        return await commit();
      };
      return operation;
    };
    return kv;
  });
  try {
    return { opened: await open(), counts };
  } finally {
    replaced.restore();
  }
}

const large = body(1_500_000, 7);
const kept = body(900_000, 11);
const change: StoreChange = {
  bodies: [large, body(80_000, 3)],
  sets: [{ key: ["points to", 1], value: Uint8Array.of(1) }],
  deletes: [["old"]],
  dropBodies: [kept.hash],
};

async function prepare(path: string): Promise<void> {
  const store = await KvStore.open(path, options);
  await store.commit({ bodies: [kept], sets: [{ key: ["old"], value: Uint8Array.of(9) }] });
  await store.close();
}

/** Whether the change counts; asserts that it does so wholly or not at all. */
async function checkWhole(store: RecordStore): Promise<boolean> {
  const names = (await listAll(store, [])).map(({ key }) => key[0]);
  const applied = names.includes("points to");
  assert.deepEqual(names, applied ? ["points to"] : ["old"]);
  for (const { hash, bytes } of change.bodies!) {
    sameBytes(await store.readBody(hash), applied ? bytes : null);
  }
  sameBytes(await store.readBody(kept.hash), applied ? null : kept.bytes);
  return applied;
}

Deno.test("[R26] a crash at any commit of a large change leaves it whole or absent, and no orphan", () =>
  inFolder(async (path) => {
    await prepare(path);
    const probe = await failingCommits(null, () => KvStore.open(path, options));
    probe.counts.armed = true;
    await probe.opened.commit(change);
    await probe.opened.close();
    assert.ok(
      probe.counts.commits >= 5,
      "bodies go ahead in several commits, the index and the clearing after",
    );
    for (let at = 1; at <= probe.counts.commits; at++) {
      for (const when of ["before", "after"] as const) {
        await Deno.remove(path);
        await prepare(path);
        const { opened, counts } = await failingCommits({ at, when }, () => KvStore.open(path, options));
        counts.armed = true;
        const acknowledged = await opened.commit(change).then(() => true, () => false);
        await opened.close();
        const again = await KvStore.open(path, options);
        const applied = await checkWhole(again);
        assert.ok(applied || !acknowledged, "what was acknowledged is there");
        await again.close();
        const { format, b: chunks, o: marks = 0 } = await rawKeys(path);
        assert.deepEqual({ format, chunks, marks }, { format: 1, chunks: applied ? 27 : 15, marks: 0 });
      }
    }
  }));

Deno.test("[R26] a change that failed can be repeated in the same store, and outlives the next opening", () =>
  inFolder(async (path) => {
    await prepare(path);
    const plan = { at: 4, when: "before" } as const; // the index commit, after three of bodies
    const { opened, counts } = await failingCommits(plan, () => KvStore.open(path, options));
    counts.armed = true;
    await assert.rejects(opened.commit(change), { code: "store_full", message: /free some space/ });
    sameBytes(await opened.readBody(large.hash), large.bytes);
    assert.deepEqual(await opened.read(["old"]), Uint8Array.of(9));
    counts.armed = false;
    await opened.commit(change);
    await opened.close();
    const again = await KvStore.open(path, options);
    assert.equal(await checkWhole(again), true);
    await again.close();
  }));

Deno.test("[R26] a body staged by a failed change survives when a small change brings it again", () =>
  inFolder(async (path) => {
    const { opened, counts } = await failingCommits(
      { at: 2, when: "before" },
      () => KvStore.open(path, options),
    );
    counts.armed = true;
    const small = body(70_000, 5);
    await assert.rejects(opened.commit({ bodies: [small, large] }), { code: "store_full" });
    counts.armed = false;
    await opened.commit({ bodies: [small], sets: [{ key: ["small"], value: Uint8Array.of(1) }] });
    await opened.close();
    const again = await KvStore.open(path, options);
    sameBytes(await again.readBody(small.hash), small.bytes);
    assert.equal(await again.readBody(large.hash), null);
    await again.close();
  }));

Deno.test("[R26] a failed change that brings a stored body again does not cost that body", () =>
  inFolder(async (path) => {
    await prepare(path);
    for (const at of [1, 2, 3]) {
      const { opened, counts } = await failingCommits(
        { at, when: "before" },
        () => KvStore.open(path, options),
      );
      counts.armed = true;
      const sets = [{ key: ["again"], value: Uint8Array.of(1) }];
      await opened.commit({ bodies: [kept], sets }).catch((error) => assert.equal(error.code, "store_full"));
      await opened.close();
      const again = await KvStore.open(path, options);
      sameBytes(await again.readBody(kept.hash), kept.bytes);
      await again.close();
    }
  }));

Deno.test("[R26] a body that is brought again after a drop whose answer was lost stays", async () => {
  const store = new StrictStore();
  const small = body(70_000, 5);
  await store.commit({ bodies: [small] });
  store.loseAnswers(1, { count: true });
  await assert.rejects(store.commit({ dropBodies: [small.hash] }), { code: "timeout" });
  await store.commit({ bodies: [small], sets: [{ key: ["again"], value: Uint8Array.of(1) }] });
  sameBytes(await store.crash().readBody(small.hash), small.bytes);
});

Deno.test("[R26] a change that was given up while its bodies went ahead never comes to count, as its caller was told", async () => {
  const clock = new VirtualClock();
  const store = new StrictStore({ timers: clock });
  await store.commit({ bodies: [kept], sets: [{ key: ["old"], value: Uint8Array.of(9) }] });
  store.hold();
  const givenUp = [store.commit(change), store.commit({ deletes: [["old"]] })];
  const ends = givenUp.map((commit) => assert.rejects(commit, { code: "store_failed" }));
  await clock.until(Promise.all(ends), storeCommitMsMax);
  store.release();
  await store.commit({});
  assert.equal(await checkWhole(store), false, "neither the one on its way nor the one behind it");
  assert.equal(await checkWhole(store.crash()), false);
});

Deno.test("[R26] a change that is late when it may count already is uncertain, and then counts", async () => {
  const clock = new VirtualClock();
  const store = new StrictStore({ timers: clock });
  await store.commit({});
  store.hold();
  const late = store.commit({ sets: [{ key: ["late"], value: Uint8Array.of(1) }] });
  await clock.until(assert.rejects(late, { code: "timeout" }), storeCommitMsMax);
  store.release();
  await store.commit({});
  assert.deepEqual(await store.crash().read(["late"]), Uint8Array.of(1));
});

Deno.test("a change at all its bounds at once, and bodies of any size with it, is within Deno KV's", async () => {
  const sets = Array.from({ length: 78 }, (_, i) => ({
    key: [`${i}`.padStart(1_000, "k")],
    value: new Uint8Array(Math.floor(storeChangeBytesMax / 78)),
  }));
  for (const bodyBytes of [1, 40_000, 80_000, 100_000, 700_000]) {
    const change = { sets, bodies: [body(bodyBytes, 3)], dropBodies: [kept.hash] };
    const store = new StrictStore();
    await store.commit(change);
    await store.close();
    assert.deepEqual(store.breaches, []);
  }
});

Deno.test("[T50] damaged entries and bodies are passed over, counted and told to the log", () =>
  inFolder(async (path) => {
    const store = await KvStore.open(path, options);
    const two = body(100_000, 13);
    await store.commit({
      bodies: [large, two],
      sets: ["a", "b", "c"].map((name) => ({ key: [name], value: Uint8Array.of(5) })),
    });
    await store.close();
    await withKv(path, async (kv) => {
      const flip = async (key: Deno.KvKey, at: number) => {
        const value = (await kv.get<Uint8Array>(key)).value!;
        value[at]! ^= 4;
        await kv.set(key, value);
      };
      await flip(["i", "b"], 0);
      await flip(["b", Uint8Array.fromHex(large.hash), 3], 100);
      await flip(["b", Uint8Array.fromHex(two.hash), 0], 0); // a count of 64 million chunks
      await kv.set(["i", "d"], (await kv.get(["i", "a"])).value); // a write that went to the wrong place
      await kv.set(["i", "e"], "no bytes");
    });
    const told: (LogDetails | undefined)[] = [];
    const log = { ...silentLog, warn: (_: string, details?: LogDetails) => void told.push(details) };
    const again = await KvStore.open(path, { ...options, log });
    assert.deepEqual((await listAll(again, [])).map(({ key }) => key[0]), ["a", "c"]);
    assert.equal(await again.read(["b"]), null);
    assert.equal(await again.readBody(large.hash), null);
    assert.equal(await again.readBody(two.hash), null);
    assert.deepEqual([again.damaged, told.length], [6, 6]);
    await again.commit({ bodies: [large, two] }); // fetched again from peers
    sameBytes(await again.readBody(large.hash), large.bytes);
    sameBytes(await again.readBody(two.hash), two.bytes);
    await again.close();
  }));

Deno.test("open() refuses what another program or a later version wrote", () =>
  inFolder(async (path) => {
    await withKv(path, (kv) => kv.set(["format"], Uint8Array.of(2)));
    await assert.rejects(KvStore.open(path, options), { code: "store_damaged", message: /later Kith/ });
  }));

Deno.test("open() tells a missing flag, a missing permission and an open wire, with the remedy", async () => {
  await assert.rejects(KvStore.open("http://kv.example.org/", options), {
    code: "invalid_address",
    message: /https/,
  });
  const replaced = replaceOpenKv(undefined);
  try {
    await assert.rejects(KvStore.open(":memory:", options), {
      code: "flag_missing",
      message: /--unstable-kv/,
    });
  } finally {
    replaced.restore();
  }
});

Deno.test({
  name: "open() names the flags that are missing",
  permissions: { read: [Deno.cwd()] },
  fn: async () => {
    const path = `${Deno.cwd()}/x.kv`;
    const failure = {
      code: "permission_denied",
      message: new RegExp(`without --allow-write=${path}; add that`),
    };
    await assert.rejects(KvStore.open(path, options), failure);
    const server = { code: "permission_denied", message: /--allow-net=kv\.example\.org:443/ };
    await assert.rejects(KvStore.open("https://kv.example.org/x", options), server);
    await (await KvStore.open(":memory:", options)).close();
  },
});

Deno.test("[F7] a server that does not answer is given up after the deadline", async () => {
  const token = "DENO_KV_ACCESS_TOKEN";
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket)); // accepts and says nothing
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const clock = new VirtualClock();
  Deno.env.set(token, "of no use");
  try {
    const opening = KvStore.open(`http://127.0.0.1:${port}`, { timers: clock });
    await assert.rejects(clock.until(opening, storeCommitMsMax), {
      code: "store_failed",
      message: /no answer within 30000 ms/,
    });
  } finally {
    Deno.env.delete(token);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});

Deno.test("kvError() gives each of SQLite's failures its code and a remedy", () => {
  const codes = [
    "database or disk is full",
    "database is locked",
    "file is not a database",
    "database disk image is malformed",
    "unable to open database file: /x",
    "attempt to write a readonly database",
    "disk I/O error",
  ].map((text) => kvError(new Error(text), "write to the store x"));
  assert.deepEqual(codes.map(({ code }) => code), [
    "store_full",
    "store_in_use",
    "store_damaged",
    "store_damaged",
    "store_failed",
    "store_failed",
    "store_failed",
  ]);
  for (const { message } of codes) assert.match(message, /^Cannot write to the store x: .*; .{20}/);
});
