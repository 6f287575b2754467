/**
 * What a liar writes who knows the format: one place of a tree of CBOR replaced by what no honest writer
 * puts there. Equal seeds give equal trees.
 */

import { concat, utf8 } from "../../lib/base/bytes.ts";
import { below, pick, type SeededRandom } from "../../lib/base/random.ts";
import { changeAt, type Head, type Node, nodeAt, sizeOf, writeTree } from "./cbor_tree.ts";

/** A tree with one to three of its places altered; `others` are trees to splice from. */
export function mutateTree(random: SeededRandom, tree: Node, others: readonly Node[]): Node {
  let mutated = tree;
  for (let times = 1 + below(random, 8) % 3; times > 0; times--) {
    const at = below(random, sizeOf(mutated));
    mutated = changeAt(mutated, at, (node) => mutateNode(random, node, others));
  }
  return mutated;
}

/** Integers around every bound of a reader, all of which CBOR can write. */
export const boundaryNumbers: readonly bigint[] = [
  ...[0n, 1n, -1n, -2n, 23n, 24n, 255n, 256n, 65_535n, 65_536n],
  ...[2n ** 31n - 1n, 2n ** 31n, 2n ** 31n + 1n, -(2n ** 31n), -(2n ** 31n) - 1n],
  ...[2n ** 32n - 1n, 2n ** 32n, 2n ** 32n + 1n],
  ...[
    2n ** 53n - 2n,
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 53n + 1n,
    -(2n ** 53n) + 1n,
    -(2n ** 53n),
    -(2n ** 53n) - 1n,
  ],
  ...[2n ** 63n - 1n, 2n ** 63n, 2n ** 63n + 1n, 2n ** 64n - 1n, -(2n ** 63n), -(2n ** 64n)],
  ...[8_640_000_000_000_000n, 8_640_000_000_000_001n, 1_900_000_000_000n],
];

/** Floats (NaN, ±0, infinities, whole numbers, in each width), tags and simple values. */
export const oddValues: readonly Uint8Array[] = [
  ...[
    "f97e00",
    "f98000",
    "f90000",
    "f93c00",
    "f97c00",
    "f9fc00",
    "fa47c35000",
    "fa7fc00000",
    "fb7ff8000000000000",
  ],
  ...["fb8000000000000000", "fb43e0000000000000", "fb3ff199999999999a", "fb433fffffffffffff"],
  ...[
    "c000",
    "c249010000000000000000",
    "d81840",
    "f7",
    "f8ff",
    "f0",
    "f820",
    "ff",
    "1c",
    "5f4100ff",
    "7f6100ff",
    "9fff",
    "bfff",
  ],
].map((text) => Uint8Array.fromHex(text));

/** Texts that harm whoever shows, sorts, compares or indexes by them, and bytes that are no UTF-8. */
export const oddTexts: readonly Uint8Array[] = [
  ...[
    "",
    "\0",
    "a\0b",
    "\u202e",
    "\u2066\u2069",
    "\ufeff",
    "\ufeffa",
    "a\ufeff",
    "e\u0301",
    "é",
    "\u212b",
    "ﬁ",
    "\x1b[2J",
  ],
  ...[
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "hasOwnProperty",
    "kith.",
    "kith.x",
    "\u{10ffff}",
    "\ufffe",
  ],
  ...[
    "a".repeat(64),
    "a".repeat(65),
    "\u0300".repeat(40),
    "ö".repeat(40),
    "🐦".repeat(40),
    "tcp://[::]:0",
    "tcp://1.2.3.4:99999",
  ],
].map(utf8).concat(
  ["eda080", "edbfbf", "eda0bdedb080", "c080", "e080af", "f4908080", "ff", "80", "c3", "f8888080", "61c3"]
    .map((text) => Uint8Array.fromHex(text)),
);

type Mutation = (random: SeededRandom, node: Node, others: readonly Node[]) => Node;

function mutateNode(random: SeededRandom, node: Node, others: readonly Node[]): Node {
  return pick(random, mutations)(random, node, others);
}

const number: Mutation = (random) => ({ kind: "number", value: pick(random, boundaryNumbers) });
const odd: Mutation = (random) => ({ kind: "raw", bytes: pick(random, oddValues) });
const text: Mutation = (random) => ({ kind: "text", bytes: pick(random, oddTexts) });

