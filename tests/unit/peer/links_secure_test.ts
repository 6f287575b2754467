import assert from "node:assert/strict";
import fc from "fast-check";
import { concat } from "../../../lib/base/bytes.ts";
import { SeededRandom } from "../../../lib/base/random.ts";
import { encode } from "../../../lib/wire/codec.ts";
import { FrameOpener, FrameSealer } from "../../../lib/wire/frames.ts";
import { frameBytesMax } from "../../../lib/wire/limits.ts";
import { VirtualClock } from "../../../lib/sim/virtual_clock.ts";
import type { ChannelRegistry, RegisteredGraph } from "../../../lib/peer/channels.ts";
import { linkQueueBytesMax, linkQueueCountMax } from "../../../lib/peer/limits.ts";
import {
  channelTag,
  decodeLinkMessage,
  encodeLinkMessage,
  type LinkMessage,
} from "../../../lib/peer/link_messages.ts";
import { LiveLink, usableEndpoints } from "../../../lib/peer/live_link.ts";
import { SecureLink } from "../../../lib/peer/secure_link.ts";
import { crypto, graphOf, Recorder, ScriptedStream } from "./link_world.ts";

const ownKey = new Uint8Array(32).fill(1);
const peerKey = new Uint8Array(32).fill(2);
const handshakeHash = new Uint8Array(32).fill(3);

/** A link whose other end is the test: it knows both keys and writes the stream by hand. */
class Bench {
  readonly clock: VirtualClock = new VirtualClock();
  readonly stream: ScriptedStream;
  readonly sealer: FrameSealer = new FrameSealer(crypto, peerKey);
  readonly link: SecureLink;
  readonly heard: LinkMessage[] = [];
  readonly errors: string[] = [];
  writableCalls = 0;

  constructor(
    script: readonly Uint8Array[] = [],
    then: "end" | "wait" = "wait",
    early: Uint8Array = new Uint8Array(),
  ) {
    this.stream = new ScriptedStream(script, then);
    const log = {
      debug() {},
      info() {},
      warn() {},
      error: (message: string) => void this.errors.push(message),
    };
    this.link = new SecureLink({
      stream: this.stream,
      ports: { clock: this.clock, timers: this.clock, crypto, log },
      peer: graphOf(9),
      peerStatic: graphOf(8),
      dialled: true,
      handshakeHash,
      sendKey: ownKey,
      receiveKey: peerKey,
      early,
    });
  }

  start(): this {
    this.link.start({
      message: (message) => void this.heard.push(message),
      writable: () => void this.writableCalls++,
    });
    return this;
  }

  /** What the link wrote, opened. */
  written(): LinkMessage[] {
    const { messages } = new FrameOpener(crypto, ownKey).push(this.stream.allWritten);
    return messages!.map((bytes) => {
      const decoded = decodeLinkMessage(bytes);
      assert.ok(decoded.ok);
      return decoded.message;
    });
  }

  async closed(maxMs = 120_000): Promise<string> {
    const reason = await this.clock.until(this.link.closed, maxMs);
    assert.equal(this.clock.timerCount, 0);
    return reason;
  }
}

const data = (channel: number, ...bytes: number[]): LinkMessage => ({
  kind: "data",
  channel,
  bytes: Uint8Array.from(bytes),
});

Deno.test("a link hands on what came, the bytes behind the handshake first", async () => {
  const sealer = new FrameSealer(crypto, peerKey);
  const early = sealer.seal([encodeLinkMessage(data(1, 1))]);
  const later = sealer.seal([encodeLinkMessage(data(1, 2)), encodeLinkMessage(data(1, 3))]);
  const bench = new Bench([later], "wait", early).start();
  await bench.clock.settle();
  assert.deepEqual(bench.heard, [data(1, 1), data(1, 2), data(1, 3)]);
  bench.link.abort("closed");
  assert.equal(await bench.closed(), "closed");
});

