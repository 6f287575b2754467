/**
 * Numeric addresses and endpoints: their text, their bytes on the wire, and where they lead.
 *
 * Names are never looked up, and every address that came from a peer is classified before anything
 * is sent to it: port 0, multicast, reserved and translated ranges throw inside the platform or lead
 * somewhere else than they say. Ranges are those of the IANA special-purpose registries
 * (RFC 6890 and its updates); text of IPv6 is canonical as RFC 5952 writes it.
 */

import type { Address } from "./ports.ts";
import { assert } from "./assert.ts";

/** How an endpoint is reached. */
export type Transport = "tcp" | "udp";

/** An address where a peer accepts links, with how it is reached. */
export interface Endpoint {
  readonly transport: Transport;
  readonly address: Address;
}

/** Where an address leads. Nothing is sent to an `unusable` one. */
export type AddressScope = "loopback" | "link-local" | "private" | "global" | "unusable";

/** The address that a text like `127.0.0.1:4000` or `[::1]:4000` means, or `null`. */
export function parseAddress(text: string): Address | null {
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([0-9.]{7,15})):(0|[1-9][0-9]{0,4})$/.exec(text);
  if (match === null) return null;
  const host = parseHost(match[1] ?? match[2]!);
  const port = Number(match[3]);
  if (host === null || port > 65_535) return null;
  if ((match[1] === undefined) !== (host.length === 4)) return null;
  return { host: hostText(host), port };
}

/** The text of an address: `127.0.0.1:4000` or `[::1]:4000`. */
export function addressText(address: Address): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/** The endpoint that a text like `tcp://127.0.0.1:4000` means, or `null`; a bare address is a TCP one. */
export function parseEndpoint(text: string): Endpoint | null {
  const transport: Transport = text.startsWith("udp://") ? "udp" : "tcp";
  const hasScheme = text.startsWith(`${transport}://`);
  const address = parseAddress(hasScheme ? text.slice(6) : text);
  return address === null ? null : { transport, address };
}

/** The text of an endpoint: `tcp://127.0.0.1:4000`. */
export function endpointText(endpoint: Endpoint): string {
  return `${endpoint.transport}://${addressText(endpoint.address)}`;
}

/** The canonical address of what the platform reports: an IPv4 peer seen through an IPv6 socket is IPv4. */
export function observedAddress(host: string, port: number): Address {
  const bytes = parseHost(host);
  if (bytes === null) return { host, port };
  return { host: hostText(isMapped(bytes) ? bytes.subarray(12) : bytes), port };
}

/** Where a numeric host leads. */
export function addressScope(host: string): AddressScope {
  const bytes = parseHost(host);
  if (bytes === null) return "unusable";
  const ranges = bytes.length === 4 ? ranges4 : ranges6;
  for (const range of ranges) {
    if (startsWithBits(bytes, range.prefix, range.bits)) return range.scope;
  }
  return bytes.length === 4 ? "global" : "unusable";
}

/** Whether something may be sent to an address. */
export function isSendable(address: Address): boolean {
  return address.port > 0 && address.port <= 65_535 && addressScope(address.host) !== "unusable";
}

/** An address as it travels: 4 or 16 bytes of host, 2 bytes of port. */
export function packAddress(address: Address): Uint8Array {
  const host = parseHost(address.host);
  assert(host !== null, "only numeric addresses travel");
  const bytes = new Uint8Array(host.length + 2);
  bytes.set(host);
  bytes[host.length] = address.port >> 8;
  bytes[host.length + 1] = address.port & 255;
  return bytes;
}

/** Bytes that an address has as it travels. */
export function packedAddressBytes(address: Address): number {
  return address.host.includes(":") ? 18 : 6;
}

/** The address of 6 or 18 bytes, or `null` for any other length. */
export function unpackAddress(bytes: Uint8Array): Address | null {
  if (bytes.length !== 6 && bytes.length !== 18) return null;
  const end = bytes.length - 2;
  return { host: hostText(bytes.subarray(0, end)), port: bytes[end]! * 256 + bytes[end + 1]! };
}

