/** Many hostile contacts in one cloud: they join as honest ones do, where they like, and lie alike. */

import { packAddress } from "../../../lib/base/address.ts";
import type { Address, Crypto } from "../../../lib/base/ports.ts";
import type { Contact } from "../../../lib/names/contact.ts";
import { cloudId, compareDistance, contactId } from "../../../lib/names/id_space.ts";
import type { Signer } from "../../../lib/wire/envelope.ts";
import { contentOf, type NamesWorld, resolvedOf, signerOf, type SimPeer } from "../../sim/names_world.ts";
import {
  closestOf,
  contactOf,
  found,
  HostileContact,
  type Lie,
  searchLie,
  silentLie,
} from "./hostile_contact.ts";

/** A name that only one key may publish. */
export interface SecuredName {
  readonly authority: Uint8Array;
  readonly classifier: string;
  readonly signer: Signer;
}

/** The secured name with this number. */
export function securedName(n: number, crypto: Crypto): SecuredName {
  const signer = signerOf(n + 1, crypto);
  return { authority: signer.publicKey, classifier: `name ${n}`, signer };
}

/** Publishes a name and waits until it stands. */
export function publish(peer: SimPeer, name: SecuredName): void {
  const end = peer.wait({ kind: "register", ...name, content: contentOf() });
  if (!("result" in end)) throw new Error(`${end.code}: ${end.message}`);
}

/** How one resolve ended: confirmed by the publisher, found at holders alone, or why not at all. */
export function lookUp(
  peer: SimPeer,
  { authority, classifier }: SecuredName,
): { end: string; asked: number } {
  const end = peer.wait({ kind: "resolve", authority, classifier, resultsMax: 1 });
  if (!("result" in end)) return { end: end.code, asked: 0 };
  const { found, asked } = resolvedOf(end);
  return { end: found.some(({ verified }) => verified) ? "verified" : "unverified", asked };
}

/** Where a name lies. */
export function placeOf(world: NamesWorld, { authority, classifier }: SecuredName): Uint8Array {
  return Uint8Array.fromHex(world.peers[0]!.machine.nameKeyOf(authority, classifier));
}

/** Addresses behind which nobody is, each in a network of its own. */
export function deadAddress(n: number): Address {
  return { host: `60.${n >> 8 & 255}.${n & 255}.9`, port: 1_024 + n % 60_000 };
}

/** A group of hostile contacts. */
export class Swarm {
  readonly world: NamesWorld;
  readonly members: HostileContact[] = [];

  constructor(world: NamesWorld) {
    this.world = world;
  }

  /** Adds members, each in a network of its own; with `near`, closer to that place than every honest peer. */
  add(count: number, lie: Lie, near: Uint8Array | null = null): void {
    const { world } = this;
    for (let i = 0; i < count; i++) {
      const n = this.members.length;
      const address = { host: `21.${n >> 8}.${n & 255}.7`, port: 4_000 };
      const secretKey = near === null ? world.random.bytes(32) : this.#keyNear(near);
      this.members.push(new HostileContact(world, address, { lie, secretKey }));
    }
  }

  /** Has all members make themselves known to all peers, and waits until they may be in tables. */
  join(peers: readonly SimPeer[] = this.world.peers): void {
    for (const member of this.members) {
      member.joinBy(peers);
      this.world.run(50);
    }
    this.world.run(20_000);
  }

  get contacts(): Contact[] {
    return this.members.map(({ contact }) => contact);
  }

  /** How much of a peer's table they are, 0 to 1. */
  shareOf(peer: SimPeer): number {
    const keys = new Set(this.contacts.map(({ keyHex }) => keyHex));
    const { contacts } = peer.machine.snapshot();
    return contacts.filter(({ key }) => keys.has(key)).length / contacts.length;
  }

  #keyNear(place: Uint8Array): Uint8Array {
    const { crypto, random, peers } = this.world;
    const cloud = cloudId(crypto, "test");
    const [closest] = closestOf(peers.map(contactOf), place, 1);
    for (;;) {
      const secretKey = random.bytes(32);
      const id = contactId(crypto, cloud, crypto.x25519.publicKey(secretKey));
      if (compareDistance(place, id, closest!.id) < 0) return secretKey;
    }
  }
}

/** Ways to answer a search, by name. `name` is the one they are after. */
export function searchLies(swarm: Swarm, name: SecuredName): Readonly<Record<string, Lie>> {
  const { world } = swarm;
  const impostor = signerOf(99, world.crypto);
  const forging: Signer = { publicKey: name.signer.publicKey, sign: (message) => impostor.sign(message) };
  let n = 0;
  const misplaced = (contact: Contact) => ({ ...contact, addresses: [deadAddress(n++)] });
  const honest = world.peers.map(contactOf);
  const taken: Uint8Array[] = [];
  return {
    "says nothing": silentLie(),
    "refers to its own kind alone": searchLie((target, id) => found(id, closestOf(swarm.contacts, target))),
    "names the right contacts at wrong addresses": searchLie((target, id) =>
      found(id, closestOf(honest, target).map(misplaced))
    ),
    "shows bytes that are no registrations": searchLie((_, id, asksValues) =>
      found(id, [], asksValues ? [[world.random.bytes(100), new Uint8Array()]] : [], 32)
    ),
    "shows forged registrations without end": (request, by, from) => {
      const { id, body } = request;
      if (body.kind !== "find" || body.offset === null) return silentLie()(request, by, from);
      const forged = Array.from({ length: 3 }, (): [Uint8Array, Uint8Array] => {
        const publisher = world.crypto.x25519.publicKey(world.random.bytes(32));
        return [by.statement({ ...name, signer: forging, publisher }), packAddress(by.address)];
      });
      return found(id, [], forged, 64);
    },
    "shows the registration and a wrong address of its publisher": (request, by, from) => {
      const { id, body } = request;
      if (body.kind === "store") taken.push(body.registration);
      const registration = taken.at(-1);
      const shows = body.kind === "find" && body.offset !== null && registration !== undefined;
      if (!shows) return silentLie()(request, by, from);
      const lies = [0, 1].map((): [Uint8Array, Uint8Array] => [registration, packAddress(deadAddress(n++))]);
      return found(id, [], lies);
    },
  };
}
