import assert from "node:assert/strict";
import type { Timers } from "../../../lib/base/ports.ts";
import { PeerError } from "../../../lib/base/errors.ts";
import { type AcceptsConnections, TcpListener, TcpStreams } from "../../../transports/tcp.ts";
import { realTimers } from "../../contract/real_world.ts";

const signal = new AbortController().signal;

Deno.test({
  name: "TcpStreams names the flag when Deno lets it use no address",
  permissions: { net: false },
  fn: async () => {
    const streams = new TcpStreams(realTimers);
    const address = { host: "127.0.0.1", port: 4000 };
    for (const attempt of [streams.listen(address), streams.connect(address, signal)]) {
      await assert.rejects(attempt, (error) => {
        assert.ok(error instanceof PeerError);
        assert.equal(error.code, "permission_denied");
        assert.match(error.message, /--allow-net=127\.0\.0\.1:4000/);
        return true;
      });
    }
  },
});

Deno.test("TcpStreams listens on the address that was granted and no other", {
  permissions: { net: ["127.0.0.1:0"] },
}, async () => {
  const streams = new TcpStreams(realTimers);
  const listener = await streams.listen({ host: "127.0.0.1", port: 0 });
  listener.close();
  await assert.rejects(streams.listen({ host: "127.0.0.2", port: 0 }), { code: "permission_denied" });
});

Deno.test("[T17] TcpStreams connects to no unusable address", async () => {
  const streams = new TcpStreams(realTimers);
  for (const host of ["0.0.0.0", "224.0.0.1", "::", "::ffff:127.0.0.1", "localhost"]) {
    await assert.rejects(streams.connect({ host, port: 1 }, signal), { code: "connect_failed" });
  }
  for (const port of [0, -1, 65_536]) {
    await assert.rejects(streams.connect({ host: "127.0.0.1", port }, signal), { code: "connect_failed" });
  }
});

Deno.test("TcpStreams says that an address is not of this machine", async () => {
  const streams = new TcpStreams(realTimers);
  await assert.rejects(streams.listen({ host: "192.0.2.1", port: 0 }), { code: "invalid_address" });
});

Deno.test("TcpListener goes on accepting after a failure, and not before a pause", async () => {
  const delays: number[] = [];
  let resume = () => {};
  const timers: Timers = {
    set(delayMs, callback) {
      delays.push(delayMs);
      resume = callback;
      return { cancel: () => {} };
    },
  };
  const steps = [
    () => Promise.reject(new Deno.errors.Busy("Too many open files")),
    () => Promise.resolve(fakeConnection()),
    () => Promise.reject(new Deno.errors.Busy("Too many open files")),
  ];
  const listener = new TcpListener(fakeListener(() => steps.shift()!()), timers);
  const reader = listener[Symbol.asyncIterator]();
  const first = reader.next();
  await drained();
  assert.deepEqual(delays, [100]);
  resume();
  assert.deepEqual((await first).value?.remote, { host: "127.0.0.1", port: 5 });
  const second = reader.next();
  await drained();
  assert.deepEqual(delays, [100, 100]);
  listener.close();
  assert.equal((await second).done, true);
});

function fakeListener(accept: () => Promise<Deno.TcpConn>): AcceptsConnections {
  return { addr: { hostname: "127.0.0.1", port: 4, transport: "tcp" }, accept, close: () => {} };
}

function fakeConnection(): Deno.TcpConn {
  return {
    remoteAddr: { hostname: "::ffff:127.0.0.1", port: 5, transport: "tcp" },
    setNoDelay: () => {
      throw new Deno.errors.BadResource("gone already");
    },
  } as unknown as Deno.TcpConn;
}

async function drained(): Promise<void> {
  for (let i = 0; i < 10; i++) await null;
}
