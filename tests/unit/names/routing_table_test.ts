import assert from "node:assert/strict";
import type { Address } from "../../../lib/base/ports.ts";
import { below, SeededRandom } from "../../../lib/base/random.ts";
import {
  addressGroup,
  type Contact,
  createContact,
  mayUse,
  packHint,
  unpackHint,
} from "../../../lib/names/contact.ts";
import { compareDistance, randomIdSharing } from "../../../lib/names/id_space.ts";
import { RoundTrip, RoutingTable } from "../../../lib/names/routing_table.ts";
import { crypto } from "../../sim/names_world.ts";

const random = new SeededRandom(5);
const self = random.bytes(32);

/** A contact that shares `bits` with this peer, at an address of its own network unless told. */
function contactAt(bits: number, host?: string): Contact {
  const key = random.bytes(32);
  const own = `20.${key[0]}.${key[1]}.${key[2]}`;
  const address: Address = { host: host ?? own, port: 4_000 };
  const contact = createContact(crypto, self, key, [address]);
  return { ...contact, id: randomIdSharing(random, self, bits) };
}

function enter(table: RoutingTable, contact: Contact, roundTripMs: number | null = 50, nowMs = 0): boolean {
  return table.answered(contact, contact.addresses[0]!, roundTripMs, nowMs);
}

Deno.test("RoutingTable takes 20 contacts a bucket, and no 21st of the same speed", () => {
  const table = new RoutingTable(self);
  for (let i = 0; i < 20; i++) assert.ok(enter(table, contactAt(0)));
  assert.ok(!enter(table, contactAt(0)));
  assert.ok(!table.hasRoom(contactAt(0)));
  assert.ok(enter(table, contactAt(1)));
  assert.equal(table.size, 21);
});

Deno.test("[T22] RoutingTable keeps the five oldest of a bucket against any speed", () => {
  const table = new RoutingTable(self);
  const first = Array.from({ length: 20 }, () => contactAt(0));
  for (const contact of first) enter(table, contact, 500);
  for (let i = 0; i < 100; i++) enter(table, contactAt(0), 1);
  assert.equal(table.size, 20);
  assert.deepEqual(first.map(({ keyHex }) => table.entry(keyHex) !== undefined), [
    ...new Array(5).fill(true),
    ...new Array(15).fill(false),
  ]);
});

Deno.test("RoutingTable puts a newcomer in the place of a failing contact", () => {
  const table = new RoutingTable(self);
  const contacts = Array.from({ length: 20 }, () => contactAt(0));
  for (const contact of contacts) enter(table, contact);
  assert.ok(!table.failed(contacts[7]!.keyHex));
  assert.ok(enter(table, contactAt(0)));
  assert.equal(table.entry(contacts[7]!.keyHex), undefined);
});

Deno.test("RoutingTable drops a contact that leaves two requests in a row unanswered", () => {
  const table = new RoutingTable(self);
  const contact = contactAt(3);
  enter(table, contact);
  table.failed(contact.keyHex);
  enter(table, contact);
  assert.ok(!table.failed(contact.keyHex));
  assert.ok(table.failed(contact.keyHex));
  assert.equal(table.size, 0);
});

Deno.test("[T21] RoutingTable takes two contacts of one /24 or /48 a bucket, and any number of a private network", () => {
  const table = new RoutingTable(self);
  for (let i = 0; i < 10; i++) enter(table, contactAt(0, `9.9.9.${i + 1}`));
  assert.equal(table.size, 2);
  for (let i = 0; i < 10; i++) enter(table, contactAt(0, `2a00:1:2:${i}::1`));
  assert.equal(table.size, 4);
  for (let i = 0; i < 10; i++) enter(table, contactAt(0, `192.168.1.${i + 1}`));
  assert.equal(table.size, 14);
});

