import assert from "node:assert/strict";
import fc from "fast-check";
import { hex } from "../../../lib/base/bytes.ts";
import { encode } from "../../../lib/wire/codec.ts";
import { createCrypto } from "../../../lib/platform/crypto.ts";
import {
  channelTag,
  decodeLinkMessage,
  encodeLinkMessage,
  isAgentText,
  type LinkMessage,
} from "../../../lib/peer/link_messages.ts";
import { channelFrameBytesMax, channelNumberMax } from "../../../lib/peer/limits.ts";
import { messageBytesMax } from "../../../lib/wire/limits.ts";

const tag = Uint8Array.from({ length: 16 }, (_, i) => i);

const samples: [LinkMessage, string][] = [
  [
    {
      kind: "hello",
      endpoints: [{ transport: "tcp", address: { host: "127.0.0.1", port: 4000 } }],
      wallMs: 1_893_456_000_000,
      agent: "kith",
    },
    "8500018174" + hex(new TextEncoder().encode("tcp://127.0.0.1:4000")) + "1b000001b8dac5b400" +
    "646b697468",
  ],
  [{ kind: "ping" }, "8101"],
  [{ kind: "pong" }, "8102"],
  [{ kind: "open", channel: 1, tag }, "830301" + "50" + hex(tag)],
  [{ kind: "answer", channel: 1, answer: "ok" }, "83040100"],
  [{ kind: "answer", channel: 2, answer: "unknown" }, "83040201"],
  [{ kind: "answer", channel: 3, answer: "refused" }, "83040302"],
  [{ kind: "close", channel: 300 }, "820519012c"],
  [{ kind: "data", channel: 24, bytes: Uint8Array.of(1, 2) }, "83061818420102"],
  [{ kind: "bye", reason: "closed" }, "820700"],
  [{ kind: "bye", reason: "duplicate" }, "820701"],
  [{ kind: "bye", reason: "too_many" }, "820702"],
];

Deno.test("encodeLinkMessage() writes the pinned bytes and decodeLinkMessage() reads them", () => {
  for (const [message, bytes] of samples) {
    assert.equal(hex(encodeLinkMessage(message)), bytes, message.kind);
    assert.deepEqual(decodeLinkMessage(encodeLinkMessage(message)), { ok: true, message });
  }
});

Deno.test("a data message is what the codec writes, at every length of its heads", () => {
  const channels = [0, 1, 23, 24, 255, 256, 65_535, 65_536, channelNumberMax];
  const lengths = [0, 1, 23, 24, 255, 256, 65_000, channelFrameBytesMax];
  for (const channel of channels) {
    for (const length of lengths) {
      const bytes = new Uint8Array(length).fill(7);
      const encoded = encodeLinkMessage({ kind: "data", channel, bytes });
      assert.deepEqual(encoded, encode([6, channel, bytes]));
      assert.ok(encoded.length <= messageBytesMax);
      assert.deepEqual(decodeLinkMessage(encoded), { ok: true, message: { kind: "data", channel, bytes } });
    }
  }
});

Deno.test("decodeLinkMessage() refuses wrong fields, each with its reason", () => {
  const bytes = new Uint8Array(16);
  const table: [Parameters<typeof encode>[0], string][] = [
    [[], "unknown_kind"],
    [[8], "unknown_kind"],
    [[-1], "unknown_kind"],
    [["ping"], "unknown_kind"],
    [[1, 0], "bad_field"],
    [[2, null], "bad_field"],
    [[0, 2, [], 1, "kith"], "unknown_version"],
    [[0, 1, [], 1], "bad_field"],
    [[0, 1, [], 1, "kith", 1], "bad_field"],
    [[0, 1, [], -1, "kith"], "bad_field"],
    [[0, 1, [], 1, "k".repeat(65)], "bad_field"],
    [[0, 1, ["1", "2", "3", "4", "5"], 1, "kith"], "bad_field"],
    [[0, 1, ["t".repeat(81)], 1, "kith"], "bad_field"],
    [[0, 1, [bytes], 1, "kith"], "bad_field"],
    [[3, 1, bytes.subarray(1)], "bad_field"],
    [[3, -1, bytes], "bad_field"],
    [[3, channelNumberMax + 1, bytes], "bad_field"],
    [[3, 1, bytes, 0], "bad_field"],
    [[4, 1, 3], "bad_field"],
    [[4, 1, "ok"], "bad_field"],
    [[5], "bad_field"],
    [[5, 1, 1], "bad_field"],
    [[6, 1, "text"], "bad_field"],
    [[6, channelNumberMax + 1, bytes], "bad_field"],
    [[7], "bad_field"],
    [[7, "closed"], "bad_field"],
    [{} as never, "not_deterministic_cbor"],
    [7, "not_deterministic_cbor"],
    [[3, 1, [[bytes]]], "not_deterministic_cbor"],
  ];
  for (const [value, reason] of table) {
    const input = value !== null && typeof value === "object" && !Array.isArray(value) &&
        !(value instanceof Uint8Array)
      ? Uint8Array.of(0xa0)
      : encode(value);
    assert.deepEqual(decodeLinkMessage(input), { ok: false, reason }, JSON.stringify(value));
  }
});

Deno.test("decodeLinkMessage() passes over endpoints it cannot use and takes a later reason for goodbye", () => {
  const hello = decodeLinkMessage(encode([0, 1, ["ws://127.0.0.1:1/", "tcp://[::1]:2", "nonsense"], 5, ""]));
  const endpoints = [{ transport: "tcp", address: { host: "::1", port: 2 } }];
  assert.deepEqual(hello, { ok: true, message: { kind: "hello", endpoints, wallMs: 5, agent: "" } });
  assert.deepEqual(decodeLinkMessage(encode([7, 99])), {
    ok: true,
    message: { kind: "bye", reason: "closed" },
  });
});

Deno.test("[T7] decodeLinkMessage() answers any bytes, and what it takes has one encoding", () => {
  const valid = samples.map(([message]) => encodeLinkMessage(message));
  const mutated = fc.tuple(fc.constantFrom(...valid), fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat(3))
    .map(([bytes, at, by, how]) => {
      const copy = how === 0
        ? bytes.slice(0, at % bytes.length)
        : Uint8Array.from([...bytes, ...(how === 1 ? [by] : [])]);
      if (copy.length > 0) copy[at % copy.length]! ^= by;
      return copy;
    });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 60 })), (bytes) => {
      const decoded = decodeLinkMessage(bytes);
      if (!decoded.ok) return;
      const { message } = decoded;
      // These two read what later versions write, so they alone may come out shorter.
      if (message.kind === "hello" || message.kind === "bye") return;
      assert.deepEqual(encodeLinkMessage(message), bytes);
    }),
    { seed: 4, numRuns: 20_000 },
  );
});

Deno.test("channelTag() differs for each graph and for each link", () => {
  const crypto = createCrypto();
  const tags = [1, 2].flatMap((graph) =>
    [3, 4].map((link) =>
      hex(channelTag(crypto, new Uint8Array(32).fill(graph), new Uint8Array(32).fill(link)))
    )
  );
  assert.equal(new Set(tags).size, 4);
  assert.ok(tags.every((text) => text.length === 32));
});

Deno.test("isAgentText() keeps to 64 bytes of text that can be encoded", () => {
  assert.equal(isAgentText("kith 0.1.0"), true);
  assert.equal(isAgentText("ü".repeat(33)), false);
  assert.equal(isAgentText("\ufeffkith"), false);
});
