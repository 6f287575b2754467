/** What each route takes and gives. */

import assert from "node:assert/strict";
import { type FakeGroup, otherId, selfId, startMs } from "./fake_peer.ts";
import { createFixture, type Fixture, origin, problem, said, token } from "./client.ts";

const groupId = "a".repeat(52);
const recordId = "0".repeat(32);

async function withGroup(): Promise<Fixture & { readonly group: FakeGroup }> {
  const fixture = createFixture();
  await (await fixture.ask("POST", "/v1/groups", { name: "Field notes" })).body?.cancel();
  return { ...fixture, group: fixture.peer.made[0]! };
}

const groupBody = {
  name: "Field notes",
  id: groupId,
  state: "synchronised",
  neighbors: 1,
  records: 0,
  items: 3,
  explanation: "All is well",
  nodes: [{ peer: otherId, address: "127.0.0.1:4000", dialled: true, synchronised: true }],
};

const noteBody = {
  id: recordId,
  type: "note",
  value: "heron",
  attributes: {},
  creator: selfId,
  author: selfId,
  version: 1,
  created: new Date(startMs).toISOString(),
  modified: new Date(startMs).toISOString(),
  expires: new Date(startMs + 30 * 86_400_000).toISOString(),
  until: new Date(startMs + 60 * 86_400_000).toISOString(),
};

Deno.test("status and clouds are read as data", async () => {
  const { ask, peer } = createFixture();
  assert.deepEqual(await said(await ask("GET", "/v1/status")), [200, peer.status()]);
  assert.deepEqual(await said(await ask("GET", "/v1/clouds")), [200, { clouds: peer.names.clouds() }]);
});

Deno.test("identities are listed, created and made the default", async () => {
  const { ask } = createFixture();
  const me = { id: selfId, name: "me", isDefault: true, peerName: selfId };
  const work = { id: otherId, name: "work", isDefault: false, peerName: otherId };
  assert.deepEqual(await said(await ask("GET", "/v1/identities")), [200, { identities: [me] }]);
  assert.deepEqual(await said(await ask("POST", "/v1/identities", { name: "work" })), [201, work]);
  assert.deepEqual(await said(await ask("POST", "/v1/identities/default", { identity: "work" })), [
    200,
    work,
  ]);
  const missing = await ask("POST", "/v1/identities/default", { identity: "nobody" });
  assert.deepEqual(await problem(missing), [404, "identity_not_found"]);
});

Deno.test("groups are founded, listed, shown, joined and left", async () => {
  const { ask, group, peer } = await withGroup();
  assert.deepEqual(await said(await ask("GET", "/v1/groups")), [200, { groups: [groupBody] }]);
  assert.deepEqual(await said(await ask("GET", `/v1/groups/${groupId}`)), [200, groupBody]);
  const joined = await said(await ask("POST", "/v1/groups/join", { invitation: "kith1x", timeoutMs: 5_000 }));
  assert.deepEqual(joined, [200, { ...groupBody, name: "joined", id: "b".repeat(52) }]);
  assert.deepEqual(peer.joined, ["kith1x"]);
  assert.deepEqual(await said(await ask("POST", `/v1/groups/${groupId}/leave`, {})), [204, null]);
  assert.equal(group.hasLeft, true);
});

Deno.test("a group that this peer does not hold is said to be missing, on every route below it", async () => {
  const { ask } = createFixture();
  const requests: [string, string, unknown?][] = [
    ["GET", ""],
    ["GET", "/members"],
    ["GET", "/records"],
    ["GET", "/events"],
    ["GET", "/watch"],
    ["GET", `/records/${recordId}`],
    ["DELETE", `/records/${recordId}`],
    ["DELETE", `/members/${otherId}`],
    ["POST", "/records", { type: "note", value: 1 }],
    ["POST", `/records/${recordId}`, { value: 1 }],
    ["POST", "/invitations", {}],
    ["POST", "/leave", {}],
  ];
  for (const [method, path, body] of requests) {
    const answer = await ask(method, `/v1/groups/${"z".repeat(52)}${path}`, body);
    assert.deepEqual(await problem(answer), [404, "graph_not_found"], path);
  }
});

