/** A cloud that runs for longer than its registrations stand: names live by being refreshed, and by that alone. */

import assert from "node:assert/strict";
import { pick, shuffled } from "../../lib/base/random.ts";
import { ContactBook } from "../../lib/names/contact.ts";
import { cloudId } from "../../lib/names/id_space.ts";
import { type LeanRegistrations, LeanWire } from "../../lib/sim/lean_wire.ts";
import { createLightCrypto, lightDigest } from "../../lib/sim/light_crypto.ts";
import { contentOf, NamesWorld, resolvedOf, signerOf, type SimPeer } from "./names_world.ts";

const seed = 62;
const minute = 60_000;
const lifeMs = 30 * minute;
const contactsCount = 60; // more than the tables' first buckets hold

const namesCount = 10;
/** The minute in which the first publisher stops. */
const stopAt = 30;

Deno.test("[N16] [N36] over three lives of its registrations and the death of a third, a cloud finds the names of who runs and of nobody else", () => {
  const { world, publishers, others } = createCloud();
  const dying = shuffled(world.random, others).slice(0, contactsCount / 3 - 1);
  const wrong: string[] = [];
  for (let minutes = 0; minutes < 90; minutes++) {
    world.run(minute);
    // They stop without a word, one after the other, and a publisher with them.
    if (minutes >= 10 && minutes % 2 === 0) dying.pop()?.crash();
    if (minutes === stopAt) publishers[0]!.crash();
    const name = minutes % namesCount;
    const seen = seenFrom(pick(world.random, others.filter(({ isUp }) => isUp)), name);
    if (!expectedOf(name, minutes).includes(seen)) wrong.push(`minute ${minutes}: name ${name} is ${seen}`);
    for (const publisher of publishers.filter(({ isUp }) => isUp)) {
      const { expires } = publisher.machine.snapshot().publications[0]!;
      const leftShare = (expires - world.now().wallMs) / lifeMs;
      if (leftShare < 0.4) wrong.push(`minute ${minutes}: ${leftShare} of a life left`);
    }
  }
  assert.deepEqual(wrong, [], `seed ${seed}`);
  assert.equal(dying.length, 0);
  // The last one died longer ago than it takes to ask all who are silent.
  const isDead = new Set(
    world.peers.filter(({ isUp }) => !isUp).map(({ machine }) => machine.snapshot().key),
  );
  const known = world.peers.filter(({ isUp }) => isUp).flatMap(({ machine }) => machine.snapshot().contacts);
  assert.equal(known.filter(({ key }) => isDead.has(key)).length, 0, `seed ${seed}: dead contacts in tables`);
});

/** What a name may be seen as: the first one's publisher stops, and what it stated last stands for at most a life. */
function expectedOf(name: number, minutes: number): readonly string[] {
  if (name > 0 || minutes < stopAt) return ["verified"];
  if (minutes > stopAt + lifeMs / minute) return ["name_not_found"];
  return ["unverified", "name_not_found"];
}

/** A cloud whose first contacts publish a name each. */
function createCloud(): { world: NamesWorld; publishers: SimPeer[]; others: SimPeer[] } {
  const crypto = createLightCrypto(lightDigest);
  const world = new NamesWorld({ seed, latencyMs: [5, 20], crypto });
  const book = new ContactBook(crypto, cloudId(crypto, "test"), 2 * contactsCount);
  const registrations: LeanRegistrations = new WeakMap();
  for (let i = 0; i < contactsCount; i++) {
    const peer = world.addPeer({ machine: { book, wire: (config) => new LeanWire(config, registrations) } });
    if (i > 0) {
      peer.call({ kind: "bootstrap", addresses: [pick(world.random, world.peers.slice(0, i)).address] });
    }
    world.run(200);
  }
  const publishers = world.peers.slice(0, namesCount);
  for (const [i, publisher] of publishers.entries()) {
    const signer = signerOf(1 + i, crypto);
    const end = publisher.wait({ kind: "register", ...nameOf(i), signer, content: contentOf({ lifeMs }) });
    assert.ok("result" in end && end.result.kind === "published", JSON.stringify(end));
  }
  return { world, publishers, others: world.peers.slice(namesCount) };
}

/** What somebody finds of a name. */
function seenFrom(peer: SimPeer, name: number): string {
  const end = peer.wait({ kind: "resolve", ...nameOf(name), resultsMax: 32 });
  if (!("result" in end)) return end.code;
  return resolvedOf(end).found.map(({ verified }) => verified ? "verified" : "unverified").join();
}

function nameOf(i: number): { readonly authority: null; readonly classifier: string } {
  return { authority: null, classifier: `name ${i}` };
}