/** The 4 or 16 bytes of a numeric host, or `null`. */
export function parseHost(text: string): Uint8Array | null {
  return text.includes(":") ? parseHost6(text) : parseHost4(text);
}

function parseHost4(text: string): Uint8Array | null {
  const match = host4.exec(text);
  if (match === null) return null;
  const bytes = [Number(match[1]), Number(match[2]), Number(match[3]), Number(match[4])];
  return bytes.every((byte) => byte <= 255) ? Uint8Array.from(bytes) : null;
}

function parseHost6(text: string): Uint8Array | null {
  if (text.length > 45) return null;
  const halves = text.split("::", 3);
  if (halves.length > 2) return null;
  const before = groupsOf(halves[0]!, halves.length === 1);
  const after = halves.length === 2 ? groupsOf(halves[1]!, true) : [];
  if (before === null || after === null) return null;
  const missing = 16 - before.length - after.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return null;
  return Uint8Array.from([...before, ...new Array<number>(missing).fill(0), ...after]);
}

/** The bytes of groups of four hexadecimal digits; the last may be IPv4 in decimals where `isLast`. */
function groupsOf(text: string, isLast: boolean): number[] | null {
  if (text === "") return [];
  const groups = text.split(":", 9);
  const bytes: number[] = [];
  for (const [i, group] of groups.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 255);
      continue;
    }
    const tail = isLast && i === groups.length - 1 ? parseHost4(group) : null;
    if (tail === null) return null;
    bytes.push(...tail);
  }
  return bytes;
}

function hostText(bytes: Uint8Array): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  if (isMapped(bytes)) return `::ffff:${bytes.subarray(12).join(".")}`;
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! * 256 + bytes[2 * i + 1]!).toString(16));
  const [start, length] = longestZeros(groups);
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

function longestZeros(groups: readonly string[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === "0") end++;
    if (end - start > best[1]) best = [start, end - start];
  }
  return best;
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes.length === 16 && startsWithBits(bytes, mappedPrefix, 96);
}

function startsWithBits(bytes: Uint8Array, prefix: Uint8Array, bits: number): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) {
    if (bytes[i] !== prefix[i]) return false;
  }
  const rest = bits & 7;
  return rest === 0 || ((bytes[whole]! ^ prefix[whole]!) >> (8 - rest)) === 0;
}

interface Range {
  readonly prefix: Uint8Array;
  readonly bits: number;
  readonly scope: AddressScope;
}

function range(text: string, scope: AddressScope): Range {
  const [host, bits] = text.split("/");
  const prefix = parseHost(host!);
  assert(prefix !== null, "a range begins with a numeric host");
  return { prefix, bits: Number(bits), scope };
}

const mappedPrefix = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255);

/** Four numbers. A leading zero is octal to some parsers and decimal to others, so it is refused. */
const host4 = /^(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})$/;

/** Special ranges of IPv4; all else is global. */
const ranges4: readonly Range[] = [
  range("127.0.0.0/8", "loopback"),
  range("10.0.0.0/8", "private"),
  range("172.16.0.0/12", "private"),
  range("192.168.0.0/16", "private"),
  range("100.64.0.0/10", "private"), // behind a carrier's translator (RFC 6598)
  range("198.18.0.0/15", "private"), // benchmark networks (RFC 2544)
  range("169.254.0.0/16", "link-local"),
  range("0.0.0.0/8", "unusable"),
  range("192.0.0.0/24", "unusable"),
  range("192.0.2.0/24", "unusable"),
  range("192.88.99.0/24", "unusable"),
  range("198.51.100.0/24", "unusable"),
  range("203.0.113.0/24", "unusable"),
  range("224.0.0.0/3", "unusable"), // multicast, reserved and broadcast
];

/** Special ranges of IPv6, narrower ones first; what is not here is unusable. */
const ranges6: readonly Range[] = [
  range("::1/128", "loopback"),
  range("fe80::/10", "link-local"),
  range("fc00::/7", "private"),
  range("2001::/32", "unusable"), // Teredo carries an IPv4 address of the sender's choice
  range("2001:db8::/32", "unusable"),
  range("2002::/16", "unusable"), // 6to4, likewise
  range("3fff::/20", "unusable"),
  range("2000::/3", "global"),
];
