/**
 * The policy of a group at one node: who may take part, and how one joins by a bearer invitation.
 *
 * Joining is a conversation with any one member, the witness (protocol §6): the joiner names the
 * invitation; the witness shows the chain to the group key and a nonce; the joiner checks the chain and
 * only then proves the bearer key; the witness writes the admission, which is the joiner's credential.
 */

import { BoundedMap } from "../base/bounded.ts";
import { equalBytes, hex } from "../base/bytes.ts";
import type { Crypto, Instant, Random } from "../base/ports.ts";
import type { GraphPolicy, KnockAnswer } from "../graph/policy.ts";
import {
  type AdmissionBody,
  type AdmissionStatement,
  type AuthorityItem,
  type InvitationBody,
  isData,
  type Item,
  ItemKind,
  type SignedItem,
} from "../records/item.ts";
import { decodeAdmission, encodeStatement } from "../records/body_codec.ts";
import { parseItem, verifyItem } from "../records/item_codec.ts";
import { isArray, isBytes, type Value } from "../wire/codec.ts";
import { sealEnvelope } from "../wire/envelope.ts";
import { Purpose } from "../wire/purposes.ts";
import { GroupPolicy } from "./group_policy.ts";
import type { InvitationTicket } from "./invitation.ts";
import { chainBytesMax, chainItemsMax, grantMsMax, knocksMax } from "./limits.ts";

/** Steps of joining on the wire: the first element of a knock's content. */
export const KnockStep = { begin: 0, challenge: 1, prove: 2, admitted: 3 } as const;

/** What a membership is made of. */
export interface MembershipOptions {
  /** Group id, 32 bytes. */
  readonly group: Uint8Array;
  readonly crypto: Crypto;
  readonly random: Random;
  /** By what this node joins; `null` if it is a member already. */
  readonly ticket: InvitationTicket | null;
}

/** The policy of one group. */
export class Membership extends GroupPolicy implements GraphPolicy {
  readonly #group: Uint8Array;
  readonly #crypto: Crypto;
  readonly #random: Random;
  readonly #ticket: InvitationTicket | null;
  // Nonces given to joiners, by lineage in hex.
  readonly #challenges = new BoundedMap<string, { invitation: string; nonce: Uint8Array }>(knocksMax);
  // Places given to joiners, by lineage in hex, that the set may not show yet.
  readonly #granted = new BoundedMap<string, { invitation: string; untilMs: number }>(knocksMax);

  constructor(options: MembershipOptions) {
    super(options.group);
    this.#group = options.group;
    this.#crypto = options.crypto;
    this.#random = options.random;
    this.#ticket = options.ticket;
  }

  mayConnect(lineage: Uint8Array): boolean {
    return this.member(hex(lineage)) !== null;
  }

  credentialOf(lineage: Uint8Array): Uint8Array | undefined {
    return this.member(hex(lineage))?.standing.item.hash;
  }

  writesUntil(lineage: Uint8Array): number | null {
    return this.member(hex(lineage))?.standing.notAfter ?? null;
  }

  proofOf(lineage: Uint8Array): readonly Item[] {
    const member = this.member(hex(lineage));
    return member === null ? [] : this.chain(member.standing);
  }

  reasonsAgainst(lineage: Uint8Array): readonly Item[] {
    const endings = this.endings(hex(lineage));
    return endings.length > 0 ? endings : this.outvoting(hex(lineage));
  }