Deno.test("what is sent in one turn leaves in one write", async () => {
  const bench = new Bench().start();
  for (let i = 0; i < 10; i++) assert.equal(bench.link.send(data(1, i)), true);
  await bench.clock.settle();
  assert.equal(bench.stream.written.length, 1);
  assert.ok(bench.stream.allWritten.length < 10 * 10);
  assert.deepEqual(bench.written(), Array.from({ length: 10 }, (_, i) => data(1, i)));
  bench.link.abort("closed");
  await bench.closed();
});

Deno.test("[T14] the queue is bounded by count and by bytes, and room is told once", async () => {
  for (
    const [size, most] of [[1, linkQueueCountMax], [10_000, Math.floor(linkQueueBytesMax / 10_000)]] as const
  ) {
    const bench = new Bench().start();
    const message: LinkMessage = { kind: "data", channel: 1, bytes: new Uint8Array(size) };
    let sent = 0;
    while (bench.link.send(message)) sent++;
    assert.ok(sent <= most && sent > most * 0.9, `${sent}`);
    assert.ok(bench.link.queuedBytes <= linkQueueBytesMax);
    assert.equal(bench.link.send(message), false);
    await bench.clock.settle();
    assert.equal(bench.writableCalls, 1);
    assert.equal(bench.written().length, sent);
    bench.link.abort("closed");
    await bench.closed();
  }
});

Deno.test("close() sends what waits and a goodbye, and ends when the other end does", async () => {
  const bench = new Bench().start();
  bench.link.send(data(1, 1));
  bench.link.close();
  assert.equal(bench.link.send(data(1, 2)), false);
  await bench.clock.settle();
  assert.deepEqual(bench.written(), [data(1, 1), { kind: "bye", reason: "closed" }]);
  assert.notEqual(bench.clock.timerCount, 0); // it still waits
  bench.stream.close();
  assert.equal(await bench.closed(0), "closed");
});

Deno.test("close() waits a second at most for the other end", async () => {
  const bench = new Bench().start();
  bench.link.close("too_many");
  assert.equal(await bench.closed(1_000), "too_many");
});

Deno.test("close() before start() says goodbye and ends", async () => {
  const bench = new Bench();
  bench.link.close("duplicate");
  assert.equal(await bench.closed(0), "duplicate");
  assert.deepEqual(bench.written(), [{ kind: "bye", reason: "duplicate" }]);
});

Deno.test("the reason of a goodbye is the link's close reason", async () => {
  for (
    const [reason, expected] of [["closed", "closed_by_peer"], ["duplicate", "duplicate"], [
      "too_many",
      "too_many",
    ]] as const
  ) {
    const bench = new Bench();
    bench.stream.feed(bench.sealer.seal([encodeLinkMessage({ kind: "bye", reason })]));
    assert.equal(await bench.start().closed(0), expected);
  }
});

Deno.test("a stream that ends without a goodbye is broken, also within a frame", async () => {
  assert.equal(await new Bench([], "end").start().closed(0), "broken");
  const whole = new FrameSealer(crypto, peerKey).seal([encodeLinkMessage(data(1, 1))]);
  for (let end = 1; end < whole.length; end++) {
    const bench = new Bench([whole.subarray(0, end)], "end").start();
    assert.equal(await bench.closed(0), "broken");
    assert.deepEqual(bench.heard, []);
  }
});

Deno.test("[T10] pings are answered, but never pile up answers", async () => {
  const bench = new Bench().start();
  bench.stream.feed(
    bench.sealer.seal(Array.from({ length: 2_000 }, () => encodeLinkMessage({ kind: "ping" }))),
  );
  await bench.clock.settle();
  assert.deepEqual(bench.written(), [{ kind: "pong" }]);
  bench.link.abort("closed");
  await bench.closed();
});

Deno.test("a silent link is pinged each 15 s and dead after 45 s", async () => {
  const bench = new Bench().start();
  assert.equal(await bench.closed(), "silent");
  assert.equal(bench.clock.now().monoMs, 45_000);
  assert.deepEqual(bench.written(), [{ kind: "ping" }, { kind: "ping" }]);
});

