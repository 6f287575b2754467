import assert from "node:assert/strict";
import { timelineColumns, timelinePeersMax } from "../../../lib/sim/limits.ts";
import { Simulation } from "../../../lib/sim/simulation.ts";
import { Storm } from "../../../lib/sim/storm.ts";
import { Timeline, type TimelinePeer } from "../../../lib/sim/timeline.ts";
import { timeTicks } from "../../../lib/sim/timeline_ticks.ts";
import type { NetworkEvent } from "../../../transports/memory.ts";

Deno.test("Timeline draws well-formed SVG: a row for each peer, its runs, and what was sent and lost", () => {
  const world = new World();
  const [ana, ben] = [world.peer("ana & <co>"), world.peer("ben")];
  world.at(0);
  for (let ms = 2_000; ms < 3_000; ms += 10) world.at(ms).send("sent", ana);
  world.at(4_000).send("dropped", ana);
  world.at(5_000).send("delivered", ana);
  world.at(6_000).crash(ben);
  world.at(8_000).start(ben);
  world.at(10_000);
  const { rows, marks, all } = readPicture(world.svg());
  assert.deepEqual(rows, ["ana & <co>", "ben"]);
  assert.equal(strokes(marks("up")).length, 3, "ana's one run and ben's two");
  assert.equal(strokes(marks("down")).length, 1, "ben is down between them");
  assert.equal(strokes(marks("sent")).length, 36, "a bar for each column in which something was sent");
  assert.equal(strokes(marks("lost")).length, 1, "a bar for what was lost");
  assert.ok(!all.some(({ name }) => name === "script"));
});

Deno.test("Timeline: notes that begin like a fault are notes, whoever writes them", () => {
  const world = new World();
  const ana = world.peer("ana");
  for (
    const what of ["partition strikes peer 9", "partition is a word", "heal", "crash ana", "faults: many"]
  ) {
    world.at(1_000).timeline.onNote(what);
  }
  world.at(10_000);
  const { marks, titles } = readPicture(world.svg());
  for (const kind of ["i0", "i1", "partition", "crash", "paused"]) assert.deepEqual(marks(kind), [], kind);
  assert.equal(marks("note").length, 1, "one tick for what was said at one place");
  assert.ok(titles.some((title) => title.startsWith("1.000 s: partition strikes peer 9\n")));
  assert.ok(ana.isUp);
});

Deno.test("Timeline: a partition tints its sides apart, and the next one begins behind a gap", () => {
  const world = new World();
  const [ana, ben, cai, dot] = ["ana", "ben", "cai", "dot"].map((name) => world.peer(name));
  world.at(1_000).partition([ana!, ben!], [cai!]);
  world.at(3_000).partition([ana!], [ben!], [cai!]);
  world.at(4_000).partition();
  world.at(10_000);
  const { marks, titles } = readPicture(world.svg());
  const tints = ["i0", "i1", "i2"].map((kind) => marks(kind).map(({ x, y, width }) => ({ x, y, width })));
  assert.deepEqual(tints.map(({ length }) => length), [3, 2, 1]);
  assert.ok(
    !tints.flat().some(({ y }) => y === tints[0]![0]!.y! + 3 * 36),
    "nothing divides dot from anybody",
  );
  assert.ok(dot!.isUp);
  const [first, second] = [tints[0]![0]!, tints[0]![2]!];
  const gap = second.x! - (first.x! + first.width!);
  assert.ok(gap >= 1 && gap <= 3, `${gap} between two that follow each other`);
  assert.ok(Math.abs(first.width! / second.width! - 2) < 0.05, "tints are as long as partitions are");
  assert.equal(marks("partition").length, 2);
  assert.ok(titles.includes("Partition A: ana, ben | B: cai"));
  assert.ok(titles.includes("Partition A: ana | B: ben | C: cai"));
});

Deno.test("Timeline: more islands than tints, and partitions and pauses too short for a pixel, are seen", () => {
  const world = new World();
  const peers = Array.from({ length: 8 }, (_, i) => world.peer(`peer ${i + 1}`));
  world.at(1_000).partition(...peers.map((peer) => [peer]));
  world.at(1_001).partition();
  peers[0]!.isPaused = true;
  world.at(1_002);
  peers[0]!.isPaused = false;
  world.at(600_000);
  const { marks, titles } = readPicture(world.svg());
  for (const { width } of [...marks("i0"), ...marks("i5"), ...marks("partition"), ...marks("paused")]) {
    assert.ok(width! >= 1);
  }
  assert.equal(marks("paused").length, 1);
  assert.equal(marks("i0").length, 2, "the seventh has the tint of the first");
  assert.ok(titles.some((title) => title.endsWith("G: peer 7 | H: peer 8")));
});

