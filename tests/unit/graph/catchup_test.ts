import assert from "node:assert/strict";
import { hex } from "../../../lib/base/bytes.ts";
import { Catchup, type CatchupContext } from "../../../lib/graph/catchup.ts";
import { answersWaitingMax, elementsPageMax, pagesAheadMax } from "../../../lib/graph/limits.ts";
import type { Effect } from "../../../lib/graph/machine.ts";
import { decodeMessage, type GraphMessage, SetKind } from "../../../lib/graph/messages.ts";
import { LinkWindow, Outbox } from "../../../lib/graph/outbox.ts";
import { CodecWire } from "../../../lib/graph/wire.ts";
import { Arrivals } from "../../../lib/records/arrivals.ts";
import type { Entry } from "../../../lib/records/entry.ts";
import type { Item } from "../../../lib/records/item.ts";
import type { ItemSet } from "../../../lib/records/item_set.ts";
import { createLightCrypto } from "../../../lib/sim/light_crypto.ts";

const crypto = createLightCrypto();

/** One side of a catch-up over items that are nothing but a hash. */
class Side {
  readonly outbox = new Outbox(new CodecWire(crypto, new Uint8Array(32)));
  readonly window = new LinkWindow(1, this.outbox);
  readonly held = new Map<string, Entry>();
  readonly catchup: Catchup;
  /** The most answers that ever waited for its link. */
  waitingMax = 0;
  readonly #data = new Arrivals<Entry>();

  constructor(from: number, to: number) {
    const set = {
      authority: new Arrivals<Entry>(),
      data: this.#data,
      byElement: (element: string) => this.held.get(element) ?? null,
    } as unknown as ItemSet;
    const context: CatchupContext = {
      set,
      crypto,
      cursor: () => null,
      saveCursor: () => {},
      mayBegin: () => true,
      settledArrival: () => Number.MAX_SAFE_INTEGER,
    };
    this.catchup = new Catchup(context, this.window);
    for (let n = from; n < to; n++) this.take(numbered(n));
  }

  take(bytes: Uint8Array): void {
    const element = hex(bytes.subarray(0, 16));
    if (this.held.has(element)) return;
    const entry: Entry = { item: { hash: bytes, bytes } as Item, place: "in", arrival: this.held.size + 1 };
    this.held.set(element, entry);
    this.#data.enter(entry);
  }

  /** Takes a message; whether an honest neighbor could have said it. */
  hear(message: GraphMessage): boolean {
    if (message.type === "items") message.items.forEach((bytes) => this.take(bytes));
    const isTaken = message.type === "items" || this.catchup.onMessage(message);
    this.catchup.advance();
    this.waitingMax = Math.max(this.waitingMax, this.window.waitingBulk);
    return isTaken;
  }

  onWritable(): void {
    this.window.onWritable();
    this.catchup.advance();
  }

  said(): Uint8Array[] {
    return (this.outbox.take() as (Effect & { kind: "send" })[]).map(({ bytes }) => bytes);
  }
}

function numbered(n: number): Uint8Array {
  const hash = new Uint8Array(32);
  new DataView(hash.buffer).setUint32(0, n);
  return hash;
}

const pages = 3 * pagesAheadMax;
const size = pages * elementsPageMax;

for (const slowness of [1, 7]) {
  Deno.test(`two large sets become one within the bound of what may wait, one link ${slowness} times as slow`, () => {
    const [ana, ben] = [new Side(0, size), new Side(size / 2, 1.5 * size)];
    ana.catchup.begin();
    ben.catchup.begin();
    const ways = [[ana, ben, 1], [ben, ana, slowness]] as const;
    const underWay = new Map<Side, Uint8Array[]>([[ana, []], [ben, []]]);
    for (let step = 1; ana.catchup.state !== "idle" || ben.catchup.state !== "idle"; step++) {
      assert.ok(step < 10_000, "it ends");
      for (const [from, to, every] of ways) {
        const queue = underWay.get(from)!;
        queue.push(...from.said());
        if (step % every !== 0) continue;
        const next = queue.shift();
        if (next !== undefined) assert.ok(to.hear(decodeMessage(next)!));
        if (queue.length === 0) from.onWritable();
      }
    }
    assert.deepEqual([ana, ben].map(({ held, catchup }) => [held.size, catchup.result]), [
      [1.5 * size, "equal"],
      [1.5 * size, "equal"],
    ]);
    const waited = Math.max(ana.waitingMax, ben.waitingMax);
    assert.ok(waited > pagesAheadMax && waited < answersWaitingMax, `${waited} answers waited`);
  });
}

Deno.test("[T14] a list goes on as it is answered, and answers that are not read are few", () => {
  const side = new Side(0, size);
  const said = (): GraphMessage[] => side.said().map((bytes) => decodeMessage(bytes)!);
  side.catchup.begin();
  const summary = said().find((message) => message.type === "summary")!;
  side.hear({ ...summary, cursor: null });
  side.hear({ type: "served", set: SetKind.authority, cursor: null });
  side.hear({
    type: "summary",
    set: SetKind.data,
    round: 1,
    count: 1,
    fingerprint: new Uint8Array(16),
    cursor: null,
  });
  const listed = () => said().filter((message) => message.type === "elements").length;
  assert.equal(listed(), pagesAheadMax);
  side.hear({ type: "want", set: SetKind.data, elements: [], last: false });
  assert.equal(listed(), 1);
  const elements = Array.from({ length: elementsPageMax }, (_, n) => numbered(2 * size + n).subarray(0, 16));
  let taken = 0;
  while (side.hear({ type: "elements", set: SetKind.data, elements, last: false })) taken++;
  assert.ok(taken > 0 && taken <= answersWaitingMax + 8, `${taken} pages`);
});

Deno.test("a list is served up to where it began: what came meanwhile travels by itself, and may be missed", () => {
  const side = new Side(0, 3);
  side.catchup.begin();
  const summary = side.said().map((bytes) => decodeMessage(bytes)!).find(({ type }) => type === "summary")!;
  side.hear({ ...summary, cursor: null } as GraphMessage);
  side.hear({ type: "served", set: SetKind.authority, cursor: null });
  const other = { count: 1, fingerprint: new Uint8Array(16), cursor: null };
  side.hear({ type: "summary", set: SetKind.data, round: 1, ...other });
  side.take(numbered(7));
  side.said();
  side.hear({ type: "want", set: SetKind.data, elements: [], last: true });
  const served = side.said().map((bytes) => decodeMessage(bytes)!).find(({ type }) => type === "served");
  assert.ok(served?.type === "served");
  assert.equal(served.cursor?.arrival, 3);
});