Deno.test("closest() looks at some buckets and finds what a look at all contacts finds", () => {
  const table = new RoutingTable(self);
  const all: Contact[] = [];
  for (let i = 0; i < 400; i++) {
    const contact = contactAt(below(random, 14));
    if (enter(table, contact)) all.push(contact);
  }
  const targets = [self, ...all.map(({ id }) => id)];
  for (let bits = 0; bits < 40; bits++) targets.push(randomIdSharing(random, self, bits % 20));
  for (const target of targets) {
    const sorted = all.toSorted((a, b) => compareDistance(target, a.id, b.id));
    for (const count of [1, 20, 21, 1_000]) {
      assert.deepEqual(table.closest(target, count), sorted.slice(0, count));
    }
  }
});

Deno.test("closest() returns contacts in order of distance", () => {
  const table = new RoutingTable(self);
  for (let bits = 0; bits < 5; bits++) for (let i = 0; i < 20; i++) enter(table, contactAt(bits));
  const target = random.bytes(32);
  const closest = table.closest(target, 20);
  const all = [...table.entries()].map((entry) => entry.contact);
  all.sort((a, b) => compareDistance(target, a.id, b.id));
  assert.deepEqual(closest, all.slice(0, 20));
});

Deno.test("estimatedSize() is right within a factor of two for clouds of 100 to 10,000", () => {
  for (const count of [100, 1_000, 10_000]) {
    const table = new RoutingTable(self);
    for (let i = 0; i < count; i++) {
      const contact = { ...contactAt(0), id: random.bytes(32) };
      enter(table, contact);
    }
    const estimate = table.estimatedSize();
    assert.ok(estimate > count / 2 && estimate < count * 2, `${estimate} for ${count}`);
  }
});

Deno.test("RoundTrip waits from 100 ms to 1 s, adapted to what it saw", () => {
  const roundTrip = new RoundTrip();
  assert.equal(roundTrip.timeoutMs(), 1_000);
  for (let i = 0; i < 50; i++) roundTrip.add(1);
  assert.equal(roundTrip.timeoutMs(), 100);
  for (let i = 0; i < 50; i++) roundTrip.add(i % 2 === 0 ? 200 : 300);
  assert.ok(roundTrip.timeoutMs() > 300 && roundTrip.timeoutMs() < 700);
  for (let i = 0; i < 50; i++) roundTrip.add(5_000);
  assert.equal(roundTrip.timeoutMs(), 1_000);
});

Deno.test("a hint comes back from its bytes, and no other bytes are one", () => {
  const contact = createContact(crypto, self, random.bytes(32), [
    { host: "20.1.2.3", port: 4_000 },
    { host: "2a00:1:2::3", port: 4_001 },
  ]);
  const packed = packHint(contact);
  assert.deepEqual(unpackHint(packed), { key: contact.key, addresses: contact.addresses });
  for (let length = 0; length < packed.length; length++) {
    if (length !== 32 + 7) assert.equal(unpackHint(packed.subarray(0, length)), null);
  }
  assert.equal(unpackHint(Uint8Array.of(...packed, 6, 1, 1, 1, 1, 0, 1)), null);
});

Deno.test("[T18] mayUse() keeps a cloud to its scope, and strangers from naming narrower addresses", () => {
  const at = (host: string): Address => ({ host, port: 1 });
  assert.ok(mayUse("loopback", at("127.0.0.1"), null));
  assert.ok(!mayUse("loopback", at("20.0.0.1"), null));
  assert.ok(mayUse("global", at("20.0.0.1"), null));
  assert.ok(!mayUse("global", at("192.168.0.1"), null));
  assert.ok(mayUse("private", at("192.168.0.1"), at("192.168.0.2")));
  assert.ok(mayUse("private", at("20.0.0.1"), at("127.0.0.1")));
  assert.ok(!mayUse("private", at("127.0.0.1"), at("192.168.0.2")));
  assert.ok(!mayUse("private", at("169.254.169.254"), at("20.0.0.1")));
  assert.ok(!mayUse("private", { host: "20.0.0.1", port: 0 }, null));
  assert.ok(!mayUse("private", at("224.0.0.1"), null));
  assert.equal(addressGroup(at("20.1.2.3")), addressGroup(at("20.1.2.99")));
  assert.equal(addressGroup(at("10.1.2.3")), null);
});
