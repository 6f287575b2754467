import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Simulation } from "../../../lib/sim/simulation.ts";
import { realTimers } from "../../contract/real_world.ts";
import { SimulationFailure } from "../../../lib/sim/simulation_failure.ts";

const here = fileURLToPath(import.meta.url);

Deno.test("peers() opens so many, each on a machine of its own, and names them", async () => {
  await using sim = new Simulation();
  const [ana, ben] = await sim.peers(2);
  assert.deepEqual([ana.name, ben.name], ["peer 1", "peer 2"]);
  assert.deepEqual([ana.endpoint, ben.bootstrap], ["tcp://10.0.1.1:4000", "10.0.2.1:4000"]);
  assert.notEqual(ana.id, ben.id);
  assert.equal(ana.peer.id, ana.id);
  const many: readonly unknown[] = await sim.peers(sim.all.length);
  assert.equal(many.length, 2);
  assert.equal(sim.all.length, 4);
});

Deno.test("run() takes a span of virtual time, and no real one", async () => {
  await using sim = new Simulation();
  await sim.run(10 * 24 * 3_600_000);
  assert.equal(sim.nowMs, 10 * 24 * 3_600_000);
});

Deno.test("run() takes a condition: it stops at the event that brings it", async () => {
  await using sim = new Simulation();
  let count = 0;
  const tick = () => void (count++, sim.clock.set(10, tick));
  const timer = sim.clock.set(10, tick);
  await sim.run(() => count === 3);
  assert.equal(sim.nowMs, 30);
  timer.cancel();
});

Deno.test("run() takes a promise and gives its outcome", async () => {
  await using sim = new Simulation();
  const later = new Promise<string>((resolve) => void sim.clock.set(70, () => resolve("come")));
  assert.equal(await sim.run(later), "come");
  assert.equal(sim.nowMs, 70);
  await assert.rejects(sim.run(Promise.reject(new TypeError("its own"))), new TypeError("its own"));
  assert.equal(await sim.run(Promise.resolve(5)), 5, "a failed call fails no simulation");
});

Deno.test("(I9) run() fails for what does not come within its time", async () => {
  for (const until of [() => false, new Promise(() => {})]) {
    const sim = new Simulation({ seed: 4 });
    await assert.rejects(sim.run(until, 5_000), (error: SimulationFailure) => {
      assert.equal(error.invariant, "I9");
      assert.match(error.message, /had not come after 5000 virtual ms/);
      return true;
    });
    sim.drop();
  }
});

Deno.test("(I25) a peer that asks itself without end and time ends in its own step once the simulation has failed", async () => {
  let steps = 0;
  const sim = new Simulation({
    seed: 3,
    checkers: (_, report) => [{
      invariant: "I25",
      onReplica: () => void (++steps > 200 && report("I25", "it asks itself again and again")),
    }],
  });
  const [ana] = await sim.peers(1);
  const { records } = await sim.run(ana.peer.graphs.create());
  let written = 0;
  // Far more than it is let do: a peer that was not ended would go through all of them.
  const writeOnAndOn = async () => {
    for (; written < 2_000; written++) await records.add("note", written);
  };
  const running = writeOnAndOn();
  await assert.rejects(sim.run(running), (error: SimulationFailure) => {
    assert.equal(error.invariant, "I25");
    assert.match(error.message, /it asks itself again and again/);
    return true;
  });
  assert.ok(written > 0 && written < 200 && !ana.isUp);
  assert.equal(steps, 201);
  sim.drop();
});

Deno.test("run() is for one caller at a time", async () => {
  await using sim = new Simulation();
  const first = sim.run(1_000);
  await assert.rejects(sim.run(1_000), /runs already; await that run first/);
  await first;
});

Deno.test("[X12] (I28) a failure says what is wrong, the seed, the moment, what happened last, and how to repeat it", async () => {
  const sim = new Simulation({ seed: 41 });
  await sim.peers(1);
  await sim.run(90_000);
  sim.note("the last thing");
  assert.doesNotThrow(() => sim.assert(true, "fine"));
  assert.throws(() => sim.assert(false, "two and two are four"), (error: SimulationFailure) => {
    assert.ok(error instanceof SimulationFailure);
    assert.deepEqual([error.name, error.seed, error.invariant], ["SimulationFailure", 41, "assert"]);
    const lines = error.message.split("\n");
    assert.equal(lines[0], "assert: two and two are four");
    assert.match(lines[1]!, /^Seed 41, after 90\.\d+ virtual seconds and \d+ events\. The last of them:$/);
    assert.match(lines.at(-2)!, /90\.\d+ s {2}simulation {2}the last thing$/);
    const [again, line] = lines.at(-1)!.split(/:(?=\d+$)/);
    assert.equal(again, `To repeat it: give seed 41 to the simulation made at ${here}`);
    assert.ok(Number(line) > 0);
    return true;
  });
  sim.drop();
});

