/** Golden packets of names: datagrams clear and sealed, what they say, registrations, hints. */

import type { Endpoint } from "../../lib/base/address.ts";
import { packAddress } from "../../lib/base/address.ts";
import { utf8 } from "../../lib/base/bytes.ts";
import type { Address } from "../../lib/base/ports.ts";
import { createContact, packHint } from "../../lib/names/contact.ts";
import {
  helloPacket,
  keyPacket,
  noToken,
  PacketType,
  PairKeyCache,
  sealPacket,
  tokenPacket,
} from "../../lib/names/datagram.ts";
import { classifierHash, cloudId, nameKey } from "../../lib/names/id_space.ts";
import { encodeFound, encodeRequest, encodeResponse } from "../../lib/names/messages.ts";
import { sealRegistration, type Statement } from "../../lib/names/registration.ts";
import { encode } from "../../lib/wire/codec.ts";
import { sealEnvelope } from "../../lib/wire/envelope.ts";
import { Purpose } from "../../lib/wire/purposes.ts";
import { bytesOf, fixtureCrypto as crypto, keyOf } from "../fixtures/items.ts";
import type { DraftPacket } from "./golden_packets.ts";

/** The cloud that these packets belong to. */
export const goldenCloud: Uint8Array = cloudId(crypto, "golden");

/** Secret contact keys: who sends, and who gets what is sent. */
export const senderSecret: Uint8Array = bytesOf("golden sender");
export const receiverSecret: Uint8Array = bytesOf("golden receiver");
const senderKey = crypto.x25519.publicKey(senderSecret);

const address4: Address = { host: "20.1.2.3", port: 4_000 };
const address6: Address = { host: "2a01:4f8::7", port: 65_535 };
const id = bytesOf("golden request").subarray(0, 16);
const token = bytesOf("golden token").subarray(0, 16);
const wallMs = 1_900_000_000_000;

/** Everything that names put on the wire. */
export function namesPackets(): DraftPacket[] {
  const registrations = registrationPackets();
  const requests = requestPackets(registrations);
  const responses = responsePackets(registrations);
  return [
    ...clearPackets(),
    ...requests,
    ...responses,
    ...sealed(requests, responses),
    ...hintPackets(),
    ...registrations,
  ];
}

function clearPackets(): DraftPacket[] {
  const packets: DraftPacket[] = [];
  for (const name of ["a", "b"]) {
    const nonce = bytesOf(`nonce ${name}`);
    packets.push(
      {
        kind: "datagram",
        name: `hello ${name}`,
        bytes: helloPacket(bytesOf(`key ${name}`), nonce.subarray(0, 16)),
      },
      {
        kind: "datagram",
        name: `key ${name}`,
        bytes: keyPacket(nonce.subarray(0, 16), bytesOf(`key ${name}`), token),
      },
      { kind: "datagram", name: `token ${name}`, bytes: tokenPacket(nonce.subarray(0, 12), token) },
    );
  }
  const [hello] = packets;
  packets.push(
    { kind: "datagram", name: "hello, not padded", bytes: hello!.bytes.with(95, 1) },
    { kind: "datagram", name: "version 2", bytes: hello!.bytes.with(0, 2) },
    { kind: "datagram", name: "type 6", bytes: hello!.bytes.with(1, 6) },
    { kind: "datagram", name: "nothing", bytes: new Uint8Array(30) },
  );
  return packets;
}

function sealed(requests: readonly DraftPacket[], responses: readonly DraftPacket[]): DraftPacket[] {
  const { sendKey } = new PairKeyCache(crypto, goldenCloud, senderSecret).with(
    crypto.x25519.publicKey(receiverSecret),
  )!;
  return [...requests, ...responses].map(({ kind, name, bytes }, i) => {
    const type = kind === "request" ? PacketType.request : PacketType.response;
    const nonce = bytesOf(`sealed ${i}`).subarray(0, 12);
    const shown = i % 5 === 4 ? noToken : token;
    const packet = sealPacket(crypto, type, senderKey, shown, nonce, sendKey, bytes);
    return { kind: "datagram", name: `sealed ${kind} ${name}`, bytes: packet };
  });
}

function requestPackets(registrations: readonly DraftPacket[]): DraftPacket[] {
  const target = bytesOf("golden target");
  const request = (name: string, bytes: Uint8Array): DraftPacket => ({ kind: "request", name, bytes });
  const stored = ["bare", "full", "revoked"].map((name) =>
    request(
      `store ${name}`,
      encodeRequest({ id, body: { kind: "store", registration: registrationNamed(registrations, name) } }),
    )
  );
  return [
    request("ping", encodeRequest({ id, body: { kind: "ping" } })),
    ...[null, 0, 8, 32].map((offset) =>
      request(`find from ${offset}`, encodeRequest({ id, body: { kind: "find", target, offset } }))
    ),
    ...stored,
    ...[0, 1, 4].map((part) =>
      request(`inquire ${part}`, encodeRequest({ id, body: { kind: "inquire", nameKey: target, part } }))
    ),
    request("inquire, a part too many", encode([4, id, target, 5])),
    request("find from beyond", encode([2, id, target, 33])),
    request("an unknown type", encode([5, id])),
  ];
}

