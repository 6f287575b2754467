/**
 * Address translators of a network in memory: how a home router gives the hosts behind it one outside
 * address, and whom it lets in. The four kinds are those of RFC 3489; RFC 4787 calls their parts
 * endpoint-independent or address-dependent mapping and filtering.
 */

import { addressText } from "../lib/base/address.ts";
import { BoundedMap } from "../lib/base/bounded.ts";
import type { Address } from "../lib/base/ports.ts";
import { memoryMappingMs, memoryMappingPeersMax, memoryMappingsMax } from "./limits.ts";
import type { Place } from "./memory_link.ts";

/**
 * Whom a translator lets in at an outside port. `full_cone`: everybody; `address_restricted`: hosts that
 * were sent to from there; `port_restricted`: only the very addresses. `symmetric` is as strict, and takes
 * another outside port for each address that is sent to.
 */
export type NatKind = "full_cone" | "address_restricted" | "port_restricted" | "symmetric";

/** How a host stands behind a translator. */
export interface NatOptions {
  /** Whom it lets in. */
  readonly kind: NatKind;
  /** The address outside. Hosts with the same one stand behind one translator and reach each other directly. */
  readonly publicHost: string;
  /** A mapping that sends nothing for so long is forgotten; 30 s if not given. */
  readonly mappingMs?: number;
}

/** A host's place behind a translator. */
export interface Translation {
  readonly translator: Translator;
  readonly kind: NatKind;
  readonly mappingMs: number;
}

/** An outside port, and what it stands for. */
export interface Mapping {
  /** The host inside. */
  readonly place: Place;
  /** The port inside. */
  readonly port: number;
  /** The address outside. */
  readonly outside: Address;
  /** What was sent to, and when last; by address or host, as the kind filters. */
  readonly peers: BoundedMap<string, number>;
  readonly translation: Translation;
  lastSentMs: number;
}

/** The translator behind one outside address. */
export class Translator {
  /** The address outside. */
  readonly publicHost: string;
  readonly #byPort = new Map<number, Mapping>();
  readonly #byInside = new BoundedMap<string, Mapping>(memoryMappingsMax);
  #nextPort: number = firstMappedPort;

  /** A translator without mappings. */
  constructor(publicHost: string) {
    this.publicHost = publicHost;
  }

  /** Translates what a host inside sends: the address that is seen outside. */
  sends(place: Place, translation: Translation, port: number, to: Address, nowMs: number): Address {
    const key = insideKey(place, translation, port, to);
    const mapping = this.#alive(key, nowMs) ?? this.#map(key, { place, translation, port });
    mapping.lastSentMs = nowMs;
    mapping.peers.set(peerKey(translation.kind, to), nowMs);
    return mapping.outside;
  }

  /** The mapping of an outside port, alive or not. */
  mappingAt(port: number): Mapping | null {
    return this.#byPort.get(port) ?? null;
  }

  /** Whether something from an address is let in through a mapping. */
  letsIn(mapping: Mapping, from: Address, nowMs: number): boolean {
    if (this.#byPort.get(mapping.outside.port) !== mapping) return false;
    const { kind, mappingMs } = mapping.translation;
    if (nowMs - mapping.lastSentMs > mappingMs) return false;
    if (kind === "full_cone") return true;
    const sentMs = mapping.peers.get(peerKey(kind, from));
    return sentMs !== undefined && nowMs - sentMs <= mappingMs;
  }

  /** Forgets the mappings of a host inside; its ports outside are not used again soon. */
  forget(place: Place): void {
    for (const [key, mapping] of [...this.#byInside.entries()]) {
      if (mapping.place === place) this.#remove(key, mapping);
    }
  }

  /** An outside port that no mapping has. */
  freePort(): number {
    for (;;) {
      const port = this.#nextPort;
      this.#nextPort = port === 65_535 ? firstMappedPort : port + 1;
      if (!this.#byPort.has(port)) return port;
    }
  }

  #alive(key: string, nowMs: number): Mapping | null {
    const mapping = this.#byInside.get(key);
    if (mapping === undefined) return null;
    if (nowMs - mapping.lastSentMs <= mapping.translation.mappingMs) return mapping;
    this.#remove(key, mapping);
    return null;
  }

  #map(key: string, inside: Pick<Mapping, "place" | "translation" | "port">): Mapping {
    const outside = { host: this.publicHost, port: this.freePort() };
    const peers = new BoundedMap<string, number>(memoryMappingPeersMax);
    const mapping: Mapping = { ...inside, outside, peers, lastSentMs: 0 };
    this.#byPort.set(outside.port, mapping);
    const oldest = this.#byInside.set(key, mapping);
    if (oldest !== null) this.#byPort.delete(oldest[1].outside.port);
    return mapping;
  }

  #remove(key: string, mapping: Mapping): void {
    this.#byInside.delete(key);
    this.#byPort.delete(mapping.outside.port);
  }
}

/** A host's place behind a translator, by the options; throws a `RangeError` for an impossible time. */
export function translationOf(translator: Translator, options: NatOptions): Translation {
  const { kind, mappingMs = memoryMappingMs } = options;
  if (!(mappingMs >= 0)) throw new RangeError(`'mappingMs' is ${mappingMs}, but is to be 0 or more`);
  return { translator, kind, mappingMs };
}

/** What shares a mapping: everything from one port, or from one port to one address. */
function insideKey(place: Place, { kind }: Translation, port: number, to: Address): string {
  const inside = `${place.name} ${port}`;
  return kind === "symmetric" ? `${inside} ${addressText(to)}` : inside;
}

/** What a kind tells apart of those outside. */
function peerKey(kind: NatKind, address: Address): string {
  if (kind === "full_cone") return "";
  return kind === "address_restricted" ? address.host : addressText(address);
}

/** Where outside ports begin: apart from those that hosts choose, so that a mix-up shows. */
const firstMappedPort = 20_000;