Deno.test("a simulation that failed goes on failing with the first failure", async () => {
  const sim = new Simulation({ replay: (seed) => `again ${seed}` });
  assert.throws(() => sim.assert(false, "first"), /assert: first[^]*To repeat it: again 1$/);
  assert.throws(() => sim.assert(false, "second"), /assert: first/);
  await assert.rejects(sim.run(10), /assert: first/);
  await sim[Symbol.asyncDispose]();
});

Deno.test("[X12] a peer that is cut off hears nothing until the partition is healed", async () => {
  await using sim = new Simulation();
  const { ana, ben, notes, group } = await pair(sim);
  sim.partition([ana], [ben]);
  await sim.run(group.records.add("note", "while apart"));
  await sim.run(300_000);
  assert.equal((await sim.run(notes.list())).length, 0);
  assert.match(sim.differences().join(), /hold different sets/);
  sim.heal();
  await sim.run(() => sim.differences().length === 0);
  assert.equal((await sim.run(notes.list())).length, 1);
});

Deno.test("peers in no group of a partition are cut off from nobody", async () => {
  await using sim = new Simulation();
  const [ana, ben, chi] = await sim.peers(3);
  const group = await sim.run(ana.peer.groups.create("Notes"));
  const invitation = await sim.run(group.invite({ uses: 2 }));
  sim.partition([ana], [ben]);
  await sim.run(chi.peer.groups.join(invitation));
  await assert.rejects(sim.run(ben.peer.groups.join(invitation)), { code: "no_members_reachable" });
});

Deno.test("[X12] [R26] a crashed peer is gone, and has what was durable after its restart", async () => {
  await using sim = new Simulation();
  const { ana, ben, group } = await pair(sim);
  const record = await sim.run(group.records.add("note", "kept"));
  let isSettled = false;
  const lost = group.records.add("note", "on its way");
  void lost.then(() => isSettled = true, () => isSettled = true);
  sim.crash(ana);
  assert.equal(ana.isUp, false);
  assert.throws(() => ana.peer, /Cannot use peer 1: it is down; restart it first/);
  await sim.run(120_000);
  assert.equal(isSettled, false, "nothing of a crashed peer settles");
  const { id } = ana;
  await sim.restart(ana);
  assert.deepEqual([ana.isUp, ana.starts, ana.peer.id], [true, 2, id]);
  const again = ana.peer.groups.get(group.id)!;
  assert.equal((await sim.run(again.records.get(record.id)))?.value, "kept");
  await sim.run(() => sim.differences().length === 0);
  assert.equal(ben.isUp, true);
});

Deno.test("(I29) closing leaves no timer of any peer, and nothing goes over the network any more", async () => {
  const sim = new Simulation();
  const { ana, ben } = await pair(sim);
  ben.pause();
  await sim.close();
  assert.deepEqual(sim.all.map(({ clock, timerCount }) => [clock.timerCount, timerCount]), [[0, 0], [0, 0]]);
  assert.equal(sim.clock.timerCount, 0);
  const { events } = sim;
  await sim.clock.run(3_600_000);
  assert.equal(sim.events, events);
  assert.equal(ana.isUp || ben.isUp, false);
});

Deno.test("(I29) a timer that a closed peer left fails the simulation", async () => {
  const sim = new Simulation();
  const [ana] = await sim.peers(1);
  Object.defineProperty(ana, "timerCount", { value: 1 });
  await assert.rejects(sim.close(), /I29: peer 1 is closed and left 1 timers/);
  sim.drop();
});

Deno.test("(I29) a peer that is closed in the midst of a simulation may leave no timer either", async () => {
  const sim = new Simulation();
  const { ana, ben } = await pair(sim);
  await sim.run(ben.close());
  sim.closed(ben);
  await sim.run(1);
  await sim.run(ana.close());
  Object.defineProperty(ana, "timerCount", { value: 1 });
  sim.closed(ana);
  await assert.rejects(sim.run(1), /I29: peer 1 is closed and left 1 timers/);
  sim.drop();
});

