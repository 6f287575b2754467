/**
 * Items of this node's own: stamped and signed here, shown and sent only when they are durable
 * (protocol §2: sign, commit, send). A number whose commit is known to have failed is used again;
 * if it may have been written all the same, a new writer begins, so that no two items of ours ever
 * carry one number.
 */

import { assert } from "../base/assert.ts";
import { equalBytes, hex } from "../base/bytes.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { Crypto, Random } from "../base/ports.ts";
import { prevAfter, type VersionItem } from "../records/conflict.ts";
import {
  type AuthorityBody,
  type AuthorityItem,
  type DataBody,
  type DataItem,
  type Item,
  type ItemHead,
  ItemKind,
  type ListItem,
  type RecordHead,
  type SignedItem,
  type VersionBody,
} from "../records/item.ts";
import { createItem, isRecordType } from "../records/item_codec.ts";
import type { ItemSet } from "../records/item_set.ts";
import { recordTypeBytesMax, untilRoomMsMin, versionMax } from "../records/limits.ts";
import type { Signer } from "../wire/envelope.ts";
import type { AddRequest, Request, UpdateRequest } from "./machine.ts";
import { writesPendingMax } from "./limits.ts";
import type { GraphPolicy } from "./policy.ts";

/** Items on their way to the store, and the call that waits for them. */
export interface PendingWrite {
  readonly ticket: number;
  /** `null` for what no caller waits for. */
  readonly call: number | null;
  readonly items: readonly { readonly item: Item; readonly arrival: number }[];
  readonly firstSeq: number;
  readonly writer: Uint8Array;
}

/** What came of a request to write. */
export type Written =
  | { readonly ok: true; readonly items: readonly Item[] }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };

/** What a writer needs from its replica. */
export interface WriterContext {
  readonly crypto: Crypto;
  readonly random: Random;
  readonly signer: Signer;
  readonly graph: Uint8Array;
  readonly policy: GraphPolicy;
  readonly set: ItemSet;
}

/** Makes this node's items. */
export class Writer {
  readonly #context: WriterContext;
  readonly #pending = new Map<number, PendingWrite>();
  // Versions on their way to the store: a second update builds on the first, not beside it.
  readonly #underWay = new Map<string, VersionItem>();
  #writer: Uint8Array;
  #seq = 1;

  constructor(context: WriterContext) {
    this.#context = context;
    this.#writer = context.random.bytes(8);
  }