Deno.test("a link that is heard is neither pinged nor ended", async () => {
  const bench = new Bench().start();
  for (let i = 0; i < 20; i++) {
    await bench.clock.run(14_000);
    bench.stream.feed(bench.sealer.seal([encodeLinkMessage(data(1, i))]));
  }
  await bench.clock.settle();
  assert.deepEqual(bench.written(), []);
  assert.equal(bench.heard.length, 20);
  bench.link.abort("closed");
  await bench.closed();
});

Deno.test("[T12] a frame that comes a byte a second ends the link after 30 s", async () => {
  const bench = new Bench().start();
  const frame = bench.sealer.seal([
    encodeLinkMessage({ kind: "data", channel: 1, bytes: new Uint8Array(100) }),
  ]);
  for (let i = 0; i < 29; i++) {
    bench.stream.feed(frame.subarray(i, i + 1));
    await bench.clock.run(1_000);
  }
  assert.equal(bench.link.isOpen, true);
  assert.equal(await bench.closed(2_000), "slow_frame");
});

Deno.test("[T12] steady traffic whose reads end within frames is not slow", async () => {
  const bench = new Bench().start();
  let carry: Uint8Array = new Uint8Array();
  for (let i = 0; i < 60; i++) {
    const bytes = concat(carry, bench.sealer.seal([encodeLinkMessage(data(1, i))]));
    bench.stream.feed(bytes.subarray(0, -3));
    carry = bytes.slice(-3);
    await bench.clock.run(2_000);
  }
  assert.equal(bench.link.isOpen, true);
  assert.equal(bench.heard.length, 59);
  bench.link.abort("closed");
  await bench.closed();
});

Deno.test("the key changes with the first frame after an hour", async () => {
  const bench = new Bench().start();
  bench.link.send(data(1, 1));
  for (let quarter = 0; quarter < 360; quarter++) {
    await bench.clock.run(10_000);
    bench.stream.feed(bench.sealer.seal([encodeLinkMessage({ kind: "pong" })]));
  }
  bench.link.send(data(1, 2));
  await bench.clock.settle();
  bench.link.send(data(1, 3));
  await bench.clock.settle();
  const expected = new FrameSealer(crypto, ownKey);
  const first = expected.seal([encodeLinkMessage(data(1, 1))]);
  expected.rekey();
  const rest = [2, 3].map((i) => expected.seal([encodeLinkMessage(data(1, i))]));
  assert.deepEqual(bench.stream.allWritten, concat(first, ...rest));
  bench.link.abort("closed");
  await bench.closed();
});

Deno.test("a write that nobody reads ends the link after 45 s", async () => {
  const bench = new Bench().start();
  bench.stream.hold();
  bench.link.send(data(1, 1));
  for (let i = 0; i < 4; i++) {
    bench.stream.feed(bench.sealer.seal([encodeLinkMessage({ kind: "ping" })]));
    await bench.clock.run(10_000);
  }
  bench.stream.feed(bench.sealer.seal([encodeLinkMessage({ kind: "ping" })]));
  assert.equal(await bench.closed(5_000), "stalled");
});

Deno.test("a message that is none ends the link", async () => {
  for (const value of [[], [9], [1, 1], "text", [3, 1, new Uint8Array(15)]]) {
    const bench = new Bench();
    bench.stream.feed(bench.sealer.seal([encode(value)]));
    assert.equal(await bench.start().closed(0), "bad_message");
  }
});

Deno.test("a mistake of the handlers ends the link as failed and is logged", async () => {
  const bench = new Bench();
  bench.stream.feed(bench.sealer.seal([encodeLinkMessage(data(1, 1)), encodeLinkMessage(data(1, 2))]));
  let calls = 0;
  bench.link.start({
    message: () => {
      calls++;
      throw new Error("a mistake");
    },
    writable: () => {},
  });
  assert.equal(await bench.closed(0), "failed");
  assert.equal(calls, 1);
  assert.deepEqual(bench.errors, ["A link failed: a mistake"]);
});

