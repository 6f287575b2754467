/**
 * What users hold: the types of Kith's surface. `peer.ts` and its neighbors implement them; the admin
 * API and the command line use nothing else.
 */

import type { LogDetails } from "../base/ports.ts";

/** A JSON value: what `JSON.stringify` writes and `JSON.parse` reads back. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** What a record carries. It comes out as it went in: bytes, text, or any other JSON value. */
export type RecordValue = Uint8Array | JsonValue;

/** A value of an attribute: text, a whole number, a truth value or bytes; ≤ 1,024 bytes. */
export type AttributeInput = string | number | boolean | Uint8Array;

/** Attributes by name (≤ 40 bytes each name, ≤ 64 of them, ≤ 8 KiB together). */
export type Attributes = Readonly<{ [name: string]: AttributeInput }>;

/** Ends a wait early. */
export interface WaitOptions {
  /** Ends the wait; the call then fails with the code `aborted`. */
  readonly signal?: AbortSignal;
}

/** A wait with a limit. */
export interface TimedOptions extends WaitOptions {
  /** How long to wait, in milliseconds; then the call fails with the code `timeout`. */
  readonly timeoutMs?: number;
}

/** One version of a record, as a graph shows it now. */
export interface RecordView {
  /** 32 characters of hexadecimal text. */
  readonly id: string;
  /** What the record is about. */
  readonly type: string;
  /** What it says. */
  readonly value: RecordValue;
  /** What it can be found by, chosen by its author. */
  readonly attributes: Attributes;
  /** Peer id of who created the record. */
  readonly creator: string;
  /** Peer id of who wrote this version. */
  readonly author: string;
  /** 1, 2, … */
  readonly version: number;
  /** By the creator's peer time. */
  readonly created: Date;
  /** When this version was written, by its author's peer time. */
  readonly modified: Date;
  /** The record is gone after this, unless it is extended. */
  readonly expires: Date;
  /** No extension reaches beyond this. */
  readonly until: Date;
}

/** What happened to a record. */
export type RecordEventKind =
  /** It is there: at the beginning of a watch, or newly. */
  | "added"
  /** It shows another version, or lives longer. */
  | "updated"
  /** It was deleted. */
  | "deleted"
  /** Its time ran out. */
  | "expired"
  /** It had run out here, and was extended elsewhere. */
  | "returned"
  /** It no longer counts: its author was removed and it did not stay. */
  | "voided"
  /** A version of ours lost against one written at the same time by somebody who had not seen it. */
  | "conflict";

/** Something happened to a record. */
export interface RecordEvent {
  /** What happened. */
  readonly kind: RecordEventKind;
  /** The record as it is now; where nothing is left, as it was; for `conflict` our version that lost. */
  readonly record: RecordView;
}

/** How a record is written. */
export interface AddOptions extends WaitOptions {
  /** None if not given. */
  readonly attributes?: Attributes;
  /** How long it lives, in milliseconds; the graph's default (30 days) if neither this nor `expires` is given. */
  readonly lifeMs?: number;
  /** When it expires. */
  readonly expires?: Date;
  /** How far it may ever be extended; fixed for good. By default twice its life, a day at least. */
  readonly until?: Date;
}

/** How a record is changed. What is not given stays as it is. */
export interface UpdateOptions extends WaitOptions {
  /** As they are if not given. */
  readonly attributes?: Attributes;
  /** When the new version expires: not before the old one, not after the record's `until`. */
  readonly expires?: Date;
}

/** Which records to list. */
export interface ListOptions {
  /** Only records of this type. */
  readonly type?: string;
  /** Only records created by this peer id. */
  readonly creator?: string;
}

/** The records of one graph or group. */
export interface Records {
  /**
   * Writes a record. Resolves when it is durable at this peer; it then spreads by itself.
   * Fails with `invalid_record`, `record_too_large`, `not_authorized`, `clock_wrong`, `store_full`, `store_failed`.
   */
  add(type: string, value: RecordValue, options?: AddOptions): Promise<RecordView>;
  /** Writes the next version of a record. Fails like `add`, and with `record_not_found`. */
  update(id: string, value: RecordValue, options?: UpdateOptions): Promise<RecordView>;
  /** Deletes a record for good, everywhere. Fails with `record_not_found`, `not_authorized`. */
  delete(id: string, options?: WaitOptions): Promise<void>;
  /** Lets a record live longer without sending its value again. */
  extend(id: string, expires: Date, options?: WaitOptions): Promise<RecordView>;
  /** A record, or `null`. */
  get(id: string): Promise<RecordView | null>;
  /** A snapshot of the records, oldest first. */
  list(options?: ListOptions): Promise<RecordView[]>;
  /**
   * What is there, as `added`, then every change, until the caller breaks off, the signal fires or the
   * graph closes. A reader too slow by more than 10,000 events gets the current records again.
   */
  watch(type?: string, options?: WaitOptions): AsyncIterable<RecordEvent>;
}

