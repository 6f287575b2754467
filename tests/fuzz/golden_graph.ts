/** Golden packets of graphs: items, the messages that carry them, and each step of joining. */

import { utf8 } from "../../lib/base/bytes.ts";
import {
  encodeMessage,
  type GraphMessage,
  GraphMessageType,
  graphProtocolVersion,
  SetKind,
} from "../../lib/graph/messages.ts";
import { KnockStep } from "../../lib/groups/membership.ts";
import {
  type AuthorityBody,
  ContentKind,
  type DataBody,
  type Item,
  type ItemHead,
  ItemKind,
  type RecordHead,
  type VersionBody,
} from "../../lib/records/item.ts";
import { createList } from "../../lib/records/item_codec.ts";
import { versionMax } from "../../lib/records/limits.ts";
import { encode, type Value } from "../../lib/wire/codec.ts";
import { sealEnvelope, type Signer } from "../../lib/wire/envelope.ts";
import { Purpose } from "../../lib/wire/purposes.ts";
import {
  bytesOf,
  credentialBody,
  fakeAt,
  fixtureCrypto as crypto,
  foundingBody,
  keyOf,
  recordOf,
  sampleItems,
  signedItem,
  versionBody,
} from "../fixtures/items.ts";
import type { DraftPacket } from "./golden_packets.ts";

const samples = sampleItems();

/** The group that these packets belong to. */
export const goldenGroup: Uint8Array = samples.group;

const alice = keyOf("alice");
const carol = keyOf("carol");
const root = samples.items.get("root")!;
const admission = samples.items.get("admission")!;

/** Everything that a graph puts on the wire. */
export function graphPackets(): DraftPacket[] {
  return [...itemPackets(), ...messagePackets(), ...knockPackets()];
}

function itemPackets(): DraftPacket[] {
  const sampled = [...samples.items].map(([name, { bytes }]) => item(name, bytes));
  return [
    ...sampled,
    ...versionPackets(),
    ...dataPackets(),
    ...authorityPackets(),
    ...listPackets(),
    ...refusedItems(),
  ];
}

function versionPackets(): DraftPacket[] {
  const record = recordOf(carol.publicKey);
  const kinds = {
    bytes: utf8("\0\xff"),
    text: utf8("ein Reiher, 鷺, 🐦"),
    json: utf8('{"a":[1,{"b":null}]}'),
  };
  const versions: readonly [string, Partial<VersionBody>][] = [
    ...Object.entries(kinds).map(([kind, data]): [string, Partial<VersionBody>] => [
      `version of ${kind}`,
      { contentKind: ContentKind[kind as keyof typeof ContentKind], data },
    ]),
    ["version with nothing", {}],
    ["version with every kind of attribute", {
      attributes: [["n", 0], ["less", -1], ["t", ""], ["b", new Uint8Array(0)], ["f", false], ["t", true]],
    }],
    ["version with the largest numbers", {
      version: versionMax,
      attributes: [["most", Number.MAX_SAFE_INTEGER], ["least", Number.MIN_SAFE_INTEGER]],
    }],
    ["version on eight others", {
      version: 9,
      prev: Array.from({ length: 8 }, (_, i) => bytesOf(`${i}`).subarray(0, 8)),
    }],
    ["version that ends at once", { expires: record.created }],
  ];
  return versions.map(([name, fields], i) =>
    signed(name, carol, { ...versionBody(record), ...fields }, { seq: 10 + i })
  );
}

function dataPackets(): DraftPacket[] {
  const short: RecordHead = recordOf(carol.publicKey, { until: fakeAt, type: "x" });
  const long: RecordHead = recordOf(carol.publicKey, { until: 8_640_000_000_000_000, type: "ö".repeat(64) });
  return [short, long].flatMap((record, i) => [
    signed(`version of record ${i}`, carol, versionBody(record), { seq: 30 + i }),
    signed(`delete of record ${i}`, carol, { kind: ItemKind.delete, ...record }, { seq: 40 + i }),
    signed(
      `extension of record ${i}`,
      carol,
      { kind: ItemKind.extension, ...record, expires: record.until },
      {
        seq: 50 + i,
      },
    ),
    signed(`plain version of record ${i}`, carol, versionBody(record), { seq: 60 + i, credential: null }),
  ]);
}