Deno.test("[T7][T13] 24,000 mutated streams of frames end with a reason and never throw", async () => {
  const sealer = new FrameSealer(crypto, peerKey);
  const messages = [1, 2, 3, 4, 5].map((i) => data(i, ...new Uint8Array(i * 7)));
  const frames = messages.map((message) => sealer.seal([encodeLinkMessage(message)]));
  const whole = concat(...frames);
  const random = new SeededRandom(11);
  const reasons = new Map<string, number>();
  for (let i = 0; i < 24_000; i++) {
    const bench = new Bench([mutate(whole, frames, random)], "end").start();
    const reason = await bench.link.closed;
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    // Whatever was handed on is what was sent, from the beginning and in order.
    assert.deepEqual(bench.heard, messages.slice(0, bench.heard.length), `mutation ${i}`);
    assert.deepEqual(bench.errors, []);
    assert.equal(bench.clock.timerCount, 0);
  }
  assert.deepEqual([...reasons.keys()].sort(), ["bad_frame", "broken"]);
});

Deno.test("[T13] every length of a frame that is out of bounds is refused before its bytes come", async () => {
  for (const length of [0, 1, 16, frameBytesMax + 1, 32_768, 65_535]) {
    const bench = new Bench([Uint8Array.of(length >> 8, length & 255)]).start();
    assert.equal(await bench.closed(0), "bad_frame", `${length}`);
  }
});

Deno.test("any sequence of messages leaves channels in order or ends the link with a reason", async () => {
  const graphs = [1, 2].map(graphOf);
  const tag = fc.constantFrom(
    ...[...graphs, graphOf(3)].map((graph) => channelTag(crypto, graph, handshakeHash)),
  );
  const channel = fc.integer({ min: 0, max: 9 });
  const message: fc.Arbitrary<LinkMessage> = fc.oneof(
    fc.record({ kind: fc.constant("open" as const), channel, tag }),
    fc.record({
      kind: fc.constant("answer" as const),
      channel,
      answer: fc.constantFrom("ok" as const, "unknown" as const, "refused" as const),
    }),
    fc.record({ kind: fc.constant("close" as const), channel }),
    fc.record({ kind: fc.constant("data" as const), channel, bytes: fc.uint8Array({ maxLength: 4 }) }),
    fc.constant<LinkMessage>({ kind: "hello", endpoints: [], wallMs: 1, agent: "" }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 30 }), fc.boolean(), async (messages, opens) => {
      const bench = new Bench();
      const recorders = graphs.map(() => new Recorder());
      const live = liveLink(bench, recorders);
      if (opens) live.open(registered(graphs[0]!, recorders[0]!));
      const hello: LinkMessage = { kind: "hello", endpoints: [], wallMs: 1, agent: "" };
      const sequence = [hello, ...messages.filter((message, i) => message.kind !== "hello" || i === 29)];
      bench.stream.feed(bench.sealer.seal(sequence.map(encodeLinkMessage)));
      await bench.clock.settle();
      bench.link.abort("closed");
      live.end("closed");
      const reason = await bench.closed(0);
      assert.ok(reason === "closed" || reason === "bad_message", reason);
      assert.deepEqual(bench.errors, []);
      for (const { events, channels } of recorders) {
        // Up and down take turns, and frames come only between them.
        const order = events.filter((event) => !event.startsWith("refused")).map((event) => event[0]).join(
          "",
        );
        assert.match(order, /^(uf*d)*$/);
        assert.deepEqual(channels, []);
      }
    }),
    { seed: 5, numRuns: 1_500 },
  );
});

Deno.test("the first message must be a hello, and no later one may be", async () => {
  const hello: LinkMessage = { kind: "hello", endpoints: [], wallMs: 1, agent: "" };
  for (const sequence of [[data(1, 1)], [hello, hello]]) {
    const bench = new Bench();
    bench.stream.feed(bench.sealer.seal(sequence.map(encodeLinkMessage)));
    liveLink(bench, []);
    assert.equal(await bench.closed(0), "bad_message");
  }
});

