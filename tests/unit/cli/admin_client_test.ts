/** The client of the admin API, against the API itself over a fake peer. */

import assert from "node:assert/strict";
import { createAdminApi } from "../../../http_api/mod.ts";
import { PeerError } from "../../../lib/base/errors.ts";
import { AdminClient, type Send } from "../../../lib/cli/admin_client.ts";
import { VirtualClock } from "../../../lib/sim/virtual_clock.ts";
import { FakePeer } from "../../http/fake_peer.ts";
import { token } from "../../http/client.ts";

function createClient(given = token) {
  const peer = new FakePeer();
  const api = createAdminApi(peer, { token, timers: new VirtualClock() });
  const stopping = new AbortController();
  const send: Send = (request) => api.fetch(request);
  const client = new AdminClient({ url: "http://localhost", token: given, send, signal: stopping.signal });
  return { client, peer, stopping };
}

function failsWith(code: string, words: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof PeerError);
    assert.equal(error.code, code);
    assert.match(error.message, words);
    return true;
  };
}

Deno.test("a failure over there is the same failure here", async () => {
  const { client } = createClient();
  await assert.rejects(client.post("/v1/resolve", { name: "0.x" }), failsWith("name_not_found", /0\.x/));
  await assert.rejects(client.post("/v1/groups", {}), failsWith("bad_usage", /body\.name/));
  await assert.rejects(client.read("/v1/nothing"), failsWith("connect_failed", /nothing at this path/));
  await assert.rejects(createClient(`${token}x`).client.read("/v1/status"), failsWith("bad_token", /token/));
});

Deno.test("an answer that is no problem document is a failure with its status", async () => {
  const answers = [new Response("<html>", { status: 502 }), new Response("null", { status: 500 })];
  for (const answer of answers) {
    const signal = new AbortController().signal;
    const client = new AdminClient({ url: "http://localhost", token, send: () => answer, signal });
    await assert.rejects(client.read("/v1/status"), failsWith("connect_failed", /without a reason/));
  }
});

Deno.test("events() gives what happens until the caller breaks off or the stream ends", async () => {
  const { client, peer } = createClient();
  await client.post("/v1/groups", { name: "Field notes" });
  const group = peer.made[0]!;
  await group.records.add("note", "two\n\nlines");
  const seen: unknown[] = [];
  for await (const { event, data } of client.events(`/v1/groups/${group.id}/watch`)) {
    seen.push([event, (data as { record: { value: unknown } }).record.value]);
    if (seen.length === 1) await group.records.add("note", "more");
    else await group.close();
  }
  assert.deepEqual(seen, [["added", "two\n\nlines"], ["added", "more"]]);
  await assert.rejects(
    client.events(`/v1/groups/${"z".repeat(52)}/watch`).next(),
    failsWith("graph_not_found", /no group/),
  );
});

Deno.test("a peer that cannot be reached is said to be so, and an end by the user is an end", async () => {
  const stopping = new AbortController();
  const send = () => Promise.reject(new TypeError("refused"));
  const client = new AdminClient({ url: "http://localhost", token, send, signal: stopping.signal });
  await assert.rejects(
    client.read("/v1/status"),
    failsWith("connect_failed", /Cannot reach the running peer/),
  );
  stopping.abort();
  await assert.rejects(client.read("/v1/status"), failsWith("aborted", /ended/));
});
