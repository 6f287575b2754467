import assert from "node:assert/strict";
import { hex } from "../../../lib/base/bytes.ts";
import { contactsMax, elementsPageMax, graphMessageBytesMax } from "../../../lib/graph/limits.ts";
import {
  decodeMessage,
  encodeMessage,
  type GraphMessage,
  GraphMessageType,
  SetKind,
} from "../../../lib/graph/messages.ts";
import { encode, type Value } from "../../../lib/wire/codec.ts";
import { itemBytesMax } from "../../../lib/wire/limits.ts";
import golden from "../../golden/graph_messages.json" with { type: "json" };

const bytes = (length: number, first: number) => Uint8Array.from({ length }, (_, i) => (first + i) & 255);
const cursor = { arrival: 70_000, element: bytes(16, 0xc0) };

/** One of each, and the forms that a field may take. */
const messages: Readonly<Record<string, GraphMessage>> = {
  "greet": { type: "greet", version: 1, wallMs: 1_893_456_000_000, items: [bytes(3, 1), bytes(30, 2)] },
  "greet, nothing to show": { type: "greet", version: 1, wallMs: 1, items: [] },
  "refuse": { type: "refuse", reason: "removed", items: [bytes(4, 9)] },
  "summary": {
    ...{ type: "summary", set: SetKind.authority, round: 1, count: 5 },
    ...{ fingerprint: bytes(16, 0x10), cursor },
  },
  "summary, no cursor": {
    ...{ type: "summary", set: SetKind.data, round: 3, count: 0 },
    ...{ fingerprint: bytes(16, 0x20), cursor: null },
  },
  "items": { type: "items", items: [bytes(5, 7)] },
  "served": { type: "served", set: SetKind.data, cursor },
  "served, nothing held": { type: "served", set: SetKind.authority, cursor: null },
  "elements": { type: "elements", set: SetKind.data, elements: [bytes(16, 0), bytes(16, 16)], last: false },
  "want": { type: "want", set: SetKind.authority, elements: [], last: true },
  "contacts": {
    type: "contacts",
    contacts: [{ peer: bytes(32, 0x40), endpoints: ["tcp://127.0.0.1:4000", "tcp://[::1]:4000"] }],
  },
  "knock": { type: "knock", content: [0, bytes(32, 0x60)] },
};

Deno.test("every message of a graph has the bytes that it had", () => {
  const made = Object.entries(messages).map(([name, message]) => ({
    name,
    bytes: hex(encodeMessage(message)),
  }));
  assert.deepEqual(made, golden.messages);
  assert.equal(
    new Set(Object.values(messages).map(({ type }) => type)).size,
    Object.keys(GraphMessageType).length,
  );
});

Deno.test("every message comes back as it went", () => {
  for (const [name, message] of Object.entries(messages)) {
    assert.deepEqual(decodeMessage(encodeMessage(message)), message, name);
  }
});

Deno.test("[X09] a message with a field too many, too few, or of another kind is none", () => {
  const refused: readonly Value[] = [
    null,
    7,
    [],
    [9],
    [-1],
    [GraphMessageType.greet, 1, 1],
    [GraphMessageType.greet, 1, 1, [], null],
    [GraphMessageType.greet, 1, -1, []],
    [GraphMessageType.greet, "1", 1, []],
    [GraphMessageType.greet, 1, 1, [1]],
    [GraphMessageType.refuse, "r".repeat(65), []],
    [GraphMessageType.refuse, bytes(3, 1), []],
    [GraphMessageType.summary, 2, 1, 0, bytes(16, 0), null],
    [GraphMessageType.summary, 0, 256, 0, bytes(16, 0), null],
    [GraphMessageType.summary, 0, 1, 0, bytes(15, 0), null],
    [GraphMessageType.summary, 0, 1, 0, bytes(16, 0), [1]],
    [GraphMessageType.summary, 0, 1, 0, bytes(16, 0), [1, bytes(17, 0)]],
    [GraphMessageType.summary, 0, 1, 0, bytes(16, 0), false],
    [GraphMessageType.items, bytes(3, 1)],
    [GraphMessageType.items, [new Uint8Array(itemBytesMax + 1)]],
    [GraphMessageType.items],
    [GraphMessageType.served, 0],
    [GraphMessageType.served, 0, [-1, bytes(16, 0)]],
    [GraphMessageType.elements, 0, bytes(17, 0), true],
    [GraphMessageType.elements, 0, new Uint8Array(16 * (elementsPageMax + 1)), true],
    [GraphMessageType.want, 0, bytes(16, 0), 1],
    [GraphMessageType.want, 0, [bytes(16, 0)], true],
    [GraphMessageType.contacts, [[bytes(31, 0), []]]],
    [GraphMessageType.contacts, [[bytes(32, 0), ["a", "b", "c", "d", "e"]]]],
    [GraphMessageType.contacts, [[bytes(32, 0), ["x".repeat(65)]]]],
    [GraphMessageType.contacts, Array.from({ length: contactsMax + 2 }, () => [bytes(32, 0), []])],
    [GraphMessageType.knock],
    [GraphMessageType.knock, 1, 2],
  ];
  for (const value of refused) assert.equal(decodeMessage(encode(value)), null, JSON.stringify(value));
  assert.equal(decodeMessage(new Uint8Array(0)), null);
  assert.equal(decodeMessage(new Uint8Array(graphMessageBytesMax + 1)), null);
});

Deno.test("the largest page and the largest item fit a message", () => {
  const page = Array.from({ length: elementsPageMax }, (_, i) => bytes(16, i));
  const elements = { type: "elements", set: SetKind.data, elements: page, last: true } as const;
  assert.deepEqual(decodeMessage(encodeMessage(elements)), elements);
  const items = { type: "items", items: [new Uint8Array(itemBytesMax)] } as const;
  assert.deepEqual(decodeMessage(encodeMessage(items)), items);
});