Deno.test("(I29) a peer that crashed and does not come back leaves nothing to be found at the end", async () => {
  const sim = new Simulation();
  const { ben } = await pair(sim);
  sim.crash(ben);
  await sim.close();
  assert.equal(ben.timerCount, 0);
});

Deno.test("machines stand at the addresses that they are given, global ones as well", async () => {
  await using sim = new Simulation();
  const [ana, ben] = await sim.peers(2, { host: (number) => number === 1 ? "20.0.0.7" : "2a00::7" });
  assert.deepEqual([ana.host, ana.endpoint], ["20.0.0.7", "tcp://20.0.0.7:4000"]);
  assert.deepEqual([ben.bootstrap, ben.endpoint], ["[2a00::7]:4000", "tcp://[2a00::7]:4000"]);
  const graph = await sim.run(ana.peer.graphs.create());
  const copy = await sim.run(ben.peer.graphs.open(graph.id, { endpoints: [ana.bootstrap] }));
  await sim.run(graph.records.add("note", "heron"));
  await sim.run(60_000);
  assert.equal((await sim.run(copy.records.list())).length, 1);
  assert.throws(() => sim.addMachine({ host: () => "2a00::7" }), /no two machines have one address/);
});

Deno.test("[X12] a call to the real clock fails from the making of a simulation to its end, and works after it", async () => {
  const sim = new Simulation();
  sim.clock.set(10, () => void new Date(0).getTime());
  assert.throws(realTime, /Cannot use Date\.now before the simulation is closed/, "before its first run");
  await sim.run(20);
  const call = new Promise((resolve, reject) =>
    void sim.clock.set(10, () => Promise.try(realTime).then(resolve, reject))
  );
  await assert.rejects(sim.run(call), /Cannot use Date\.now before the simulation is closed/);
  assert.throws(realTime, /Cannot use Date\.now/, "between its runs");
  await sim.close();
  assert.ok(realTime() > 0);
  sim.drop();
  assert.ok(realTime() > 0, "a second end opens nothing twice");
});

Deno.test("(I28) the real world opens again when the last simulation has ended, however it ends", async () => {
  const first = new Simulation();
  {
    await using _second = new Simulation();
    assert.throws(realTime, /Cannot use/);
  }
  assert.throws(realTime, /Cannot use/, "the first is still there");
  first.drop();
  assert.ok(realTime() > 0);
  assert.throws(() => new Simulation({ network: { latencyMs: -1 } }), RangeError);
  assert.ok(realTime() > 0, "one that was never made shuts nothing");
  await assert.rejects(Simulation.each(1, () => Promise.reject(new Error("the caller's own"))));
  assert.ok(realTime() > 0, "nor does one that failed");
});

Deno.test("timers that were set before a simulation go on through it, as a test's own deadline does", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  realTimers.set(1, () => resolve("rung"));
  await using sim = new Simulation();
  assert.throws(() => realTimers.set(1, () => {}), /Cannot use setTimeout/);
  await sim.run(10);
  assert.equal(await promise, "rung");
});

