import assert from "node:assert/strict";
import type { RecordStore } from "../../../lib/base/ports.ts";
import { SeededRandom } from "../../../lib/base/random.ts";
import { CommitLog, type CrashImage } from "../../../lib/sim/commit_log.ts";
import { StrictStore } from "../../../lib/sim/strict_store.ts";
import { VirtualClock } from "../../../lib/sim/virtual_clock.ts";
import { storeCommitMsMax } from "../../../lib/storage/limits.ts";
import { bodyHash, listAll } from "../../contract/store_contract.ts";

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
  const store = new StrictStore();
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
  assert.equal(store.committed, 3, "the mark of the format, and two changes");
});

Deno.test("delay() makes each commit take its time, in turn", async () => {
  const clock = new VirtualClock();
  const store = new StrictStore({ timers: clock });
  await store.commit({});
  store.delay(100);
  const first = outcomeOf(store.commit(set("a")));
  const second = outcomeOf(store.commit(set("b")));
  await clock.run(140);
  assert.deepEqual([first.code, second.code], ["done", "waits"]);
  assert.deepEqual(await names(store), ["a"]);
  await clock.run(20);
  assert.deepEqual(await names(store), ["a", "b"], "written");
  assert.deepEqual([second.code, store.isDurable(["a"]), store.isDurable(["b"])], ["waits", true, false]);
  assert.deepEqual(store.durableEntries().map(({ key }) => key), [["a"]]);
  await clock.run(40);
  assert.deepEqual([second.code, store.isDurable(["b"])], ["done", true]);
  assert.equal(clock.timerCount, 0);
});

Deno.test("[R26] crash() keeps what was committed; what was under way never settles", async () => {
  const clock = new VirtualClock();
  const store = new StrictStore({ timers: clock });
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
    const store = new StrictStore();
    store.crashAt(3, when);
    const outcomes = ["a", "b", "c"].map((name) => outcomeOf(store.commit(set(name))));
    await clock.settle();
    assert.deepEqual(outcomes.map(({ code }) => code), ["done", "waits", "waits"]);
    assert.equal(store.crashed, true);
    assert.deepEqual(await names(store.crash()), kept);
  }
});

Deno.test("a damaged body is not given out", async () => {
  const store = new StrictStore();
  const bytes = Uint8Array.of(1, 2, 3);
  const hash = bodyHash(bytes);
  await store.commit({ bodies: [{ hash, bytes }] });
  await store.damageBody(hash);
  assert.equal(await store.readBody(hash), null);
  await store.commit({ bodies: [{ hash, bytes }] });
  assert.deepEqual(await store.readBody(hash), bytes);
});

Deno.test("[F6] damage() and damageAny() alter what is stored, and nothing altered is given out", async () => {
  const store = new StrictStore({ random: new SeededRandom(1) });
  assert.equal(store.damageAny(), false);
  const bytes = new Uint8Array(100_000).fill(7);
  const hash = bodyHash(bytes);
  await store.commit({ bodies: [{ hash, bytes }], sets: [...set("a").sets, ...set("b").sets] });
  store.damage(["a"]);
  assert.deepEqual(await names(store), ["b"]);
  for (let i = 0; i < 40; i++) {
    assert.equal(store.damageAny(), true);
    for await (const { value } of store.list([])) assert.deepEqual(value, Uint8Array.of(1));
    const body = await store.readBody(hash);
    if (body !== null) assert.deepEqual(body, bytes);
  }
  assert.ok(store.damaged > 20);
});

Deno.test("[F2] a crash keeps of what was not synced whole transactions, as chance has it", async () => {
  const kept = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    const clock = new VirtualClock();
    const store = new StrictStore({ timers: clock, random: new SeededRandom(seed) });
    await store.commit(set("a"));
    store.delay(100);
    void Promise.allSettled([store.commit({ sets: [...set("b").sets, ...set("c").sets] })]);
    await clock.run(50);
    const isWritten = (await names(store)).includes("b");
    const left = (await names(store.crash())).join();
    kept.add(`${isWritten} ${left}`);
    assert.equal(clock.timerCount, 0);
  }
  assert.deepEqual([...kept].sort(), ["false a", "true a", "true a,b,c"]);
});

