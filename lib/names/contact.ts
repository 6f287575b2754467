/**
 * Contacts: participants of a cloud, known by a key that belongs to this cloud alone. A contact is a
 * hint until it has answered; hints travel in answers and cost whoever believes them one packet.
 */

import {
  type AddressScope,
  addressScope,
  packAddress,
  packedAddressBytes,
  parseHost,
  unpackAddress,
} from "../base/address.ts";
import { BoundedMap } from "../base/bounded.ts";
import { concat, hex } from "../base/bytes.ts";
import type { Address, Crypto } from "../base/ports.ts";
import { contactId } from "./id_space.ts";
import { contactAddressesMax, hostFactsMax } from "./limits.ts";

/** In which scope a cloud's names are published; see {@linkcode mayUse} for what it takes. */
export type CloudScope = "loopback" | "link-local" | "private" | "global";

/** Key and addresses of a contact that somebody named. */
export interface Hint {
  /** Its X25519 key in this cloud. 32 bytes. */
  readonly key: Uint8Array;
  /** Where it may be reached, 1 … `contactAddressesMax`; the first is tried first. */
  readonly addresses: readonly Address[];
}

/** A participant of a cloud. */
export interface Contact extends Hint {
  /** The key in lower-case hex, the key of every map. */
  readonly keyHex: string;
  /** Where it lies. 32 bytes. */
  readonly id: Uint8Array;
}

/** Whether a hint is a contact already, as it is where messages are carried by reference. */
export function isContact(hint: Hint): hint is Contact {
  return "keyHex" in hint;
}

/** A contact from its key and addresses. */
export function createContact(
  crypto: Crypto,
  cloud: Uint8Array,
  key: Uint8Array,
  addresses: readonly Address[],
): Contact {
  return { key, keyHex: hex(key), id: contactId(crypto, cloud, key), addresses };
}

/**
 * Contacts as they were built, so that one that is named again and again costs one hash. All who use
 * a book are of one cloud; in a simulation that may be all its machines.
 */
export class ContactBook {
  readonly #crypto: Crypto;
  readonly #cloud: Uint8Array;
  readonly #contacts: BoundedMap<string, Contact>;

  /** Remembers at most `contactsMax` contacts; the least recently used gives way. */
  constructor(crypto: Crypto, cloud: Uint8Array, contactsMax: number) {
    this.#crypto = crypto;
    this.#cloud = cloud;
    this.#contacts = new BoundedMap(contactsMax);
  }

  /** The contact with this key at these addresses. */
  contactOf(key: Uint8Array, addresses: readonly Address[]): Contact {
    const keyHex = hex(key);
    const known = this.#contacts.get(keyHex);
    if (known !== undefined && sameAddresses(known, { addresses })) return known;
    const contact = known === undefined
      ? createContact(this.#crypto, this.#cloud, key, addresses)
      : { ...known, addresses };
    this.#contacts.set(keyHex, contact);
    return contact;
  }
}

/** A hint as it travels: its key, then each address behind its length. */
export function packHint(hint: Hint): Uint8Array {
  let packed = packedHints.get(hint);
  if (packed === undefined) packedHints.set(hint, packed = pack(hint));
  return packed;
}

/** Bytes that a hint has as it travels. */
export function packedHintBytes({ key, addresses }: Hint): number {
  let bytes = key.length;
  for (let i = 0; i < addresses.length && i < contactAddressesMax; i++) {
    bytes += 1 + packedAddressBytes(addresses[i]!);
  }
  return bytes;
}

function pack(hint: Hint): Uint8Array {
  const parts = [hint.key];
  for (const address of hint.addresses.slice(0, contactAddressesMax)) {
    const packed = packAddress(address);
    parts.push(Uint8Array.of(packed.length), packed);
  }
  return concat(...parts);
}

/** Key and addresses of a hint, or `null` if the bytes are none. */
export function unpackHint(bytes: Uint8Array): Hint | null {
  const addresses: Address[] = [];
  let offset = 32;
  while (offset < bytes.length && addresses.length < contactAddressesMax) {
    const length = bytes[offset]!;
    const end = offset + 1 + length;
    const address = end <= bytes.length ? unpackAddress(bytes.subarray(offset + 1, end)) : null;
    if (address === null) return null;
    addresses.push(address);
    offset = end;
  }
  if (offset !== bytes.length || addresses.length === 0) return null;
  return { key: bytes.slice(0, 32), addresses };
}

/**
 * Whether a cloud of this scope may send to an address. `learnedFrom` is who named it (`null` if it
 * spoke for itself): nobody may name addresses of a narrower scope than the one it speaks from, or a
 * stranger could have us send into our own network.
 */
export function mayUse(scope: CloudScope, address: Address, learnedFrom: Address | null): boolean {
  if (address.port === 0) return false;
  const { width } = hostFacts(address.host);
  if (width < 0 || (learnedFrom !== null && width < hostFacts(learnedFrom.host).width)) return false;
  return scope === "private" || width === widths[scope];
}

/**
 * The group of addresses that one site can fill at will: an IPv4 /24, an IPv6 /48. Only global
 * addresses are grouped (`null` otherwise): a home network is one /24, and its cloud needs them all.
 */
export function addressGroup(address: Address): string | null {
  return hostFacts(address.host).group;
}

/** Whether two addresses are the same. */
export function sameAddress(a: Address, b: Address): boolean {
  return a.port === b.port && a.host === b.host;
}

/** Whether two hints name the same addresses in the same order. */
export function sameAddresses(a: Pick<Contact, "addresses">, b: Pick<Contact, "addresses">): boolean {
  const others = b.addresses;
  return a.addresses.length === others.length && a.addresses.every((one, i) => sameAddress(one, others[i]!));
}

/** What follows from a host's text, remembered: each answer names the same twenty hosts again. */
function hostFacts(host: string): HostFacts {
  const known = factsByHost.get(host);
  if (known !== undefined) return known;
  const scope = addressScope(host);
  const bytes = scope === "global" ? parseHost(host)! : null;
  const group = bytes === null ? null : hex(bytes.subarray(0, bytes.length === 4 ? 3 : 6));
  const facts = { width: widths[scope], group };
  factsByHost.set(host, facts);
  return facts;
}

interface HostFacts {
  /** How far the host's scope reaches; negative if it is unusable. */
  readonly width: number;
  readonly group: string | null;
}

const widths: Readonly<Record<AddressScope, number>> = {
  "unusable": -1,
  "loopback": 0,
  "link-local": 1,
  "private": 2,
  "global": 3,
};

const factsByHost = new BoundedMap<string, HostFacts>(hostFactsMax);

/** Hints are immutable, so what one is packed into lasts as long as itself. */
const packedHints = new WeakMap<Hint, Uint8Array>();