Deno.test("numbers that the other end may not use end the link", async () => {
  const hello: LinkMessage = { kind: "hello", endpoints: [], wallMs: 1, agent: "" };
  const tag = channelTag(crypto, graphOf(1), handshakeHash);
  const table: LinkMessage[][] = [
    [{ kind: "open", channel: 1, tag }], // the dialler's are odd, and this end dialled
    [{ kind: "open", channel: 0, tag }],
    [{ kind: "open", channel: 4, tag }, { kind: "open", channel: 2, tag }],
    [{ kind: "answer", channel: 1, answer: "ok" }], // nothing was asked
    [{ kind: "open", channel: 2, tag }, { kind: "answer", channel: 2, answer: "ok" }],
    [{ kind: "close", channel: 1 }],
    [{ kind: "close", channel: 2 }],
    [data(1, 1)],
    [data(2, 1)],
  ];
  for (const sequence of table) {
    const bench = new Bench();
    bench.stream.feed(bench.sealer.seal([hello, ...sequence].map(encodeLinkMessage)));
    const live = liveLink(bench, [new Recorder(), new Recorder()]);
    assert.equal(await bench.closed(0), "bad_message", JSON.stringify(sequence));
    live.end("closed");
  }
});

Deno.test("what is said about channels waits for room, and frames wait behind it", async () => {
  const bench = new Bench();
  const recorders = [new Recorder(), new Recorder()];
  const live = liveLink(bench, recorders);
  const hello: LinkMessage = { kind: "hello", endpoints: [], wallMs: 1, agent: "" };
  const open = (channel: number, graph: number): LinkMessage => ({
    kind: "open",
    channel,
    tag: channelTag(crypto, graphOf(graph), handshakeHash),
  });
  bench.stream.feed(bench.sealer.seal([hello, open(2, 1)].map(encodeLinkMessage)));
  await bench.clock.settle();
  bench.stream.hold();
  const full = recorders[0]!.channels[0]!;
  full.send(Uint8Array.of(1));
  await bench.clock.settle(); // that one is being written
  while (full.send(new Uint8Array(2_000)));
  while (full.send(new Uint8Array(0)));
  bench.stream.feed(bench.sealer.seal([encodeLinkMessage(open(4, 2))]));
  await bench.clock.settle();
  const late = recorders[1]!.channels[0]!;
  bench.stream.release(1); // room for a few messages, but the answer has not gone
  await bench.clock.settle();
  assert.equal(late.send(Uint8Array.of(7)), false);
  bench.stream.release();
  await bench.clock.settle();
  assert.deepEqual(recorders.map(({ events }) => events.at(-1)), ["writable", "writable"]);
  assert.equal(late.send(Uint8Array.of(7)), true);
  await bench.clock.settle();
  assert.deepEqual(bench.written().slice(-2), [{ kind: "answer", channel: 4, answer: "ok" }, data(4, 7)]);
  bench.link.abort("closed");
  await bench.closed(0);
  live.end("closed");
});

Deno.test("[T15] an end that opens and closes without reading is ended as stalled", async () => {
  const bench = new Bench();
  const recorders = [new Recorder(), new Recorder()];
  const live = liveLink(bench, recorders);
  const tag = channelTag(crypto, graphOf(1), handshakeHash);
  const hello: LinkMessage = { kind: "hello", endpoints: [], wallMs: 1, agent: "" };
  const storm = Array.from({ length: 3_000 }, (_, i): LinkMessage[] => [
    { kind: "open", channel: 2 * i + 2, tag },
    { kind: "close", channel: 2 * i + 2 },
  ]);
  bench.stream.hold();
  bench.stream.feed(bench.sealer.seal([hello, ...storm.flat()].map(encodeLinkMessage)));
  assert.equal(await bench.closed(0), "stalled");
  live.end("closed");
});

