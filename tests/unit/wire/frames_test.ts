import assert from "node:assert/strict";
import { concat } from "../../../lib/base/bytes.ts";
import { SeededRandom } from "../../../lib/base/random.ts";
import { createCrypto } from "../../../lib/platform/crypto.ts";
import { CipherState } from "../../../lib/wire/cipher.ts";
import { FrameOpener, type FrameOptions, FrameSealer } from "../../../lib/wire/frames.ts";
import { frameBytesMax, messageBytesMax } from "../../../lib/wire/limits.ts";

const crypto = createCrypto();
const key = new Uint8Array(32).fill(1);
const empty = new Uint8Array();
const random = new SeededRandom(1);

/** What fits into one frame beside the flags, the tag and one segment's head. */
const loneMessageBytes = frameBytesMax - 16 - 1 - 3;

Deno.test("FrameSealer and FrameOpener carry messages of every size, in order", () => {
  const { sealer, opener } = pair();
  const edges = [loneMessageBytes - 4, loneMessageBytes, loneMessageBytes + 1, 2 * loneMessageBytes + 2];
  const messages = [0, 1, 2, 255, 256, ...edges, 40_000, messageBytesMax, 0].map((n) => random.bytes(n));
  assert.deepEqual(opener.push(sealer.seal(messages)), { messages });
  for (const message of messages) {
    assert.deepEqual(opener.push(sealer.seal([message])), { messages: [message] });
  }
  assert.equal(opener.midway, false);
});

Deno.test("seal() gives these bytes", () => {
  const bytes = pair().sealer.seal([Uint8Array.of(1, 2), empty]);
  const frame = new CipherState(crypto.aead, key).seal(empty, Uint8Array.of(0, 0, 0, 2, 1, 2, 0, 0, 0));
  assert.deepEqual(bytes, concat(Uint8Array.of(0, 25), frame));
  assert.equal(bytes.toHex(), "001901274dd3ef5016c20471544fec45ad170fe2ba59fbf19734ca");
});

Deno.test("seal() puts small messages into one frame and fills frames that a message crosses", () => {
  assert.deepEqual(frameLengths(pair().sealer.seal(Array.from({ length: 100 }, () => random.bytes(100)))), [
    1 + 100 * 103 + 16,
  ]);
  assert.deepEqual(frameLengths(pair().sealer.seal([random.bytes(loneMessageBytes)])), [frameBytesMax]);
  const [first, ...others] = frameLengths(pair().sealer.seal([random.bytes(messageBytesMax)]));
  assert.equal(first, frameBytesMax);
  assert.deepEqual(others.slice(0, 3), [frameBytesMax, frameBytesMax, frameBytesMax]);
  assert.equal(others.length, 4);
});

Deno.test("seal() of nothing is nothing, and of too much our own mistake", () => {
  assert.deepEqual(pair().sealer.seal([]), empty);
  assert.throws(() => pair().sealer.seal([new Uint8Array(messageBytesMax + 1)]));
});

Deno.test("push() takes the stream cut anywhere, even byte by byte", () => {
  const messages = [3, 0, 20_000, 1, 40_000].map((n) => random.bytes(n));
  for (const cut of [1, 2, 3, 17, 1_000, 16_385, 30_000]) {
    const { sealer, opener } = pair();
    const stream = sealer.seal(messages);
    const arrived: Uint8Array[] = [];
    for (let i = 0; i < stream.length; i += cut) {
      const opened = opener.push(stream.subarray(i, i + cut));
      assert(opened.messages !== undefined);
      arrived.push(...opened.messages);
      assert.equal(opener.midway, arrived.length < messages.length, `after ${i + cut} bytes, cut ${cut}`);
    }
    assert.deepEqual(arrived, messages);
  }
});

Deno.test("push() gives messages that do not change with the caller's buffer", () => {
  const { sealer, opener } = pair();
  const stream = sealer.seal([Uint8Array.of(1, 2, 3)]);
  const opened = opener.push(stream);
  stream.fill(0);
  assert.deepEqual(opened, { messages: [Uint8Array.of(1, 2, 3)] });
});

Deno.test("push() gives small messages that do not keep the frame they came in", () => {
  const { sealer, opener } = pair();
  const opened = opener.push(sealer.seal([random.bytes(5), random.bytes(10_000)]));
  assert.deepEqual(opened.messages?.map((message) => message.buffer.byteLength), [5, 10_000]);
});

Deno.test("the key changes in step on request and by itself, also in the middle of a message", () => {
  const { sealer, opener } = pair({ rekeyFramesMax: 3 });
  for (let i = 0; i < 20; i++) {
    if (i % 5 === 0) sealer.rekey();
    const messages = [random.bytes(i), random.bytes(i * 2_000)];
    assert.deepEqual(opener.push(sealer.seal(messages)), { messages }, `round ${i}`);
  }
});

