/** Clouds over real UDP sockets on loopback. */

import assert from "node:assert/strict";
import type { Address, Crypto } from "../../lib/base/ports.ts";
import { PeerError } from "../../lib/base/errors.ts";
import { Identity } from "../../lib/identity/identity.ts";
import { CloudDriver, cloudEndpoint, type CloudPorts } from "../../lib/peer/cloud_driver.ts";
import { NamesHandle } from "../../lib/peer/names.ts";
import type { Resolved } from "../../lib/peer/names_surface.ts";
import { createClock } from "../../lib/platform/clock.ts";
import { createCrypto } from "../../lib/platform/crypto.ts";
import { silentLog } from "../../lib/platform/log.ts";
import { createRandom } from "../../lib/platform/random.ts";
import { createTimers } from "../../lib/platform/timers.ts";
import { UdpDatagrams } from "../../transports/udp.ts";

const crypto: Crypto = createCrypto();
const loopback: Address = { host: "127.0.0.1", port: 0 };

interface Party extends AsyncDisposable {
  readonly names: NamesHandle;
  readonly identity: Identity;
  readonly endpoint: string;
}

async function openParty(index: number): Promise<Party> {
  const ports: CloudPorts = {
    clock: createClock(),
    timers: createTimers(),
    random: createRandom(),
    crypto,
    datagrams: new UdpDatagrams(),
    log: silentLog,
  };
  const driver = await CloudDriver.open(ports, { name: "loopback", scope: "loopback", address: loopback });
  const identity = Identity.fromSeed(crypto, ports.random.bytes(32), `party ${index}`);
  const names = new NamesHandle({
    crypto,
    random: ports.random,
    clouds: [driver],
    identity,
    identityOf: () => identity,
    endpoints: () => [`tcp://127.0.0.1:${5_000 + index}`],
  });
  return {
    names,
    identity,
    endpoint: cloudEndpoint(driver),
    [Symbol.asyncDispose]: () => names.close(),
  };
}

/** A cloud in which each party starts from the first. */
async function openCloud(count: number, stack: AsyncDisposableStack): Promise<Party[]> {
  const parties: Party[] = [];
  for (let i = 0; i < count; i++) {
    const party = stack.use(await openParty(i));
    parties.push(party);
    if (i > 0) assert.ok(await party.names.bootstrap([parties[0]!.endpoint]) >= 1);
  }
  return parties;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof PeerError) return error.code;
    throw error;
  }
  throw new Error("It did not fail");
}

Deno.test("[N10] [N11] two peers on loopback: endpoint, comment and payload come as they were given", async () => {
  await using stack = new AsyncDisposableStack();
  const [alice, bob] = await openCloud(2, stack) as [Party, Party];
  const payload = new Uint8Array(4_096).map((_, i) => i % 251);
  await using registration = await alice.names.register("0.chat", { comment: "café, second floor", payload });
  const found = await bob.names.resolve("0.chat");
  assert.equal(found.length, 1);
  assert.deepEqual({ ...found[0], expires: null }, {
    name: "0.chat",
    cloud: "loopback",
    publisher: registration.publisher,
    endpoints: ["tcp://127.0.0.1:5000"],
    comment: "café, second floor",
    payload,
    verified: true,
    expires: null,
  });
});

Deno.test("[N14] [N15] an update is seen at once, and an unregistered name is found no more", async () => {
  await using stack = new AsyncDisposableStack();
  const [alice, bob] = await openCloud(5, stack) as [Party, Party];
  const registration = await alice.names.register("0.door", { comment: "open" });
  await registration.update({ comment: "shut", payload: "ask inside", endpoints: ["tcp://127.0.0.1:6000"] });
  const [found] = await bob.names.resolve("0.door") as [Resolved];
  assert.equal(found.comment, "shut");
  assert.equal(found.payload, "ask inside");
  assert.deepEqual(found.endpoints, ["tcp://127.0.0.1:6000"]);
  await registration.unregister();
  assert.equal(await codeOf(bob.names.resolve("0.door")), "name_not_found");
});