Deno.test("[F4] [F5] failReads() fails reads in the words of the store", async () => {
  const store = new StrictStore();
  await store.commit(set("a"));
  store.failReads("store_in_use");
  await assert.rejects(store.read(["a"]), { code: "store_in_use", message: /end the other process/ });
  await assert.rejects(store.readBody("00".repeat(32)), { code: "store_in_use" });
  await assert.rejects(names(store), { code: "store_in_use" });
  store.failReads(null);
  assert.deepEqual(await names(store), ["a"]);
});

Deno.test("a store that could not be opened is opened by a later call, or closed", async () => {
  const store = new StrictStore();
  store.failReads("store_damaged");
  await assert.rejects(store.read(["a"]), { code: "store_damaged", message: /restore a backup/ });
  store.failReads(null);
  store.failNext("store_in_use");
  await assert.rejects(store.commit(set("a")), { code: "store_in_use" });
  await store.commit(set("a"));
  assert.deepEqual(await names(store), ["a"]);
  const other = new StrictStore();
  other.failReads("store_failed");
  await assert.rejects(other.read(["a"]), { code: "store_failed" });
  await other.close();
  await assert.rejects(other.read(["a"]), { code: "closed" });
});

Deno.test("[F7] of a lost answer nobody knows whether it counts", async () => {
  for (const count of [true, false]) {
    const store = new StrictStore();
    await store.commit(set("a"));
    store.loseAnswers(1, { count });
    await assert.rejects(store.commit(set("b")), { code: "timeout" });
    assert.deepEqual(await names(store), count ? ["a", "b"] : ["a"]);
    await store.commit(set("c"));
    assert.deepEqual(await names(store.crash()), count ? ["a", "b", "c"] : ["a", "c"]);
  }
});

Deno.test("[F5] what hangs longer than the deadline is open, and may count when it goes on", async () => {
  const clock = new VirtualClock();
  const store = new StrictStore({ timers: clock });
  await store.commit(set("a"));
  store.hold();
  const [first, second] = [outcomeOf(store.commit(set("b"))), outcomeOf(store.commit(set("c")))];
  await clock.run(storeCommitMsMax);
  assert.deepEqual([first.code, second.code], ["timeout", "store_failed"]);
  assert.deepEqual(await names(store), ["a"]);
  store.release();
  await clock.settle();
  assert.deepEqual(await names(store), ["a", "b"]);
});

Deno.test("trouble says what is wrong with a store for as long as it is", () => {
  const store = new StrictStore({ random: new SeededRandom(1), timers: new VirtualClock() });
  store.delay(0, 400);
  store.failNext("store_full");
  assert.equal(store.trouble, null, "neither to be slow nor to fail once is a state");
  store.failAlways("store_full");
  assert.equal(store.trouble, "all writes fail (database or disk is full)");
  store.failReads("store_failed");
  store.failAlways(null);
  assert.equal(store.trouble, "all reads fail (disk I/O error)");
  store.failReads(null);
  store.hold();
  store.disturb({ failing: 0.2, lost: 0.3, failingReads: 1 });
  assert.equal(
    store.trouble,
    "writes are held up, 20 % of writes fail, 30 % of answers to writes are lost, 100 % of reads fail",
  );
  store.release();
  store.disturb({});
  assert.equal(store.trouble, null);
});

Deno.test("disturb() draws the same faults from the same seed, and none once it is ended", async () => {
  const run = async (seed: number) => {
    const store = new StrictStore({ random: new SeededRandom(seed) });
    await store.commit({});
    store.disturb({ failing: 0.3, lost: 0.3, failingReads: 0.5 });
    const codes: string[] = [];
    for (let i = 0; i < 100; i++) {
      codes.push(await store.commit(set(`${i}`)).then(() => "stored", ({ code }) => code));
      codes.push(await store.read(["x"]).then(() => "read", ({ code }) => code));
    }
    store.disturb({});
    return { codes, names: await names(store) };
  };
  const first = await run(1);
  assert.deepEqual(await run(1), first);
  assert.notDeepEqual(await run(2), first);
  const seen = new Set(first.codes);
  const expected = [
    ...["read", "store_damaged", "store_failed", "store_full", "store_in_use"],
    ...["stored", "timeout"],
  ];
  assert.deepEqual([...seen].sort(), expected);
  const stored = first.codes.filter((code) => code === "stored").length;
  const lost = first.codes.filter((code) => code === "timeout").length;
  assert.ok(first.names.length > stored && first.names.length < stored + lost, "some that were lost count");
});

