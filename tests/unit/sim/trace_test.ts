import assert from "node:assert/strict";
import { below, SeededRandom } from "../../../lib/base/random.ts";
import { traceEntriesMax } from "../../../lib/sim/limits.ts";
import { Trace } from "../../../lib/sim/trace.ts";

type Thing = readonly [atMs: number, who: string, what: string, content?: Uint8Array | undefined];

const things: readonly Thing[] = [
  [0, "peer 1", "starts"],
  [12.5, "10.0.1.1", "datagram sent from 10.0.2.1", Uint8Array.of(1, 2, 3, 4, 5)],
  [13, "10.0.2.1", "datagram delivered from 10.0.1.1", new Uint8Array(16)],
  [99_000, "simulation", "heal"],
];

Deno.test("Trace: equal histories have equal hashes of sixteen hexadecimal characters", () => {
  assert.equal(hashOf(things), hashOf(things));
  assert.match(hashOf(things), /^[0-9a-f]{16}$/);
  assert.match(hashOf([]), /^[0-9a-f]{16}$/);
});

Deno.test("Trace: any one change of time, place, word, content, order or number changes the hash", () => {
  const variants: (readonly Thing[])[] = [
    things,
    [],
    things.slice(0, -1),
    [...things, things[3]!],
    [things[1]!, things[0]!, things[2]!, things[3]!],
    [things[0]!, things[2]!, things[1]!, things[3]!],
  ];
  for (const [i, [atMs, who, what, content]] of things.entries()) {
    const change = (thing: Thing) => variants.push(things.map((old, j) => i === j ? thing : old));
    change([atMs + 0.001, who, what, content]);
    change([atMs + 1, who, what, content]);
    change([atMs, `${who} `, what, content]);
    change([atMs, who, `${what}.`, content]);
    change([atMs, who, what, new Uint8Array([...content ?? [], 0])]);
    for (let j = 0; j < (content?.length ?? 0); j++) {
      change([atMs, who, what, content!.map((byte, k) => j === k ? byte ^ 1 : byte)]);
    }
  }
  const hashes = variants.map(hashOf);
  assert.equal(new Set(hashes).size, variants.length);
});

Deno.test("Trace: 20,000 histories that differ in one bit have 20,000 hashes", () => {
  const random = new SeededRandom(3);
  const hashes = new Set<string>();
  for (let i = 0; i < 20_000; i++) {
    const content = Uint8Array.of(i, i >> 8, 0, 0, below(random, 1));
    hashes.add(hashOf([[1, "a", "b", content], [2, "c", "d"]]));
  }
  assert.equal(hashes.size, 20_000);
});

Deno.test("Trace keeps the last entries in words, oldest first, and counts all", () => {
  const trace = new Trace();
  assert.deepEqual(trace.entries(), []);
  assert.equal(trace.tail(5), "");
  const count = traceEntriesMax + 10;
  for (let i = 0; i < count; i++) trace.add(i, "peer", `thing ${i}`);
  const entries = trace.entries();
  assert.equal(trace.count, count);
  assert.equal(entries.length, traceEntriesMax);
  assert.deepEqual(entries[0], { atMs: 10, who: "peer", what: "thing 10" });
  assert.deepEqual(entries.at(-1), { atMs: count - 1, who: "peer", what: `thing ${count - 1}` });
  assert.equal(trace.tail(2), [count - 2, count - 1].map(lineOf).join("\n"));
});

Deno.test("Trace: what no entry in words shows any more still counts in the hash", () => {
  const traces = [new Trace(), new Trace()];
  traces[0]!.add(0, "peer", "one thing");
  traces[1]!.add(0, "peer", "another");
  for (const trace of traces) for (let i = 0; i < traceEntriesMax; i++) trace.add(1, "peer", "same");
  assert.deepEqual(traces[0]!.entries(), traces[1]!.entries());
  assert.notEqual(traces[0]!.hash, traces[1]!.hash);
});

function hashOf(history: readonly Thing[]): string {
  const trace = new Trace();
  for (const thing of history) trace.add(...thing);
  return trace.hash;
}

function lineOf(i: number): string {
  return `${(i / 1000).toFixed(3).padStart(10)} s  peer  thing ${i}`;
}
