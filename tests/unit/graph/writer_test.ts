import assert from "node:assert/strict";
import { SeededRandom } from "../../../lib/base/random.ts";
import type { AddRequest, Request, UpdateRequest } from "../../../lib/graph/machine.ts";
import { OpenPolicy } from "../../../lib/graph/policy.ts";
import { writesPendingMax } from "../../../lib/graph/limits.ts";
import { numberOf, Writer, type Written } from "../../../lib/graph/writer.ts";
import { ContentKind, type Item, ItemKind, type VersionBody } from "../../../lib/records/item.ts";
import { parseItem } from "../../../lib/records/item_codec.ts";
import { ItemSet } from "../../../lib/records/item_set.ts";
import { recordLifeMsDefault, recordSpanMsMaxDefault } from "../../../lib/records/limits.ts";
import { bytesOf, fixtureCrypto as crypto, keyOf, signedItem, versionBody } from "../../fixtures/items.ts";

const graph = bytesOf("graph");
const signer = keyOf("writer");
const now = 1_900_000_000_000;
const day = 86_400_000;

/** A writer, its set, and the store that says when. */
class Desk {
  readonly policy: OpenPolicy;
  readonly set: ItemSet;
  readonly writer: Writer;
  #ticket = 0;

  constructor(policy: OpenPolicy = new OpenPolicy()) {
    this.policy = policy;
    this.set = new ItemSet(policy);
    const random = new SeededRandom(1);
    this.writer = new Writer({ crypto, signer, graph, policy, set: this.set, random });
  }

  write(request: Exclude<Request, { kind: "close" }>, at = now): Written {
    return this.writer.write(request, at);
  }

