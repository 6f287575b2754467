import assert from "node:assert/strict";
import { timelineColumns, timelinePeersMax } from "../../../lib/sim/limits.ts";
import type { SimulatedPeer } from "../../../lib/sim/simulated_peer.ts";
import { Timeline } from "../../../lib/sim/timeline.ts";
import type { NetworkEvent } from "../../../transports/memory.ts";

Deno.test("Timeline draws well-formed SVG: a row for each peer, its marks, and the partitions behind", () => {
  const { timeline, at, peer, send } = world();
  const [ana, ben] = [peer("ana & <co>", "10.0.1.1"), peer("ben", "10.0.2.1")];
  for (const one of [ana, ben]) timeline.onStart(one);
  at(1_000, () => timeline.onNote("partition ana & <co> | ben"));
  for (let ms = 2_000; ms < 3_000; ms += 10) at(ms, () => send("sent", ana));
  at(4_000, () => send("dropped", ana));
  at(5_000, () => timeline.onNote("heal"));
  at(5_000, () => send("delivered", ana));
  at(6_000, () => timeline.onCrash(ben));
  at(7_000, () => timeline.onNote("partition ana & <co>"));
  at(8_000, () => timeline.onStart(ben));
  at(10_000, () => {});
  const svg = timeline.svg();
  const tags = readXml(svg);
  assert.deepEqual(tags.texts.slice(0, 4), [
    "partition ana & <co> | ben",
    "partition ana & <co>",
    "ana & <co>",
    "ben",
  ]);
  assert.ok(tags.texts.includes("×"), "the crash is marked");
  assert.deepEqual(tags.texts.slice(-11).map((text) => text.split(" ")[0]), [
    ...["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"],
  ]);
  const fills = (fill: string) => tags.rects.filter((rect) => rect.fill === fill);
  assert.equal(fills("#f0c9a0").length, 2, "a band for each partition");
  assert.equal(fills("#24576b").length, 3, "ana's one run and ben's two");
  assert.equal(fills("#3f8f8b").length, 36, "a bar for each column in which something was sent");
  assert.equal(fills("#b3261e").length, 1, "a bar for what was lost");
  const [first, second] = fills("#f0c9a0");
  assert.ok(Math.abs(width(first!) / width(second!) - 4 / 3) < 0.01, "bands are as long as partitions are");
});

Deno.test("Timeline: of many peers it draws the first, and bars in no more columns than a picture has", () => {
  const { timeline, at, peer, send } = world();
  const peers = Array.from({ length: timelinePeersMax + 9 }, (_, i) => peer(`peer ${i}`, `10.0.${i}.1`));
  for (const one of peers) timeline.onStart(one);
  for (let ms = 0; ms < 5_000; ms++) at(ms, () => send("sent", peers[0]!));
  const { texts, rects } = readXml(timeline.svg());
  assert.equal(texts.filter((text) => text.startsWith("peer ")).length, timelinePeersMax);
  assert.equal(rects.filter(({ fill }) => fill === "#3f8f8b").length, timelineColumns);
});

Deno.test("Timeline of nothing is a picture too", () => {
  assert.equal(readXml(world().timeline.svg()).texts.length, 11);
});

function world() {
  let nowMs = 0;
  const timeline = new Timeline(() => nowMs);
  return {
    timeline,
    at: (ms: number, act: () => void) => {
      nowMs = ms;
      act();
    },
    peer: (name: string, host: string) => ({ name, host }) as SimulatedPeer,
    send: (kind: NetworkEvent["kind"], { host }: SimulatedPeer) =>
      timeline.onNetwork({ kind, from: { host, port: 1 } } as NetworkEvent),
  };
}

/** Reads SVG as strictly as XML is read; texts and rectangles in order. */
function readXml(svg: string) {
  const open: string[] = [];
  const texts: string[] = [];
  const rects: Record<string, string>[] = [];
  let at = 0;
  for (const match of svg.matchAll(/<(\/?)([a-z]+)((?: [a-zA-Z-]+="[^"<]*")*)(\/?)>/g)) {
    const [tag, end, name, attributes, empty] = match;
    const between = svg.slice(at, match.index);
    assert.ok(!between.includes("<"), `stray mark-up in "${between}"`);
    assert.doesNotMatch(between, /&(?!amp;|lt;|gt;|quot;)/);
    if (end === "/") {
      assert.equal(open.pop(), name);
      if (name === "text" || name === "title") {
        texts.push(between.replaceAll("&lt;", "<").replaceAll("&amp;", "&"));
      }
    } else {
      if (empty !== "/") open.push(name!);
      const pairs = [...attributes!.matchAll(/([a-zA-Z-]+)="([^"]*)"/g)].map((
        [, key, value],
      ) => [key, value]);
      assert.equal(new Set(pairs.map(([key]) => key)).size, pairs.length, `an attribute twice in ${tag}`);
      for (const [, value] of pairs) assert.doesNotMatch(value!, /NaN|undefined|Infinity/);
      if (name === "rect") rects.push(Object.fromEntries(pairs));
    }
    at = match.index + tag.length;
  }
  assert.deepEqual([open, svg.slice(at)], [[], ""]);
  assert.match(svg, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 [\d.]+ [\d.]+"/);
  return { texts, rects };
}

function width(rect: Record<string, string>): number {
  return Number(rect["width"]);
}