function authorityPackets(): DraftPacket[] {
  const subject = keyOf("dave").publicKey;
  const [list] = createList(crypto, [root.hash]);
  const invitation = {
    kind: ItemKind.invitation,
    bearer: keyOf("bearer").publicKey,
    discovery: null,
  } as const;
  return [
    signed("founding without a name", keyOf("golden"), { ...foundingBody(subject), name: "" }, {
      credential: null,
    }),
    signed("founding of depth 24", keyOf("golden"), foundingBody(subject, { depthMax: 24 }), {
      credential: null,
    }),
    signed("credential without end", alice, credentialBody(subject, 0xffff), { credential: root.hash }),
    signed("credential from a time on", alice, credentialBody(subject, 1, 1_000, null), {
      credential: root.hash,
    }),
    signed("credential up to a time", alice, credentialBody(subject, 8, null, 8_640_000_000_000_000), {
      credential: root.hash,
    }),
    signed("invitation of many", alice, { ...invitation, joinersMax: 100_000, roles: 8, expires: 1 }, {
      credential: root.hash,
    }),
    signed("removal that closes nothing", alice, {
      kind: ItemKind.removal,
      subject,
      list: list!.hash,
      closes: [],
    }, {
      credential: root.hash,
    }),
  ];
}

function listPackets(): DraftPacket[] {
  const hashes = Array.from({ length: 12 }, (_, i) => bytesOf(`listed ${i}`));
  const [part] = createList(crypto, hashes);
  const withNext = encode([ItemKind.list, [hashes[0]!], part!.hash]);
  return [
    item("list of twelve", part!.bytes),
    item("list of one", createList(crypto, hashes.slice(0, 1))[0]!.bytes),
    item("list that goes on", Uint8Array.of(2, ...withNext)),
  ];
}

function refusedItems(): DraftPacket[] {
  const credential = root.hash;
  const head = [alice.publicKey, null, new Uint8Array(8), 1, fakeAt, credential];
  const reserved = (kind: number) => sealItem(alice, [kind, ...head, []]);
  const version = samples.items.get("version")!;
  return [
    ...[ItemKind.close, ItemKind.rotation, ItemKind.policy, ItemKind.epoch, ItemKind.withdrawal].map((kind) =>
      item(`reserved kind ${kind}`, reserved(kind))
    ),
    item("unknown kind", reserved(99)),
    item("unknown format", version.bytes.with(0, 3)),
    item(
      "unsorted list",
      Uint8Array.of(2, ...encode([ItemKind.list, [new Uint8Array(32), new Uint8Array(32)], null])),
    ),
    item("another's signature", version.bytes.with(-1, version.bytes.at(-1)! ^ 1)),
  ];
}

function sealItem(signer: Signer, payload: Value): Uint8Array {
  return sealEnvelope(crypto, signer, Purpose.item, goldenGroup, encode(payload));
}

function signed(
  name: string,
  signer: Signer,
  body: DataBody | AuthorityBody,
  head: Partial<ItemHead> = {},
): DraftPacket {
  const scope = body.kind === ItemKind.founding ? new Uint8Array(0) : goldenGroup;
  const { bytes } = signedItem(signer, scope, body, { credential: admission.hash, ...head });
  return item(name, bytes);
}

function item(name: string, bytes: Uint8Array): DraftPacket {
  return { kind: "item", name, bytes };
}

