/** Event streams: what they send, what a slow reader misses, when they end. */

import assert from "node:assert/strict";
import { PeerError } from "../../lib/base/errors.ts";
import { VirtualClock } from "../../lib/sim/virtual_clock.ts";
import { type ServerEvent, withGaps } from "../../http_api/event_stream.ts";
import { eventHeartbeatMs, eventQueueMax, eventStreamsMax } from "../../http_api/limits.ts";
import { within } from "../contract/real_world.ts";
import { Feed, otherId } from "./fake_peer.ts";
import { createFixture, problem } from "./client.ts";

const path = `/v1/groups/${"a".repeat(52)}`;

/** Reads a stream block by block. */
class Reader {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(response: Response) {
    this.#reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The next block, without its blank line; `null` at the end. */
  async next(): Promise<string | null> {
    while (!this.#text.includes("\n\n")) {
      const { done, value } = await within(this.#reader.read());
      if (done) return null;
      this.#text += value;
    }
    const [block, ...rest] = this.#text.split("\n\n");
    this.#text = rest.join("\n\n");
    return block!;
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}

async function open(suffix: string, init?: RequestInit) {
  const fixture = createFixture();
  await fixture.peer.groups.create("Field notes");
  const group = fixture.peer.made[0]!;
  const response = await fixture.ask("GET", path + suffix, undefined, init);
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const reader = new Reader(response);
  assert.equal(await reader.next(), ": open");
  return { ...fixture, group, reader };
}

Deno.test("events() are sent as they happen, one line of JSON each", async () => {
  const { group, reader } = await open("/events");
  group.feed.push({ kind: "neighborUp", peer: otherId });
  assert.equal(await reader.next(), `event: neighborUp\ndata: {"kind":"neighborUp","peer":"${otherId}"}`);
  group.feed.push({ kind: "warning", message: "two\nlines\r\n\nevent: forged" });
  assert.equal(
    await reader.next(),
    'event: warning\ndata: {"kind":"warning","message":"two\\nlines\\r\\n\\nevent: forged"}',
  );
  const record = await group.records.add("raw", Uint8Array.of(255));
  group.feed.push({ kind: "record", event: { kind: "added", record } });
  const block = await reader.next();
  const data = JSON.parse(block!.split("\ndata: ")[1]!);
  assert.deepEqual([data.kind, data.event.kind, data.event.record.base64], ["record", "added", "/w=="]);
  await reader.cancel();
});

Deno.test("watch() begins with what is there", async () => {
  const fixture = createFixture();
  await fixture.peer.groups.create("Field notes");
  const group = fixture.peer.made[0]!;
  await group.records.add("note", 1);
  await group.records.add("other", 2);
  const reader = new Reader(await fixture.ask("GET", `${path}/watch?type=note`));
  assert.equal(await reader.next(), ": open");
  assert.match((await reader.next())!, /^event: added\ndata: \{"kind":"added".*"value":1,/);
  await group.records.delete("0".repeat(32));
  assert.match((await reader.next())!, /^event: deleted\n/);
  await group.close();
  assert.equal(await reader.next(), null);
});

Deno.test("a silent stream sends a comment now and then", async () => {
  const { clock, group, reader } = await open("/events");
  for (let i = 0; i < 3; i++) {
    const block = reader.next();
    await clock.run(eventHeartbeatMs);
    assert.equal(await block, ": still here");
  }
  group.feed.push({ kind: "neighborUp", peer: otherId });
  assert.match((await reader.next())!, /^event: neighborUp/);
  await reader.cancel();
});

Deno.test("a stream ends its source when the reader leaves, the request is aborted or the API closes", async () => {
  const leaving = await open("/events");
  await leaving.reader.cancel();
  await leaving.clock.settle();
  assert.equal(leaving.group.feed.readers, 0);

  const controller = new AbortController();
  const aborted = await open("/events", { signal: controller.signal });
  controller.abort();
  assert.equal(await aborted.reader.next(), null);
  await aborted.clock.settle();
  assert.equal(aborted.group.feed.readers, 0);

  const closed = await open("/watch");
  closed.api.close();
  assert.equal(await closed.reader.next(), null);
  await closed.clock.settle();
  assert.equal(closed.group.records.feed.readers, 0);
  assert.deepEqual(await problem(await closed.ask("GET", `${path}/events`)), [503, "closed"]);
});

Deno.test("a stream whose source fails tells the code and ends", async () => {
  const fixture = createFixture();
  await fixture.peer.groups.create("Field notes");
  // deno-lint-ignore require-yield -- it fails before it has anything to say
  fixture.peer.made[0]!.events = async function* () {
    await Promise.resolve();
    throw new PeerError("closed", "The group was closed");
  };
  const reader = new Reader(await fixture.ask("GET", `${path}/events`));
  assert.equal(await reader.next(), ": open");
  const data = '{"kind":"problem","code":"closed","detail":"The group was closed"}';
  assert.equal(await reader.next(), `event: problem\ndata: ${data}`);
  assert.equal(await reader.next(), null);
});

Deno.test("streams beyond the limit are refused, and room comes back when one ends", async () => {
  const fixture = createFixture();
  await fixture.peer.groups.create("Field notes");
  const open: Response[] = [];
  for (let i = 0; i < eventStreamsMax; i++) open.push(await fixture.ask("GET", `${path}/events`));
  assert.deepEqual(await problem(await fixture.ask("GET", `${path}/events`)), [429, "too_many"]);
  await open.pop()!.body!.cancel();
  open.push(await fixture.ask("GET", `${path}/events`));
  assert.equal(open.at(-1)!.status, 200);
  for (const response of open) await response.body!.cancel();
});

Deno.test("a slow reader misses the newest events, is told how many, and goes on", async () => {
  const feed = new Feed<ServerEvent>();
  const number = (data: number): ServerEvent => ({ event: "n", data });
  const stream = withGaps(feed.read());
  const first = stream.next();
  feed.push(number(0));
  assert.deepEqual(await first, { done: false, value: number(0) });
  for (let i = 1; i <= eventQueueMax + 10; i++) feed.push(number(i));
  await new VirtualClock().settle();
  for (let i = 1; i <= eventQueueMax; i++) {
    assert.deepEqual((await stream.next()).value, number(i));
    // What comes while the gap is pending belongs to it: nothing overtakes.
    if (i === 5) feed.push(number(-1));
  }
  assert.deepEqual((await stream.next()).value, { event: "gap", data: { kind: "gap", dropped: 11 } });
  feed.push(number(9_999));
  assert.deepEqual((await stream.next()).value, number(9_999));
  feed.end();
  assert.equal((await stream.next()).done, true);
});