Deno.test("[F1] a large change is several transactions, and a crash between any two leaves it whole or absent", async () => {
  const bodies = [1_500_000, 80_000].map((length, i) => {
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 7 + (at >> 8) + i) & 255);
    return { hash: bodyHash(bytes), bytes };
  });
  const outcomes: string[] = [];
  for (let later = 1; outcomes.at(-1) !== "stored"; later++) {
    for (const when of ["before", "after"] as const) {
      const clock = new VirtualClock();
      const store = new StrictStore();
      await store.commit(set("a"));
      store.crashAt(store.committed + later, when);
      const outcome = outcomeOf(store.commit({ ...set("b"), bodies }));
      await clock.settle();
      const after = store.crash();
      const isThere = (await names(after)).includes("b");
      for (const { hash } of bodies) assert.equal(await after.readBody(hash) !== null, isThere);
      const leftovers = after.diskEntries().filter(({ key }) =>
        key[0] === "o" || (!isThere && key[0] === "b")
      );
      assert.deepEqual(leftovers, []);
      outcomes.push(outcome.code === "done" ? "stored" : isThere ? "there" : "absent");
    }
  }
  const stagings = outcomes.filter((outcome) => outcome === "absent").length;
  assert.ok(stagings >= 5, outcomes.join());
  assert.deepEqual(outcomes.slice(stagings), ["there", "stored", "stored"]);
});

Deno.test("a commit log gives the store at each of its moments", async () => {
  const log = new CommitLog<string>();
  const store = new StrictStore({ commits: log.disk("a") });
  const other = new StrictStore({ commits: log.disk("b") });
  for (let n = 1; n <= 100; n++) {
    await store.commit({ sets: [{ key: ["n"], value: Uint8Array.of(n) }], deletes: [["x", n - 3]] });
    await other.commit(set(`${n}`));
    log.note("a", `told ${n}`);
    await store.commit({ sets: [{ key: ["x", n], value: Uint8Array.of(n) }] });
  }
  store.failNext("store_full");
  await assert.rejects(store.commit(set("never")));
  assert.equal(log.transactions("a"), 201);
  const stateOf = async (image: CrashImage) => {
    const told = log.steps.slice(0, image.steps).filter(({ kind }) => kind === "note").length;
    const answered = log.steps.slice(0, image.steps)
      .filter((step) => step.kind === "answer" && step.disk === "a" && step.outcome === "stored").length;
    return [
      (await image.store.read(["n"]))?.[0] ?? 0,
      (await listAll(image.store, ["x"])).length,
      told,
      answered,
    ];
  };
  for (let n = 1; n <= 100; n++) {
    const marked = 2 * n; // transaction 1 marks the format
    const x = Math.min(n - 1, 3);
    assert.deepEqual(await stateOf(log.image("a", marked, "before")), [n - 1, x, n - 1, 2 * n - 2]);
    const gone = n > 3 ? 1 : 0;
    assert.deepEqual(await stateOf(log.image("a", marked, "unanswered")), [n, x - gone, n - 1, 2 * n - 2]);
    assert.deepEqual(await stateOf(log.image("a", marked, "after")), [n, x - gone, n, 2 * n - 1]);
  }
  assert.deepEqual(await stateOf(log.imageAt("a", log.steps.length)), [100, 3, 100, 200]);
  const last = log.steps.at(-1)!;
  assert.deepEqual(last.kind === "answer" && [last.disk, last.outcome], ["a", "store_full"]);
});
