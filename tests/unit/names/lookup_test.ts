import assert from "node:assert/strict";
import { below, SeededRandom } from "../../../lib/base/random.ts";
import { type Contact, createContact } from "../../../lib/names/contact.ts";
import { compareDistance, distanceShare } from "../../../lib/names/id_space.ts";
import { Lookup, type LookupOptions } from "../../../lib/names/lookup.ts";
import { crypto } from "../../sim/names_world.ts";

const random = new SeededRandom(3);
const cloud = random.bytes(32);

function newContact(): Contact {
  return createContact(crypto, cloud, random.bytes(32), [{ host: "20.0.0.1", port: 4_000 }]);
}

function contactNear(target: Uint8Array, share: number): Contact {
  const id = target.slice();
  const distance = Math.floor(share * 2 ** 48 * (below(random, 1_000) + 1) / 1_000);
  for (let i = 0, rest = distance; i < 6; i++, rest = Math.floor(rest / 256)) id[5 - i]! ^= rest % 256;
  return { ...newContact(), id };
}

function startLookup(options: Partial<LookupOptions> & { seeds: readonly Contact[] }): Lookup {
  return new Lookup({
    target: random.bytes(32),
    aim: "closest",
    selfHex: "",
    regionShare: 0,
    parallel: 4,
    ...options,
  });
}

/** Who answers with whom: honest contacts with the closest of a random half of the cloud, liars with liars. */
interface Model {
  readonly honest: readonly Contact[];
  readonly liars: readonly Contact[];
}

function answerOf(model: Model, contact: Contact, target: Uint8Array): Contact[] {
  const isLiar = model.liars.includes(contact);
  const known = isLiar ? model.liars : [...model.honest, ...model.liars].filter(() => below(random, 2) === 0);
  return [...known].sort((a, b) => compareDistance(target, a.id, b.id)).slice(0, 20);
}

function runLookup(model: Model, lookup: Lookup, holds: (contact: Contact) => boolean = () => false): void {
  for (let asked = lookup.next(); asked.length > 0; asked = lookup.next()) {
    for (const contact of asked) {
      lookup.onAnswer(contact, answerOf(model, contact, lookup.target), holds(contact));
    }
  }
  assert.ok(lookup.isDone());
}

Deno.test("Lookup finds the closest contacts of a cloud", () => {
  const honest = Array.from({ length: 300 }, newContact);
  const lookup = startLookup({ seeds: honest.slice(0, 20) });
  runLookup({ honest, liars: [] }, lookup);
  const wanted = [...honest].sort((a, b) => compareDistance(lookup.target, a.id, b.id)).slice(0, 20);
  assert.deepEqual(lookup.closest(), wanted);
});

Deno.test("Lookup asks four paths first, one contact each", () => {
  const lookup = startLookup({ seeds: Array.from({ length: 20 }, newContact) });
  assert.equal(lookup.next().length, 4);
  assert.equal(lookup.next().length, 0);
});

Deno.test("Lookup replaces a slow contact and still takes its answer", () => {
  const seeds = Array.from({ length: 8 }, newContact);
  const lookup = startLookup({ seeds });
  const first = lookup.next();
  lookup.onSlow(first[0]!);
  assert.equal(lookup.next().length, 1);
  const late = newContact();
  lookup.onAnswer(first[0]!, [late], false);
  assert.ok(lookup.closest().includes(first[0]!));
});

Deno.test("Lookup of values ends when three holders on two paths have shown some", () => {
  const seeds = Array.from({ length: 20 }, newContact);
  const lookup = startLookup({ seeds, aim: "values" });
  const asked = lookup.next();
  for (const contact of asked.slice(0, 2)) lookup.onAnswer(contact, [], true);
  assert.ok(!lookup.isDone());
  assert.deepEqual(lookup.next(), []);
  lookup.onAnswer(asked[2]!, [], true);
  assert.ok(lookup.isDone());
});

Deno.test("Lookup of values that found none waits for who is slow", () => {
  const lookup = startLookup({ seeds: [newContact(), newContact()], aim: "values" });
  const [first, second] = lookup.next();
  lookup.onSlow(first!);
  lookup.onAnswer(second!, [], false);
  assert.deepEqual(lookup.next(), []);
  assert.ok(!lookup.isDone());
  lookup.onFailed(first!);
  assert.ok(lookup.isDone());
});

Deno.test("[T27] Lookup asks at most 200 contacts however many are named, and never itself", () => {
  const self = newContact();
  const lookup = startLookup({ seeds: [newContact()], selfHex: self.keyHex });
  let share = 0.5;
  for (let asked = lookup.next(); asked.length > 0; asked = lookup.next()) {
    assert.ok(!asked.includes(self));
    share /= 1.01;
    const closer = Array.from({ length: 19 }, () => contactNear(lookup.target, share));
    for (const contact of asked) lookup.onAnswer(contact, [...closer, self, contact], false);
  }
  assert.ok(lookup.asked <= 200);
  assert.ok(lookup.isDone());
});

Deno.test("[N36] Lookup follows at most 22 referrals in a row", () => {
  const lookup = startLookup({ seeds: [newContact()] });
  let hops = 0;
  for (let asked = lookup.next(); asked.length > 0; asked = lookup.next()) {
    hops++;
    lookup.onAnswer(asked[0]!, [contactNear(lookup.target, 0.5 ** hops)], false);
  }
  assert.equal(hops, 23); // the seed, and 22 referrals
});

Deno.test("[T20] Lookup finds holders though 30 % of the contacts refer only to each other", () => {
  let found = 0;
  const runs = 200;
  for (let run = 0; run < runs; run++) {
    const all = Array.from({ length: 300 }, newContact);
    const model = { honest: all.slice(90), liars: all.slice(0, 90) };
    const seeds = Array.from({ length: 20 }, () => all[below(random, all.length)]!);
    const lookup = startLookup({ seeds: [...new Set(seeds)], aim: "values" });
    const holders = [...model.honest].sort((a, b) => compareDistance(lookup.target, a.id, b.id)).slice(0, 20);
    runLookup(model, lookup, (contact) => holders.includes(contact));
    if (lookup.hops > 0 || holders.some((holder) => lookup.closest().includes(holder))) found++;
  }
  assert.ok(found / runs >= 0.995, `${found} of ${runs}`);
});

Deno.test("[T21] Lookup reaches honest contacts of the region behind 20 that were made to lie nearest", () => {
  const honest = Array.from({ length: 400 }, newContact);
  const target = random.bytes(32);
  const nearest = Math.min(...honest.map((contact) => distanceShare(target, contact.id)));
  const liars = Array.from({ length: 20 }, () => contactNear(target, nearest / 2));
  const seeds = honest.slice(0, 20);
  const plain = startLookup({ seeds, target });
  runLookup({ honest, liars }, plain);
  const region = startLookup({ seeds, target, regionShare: 20 / 400 });
  runLookup({ honest, liars }, region);
  const honestOf = (lookup: Lookup) => lookup.closest().filter((contact) => honest.includes(contact)).length;
  assert.equal(honestOf(plain), 0);
  assert.ok(honestOf(region) >= 10, `${honestOf(region)}`);
});
