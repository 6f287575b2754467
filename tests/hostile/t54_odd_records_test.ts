/**
 * T54: records that are valid and strange. Whatever form lets through, every reader reads: the view that
 * users get, its text as JSON, the list of all that is shown, and a restart from disk.
 */

import assert from "node:assert/strict";
import { utf8 } from "../../lib/base/bytes.ts";
import { viewOf } from "../../lib/peer/record_values.ts";
import { type Attribute, ContentKind, type VersionBody } from "../../lib/records/item.ts";
import { parseItem } from "../../lib/records/item_codec.ts";
import {
  attributesMax,
  attributeValueBytesMax,
  jsonDepthMax,
  recordDataBytesMax,
  timeMsMax,
  versionMax,
} from "../../lib/records/limits.ts";
import { encode, type Value } from "../../lib/wire/codec.ts";
import { openEnvelope, sealEnvelope } from "../../lib/wire/envelope.ts";
import { decode } from "../../lib/wire/codec.ts";
import { Purpose } from "../../lib/wire/purposes.ts";
import { keyOf } from "../fixtures/items.ts";
import { addPlain, createWorld, crypto, plainGraph } from "../sim/replica_fixture.ts";
import { HostileNode, Target } from "./kit/hostile_node.ts";

const json = (text: string): Partial<VersionBody> => ({ contentKind: ContentKind.json, data: utf8(text) });
const text = (value: string): Partial<VersionBody> => ({ contentKind: ContentKind.text, data: utf8(value) });
const attributes = (...list: Attribute[]): Partial<VersionBody> => ({ attributes: list });

/** What a record may say, well or badly. */
const oddities: readonly Partial<VersionBody>[] = [
  json("null"),
  json('""'),
  json("1e999"),
  json("-0"),
  json("1e-400"),
  json("123456789012345678901234567890"),
  json('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
  json('{"a":1,"a":2}'),
  json('{"toJSON":1,"toString":1,"valueOf":1,"then":1,"length":-1}'),
  json('"\\ud800"'),
  json('"\\u0000\\u202e\\ufeff"'),
  json(" \n\t[ ] "),
  json("[".repeat(jsonDepthMax) + "]".repeat(jsonDepthMax)),
  json("[".repeat(jsonDepthMax + 1) + "]".repeat(jsonDepthMax + 1)),
  json("[".repeat(20_000) + "]".repeat(20_000)),
  json(`[${"0,".repeat(20_000)}0]`),
  json("{"),
  json("NaN"),
  json("\ufeff{}"),
  json("\u2028"),
  text(""),
  text("\u0000"),
  text("\ufefftext"),
  text("\u202egnp.exe"),
  text("e\u0301"),
  text("!".repeat(recordDataBytesMax)),
  { contentKind: ContentKind.text, data: Uint8Array.of(0xff, 0xfe) },
  { contentKind: ContentKind.text, data: Uint8Array.of(0xed, 0xa0, 0x80) },
  { contentKind: ContentKind.json, data: Uint8Array.of(0xc0, 0x80) },
  { contentKind: 9 as unknown as typeof ContentKind.json, data: new Uint8Array(0) },
  { version: versionMax },
  { version: versionMax + 1 },
  { prev: Array.from({ length: 8 }, () => new Uint8Array(8)) },
  attributes(["__proto__", "x"], ["__proto__", 1], ["constructor", true], ["hasOwnProperty", "no"]),
  attributes(["", "x"]),
  attributes(["a", Number.MAX_SAFE_INTEGER], ["a", Number.MIN_SAFE_INTEGER]),
  attributes(["a", new Uint8Array(attributeValueBytesMax)]),
  attributes(...Array.from({ length: attributesMax }, (_, i): Attribute => [`n${i}`, i])),
  attributes(["\u202e", "\u0000"]),
];

/** An item with this body as it is, whether the product's own encoder would write it or not. */
function forged(by: HostileNode, fields: Partial<VersionBody>): { bytes: Uint8Array } {
  const envelope = openEnvelope(by.version("x", by.record()).bytes);
  assert(envelope.ok);
  const decoded = decode(envelope.payload);
  assert(decoded.ok);
  const payload = decoded.value as Value[];
  const body = payload[7] as Value[];
  // The places of a version's fields behind those of its record.
  const places = [
    "version",
    "expires",
    "prev",
    "flags",
    "contentKind",
    "epoch",
    "attributes",
    "data",
  ] as const;
  for (const [i, name] of places.entries()) {
    if (fields[name] !== undefined) body[5 + i] = fields[name] as Value;
  }
  return { bytes: sealEnvelope(crypto, by.signer, Purpose.item, plainGraph, encode(payload)) };
}

Deno.test("[T54] every odd record is refused or read by every reader, before and after a restart", () => {
  const world = createWorld(1);
  const node = addPlain(world);
  world.run(10);
  const by = new HostileNode(keyOf("odd"), plainGraph, null, node.clock.now().wallMs);
  const target = new Target(node);
  let taken = 0;
  for (const [i, fields] of oddities.entries()) {
    const item = forged(by, fields);
    const parsed = parseItem(crypto, plainGraph, item.bytes);
    // One link for each: whoever sends too much that is bad is parted with.
    const link = new HostileNode(keyOf(`relay ${i}`), plainGraph, null, by.at).enter(target);
    link.give(item);
    assert.equal(parsed.ok && node.replica.set.has(parsed.item.id), parsed.ok, `oddity ${i}`);
    if (parsed.ok) taken++;
    link.leave();
  }
  assert.ok(taken >= 20 && taken < oddities.length, `${taken} of ${oddities.length} taken`);
  const read = () =>
    [...node.replica.allShown(node.clock.now())].map((shown) => {
      const view = viewOf(crypto, shown);
      return JSON.stringify([
        view,
        Object.keys(view.attributes),
        view.created.toISOString(),
      ]);
    }).sort();
  const before = read();
  assert.equal(before.length, taken);
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
  assert(world.runUntil(() => !node.replica.snapshot().unstored, 60_000));
  node.crash();
  node.restart();
  world.run(10);
  assert.deepEqual(read(), before);
});

Deno.test("[T54] records at the ends of time are read, and end", () => {
  const world = createWorld(2);
  const node = addPlain(world);
  world.run(10);
  const { wallMs } = node.clock.now();
  const by = new HostileNode(keyOf("times"), plainGraph, null, wallMs);
  const link = by.enter(new Target(node));
  const span = 400 * 86_400_000;
  const items = [
    by.version("first", by.record({ created: 1, until: span }), {}, { at: wallMs }),
    by.version("brief", by.record({ until: wallMs + 1 }), { expires: wallMs + 1 }),
    by.version("last", by.record({ until: wallMs + span })),
  ];
  const far = by.version("far", by.record({ created: timeMsMax - 1, until: timeMsMax }), {}, {
    at: timeMsMax,
  });
  for (const item of [...items, far]) link.give(item);
  assert.equal(node.replica.set.has(far.id), false);
  for (const shown of node.replica.allShown(node.clock.now())) {
    assert.doesNotThrow(() => JSON.stringify(viewOf(crypto, shown)));
  }
  world.run(10);
  assert.deepEqual(node.shown.map((line) => line.split(" ")[1]), [items[2]!.id]);
});
