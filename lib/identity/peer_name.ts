/**
 * Peer names: what is published and resolved. `authority.classifier`, where the authority is a peer id
 * (only its holder or a delegate publishes) or `0` (anybody may), and the classifier is chosen freely.
 *
 * A peer name also has a host form for programs that know only host names,
 * `<classifier>.<authority>.kith.alt`: `.alt` is set apart for names outside the DNS (RFC 9476). A classifier
 * that is a lower-case label stands as it is; any other is `x-` and the base 32 of its UTF-8, cut into labels.
 */

import { base32, fromBase32 } from "../base/base32.ts";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { PeerError } from "../base/errors.ts";
import type { Crypto } from "../base/ports.ts";
import { isWireText } from "../wire/codec.ts";
import { parsePublicKey } from "./keys.ts";
import { classifierCodePointsMax, hostLabelBytesMax, hostNameBytesMax } from "./limits.ts";
import { parsePeerId, peerIdText } from "./peer_id.ts";

/** A peer name in its parts. Equal names have equal texts. */
export interface PeerName {
  /** Public key of who may publish it; `null` if anybody may. */
  readonly authority: Uint8Array | null;
  /** What the authority calls it; `null` for the authority itself. Never `null` without an authority. */
  readonly classifier: string | null;
  /** `authority.classifier`, or the authority alone. */
  readonly text: string;
}

/** The peer name in a text, or `null` if it is none. Case matters. */
export function parsePeerName(crypto: Crypto, text: string): PeerName | null {
  const dot = text.indexOf(".");
  const head = dot === -1 ? text : text.slice(0, dot);
  const classifier = dot === -1 ? null : text.slice(dot + 1);
  const authority = head === unsecured ? null : parsePeerId(crypto, head);
  if (authority === null && head !== unsecured) return null;
  return nameFault(authority, classifier) === null ? { authority, classifier, text } : null;
}

/** Makes a peer name. Another classifier with the same authority is a derived name. */
export function createPeerName(
  crypto: Crypto,
  authority: Uint8Array | null,
  classifier: string | null,
): PeerName {
  const fault = nameFault(authority, classifier);
  if (fault !== null) throw new PeerError("invalid_peer_name", `A peer name cannot be made: ${fault}`);
  const head = authority === null ? unsecured : peerIdText(crypto, authority);
  return { authority, classifier, text: classifier === null ? head : `${head}.${classifier}` };
}

/** The host form of a peer name. Fails with `host_name_too_long` if the DNS has no room for it. */
export function hostName(name: PeerName): string {
  const authority = name.classifier === null ? name.text : name.text.slice(0, name.text.indexOf("."));
  const labels = name.classifier === null ? [] : classifierLabels(name.classifier);
  const host = [...labels, authority, ...hostSuffix].join(".");
  if (host.length <= hostNameBytesMax) return host;
  throw new PeerError(
    "host_name_too_long",
    `The peer name ${name.text} has no host form: it would take ${host.length} bytes and a host name has at ` +
      `most ${hostNameBytesMax}. Use the peer name itself, or a shorter classifier`,
  );
}

/** The peer name of a host form, or `null` if the text is none. As in the DNS, case and a final dot mean nothing. */
export function parseHostName(crypto: Crypto, text: string): PeerName | null {
  if (text.length > hostNameBytesMax + 1) return null;
  const labels = text.replace(/\.$/, "").replace(/[A-Z]/g, (letter) => letter.toLowerCase()).split(".");
  if (labels.splice(-hostSuffix.length).join(".") !== hostSuffix.join(".")) return null;
  const head = labels.pop();
  const classifier = labels.length === 0 ? null : classifierOf(labels);
  if (head === undefined || (classifier === null && labels.length > 0)) return null;
  const name = parsePeerName(crypto, classifier === null ? head : `${head}.${classifier}`);
  // One name has one host form: what another would write is refused.
  if (name === null || (classifier !== null && classifierLabels(classifier).join() !== labels.join())) {
    return null;
  }
  return name;
}

/** Why the parts make no peer name, for people; `null` if they make one. */
function nameFault(authority: Uint8Array | null, classifier: string | null): string | null {
  if (authority !== null && parsePublicKey(authority) === null) {
    return "the authority is no usable public key";
  }
  if (classifier === null) return authority === null ? "without an authority it needs a classifier" : null;
  if (classifier === "") return "the classifier is empty; leave it out or give it a character";
  if (!isWireText(classifier)) {
    return 'the classifier is not in composed Unicode form; pass it through normalize("NFC")';
  }
  if (/\p{Cc}/u.test(classifier)) return "the classifier holds a control character";
  // As many units as two for each code point at most, so that a huge text is not counted out.
  const codePoints = classifier.length > 2 * classifierCodePointsMax ? Infinity : [...classifier].length;
  if (codePoints <= classifierCodePointsMax) return null;
  return `the classifier is longer than ${classifierCodePointsMax} characters`;
}

function classifierLabels(classifier: string): string[] {
  if (isPlainLabel(classifier)) return [classifier];
  const encoded = encodedPrefix + base32(utf8(classifier));
  const labels: string[] = [];
  for (let i = 0; i < encoded.length; i += hostLabelBytesMax) {
    labels.push(encoded.slice(i, i + hostLabelBytesMax));
  }
  return labels;
}

function classifierOf(labels: readonly string[]): string | null {
  const joined = labels.join("");
  if (!joined.startsWith(encodedPrefix)) return labels.length === 1 ? joined : null;
  const bytes = fromBase32(joined.slice(encodedPrefix.length));
  return bytes === null ? null : fromUtf8(bytes);
}

/**
 * Whether a classifier can be a label as it is: letters, digits and hyphens, none at an end (RFC 1123 §2.1),
 * and not one that means an encoding, ours or that of internationalized names (RFC 5890 §2.3.1).
 */
function isPlainLabel(classifier: string): boolean {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(classifier)) return false;
  return !classifier.startsWith(encodedPrefix) && classifier.slice(2, 4) !== "--";
}

const unsecured = "0";
const hostSuffix = ["kith", "alt"] as const;
const encodedPrefix = "x-";
