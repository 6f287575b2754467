import assert from "node:assert/strict";
import { PeerError } from "../../../lib/base/errors.ts";
import { storeChangeBytesMax, storeChangeEntriesMax } from "../../../lib/base/limits.ts";
import type { RecordStore, StoreChange, StoreKey } from "../../../lib/base/ports.ts";
import { storeRepeatPauseMs, storeRepeatsMax } from "../../../lib/peer/limits.ts";
import { type StoreFailure, StoreQueue } from "../../../lib/peer/store_queue.ts";
import { VirtualClock } from "../../../lib/sim/virtual_clock.ts";
import { MemoryStore } from "../../../lib/storage/memory_store.ts";
import { checkStoreChange } from "../../../lib/storage/store_change.ts";

Deno.test("what is pushed in one turn shares a commit; what comes meanwhile the next", async () => {
  const { queue, commits, log, push } = newQueue();
  push("a");
  push("b");
  assert.deepEqual(commits, []);
  await Promise.resolve();
  push("c");
  push("d");
  await queue.idle();
  assert.deepEqual(commits, [["+a", "+b"], ["+c", "+d"]]);
  assert.deepEqual(log, ["a stored", "b stored", "c stored", "d stored"]);
});

Deno.test("a commit has as many units as its bounds take, in order", async () => {
  const { queue, commits, log, push } = newQueue();
  push("few", { entries: 1 });
  push("most", { entries: storeChangeEntriesMax - 1 });
  push("more", { entries: 1 });
  push("heavy", { bytes: 60_000, entries: 10 });
  push("heavier", { bytes: 60_000, entries: 1 });
  await queue.idle();
  assert.deepEqual(commits.map((keys) => keys.length), [storeChangeEntriesMax, 11, 1]);
  assert.deepEqual(log, ["few stored", "most stored", "more stored", "heavy stored", "heavier stored"]);
});

Deno.test("a unit that is larger than a commit goes alone, in parts within all bounds", async () => {
  const { queue, commits, log, push } = newQueue();
  push("before");
  push("large", { entries: 1_201, bytes: 1_000 });
  push("long", { entries: 500, keyBytes: 400 });
  push("after");
  await queue.idle();
  assert.deepEqual(commits.map((keys) => keys.length), [1, 500, 500, 201, 197, 197, 106, 1]);
  assert.deepEqual(log, ["before stored", "large stored", "long stored", "after stored"]);
  assert.ok(500 * 1_000 < storeChangeBytesMax);
});

Deno.test("of a key that several units touch, what came last counts", async () => {
  const { queue, store, commits } = newQueue();
  const unit = { stored() {}, failed: () => assert.fail() };
  const set = (name: string, value: number) => ({ key: [name], value: Uint8Array.of(value) });
  queue.push({ sets: [], deletes: [["x"], ["y"]], ...unit });
  queue.push({ sets: [set("x", 1), set("z", 1)], deletes: [], ...unit });
  queue.push({ sets: [set("x", 2)], deletes: [["z"]], ...unit });
  await queue.idle();
  assert.deepEqual(commits, [["+x", "-y", "-z"]]);
  assert.deepEqual(await store.read(["x"]), Uint8Array.of(2));
  assert.equal(await store.read(["z"]), null);
});

Deno.test("a failure fails everything behind it, in order and certainly; later units go on", async () => {
  const { queue, commits, log, push, faults } = newQueue();
  faults.push("store_full");
  push("a");
  push("b");
  await Promise.resolve();
  push("c");
  await queue.idle();
  assert.deepEqual(log, ["a store_full certain", "b store_full certain", "c store_full certain"]);
  assert.equal(queue.failure?.code, "store_full");
  await queue.flush();
  assert.equal(queue.failure?.code, "store_full", "an empty change says nothing about the store");
  push("d");
  await queue.idle();
  assert.deepEqual([commits, log.at(-1), queue.failure], [[["+d"]], "d stored", null]);
});

Deno.test("a unit pushed by a callback that hears of the failure is tried anew", async () => {
  const { queue, log, push, faults } = newQueue();
  faults.push("store_failed");
  queue.push({ sets: [entry("a")], deletes: [], stored() {}, failed: () => push("again") });
  await queue.idle();
  assert.deepEqual(log, ["again stored"]);
});

