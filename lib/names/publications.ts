/**
 * The names that this peer publishes: stored at the contacts closest to each, refreshed at half of
 * their life, and revoked by a later statement that says nothing. Payloads stay here and are fetched
 * from here.
 */

import type { Endpoint } from "../base/address.ts";
import { hex } from "../base/bytes.ts";
import { jittered } from "../base/random.ts";
import type { Signer } from "../wire/envelope.ts";
import type { Contact } from "./contact.ts";
import type { CloudContext } from "./context.ts";
import { plaintextBytesMax } from "./datagram.ts";
import type { Exchanges } from "./exchanges.ts";
import { compareDistance, nameKey } from "./id_space.ts";
import { bucketContactsMax, payloadPartBytes, publishAcksMin, registrationsMax } from "./limits.ts";
import { type ResponseBody, StoreVerdict } from "./messages.ts";
import { type PayloadKind, sealRegistration, type SignedStatement } from "./registration.ts";
import type { Searches } from "./searches.ts";

/** What is published under a name. */
export interface PublicationContent {
  readonly endpoints: readonly Endpoint[];
  readonly comment: string;
  readonly payload: { readonly bytes: Uint8Array; readonly kind: PayloadKind } | null;
  /** How long one statement stands unless it is refreshed. */
  readonly lifeMs: number;
  /** When the publication ends by itself (wall milliseconds), or `null`. */
  readonly expires: number | null;
}

/** A name to publish. */
export interface PublicationName {
  readonly authority: Uint8Array | null;
  /** Hash of the classifier. */
  readonly classifier: Uint8Array;
  readonly signer: Signer;
}

interface Publication {
  readonly key: Uint8Array;
  readonly keyHex: string;
  readonly name: PublicationName;
  content: PublicationContent | null;
  statement: SignedStatement;
  /** Contacts that acknowledged some statement of this publication. */
  readonly holders: Map<string, Contact>;
  /** Counts statements and their rounds of storing; what belongs to an earlier round is ignored. */
  round: number;
  /** The call that waits for the present round. */
  call: number | null;
  acks: number;
  /** What the round still waits for: its search, then the contacts that it stores at. */
  waiting: number;
}

/** The publications of one cloud machine. */
export class Publications {
  readonly #context: CloudContext;
  readonly #exchanges: Exchanges;
  readonly #searches: Searches;
  readonly #publications = new Map<string, Publication>();

  constructor(context: CloudContext, exchanges: Exchanges, searches: Searches) {
    this.#context = context;
    this.#exchanges = exchanges;
    this.#searches = searches;
  }