Deno.test("members are listed, removed and invited", async () => {
  const { ask, group } = await withGroup();
  const members = { members: group.members.list() };
  assert.deepEqual(await said(await ask("GET", `/v1/groups/${groupId}/members`)), [200, members]);
  assert.deepEqual(await said(await ask("DELETE", `/v1/groups/${groupId}/members/${otherId}`)), [204, null]);
  assert.deepEqual(group.removed, [otherId]);
  const refused = await ask("DELETE", `/v1/groups/${groupId}/members/${selfId}`);
  assert.deepEqual(await problem(refused), [403, "not_authorized"]);
  const options = { role: "admin", uses: 3, lifeMs: 3_600_000 };
  const invited = await said(await ask("POST", `/v1/groups/${groupId}/invitations`, options));
  assert.deepEqual(invited, [201, { invitation: "kith1invitation" }]);
  assert.deepEqual(group.invited, [options]);
});

Deno.test("records go in as JSON, text or bytes and come out as they went in", async () => {
  const { ask, group } = await withGroup();
  const path = `/v1/groups/${groupId}/records`;
  assert.deepEqual(await said(await ask("POST", path, { type: "note", value: "heron" })), [201, noteBody]);
  const values = [null, 0, false, "", [1, { a: [] }], { ["__proto__"]: 1, a: "\u{1f980}" }];
  for (const value of values) {
    const [status, body] = await said(await ask("POST", path, { type: "data", value }));
    assert.equal(status, 201);
    assert.equal(JSON.stringify((body as { value: unknown }).value), JSON.stringify(value));
  }
  const attributes = { place: "pond", count: 2, seen: true, photo: { base64: "AAEC" } };
  const [, bytes] = await said(await ask("POST", path, { type: "raw", base64: "/wD+", attributes }));
  const { base64, attributes: back } = bytes as { base64: string; attributes: unknown };
  assert.deepEqual([base64, back, "value" in (bytes as object)], ["/wD+", attributes, false]);
  const stored = (await group.records.list({ type: "raw" }))[0]!;
  assert.deepEqual(stored.value, Uint8Array.of(255, 0, 254));
  assert.deepEqual(stored.attributes["photo"], Uint8Array.of(0, 1, 2));
});

Deno.test("records are shown, updated and deleted", async () => {
  const { ask } = await withGroup();
  const path = `/v1/groups/${groupId}/records`;
  await (await ask("POST", path, { type: "note", value: "heron" })).body?.cancel();
  assert.deepEqual(await said(await ask("GET", `${path}/${recordId}`)), [200, noteBody]);
  const updated = await said(await ask("POST", `${path}/${recordId}`, { value: "two herons" }));
  assert.deepEqual(updated, [200, { ...noteBody, value: "two herons", version: 2 }]);
  assert.deepEqual(await said(await ask("DELETE", `${path}/${recordId}`)), [204, null]);
  assert.deepEqual(await problem(await ask("GET", `${path}/${recordId}`)), [404, "record_not_found"]);
  assert.deepEqual(await problem(await ask("DELETE", `${path}/${recordId}`)), [404, "record_not_found"]);
});

Deno.test("a list of records goes page by page and ends", async () => {
  const { ask, group } = await withGroup();
  for (let i = 0; i < 7; i++) await group.records.add(i % 2 === 0 ? "even" : "odd", i);
  type Page = { readonly records: readonly { readonly value: number }[]; readonly next: string | null };
  const pages: number[][] = [];
  let cursor = "";
  do {
    const [, body] = await said(await ask("GET", `/v1/groups/${groupId}/records?limit=3${cursor}`));
    const page = body as Page;
    pages.push(page.records.map(({ value }) => value));
    cursor = page.next === null ? "" : `&cursor=${page.next}`;
  } while (cursor !== "" && pages.length < 10);
  assert.deepEqual(pages, [[0, 1, 2], [3, 4, 5], [6]]);
  const [, odd] = await said(await ask("GET", `/v1/groups/${groupId}/records?type=odd`));
  assert.deepEqual((odd as Page).records.map(({ value }) => value), [1, 3, 5]);
  assert.equal((odd as Page).next, null);
});