function messagePackets(): DraftPacket[] {
  const items = (...names: string[]): Uint8Array[] => names.map((name) => samples.items.get(name)!.bytes);
  const version = graphProtocolVersion;
  const cursor = { arrival: 70_000, element: bytesOf("element").subarray(0, 16) };
  const last = { arrival: Number.MAX_SAFE_INTEGER, element: new Uint8Array(16) };
  const fingerprint = bytesOf("fingerprint").subarray(0, 16);
  const elements = Array.from({ length: 5 }, (_, i) => bytesOf(`element ${i}`).subarray(0, 16));
  const peer = bytesOf("peer");
  const endpoints = [
    "tcp://20.1.2.3:4000",
    "tcp://[2a01:4f8::7]:65535",
    "udp://10.0.0.1:1",
    "tcp://127.0.0.1:4",
  ];
  const summary = { type: "summary", fingerprint } as const;
  const named: Readonly<Record<string, GraphMessage>> = {
    "greet": { type: "greet", version, wallMs: 1_900_000_000_000, items: [] },
    "greet with a proof": {
      type: "greet",
      version,
      wallMs: 0,
      items: items("founding", "root", "credential"),
    },
    "greet of another version": { type: "greet", version: 2, wallMs: Number.MAX_SAFE_INTEGER, items: [] },
    "refuse, removed": { type: "refuse", reason: "removed", items: items("removal", "list") },
    "refuse, too many": { type: "refuse", reason: "too_many", items: [] },
    "refuse without a word": { type: "refuse", reason: "", items: [] },
    "refuse, invitation used": { type: "refuse", reason: "invitation_used", items: items("admission") },
    "summary of authority": { ...summary, set: SetKind.authority, round: 1, count: 5, cursor },
    "summary of data": { ...summary, set: SetKind.data, round: 2, count: 0, cursor: null },
    "summary with the largest numbers": {
      ...{ ...summary, set: SetKind.data, round: 255, count: Number.MAX_SAFE_INTEGER, cursor: last },
    },
    "items, none": { type: "items", items: [] },
    "items, one": { type: "items", items: items("plain") },
    "items, some": { type: "items", items: items("version", "extension", "deletion") },
    "items, none of them one": { type: "items", items: [Uint8Array.of(9), new Uint8Array(0)] },
    "served": { type: "served", set: SetKind.authority, cursor },
    "served, nothing held": { type: "served", set: SetKind.data, cursor: null },
    "elements": { type: "elements", set: SetKind.data, elements, last: false },
    "elements, none": { type: "elements", set: SetKind.authority, elements: [], last: true },
    "want": { type: "want", set: SetKind.data, elements, last: true },
    "want nothing": { type: "want", set: SetKind.authority, elements: [], last: true },
    "want more": { type: "want", set: SetKind.data, elements: elements.slice(0, 1), last: false },
    "contacts": { type: "contacts", contacts: [{ peer, endpoints }] },
    "contacts, none": { type: "contacts", contacts: [] },
    "contacts without endpoints": { type: "contacts", contacts: [{ peer, endpoints: [] }] },
    "contacts with odd endpoints": {
      type: "contacts",
      contacts: [{ peer, endpoints: ["", "tcp://", "\0"] }],
    },
  };
  return [
    ...Object.entries(named).map(([name, message]) => said(name, encodeMessage(message))),
    ...refusedMessages(),
  ];
}

function refusedMessages(): DraftPacket[] {
  const set = SetKind.data;
  return [
    said("no message", encode([9])),
    said("no array", encode("greet")),
    said("summary of a third set", encode([GraphMessageType.summary, 2, 0, 0, new Uint8Array(16), null])),
    said(
      "summary, too late a round",
      encode([GraphMessageType.summary, set, 256, 0, new Uint8Array(16), null]),
    ),
    said("elements cut short", encode([GraphMessageType.elements, set, new Uint8Array(17), true])),
    said("refuse with a long word", encode([GraphMessageType.refuse, "a".repeat(65), []])),
    said(
      "contacts with five endpoints",
      encode([GraphMessageType.contacts, [[bytesOf("peer"), ["", "", "", "", ""]]]]),
    ),
  ];
}

/** What joiner and witness say to each other, and what no step is. */
function knockPackets(): DraftPacket[] {
  const { admission, invitation, founding, root, credential } = Object.fromEntries(samples.items) as Record<
    string,
    Item
  >;
  const proof = admission!.body.kind === ItemKind.admission ? admission!.body.proof : new Uint8Array(0);
  const chain = [founding, root, invitation, credential].map((one) => one!.bytes);
  const nonce = new Uint8Array(16);
  const steps: Readonly<Record<string, Value>> = {
    "begin": [KnockStep.begin, invitation!.hash],
    "begin, of an invitation that nobody knows": [KnockStep.begin, bytesOf("nothing")],
    "challenge": [KnockStep.challenge, chain, nonce],
    "challenge without a chain": [KnockStep.challenge, [], nonce],
    "prove": [KnockStep.prove, proof],
    "prove with nothing": [KnockStep.prove, new Uint8Array(0)],
    "admitted": [KnockStep.admitted, [admission!.bytes]],
    "admitted without an admission": [KnockStep.admitted, []],
    "an unknown step": [4],
    "no step": [],
    "no array": null,
  };
  return Object.entries(steps).map(([name, content]) =>
    said(`knock: ${name}`, encodeMessage({ type: "knock", content }))
  );
}

function said(name: string, bytes: Uint8Array): DraftPacket {
  return { kind: "graph message", name, bytes };
}