  /** Publishes a name that is not published here yet. */
  register(call: number, name: PublicationName, content: PublicationContent): void {
    const { crypto, cloud } = this.#context;
    const key = nameKey(crypto, cloud, name.authority, name.classifier);
    const known = this.#publications.get(hex(key));
    if (known !== undefined && known.content !== null) {
      return this.#fail(
        call,
        "already_registered",
        "This peer has registered that name in this cloud already",
      );
    }
    if (known === undefined && this.#publications.size >= registrationsMax) {
      return this.#fail(call, "too_many", `A peer registers at most ${registrationsMax} names in a cloud`);
    }
    const publication: Publication = {
      key,
      keyHex: hex(key),
      name,
      content,
      statement: this.#statement(key, name, content, known?.statement.seq ?? 0),
      holders: known?.holders ?? new Map(),
      round: (known?.round ?? 0) + 1,
      call,
      acks: 0,
      waiting: 0,
    };
    this.#publications.set(publication.keyHex, publication);
    this.#spread(publication);
  }

  /** Publishes other content under a name that is published here. */
  update(call: number, keyHex: string, content: PublicationContent): void {
    const publication = this.#live(keyHex);
    if (publication === null) {
      return this.#fail(call, "name_not_found", "This peer does not publish that name");
    }
    this.#restate(publication, content, call);
  }

  /** Publishes a name no more. Settles also if it is not published. */
  unregister(call: number, keyHex: string): void {
    const publication = this.#live(keyHex);
    if (publication === null) {
      return this.#context.effect({ kind: "settle", call, result: { kind: "unpublished" } });
    }
    this.#restate(publication, null, call);
  }

  /** There are contacts where there were none: all is stored there. */
  spreadAll(): void {
    for (const publication of this.#publications.values()) this.#spread(publication);
  }

  /** The wall clock was set: what was stated by the old time may have expired for others, or hold too long. */
  stateAgain(): void {
    for (const publication of this.#publications.values()) {
      if (publication.content !== null) this.#restate(publication, publication.content, null);
    }
  }

  /** A contact is new: it gets what it should hold. */
  onContact(contact: Contact): void {
    for (const publication of this.#publications.values()) {
      if (publication.holders.has(contact.keyHex)) continue;
      let closer = 0;
      for (const holder of publication.holders.values()) {
        if (compareDistance(publication.key, holder.id, contact.id) < 0) closer++;
      }
      if (closer < bucketContactsMax) this.#store(publication, contact, publication.round, false);
    }
  }

  /** What this peer states of a name itself: revocations too, until they run out. */
  statementOf(key: Uint8Array): SignedStatement | null {
    return this.#publications.get(hex(key))?.statement ?? null;
  }

  /** The payload published under a name. */
  payloadOf(key: Uint8Array): Uint8Array | null {
    return this.#publications.get(hex(key))?.content?.payload?.bytes ?? null;
  }

  /** One part of what a resolver asks: the statement, with the payload if it fits, or a slice of the payload. */
  part(key: Uint8Array, part: number): ResponseBody & { kind: "answer" } {
    const statement = this.statementOf(key);
    const payload = this.payloadOf(key);
    if (statement === null) return { kind: "answer", registration: null, bytes: null };
    if (part === 0) {
      const room = Math.min(plaintextBytesMax - answerHeadBytes - statement.bytes.length, payloadPartBytes);
      const fits = payload !== null && payload.length <= room;
      return { kind: "answer", registration: statement.bytes, bytes: fits ? payload : null };
    }
    const start = (part - 1) * payloadPartBytes;
    const bytes = payload?.subarray(start, start + payloadPartBytes) ?? null;
    return { kind: "answer", registration: null, bytes };
  }

  /** How many names are published or being revoked, and at how many holders each stands. */
  snapshot(): { nameKey: string; seq: number; expires: number; isRevoked: boolean; holders: number }[] {
    return Array.from(this.#publications.values(), (publication) => ({
      nameKey: publication.keyHex,
      seq: publication.statement.seq,
      expires: publication.statement.expires,
      isRevoked: publication.content === null,
      holders: publication.holders.size,
    }));
  }

  #live(keyHex: string): Publication | null {
    const publication = this.#publications.get(keyHex);
    return publication === undefined || publication.content === null ? null : publication;
  }

  #statement(
    key: Uint8Array,
    name: PublicationName,
    content: PublicationContent | null,
    lastSeq: number,
    expiresMin = 0,
  ): SignedStatement {
    const { crypto, cloud, now, key: publisher } = this.#context;
    const payload = content?.payload ?? null;
    const wanted = content === null ? expiresMin : now.wallMs + content.lifeMs;
    return sealRegistration(crypto, cloud, name.signer, {
      nameKey: key,
      authority: name.authority,
      classifier: name.classifier,
      signer: name.signer.publicKey,
      publisher,
      seq: Math.max(lastSeq + 1, Math.floor(now.wallMs)),
      expires: Math.floor(Math.min(wanted, content?.expires ?? Infinity)),
      body: content === null ? null : {
        endpoints: content.endpoints,
        comment: content.comment,
        payload: payload === null
          ? null
          : { digest: crypto.sha256(payload.bytes), length: payload.bytes.length, kind: payload.kind },
      },
    });
  }

  /** Makes the next statement of a publication and stores it. */
  #restate(publication: Publication, content: PublicationContent | null, call: number | null): void {
    this.#settle(publication); // who waited for the former statement gets an end with this one
    publication.content = content;
    const { statement, key, name } = publication;
    publication.statement = this.#statement(key, name, content, statement.seq, statement.expires);
    publication.round++;
    publication.call = call;
    publication.acks = 0;
    publication.waiting = 0;
    this.#spread(publication);
  }

  /** Finds the contacts that should hold a publication and stores it there. */
  #spread(publication: Publication): void {
    this.#planRefresh(publication);
    // Whoever holds what is revoked is known, and the peer may be about to leave.
    if (publication.content === null && publication.holders.size > 0) {
      return this.#storeAll(publication, [...publication.holders.values()]);
    }
    const { round } = publication;
    publication.waiting++;
    this.#searches.start({
      target: publication.key,
      aim: "closest",
      onDone: (lookup) => {
        if (publication.round !== round) return;
        publication.waiting--;
        const targets = new Map(publication.holders);
        for (const contact of lookup.closest()) targets.set(contact.keyHex, contact);
        this.#storeAll(publication, [...targets.values()]);
      },
    });
  }

  #storeAll(publication: Publication, targets: readonly Contact[]): void {
    const { round } = publication;
    publication.waiting += targets.length;
    for (const contact of targets) this.#store(publication, contact, round, true);
    this.#settleIfDone(publication);
  }

  #store(publication: Publication, contact: Contact, round: number, isWaitedFor: boolean): void {
    let isWaiting = isWaitedFor;
    const body = { kind: "store", registration: publication.statement.bytes } as const;
    this.#exchanges.ask(contact, body, (outcome) => {
      const isKept = outcome.kind === "answered" && outcome.body.kind === "stored" &&
        outcome.body.verdict === StoreVerdict.kept;
      if (isKept) publication.holders.set(contact.keyHex, outcome.contact);
      if (outcome.kind === "failed") publication.holders.delete(contact.keyHex);
      if (publication.round !== round) return;
      if (isKept) publication.acks++;
      if (isWaiting) publication.waiting--;
      isWaiting = false; // a slow contact may still acknowledge, but nobody waits for it
      this.#settleIfDone(publication);
    });
  }

  #settleIfDone(publication: Publication): void {
    // A revocation goes to all that can be reached before the peer may leave.
    const isEnough = publication.content !== null && publication.acks >= publishAcksMin;
    if (publication.waiting === 0 || isEnough) this.#settle(publication);
  }

  #settle(publication: Publication): void {
    const { call, statement, content } = publication;
    if (call === null) return;
    publication.call = null;
    this.#context.effect({
      kind: "settle",
      call,
      result: content === null
        ? { kind: "unpublished" }
        : { kind: "published", seq: statement.seq, expires: statement.expires, holders: publication.acks },
    });
  }

  #planRefresh(publication: Publication): void {
    const { content, statement, keyHex } = publication;
    const { now, random } = this.#context;
    const leftMs = Math.max(statement.expires - now.wallMs, 0);
    const isLast = content === null || (content.expires !== null && statement.expires >= content.expires);
    const delayMs = isLast ? leftMs : jittered(random, Math.min(leftMs, content.lifeMs) / 2, 0.1);
    this.#context.setAlarm(`publication ${keyHex}`, delayMs, () => {
      if (isLast) this.#publications.delete(keyHex);
      else this.#restate(publication, publication.content, null);
    });
  }

  #fail(call: number, code: "already_registered" | "too_many" | "name_not_found", message: string): void {
    this.#context.effect({ kind: "fail", call, code, message });
  }
}

/** Bytes of an answer around the registration and the payload. */
const answerHeadBytes = 32;