Deno.test("Timeline: pauses, cuts, troubles of disks and jumps of clocks are drawn from what is, where it is", async () => {
  await using sim = new Simulation({ draws: true });
  const [ana, ben, cai] = await sim.peers(3);
  const startMs = sim.nowMs;
  await sim.run(10_000);
  ana.pause();
  sim.network.cut(ben.host, cai.host, { oneWay: true });
  cai.store.failAlways("store_full");
  cai.clock.jumpWall(-300_000);
  await sim.run(10_000);
  ben.clock.jumpMono(60_000);
  ana.clock.jumpWall(20); // how a clock is set right
  ana.resume();
  sim.network.heal(ben.host, cai.host);
  cai.store.failAlways(null);
  cai.store.disturb({ failing: 0.2, lost: 0.3 });
  await sim.run(20_000);
  const svg = sim.svg();
  const { marks, titles, rows } = readPicture(svg);
  assert.deepEqual(rows, ["peer 1", "peer 2", "peer 3"]);
  const endMs = sim.nowMs;
  const place = (ms: number) => 76 + (startMs + ms) / endMs * 1096;
  for (const [kind, row] of [["paused", 0], ["cut", 1], ["disk", 2]] as const) {
    const [mark] = marks(kind);
    assert.ok(Math.abs(mark!.x! - place(10_000)) < 1, `${kind} begins at ${mark!.x}`);
    assert.ok(Math.abs(mark!.x! + mark!.width! - place(20_000)) < 1, `${kind} ends`);
    assert.equal(Math.floor((mark!.y! - top(svg)) / 36), row);
  }
  assert.deepEqual(["paused", "cut", "disk", "jump"].map((kind) => marks(kind).length), [1, 1, 2, 2]);
  for (
    const title of [
      "stands still, 10 s",
      "nothing goes to peer 3, 10 s",
      "all writes fail (database or disk is full), 10 s",
      "20 % of writes fail, 30 % of answers to writes are lost, 20 s",
      "wall clock jumps back by 300 s",
      "monotonic clock jumps ahead by 60 s",
    ]
  ) assert.ok(titles.includes(title), title);
  cai.store.disturb({});
});

Deno.test("Timeline: the shortest crash is a cross above all bars, with paper around it", async () => {
  await using sim = new Simulation({ draws: true });
  const [ana, ben] = await sim.peers(2);
  const group = await sim.run(ana.peer.groups.create("Notes"));
  await sim.run(ben.peer.groups.join(await sim.run(group.invite())));
  await sim.run(30_000);
  sim.crash(ben);
  await sim.run(10);
  await sim.restart(ben);
  await sim.run(30_000);
  await sim.run(ana.peer.close());
  await sim.run(10_000);
  const { marks, all } = readPicture(sim.svg());
  assert.equal(marks("crash").length, 1);
  const kinds = all.map(({ attributes }) => attributes["class"]).slice(
    0,
    all.indexOf(marks("crash")[0]!) + 1,
  );
  assert.equal(kinds.at(-2), "halo");
  assert.equal(kinds.filter((kind) => kind === "sent").length, 2, "no bar comes after the cross in its row");
  assert.equal(strokes(marks("down")).length, 1, "who was closed is not down by a crash");
  assert.equal(strokes(marks("up")).length, 3);
});

Deno.test("Timeline: peers are in the order of their numbers, whichever opens first", async () => {
  await using sim = new Simulation({ draws: true });
  const machines = Array.from({ length: 11 }, () => sim.addMachine());
  for (const machine of machines.slice(0, 10).toReversed()) await sim.run(machine.open());
  assert.deepEqual(
    readPicture(sim.svg()).rows,
    Array.from({ length: 10 }, (_, i) => `peer ${i + 1}`),
    "and one that never ran is in none",
  );
});