Deno.test("what is no PeerError is store_failed", async () => {
  const { queue, log, push, faults } = newQueue();
  faults.push(new Error("a bug in the store"));
  push("a");
  await queue.idle();
  assert.deepEqual(log, ["a store_failed certain"]);
});

Deno.test("a large unit whose later part fails is uncertain; what is behind it is not", async () => {
  const { queue, log, push, faults } = newQueue();
  faults.push(null, "store_full");
  push("large", { entries: 501 });
  push("b");
  await queue.idle();
  assert.deepEqual(log, ["large store_full uncertain", "b store_full certain"]);
});

Deno.test("a commit that took too long is made again, the same, and then counts", async () => {
  const { queue, commits, log, push, faults, clock } = newQueue();
  faults.push("timeout", "timeout");
  push("a");
  await clock.settle();
  push("behind");
  await clock.run(storeRepeatPauseMs - 1);
  assert.deepEqual(log, []);
  await clock.run(storeRepeatPauseMs + 1);
  await queue.idle();
  assert.deepEqual(commits, [["+a"], ["+behind"]]);
  assert.deepEqual(log, ["a stored", "behind stored"]);
  assert.equal(clock.timerCount, 0);
});

Deno.test("a commit that takes too long every time fails as uncertain", async () => {
  const { commits, log, push, faults, clock } = newQueue();
  for (let i = 0; i <= storeRepeatsMax; i++) faults.push("timeout");
  push("a");
  await clock.settle();
  push("behind");
  await clock.run(storeRepeatsMax * storeRepeatPauseMs);
  assert.deepEqual([commits, log], [[], ["a timeout uncertain", "behind timeout certain"]]);
  assert.equal(faults.length, 0);
});

Deno.test("a commit that took too long once stays uncertain whatever its repeat says", async () => {
  const { log, push, faults, clock } = newQueue();
  faults.push("timeout", "store_full");
  push("a");
  await clock.run(storeRepeatPauseMs);
  assert.deepEqual(log, ["a store_full uncertain"]);
});

Deno.test("flush() resolves when what was queued before has ended, whatever comes after", async () => {
  const { queue, log, push, faults } = newQueue();
  await queue.flush();
  push("a");
  const flushed = queue.flush().then(() => log.push("flushed"));
  push("b", { entries: 500 });
  await flushed;
  assert.deepEqual(log, ["a stored", "flushed"]);
  faults.push("store_full");
  push("c");
  await queue.flush();
  assert.deepEqual(log.slice(2), ["b stored", "c store_full certain"]);
});

type Fault = "timeout" | "store_full" | "store_failed" | Error | null;

function entry(name: string, bytes = 1) {
  return { key: [name], value: new Uint8Array(bytes) };
}

/** A queue on a store that notes each commit, and fails as it is told. */
function newQueue() {
  const clock = new VirtualClock();
  const store = new MemoryStore();
  const commits: string[][] = [];
  const faults: Fault[] = [];
  const log: string[] = [];
  const commit = async (change: StoreChange) => {
    checkStoreChange(change);
    const fault = faults.shift() ?? null;
    if (fault instanceof Error) throw fault;
    if (fault !== null) throw new PeerError(fault, `Cannot write: ${fault}`);
    const name = ([first]: StoreKey) => String(first).slice(0, 12);
    commits.push([
      ...(change.sets ?? []).map(({ key }) => `+${name(key)}`),
      ...(change.deletes ?? []).map((key) => `-${name(key)}`),
    ]);
    await store.commit(change);
  };
  const fake: RecordStore = {
    commit,
    list: (prefix) => store.list(prefix),
    read: (key) => store.read(key),
    readBody: (hash) => store.readBody(hash),
    close: () => store.close(),
  };
  const queue = new StoreQueue(fake, clock);
  const push = (name: string, size: { entries?: number; bytes?: number; keyBytes?: number } = {}) => {
    const { entries = 1, bytes = 1, keyBytes = 0 } = size;
    const nameOf = (i: number) => entries === 1 ? name : `${name}${i}`.padEnd(keyBytes, "k");
    const outcome = ({ code, certain }: StoreFailure) => `${code} ${certain ? "certain" : "uncertain"}`;
    queue.push({
      sets: Array.from({ length: entries }, (_, i) => entry(nameOf(i), bytes)),
      deletes: [],
      stored: () => log.push(`${name} stored`),
      failed: (failure) => log.push(`${name} ${outcome(failure)}`),
    });
  };
  return { queue, store, commits, faults, log, push, clock };
}
