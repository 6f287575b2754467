import assert from "node:assert/strict";
import { sendQueueBytesMax, sendWindowBytes } from "../../../lib/graph/limits.ts";
import type { Effect } from "../../../lib/graph/machine.ts";
import { decodeMessage, type GraphMessage } from "../../../lib/graph/messages.ts";
import { LinkWindow, Outbox } from "../../../lib/graph/outbox.ts";
import { CodecWire } from "../../../lib/graph/wire.ts";
import { createCrypto } from "../../../lib/platform/crypto.ts";

const wire = new CodecWire(createCrypto(), new Uint8Array(32));
const size = 10_000;
const numbered = (n: number): GraphMessage => ({
  type: "items",
  items: [Uint8Array.of(n), new Uint8Array(size)],
});

function window(): { outbox: Outbox; window: LinkWindow } {
  const outbox = new Outbox(wire);
  return { outbox, window: new LinkWindow(7, outbox) };
}

/** The numbers of the messages that were sent, and all their bytes. */
function sent(outbox: Outbox): { numbers: number[]; bytes: number } {
  const effects = outbox.take() as (Effect & { kind: "send" })[];
  const numbers = effects.map((effect) => {
    assert.deepEqual(effect.links, [7]);
    const message = decodeMessage(effect.bytes);
    assert(message?.type === "items");
    return message.items[0]![0]!;
  });
  return { numbers, bytes: effects.reduce((sum, { bytes }) => sum + bytes.length, 0) };
}

Deno.test("an outbox gives the effects of one step, in order, once", () => {
  const outbox = new Outbox(wire);
  outbox.push({ kind: "load" });
  outbox.emit({ kind: "loaded" });
  assert.deepEqual(outbox.take(), [{ kind: "load" }, { kind: "emit", event: { kind: "loaded" } }]);
  assert.deepEqual(outbox.take(), []);
});

Deno.test("a link is sent a window's worth; the rest waits, and what does not fit is missed", () => {
  const { outbox, window: link } = window();
  const taken = Array.from({ length: 200 }, (_, n) => link.send(numbered(n)));
  const first = sent(outbox);
  assert(first.bytes >= sendWindowBytes && first.bytes < sendWindowBytes + 2 * size);
  assert(link.waitingBytes <= sendQueueBytesMax && link.waitingBytes > sendQueueBytesMax - 2 * size);
  assert.equal(taken.indexOf(false), taken.filter((one) => one).length, "it fills up once");
  assert.equal(link.takeMissed(), true);
  assert.equal(link.takeMissed(), false);
  const numbers = [...first.numbers];
  for (let i = 0; i < 20; i++) {
    link.onWritable();
    const next = sent(outbox);
    assert(next.bytes < sendWindowBytes + 2 * size);
    numbers.push(...next.numbers);
  }
  assert.deepEqual(numbers, Array.from({ length: taken.indexOf(false) }, (_, n) => n));
  assert.equal(link.waitingBytes, 0);
});

Deno.test("bulk is made only as the window allows, is never dropped, and goes before what is said after it", () => {
  const { outbox, window: link } = window();
  let made = 0;
  const bulk = function* () {
    for (let n = 0; n < 60; n++) {
      made++;
      yield numbered(n);
    }
  };
  link.sendBulk(bulk());
  link.sendBulk([numbered(60)].values());
  link.send(numbered(61));
  assert(made * size < sendWindowBytes + 2 * size);
  assert.equal(link.waitingBulk, 2);
  const numbers = sent(outbox).numbers;
  while (link.waitingBulk > 0 || link.waitingBytes > 0) {
    link.onWritable();
    numbers.push(...sent(outbox).numbers);
  }
  assert.deepEqual(numbers, Array.from({ length: 62 }, (_, n) => n));
});

Deno.test("the last message of a link does not wait", () => {
  const { outbox, window: link } = window();
  for (let n = 0; n < 200; n++) link.send(numbered(n));
  sent(outbox);
  link.sendLast(numbered(255));
  assert.deepEqual(sent(outbox).numbers, [255]);
});
