/** What every implementation of the `Datagrams` port does. */

import assert from "node:assert/strict";
import type { Address, Datagram, Datagrams, DatagramSocket } from "../../lib/base/ports.ts";
import { PeerError } from "../../lib/base/errors.ts";

/** Two hosts that can reach each other without loss. */
export interface DatagramsWorld {
  readonly near: Datagrams;
  readonly far: Datagrams;
  /** Where each may bind; port 0. */
  readonly nearHome: Address;
  readonly farHome: Address;
  /** Waits for a promise while time passes in this world, but not for ever. */
  within<T>(promise: Promise<T>): Promise<T>;
  dispose(): void | Promise<void>;
}

/** Runs the suite. */
export function datagramsContract(name: string, open: () => DatagramsWorld | Promise<DatagramsWorld>): void {
  const test = (what: string, body: (world: DatagramsWorld) => Promise<void>) =>
    Deno.test(`${name}: ${what}`, async () => {
      const world = await open();
      try {
        await body(world);
      } finally {
        await world.dispose();
      }
    });

  test("a datagram arrives whole with its sender's address, and can be answered", async (world) => {
    const { near, far } = await bindBoth(world);
    const reader = far[Symbol.asyncIterator]();
    for (const length of [0, 1, 1_200]) {
      const bytes = Uint8Array.from({ length }, (_, i) => i & 255);
      near.send(bytes, far.address);
      const arrived = await world.within(next(reader));
      assert.deepEqual({ ...arrived }, { bytes, from: near.address });
    }
    far.send(Uint8Array.of(9), near.address);
    assert.deepEqual((await world.within(next(near[Symbol.asyncIterator]()))).bytes, Uint8Array.of(9));
    closeAll(near, far);
  });

  test("the bytes of a datagram are the reader's own", async (world) => {
    const { near, far } = await bindBoth(world);
    const reader = far[Symbol.asyncIterator]();
    near.send(Uint8Array.of(1), far.address);
    const first = await world.within(next(reader));
    near.send(Uint8Array.of(2), far.address);
    const second = await world.within(next(reader));
    assert.deepEqual([first.bytes[0], second.bytes[0]], [1, 2]);
    closeAll(near, far);
  });

  test("[G04] port 0 chooses a port that can be read; a port is bound once", async (world) => {
    const socket = await world.within(world.near.bind(world.nearHome));
    assert.ok(socket.address.port > 0);
    assert.equal(socket.address.host, world.nearHome.host);
    await assert.rejects(
      world.within(world.near.bind(socket.address)),
      (error) => error instanceof PeerError && error.code === "port_in_use",
    );
    socket.close();
  });

  test("[T17] sending never throws, wherever it leads, and the socket goes on", async (world) => {
    const { near, far } = await bindBoth(world);
    const closed = await world.within(world.far.bind(world.farHome));
    closed.close();
    const odd: Address[] = [
      { host: far.address.host, port: 0 },
      { host: far.address.host, port: -1 },
      { host: far.address.host, port: 65_536 },
      { host: "0.0.0.0", port: 1 },
      { host: "240.0.0.1", port: 1 },
      { host: "255.255.255.255", port: 1 },
      { host: "224.0.0.1", port: 1 },
      { host: "::", port: 1 },
      { host: "::1", port: 1 },
      { host: "::ffff:127.0.0.1", port: far.address.port },
      { host: "not numeric", port: 1 },
      closed.address,
    ];
    for (const to of odd) near.send(Uint8Array.of(1), to);
    near.send(new Uint8Array(70_000), far.address);
    near.send(Uint8Array.of(42), far.address);
    const arrived = await world.within(next(far[Symbol.asyncIterator]()));
    assert.deepEqual(arrived.bytes, Uint8Array.of(42));
    far.send(Uint8Array.of(43), near.address);
    assert.deepEqual((await world.within(next(near[Symbol.asyncIterator]()))).bytes, Uint8Array.of(43));
    closeAll(near, far);
    near.send(Uint8Array.of(1), far.address);
  });

  test("close ends the iteration and may be called again", async (world) => {
    const { near, far } = await bindBoth(world);
    const pending = near[Symbol.asyncIterator]().next();
    near.close();
    near.close();
    assert.equal((await world.within(pending)).done, true);
    closeAll(far);
  });
}

async function bindBoth(world: DatagramsWorld): Promise<{ near: DatagramSocket; far: DatagramSocket }> {
  const near = await world.within(world.near.bind(world.nearHome));
  return { near, far: await world.within(world.far.bind(world.farHome)) };
}

async function next(reader: AsyncIterator<Datagram>): Promise<Datagram> {
  const result = await reader.next();
  assert.ok(!result.done, "the socket closed early");
  return result.value;
}

function closeAll(...things: readonly { close(): void }[]): void {
  for (const thing of things) thing.close();
}
