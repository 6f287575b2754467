/** The served API on a real loopback port: slow, greedy and odd clients. */

import assert from "node:assert/strict";
import { adminConnectionsMax, adminDrainMsMax, adminHeadMsMax } from "../../http_api/limits.ts";
import { type AdminServer, serveAdminApi } from "../../http_api/mod.ts";
import { PeerError } from "../../lib/base/errors.ts";
import { utf8 } from "../../lib/base/bytes.ts";
import { VirtualClock } from "../../lib/sim/virtual_clock.ts";
import { within } from "../contract/real_world.ts";
import { FakePeer, otherId } from "./fake_peer.ts";
import { said, token } from "./client.ts";

const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };

/** Sends bytes on a connection of its own and reads to its end. */
async function raw(server: AdminServer, text: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(utf8(text));
  return await within(readAll(connection), 30_000);
}

async function readAll(connection: Deno.TcpConn): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(65_536);
  while (true) {
    const count = await connection.read(buffer).catch(() => null); // reset by the server: also an end
    if (count === null) return text;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
}

Deno.test("serveAdminApi() answers on loopback under its own address alone", async () => {
  const peer = new FakePeer();
  await using server = await serveAdminApi(peer, { token });
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:[0-9]+$/);
  const status = await fetch(`${server.url}/v1/status`, { headers });
  assert.deepEqual(await said(status), [200, peer.status()]);
  const port = new URL(server.url).port;
  const local = await fetch(`http://localhost:${port}/openapi.json`);
  assert.equal(local.status, 200);
  await local.body?.cancel();
  const body = JSON.stringify({ name: "Field notes" });
  const created = await fetch(`${server.url}/v1/groups`, { method: "POST", headers, body });
  assert.equal(created.status, 201);
  await created.body?.cancel();
  const close = "connection: close";
  assert.match(
    await raw(server, `GET / HTTP/1.1\r\nhost: evil.example\r\n${close}\r\n\r\n`),
    /^HTTP\/1\.1 421 /,
  );
});

Deno.test("serveAdminApi() refuses requests that two programs could read differently", async () => {
  await using server = await serveAdminApi(new FakePeer(), { token });
  const host = `host: ${new URL(server.url).host}`;
  const auth = `authorization: Bearer ${token}`;
  const requests = [
    `GET /v1/status HTTP/1.1\r\n${host}\r\n${host}\r\n${auth}\r\n\r\n`,
    `GET /v1/status HTTP/1.1\r\n${auth}\r\n\r\n`,
    `GET /v1/status HTTP/1.0\r\n${auth}\r\n\r\n`,
    `GET http://evil.example/v1/status HTTP/1.1\r\n${host}\r\n${auth}\r\n\r\n`,
    `GET * HTTP/1.1\r\n${host}\r\n${auth}\r\n\r\n`,
    `TRACE /v1/status HTTP/1.1\r\n${host}\r\n${auth}\r\n\r\n`,
    `POST /v1/groups HTTP/1.1\r\n${host}\r\n${auth}\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}`,
    `POST /v1/groups HTTP/1.1\r\n${host}\r\n${auth}\r\ncontent-length: -1\r\n\r\n`,
    "NONSENSE\r\n\r\n",
    `GET /v1/status HTTP/1.1\r\n${host}\r\nx: ${"y".repeat(20_000)}\r\n\r\n`,
  ];
  for (const request of requests) {
    const answer = await raw(server, request);
    assert.match(answer, /^(HTTP\/1\.1 4[0-9][0-9] |$)/, request.slice(0, 60));
  }
});

Deno.test("serveAdminApi() stops reading a body that is too long, and says so", async () => {
  await using server = await serveAdminApi(new FakePeer(), { token });
  const head = [
    "POST /v1/groups HTTP/1.1",
    `host: ${new URL(server.url).host}`,
    `authorization: Bearer ${token}`,
    "content-type: application/json",
    `content-length: ${2 ** 31}`,
    "\r\n",
  ].join("\r\n");
  const answer = await raw(server, head + " ".repeat(1024 * 1024 + 1));
  assert.match(answer, /^HTTP\/1\.1 413 /);
  assert.match(answer, /"code":"body_too_large"/);
  assert.match(answer, /connection: close/i);
});

