import assert from "node:assert/strict";
import { hex } from "../../../lib/base/bytes.ts";
import { SeededRandom } from "../../../lib/base/random.ts";
import { Contacts } from "../../../lib/graph/contacts.ts";
import {
  contactEndpointsMax,
  contactsMax,
  dialBackoffMsMax,
  dialBackoffMsMin,
  dialsPerMinuteMax,
} from "../../../lib/graph/limits.ts";
import { bytesOf } from "../../fixtures/items.ts";

const nobody = () => false;
const peer = bytesOf("peer");
const endpoints = ["tcp://20.0.0.1:4000"];

function contactsWith(...names: string[]): Contacts {
  const contacts = new Contacts(new SeededRandom(1));
  for (const name of names) contacts.learn({ peer: bytesOf(name), endpoints }, false, true);
  return contacts;
}

Deno.test("a contact is news once, and again with other endpoints", () => {
  const contacts = contactsWith();
  assert.equal(contacts.learn({ peer, endpoints }, false, true), true);
  assert.equal(contacts.learn({ peer, endpoints }, false, true), false);
  assert.equal(contacts.learn({ peer, endpoints: ["tcp://20.0.0.2:4000"] }, false, true), true);
  assert.deepEqual(contacts.hints(), [{ peer, endpoints: ["tcp://20.0.0.2:4000"] }]);
  assert.deepEqual(contacts.hint(hex(peer)), { peer, endpoints: ["tcp://20.0.0.2:4000"] });
  assert.equal(contacts.hint("00"), null);
});

Deno.test("[T18] only what can be dialled is remembered, loopback only of peers on this machine", () => {
  const contacts = contactsWith();
  const useless = [
    "",
    "kith",
    "udp://20.0.0.1:4000",
    "tcp://20.0.0.1:0",
    "tcp://224.0.0.1:4000",
    "tcp://host:1",
  ];
  assert.equal(contacts.learn({ peer, endpoints: useless }, true, true), false);
  const loopback = ["tcp://127.0.0.1:4000", "tcp://[::1]:4000"];
  assert.equal(contacts.learn({ peer, endpoints: loopback }, false, true), false);
  assert.equal(contacts.learn({ peer, endpoints: [...loopback, ...endpoints] }, false, true), true);
  assert.deepEqual(contacts.hints()[0]!.endpoints, endpoints);
  assert.equal(contacts.learn({ peer, endpoints: loopback }, true, true), true);
  assert.deepEqual(contacts.hints()[0]!.endpoints, loopback);
  const many = Array.from({ length: 9 }, (_, i) => `tcp://20.0.0.${i + 1}:4000`);
  contacts.learn({ peer, endpoints: many }, false, true);
  assert.deepEqual(contacts.hints()[0]!.endpoints, many.slice(0, contactEndpointsMax));
});

Deno.test("the oldest contact gives way and is named, so that the store forgets it too", () => {
  const names = Array.from({ length: contactsMax + 2 }, (_, i) => `${i}`);
  const contacts = contactsWith(...names);
  assert.equal(contacts.hints().length, contactsMax);
  assert.deepEqual(contacts.takeForgotten(), [bytesOf("0"), bytesOf("1")]);
  contacts.forget(hex(bytesOf("2")));
  contacts.forget(hex(bytesOf("2")));
  assert.deepEqual(contacts.takeForgotten(), [bytesOf("2")]);
  assert.deepEqual(contacts.takeForgotten(), []);
});