Deno.test("[T38] a link has at most 64 channels and is ended when it asks for unknown graphs without end", async () => {
  const hello: LinkMessage = { kind: "hello", endpoints: [], wallMs: 1, agent: "" };
  const many = Array.from({ length: 70 }, (_, i) => graphOf(i + 1));
  const opens = many.map((graph, i): LinkMessage => ({
    kind: "open",
    channel: 2 * i + 2,
    tag: channelTag(crypto, graph, handshakeHash),
  }));
  const bench = new Bench();
  const recorders = many.map(() => new Recorder());
  bench.stream.feed(bench.sealer.seal([hello, ...opens].map(encodeLinkMessage)));
  liveLink(bench, recorders, many);
  await bench.clock.settle();
  assert.equal(recorders.filter(({ channels }) => channels.length === 1).length, 64);
  assert.deepEqual(
    bench.written().slice(-6).map((message) => "answer" in message && message.answer),
    Array(6).fill("refused"),
  );
  const unknown = Array.from({ length: 1_100 }, (_, i): LinkMessage => ({
    kind: "open",
    channel: 2 * i + 1_000,
    tag: new Uint8Array(16),
  }));
  bench.stream.feed(bench.sealer.seal(unknown.map(encodeLinkMessage)));
  assert.match(await bench.closed(0), /^(bad_message|stalled)$/);
});

Deno.test("[T18] usableEndpoints() leaves out what cannot be meant", () => {
  const tcp = (host: string, port = 1) => ({ transport: "tcp", address: { host, port } }) as const;
  const from = (remote: string, ...hosts: string[]) =>
    usableEndpoints(hosts.map((host) => tcp(host)), { host: remote, port: 9 }).map(({ address }) =>
      address.host
    );
  const all = ["0.0.0.0", "127.0.0.1", "10.0.0.1", "169.254.169.254", "8.8.8.8", "224.0.0.1"];
  assert.deepEqual(from("9.9.9.9", ...all), ["9.9.9.9", "8.8.8.8"]);
  assert.deepEqual(from("10.0.0.9", ...all), ["10.0.0.9", "10.0.0.1", "169.254.169.254", "8.8.8.8"]);
  assert.deepEqual(from("127.0.0.1", ...all), [
    "127.0.0.1",
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "8.8.8.8",
  ]);
  assert.deepEqual(usableEndpoints([tcp("9.9.9.9", 0)], { host: "9.9.9.9", port: 9 }), []);
});

function liveLink(bench: Bench, recorders: readonly Recorder[], ids = [1, 2].map(graphOf)): LiveLink {
  let id = 0;
  const graphs = new Map(
    recorders.map((recorder, i) => [registered(ids[i]!, recorder).graphIdHex, registered(ids[i]!, recorder)]),
  );
  const registry: ChannelRegistry = { graphs, crypto, timers: bench.clock, nextChannelId: () => ++id };
  const hello = { kind: "hello", endpoints: [], wallMs: 1, agent: "" } as const;
  const live = new LiveLink(bench.link, bench.clock, registry, hello);
  live.start(() => {});
  return live;
}

function registered(graphId: Uint8Array, handlers: Recorder): RegisteredGraph {
  return { graphId, graphIdHex: graphId.toHex(), handlers };
}

/** Flips, cuts, adds, splices, swaps or repeats; one byte of a stream is always different or missing. */
function mutate(whole: Uint8Array, frames: readonly Uint8Array[], random: SeededRandom): Uint8Array {
  const at = random.uint32() % whole.length;
  const frame = random.uint32() % (frames.length - 1);
  switch (random.uint32() % 6) {
    case 0: {
      const copy = whole.slice();
      copy[at]! ^= 1 + random.uint32() % 255;
      return copy;
    }
    case 1:
      return whole.slice(0, at);
    case 2:
      return concat(whole.slice(0, at), random.bytes(1 + random.uint32() % 8), whole.slice(at));
    case 3:
      return concat(whole.slice(0, at), whole.slice(at + 1 + random.uint32() % 8));
    case 4:
      return concat(
        ...frames.slice(0, frame),
        frames[frame + 1]!,
        frames[frame]!,
        ...frames.slice(frame + 2),
      );
    default:
      return concat(...frames.slice(0, frame + 1), frames[frame]!, ...frames.slice(frame + 1));
  }
}