  beginKnock(self: Uint8Array, _peer: Uint8Array, _now: Instant): Value | null {
    if (this.#ticket === null || this.endings(hex(self)).length > 0) return null;
    return [KnockStep.begin, this.#ticket.invitation];
  }

  answerKnock(self: Uint8Array, peer: Uint8Array, content: Value, now: Instant): KnockAnswer {
    if (!isArray(content)) return { end: "bad_knock" };
    const [step, first, second] = content;
    switch (step) {
      case KnockStep.begin:
        return isBytes(first, 32) ? this.#onBegin(self, peer, first, now) : { end: "bad_knock" };
      case KnockStep.challenge:
        return isBytes(second, 16) ? this.#onChallenge(self, peer, first, second) : { end: "bad_knock" };
      case KnockStep.prove:
        return isBytes(first) ? this.#onProve(peer, first, now) : { end: "bad_knock" };
      case KnockStep.admitted:
        return this.#onAdmitted(self, first);
      default:
        return { end: "bad_knock" };
    }
  }

  #onBegin(self: Uint8Array, peer: Uint8Array, hash: Uint8Array, now: Instant): KnockAnswer {
    const own = this.member(hex(self));
    const found = this.#usable(hex(hash), peer, now);
    if (own === null) return { end: "not_a_member" };
    if ("end" in found) return found;
    const nonce = this.#random.bytes(16);
    this.#challenges.set(hex(peer), { invitation: hex(hash), nonce });
    const issuer = this.chain(this.standingAt(hex(found.invitation.head.credential!))!);
    const chain = new Map<string, AuthorityItem>();
    for (const item of [...issuer, found.invitation, ...this.chain(own.standing)]) chain.set(item.id, item);
    const list = [...chain.values()].map((item) => item.bytes);
    // Both parents of every admission are in it: whoever may invite can make it as long as they like.
    const bytes = list.reduce((sum, item) => sum + item.length + 3, 0);
    if (list.length > chainItemsMax || bytes > chainBytesMax) return { end: "chain_too_long" };
    return { reply: [KnockStep.challenge, list, nonce] };
  }

  /** The joiner's side: nothing is proven before the chain to the group key holds. */
  #onChallenge(
    self: Uint8Array,
    peer: Uint8Array,
    list: Value | undefined,
    nonce: Uint8Array,
  ): KnockAnswer {
    const ticket = this.#ticket;
    const items = this.#verified(list);
    if (ticket === null || items === null) return { end: "bad_knock" };
    const shown = new GroupPolicy(this.#group);
    shown.learn(items);
    const bearer = this.#crypto.ed25519.publicKey(ticket.seed);
    const invitation = shown.item(hex(ticket.invitation));
    if (shown.member(hex(peer)) === null) return { end: "not_a_member" };
    if (invitation?.body.kind !== ItemKind.invitation || !equalBytes(invitation.body.bearer, bearer)) {
      return { end: "invalid_invitation" };
    }
    const statement: AdmissionStatement = {
      invitation: ticket.invitation,
      bearer,
      joiner: self,
      commitment: null,
      nonce,
    };
    const signer = {
      publicKey: bearer,
      sign: (message: Uint8Array) => this.#crypto.ed25519.sign(ticket.seed, message),
    };
    const proof = sealEnvelope(
      this.#crypto,
      signer,
      Purpose.admission,
      this.#group,
      encodeStatement(statement),
    );
    return { learn: items, reply: [KnockStep.prove, proof] };
  }

  /** The witness's side: what the bearer key signed must be this conversation's. */
  #onProve(peer: Uint8Array, proof: Uint8Array, now: Instant): KnockAnswer {
    const challenge = this.#challenges.get(hex(peer));
    const decoded = decodeAdmission(this.#crypto, this.#group, [proof]);
    if (challenge === undefined || !decoded.ok) return { end: "bad_knock" };
    this.#challenges.delete(hex(peer));
    const { statement } = decoded.body as AdmissionBody;
    const found = this.#usable(challenge.invitation, peer, now);
    if ("end" in found) return found;
    if (
      hex(statement.invitation) !== challenge.invitation || !equalBytes(statement.nonce, challenge.nonce) ||
      !equalBytes(statement.joiner, peer) || !equalBytes(statement.bearer, found.invitation.body.bearer)
    ) {
      return { end: "bad_knock" };
    }
    const untilMs = now.monoMs + grantMsMax;
    this.#granted.set(hex(peer), { invitation: challenge.invitation, untilMs });
    return {
      issue: decoded.body as AdmissionBody,
      replyIssued: (item) => [KnockStep.admitted, [item.bytes]],
    };
  }

  #onAdmitted(self: Uint8Array, list: Value | undefined): KnockAnswer {
    const items = this.#verified(list);
    if (items === null) return { end: "bad_knock" };
    const isOurs = items.some(({ body }) =>
      body.kind === ItemKind.admission && equalBytes(body.statement.joiner, self)
    );
    return isOurs ? { learn: items } : { end: "bad_knock" };
  }

  /** The invitation if it may still admit this peer, or why it may not. */
  #usable(
    id: string,
    peer: Uint8Array,
    now: Instant,
  ): { invitation: SignedItem<InvitationBody> } | { end: string } {
    const item = this.item(id);
    if (this.endings(hex(peer)).length > 0) return { end: "removed" };
    if (item?.body.kind !== ItemKind.invitation) return { end: "invitation_refused" };
    if (item.body.expires < now.wallMs) return { end: "invitation_expired" };
    const joiners = this.#joinersOf(id, now);
    if (!joiners.has(hex(peer)) && joiners.size >= item.body.joinersMax) return { end: "invitation_used" };
    if (this.isClosed(item)) return { end: "invitation_refused" };
    return { invitation: item as SignedItem<InvitationBody> };
  }

  /** Whom an invitation has admitted, those included whose admission is under way: two at once share no place. */
  #joinersOf(id: string, now: Instant): ReadonlySet<string> {
    const joiners = new Set(this.joinersOf(id));
    for (const [joiner, { invitation, untilMs }] of this.#granted.entries()) {
      if (invitation === id && untilMs > now.monoMs) joiners.add(joiner);
    }
    return joiners;
  }

  #verified(list: Value | undefined): AuthorityItem[] | null {
    if (!isArray(list) || list.length > chainItemsMax) return null;
    const items: AuthorityItem[] = [];
    for (const bytes of list) {
      const parsed = isBytes(bytes) ? parseItem(this.#crypto, this.#group, bytes) : null;
      if (parsed === null || !parsed.ok || isData(parsed.item) || parsed.item.body.kind === ItemKind.list) {
        return null;
      }
      if (!verifyItem(this.#crypto, this.#group, parsed.item)) return null;
      items.push(parsed.item as AuthorityItem);
    }
    return items;
  }
}