Deno.test("serveAdminApi() closes half-sent requests, keeps a bounded number, and serves others after them", async () => {
  await using server = await serveAdminApi(new FakePeer(), { token });
  const { hostname, port } = new URL(server.url);
  const connections: Deno.TcpConn[] = [];
  for (let i = 0; i < adminConnectionsMax + 20; i++) {
    const connection = await Deno.connect({ hostname, port: Number(port) });
    await connection.write(utf8("GET / HTTP/1.1\r\nhost: x\r\n")).catch(
      () => {/* closed already: as it should */},
    );
    connections.push(connection);
  }
  const ended = await within(Promise.all(connections.map(readAll)), adminHeadMsMax * 4);
  assert.equal(ended.length, adminConnectionsMax + 20);
  for (const connection of connections) connection.close();
  const status = await fetch(`${server.url}/v1/status`, { headers });
  assert.equal(status.status, 200);
  await status.body?.cancel();
});

Deno.test("serveAdminApi() ends the source of an event stream whose reader leaves, and all when it closes", async () => {
  const peer = new FakePeer();
  await peer.groups.create("Field notes");
  const feed = peer.made[0]!.feed;
  const server = await serveAdminApi(peer, { token });
  const events = `${server.url}/v1/groups/${"a".repeat(52)}/events`;
  const leaving = new AbortController();
  const first = await fetch(events, { headers, signal: leaving.signal });
  const second = await fetch(events, { headers });
  assert.equal(feed.readers, 2);
  leaving.abort();
  await first.body?.cancel().catch(() => {/* it is aborted */});
  const text = second.body!.pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  while (feed.readers === 2) {
    feed.push({ kind: "neighborUp", peer: otherId });
    seen += (await within(text.read())).value ?? "";
  }
  assert.match(seen, /event: neighborUp/);
  await server.close();
  await server.close();
  await within((async () => {
    while (!(await text.read().catch(() => ({ done: true }))).done);
  })());
  assert.equal(feed.readers, 0);
});

Deno.test("serveAdminApi() cuts off a reader that takes nothing of its events", async () => {
  const peer = new FakePeer();
  await peer.groups.create("Field notes");
  const feed = peer.made[0]!.feed;
  const clock = new VirtualClock();
  await using server = await serveAdminApi(peer, { token, timers: clock });
  const { host, hostname, port } = new URL(server.url);
  using stuck = await Deno.connect({ hostname, port: Number(port) });
  const path = `/v1/groups/${"a".repeat(52)}/events`;
  await stuck.write(utf8(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\n\r\n`));
  const message = "x".repeat(256 * 1024); // more than the sockets between them hold, soon
  let begun = false;
  for (let turn = 0; turn < 2_000 && !(begun && feed.readers === 0); turn++) {
    begun ||= feed.readers === 1;
    if (begun) feed.push({ kind: "warning", message });
    await (await fetch(`${server.url}/openapi.json`)).body?.cancel();
    if (begun) clock.advance(adminDrainMsMax / 10);
  }
  assert.deepEqual([begun, feed.readers], [true, 0]);
});

Deno.test("serveAdminApi() names the remedy where it cannot listen", async () => {
  const peer = new FakePeer();
  await using server = await serveAdminApi(peer, { token });
  const address = new URL(server.url).host;
  const cases: [string, string, RegExp][] = [
    [address, "port_in_use", /Choose another port/],
    ["localhost:0", "invalid_address", /numeric address/],
    ["192.0.2.1:0", "invalid_address", /address of this machine/],
  ];
  for (const [address, code, words] of cases) {
    await assert.rejects(serveAdminApi(peer, { token, address }), (error) => {
      assert.ok(error instanceof PeerError);
      assert.equal(error.code, code);
      assert.match(error.message, words);
      return true;
    });
  }
  await assert.rejects(serveAdminApi(peer, { token: "short" }), RangeError);
});

Deno.test({
  name: "serveAdminApi() without permission names the flag",
  permissions: { net: false },
  async fn() {
    await assert.rejects(serveAdminApi(new FakePeer(), { token }), (error) => {
      assert.ok(error instanceof PeerError);
      assert.equal(error.code, "permission_denied");
      assert.match(error.message, /--allow-net=127\.0\.0\.1:0/);
      return true;
    });
  },
});
