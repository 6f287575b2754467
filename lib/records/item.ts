/**
 * Items: the one signed thing of a graph (docs/PROTOCOL.md, "Items"). This file holds their shape;
 * `item_codec.ts` turns them into bytes and back.
 */

/** What an item says. The numbers are on the wire and never change their meaning. */
export const ItemKind = {
  /** One version of a record. */
  version: 1,
  /** The record is gone. */
  delete: 2,
  /** A record lives longer. */
  extension: 3,
  /** What a group is: its key, its creator, its immutable properties. */
  founding: 16,
  /** A key holds roles in the group. */
  credential: 17,
  /** A bearer key may admit joiners. */
  invitation: 18,
  /** A witness saw a joiner prove an invitation. */
  admission: 19,
  /** A lineage is removed; a list says what stays. */
  removal: 20,
  /** A lineage leaves; a list says what stays. */
  leave: 21,
  /** Reserved: an invitation admits nobody any more. */
  close: 22,
  /** Reserved: a lineage signs by its next key. */
  rotation: 23,
  /** Reserved: new rules of the group. */
  policy: 24,
  /** Reserved: a key of the group's content changes. */
  epoch: 25,
  /** Reserved: one credential ends (demotion). */
  withdrawal: 26,
  /** Hashes that a removal or leave lets stand: unsigned, known by its own hash. */
  list: 32,
} as const;

/** One of {@linkcode ItemKind}'s numbers. */
export type ItemKind = (typeof ItemKind)[keyof typeof ItemKind];

/** What every signed item carries, whatever its kind. */
export interface ItemHead {
  /** First key of the author's key chain: who it is. 32 bytes. */
  readonly author: Uint8Array;
  /** The signing key where it is a later one of the chain. Reserved: always `null` in this version. */
  readonly key: null;
  /** 8 bytes drawn at each opening of the author's store. */
  readonly writer: Uint8Array;
  /** 1, 2, … for each author and writer. It finds gaps and decides nothing but rank. */
  readonly seq: number;
  /** When it was made, in the author's peer time (wall milliseconds). */
  readonly at: number;
  /** Hash of the credential it is made under; `null` in plain graphs and for a founding item. */
  readonly credential: Uint8Array | null;
}

/** The fields that a record id is made of; every item of the record repeats them. */
export interface RecordHead {
  /** What the record is about, chosen by the application. */
  readonly type: string;
  /** Lineage of who created the record. 32 bytes. */
  readonly creator: Uint8Array;
  /** When the record was created. */
  readonly created: number;
  /** No item of the record lives beyond this; fixed at creation. */
  readonly until: number;
  /** 16 random bytes. */
  readonly nonce: Uint8Array;
}

/** How the value of a record was given, so that it comes out as it went in. */
export const ContentKind = { bytes: 1, text: 2, json: 3 } as const;

/** One of {@linkcode ContentKind}'s numbers. */
export type ContentKind = (typeof ContentKind)[keyof typeof ContentKind];

/** A value of an attribute. */
export type AttributeValue = string | number | boolean | Uint8Array;

/** A name and a value; names may repeat. */
export type Attribute = readonly [name: string, value: AttributeValue];

/** One version of a record. */
export interface VersionBody extends RecordHead {
  readonly kind: typeof ItemKind.version;
  /** 1 … 2^31. */
  readonly version: number;
  /** The record is not shown after this (peer time), unless extended; ≤ `until`. */
  readonly expires: number;
  /** First 8 bytes of the hashes of the last versions it builds on, newest last; at most 8. */
  readonly prev: readonly Uint8Array[];
  /** Reserved bits; 0. */
  readonly flags: number;
  readonly contentKind: ContentKind;
  /** The epoch its content is sealed under. Reserved: always 0 (plain) in this version. */
  readonly epoch: 0;
  readonly attributes: readonly Attribute[];
  /** The value's bytes. */
  readonly data: Uint8Array;
  /** Reserved for content in chunks: always `null` in this version. */
  readonly chunks: null;
}

/** The record is gone; beats every version and is final unless void. */
export interface DeleteBody extends RecordHead {
  readonly kind: typeof ItemKind.delete;
}

/** The record lives to `expires` at least; the largest valid one counts. */
export interface ExtensionBody extends RecordHead {
  readonly kind: typeof ItemKind.extension;
  readonly expires: number;
}

/** The item that a group begins with, signed by the group key; its hash is the group id. */
export interface FoundingBody {
  readonly kind: typeof ItemKind.founding;
  /** Lineage of the creator. */
  readonly creator: Uint8Array;
  /** 16 random bytes. */
  readonly salt: Uint8Array;
  /** What people call the group; ≤ 255 code points. */
  readonly name: string;
  /** Immutable properties. */
  readonly properties: GraphProperties;
}

/** Properties of a graph that all its nodes share and that never change. */
export interface GraphProperties {
  /** `until − created` of a record is at most this. */
  readonly recordSpanMsMax: number;
  /** How long a record lives when its author says nothing. */
  readonly recordLifeMs: number;
  /** Longest chain of credentials below the group key; ≤ 24. */
  readonly depthMax: number;
}

