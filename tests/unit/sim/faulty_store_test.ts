import assert from "node:assert/strict";
import type { RecordStore } from "../../../lib/base/ports.ts";
import { FaultyStore } from "../../../lib/sim/faulty_store.ts";
import { VirtualClock } from "../../../lib/sim/virtual_clock.ts";
import { bodyHash } from "../../contract/store_contract.ts";

const set = (name: string) => ({ sets: [{ key: [name], value: Uint8Array.of(1) }] });

async function names(store: RecordStore): Promise<unknown[]> {
  return (await Array.fromAsync(store.list([]))).map(({ key }) => key[0]);
}

function outcomeOf(promise: Promise<void>): { code: string } {
  const outcome = { code: "waits" };
  promise.then(() => outcome.code = "done", (error) => outcome.code = error.code);
  return outcome;
}

Deno.test("failNext() and failAlways() fail commits, which then change nothing", async () => {
  const store = new FaultyStore();
  store.failNext("store_full", 2);
  await assert.rejects(store.commit(set("a")), { code: "store_full" });
  await assert.rejects(store.commit(set("b")), { code: "store_full" });
  await store.commit(set("c"));
  store.failAlways("store_failed");
  await assert.rejects(store.commit(set("d")), { code: "store_failed" });
  await assert.rejects(store.commit(set("e")), { code: "store_failed" });
  store.failAlways(null);
  await store.commit(set("f"));
  assert.deepEqual(await names(store), ["c", "f"]);
  assert.equal(store.committed, 2);
});

Deno.test("delay() makes each commit take its time, in turn", async () => {
  const clock = new VirtualClock();
  const store = new FaultyStore({ timers: clock });
  store.delay(100);
  const first = outcomeOf(store.commit(set("a")));
  const second = outcomeOf(store.commit(set("b")));
  await clock.run(150);
  assert.deepEqual([first.code, second.code], ["done", "waits"]);
  assert.deepEqual(await names(store), ["a"]);
  await clock.run(50);
  assert.deepEqual(await names(store), ["a", "b"]);
});

Deno.test("[R26] crash() keeps what was committed; what was under way never settles", async () => {
  const clock = new VirtualClock();
  const store = new FaultyStore({ timers: clock });
  await store.commit(set("a"));
  store.hold();
  const pending = outcomeOf(store.commit(set("b")));
  await clock.settle();
  const after = store.crash();
  store.release();
  const asked = outcomeOf(store.commit(set("c")));
  await clock.run(1_000_000);
  assert.deepEqual([pending.code, asked.code], ["waits", "waits"]);
  assert.deepEqual(await names(after), ["a"]);
  await after.commit(set("d"));
  assert.deepEqual(await names(after), ["a", "d"]);
});

Deno.test("[R26] crashAt() dies on either side of a commit", async () => {
  const clock = new VirtualClock();
  for (const [when, kept] of [["before", ["a"]], ["after", ["a", "b"]]] as const) {
    const store = new FaultyStore();
    store.crashAt(2, when);
    const outcomes = ["a", "b", "c"].map((name) => outcomeOf(store.commit(set(name))));
    await clock.settle();
    assert.deepEqual(outcomes.map(({ code }) => code), ["done", "waits", "waits"]);
    assert.equal(store.crashed, true);
    assert.deepEqual(await names(store.crash()), kept);
  }
});

Deno.test("a damaged body is not given out", async () => {
  const store = new FaultyStore();
  const bytes = Uint8Array.of(1, 2, 3);
  const hash = bodyHash(bytes);
  await store.commit({ bodies: [{ hash, bytes }] });
  await store.damageBody(hash);
  assert.equal(await store.readBody(hash), null);
  await store.commit({ bodies: [{ hash, bytes }] });
  assert.deepEqual(await store.readBody(hash), bytes);
});