/** A linked node. */
export interface NodeInfo {
  /** Peer id. */
  readonly peer: string;
  /** Address of the link's other end, as `127.0.0.1:4000`. */
  readonly address: string;
  /** Whether this peer dialled. */
  readonly dialled: boolean;
  /** Whether the first catch-up with this neighbor is done. */
  readonly synchronised: boolean;
}

/** How a graph or group is doing. */
export interface GraphStatus {
  /** 52 characters of lower-case base 32. */
  readonly id: string;
  /** `alone`: no neighbor; `joining`; `synchronising`: catching up; `synchronised`; `removed`; `closed`. */
  readonly state: "alone" | "joining" | "synchronising" | "synchronised" | "removed" | "closed";
  /** Linked nodes that take part. */
  readonly neighbors: number;
  /** Records shown now. */
  readonly records: number;
  /** Items in the set, authority items included. */
  readonly items: number;
  /** In a sentence, why nothing happens, or that all is well. */
  readonly explanation: string;
}

/** Something happened in a graph or group. */
export type GraphEvent =
  | { readonly kind: "record"; readonly event: RecordEvent }
  | { readonly kind: "neighborUp" | "neighborDown"; readonly peer: string }
  | { readonly kind: "connectFailed"; readonly address: string; readonly reason: string }
  | { readonly kind: "synchronised"; readonly peer: string }
  | { readonly kind: "memberJoined" | "memberChanged" | "memberRemoved"; readonly member: MemberInfo }
  | { readonly kind: "admissionWithdrawn"; readonly peer: string }
  | { readonly kind: "fork"; readonly author: string }
  | { readonly kind: "warning"; readonly message: string; readonly details?: LogDetails };

/** Peers that share records. */
export interface Graph extends AsyncDisposable {
  /** 52 characters of lower-case base 32. */
  readonly id: string;
  /** What the graph carries. */
  readonly records: Records;
  /** The linked nodes. */
  nodes(): NodeInfo[];
  /** Links to a peer of this graph at an endpoint (`127.0.0.1:4000`); fails with `connect_failed`, `wrong_peer`, `link_refused`. */
  connect(endpoint: string, options?: ConnectOptions): Promise<NodeInfo>;
  /** What happens, from now on, until the caller breaks off or the graph closes. */
  events(options?: WaitOptions): AsyncIterable<GraphEvent>;
  /** How it is doing, in plain data and a sentence. */
  status(): GraphStatus;
  /** Leaves cleanly: neighbors are told, what is under way is stored. */
  close(): Promise<void>;
}

/** How to connect. */
export interface ConnectOptions extends TimedOptions {
  /** Peer id that must answer. */
  readonly peer?: string;
}

/** A role in a group. */
export type RoleName = "creator" | "admin" | "member";

/** A member of a group. */
export interface MemberInfo {
  /** Peer id. */
  readonly peer: string;
  /** Highest first. */
  readonly roles: readonly RoleName[];
  /** Whether it is this peer. */
  readonly self: boolean;
  /** Whether it is linked to this peer now. */
  readonly connected: boolean;
}

/** What an invitation allows. */
export interface InviteOptions extends WaitOptions {
  /** `member` if not given. Only a creator or admin invites. */
  readonly role?: "member" | "admin";
  /** How many may join by it; 1 if not given. */
  readonly uses?: number;
  /** How long it holds, in milliseconds; 7 days if not given. */
  readonly lifeMs?: number;
}

/** How a member is removed. */
export interface RemoveOptions extends WaitOptions {
  /**
   * What the member wrote from then on is void too, and what it replaced is shown again. Judged by the time
   * that the member's own peer wrote on it: who lied about the time is undone only by hand.
   */
  readonly undoSince?: Date;
}

/** The members of a group. */
export interface Members {
  /** All members, this peer first. */
  list(): MemberInfo[];
  /** One member, or `null`. */
  get(peer: string): MemberInfo | null;
  /** Removes a member: it is cut off, and nothing it writes from now on counts. What it wrote stays. */
  remove(peer: string, options?: RemoveOptions): Promise<void>;
}