Deno.test("[X12] (I9) a promise that fails and is taken by nobody fails the simulation", async () => {
  const sim = new Simulation({ seed: 6 });
  sim.clock.set(10, () => void Promise.reject(new Error("nobody's")));
  await assert.rejects(sim.run(1_000), (error: SimulationFailure) => {
    assert.deepEqual([error.invariant, error.seed], ["I9", 6]);
    assert.match(error.message, /A promise failed and nobody took it: Error: nobody's/);
    return true;
  });
  assert.ok(sim.nowMs < 1_000, "at once");
  sim.drop();
});

Deno.test("an invariant that a caller's own checker holds ends the run at that event", async () => {
  let events = 0;
  const sim = new Simulation({
    checkers: (_, report) => [{ invariant: "mine", onEvent: () => ++events === 5 && report("mine", "five") }],
  });
  const tick = () => void sim.clock.set(10, tick);
  tick();
  await assert.rejects(sim.run(1_000), (error: SimulationFailure) => error.invariant === "mine");
  assert.equal(sim.nowMs, 40, "the run asks before the first event");
  sim.drop();
});

Deno.test("[X12] each() runs the seeds 1 to count, and a failure carries its own", async () => {
  const seeds: number[] = [];
  await Simulation.each(3, (sim) => Promise.resolve(void seeds.push(sim.seed)));
  assert.deepEqual(seeds, [1, 2, 3]);
  const failure = await failed(Simulation.each(3, (sim) => {
    if (sim.seed === 2) throw new TypeError("the caller's own");
    return Promise.resolve();
  }));
  assert.deepEqual([failure.seed, failure.invariant], [2, "error"]);
  assert.ok(failure.cause instanceof TypeError);
  assert.match(failure.message, /^error: the caller's own\nSeed 2/);
  assert.ok(failure.message.endsWith(`KITH_SEED=2 deno test --allow-env=KITH_SEED ${here}`));
});

Deno.test("[X12] each() runs the one seed of KITH_SEED", async () => {
  const seeds: number[] = [];
  Deno.env.set("KITH_SEED", "77");
  try {
    await Simulation.each(3, (sim) => Promise.resolve(void seeds.push(sim.seed)));
  } finally {
    Deno.env.delete("KITH_SEED");
  }
  assert.deepEqual(seeds, [77]);
});

Deno.test("each() closes the simulation of each seed, and drops one that fails", async () => {
  const sims: Simulation[] = [];
  await failed(Simulation.each(2, async (sim) => {
    sims.push(sim);
    await sim.peers(1);
    sim.assert(sim.seed === 1, "the second fails");
  }));
  for (const sim of sims) assert.deepEqual(sim.all.map(({ isUp }) => isUp), [false]);
});

Deno.test("a simulation that draws gives a picture, others none", async () => {
  await using sim = new Simulation({ draws: true });
  const { ana, ben } = await pair(sim);
  sim.partition([ana], [ben]);
  await sim.run(60_000);
  const svg = sim.svg();
  for (const text of ["peer 1</text>", "peer 2</text>", "partition peer 1 | peer 2"]) {
    assert.ok(svg.includes(text));
  }
  await using other = new Simulation();
  assert.throws(() => other.svg(), /Cannot draw this simulation: it must be made with draws: true/);
});

Deno.test("a simulation counts and traces what its peers do", async () => {
  await using sim = new Simulation();
  await pair(sim);
  const { events } = sim;
  await sim.run(60_000);
  assert.ok(sim.events > events && sim.trace.count > events);
  assert.ok(
    sim.trace.entries().some(({ who, what }) => who === "peer 2" && /^chunk sent to peer 1, \d/.test(what)),
  );
  assert.ok(
    sim.trace.entries().some(({ who, what }) =>
      who === "peer 1" && /^chunk delivered from peer 2/.test(what)
    ),
  );
});

Deno.test("(I29) timers that a user sets on a machine's clock are the user's own, and end with the machine", async () => {
  const sim = new Simulation();
  const [ana] = await sim.peers(1);
  let rings = 0;
  const ring = () => void (rings++, ana.clock.set(1_000, ring));
  ring();
  await sim.run(10_500);
  await sim.close();
  assert.deepEqual([rings, ana.clock.timerCount], [11, 0]);
});

Deno.test("what peers() and restart() return may be given to run() as well", async () => {
  await using sim = new Simulation();
  const [ana] = await sim.run(sim.peers(1));
  sim.crash(ana);
  await sim.run(sim.restart(ana));
  assert.deepEqual([ana.isUp, ana.starts], [true, 2]);
});

Deno.test("a peer that its user closed is down, and can be opened again", async () => {
  await using sim = new Simulation();
  const { ana, group } = await pair(sim);
  await sim.run(group.records.add("note", "kept"));
  await sim.run(ana.peer.close());
  assert.equal(ana.isUp, false);
  await sim.restart(ana);
  const again = ana.peer.groups.get(group.id)!;
  assert.equal((await sim.run(again.records.list())).length, 1);
  await assert.rejects(ana.open(), /Cannot open peer 1: it is up; crash or close it first/);
});

Deno.test("what means nothing is refused at the call, and never makes a test pass", async () => {
  await using sim = new Simulation();
  const [ana] = await sim.peers(1);
  const any = (value: unknown) => value as never;
  for (const span of [NaN, -1, Infinity]) await assert.rejects(sim.run(span), RangeError);
  for (const span of [NaN, -1]) await assert.rejects(sim.run(() => true, span), RangeError);
  await assert.rejects(sim.run(any("5")), TypeError);
  await assert.rejects(
    sim.run(any(() => Promise.resolve(true))),
    /answers a promise: give run\(\) the promise/,
  );
  await assert.rejects(sim.run(any(() => undefined)), TypeError);
  assert.throws(() => sim.assert(any(Promise.resolve(false)), "never"), TypeError);
  for (const count of [0, -1, NaN, 1.5, any("x")]) {
    await assert.rejects(sim.peers(count), RangeError);
    await assert.rejects(Simulation.each(count, () => Promise.resolve()), RangeError);
  }
  for (const seed of [NaN, -1, 1.5, 2 ** 32, Infinity]) {
    assert.throws(() => new Simulation({ seed }), RangeError);
  }
  assert.throws(() => sim.network.cut(ana.name, ana.host), /"peer 1" is no address of a machine/);
  assert.throws(() => ana.clock.drift({ monoDriftPpm: -2e6 }), RangeError);
  assert.throws(() => ana.clock.jumpMono(-1), RangeError);
  assert.equal(sim.nowMs < 1_000, true);
});

Deno.test("a simulation takes no peer of another, and nothing once it has ended", async () => {
  await using sim = new Simulation();
  const other = new Simulation();
  const [theirs] = await other.peers(1);
  assert.throws(() => sim.crash(theirs), /Cannot crash a peer of another simulation/);
  assert.throws(() => sim.partition([theirs]), /Cannot cut off a peer of another simulation/);
  await assert.rejects(sim.restart(theirs), /Cannot restart a peer of another simulation/);
  await other.close();
  await assert.rejects(other.run(5), /Cannot run: the simulation has ended/);
  await assert.rejects(other.peers(1), /Cannot make peers: the simulation has ended/);
  assert.throws(() => other.crash(theirs), /Cannot crash: the simulation has ended/);
});

Deno.test("a failed run says where it was asked for, an assertion has its own stack", async () => {
  const sim = new Simulation();
  await assert.rejects(sim.run(() => false, 10), (error: SimulationFailure) => {
    const place = error.message.split("\n")[1]!;
    assert.ok(place.startsWith(`In the run at ${here}:`), place);
    return true;
  });
  sim.drop();
  const failure = await failed(
    Simulation.each(1, (each) => each.run(Promise.reject(new TypeError("the caller's own")))),
  );
  assert.match(failure.message, /^error: the caller's own\nIn the run at /);
  const before = await failed(Simulation.each(1, async (each) => {
    await each.run(5);
    throw new TypeError("outside of any run");
  }));
  assert.match(before.message, /^error: outside of any run\nSeed 1/);
});

Deno.test("`await using` does not hide the error behind a run that was left alone", async () => {
  const body = async () => {
    await using sim = new Simulation();
    await Promise.all([sim.run(100), sim.run(50)]);
  };
  await assert.rejects(body(), /Cannot run: this simulation runs already/);
});

Deno.test("what a dropped simulation had under way fails nothing that comes after it", async () => {
  const dropped = new Simulation();
  const [ana] = await dropped.peers(1);
  void ana.peer.groups.create("under way");
  dropped.crash(ana);
  void ana.open();
  void dropped.addMachine().open();
  dropped.drop();
  await using sim = new Simulation({ seed: 2 });
  await sim.peers(1);
  await sim.run(60_000);
});

Deno.test("what is done to a machine stands in the trace", async () => {
  await using sim = new Simulation();
  const [ana] = await sim.peers(1);
  ana.pause();
  await sim.run(1_000);
  ana.resume();
  const notes = sim.trace.entries().filter(({ who }) => who === "simulation").map(({ what }) => what);
  assert.deepEqual(notes, ["pause peer 1", "resume peer 1"]);
});

async function pair(sim: Simulation) {
  const [ana, ben] = await sim.peers(2);
  const group = await sim.run(ana.peer.groups.create("Notes"));
  const notes = (await sim.run(ben.peer.groups.join(await sim.run(group.invite())))).records;
  return { ana, ben, group, notes };
}

async function failed(run: Promise<void>): Promise<SimulationFailure> {
  try {
    await run;
  } catch (error) {
    assert.ok(error instanceof SimulationFailure);
    return error;
  }
  assert.fail("the run must fail");
}

/** What code that takes no ports would call. */
function realTime(): number {
  return Reflect.apply(Reflect.get(Date, "now"), Date, []);
}
