/** What a graph asks about peers, besides what it asks about items: who may take part, and how one gets in. */

import type { Instant } from "../base/ports.ts";
import type { AuthorityBody, AuthorityItem, Item } from "../records/item.ts";
import { CreatorPolicy, type RecordPolicy } from "../records/policy.ts";
import type { Value } from "../wire/codec.ts";

/** How a step of joining is answered. */
export interface KnockAnswer {
  /** Items that the step brought, for the set: the chain that the other end showed, or the admission. */
  readonly learn?: readonly Item[];
  /** What to say to the other end now. */
  readonly reply?: Value;
  /** An authority item to write; once it is durable `replyIssued` is said to the other end. */
  readonly issue?: AuthorityBody;
  readonly replyIssued?: (item: AuthorityItem) => Value;
  /** The conversation is over, and why. */
  readonly end?: string;
}

/** Judges items and peers. Groups and applications supply it. */
export interface GraphPolicy extends RecordPolicy {
  /** Whether this lineage may take part now. */
  mayConnect(lineage: Uint8Array): boolean;
  /** Hash of the credential that this lineage writes under now; `null` in a plain graph, `undefined` if it may not write. */
  credentialOf(lineage: Uint8Array): Uint8Array | null | undefined;
  /** Until when what this lineage writes may last (wall milliseconds); `null`: its standing has no end. */
  writesUntil(lineage: Uint8Array): number | null;
  /** Items that show a neighbor who knows only the graph's id that this lineage may take part. */
  proofOf(lineage: Uint8Array): readonly Item[];
  /** Items that show why this lineage may not take part, or why what it signs is void; empty if there are none. */
  reasonsAgainst(lineage: Uint8Array): readonly Item[];
  /** Begins to join over a link with a member; `null`: this policy knows no joining. */
  beginKnock(self: Uint8Array, peer: Uint8Array, now: Instant): Value | null;
  /** Answers a step of joining, on either side. */
  answerKnock(self: Uint8Array, peer: Uint8Array, content: Value, now: Instant): KnockAnswer;
}

/** A plain graph: whoever knows its id takes part, and each record belongs to its creator. */
export class OpenPolicy extends CreatorPolicy implements GraphPolicy {
  mayConnect(_lineage: Uint8Array): boolean {
    return true;
  }

  credentialOf(_lineage: Uint8Array): null {
    return null;
  }

  writesUntil(_lineage: Uint8Array): number | null {
    return null;
  }

  proofOf(_lineage: Uint8Array): readonly Item[] {
    return [];
  }

  reasonsAgainst(_lineage: Uint8Array): readonly Item[] {
    return [];
  }

  beginKnock(_self: Uint8Array, _peer: Uint8Array, _now: Instant): null {
    return null;
  }

  answerKnock(_self: Uint8Array, _peer: Uint8Array, _content: Value, _now: Instant): KnockAnswer {
    return { end: "no_joining" };
  }
}