  /** Writes and hands to the store; the ticket. */
  begin(request: Exclude<Request, { kind: "close" }>): { ticket: number; item: Item } {
    const written = this.write(request);
    assert(written.ok, JSON.stringify(written));
    this.writer.begin(++this.#ticket, null, written.items);
    return { ticket: this.#ticket, item: written.items[0]! };
  }

  stored(ticket: number): void {
    const write = this.writer.end(ticket, "stored")!;
    this.set.restore(write.items, now);
  }

  /** Writes and stores. */
  keep(request: Exclude<Request, { kind: "close" }>): Item {
    const { ticket, item } = this.begin(request);
    this.stored(ticket);
    return item;
  }

  code(request: Exclude<Request, { kind: "close" }>, at = now): string {
    const written = this.write(request, at);
    assert(!written.ok, "it must be refused");
    assert(written.message.length > 20 && /^Cannot /.test(written.message), written.message);
    return written.code;
  }
}

function add(fields: Partial<AddRequest> = {}): AddRequest {
  return {
    ...{
      kind: "add",
      type: "note",
      contentKind: ContentKind.bytes,
      data: Uint8Array.of(1, 2),
      attributes: [],
    },
    ...{ expires: null, lifeMs: null, until: null },
    ...fields,
  };
}

function update(record: string, fields: Partial<UpdateRequest> = {}): UpdateRequest {
  return {
    ...{ kind: "update", record, contentKind: ContentKind.text, data: Uint8Array.of(3) },
    ...{ attributes: null, expires: null },
    ...fields,
  };
}

const bodyOf = (item: Item): VersionBody => {
  assert(item.body.kind === ItemKind.version);
  return item.body;
};

Deno.test("[R01] a new record: the whole item", () => {
  const desk = new Desk();
  const { item } = desk.begin(add({ attributes: [["place", "north pond"]] }));
  const { nonce, ...body } = bodyOf(item);
  assert.equal(nonce.length, 16);
  assert.deepEqual(body, {
    kind: ItemKind.version,
    type: "note",
    creator: signer.publicKey,
    created: now,
    until: now + 2 * recordLifeMsDefault,
    version: 1,
    expires: now + recordLifeMsDefault,
    prev: [],
    flags: 0,
    contentKind: ContentKind.bytes,
    epoch: 0,
    attributes: [["place", "north pond"]],
    data: Uint8Array.of(1, 2),
    chunks: null,
  });
  const { writer, ...head } = item.head!;
  assert.equal(writer.length, 8);
  assert.deepEqual(head, { author: signer.publicKey, key: null, seq: 1, at: now, credential: null });
});

Deno.test("[R01] 'until' leaves room behind the expiry: twice the life, a day at least, the graph's span at most", () => {
  const untilOf = (fields: Partial<AddRequest>) => bodyOf(new Desk().begin(add(fields)).item).until - now;
  assert.equal(untilOf({ lifeMs: 1_000 }), day);
  assert.equal(untilOf({ expires: now + 3 * day }), 6 * day);
  assert.equal(untilOf({ lifeMs: 300 * day }), recordSpanMsMaxDefault);
  assert.equal(untilOf({ lifeMs: 1_000, until: now + 5_000 }), 5_000);
  const both = bodyOf(new Desk().begin(add({ expires: now + day, lifeMs: 5 })).item);
  assert.equal(both.expires, now + day, "a moment goes before a life");
});

Deno.test("[R01] [R21] a record needs a future expiry within its bounds and a type of the application's", () => {
  const desk = new Desk();
  for (
    const fields of [
      { expires: now },
      { expires: now - 1 },
      { lifeMs: 0 },
      { lifeMs: recordSpanMsMaxDefault + 1 },
      { expires: now + 10, until: now + 9 },
      { until: now + recordSpanMsMaxDefault + 1 },
      { type: "" },
      { type: "kith.member" },
      { type: "x".repeat(129) },
    ]
  ) {
    assert.equal(desk.code(add(fields)), "invalid_record", JSON.stringify(fields));
  }
  const first = desk.begin(add({ lifeMs: recordSpanMsMaxDefault }));
  assert.equal(first.item.head!.seq, 1, "a refusal uses no number");
});

Deno.test("[R03] an update is one version further, keeps what is not said, and names what it builds on", () => {
  const desk = new Desk();
  const one = desk.keep(add({ attributes: [["place", "pond"]] }));
  const two = desk.keep(update(one.record!));
  const body = bodyOf(two);
  assert.deepEqual(body, {
    ...bodyOf(one),
    version: 2,
    prev: [one.hash.subarray(0, 8)],
    contentKind: ContentKind.text,
    data: Uint8Array.of(3),
  });
  const later = body.expires + 5;
  const three = desk.keep(update(one.record!, { attributes: [], expires: later }));
  assert.deepEqual([bodyOf(three).attributes, bodyOf(three).expires], [[], later]);
  assert.equal(desk.code(update(one.record!, { expires: later - 1 })), "invalid_record");
  assert.equal(desk.code(update(one.record!, { expires: body.until + 1 })), "invalid_record");
});

Deno.test("a second update builds on the first though that waits for the store, and 'prev' holds the last eight", () => {
  const desk = new Desk();
  const first = desk.keep(add());
  const items: Item[] = [first];
  const tickets: number[] = [];
  for (let i = 0; i < 10; i++) {
    const { item, ticket } = desk.begin(update(first.record!));
    items.push(item);
    tickets.push(ticket);
  }
  assert.deepEqual(items.map((item) => bodyOf(item).version), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assert.deepEqual(bodyOf(items[10]!).prev, items.slice(2, 10).map((item) => item.hash.subarray(0, 8)));
  assert.deepEqual(bodyOf(items[3]!).prev, items.slice(0, 3).map((item) => item.hash.subarray(0, 8)));
  for (const ticket of tickets) desk.stored(ticket);
  assert.equal(desk.set.shown(first.record!)!.item.id, items[10]!.id);
  // Nothing is under way any more: the next builds on what is shown.
  assert.equal(bodyOf(desk.keep(update(first.record!))).version, 12);
});

Deno.test("[R03] an extension moves the end forward, up to 'until'; an update keeps what was gained", () => {
  const desk = new Desk();
  const one = desk.keep(add({ lifeMs: day }));
  const { expires, until } = bodyOf(one);
  const extend = (to: number) => ({ kind: "extend", record: one.record!, expires: to }) as const;
  assert.equal(desk.code(extend(expires - 1)), "invalid_record");
  assert.equal(desk.code(extend(until + 1)), "invalid_record");
  const extension = desk.keep(extend(until)).body;
  assert(extension.kind === ItemKind.extension);
  assert.equal(extension.expires, until);
  assert.equal(desk.set.shown(one.record!)!.expires, until);
  assert.equal(bodyOf(desk.keep(update(one.record!))).expires, until);
});

Deno.test("(I1) what follows a record is taken by every reader, also if the clock was set back before the record's time", () => {
  const requests: Exclude<Request, { kind: "close" }>[] = [
    { kind: "delete", record: "" },
    { kind: "extend", record: "", expires: now + 40 * day },
    update(""),
  ];
  for (const request of requests) {
    const desk = new Desk();
    const { record } = desk.keep(add());
    const written = desk.write({ ...request, record: record! } as typeof request, now - day);
    assert(written.ok, JSON.stringify(written));
    const parsed = parseItem(crypto, graph, written.items[0]!.bytes);
    assert(parsed.ok, `${request.kind}: ${JSON.stringify(parsed)}`);
  }
});

Deno.test("what is unknown, deleted or expired cannot be changed; another's may not be", () => {
  const desk = new Desk();
  const one = desk.keep(add({ lifeMs: day }));
  assert.equal(desk.code(update("00".repeat(16))), "record_not_found");
  assert.equal(desk.code(update(one.record!), now + day + 1), "record_not_found");
  assert.equal(desk.code({ kind: "delete", record: one.record! }, now + 3 * day), "record_not_found");
  desk.keep({ kind: "delete", record: one.record! });
  assert.equal(desk.code(update(one.record!)), "record_not_found");
  assert.equal(desk.code({ kind: "extend", record: one.record!, expires: now + day }), "record_not_found");
  const other = keyOf("another");
  const record = {
    type: "note",
    creator: other.publicKey,
    created: now,
    until: now + day,
    nonce: new Uint8Array(16),
  };
  const theirs = signedItem(other, graph, versionBody(record), { at: now });
  desk.set.add([theirs as Item], now);
  assert.equal(desk.code(update(theirs.record)), "not_authorized");
  assert.equal(desk.code({ kind: "delete", record: theirs.record }), "not_authorized");
});

Deno.test("numbers: failed for certain is used again, unknown begins a new writer, and no two are ever equal", () => {
  const desk = new Desk();
  const [a, b] = [desk.begin(add()), desk.begin(add())];
  assert.deepEqual([a, b].map(({ item }) => item.head!.seq), [1, 2]);
  desk.writer.end(a.ticket, "failed");
  desk.writer.end(b.ticket, "failed");
  const again = desk.begin(add());
  assert.equal(numberOf(again.item), numberOf(a.item));
  const [c, d] = [desk.begin(add()), desk.begin(add())];
  desk.stored(again.ticket);
  desk.writer.end(c.ticket, "unknown");
  const e = desk.begin(add());
  desk.writer.end(d.ticket, "failed");
  const f = desk.begin(add());
  const numbers = [again, c, e, f].map(({ item }) => numberOf(item));
  assert.equal(new Set(numbers).size, 4);
  assert.notDeepEqual(e.item.head!.writer, c.item.head!.writer);
  assert.deepEqual([e, f].map(({ item }) => item.head!.seq), [1, 2]);
  assert.equal(desk.writer.end(99, "stored"), null);
});

Deno.test("writes that wait are counted, bounded, and the first of their arrivals is known", () => {
  const desk = new Desk();
  assert.equal(desk.writer.firstPendingArrival(), null);
  const [a, b] = [desk.begin(add()), desk.begin(add())];
  assert.equal(desk.writer.pending, 2);
  assert.equal(desk.writer.firstPendingArrival(), 1);
  desk.stored(a.ticket);
  assert.equal(desk.writer.firstPendingArrival(), 2);
  desk.stored(b.ticket);
  const written = desk.write(add());
  assert(written.ok);
  for (let ticket = 100; ticket < 100 + writesPendingMax; ticket++) {
    desk.writer.begin(ticket, null, written.items);
  }
  assert.equal(desk.code(add()), "too_many");
});

Deno.test("who holds no credential writes nothing", () => {
  const desk = new Desk();
  desk.policy.credentialOf = () => undefined as never;
  assert.equal(desk.code(add()), "not_a_member");
});

/** A policy under which this writer's standing ends in a day. */
class EndingPolicy extends OpenPolicy {
  override writesUntil(): number {
    return now + day;
  }
}

Deno.test("[S13] a record does not outlive its author's standing", () => {
  const { body } = new Desk(new EndingPolicy()).begin(add()).item;
  assert(body.kind === ItemKind.version);
  assert.deepEqual([body.expires, body.until], [now + day, now + day]);
  assert.equal(new Desk(new EndingPolicy()).code(add({ lifeMs: day + 1 })), "invalid_record");
  assert.equal(
    new Desk(new EndingPolicy()).code(add({ lifeMs: 10, until: now + day + 1 })),
    "invalid_record",
  );
});
