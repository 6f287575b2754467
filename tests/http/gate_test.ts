/** Who gets in: host, origin, method, token, and tricks with paths. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { createAdminApi } from "../../http_api/mod.ts";
import { FakePeer } from "./fake_peer.ts";
import { createFixture, origin, problem, token } from "./client.ts";

const bearer = { authorization: `Bearer ${token}` };

function get(path: string, headers: Record<string, string>): Request {
  return new Request(origin + path, { headers });
}

Deno.test("the gate refuses every host that is not exactly one of its own", async () => {
  const { api } = createFixture();
  const hosts = [
    "evil.example",
    "127.0.0.1",
    "127.0.0.1:4101",
    "127.0.0.1:4100.",
    "127.0.0.1.:4100",
    "localhost:4100",
    "127.0.0.1:04100",
    "127.1:4100",
    "2130706433:4100",
    "0x7f.0.0.1:4100",
    "[::1]:4100",
    "[::ffff:127.0.0.1]:4100",
    "0.0.0.0:4100",
    "127.0.0.1:4100@evil.example",
    "evil.example#127.0.0.1:4100",
    "127.0.0.1:4100,evil.example",
    "127.0.0.1:4100 evil.example",
    "a.127.0.0.1:4100",
    "",
  ];
  for (const host of hosts) {
    const answer = await api.fetch(get("/v1/status", { ...bearer, host }));
    assert.deepEqual(await problem(answer), [421, "bad_host"], host);
  }
  assert.equal((await api.fetch(get("/v1/status", { ...bearer, host: "127.0.0.1:4100" }))).status, 200);
});

Deno.test("the gate without a list of hosts takes the loopback names with any port", async () => {
  const api = createAdminApi(new FakePeer(), { token });
  for (const host of ["localhost", "LOCALHOST:1", "127.0.0.1:65535", "[::1]:80"]) {
    assert.equal((await api.fetch(get("/v1/status", { ...bearer, host }))).status, 200, host);
  }
  for (const host of ["localhost.", "localhost.evil.example", "127.0.0.2:80", "example.com", "[::]:80"]) {
    assert.equal((await api.fetch(get("/v1/status", { ...bearer, host }))).status, 421, host);
  }
});

Deno.test("the gate refuses what a web page of another origin sends, and never allows one by CORS", async () => {
  const { api } = createFixture();
  const foreign: Record<string, string>[] = [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: "http://127.0.0.1:4101" },
    { origin: "http://127.0.0.1:4100.evil.example" },
    { origin: "file://" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ];
  for (const headers of foreign) {
    const answer = await api.fetch(get("/v1/status", { ...bearer, ...headers }));
    assert.equal(answer.headers.get("access-control-allow-origin"), null);
    assert.deepEqual(await problem(answer), [403, "bad_origin"], JSON.stringify(headers));
  }
  const own = await api.fetch(get("/v1/status", { ...bearer, origin, "sec-fetch-site": "same-origin" }));
  assert.equal(own.status, 200);
  assert.equal(own.headers.get("access-control-allow-origin"), null);
});

Deno.test("the gate takes GET, POST and DELETE only", async () => {
  const { api } = createFixture();
  for (const method of ["HEAD", "PUT", "PATCH", "OPTIONS", "PROPFIND", "get2"]) {
    const answer = await api.fetch(new Request(`${origin}/v1/status`, { method, headers: bearer }));
    assert.equal(answer.status, 405, method);
    assert.equal(answer.headers.get("allow"), "GET, POST, DELETE");
    await answer.body?.cancel();
  }
});

Deno.test("the gate refuses a missing, cut, longer, altered or oddly placed token", async () => {
  const { api } = createFixture();
  const values = [
    null,
    "",
    "Bearer",
    "Bearer ",
    token,
    `Basic ${btoa(`x:${token}`)}`,
    `Bearer ${token.slice(0, -1)}`,
    `Bearer ${token}x`,
    `Bearer ${token.toUpperCase()}`,
    `Bearer ${token} ${token}`,
    `Bearer ${token}, Bearer ${token}`,
    `Token ${token}`,
  ];
  for (const value of values) {
    const headers: Record<string, string> = value === null ? {} : { authorization: value };
    const answer = await api.fetch(get("/v1/status", headers));
    assert.equal(answer.headers.get("www-authenticate"), 'Bearer realm="kith"');
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
    assert.deepEqual(await problem(answer), [401, "bad_token"], String(value));
  }
  const query = await api.fetch(get(`/v1/status?token=${token}&access_token=${token}`, {}));
  assert.deepEqual(await problem(query), [401, "bad_token"]);
  assert.equal((await api.fetch(get("/v1/status", { authorization: `bearer  ${token}` }))).status, 200);
});

Deno.test("the gate refuses to be made with a token that can be guessed", () => {
  for (const short of ["", "secret", "a".repeat(21), `${"a".repeat(30)} `, `${"a".repeat(30)}\n`]) {
    assert.throws(() => createAdminApi(new FakePeer(), { token: short }), RangeError);
  }
});

Deno.test("every answer says that it is data, and no page may keep, embed or guess at it", async () => {
  const { api, ask } = createFixture();
  const answers = [
    await ask("GET", "/v1/status"),
    await ask("GET", "/v1/nothing"),
    await ask("GET", "/openapi.json"),
    await api.fetch(get("/v1/status", {})),
    await api.fetch(get("/v1/status", { host: "evil.example" })),
  ];
  for (const answer of answers) {
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.equal(answer.headers.get("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    assert.match(answer.headers.get("content-type") ?? "", /^application\/(problem\+)?json$/);
    await answer.body?.cancel();
  }
});

Deno.test("no path, method or wrong token gets anything but the description without the token", async () => {
  const { api, peer } = createFixture();
  const piece = fc.constantFrom(
    "/",
    "//",
    "v1",
    "V1",
    "status",
    "groups",
    "join",
    "names",
    "resolve",
    "records",
    "events",
    "openapi.json",
    "..",
    "%2e%2e",
    "%2f",
    "%00",
    ";",
    "?x=1",
    "\\",
    "a".repeat(52),
    "%",
    "#",
    ".",
    "*",
    ":id",
    "é",
  );
  const path = fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join("/")}`);
  const method = fc.constantFrom("GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH");
  const wrong = fc.oneof(
    fc.constant(null),
    fc.constantFrom("", "Bearer", `Basic ${token}`, `Bearer ${token}x`, `Bearer ${token.slice(1)}`),
    fc.string({ unit: "grapheme-ascii", maxLength: 40 }).map((text) => `Bearer ${text}`),
  );
  await fc.assert(
    fc.asyncProperty(path, method, wrong, async (path, method, authorization) => {
      const headers: Record<string, string> = { "content-type": "application/json" };
      if (authorization !== null) headers["authorization"] = authorization;
      const body = method === "POST" ? { body: '{"name":"x"}' } : {};
      const request = new Request(origin + path, { method, headers, ...body });
      const answer = await api.fetch(request);
      await answer.body?.cancel();
      const isOpen = method === "GET" && new URL(request.url).pathname === "/openapi.json";
      const isKnown = ["GET", "POST", "DELETE"].includes(method);
      assert.equal(answer.status, isOpen ? 200 : isKnown ? 401 : 405);
    }),
    { seed: 20260301, numRuns: 20_000 },
  );
  assert.equal(peer.made.length, 0);
});
