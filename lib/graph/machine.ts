/** The door of a replica: what goes in, what comes out. The driver in `lib/peer` carries effects out. */

import type { ErrorCode } from "../base/errors.ts";
import type { Instant, StoreEntry, StoreKey } from "../base/ports.ts";
import type {
  Attribute,
  AuthorityBody,
  AuthorityItem,
  ContentKind,
  Item,
  ListItem,
} from "../records/item.ts";
import type { Shown } from "../records/shown.ts";
import type { ContactHint } from "./messages.ts";

/** A channel of this graph on a link; numbered by the driver, never used again. */
export type LinkId = number;

/** Something for a replica to deal with. */
export type Input =
  | { readonly kind: "call"; readonly call: number; readonly request: Request }
  | LinkUp
  | { readonly kind: "linkDown"; readonly link: LinkId; readonly reason: string }
  | { readonly kind: "connectFailed"; readonly peer: string; readonly reason: string }
  | { readonly kind: "frame"; readonly link: LinkId; readonly bytes: Uint8Array }
  | { readonly kind: "writable"; readonly link: LinkId }
  | { readonly kind: "stored"; readonly ticket: number }
  | {
    readonly kind: "storeFailed";
    readonly ticket: number;
    readonly code: ErrorCode;
    readonly message: string;
    /** Whether it is known that nothing was written. */
    readonly certain: boolean;
  }
  | {
    readonly kind: "loaded";
    readonly entries: readonly StoreEntry[];
    /** How many entries the store found damaged and left out; none if not given. */
    readonly damaged?: number;
  }
  | { readonly kind: "endpoints"; readonly endpoints: readonly string[] }
  | { readonly kind: "deadline" };

/** A channel stands; the other end is proven to hold `peer`. */
export interface LinkUp {
  readonly kind: "linkUp";
  readonly link: LinkId;
  /** Lineage of the other end. */
  readonly peer: Uint8Array;
  readonly dialled: boolean;
  /** Where the other end is, for people. */
  readonly address: string;
  /** Whether the other end is on this machine: only then are loopback endpoints taken from it. */
  readonly isLoopback: boolean;
  /** The endpoint that was dialled, so that it can be dialled again. */
  readonly endpoint: string | null;
}

/** What a caller wants. */
export type Request =
  | AddRequest
  | UpdateRequest
  | { readonly kind: "delete"; readonly record: string }
  | { readonly kind: "extend"; readonly record: string; readonly expires: number }
  | {
    /** Writes authority items and the list parts that they name, all or none. */
    readonly kind: "issue";
    readonly bodies: readonly AuthorityBody[];
    readonly lists: readonly ListItem[];
  }
  | { readonly kind: "close" };

/** A new record. Values have been judged by the caller's side of the surface. */
export interface AddRequest {
  readonly kind: "add";
  readonly type: string;
  readonly contentKind: ContentKind;
  readonly data: Uint8Array;
  readonly attributes: readonly Attribute[];
  /** Wall milliseconds; `null`: the graph's default. */
  readonly expires: number | null;
  /** Life in milliseconds, counted from peer time; `null`: see `expires`. */
  readonly lifeMs: number | null;
  readonly until: number | null;
}

/** The next version of a record. */
export interface UpdateRequest {
  readonly kind: "update";
  readonly record: string;
  readonly contentKind: ContentKind;
  readonly data: Uint8Array;
  /** `null`: as they are. */
  readonly attributes: readonly Attribute[] | null;
  /** `null`: as it is. */
  readonly expires: number | null;
}

/** What a settled call yields: the record as it now is, or the items that were issued. */
export type Outcome =
  | { readonly kind: "record"; readonly record: string; readonly shown: Shown }
  | { readonly kind: "issued"; readonly items: readonly AuthorityItem[] }
  | { readonly kind: "done" };

/** What a replica wants done. */
export type Effect =
  | { readonly kind: "send"; readonly links: readonly LinkId[]; readonly bytes: Uint8Array }
  | { readonly kind: "connect"; readonly peer: string; readonly contact: ContactHint }
  | { readonly kind: "disconnect"; readonly link: LinkId; readonly reason: string }
  | {
    readonly kind: "store";
    readonly ticket: number;
    readonly sets: readonly StoreEntry[];
    readonly deletes: readonly StoreKey[];
  }
  | { readonly kind: "load" }
  | { readonly kind: "settle"; readonly call: number; readonly outcome: Outcome }
  | { readonly kind: "fail"; readonly call: number; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: "emit"; readonly event: ReplicaEvent };

/** Why a record shows something else. */
export type RecordEventCause =
  | "added"
  | "updated"
  | "deleted"
  | "expired"
  | "returned"
  | "voided"
  | "conflict";

/** Something that happened in the graph. */
export type ReplicaEvent =
  | { readonly kind: "record"; readonly cause: RecordEventCause; readonly shown: Shown }
  | { readonly kind: "neighborUp" | "neighborDown"; readonly peer: Uint8Array }
  | { readonly kind: "refused"; readonly peer: Uint8Array; readonly reason: string }
  | { readonly kind: "synchronised"; readonly peer: Uint8Array }
  /** Authority items entered or left the set: members may have changed. */
  | { readonly kind: "authority"; readonly entered: readonly Item[]; readonly left: readonly Item[] }
  | { readonly kind: "fork"; readonly author: Uint8Array }
  | { readonly kind: "storeTrouble"; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: "loaded" };

/** A pure machine: one door, its earliest deadline, and its state as plain data. */
export interface Machine<I, E, S> {
  handle(input: I, now: Instant): readonly E[];
  /** Monotonic milliseconds, or `null`. */
  nextDeadline(): number | null;
  snapshot(): S;
}
