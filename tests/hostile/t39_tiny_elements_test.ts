/**
 * T39: one frame that holds as many tiny elements as fit. The decoder counts elements before it makes them,
 * lists are capped by kind, and what one frame costs is counted in checks and hashes: about one for each
 * thing in it that could be an item, and none for what could not.
 */

import assert from "node:assert/strict";
import { concat } from "../../lib/base/bytes.ts";
import {
  badItemsMax,
  contactsMax,
  elementsPageMax,
  graphMessageBytesMax,
  proofItemsMax,
} from "../../lib/graph/limits.ts";
import { decodeMessage, encodeMessage, GraphMessageType } from "../../lib/graph/messages.ts";
import { createList } from "../../lib/records/item_codec.ts";
import { listPartHashesMax } from "../../lib/records/limits.ts";
import { encode, type Value } from "../../lib/wire/codec.ts";
import { cborDepthMax, cborElementsMax } from "../../lib/wire/limits.ts";
import { bytesOf, keyOf } from "../fixtures/items.ts";
import { add, addPlain, createWorld, crypto, GroupWorld, plainGraph } from "../sim/replica_fixture.ts";
import { type CountingCrypto, createCountingCrypto, type CryptoCounts } from "./kit/counting_crypto.ts";
import { type HostileLink, HostileNode, Target } from "./kit/hostile_node.ts";

/** An array's head and as many copies of one element as a message holds. */
function stuffed(type: number, element: number, count: number): Uint8Array {
  const head = Uint8Array.of(0x82, type, 0x99, count >> 8, count & 255);
  return concat(head, new Uint8Array(count).fill(element));
}

function plain(
  seed: number,
): { counting: CountingCrypto; target: Target; link: (name: string) => HostileLink } {
  const counting = createCountingCrypto();
  const world = createWorld(seed, { crypto: counting });
  const node = addPlain(world);
  world.run(10);
  add(node, "heron");
  const target = new Target(node);
  const { wallMs } = node.clock.now();
  return {
    counting,
    target,
    link: (name) => new HostileNode(keyOf(name), plainGraph, null, wallMs).enter(target),
  };
}

function assertNoWork(counts: CryptoCounts, why: string): void {
  for (const [name, count] of Object.entries(counts)) assert.equal(count, 0, `${why}: ${name}`);
}

Deno.test("[T39] frames full of empty elements of every kind cost no hash and no check, whoever sends them", () => {
  const { counting, target, link } = plain(1);
  const most = graphMessageBytesMax - 16;
  for (const type of Object.values(GraphMessageType)) {
    for (const element of [0x40, 0x60, 0x80, 0xa0, 0x00, 0xf6]) {
      for (const count of [most, cborElementsMax, cborElementsMax - 8, 1_000]) {
        const frame = stuffed(type, element, count);
        const from = link(`${type} ${element} ${count}`);
        const before = target.bytesOut;
        assertNoWork(counting.cost(() => from.sayBytes(frame)), `${type} ${element} ${count}`);
        assert.ok(target.bytesOut - before < 200);
        from.leave();
      }
    }
  }
});

Deno.test("[T39] items that are none are looked at until one too many, not to the end of the frame", () => {
  const { target, link } = plain(2);
  const { replica } = target.node;
  let judged = 0;
  // Whether an item is known is asked of every one that could be an item, and of each once.
  const has = replica.set.has.bind(replica.set);
  replica.set.has = (id) => {
    judged++;
    return has(id);
  };
  const from = link("a");
  from.sayBytes(stuffed(GraphMessageType.items, 0x40, cborElementsMax - 8));
  assert.equal(from.end, "misbehaved");
  assert.equal(judged, 0);
});