const wrongType: Mutation = (random, node) =>
  pick<Node>(random, [
    { kind: "raw", bytes: Uint8Array.of(pick(random, [0xf4, 0xf5, 0xf6])) },
    { kind: "bytes", bytes: new Uint8Array(pick(random, [0, 1, 8, 16, 31, 32, 33, 64])) },
    { kind: "array", items: [] },
    { kind: "array", items: [node] },
    { kind: "map", entries: [] },
    { kind: "map", entries: [[{ kind: "number", value: 1n }, node]] },
    { kind: "bytes", bytes: writeTree(node) },
    { kind: "text", bytes: "bytes" in node ? node.bytes : utf8("text") },
  ]);

const splice: Mutation = (random, _node, others) => {
  const other = pick(random, others);
  return nodeAt(other, below(random, sizeOf(other)));
};

/** An element again and again; now and then by the thousand, as far as one message reaches. */
const repeat: Mutation = (random, node) => {
  const times = pick(random, [2, 2, 3, 9, 33, below(random, 16) === 0 ? 25_000 : 65]);
  const fitting = (element: Node) =>
    Math.max(2, Math.min(times, Math.floor(repeatedBytesMax / writeTree(element).length)));
  if (node.kind === "array" && node.items.length > 0) {
    const at = below(random, node.items.length);
    const element = node.items[at]!;
    return {
      ...node,
      items: node.items.toSpliced(at, 1, ...new Array<Node>(fitting(element)).fill(element)),
    };
  }
  if (node.kind === "map" && node.entries.length > 0) {
    return { ...node, entries: [...node.entries, pick(random, node.entries)] };
  }
  return { kind: "array", items: new Array<Node>(fitting(node)).fill(node) };
};

const dropOrMove: Mutation = (random, node) => {
  if (node.kind === "array" && node.items.length > 0) {
    const at = below(random, node.items.length);
    const rest = node.items.toSpliced(at, 1);
    const items = below(random, 2) === 0
      ? rest
      : rest.toSpliced(below(random, rest.length + 1), 0, node.items[at]!);
    return { ...node, items };
  }
  return node.kind === "map" ? { ...node, entries: node.entries.toReversed() } : node;
};

const widen: Mutation = (random, node) => withHead(node, { width: pick(random, [1, 2, 4, 8]) });
const endless: Mutation = (_random, node) => withHead(node, { indefinite: true });
const lie: Mutation = (random, node) => {
  const power = 2n ** BigInt(below(random, 64));
  return withHead(node, { declared: power + BigInt(below(random, 3)) - 1n });
};

const nest: Mutation = (random, node) => {
  const depth = pick(random, [1, 2, 14, 15, 16, 17, 100, below(random, 16) === 0 ? 12_000 : 3]);
  const heads = new Uint8Array(depth).fill(0x81);
  return { kind: "raw", bytes: concat(heads, writeTree(node)) };
};

const poison: Mutation = (_random, node) => ({
  kind: "map",
  entries: ["__proto__", "constructor", "prototype"].map((key) => [{ kind: "text", bytes: utf8(key) }, node]),
});

const resize: Mutation = (random, node) => {
  if (!("bytes" in node)) return node;
  const { bytes } = node;
  const changed = pick(random, [
    bytes.subarray(1),
    bytes.subarray(0, Math.max(0, bytes.length - 1)),
    concat(bytes, Uint8Array.of(0)),
    concat(bytes, bytes),
    new Uint8Array(bytes.length),
    new Uint8Array(bytes.length).fill(0xff),
    bytes.map((byte) => byte ^ (below(random, 8) === 0 ? 1 << below(random, 8) : 0)),
  ]);
  return { ...node, bytes: changed };
};

const mutations: readonly Mutation[] = [
  ...[number, number, odd, text, wrongType, wrongType, splice, splice, repeat, dropOrMove],
  ...[widen, endless, lie, nest, poison, resize, resize, resize],
];

function withHead(node: Node, head: Head): Node {
  return node.kind === "raw" ? node : { ...node, head };
}

/** Bytes that a repeated element takes: more than a message may have, so that its limit is met too. */
const repeatedBytesMax = 70_000;