Deno.test("names are registered, listed, resolved and given up", async () => {
  const { ask, peer } = createFixture();
  const missing = await ask("POST", "/v1/resolve", { name: "0.printer" });
  assert.deepEqual(await problem(missing), [404, "name_not_found"]);
  const registered = await ask("POST", "/v1/names", { name: "0.printer", comment: "hall", base64: "AAEC" });
  assert.deepEqual(await said(registered), [201, { name: "0.printer", cloud: null }]);
  assert.deepEqual(peer.registered.get("0.printer")?.payload, Uint8Array.of(0, 1, 2));
  const again = await ask("POST", "/v1/names", { name: "0.printer" });
  assert.deepEqual(await problem(again), [409, "already_registered"]);
  const names = { names: [{ name: "0.printer", cloud: null }] };
  assert.deepEqual(await said(await ask("GET", "/v1/names")), [200, names]);
  const [status, body] = await said(await ask("POST", "/v1/resolve", { name: "0.printer", max: 5 }));
  assert.equal(status, 200);
  const { resolved: [first] } = body as { resolved: { comment: string; base64: string; payload: null }[] };
  assert.deepEqual([first!.comment, first!.base64, first!.payload], ["hall", "AAEC", null]);
  assert.deepEqual(await said(await ask("DELETE", "/v1/names/0.printer")), [204, null]);
  assert.equal(peer.registered.size, 0);
  assert.deepEqual(await problem(await ask("DELETE", "/v1/names/0.printer")), [404, "name_not_found"]);
});

Deno.test("[X13] what is wrong with a request is said place by place, and what was sent is not repeated", async () => {
  const { ask } = await withGroup();
  const bodies: [string, unknown, string[]][] = [
    ["/v1/groups", {}, ["body.name"]],
    ["/v1/groups", { name: "x", nmae: "<b>" }, ["body"]],
    ["/v1/groups", [], ["body"]],
    [`/v1/groups/${groupId}/invitations`, { uses: 0, role: "founder" }, ["body.role", "body.uses"]],
    [`/v1/groups/${groupId}/records`, { type: "note" }, ["body"]],
    [`/v1/groups/${groupId}/records`, { type: "note", value: 1, base64: "AA==" }, ["body"]],
    [`/v1/groups/${groupId}/records`, { type: "note", base64: "A" }, ["body.base64"]],
    [`/v1/groups/${groupId}/records`, { type: "note", value: 1, expires: "soon" }, ["body.expires"]],
    ["/v1/resolve", { name: "0.x", timeoutMs: 1e12 }, ["body.timeoutMs"]],
  ];
  for (const [path, body, places] of bodies) {
    const [status, answer] = await said(await ask("POST", path, body));
    const { code, faults } = answer as { code: string; faults: { path: string }[] };
    assert.deepEqual([status, code], [400, "bad_request"], path);
    assert.deepEqual(faults.map((fault) => fault.path).sort(), places);
    assert.equal(JSON.stringify(answer).includes("<b>"), false);
  }
  for (const path of ["/v1/groups/short", "/v1/groups/..%2fx", `/v1/groups/${groupId}/records?limit=0`]) {
    assert.deepEqual(await problem(await ask("GET", path)), [400, "bad_request"], path);
  }
});