Deno.test("rekey() makes a frame of its own when there is nothing else to send, once", () => {
  const { sealer, opener } = pair();
  sealer.rekey();
  const marked = sealer.seal([]);
  assert.deepEqual(frameLengths(marked), [17]);
  assert.deepEqual(sealer.seal([]), empty);
  assert.deepEqual(opener.push(marked), { messages: [] });
  assert.deepEqual(opener.push(sealer.seal([key])), { messages: [key] });

  // Not the same key under another nonce: the former key opens nothing any more.
  const old = new CipherState(crypto.aead, key);
  assert.notEqual(old.open(empty, marked.subarray(2)), null);
  assert.equal(old.open(empty, sealer.seal([key]).subarray(2)), null);
});

Deno.test("push() refuses a sender that does not change its key in time", () => {
  const sealer = new FrameSealer(crypto, key, { rekeyFramesMax: 4 });
  const opener = new FrameOpener(crypto, key, { rekeyFramesMax: 3 });
  for (let i = 0; i < 2; i++) assert.deepEqual(opener.push(sealer.seal([key])), { messages: [key] });
  assert.deepEqual(opener.push(sealer.seal([key])), { reject: "rekey_overdue" });
});

Deno.test("push() refuses lengths out of bounds before it waits for or keeps their bytes", () => {
  for (const length of [0, 16, frameBytesMax + 1, 0xffff]) {
    const { opener } = pair();
    assert.deepEqual(opener.push(Uint8Array.of(length >>> 8, length & 255)), { reject: "bad_length" });
  }
});

Deno.test("push() refuses an altered, repeated, left out or exchanged frame, and stays refused", () => {
  const stream = pair().sealer.seal([random.bytes(5)]);
  for (let i = 2; i < stream.length; i++) {
    const altered = stream.slice();
    altered[i]! ^= 0x80;
    assert.deepEqual(pair().opener.push(altered), { reject: "bad_tag" }, `byte ${i}`);
  }
  const { sealer } = pair();
  const frames = [1, 2, 3].map((n) => sealer.seal([random.bytes(n)]));
  for (const order of [[0, 0], [1], [0, 2], [1, 0]]) {
    const { opener } = pair();
    const last = order.map((index) => opener.push(frames[index]!)).at(-1);
    assert.deepEqual(last, { reject: "bad_tag" }, `order ${order}`);
    assert.deepEqual(opener.push(frames[0]!), { reject: "bad_tag" });
    assert.deepEqual(opener.push(empty), { reject: "bad_tag" });
  }
});

Deno.test("push() refuses a plaintext that breaks the layout", () => {
  const full = frameBytesMax - 16;
  const cases: [string, Uint8Array][] = [
    ["an unknown flag", Uint8Array.of(2)],
    ["half a head", Uint8Array.of(0, 0, 0)],
    ["a segment longer than its frame", Uint8Array.of(0, 0, 0, 2, 9)],
    ["an unknown segment", Uint8Array.of(0, 2, 0, 1, 9)],
    ["a message that goes on though the frame is not full", Uint8Array.of(0, 1, 0, 1, 9)],
    ["a message that goes on with nothing", concat(segment(0, full - 7), Uint8Array.of(1, 0, 0))],
  ];
  for (const [what, plaintext] of cases) {
    const frame = new CipherState(crypto.aead, key).seal(empty, plaintext);
    const stream = concat(Uint8Array.of(frame.length >>> 8, frame.length & 255), frame);
    assert.deepEqual(pair().opener.push(stream), { reject: "malformed" }, what);
  }
});

Deno.test("push() refuses a message that grows beyond its bound", () => {
  const cipher = new CipherState(crypto.aead, key);
  const { opener } = pair();
  const pieces = Array.from({ length: 5 }, () => {
    const frame = cipher.seal(empty, segment(1, loneMessageBytes));
    return opener.push(concat(Uint8Array.of(frame.length >>> 8, frame.length & 255), frame));
  });
  const inside = Array.from({ length: 4 }, () => ({ messages: [] }));
  assert.deepEqual(pieces, [...inside, { reject: "message_too_long" }]);
});

function pair(options: FrameOptions = {}): { sealer: FrameSealer; opener: FrameOpener } {
  return { sealer: new FrameSealer(crypto, key, options), opener: new FrameOpener(crypto, key, options) };
}

/** A frame's plaintext of one segment. */
function segment(continues: number, length: number): Uint8Array {
  return concat(Uint8Array.of(0, continues, length >>> 8, length & 255), new Uint8Array(length));
}

function frameLengths(stream: Uint8Array): number[] {
  const lengths: number[] = [];
  for (let offset = 0; offset < stream.length; offset += 2 + lengths.at(-1)!) {
    lengths.push(stream[offset]! * 256 + stream[offset + 1]!);
  }
  return lengths;
}