Deno.test("[N17] five peers: two publishers of one unsecured name are both found, and no more than asked for", async () => {
  await using stack = new AsyncDisposableStack();
  const parties = await openCloud(5, stack);
  await parties[1]!.names.register("0.print");
  await parties[2]!.names.register("0.print");
  const both = await parties[4]!.names.resolve("0.print");
  assert.deepEqual(both.map(({ endpoints }) => endpoints[0]).sort(), [
    "tcp://127.0.0.1:5001",
    "tcp://127.0.0.1:5002",
  ]);
  assert.equal((await parties[4]!.names.resolve("0.print", { max: 1 })).length, 1);
});

Deno.test("[N19] a secured name is published by its identity alone", async () => {
  await using stack = new AsyncDisposableStack();
  const [alice, bob] = await openCloud(2, stack) as [Party, Party];
  const name = alice.identity.peerName("desk").text;
  assert.equal(await codeOf(bob.names.register(name)), "not_authorized");
  await alice.names.register(name);
  const [found] = await bob.names.resolve(name) as [Resolved];
  assert.equal(found.publisher, alice.identity.id);
});

Deno.test("[N21] a name is registered once in a cloud", async () => {
  await using stack = new AsyncDisposableStack();
  const [alice] = await openCloud(1, stack) as [Party];
  await alice.names.register("0.once");
  assert.equal(await codeOf(alice.names.register("0.once")), "already_registered");
});

Deno.test("[N08] at most ten endpoints, and only such as others can reach", async () => {
  await using stack = new AsyncDisposableStack();
  const [alice, bob] = await openCloud(2, stack) as [Party, Party];
  const endpoints = Array.from({ length: 10 }, (_, i) => `tcp://127.0.0.1:${7_000 + i}`);
  await alice.names.register("0.ten", { endpoints });
  assert.deepEqual((await bob.names.resolve("0.ten"))[0]!.endpoints, endpoints);
  await assert.rejects(
    alice.names.register("0.eleven", { endpoints: [...endpoints, "tcp://127.0.0.1:1"] }),
    RangeError,
  );
  assert.equal(
    await codeOf(alice.names.register("0.zero", { endpoints: ["tcp://127.0.0.1:0"] })),
    "invalid_address",
  );
  assert.deepEqual(alice.names.registrations().map(({ name }) => name), ["0.ten"]);
});

Deno.test("[N23] publishers come one by one; breaking off ends the search", async () => {
  await using stack = new AsyncDisposableStack();
  const parties = await openCloud(4, stack);
  for (const party of parties.slice(0, 3)) await party.names.register("0.many");
  const seen: string[] = [];
  for await (const { endpoints } of parties[3]!.names.resolveEach("0.many")) {
    seen.push(endpoints[0]!);
    if (seen.length === 2) break;
  }
  assert.equal(new Set(seen).size, 2);
});

Deno.test("[N27] alone is told from not found", async () => {
  await using stack = new AsyncDisposableStack();
  const [alice, bob] = await openCloud(2, stack) as [Party, Party];
  await using hermit = await openParty(9);
  assert.equal(await codeOf(hermit.names.resolve("0.any")), "no_contacts");
  assert.equal(await codeOf(bob.names.resolve("0.any")), "name_not_found");
  assert.equal(hermit.names.clouds()[0]!.state, "alone");
  assert.equal(alice.names.clouds()[0]!.state, "active");
});

Deno.test("[N45] a peer finds what it publishes itself, alone or not", async () => {
  await using stack = new AsyncDisposableStack();
  const [alice] = await openCloud(1, stack) as [Party];
  await alice.names.register("0.self", { payload: "mine" });
  assert.equal((await alice.names.resolve("0.self"))[0]!.payload, "mine");
});