Deno.test("Timeline says which seed it is and of what, the faults of its storm, when all was quiet, and how it failed", async () => {
  await using sim = new Simulation({ seed: 4, draws: true });
  const storm = new Storm(sim);
  await sim.peers(1);
  await sim.run(5_000);
  sim.judgeQuiet();
  assert.throws(() => sim.assert(false, "a < b & so on\u0001\ud800"));
  const { texts, marks } = readPicture(sim.svg("scenario group"));
  assert.equal(texts[0], "Seed 4, scenario group");
  assert.ok(texts.some((text) => /^1 peer, [\d.]+ s of virtual time$/.test(text)), texts.join());
  assert.ok(storm.kinds.size > 0);
  assert.ok(texts.join(" ").includes(`Faults: ${[...storm.kinds].join(", ")}`));
  assert.ok(texts.includes("Fails at the end: assert: a < b & so on\ufffd\ufffd"));
  assert.deepEqual([marks("quiet").length, marks("failing").length], [1, 1]);
});

Deno.test("Timeline: a storm without faults says so, and who has no storm says nothing", () => {
  const world = new World();
  assert.ok(!world.svg().includes("Faults"));
  world.timeline.onFaults([]);
  assert.ok(readPicture(world.svg()).texts.includes("Faults: none"));
});

Deno.test("Timeline has a legend for all that it draws, and rules for each in light and in dark", () => {
  const world = new World();
  const svg = world.svg();
  const [light, dark] = /<style>(.*)@media \(prefers-color-scheme:dark\)\{(.*)\}<\/style>/s.exec(svg)!.slice(
    1,
  );
  for (const kind of ["up", "sent", "lost", "down", "crash", "paused", "disk", "cut", "jump", "i0", "note"]) {
    assert.ok(svg.includes(`class="${kind}"`), `the legend shows ${kind}`);
    for (const rules of [light!, dark!]) assert.ok(rules.includes(`.kith-timeline .${kind}{`), kind);
  }
  for (const rule of `${light}${dark}`.split("}").slice(0, -1)) assert.match(rule, /^\.kith-timeline /);
});

Deno.test("Timeline: of many peers it draws the first, in no more columns than a picture has", () => {
  const world = new World();
  const peers = Array.from({ length: timelinePeersMax + 9 }, (_, i) => world.peer(`peer ${i + 1}`));
  for (let ms = 0; ms < 5_000; ms++) world.at(ms).send("sent", peers[0]!);
  world.send("sent", peers.at(-1)!);
  const svg = world.svg();
  const { rows, marks, texts } = readPicture(svg);
  assert.equal(rows.length, timelinePeersMax);
  assert.equal(strokes(marks("sent")).length, timelineColumns);
  assert.ok(texts.some((text) => text.startsWith(`${timelinePeersMax} of ${timelinePeersMax + 9} peers, `)));
  assert.ok(svg.length < 30_000, `${svg.length} characters`);
});

Deno.test("Timeline of nothing is a picture too", () => {
  assert.deepEqual(readPicture(new World().svg()).rows, []);
});

Deno.test("to be drawn changes nothing of a run", async () => {
  const run = async (draws: boolean) => {
    await using sim = new Simulation({ seed: 3, draws });
    const storm = new Storm(sim);
    const peers = await sim.peers(4);
    storm.begin();
    for (let step = 0; step < 20; step++) {
      storm.step(peers);
      await sim.run(5_000);
    }
    await storm.mend();
    if (draws) sim.svg();
    return sim.trace.hash;
  };
  assert.equal(await run(true), await run(false));
});

Deno.test("timeTicks() are few, and round in the unit that suits", () => {
  const labels = (endMs: number) => timeTicks(endMs).map(({ label }) => label);
  assert.deepEqual(labels(210_000).slice(0, 4), ["0 s", "20 s", "40 s", "60 s"]);
  assert.deepEqual(labels(599_000).slice(-2), ["500 s", "550 s"]);
  assert.deepEqual(labels(1_068_900), [0, 2, 4, 6, 8, 10, 12, 14, 16].map((at) => `${at} min`));
  assert.deepEqual(labels(86_400_000).slice(-2), ["22 h", "24 h"]);
  for (let endMs = 1; endMs < 1e12; endMs = Math.ceil(endMs * 1.37)) {
    const ticks = timeTicks(endMs);
    assert.ok(
      ticks.length <= 13 && (endMs < 3 || ticks.length >= 3),
      `${ticks.length} ticks up to ${endMs} ms`,
    );
    assert.ok(ticks.at(-1)!.atMs <= endMs);
    for (const { label } of ticks.slice(1, 2)) assert.match(label, /^[125]0* (ms|s|min|h)$/);
  }
});