Deno.test("bodies are JSON, of bounded size and depth, whatever their headers say", async () => {
  const { api } = createFixture();
  const post = async (body: BodyInit, type: string | null) => {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    if (type !== null) headers["content-type"] = type;
    const request = new Request(`${origin}/v1/groups`, { method: "POST", headers, body });
    if (type === null) request.headers.delete("content-type");
    return await problem(await api.fetch(request));
  };
  const json = "application/json";
  for (
    const type of [
      null,
      "text/plain",
      "application/x-www-form-urlencoded",
      "application/json+x",
      "a/b;application/json",
    ]
  ) {
    assert.deepEqual(await post('{"name":"x"}', type), [415, "not_json"], String(type));
  }
  for (
    const body of ["", "{", "{'name':'x'}", '{"name":"x"}{}', new Uint8Array([0x22, 0xff, 0x22]), "\ufeff{}"]
  ) {
    assert.deepEqual(await post(body, json), [400, "bad_request"], String(body));
  }
  const deep = `{"name":${"[".repeat(16)}${"]".repeat(16)}}`;
  assert.deepEqual(await post(deep, json), [400, "bad_request"]);
  assert.deepEqual(await post("[".repeat(500_000), json), [400, "bad_request"]);
  assert.deepEqual(await post(`{"name":"${"x".repeat(1024 * 1024)}"}`, json), [413, "body_too_large"]);
  let sent = 0;
  const endless = new ReadableStream({
    pull(controller) {
      sent += 65_536;
      controller.enqueue(new Uint8Array(65_536));
    },
  });
  assert.deepEqual(await post(endless, "application/json; charset=utf-8"), [413, "body_too_large"]);
  assert.ok(sent < 2 * 1024 * 1024, `${sent} bytes were read`);
});

Deno.test("a mistake inside is logged, and its words stay inside", async () => {
  const { ask, peer } = createFixture();
  peer.status = () => {
    throw new TypeError("secret internals");
  };
  const answer = await ask("GET", "/v1/status");
  assert.equal(answer.headers.get("content-type"), "application/problem+json");
  const [status, body] = await said(answer);
  assert.equal(status, 500);
  assert.equal(JSON.stringify(body).includes("secret"), false);
});

Deno.test("the description names every route, and each but itself wants the token", async () => {
  const { api } = createFixture();
  const [status, body] = await said(await api.fetch(new Request(`${origin}/openapi.json`)));
  assert.equal(status, 200);
  const { openapi, security, paths } = body as {
    openapi: string;
    security: unknown;
    paths: Record<string, Record<string, unknown>>;
  };
  assert.deepEqual([openapi, security], ["3.1.0", [{ token: [] }]]);
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`)
  );
  assert.deepEqual(routes.sort(), [
    "DELETE /v1/groups/{id}/members/{peer}",
    "DELETE /v1/groups/{id}/records/{record}",
    "DELETE /v1/names/{name}",
    "GET /v1/clouds",
    "GET /v1/groups",
    "GET /v1/groups/{id}",
    "GET /v1/groups/{id}/events",
    "GET /v1/groups/{id}/members",
    "GET /v1/groups/{id}/records",
    "GET /v1/groups/{id}/records/{record}",
    "GET /v1/groups/{id}/watch",
    "GET /v1/identities",
    "GET /v1/names",
    "GET /v1/status",
    "POST /v1/groups",
    "POST /v1/groups/join",
    "POST /v1/groups/{id}/invitations",
    "POST /v1/groups/{id}/leave",
    "POST /v1/groups/{id}/records",
    "POST /v1/groups/{id}/records/{record}",
    "POST /v1/identities",
    "POST /v1/identities/default",
    "POST /v1/names",
    "POST /v1/resolve",
  ]);
  for (const route of routes) {
    const [method, path] = route.split(" ") as [string, string];
    const filled = path.replaceAll(/\{[a-z]+\}/g, groupId);
    const init = method === "POST" ? { method, body: "{}" } : { method };
    const answer = await api.fetch(new Request(origin + filled, init));
    assert.deepEqual(await problem(answer), [401, "bad_token"], route);
  }
});