  /** Makes the items that a request asks for; nothing is known of them until they are stored. */
  write(request: Exclude<Request, { kind: "close" }>, peerTime: number): Written {
    if (this.#pending.size >= writesPendingMax) {
      return refused("too_many", "Cannot write: 10,000 writes wait for the store; await the earlier ones");
    }
    const credential = this.#context.policy.credentialOf(this.#context.signer.publicKey);
    if (credential === undefined) {
      return refused("not_a_member", "Cannot write: this identity holds no live credential in the group");
    }
    switch (request.kind) {
      case "issue":
        return this.#issue(request.bodies, request.lists, credential, peerTime);
      case "add":
        return this.#add(request, credential, peerTime);
      case "update":
        return this.#update(request, credential, peerTime);
      case "delete":
        return this.#onRecord(request.record, credential, peerTime, (record) => ({
          kind: ItemKind.delete,
          ...recordHead(record),
        }));
      case "extend":
        return this.#extend(request.record, request.expires, credential, peerTime);
    }
  }

  /** Items handed to the store under a ticket. */
  begin(ticket: number, call: number | null, items: readonly Item[]): PendingWrite {
    const numbered = items.map((item) => ({ item, arrival: this.#context.set.reserveArrival() }));
    const firstSeq = this.#seq - items.filter((item) => item.head !== null).length;
    const write = { ticket, call, items: numbered, firstSeq, writer: this.#writer };
    this.#pending.set(ticket, write);
    for (const item of items) {
      if (item.body.kind === ItemKind.version) this.#underWay.set(item.record!, item as VersionItem);
    }
    return write;
  }

  /** The store has, or has not, what the ticket stands for; `null` if the ticket is not of a write. */
  end(ticket: number, outcome: "stored" | "failed" | "unknown"): PendingWrite | null {
    const write = this.#pending.get(ticket);
    if (write === undefined) return null;
    this.#pending.delete(ticket);
    for (const { item } of write.items) {
      if (item.record !== null && this.#underWay.get(item.record) === item) {
        this.#underWay.delete(item.record);
      }
    }
    if (outcome === "unknown") {
      this.#writer = this.#context.random.bytes(8);
      this.#seq = 1;
    } else if (outcome === "failed" && equalBytes(write.writer, this.#writer)) {
      this.#seq = Math.min(this.#seq, write.firstSeq);
    }
    return write;
  }

  /** The lowest arrival number on its way to the store, or `null`. */
  firstPendingArrival(): number | null {
    let first: number | null = null;
    for (const { items } of this.#pending.values()) {
      for (const { arrival } of items) first = Math.min(first ?? arrival, arrival);
    }
    return first;
  }

  /** How many writes wait for the store. */
  get pending(): number {
    return this.#pending.size;
  }

  #add(request: AddRequest, credential: Uint8Array | null, peerTime: number): Written {
    const { policy, random, signer } = this.#context;
    const properties = policy.properties;
    assert(properties !== null, "who holds a credential knows the graph's properties");
    if (!isRecordType(request.type, recordTypeBytesMax)) {
      return refused(
        "invalid_record",
        `Cannot add: the type must be 1 to 128 bytes and not begin with "kith."`,
      );
    }
    // Nothing outlives the graph's longest span, nor what its author's standing allows (checklist S13).
    const last = Math.min(
      peerTime + properties.recordSpanMsMax,
      policy.writesUntil(signer.publicKey) ?? Infinity,
    );
    const life = request.lifeMs ?? Math.min(properties.recordLifeMs, last - peerTime);
    const expires = request.expires ?? peerTime + life;
    const room = Math.max(untilRoomMsMin, 2 * (expires - peerTime));
    const until = request.until ?? Math.min(peerTime + room, last);
    if (expires <= peerTime) {
      return refused("invalid_record", "Cannot add: the record would have expired already");
    }
    if (until < expires || until > last) {
      return refused(
        "invalid_record",
        "Cannot add: 'until' must lie between the expiry and the end of the graph's longest span and of your membership",
      );
    }
    const { type, contentKind, data, attributes } = request;
    const head = { type, creator: signer.publicKey, created: peerTime, until, nonce: random.bytes(16) };
    const body: VersionBody = {
      ...{ kind: ItemKind.version, flags: 0, epoch: 0, chunks: null, version: 1, prev: [] },
      ...head,
      expires,
      contentKind,
      attributes,
      data,
    };
    return this.#sign([body], credential, peerTime);
  }

  #update(request: UpdateRequest, credential: Uint8Array | null, peerTime: number): Written {
    return this.#onRecord(request.record, credential, peerTime, (current, shownExpires) => {
      const { body } = current;
      // A record's end never moves nearer (checklist R03), extensions included.
      const expires = request.expires ?? Math.max(body.expires, shownExpires);
      if (expires < body.expires || expires > body.until || body.version >= versionMax) return null;
      return {
        ...body,
        version: body.version + 1,
        expires,
        prev: prevAfter(current),
        contentKind: request.contentKind,
        attributes: request.attributes ?? body.attributes,
        data: request.data,
      };
    });
  }

  #extend(record: string, expires: number, credential: Uint8Array | null, peerTime: number): Written {
    return this.#onRecord(record, credential, peerTime, (current, shownExpires) => {
      if (expires < shownExpires || expires > current.body.until) return null;
      return { kind: ItemKind.extension, ...recordHead(current), expires };
    });
  }

  #onRecord(
    record: string,
    credential: Uint8Array | null,
    peerTime: number,
    make: (current: VersionItem, shownExpires: number) => DataBody | null,
  ): Written {
    const shown = this.#context.set.shown(record);
    const underWay = this.#underWay.get(record);
    const isNewer = shown !== null && shown.item.body.version > (underWay?.body.version ?? 0);
    const current = isNewer ? shown.item : underWay;
    const expires = shown?.expires ?? current?.body.expires ?? 0;
    if (current === undefined || expires < peerTime) {
      return refused("record_not_found", `Cannot find record ${record}: it is unknown, deleted or expired`);
    }
    const body = make(current, expires);
    if (body === null) {
      return refused(
        "invalid_record",
        "Cannot change the record's expiry: it may move only forward, up to its 'until'",
      );
    }
    // Not before the record itself, which a clock that was set back would say, and which nobody takes.
    return this.#sign([body], credential, Math.max(peerTime, body.created));
  }

  #issue(
    bodies: readonly AuthorityBody[],
    lists: readonly ListItem[],
    credential: Uint8Array | null,
    peerTime: number,
  ): Written {
    const signed = this.#sign(bodies, credential, peerTime);
    return signed.ok ? { ok: true, items: [...lists, ...signed.items] } : signed;
  }

  #sign(bodies: readonly (DataBody | AuthorityBody)[], credential: Uint8Array | null, at: number): Written {
    const { crypto, signer, graph, policy } = this.#context;
    const items: (DataItem | AuthorityItem)[] = [];
    for (const body of bodies) {
      const head: ItemHead = {
        author: signer.publicKey,
        key: null,
        writer: this.#writer,
        seq: this.#seq,
        at,
        credential,
      };
      const item = createItem(crypto, signer, graph, head, body) as SignedItem as DataItem | AuthorityItem;
      if (item.record !== null && !policy.mayWrite(item as DataItem)) {
        this.#seq -= items.length;
        return refused(
          "not_authorized",
          "Cannot write: the record belongs to somebody else, and your role does not allow it",
        );
      }
      this.#seq++;
      items.push(item);
    }
    return { ok: true, items };
  }
}

function recordHead({ body }: VersionItem): RecordHead {
  const { type, creator, created, until, nonce } = body;
  return { type, creator, created, until, nonce };
}

function refused(code: ErrorCode, message: string): Written {
  return { ok: false, code, message };
}

/** For diagnostics: who wrote an item, and its number. */
export function numberOf(item: Item): string | null {
  return item.head === null ? null : `${hex(item.head.author)}:${hex(item.head.writer)}:${item.head.seq}`;
}
