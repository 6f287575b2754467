import assert from "node:assert/strict";
import type { Instant, StoreEntry, StoreKey } from "../../../lib/base/ports.ts";
import { SeededRandom } from "../../../lib/base/random.ts";
import { restore, Slots } from "../../../lib/graph/keeping.ts";
import { clockSetBackMs } from "../../../lib/graph/limits.ts";
import type { Effect, Input, Request } from "../../../lib/graph/machine.ts";
import { OpenPolicy } from "../../../lib/graph/policy.ts";
import { Replica } from "../../../lib/graph/replica.ts";
import { ContentKind, type Item } from "../../../lib/records/item.ts";
import { recordDataBytesMax, sidelinedBytesMax } from "../../../lib/records/limits.ts";
import {
  bytesOf,
  fakeAt,
  fixtureCrypto as crypto,
  keyOf,
  recordOf,
  signedItem,
  versionBody,
} from "../../fixtures/items.ts";

const graph = bytesOf("graph");
const bob = keyOf("bob");
const afterwards = fakeAt + 10 * clockSetBackMs;

/** A replica and its store, which is as fast as it is told to be. */
class Desk {
  readonly disk: Map<string, StoreEntry>;
  readonly replica: Replica;
  #waiting: (Effect & { kind: "store" })[] = [];
  #now: Instant;

  constructor(disk: Map<string, StoreEntry> = new Map(), wallMs = fakeAt) {
    this.disk = disk;
    this.#now = { monoMs: 0, wallMs };
    const random = new SeededRandom(1);
    this.replica = new Replica({ graph, signer: keyOf("alice"), policy: new OpenPolicy(), crypto, random });
    this.#take(this.replica.start(this.#now));
    this.handle({ kind: "loaded", entries: [...disk.values()] });
    this.store();
  }

  handle(input: Input): void {
    this.#take(this.replica.handle(input, this.#now));
  }

  learn(...items: readonly Item[]): void {
    this.replica.learn(items, null, this.#now);
    this.handle({ kind: "deadline" });
  }

  /** The wall clock shows something else a second later, or so much later. */
  timeIs(wallMs: number, laterMs = 1_000): void {
    this.#now = { monoMs: this.#now.monoMs + laterMs, wallMs };
    this.handle({ kind: "deadline" });
  }

  /** The store carries out what it was told. */
  store(): void {
    for (let commit = this.#waiting.shift(); commit !== undefined; commit = this.#waiting.shift()) {
      for (const key of commit.deletes) this.disk.delete(nameOf(key));
      for (const entry of commit.sets) this.disk.set(nameOf(entry.key), entry);
      this.handle({ kind: "stored", ticket: commit.ticket });
    }
  }

  /** The store refuses what it was told. */
  refuse(): void {
    for (const { ticket } of this.#waiting.splice(0)) {
      this.handle({ kind: "storeFailed", ticket, code: "store_full", message: "full", certain: true });
    }
  }

  /** Items in the set by id, in the order of their arrival. */
  get order(): string[] {
    return [...this.replica.set.data.since(0)].map(({ item }) => item.id);
  }

  /** The arrival number of each item, as the store has it. */
  get numbersOnDisk(): Map<string, number> {
    const { items } = restore(crypto, graph, new Slots(graph), [...this.disk.values()]);
    return new Map(items.map(({ item, arrival }) => [item.id, arrival]));
  }

  /** The arrival number of each item, as the set has it. */
  get numbers(): Map<string, number> {
    return new Map([...this.replica.set.entries()].map(({ item, arrival }) => [item.id, arrival]));
  }

  #take(effects: readonly Effect[]): void {
    for (const effect of effects) if (effect.kind === "store") this.#waiting.push(effect);
  }
}

function nameOf(key: StoreKey): string {
  return key.map((part) => part instanceof Uint8Array ? part.toHex() : part).join();
}

function sameNumbers(desk: Desk): void {
  assert.deepEqual([...desk.numbersOnDisk].sort(), [...desk.numbers].sort());
}

/** Bob's version of a record of his own, with so many bytes of data. */
function item(seq: number, until: number, dataBytes = 0): Item {
  const record = recordOf(bob.publicKey, { until, nonce: bytesOf(`${seq}`).slice(0, 16) });
  const body = { ...versionBody(record), data: new Uint8Array(dataBytes) };
  return signedItem(bob, graph, body, { seq }) as Item;
}

Deno.test("[R19] what leaves the set and comes back is a new arrival after a restart too", () => {
  const desk = new Desk();
  const [short, long] = [item(1, fakeAt + 50), item(2, 2 * afterwards)];
  desk.learn(short, long);
  desk.store();
  assert.deepEqual(desk.order, [short.id, long.id]);
  desk.timeIs(afterwards);
  desk.store();
  assert.deepEqual(desk.order, [long.id]);
  sameNumbers(desk);
  desk.timeIs(fakeAt);
  desk.store();
  assert.deepEqual(desk.order, [long.id, short.id]);
  sameNumbers(desk);
  assert.deepEqual(new Desk(desk.disk).order, [long.id, short.id]);
});

Deno.test("[R19] what left the set by the time of a restart has no number in the store", () => {
  const desk = new Desk();
  const [short, long] = [item(1, fakeAt + 50), item(2, 2 * afterwards)];
  desk.learn(short, long);
  desk.store();
  const late = new Desk(desk.disk, afterwards);
  assert.equal(late.numbers.get(short.id), 0);
  sameNumbers(late);
  assert.deepEqual(new Desk(desk.disk).order, [long.id, short.id]);
});

Deno.test("[R19] an own write that is superseded before it is stored has no number in the store", () => {
  const desk = new Desk();
  const alice = keyOf("alice");
  const record = recordOf(alice.publicKey, { until: 2 * afterwards });
  const [first, fifth] = [1, 5].map((version) =>
    signedItem(alice, graph, versionBody(record, { version }), { seq: version }) as Item
  );
  desk.learn(first!);
  desk.store();
  const data = new Uint8Array(1);
  const request: Request = {
    kind: "update",
    record: first!.record!,
    contentKind: ContentKind.bytes,
    data,
    attributes: null,
    expires: null,
  };
  desk.handle({ kind: "call", call: 1, request });
  desk.learn(fifth!);
  desk.store();
  assert.deepEqual([desk.order, desk.numbers.size], [[fifth!.id], 3]);
  sameNumbers(desk);
});

Deno.test("[R17] what is dropped because much ran out at once leaves the store as well", () => {
  const desk = new Desk();
  const items = Array.from({ length: Math.ceil(sidelinedBytesMax / recordDataBytesMax) }, (_, i) => {
    return item(i, fakeAt + 50, recordDataBytesMax);
  });
  desk.learn(...items);
  desk.store();
  assert.equal(desk.disk.size, items.length);
  desk.timeIs(afterwards);
  desk.store();
  assert.ok(desk.replica.snapshot().shelf < items.length);
  assert.equal(desk.disk.size, desk.replica.snapshot().shelf);
});

Deno.test("[R17] what a full store refused and the shelf dropped meanwhile is not written later", () => {
  const desk = new Desk();
  const items = Array.from({ length: Math.ceil(sidelinedBytesMax / recordDataBytesMax) }, (_, i) => {
    return item(i, fakeAt + 50, recordDataBytesMax);
  });
  desk.learn(...items);
  desk.timeIs(afterwards);
  assert.ok(desk.replica.snapshot().shelf < items.length);
  desk.refuse();
  desk.timeIs(afterwards + 60_000, 60_000);
  desk.store();
  assert.equal(desk.disk.size, desk.replica.snapshot().shelf);
});