/** A simulation as far as a timeline sees it. */
class World {
  readonly seed = 1;
  readonly all: Fake[] = [];
  readonly timeline = new Timeline(this);
  nowMs = 0;
  network = { islands: new Map<string, number>(), cuts: [] };

  peer(name: string): Fake {
    const fake = {
      ...{ name, host: `10.0.${this.all.length + 1}.1`, isUp: true, isPaused: false },
      ...{ store: { trouble: null }, clock: { jumpsMs: { wall: 0, mono: 0 } } },
    };
    this.all.push(fake);
    return fake;
  }

  /** Time is then, and what was changed before has been seen. */
  at(ms: number): this {
    this.timeline.onEvent();
    this.nowMs = ms;
    this.timeline.onEvent();
    return this;
  }

  send(kind: NetworkEvent["kind"], { host }: Fake): void {
    this.timeline.onNetwork({ kind, from: { host, port: 1 } } as NetworkEvent);
  }

  crash(peer: Fake): void {
    peer.isUp = false;
    this.timeline.onCrash(peer);
  }

  start(peer: Fake): void {
    peer.isUp = true;
    this.timeline.onStart();
  }

  partition(...groups: Fake[][]): void {
    const islands = groups.flatMap((group, i) => group.map(({ host }) => [host, i] as const));
    this.network = { ...this.network, islands: new Map(islands) };
    this.timeline.onEvent();
  }

  svg(): string {
    return this.timeline.svg();
  }
}

type Fake = { -readonly [key in keyof TimelinePeer]: TimelinePeer[key] };

interface Mark {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly isInLegend: boolean;
  readonly x?: number;
  readonly y?: number;
  readonly width?: number;
}

/** Reads SVG as strictly as XML is read: its texts and titles, and marks by class, without those of the legend. */
function readPicture(svg: string) {
  const open: string[] = [];
  const texts: string[] = [];
  const titles: string[] = [];
  const rows: string[] = [];
  const all: Mark[] = [];
  let at = 0;
  for (const match of svg.matchAll(/<(\/?)([a-z]+)((?: [a-zA-Z-]+="[^"<]*")*)(\/?)>/g)) {
    const [tag, end, name, attributes, empty] = match;
    const between = svg.slice(at, match.index);
    assert.ok(!between.includes("<"), `stray mark-up in "${between}"`);
    assert.doesNotMatch(between, /&(?!amp;|lt;|gt;|quot;)/);
    // deno-lint-ignore no-control-regex -- XML has no control characters
    assert.doesNotMatch(between, /[\u0000-\u0008\u000b-\u001f]/);
    if (end === "/") {
      assert.equal(open.pop(), name);
      const text = between.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
      if (name === "title") titles.push(text);
      else if (text.trim() !== "" && name !== "style") texts.push(text);
      if (name === "text" && all.at(-1)?.attributes["class"] === "name") rows.push(text);
    } else {
      if (empty !== "/") open.push(name!);
      all.push(readMark(name!, attributes!, all));
    }
    at = match.index + tag.length;
  }
  assert.deepEqual([open, svg.slice(at)], [[], ""]);
  assert.match(svg, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 [\d.]+ [\d.]+"/);
  const marks = (kind: string) => all.filter((mark) => mark.attributes["class"] === kind && !mark.isInLegend);
  return { texts, titles, rows, all, marks };
}

function readMark(name: string, attributes: string, before: readonly Mark[]): Mark {
  const pairs = [...attributes.matchAll(/([a-zA-Z-]+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]);
  assert.equal(new Set(pairs.map(([key]) => key)).size, pairs.length, `an attribute twice in ${attributes}`);
  for (const [, value] of pairs) assert.doesNotMatch(value!, /NaN|undefined|Infinity/);
  const read = Object.fromEntries(pairs);
  const numbers = ["x", "y", "width"].flatMap((key) => key in read ? [[key, Number(read[key])]] : []);
  const isInLegend = "transform" in read || before.at(-1)?.isInLegend === true;
  return { name, attributes: read, isInLegend, ...Object.fromEntries(numbers) };
}

/** The lines that paths draw. */
function strokes(paths: readonly Mark[]): readonly string[] {
  return paths.flatMap(({ attributes }) => [...(attributes["d"] ?? "").matchAll(/M/g)].map(() => "M"));
}

/** Where the first row begins. */
function top(svg: string): number {
  return Number(/class="name" x="[\d.]+" y="([\d.]+)"/.exec(svg)![1]) - 22;
}
