/**
 * T37: numbers at and beyond every edge, in every numeric field of the messages and items of a graph. What is
 * in range is taken, what is not is refused, and after either the machine's next deadline is a moment that a
 * timer can wait for, and its work goes on.
 */

import assert from "node:assert/strict";
import { concat, equalBytes, fromHex } from "../../lib/base/bytes.ts";
import { badItemsMax } from "../../lib/graph/limits.ts";
import { decodeMessage, encodeMessage, type GraphMessage } from "../../lib/graph/messages.ts";
import { RoleBit } from "../../lib/groups/roles.ts";
import { type AuthorityBody, ItemKind } from "../../lib/records/item.ts";
import { parseItem } from "../../lib/records/item_codec.ts";
import type { ReplicaNode } from "../../lib/sim/replica_node.ts";
import { decode, encode, type Value } from "../../lib/wire/codec.ts";
import { openEnvelope, sealEnvelope } from "../../lib/wire/envelope.ts";
import { Purpose } from "../../lib/wire/purposes.ts";
import { admissionBody, bytesOf, credentialBody, keyOf, versionBody } from "../fixtures/items.ts";
import {
  add,
  addPlain,
  createWorld,
  crypto,
  GroupWorld,
  minute,
  plainGraph,
  plainWorld,
  settle,
  valueAt,
} from "../sim/replica_fixture.ts";
import { type HostileLink, HostileNode, Target } from "./kit/hostile_node.ts";

/** Numbers as CBOR writes them, those that no number of ours is included. */
const numbers: readonly [name: string, cbor: string][] = [
  ["0", "00"],
  ["1", "01"],
  ["23", "17"],
  ["24", "1818"],
  ["255", "18ff"],
  ["256", "190100"],
  ["2^31 - 1", "1a7fffffff"],
  ["2^31", "1a80000000"],
  ["2^32 - 1", "1affffffff"],
  ["2^32", "1b0000000100000000"],
  ["the last moment", "1b001eb208c2dc0000"],
  ["the last moment + 1", "1b001eb208c2dc0001"],
  ["2^53 - 1", "1b001fffffffffffff"],
  ["2^53", "1b0020000000000000"],
  ["2^63 - 1", "1b7fffffffffffffff"],
  ["2^63", "1b8000000000000000"],
  ["2^64 - 1", "1bffffffffffffffff"],
  ["-1", "20"],
  ["-2^31", "3a7fffffff"],
  ["-2^63", "3b7fffffffffffffff"],
  ["-2^64", "3bffffffffffffffff"],
  ["0, longer than need be", "1800"],
  ["1 as a float", "f93c00"],
  ["-0", "f98000"],
  ["NaN", "f97e00"],
  ["infinity", "f97c00"],
  ["2^64 as a big number", "c249010000000000000000"],
  ["true", "f5"],
];

/** A number that stands nowhere else, to be replaced in the bytes. */
const mark = 0x1234_5678_9abc;
const markBytes = encode(mark);

/** The value with the number of its `at`-th numeric place replaced by the mark; `null` if there is none. */
function marked(value: Value, at: number): Value | null {
  let left = at;
  const visit = (here: Value): Value => {
    if (typeof here === "number") return left-- === 0 ? mark : here;
    if (Array.isArray(here)) return here.map(visit);
    if (here instanceof Map) return new Map([...here].map(([key, part]) => [key, visit(part)]));
    return here;
  };
  const result = visit(value);
  return left < 0 ? result : null;
}

/** The bytes with the mark replaced by other CBOR. */
function withNumber(bytes: Uint8Array, cbor: string): Uint8Array {
  const at = bytes.findIndex((_, i) => equalBytes(bytes.subarray(i, i + markBytes.length), markBytes));
  assert(at >= 0, "the mark is in the bytes");
  return concat(bytes.subarray(0, at), fromHex(cbor)!, bytes.subarray(at + markBytes.length));
}

/** Every way to put a number of the table into a numeric place of a value. */
function* variants(value: Value): Generator<[name: string, bytes: Uint8Array]> {
  for (let at = 0;; at++) {
    const place = marked(value, at);
    if (place === null) return;
    for (const [name, cbor] of numbers) yield [`place ${at}: ${name}`, withNumber(encode(place), cbor)];
  }
}

function assertAlive(node: ReplicaNode, why: string): void {
  const { monoMs } = node.clock.now();
  const next = node.replica.nextDeadline();
  assert(next !== null && Number.isFinite(next), why);
  // Its own tick is due within its time, whatever else it was told.
  assert.ok(next <= monoMs + 15_000, `${why}: next at ${next}, now ${monoMs}`);
  const { peerTimeOffsetMs } = node.replica.snapshot();
  assert.ok(Number.isSafeInteger(peerTimeOffsetMs) && Math.abs(peerTimeOffsetMs) <= 600_000, why);
}

