/**
 * T20 (and the past bug R21, plausible false answers that end a search early): contacts that are silent,
 * lie and refer to each other. Names are found all the same, and their publishers confirmed.
 *
 * What is proven here is 60 honest contacts; `slow_t20_hostile_lookup_test.ts` has more, with loss.
 * Names are secured ones. What is not protected: of an unsecured name anybody may publish a statement,
 * also one who wants to drown others', so three hostile holders on two paths end such a search with
 * statements of their own. And three that show a secured name's true registration with wrong places of
 * its publisher before anybody else answers have it told as unverified, though it could be reached.
 */

import assert from "node:assert/strict";
import { createLightCrypto } from "../../lib/sim/light_crypto.ts";
import { packAddress } from "../../lib/base/address.ts";
import { resolveChecksMax } from "../../lib/names/limits.ts";
import { encodeResponse, type RequestBody } from "../../lib/names/messages.ts";
import { NamesWorld, type SimPeer } from "../sim/names_world.ts";
import { found, HostileContact, type Lie, silentLie } from "./kit/hostile_contact.ts";
import {
  deadAddress,
  lookUp,
  placeOf,
  publish,
  searchLies,
  type SecuredName,
  securedName,
  Swarm,
} from "./kit/hostile_swarm.ts";

const crypto = createLightCrypto();

Deno.test("[T20] (R21) a name is found though the 20 contacts nearest to it say nothing, or lie in whatever way", () => {
  const heron = securedName(0, crypto);
  const world = new NamesWorld({ seed: 20, latencyMs: [5, 40], crypto });
  world.populate(40);
  const swarm = new Swarm(world);
  const lies = searchLies(swarm, heron);
  swarm.add(20, lies["says nothing"]!, placeOf(world, heron));
  swarm.join();
  publish(world.peers[1]!, heron);
  world.run(2_000);
  const heard = () => swarm.members.reduce((sum, member) => sum + member.heard.length, 0);
  const failures: string[] = [];
  for (const [name, lie] of Object.entries(lies)) {
    for (const member of swarm.members) member.lie = lie;
    let asking = 0;
    for (const peer of world.peers.slice(2)) {
      const before = heard();
      const { end } = lookUp(peer, heron);
      if (heard() > before) asking++;
      if (end !== "verified") failures.push(`${name}: ${end}`);
    }
    assert.ok(asking >= 25, `seed 20: ${asking} of 38 came across a liar that ${name}`);
  }
  assert.deepEqual(failures, [], "seed 20");
});

/** A resolver that knows those whom a test makes, each asked by it and nobody else; all in networks of their own. */
class Scene {
  readonly world = new NamesWorld({ seed: 21, latencyMs: [10, 10], crypto });
  readonly heron: SecuredName = securedName(1, crypto);
  readonly contacts: HostileContact[] = [];
  readonly resolver: SimPeer = this.world.addPeer();

  add(lie: Lie): HostileContact {
    const contact = new HostileContact(this.world, { host: `22.0.${this.contacts.length}.1`, port: 9 }, {
      lie,
    });
    this.contacts.push(contact);
    return contact;
  }

  /** Starts from all but `unknown`, and resolves. */
  resolve(unknown: readonly HostileContact[] = []): { end: string; asked: number } {
    const addresses = this.contacts.filter((one) => !unknown.includes(one)).map(({ address }) => address);
    this.resolver.wait({ kind: "bootstrap", addresses });
    return lookUp(this.resolver, this.heron);
  }
}

/** Answers searches for values as told, and searches for contacts with nobody. */
function valuesLie(answer: (id: Uint8Array, offset: number) => Uint8Array | null): Lie {
  return (request, by, from) => {
    const { id, body } = request;
    if (body.kind !== "find") return silentLie()(request, by, from);
    return body.offset === null ? found(id, []) : answer(id, body.offset);
  };
}

/** Confirms what it has published, and says nothing else: it is in nobody's table. */
function publisherLie(registration: () => Uint8Array, bytes: Uint8Array | null = null): Lie {
  return ({ id, body }: { id: Uint8Array; body: RequestBody }) =>
    body.kind === "inquire"
      ? encodeResponse({ id, body: { kind: "answer", registration: registration(), bytes } })
      : null;
}

Deno.test("[T20] a publisher is asked where an honest holder saw it, though two others name wrong places first", () => {
  const scene = new Scene();
  let statement: Uint8Array = new Uint8Array();
  const publisher = scene.add(publisherLie(() => statement));
  statement = publisher.statement(scene.heron);
  let n = 0;
  const wrong = (): [Uint8Array, Uint8Array] => [statement, packAddress(deadAddress(n++))];
  for (let i = 0; i < 2; i++) scene.add(valuesLie((id) => found(id, [], [wrong(), wrong()])));
  let isAskedAgain = false;
  scene.add(valuesLie((id) => {
    const isLost = !isAskedAgain; // the liars are quicker
    isAskedAgain = true;
    return isLost ? null : found(id, [], [[statement, packAddress(publisher.address)]]);
  }));
  assert.equal(scene.resolve([publisher]).end, "verified");
});

Deno.test("[T20] an honest contact that a liar names at a wrong address is asked at the right one", () => {
  const scene = new Scene();
  let statement: Uint8Array = new Uint8Array();
  const publisher = scene.add(publisherLie(() => statement));
  statement = publisher.statement(scene.heron);
  // Alone it holds the name; it answers nothing else, so that no table has it.
  const holder = scene.add(({ id, body }) =>
    body.kind === "find" && body.offset !== null
      ? found(id, [], [[statement, packAddress(publisher.address)]])
      : null
  );
  const wrong = { ...holder.contact, addresses: [deadAddress(1)] };
  scene.add(valuesLie((id) => found(id, [wrong])));
  scene.add(valuesLie((id) => found(id, [holder.contact])));
  assert.equal(scene.resolve([publisher, holder]).end, "verified");
});

Deno.test("[T20] four holders that show forgeries without end cost a check each, and hide no honest holder's value", () => {
  const scene = new Scene();
  let statement: Uint8Array = new Uint8Array();
  const publisher = scene.add(publisherLie(() => statement));
  statement = publisher.statement(scene.heron);
  const impostor = securedName(50, crypto).signer;
  const signer = { publicKey: scene.heron.signer.publicKey, sign: impostor.sign };
  let pages = 0;
  for (let i = 0; i < 4; i++) {
    const liar: HostileContact = scene.add(valuesLie((id) => {
      const forged = [1, 2, 3].map((): [Uint8Array, Uint8Array] => [
        liar.statement({ ...scene.heron, signer, publisher: scene.world.random.bytes(32), seq: ++pages }),
        new Uint8Array(),
      ]);
      return found(id, [], forged, 64);
    }));
  }
  scene.add(valuesLie((id) => found(id, [], [[statement, packAddress(publisher.address)]])));
  assert.equal(scene.resolve([publisher]).end, "verified");
  assert.equal(pages, 4 * 3, "one page of each");
  assert.ok(pages < resolveChecksMax);
});

Deno.test("[T20] a publisher whose payload has no bytes, which it does not send, keeps no resolve waiting", () => {
  const scene = new Scene();
  let statement: Uint8Array = new Uint8Array();
  const publisher = scene.add(publisherLie(() => statement));
  const body = {
    endpoints: [],
    comment: "",
    payload: { digest: new Uint8Array(32), length: 0, kind: 1 },
  } as const;
  statement = publisher.statement({ ...scene.heron, body });
  scene.add(valuesLie((id) => found(id, [], [[statement, packAddress(publisher.address)]])));
  assert.equal(scene.resolve([publisher]).end, "unverified");
});