Deno.test("[T39] a message of more elements, or deeper ones, than it may have is none; the largest allowed is one", () => {
  const frame = (value: Value) => decodeMessage(encode(value)) !== null;
  const { items, knock, contacts, greet, elements } = GraphMessageType;
  assert(frame([items, Array(cborElementsMax - 4).fill(new Uint8Array(0))]));
  assert(!frame([items, Array(cborElementsMax).fill(new Uint8Array(0))]));
  const nested = (depth: number) =>
    decodeMessage(Uint8Array.of(0x82, knock, ...Array(depth - 1).fill(0x81), 0));
  assert.notEqual(nested(cborDepthMax), null);
  assert.equal(nested(cborDepthMax + 1), null);
  assert.equal(nested(60_000), null);
  const contact: Value = [new Uint8Array(32), []];
  assert(frame([contacts, Array(contactsMax + 1).fill(contact)]));
  assert(!frame([contacts, Array(contactsMax + 2).fill(contact)]));
  assert(frame([elements, 0, new Uint8Array(16 * elementsPageMax), false]));
  assert(!frame([elements, 0, new Uint8Array(16 * (elementsPageMax + 1)), false]));
  assert(frame([greet, 1, 1, Array(proofItemsMax + 1).fill(new Uint8Array(0))]), "capped where it is judged");
});

Deno.test("[T39] a greeting or refusal of too many items is not looked into", () => {
  const counting = createCountingCrypto();
  const group = new GroupWorld(3, { crypto: counting });
  const target = new Target(group.founder);
  const chain = [group.founding.founding.bytes];
  for (
    const message of [
      {
        type: "greet",
        version: 1,
        wallMs: 1,
        items: Array<Uint8Array>(proofItemsMax + 1).fill(chain[0]!.subarray(0, 40)),
      },
      {
        type: "refuse",
        reason: "x",
        items: Array<Uint8Array>(proofItemsMax + 1).fill(chain[0]!.subarray(0, 40)),
      },
    ] as const
  ) {
    const link = target.link(keyOf(message.type));
    const bytes = encodeMessage(message);
    assertNoWork(counting.cost(() => link.sayBytes(bytes)), message.type);
    assert.equal(link.end, undefined);
  }
});

Deno.test("[T39] a page of elements costs no hash; a list part of the most hashes costs two", () => {
  const { counting, target, link } = plain(4);
  const from = link("a");
  from.say({ ...from.heard("summary").at(-1)!, count: 5, cursor: null });
  const page = Array.from({ length: elementsPageMax }, (_, i) => bytesOf(`${i}`).slice(0, 16));
  const cost = counting.cost(() => from.say({ type: "elements", set: 0, elements: page, last: false }));
  assertNoWork(cost, "a page");
  const [part] = createList(crypto, Array.from({ length: listPartHashesMax }, (_, i) => bytesOf(`${i}`)));
  const { hashes, verifications } = counting.cost(() => link("b").give(part!));
  // Its id, and the fingerprints that greeting and comparing took.
  assert.equal(verifications, 0);
  assert.ok(hashes <= 4, `${hashes} hashes`);
  assert.equal(target.node.replica.set.has(part!.id), false, "a plain graph knows no lists");
});

Deno.test("[T39] the smallest items that are whole cost one check each, and as many fit as a frame holds", () => {
  const { counting, target, link } = plain(5);
  const by = new HostileNode(keyOf("small"), plainGraph, null, target.node.clock.now().wallMs);
  const items = Array.from({ length: 400 }, () => by.delete(by.record({ type: "n" })));
  const size = items[0]!.bytes.length + 4;
  const fitting = items.slice(0, Math.floor((graphMessageBytesMax - 16) / size));
  const from = link("small");
  const { verifications, hashes } = counting.cost(() => from.give(...fitting));
  assert.equal(verifications, fitting.length);
  assert.ok(hashes <= 6 * fitting.length, `${hashes} hashes for ${fitting.length} items`);
  assert.equal(from.end, undefined);
  assert.ok(fitting.length > badItemsMax && fitting.length < 400, `${fitting.length} in a frame`);
});