Deno.test("[T37] every number of every message: what is read is a number of ours, and the machine goes on", () => {
  const element = bytesOf("element").slice(0, 16);
  const cursor = { arrival: 1, element };
  const messages: GraphMessage[] = [
    { type: "greet", version: 1, wallMs: 1, items: [] },
    { type: "summary", set: 0, round: 1, count: 1, fingerprint: element, cursor },
    { type: "summary", set: 1, round: 1, count: 1, fingerprint: element, cursor },
    { type: "served", set: 0, cursor },
    { type: "served", set: 1, cursor },
    { type: "elements", set: 0, elements: [element], last: true },
    { type: "want", set: 0, elements: [element], last: true },
    { type: "knock", content: [0, element, 1, [2]] },
  ];
  const world = plainWorld(1, 3);
  const node = world.nodes[0]!;
  const target = new Target(node);
  let [read, unread] = [0, 0];
  let link: HostileLink | null = null;
  for (const message of messages) {
    const decoded = decode(encodeMessage(message));
    assert(decoded.ok);
    for (const [name, bytes] of variants(decoded.value)) {
      const why = `${message.type}, ${name}`;
      const back = decodeMessage(bytes);
      if (back === null) unread++;
      else {
        read++;
        assert.deepEqual(encodeMessage(back), bytes, why);
      }
      if (link === null || link.end !== undefined || read % 7 === 0) {
        link?.leave();
        world.run(minute);
        link = new HostileNode(keyOf(`number ${unread}`), plainGraph, null, 1).enter(target);
      }
      link.sayBytes(bytes);
      assertAlive(node, why);
    }
  }
  link?.leave();
  assert.ok(read > 100 && unread > 300, `${read} read, ${unread} not`);
  const record = add(world.nodes[1]!, "after all");
  settle(world);
  assert.equal(valueAt(node, record), "after all");
});

Deno.test("[T37] every number of every item, signed well: refused, or an item within its bounds that stops nothing", () => {
  const group = new GroupWorld(2);
  const { founder, world } = group;
  const rogue = group.join({ roles: RoleBit.admin });
  const member = group.join();
  settle(world);
  rogue.crash();
  const admin = HostileNode.of(rogue, founder);
  const { graph } = founder.replica;
  const bearer = keyOf("bearer");
  const record = admin.record();
  const second = admin.at - admin.at % 1_000;
  const invitation: AuthorityBody = {
    ...{ kind: ItemKind.invitation, bearer: bearer.publicKey, joinersMax: 2, roles: RoleBit.member },
    ...{ expires: admin.at + minute, discovery: null },
  };
  const made = [
    admin.make({ ...versionBody(record), version: 2, attributes: [["count", 3]] }),
    admin.make({ kind: ItemKind.extension, ...record, expires: record.until }),
    admin.delete(admin.record()),
    admin.make(
      credentialBody(keyOf("someone").publicKey, RoleBit.member, second - 1_000, second + 86_400_000),
    ),
    admin.make(invitation),
    admin.make(admissionBody(bearer, graph, bytesOf("x"), keyOf("joiner").publicKey)),
  ];
  const target = new Target(founder);
  let [taken, refused] = [0, 0];
  let link = admin.enter(target);
  let said = 0;
  for (const item of made) {
    const envelope = openEnvelope(item.bytes);
    assert(envelope.ok);
    const payload = decode(envelope.payload);
    assert(payload.ok);
    for (const [name, changed] of variants(payload.value)) {
      const bytes = sealEnvelope(crypto, admin.signer, Purpose.item, graph, changed);
      const why = `kind ${item.body.kind}, ${name}`;
      const parsed = parseItem(crypto, graph, bytes);
      if (parsed.ok) taken++;
      else refused++;
      if (parsed.ok && parsed.item.head !== null) {
        const { seq, at } = parsed.item.head;
        assert.ok(Number.isSafeInteger(seq) && seq >= 1 && Number.isSafeInteger(at) && at >= 1, why);
      }
      if (++said % badItemsMax === 0) {
        link.leave();
        link = admin.enter(target);
      }
      link.give({ bytes });
      assertAlive(founder, why);
    }
  }
  link.leave();
  assert.ok(taken > 50 && refused > 500, `${taken} taken, ${refused} refused`);
  settle(world, [founder, member]);
  const after = add(member, "after all");
  settle(world, [founder, member]);
  assert.equal(valueAt(founder, after), "after all");
  assert.deepEqual(member.shown, founder.shown);
  founder.crash();
  founder.restart();
  world.run(10);
  assert.equal(founder.replica.snapshot().dataFingerprint, member.replica.snapshot().dataFingerprint);
});

Deno.test("[T37] the last cursor there is: it is kept, said again, and believed of nobody", () => {
  const world = createWorld(3);
  const node = addPlain(world);
  world.run(10);
  add(node, "heron");
  const liar = new HostileNode(keyOf("liar"), plainGraph, null, 1);
  const cursor = { arrival: Number.MAX_SAFE_INTEGER, element: bytesOf("x").slice(0, 16) };
  for (let visit = 0; visit < 3; visit++) {
    const link = liar.enter(new Target(node));
    const summary = link.heard("summary").at(-1)!;
    assert.deepEqual(summary.cursor, visit === 0 ? null : cursor);
    link.say({ ...summary, count: 1, fingerprint: new Uint8Array(16), cursor });
    assert.equal(link.heard("elements").length, 1, "it is answered by the list");
    link.say({ type: "want", set: 0, elements: [], last: true });
    link.say({ type: "served", set: 0, cursor });
    link.leave();
    assert(world.runUntil(() => !node.replica.snapshot().unstored, minute));
    node.crash();
    node.restart();
    world.run(10);
  }
});