function responsePackets(registrations: readonly DraftPacket[]): DraftPacket[] {
  const response = (name: string, bytes: Uint8Array): DraftPacket => ({ kind: "response", name, bytes });
  const hints = Array.from(
    { length: 21 },
    (_, i) => hint(`hint ${i}`, [{ host: `20.9.${i}.1`, port: 4_000 + i }]),
  );
  const bare = registrationNamed(registrations, "bare");
  const value = (from: Address | null): readonly [Uint8Array, Uint8Array] => [
    bare,
    from === null ? new Uint8Array(0) : packAddress(from),
  ];
  return [
    response("pong", encodeResponse({ id, body: { kind: "pong" } })),
    response("found nothing", encodeFound(id, [], [], 0)),
    response("found a hint", encodeFound(id, hints.slice(0, 1), [], 0)),
    response("found hints of both families", encodeFound(id, [hint("both", [address4, address6])], [], 0)),
    response("found twenty hints", encodeFound(id, hints.slice(0, 20), [], 0)),
    response("found a value", encodeFound(id, hints.slice(0, 2), [value(address4)], 1)),
    response("found the publisher's own", encodeFound(id, [], [value(null), value(address6)], 64)),
    response("found a hint too many", encodeFound(id, hints, [], 0)),
    ...[0, 1, 2, 3, 4].map((verdict) => response(`stored ${verdict}`, encode([19, id, verdict]))),
    response("stored, no verdict", encode([19, id, 5])),
    response(
      "answer, nothing",
      encodeResponse({ id, body: { kind: "answer", registration: null, bytes: null } }),
    ),
    response(
      "answer, whole",
      encodeResponse({ id, body: { kind: "answer", registration: bare, bytes: null } }),
    ),
    response(
      "answer, a part",
      encodeResponse({ id, body: { kind: "answer", registration: null, bytes: bytesOf("part") } }),
    ),
  ];
}

function hintPackets(): DraftPacket[] {
  return [[address4], [address6], [address4, address6], [{ host: "::ffff:1.2.3.4", port: 0 }]].map((
    addresses,
    i,
  ) => ({
    kind: "hint",
    name: `hint ${i}`,
    bytes: hint(`contact ${i}`, addresses),
  }));
}

function hint(name: string, addresses: readonly Address[]): Uint8Array {
  return packHint(createContact(crypto, goldenCloud, bytesOf(name), addresses));
}

const tcp = (address: Address): Endpoint => ({ transport: "tcp", address });
const udp = (address: Address): Endpoint => ({ transport: "udp", address });

function registrationPackets(): DraftPacket[] {
  const payload = { digest: bytesOf("payload"), length: 4_096, kind: 1 } as const;
  const body = { endpoints: [tcp(address4)], comment: "", payload: null };
  const ten = Array.from({ length: 10 }, (_, i) => (i % 2 ? udp : tcp)({ host: `20.1.${i}.1`, port: 1 + i }));
  const made: readonly [string, Partial<Statement>][] = [
    ["bare", { body: { ...body, endpoints: [] } }],
    ["one endpoint", { body }],
    ["both families", { body: { ...body, endpoints: [tcp(address4), udp(address6)] } }],
    ["full", { body: { endpoints: ten, comment: "ö".repeat(39), payload } }],
    ["text payload", { body: { ...body, payload: { ...payload, length: 0, kind: 2 } } }],
    ["comment", { body: { ...body, comment: "a heron at the north pond 🐦" } }],
    ["revoked", { body: null, seq: wallMs + 1 }],
    ["unsecured", { authority: null, body }],
    ["unsecured, revoked", { authority: null, body: null }],
    ["last seq", { seq: Number.MAX_SAFE_INTEGER, expires: Number.MAX_SAFE_INTEGER, body: null }],
    ["first seq", { seq: 0, expires: 0, body }],
  ];
  return [...made.map(([name, fields]) => registration(name, fields)), ...refusedRegistrations()];
}

function registration(name: string, fields: Partial<Statement>): DraftPacket {
  const signer = keyOf("golden authority");
  const authority = fields.authority === undefined ? signer.publicKey : fields.authority;
  const classifier = classifierHash(crypto, name);
  const statement: Statement = {
    nameKey: nameKey(crypto, goldenCloud, authority, classifier),
    authority,
    classifier,
    signer: signer.publicKey,
    publisher: senderKey,
    seq: wallMs,
    expires: wallMs + 7_200_000,
    body: null,
    ...fields,
  };
  const { bytes } = sealRegistration(crypto, goldenCloud, signer, statement);
  return { kind: "registration", name, bytes };
}

function refusedRegistrations(): DraftPacket[] {
  const signer = keyOf("golden authority");
  const elsewhere = registration("elsewhere", { nameKey: bytesOf("elsewhere") });
  const unsigned = sealEnvelope(
    crypto,
    signer,
    Purpose.registration,
    goldenCloud,
    encode([1, "no", "statement"]),
  );
  const otherPurpose = sealEnvelope(crypto, signer, Purpose.app, goldenCloud, utf8("registration"));
  return [
    elsewhere,
    { kind: "registration", name: "no statement", bytes: unsigned },
    { kind: "registration", name: "other purpose", bytes: otherPurpose },
  ];
}

function registrationNamed(registrations: readonly DraftPacket[], name: string): Uint8Array {
  return registrations.find((packet) => packet.name === name)!.bytes;
}