/** A key holds roles: a named invitation, or the creator's own standing. */
export interface CredentialBody {
  readonly kind: typeof ItemKind.credential;
  /** Lineage that holds it. 32 bytes. */
  readonly subject: Uint8Array;
  /** Commitment to the subject's later keys. Reserved: `null`. */
  readonly commitment: Uint8Array | null;
  /** Bits of `roles.ts`. */
  readonly roles: number;
  /** From when it holds, or `null` (wall milliseconds, whole seconds). */
  readonly notBefore: number | null;
  /** Until when it holds, or `null`: until removed (wall milliseconds, whole seconds). */
  readonly notAfter: number | null;
  /** Most bytes of records kept under it, or `null`. Reserved: `null`. */
  readonly quota: number | null;
  /** Removals that it lifts (readmission). Reserved: empty. */
  readonly lifts: readonly Uint8Array[];
}

/** A bearer invitation: whoever proves the bearer key may be admitted. */
export interface InvitationBody {
  readonly kind: typeof ItemKind.invitation;
  /** Ed25519 key whose seed travels in the invitation text. */
  readonly bearer: Uint8Array;
  /** How many lineages it admits, ≥ 1. */
  readonly joinersMax: number;
  /** Roles of those admitted. */
  readonly roles: number;
  /** No admission after this (wall milliseconds). */
  readonly expires: number;
  /** Hash of the secret under which members are found. Reserved: `null`. */
  readonly discovery: Uint8Array | null;
}

/** A witness states that a joiner proved an invitation: it is the joiner's credential. */
export interface AdmissionBody {
  readonly kind: typeof ItemKind.admission;
  /** What the bearer key signed, as an envelope with purpose `kith/admission/1`. */
  readonly proof: Uint8Array;
  /** The statement inside `proof`, decoded when the item is. */
  readonly statement: AdmissionStatement;
}

/** What a bearer key signs. */
export interface AdmissionStatement {
  /** Hash of the invitation. */
  readonly invitation: Uint8Array;
  /** The bearer key, so that the statement can be checked before the invitation is known. */
  readonly bearer: Uint8Array;
  /** Lineage of the joiner. */
  readonly joiner: Uint8Array;
  /** Commitment to the joiner's later keys. Reserved: `null`. */
  readonly commitment: Uint8Array | null;
  /** 16 bytes that the witness drew. */
  readonly nonce: Uint8Array;
}

/** All that a lineage signed is void, but for what a list names. */
export interface RemovalBody {
  readonly kind: typeof ItemKind.removal;
  /** The lineage that is removed. */
  readonly subject: Uint8Array;
  /** Hash of the first part of the list of what stays. */
  readonly list: Uint8Array;
  /** Invitations that it closes besides those the subject issued. */
  readonly closes: readonly Uint8Array[];
}

/** The author leaves; what the list names stays. */
export interface LeaveBody {
  readonly kind: typeof ItemKind.leave;
  /** Hash of the first part of the list of what stays. */
  readonly list: Uint8Array;
}

/** What concerns one record. */
export type DataBody = VersionBody | DeleteBody | ExtensionBody;

/** What decides who may do what. */
export type AuthorityBody =
  | FoundingBody
  | CredentialBody
  | InvitationBody
  | AdmissionBody
  | RemovalBody
  | LeaveBody;

/** A signed item, checked and decoded. */
export interface SignedItem<B extends DataBody | AuthorityBody = DataBody | AuthorityBody> {
  /** SHA-256 of the signed payload: the one identity of an item. 32 bytes. */
  readonly hash: Uint8Array;
  /** The hash in lower-case hex, the key of every map. */
  readonly id: string;
  /** The bytes that travel and are stored. */
  readonly bytes: Uint8Array;
  readonly head: ItemHead;
  readonly body: B;
  /** Record id in lower-case hex; only for data, else `null`. */
  readonly record: B extends DataBody ? string : null;
}

/** A data item. */
export type DataItem = SignedItem<DataBody>;

/** An authority item. */
export type AuthorityItem = SignedItem<AuthorityBody>;

/** One part of a list of hashes: unsigned, content-addressed, accepted from anyone. */
export interface ListItem {
  /** SHA-256 of its bytes after the format byte. */
  readonly hash: Uint8Array;
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly head: null;
  readonly body: ListBody;
  readonly record: null;
}

/** Up to `listPartHashesMax` hashes in ascending order, and the next part. */
export interface ListBody {
  readonly kind: typeof ItemKind.list;
  readonly hashes: readonly Uint8Array[];
  /** Hash of the next part, or `null`. */
  readonly next: Uint8Array | null;
}

/** Anything that a graph's database holds. */
export type Item = DataItem | AuthorityItem | ListItem;

/** Whether an item concerns a record. */
export function isData(item: Item): item is DataItem {
  return item.body.kind <= ItemKind.extension;
}

/** Whether an item decides who may do what (lists are apart). */
export function isAuthority(item: Item): item is AuthorityItem {
  return item.body.kind >= ItemKind.founding && item.body.kind < ItemKind.list;
}