/** A graph with membership. */
export interface Group extends Graph {
  /** What the founder called it. */
  readonly name: string;
  /** Who takes part, and with what role. */
  readonly members: Members;
  /** One line of text to pass on: whoever has it may join. */
  invite(options?: InviteOptions): Promise<string>;
  /** Leaves for good. What this peer wrote stays. */
  leave(options?: WaitOptions): Promise<void>;
}

/** Plain graphs: whoever knows the id takes part, and each record belongs to its creator. */
export interface Graphs {
  /** Makes a new graph. */
  create(options?: WaitOptions): Promise<Graph>;
  /** Opens a graph by its id, known or new to this store; connects to the endpoints if any are given. */
  open(id: string, options?: OpenGraphOptions): Promise<Graph>;
  /** Graphs open in this peer. */
  list(): Graph[];
}

/** How a graph is opened. */
export interface OpenGraphOptions extends TimedOptions {
  /** Where to connect at once, as `127.0.0.1:4000`. */
  readonly endpoints?: readonly string[];
}

/** Groups of this peer's identity. */
export interface Groups {
  /** Founds a group; this peer is its creator. */
  create(name: string, options?: WaitOptions): Promise<Group>;
  /**
   * Joins by the text of an invitation; resolves after the first catch-up. Fails with `invalid_invitation`,
   * `invitation_expired`, `invitation_used`, `invitation_refused`, `removed`, and with
   * `no_members_reachable` after `timeoutMs` (30,000).
   */
  join(invitation: string, options?: JoinOptions): Promise<Group>;
  /** A group of this store, by id; `null` if it holds none with that id. */
  get(id: string): Group | null;
  /** All groups of this store: they open with the peer. */
  list(): Group[];
}

/** How to join. */
export interface JoinOptions extends TimedOptions {
  /** Where members may be, besides the endpoints in the invitation. */
  readonly endpoints?: readonly string[];
}

/** What an identity shows of itself. */
export interface IdentityInfo {
  /** Peer id: 56 characters of lower-case base 32. */
  readonly id: string;
  /** What its owner calls it; unique in the store. */
  readonly name: string;
  /** Whether `Peer.open()` uses it when it is told no other. */
  readonly isDefault: boolean;
  /** The secured peer name without classifier. */
  readonly peerName: string;
}

/** The identities of a store. */
export interface Identities {
  /** Creates an identity with a name (1 to 255 code points). Fails with `identity_exists`. */
  create(name: string): Promise<IdentityInfo>;
  /** The identity this peer runs as. */
  readonly current: IdentityInfo;
  /** All identities, the default first. */
  list(): IdentityInfo[];
  /** One by name or peer id; fails with `identity_not_found`. */
  get(nameOrId: string): IdentityInfo;
  /** Makes it the one that `Peer.open()` uses when it is told no other. */
  setDefault(nameOrId: string): Promise<void>;
  /** Signs bytes with this peer's identity for a purpose of the application's own; the result carries the bytes. */
  sign(bytes: Uint8Array, context: string): Uint8Array;
  /** The bytes that the peer id signed for that context, or `null`. */
  verify(signed: Uint8Array, context: string, peer: string): Uint8Array | null;
}

/** How a peer is doing. */
export interface PeerStatus {
  /** Peer id. */
  readonly id: string;
  /** Version of Kith. */
  readonly version: string;
  /** Where this peer accepts links, as `tcp://127.0.0.1:4000`; empty if it accepts none. */
  readonly endpoints: readonly string[];
  /** Where this peer answers name queries, as `udp://127.0.0.1:4000`. */
  readonly nameEndpoints: readonly string[];
  /** Where its data lies: a path, or `memory`. */
  readonly store: string;
  /** Links to other peers, whatever graphs they carry. */
  readonly links: number;
  /** Plain graphs that are open. */
  readonly graphs: readonly GraphStatus[];
  /** Groups of this identity. */
  readonly groups: readonly GraphStatus[];
  /** Clouds that this peer takes part in. */
  readonly clouds: readonly CloudStatus[];
  /** In words, what is wrong and what to do; empty when all is well. */
  readonly problems: readonly string[];
}

/** How a cloud is doing. */
export interface CloudStatus {
  /** All who use the same name and find each other are one cloud. */
  readonly name: string;
  /** `no_network`, `alone`, `synchronising` or `active`. */
  readonly state: string;
  /** Participants known here. */
  readonly contacts: number;
  /** Names that this peer publishes there. */
  readonly registrations: number;
}
