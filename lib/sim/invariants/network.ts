/** What goes over the network, and whom a peer knows there: I16, I22 and I27. */

import { fromHex, utf8 } from "../../base/bytes.ts";
import { addressScope, parseAddress } from "../../base/address.ts";
import type { CloudMachine } from "../../names/cloud.ts";
import { addressGroup } from "../../names/contact.ts";
import { contactId, sharedBits } from "../../names/id_space.ts";
import { bucketGroupMax } from "../../names/limits.ts";
import type { NetworkEvent } from "../../../transports/memory.ts";
import type { Checker, CloudStep } from "../checker.ts";
import type { Watch } from "./watch.ts";

/**
 * I16: an address that has proven nothing gets no more bytes than came from it. Where nobody ever answers
 * nothing is proven, so the simulation sends in the name of such addresses ({@linkcode unprovenHost}).
 */
export class NoAmplification implements Checker {
  readonly invariant = "I16";
  readonly #watch: Watch;
  readonly #balance = new Map<string, number>();

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onNetwork({ kind, what, from, to, bytes }: NetworkEvent): void {
    if (what !== "datagram") return;
    if (kind === "delivered" && isUnproven(from.host)) this.#add(`${to.host} ${from.host}`, bytes);
    if (kind !== "sent" || !isUnproven(to.host)) return;
    const left = this.#add(`${from.host} ${to.host}`, -bytes);
    if (left < 0) this.#watch.report("I16", `${from.host} sent more to ${to.host} than came from there`);
  }

  #add(pair: string, bytes: number): number {
    const sum = (this.#balance.get(pair) ?? 0) + bytes;
    this.#balance.set(pair, sum);
    return sum;
  }
}

/** I22: what records say never shows on the wire. Their text is marked, so that it can be looked for. */
export class Confidential implements Checker {
  readonly invariant = "I22";
  readonly #watch: Watch;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onNetwork({ kind, from, content }: NetworkEvent): void {
    if (kind !== "sent" || !holds(content, mark)) return;
    this.#watch.report("I22", `${from.host} sent the text of a record in clear`);
  }
}

/** I27: in no bucket of a routing table are more contacts of one network than the cap. */
export class Diversity implements Checker {
  readonly invariant = "I27";
  readonly #watch: Watch;
  readonly #clouds = new Map<string, CloudStep>();

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onCloud(step: CloudStep): void {
    this.#clouds.set(step.peer.host, step);
  }

  onQuiet(): void {
    for (const { peer, cloud } of this.#clouds.values()) {
      if (!peer.isUp) continue;
      for (const [place, count] of crowds(this.#watch, cloud)) {
        if (count <= bucketGroupMax) continue;
        this.#watch.report("I27", `${peer.name} has ${count} contacts of one network in a bucket: ${place}`);
      }
    }
  }
}

/**
 * I27 as well: on the word of somebody at a global address nobody writes to a private one (T18). It shows where
 * nobody else can know an address: islands ({@linkcode islandHost}) begin from global peers alone, so that no
 * other private peer hears of them in any other way, nor they of it.
 */
export class NarrowerAddresses implements Checker {
  readonly invariant = "I27";
  readonly #watch: Watch;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onNetwork({ kind, what, from, to }: NetworkEvent): void {
    if (kind !== "sent" || what !== "datagram" || isIsland(from.host) === isIsland(to.host)) return;
    const other = isIsland(from.host) ? to.host : from.host;
    if (addressScope(other) === "global" || isUnproven(other)) return;
    this.#watch.report("I27", `${from.host} wrote to ${to.host}, which only global addresses can have named`);
  }
}

/** Text that goes into the records of a simulation, for {@linkcode Confidential}. */
export const plainMark = "kith-plain-text";

/**
 * The n-th address in whose name a simulation sends and where nobody ever answers: beyond all of its machines,
 * and private as theirs, for a cloud looks at nothing from outside its scope.
 */
export function unprovenHost(n: number): string {
  return `10.255.255.${1 + n % 250}`;
}

/** The n-th address of an island, from 1 to 254, for {@linkcode NarrowerAddresses}. */
export function islandHost(n: number): string {
  return `192.168.${n}.1`;
}

function isIsland(host: string): boolean {
  return host.startsWith("192.168.");
}

function isUnproven(host: string): boolean {
  return host.startsWith("10.255.255.");
}

/** How many contacts of each network are in each bucket. */
function crowds({ crypto }: Watch, cloud: CloudMachine): Map<string, number> {
  const { id, key, contacts } = cloud.snapshot();
  const cloudId = fromHex(id)!;
  const own = contactId(crypto, cloudId, fromHex(key)!);
  const counts = new Map<string, number>();
  for (const contact of contacts) {
    const group = addressGroup(parseAddress(contact.address)!);
    if (group === null) continue;
    const bucket = sharedBits(own, contactId(crypto, cloudId, fromHex(contact.key)!));
    const place = `bucket ${bucket}, network ${group}`;
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  return counts;
}

const mark = utf8(plainMark);

function holds(content: Uint8Array, text: Uint8Array): boolean {
  for (let at = content.indexOf(text[0]!); at >= 0; at = content.indexOf(text[0]!, at + 1)) {
    let i = 1;
    while (i < text.length && content[at + i] === text[i]) i++;
    if (i === text.length) return true;
  }
  return false;
}
