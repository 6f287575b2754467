/**
 * Golden packets: at least one of everything that peers put on the wire or hand on as a text, valid and
 * not, with the verdict of the decoder that takes it. They are written once and kept for ever in
 * `tests/golden/packets_N.json`, N being the version of the protocol: what the code makes today must be
 * those bytes, and a change of a format adds a version.
 *
 * ```text
 * deno run -A tests/fuzz/golden_packets.ts   writes the file of this version, if there is none yet
 * ```
 */

import { hex } from "../../lib/base/bytes.ts";
import { verdictOf } from "./decoders.ts";
import { graphPackets } from "./golden_graph.ts";
import { linkPackets } from "./golden_links.ts";
import { namesPackets } from "./golden_names.ts";

/** What a packet is, which says who decodes it. */
export type PacketKind =
  | "datagram"
  | "request"
  | "response"
  | "hint"
  | "registration"
  | "item"
  | "graph message"
  | "handshake"
  | "frame"
  | "link message"
  | "envelope"
  | "link proof"
  | "peer id"
  | "peer name"
  | "host name"
  | "invitation";

/** A packet without its verdict. */
export interface DraftPacket {
  readonly kind: PacketKind;
  /** Of one packet alone among those of its kind. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A packet as it is kept. */
export interface GoldenPacket {
  readonly kind: string;
  readonly name: string;
  /** `ok`, or the reason for which the decoder refuses it. */
  readonly verdict: string;
  /** In hex. */
  readonly bytes: string;
}

/** The version of the protocol that the packets are of. */
export const packetsVersion = 1;

/** Every packet, as the code makes it now. */
export function draftPackets(): readonly DraftPacket[] {
  return [...namesPackets(), ...graphPackets(), ...linkPackets()];
}

/** The same as they are kept. */
export function goldenPackets(): readonly GoldenPacket[] {
  return draftPackets().map((packet) => ({
    kind: packet.kind,
    name: packet.name,
    verdict: verdictOf(packet, packet.bytes),
    bytes: hex(packet.bytes),
  }));
}

if (import.meta.main) {
  const url = new URL(`../golden/packets_${packetsVersion}.json`, import.meta.url);
  const text = goldenPackets().map((packet) => `  ${JSON.stringify(packet)}`).join(",\n");
  await Deno.writeTextFile(url, `{\n "version": ${packetsVersion},\n "packets": [\n${text}\n ]\n}\n`, {
    createNew: true,
  });
}
