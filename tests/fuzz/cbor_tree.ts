/**
 * CBOR as a tree that can be written in any form, right or wrong: heads longer than need be, lengths that
 * lie, no lengths at all, keys in any order and twice. The codec writes only the one right form.
 */

import { utf8 } from "../../lib/base/bytes.ts";
import { decode, type Value } from "../../lib/wire/codec.ts";

/** How the head of a value is written. */
export interface Head {
  /** Bytes that the argument takes: 0 (in the initial byte), 1, 2, 4 or 8; the fewest if not given. */
  readonly width?: number;
  /** What the head says instead of the truth. */
  readonly declared?: bigint;
  /** Whether it is written with no length and a break at its end. */
  readonly indefinite?: boolean;
}

/** One value. */
export type Node =
  | { readonly kind: "number"; readonly value: bigint; readonly head?: Head }
  | { readonly kind: "bytes" | "text"; readonly bytes: Uint8Array; readonly head?: Head }
  | { readonly kind: "array"; readonly items: readonly Node[]; readonly head?: Head }
  | { readonly kind: "map"; readonly entries: readonly (readonly [Node, Node])[]; readonly head?: Head }
  /** Bytes as they are: floats, tags, simple values, anything. */
  | { readonly kind: "raw"; readonly bytes: Uint8Array };

/** The tree of bytes that the codec takes, or `null`. */
export function readTree(bytes: Uint8Array): Node | null {
  const decoded = decode(bytes, { bytesMax: bytes.length, elementsMax: bytes.length });
  return decoded.ok ? treeOf(decoded.value) : null;
}

/** The tree of a value. */
export function treeOf(value: Value): Node {
  if (typeof value === "number") return { kind: "number", value: BigInt(value) };
  if (typeof value === "string") return { kind: "text", bytes: utf8(value) };
  if (value instanceof Uint8Array) return { kind: "bytes", bytes: value };
  if (value instanceof Map) {
    const entries = [...value as ReadonlyMap<number | string, Value>];
    return { kind: "map", entries: entries.map(([key, item]) => [treeOf(key), treeOf(item)]) };
  }
  if (Array.isArray(value)) return { kind: "array", items: (value as readonly Value[]).map(treeOf) };
  return { kind: "raw", bytes: Uint8Array.of(value === null ? 0xf6 : value ? 0xf5 : 0xf4) };
}

/** The bytes of a tree, as it says. */
export function writeTree(node: Node): Uint8Array {
  const parts: Uint8Array[] = [];
  write(node, parts);
  // Not spread into one call: a tree may have more values than a call takes arguments.
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** How many values a tree has, itself included. */
export function sizeOf(node: Node): number {
  return 1 + childrenOf(node).reduce((sum, child) => sum + sizeOf(child), 0);
}

/** The tree with its `at`th value, in the order of writing, replaced by what `change` makes of it. */
export function changeAt(node: Node, at: number, change: (node: Node) => Node): Node {
  let left = at;
  const visit = (here: Node): Node => {
    if (left-- === 0) return change(here);
    if (left < 0) return here;
    if (here.kind === "array") return { ...here, items: here.items.map(visit) };
    if (here.kind !== "map") return here;
    return { ...here, entries: here.entries.map(([key, item]) => [visit(key), visit(item)]) };
  };
  return visit(node);
}

/** The `at`th value of a tree. */
export function nodeAt(node: Node, at: number): Node {
  let found = node;
  changeAt(node, at, (here) => found = here);
  return found;
}

function childrenOf(node: Node): readonly Node[] {
  if (node.kind === "array") return node.items;
  return node.kind === "map" ? node.entries.flat() : [];
}

function write(node: Node, parts: Uint8Array[]): void {
  if (node.kind === "raw") return void parts.push(node.bytes);
  if (node.kind === "number") {
    const isNegative = node.value < 0n;
    return void parts.push(headOf(isNegative ? 1 : 0, isNegative ? -1n - node.value : node.value, node.head));
  }
  const major = majors[node.kind];
  const children = childrenOf(node);
  const length = "bytes" in node
    ? node.bytes.length
    : node.kind === "map"
    ? node.entries.length
    : children.length;
  const isIndefinite = node.head?.indefinite === true;
  parts.push(isIndefinite ? Uint8Array.of((major << 5) | 31) : headOf(major, BigInt(length), node.head));
  if ("bytes" in node) {
    if (isIndefinite) parts.push(headOf(major, BigInt(length), undefined));
    parts.push(node.bytes);
  }
  for (const child of children) write(child, parts);
  if (isIndefinite) parts.push(Uint8Array.of(0xff));
}

function headOf(major: number, truth: bigint, head: Head | undefined): Uint8Array {
  const argument = BigInt.asUintN(64, head?.declared ?? truth);
  const needed = argument < 24n
    ? 0
    : argument < 2n ** 8n
    ? 1
    : argument < 2n ** 16n
    ? 2
    : argument < 2n ** 32n
    ? 4
    : 8;
  const width = Math.max(head?.width ?? 0, needed);
  if (width === 0) return Uint8Array.of((major << 5) | Number(argument));
  const bytes = new Uint8Array(1 + width);
  bytes[0] = (major << 5) | (24 + Math.log2(width));
  for (let i = 0, rest = argument; i < width; i++, rest >>= 8n) bytes[width - i] = Number(rest & 255n);
  return bytes;
}

const majors = { bytes: 2, text: 3, array: 4, map: 5 } as const;
