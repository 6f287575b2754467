/** What every implementation of the `Streams` port does. */

import assert from "node:assert/strict";
import type { Address, ByteStream, StreamListener, Streams } from "../../lib/base/ports.ts";
import { PeerError } from "../../lib/base/errors.ts";

/** Two hosts that can reach each other. */
export interface StreamsWorld {
  readonly server: Streams;
  readonly client: Streams;
  /** Where the server may listen; port 0. */
  readonly home: Address;
  /** Waits for a promise while time passes in this world, but not for ever. */
  within<T>(promise: Promise<T>): Promise<T>;
  dispose(): void | Promise<void>;
}

/** Runs the suite. */
export function streamsContract(name: string, open: () => StreamsWorld | Promise<StreamsWorld>): void {
  const test = (what: string, body: (world: StreamsWorld) => Promise<void>) =>
    Deno.test(`${name}: ${what}`, async () => {
      const world = await open();
      try {
        await body(world);
      } finally {
        await world.dispose();
      }
    });

  test("[G04] port 0 chooses a port that can be read and dialled", async (world) => {
    const { listener, near, far } = await pair(world);
    assert.equal(listener.address.host, world.home.host);
    assert.ok(listener.address.port > 0);
    assert.deepEqual(near.remote, listener.address);
    assert.ok(far.remote.port > 0);
    closeAll(near, far, listener);
  });

  test("bytes arrive whole and in order, both ways", async (world) => {
    const { listener, near, far } = await pair(world);
    const sent = Uint8Array.from({ length: 700_001 }, (_, i) => (i * 31 + (i >> 8)) & 255);
    for (const [from, to] of [[near, far], [far, near]] as const) {
      const [, received] = await world.within(Promise.all([from.write(sent), readExactly(to, sent.length)]));
      assert.deepEqual(received, sent);
    }
    closeAll(near, far, listener);
  });

  test("an end that closes is seen at the other", async (world) => {
    const { listener, near, far } = await pair(world);
    await world.within(near.write(Uint8Array.of(1, 2, 3)));
    assert.deepEqual(await world.within(readExactly(far, 3)), Uint8Array.of(1, 2, 3));
    near.close();
    assert.equal(await world.within(far.read(new Uint8Array(8)).catch(() => null)), null);
    closeAll(near, far, listener);
  });

  test("a pending read settles when its end closes, and close may be called again", async (world) => {
    const { listener, near, far } = await pair(world);
    const pending = near.read(new Uint8Array(8)).then(() => "settled", () => "settled");
    near.close();
    near.close();
    assert.equal(await world.within(pending), "settled");
    closeAll(near, far, listener);
  });

  test("a write that nobody reads waits, and rejects when its end closes", async (world) => {
    const { listener, near, far } = await pair(world);
    const chunk = new Uint8Array(1 << 20);
    let settled = 0;
    // Buffers between the ends are bounded, so one of 64 MiB must wait.
    const writes = (async () => {
      for (let i = 0; i < 64; i++, settled++) await near.write(chunk);
    })().then(() => "all written", () => "rejected");
    await world.within(readExactly(far, 1));
    near.close();
    assert.equal(await world.within(writes), "rejected");
    assert.ok(settled < 64);
    closeAll(near, far, listener);
  });

  test("a write after close rejects", async (world) => {
    const { listener, near, far } = await pair(world);
    near.close();
    await assert.rejects(world.within(near.write(Uint8Array.of(1))));
    closeAll(near, far, listener);
  });

  test("[G08] nobody listening is connect_failed", async (world) => {
    const listener = await world.within(world.server.listen(world.home));
    const { address } = listener;
    listener.close();
    await assert.rejects(
      world.within(world.client.connect(address, new AbortController().signal)),
      (error) => error instanceof PeerError && error.code === "connect_failed",
    );
  });

  test("[G31] a signal ends the attempt", async (world) => {
    const listener = await world.within(world.server.listen(world.home));
    const early = new AbortController();
    early.abort();
    const late = new AbortController();
    const attempts = [
      world.client.connect(listener.address, early.signal),
      world.client.connect(listener.address, late.signal),
    ];
    late.abort();
    const isAborted = (error: unknown) => error instanceof PeerError && error.code === "aborted";
    await Promise.all(attempts.map((attempt) => assert.rejects(world.within(attempt), isAborted)));
    listener.close();
  });

  test("a port is listened on once", async (world) => {
    const listener = await world.within(world.server.listen(world.home));
    await assert.rejects(
      world.within(world.server.listen(listener.address)),
      (error) => error instanceof PeerError && error.code === "port_in_use",
    );
    listener.close();
  });

  test("closing the listener ends its iteration and leaves accepted streams alone", async (world) => {
    const { listener, near, far, rest } = await pair(world);
    listener.close();
    listener.close();
    assert.equal((await world.within(rest.next())).done, true);
    await world.within(far.write(Uint8Array.of(7)));
    assert.deepEqual(await world.within(readExactly(near, 1)), Uint8Array.of(7));
    closeAll(near, far);
  });
}

interface Pair {
  readonly listener: StreamListener;
  readonly near: ByteStream;
  readonly far: ByteStream;
  readonly rest: AsyncIterator<ByteStream>;
}

async function pair(world: StreamsWorld): Promise<Pair> {
  const listener = await world.within(world.server.listen(world.home));
  const rest = listener[Symbol.asyncIterator]();
  const [near, far] = await world.within(Promise.all([
    world.client.connect(listener.address, new AbortController().signal),
    rest.next(),
  ]));
  assert.ok(!far.done);
  return { listener, near, far: far.value, rest };
}

async function readExactly(stream: ByteStream, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = await stream.read(bytes.subarray(filled, filled + 40_001));
    assert.ok(count !== null && count > 0, "the stream ended early");
    filled += count;
  }
  return bytes;
}

function closeAll(...things: readonly { close(): void }[]): void {
  for (const thing of things) thing.close();
}