Deno.test("[T18] who is known by hearsay alone gives way first; hearsay drives out nobody else, and nothing a neighbor", () => {
  const named = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix} ${i}`);
  const neighbor = hex(bytesOf("own 0"));
  const contacts = new Contacts(new SeededRandom(1), (id) => id === neighbor);
  const learn = (names: readonly string[], isOwnWord: boolean) =>
    names.filter((name) => contacts.learn({ peer: bytesOf(name), endpoints }, false, isOwnWord)).length;
  const own = named("own", contactsMax - 2);
  assert.equal(learn(own, true), own.length);
  assert.equal(learn(named("heard", 9), false), 9);
  assert.deepEqual(contacts.takeForgotten(), named("heard", 7).map(bytesOf));
  const later = ["later 0", "later 1"];
  assert.equal(learn(later, true), 2);
  assert.deepEqual(contacts.takeForgotten(), ["heard 7", "heard 8"].map(bytesOf));
  assert.equal(learn(["in vain"], false), 0);
  assert.equal(learn(["one more"], true), 1);
  assert.deepEqual(contacts.takeForgotten(), [bytesOf("own 1")], "the oldest that is no neighbor");
  assert.equal(contacts.hints().length, contactsMax);
});

Deno.test("a contact that gave way and was learnt again since is not named to be forgotten", () => {
  const contacts = contactsWith(...Array.from({ length: contactsMax + 2 }, (_, i) => `${i}`));
  contacts.learn({ peer: bytesOf("0"), endpoints }, false, true);
  assert.deepEqual(contacts.takeForgotten(), [bytesOf("1"), bytesOf("2")]);
});

Deno.test("who is being dialled, was dialled in vain, or is linked already is not dialled", () => {
  const contacts = contactsWith("a", "b", "c");
  const [a, b, c] = ["a", "b", "c"].map((name) => hex(bytesOf(name))) as [string, string, string];
  assert.deepEqual(
    contacts.takeDue(9, 0, (id) => id === c).map((hint) => hex(hint.peer)).sort(),
    [a, b].sort(),
  );
  assert.equal(contacts.dialling, 2);
  assert.deepEqual(contacts.takeDue(9, 0, (id) => id === c), []);
  contacts.onDialled(a, false, 0);
  contacts.onDialled(b, true, 0);
  assert.equal(contacts.dialling, 0);
  assert.deepEqual(contacts.takeDue(-1, 0, nobody), []);
  assert.deepEqual(contacts.takeDue(1, 0, (id) => id !== b).map((hint) => hex(hint.peer)), [b]);
  assert.equal(contacts.nextTry((id) => id === c), contacts.nextTry((id) => id === c || id === b));
  assert.equal(contacts.nextTry(nobody), 0);
  contacts.onDialled("unknown", false, 0);
});

Deno.test("the pause doubles with each failure up to a minute, within a quarter either way", () => {
  const contacts = contactsWith("peer");
  const id = hex(peer);
  const pauses = Array.from({ length: 12 }, () => {
    contacts.onDialled(id, false, 1_000);
    return contacts.nextTry(nobody)! - 1_000;
  });
  for (const [i, pause] of pauses.entries()) {
    const middle = Math.min(dialBackoffMsMax, dialBackoffMsMin * 2 ** i);
    assert(pause >= 0.75 * middle && pause <= 1.25 * middle, `pause ${i} is ${pause}`);
  }
  assert(new Set(pauses.slice(-4)).size > 1, "jitter");
});

Deno.test("a link that led to nothing counts as a failure, one that was of use does not", () => {
  const contacts = contactsWith("peer");
  const id = hex(peer);
  for (let i = 0; i < 6; i++) {
    contacts.onDialled(id, true, 0);
    contacts.onLost(id, false, 0);
  }
  assert(contacts.nextTry(nobody)! >= 0.75 * 32 * dialBackoffMsMin);
  contacts.onDialled(id, true, 60_000);
  contacts.onLost(id, true, 60_000);
  const soon = contacts.nextTry(nobody)! - 60_000;
  assert(soon >= dialBackoffMsMin / 2 && soon <= 1.5 * dialBackoffMsMin);
  contacts.onDialled(id, false, 60_000);
  assert(contacts.nextTry(nobody)! - 60_000 <= 1.25 * dialBackoffMsMin, "the count began again");
  contacts.onLost("unknown", true, 0);
  for (let i = 0; i < 10; i++) contacts.onDialled(id, false, 60_000);
  const paused = contacts.nextTry(nobody)!;
  contacts.onLost(id, true, 60_000);
  assert.equal(contacts.nextTry(nobody), paused, "a link that ends shortens no pause");
});

Deno.test("[T18] hearsay stands behind a peer's own word, and nothing that is said shortens a pause", () => {
  const contacts = contactsWith("a");
  const a = bytesOf("a");
  assert.equal(contacts.learn({ peer: a, endpoints: ["tcp://20.0.0.9:1"] }, false, false), true);
  assert.equal(contacts.learn({ peer: a, endpoints: ["tcp://20.0.0.9:2"] }, false, false), true);
  assert.deepEqual(contacts.hints()[0]!.endpoints, [...endpoints, "tcp://20.0.0.9:2"]);
  contacts.takeDue(1, 0, nobody);
  contacts.onDialled(hex(a), false, 0);
  const pause = contacts.nextTry(nobody)!;
  assert.ok(pause > 0);
  assert.equal(
    contacts.learn({ peer: a, endpoints: ["tcp://20.0.0.9:1", "tcp://20.0.0.9:1"] }, false, true),
    true,
  );
  assert.deepEqual(contacts.hints()[0]!.endpoints, ["tcp://20.0.0.9:1"]);
  assert.equal(contacts.nextTry(nobody), pause);
});

Deno.test("[T18] a graph dials so often in a minute and no more, whatever it is told", () => {
  const contacts = new Contacts(new SeededRandom(1));
  let dials = 0;
  for (let i = 0; i < 300; i++) {
    contacts.learn({ peer: bytesOf(`invented ${i}`), endpoints }, false, false);
    dials += contacts.takeDue(4, 100 * i, nobody).length;
  }
  assert.equal(dials, dialsPerMinuteMax);
  assert.equal(contacts.nextTry(nobody)! > 59_000, true);
  assert.equal(contacts.takeDue(4, 61_000, nobody).length > 0, true);
});
