/** The steps of joining, with an honest other end and with one that lies. */

import assert from "node:assert/strict";
import { hex } from "../../../lib/base/bytes.ts";
import { SeededRandom } from "../../../lib/base/random.ts";
import type { KnockAnswer } from "../../../lib/graph/policy.ts";
import { foundGroup, type Founding } from "../../../lib/groups/founding.ts";
import type { InvitationTicket } from "../../../lib/groups/invitation.ts";
import { chainItemsMax } from "../../../lib/groups/limits.ts";
import { KnockStep, Membership } from "../../../lib/groups/membership.ts";
import { RoleBit } from "../../../lib/groups/roles.ts";
import { encodeStatement } from "../../../lib/records/body_codec.ts";
import {
  type AdmissionStatement,
  type AuthorityItem,
  type InvitationBody,
  ItemKind,
  type SignedItem,
} from "../../../lib/records/item.ts";
import { createList } from "../../../lib/records/item_codec.ts";
import type { Value } from "../../../lib/wire/codec.ts";
import { sealEnvelope, type Signer } from "../../../lib/wire/envelope.ts";
import { Purpose } from "../../../lib/wire/purposes.ts";
import {
  admissionBody,
  bytesOf,
  credentialBody,
  fixtureCrypto as crypto,
  keyOf,
  signedItem,
} from "../../fixtures/items.ts";

const wallMs = 1_900_000_000_000;
const now = { monoMs: 0, wallMs };
const [founder, joiner, stranger] = [keyOf("founder"), keyOf("joiner"), keyOf("stranger")];
const [self, peer] = [founder.publicKey, joiner.publicKey];

/** A group, its founder as witness, and one who holds an invitation. */
class Scene {
  readonly founding: Founding = foundGroup(crypto, new SeededRandom(7), founder.publicKey, "Herons", wallMs);
  readonly bearer: Signer = keyOf("bearer");
  readonly invitation: SignedItem<InvitationBody>;
  readonly ticket: InvitationTicket;
  readonly witness: Membership;
  readonly joining: Membership;
  #seq = 10;

  constructor(fields: Partial<InvitationBody> = {}) {
    this.invitation = this.issue(founder, {
      ...{ kind: ItemKind.invitation, bearer: this.bearer.publicKey, joinersMax: 1, roles: RoleBit.member },
      ...{ expires: wallMs + 1_000, discovery: null },
      ...fields,
    }) as SignedItem<InvitationBody>;
    const { group } = this.founding;
    this.ticket = { group, invitation: this.invitation.hash, seed: bytesOf("bearer"), endpoints: [] };
    this.witness = this.membership(null);
    this.witness.learn([this.founding.founding, this.founding.credential, this.invitation]);
    this.joining = this.membership(this.ticket);
  }

  membership(ticket: InvitationTicket | null): Membership {
    const random = new SeededRandom(8);
    return new Membership({ group: this.founding.group, crypto, random, ticket });
  }

  issue(
    by: Signer,
    body: Parameters<typeof signedItem>[2],
    credential: Uint8Array = this.founding.credential.hash,
  ): AuthorityItem {
    const head = { at: wallMs, seq: this.#seq++, credential };
    return signedItem(by, this.founding.group, body, head) as AuthorityItem;
  }

  /** The witness's challenge, after the joiner named its invitation. */
  challenge(): KnockAnswer & { readonly reply: [number, Uint8Array[], Uint8Array] } {
    const begin = this.joining.beginKnock(peer, self, now)!;
    assert.deepEqual(begin, [KnockStep.begin, this.ticket.invitation]);
    return this.witness.answerKnock(self, peer, begin, now) as ReturnType<Scene["challenge"]>;
  }

  /** What the joiner, or somebody, proves about a statement. */
  proof(fields: Partial<AdmissionStatement>, by: Signer = this.bearer, scope = this.founding.group): Value {
    const statement = {
      ...{ invitation: this.ticket.invitation, bearer: by.publicKey, joiner: peer, commitment: null },
      nonce: new Uint8Array(16),
      ...fields,
    };
    return [KnockStep.prove, sealEnvelope(crypto, by, Purpose.admission, scope, encodeStatement(statement))];
  }
}

Deno.test("[S33] joining: begin, challenge, proof, admission; then both know of a member", () => {
  const scene = new Scene();
  const { witness, joining } = scene;
  const challenge = scene.challenge();
  const { founding, credential } = scene.founding;
  const chain = [founding, credential, scene.invitation].map((item) => item.bytes);
  assert.deepEqual(challenge, { reply: [KnockStep.challenge, chain, challenge.reply[2]] });
  const proven = joining.answerKnock(peer, self, challenge.reply, now);
  assert.deepEqual(proven.learn!.map((item) => item.bytes), chain);
  const admitted = witness.answerKnock(self, peer, proven.reply!, now);
  assert(admitted.issue?.kind === ItemKind.admission && admitted.replyIssued !== undefined);
  assert.equal(admitted.reply, undefined, "nothing is said before it is durable");
  const admission = scene.issue(founder, admitted.issue);
  witness.learn([admission]);
  const last = joining.answerKnock(peer, self, admitted.replyIssued(admission), now);
  joining.learn([...proven.learn!, ...last.learn!] as AuthorityItem[]);
  for (const policy of [witness, joining]) {
    assert(policy.mayConnect(peer));
    assert.deepEqual(policy.credentialOf(peer), admission.hash);
    assert.deepEqual(policy.proofOf(peer).map((item) => item.id).at(-1), admission.id);
    assert.equal(policy.member(hex(peer))!.roles, RoleBit.member);
  }
});

Deno.test("a witness refuses: unknown, expired, used, removed; and who is no member witnesses nothing", () => {
  const begin = (scene: Scene, at = wallMs) =>
    scene.witness.answerKnock(self, peer, [KnockStep.begin, scene.ticket.invitation], {
      monoMs: 0,
      wallMs: at,
    });
  assert.deepEqual(begin(new Scene(), wallMs + 1_001), { end: "invitation_expired" });
  assert("reply" in begin(new Scene(), wallMs + 1_000));
  const unknown = [KnockStep.begin, bytesOf("unknown")];
  assert.deepEqual(new Scene().witness.answerKnock(self, peer, unknown, now), { end: "invitation_refused" });
  const notOne = [KnockStep.begin, new Scene().founding.credential.hash];
  assert.deepEqual(new Scene().witness.answerKnock(self, peer, notOne, now), { end: "invitation_refused" });
  assert.deepEqual(
    new Scene().witness.answerKnock(stranger.publicKey, peer, [KnockStep.begin, bytesOf("x")], now),
    { end: "not_a_member" },
  );
  const used = new Scene();
  admit(used, stranger);
  assert.deepEqual(begin(used), { end: "invitation_used" });
  const removed = new Scene();
  remove(removed, admit(removed, joiner));
  assert.deepEqual(begin(removed), { end: "removed" });
  assert(removed.witness.reasonsAgainst(peer).some(({ body }) => body.kind === ItemKind.removal));
  removed.joining.learn(
    [...removed.witness.items(), ...removed.witness.reasonsAgainst(peer)] as AuthorityItem[],
  );
  assert.equal(removed.joining.beginKnock(peer, self, now), null, "nor does it ask again");
  const closed = new Scene({ joinersMax: 9 });
  remove(closed, admit(closed, stranger));
  assert.deepEqual(begin(closed), { end: "invitation_refused" });
});

Deno.test("who was admitted by an invitation may ask again, though it is used", () => {
  const scene = new Scene();
  admit(scene, joiner);
  assert("reply" in scene.witness.answerKnock(self, peer, [KnockStep.begin, scene.ticket.invitation], now));
});

Deno.test("[S10] a joiner proves nothing without a whole chain from the group to the witness and the invitation", () => {
  const scene = new Scene();
  const [step, chain, nonce] = scene.challenge().reply;
  const [founding, credential, invitation] = chain as [Uint8Array, Uint8Array, Uint8Array];
  const other = foundGroup(crypto, new SeededRandom(9), founder.publicKey, "Herons", wallMs);
  const altered = founding.with(founding.length - 1, founding.at(-1)! ^ 1);
  const list = createList(crypto, [])[0]!.bytes;
  const cases: [string, Value, string][] = [
    ["not_a_member", [credential, invitation], "no founding"],
    ["not_a_member", [founding, invitation], "no credential of the witness"],
    ["invalid_invitation", [founding, credential], "no invitation"],
    [
      "bad_knock",
      [other.founding.bytes, other.credential.bytes, invitation],
      "a chain to another group key",
    ],
    ["not_a_member", [other.founding.bytes, credential, invitation], "another group's founding"],
    ["bad_knock", [altered, credential, invitation], "an altered founding"],
    ["bad_knock", [founding, credential, invitation, list], "what is no authority item"],
    ["bad_knock", [founding, credential, 7], "what is no bytes"],
    ["bad_knock", founding, "no list"],
    ["bad_knock", Array.from({ length: chainItemsMax + 1 }, () => founding), "too many"],
    ["not_a_member", [], "nothing"],
  ];
  for (const [end, list, why] of cases) {
    assert.deepEqual(scene.joining.answerKnock(peer, self, [step, list, nonce], now), { end }, why);
  }
  const answer = scene.joining.answerKnock(peer, stranger.publicKey, [step, chain, nonce], now);
  assert.deepEqual(answer, { end: "not_a_member" }, "another's chain");
  assert.deepEqual(
    scene.joining.answerKnock(peer, self, [step, chain, nonce.slice(1)], now),
    { end: "bad_knock" },
    "a short nonce",
  );
  assert.deepEqual(scene.witness.answerKnock(self, peer, [step, chain, nonce], now), { end: "bad_knock" });
});

Deno.test("a joiner whose seed is not the invitation's proves nothing by it", () => {
  const scene = new Scene();
  const joining = scene.membership({ ...scene.ticket, seed: bytesOf("another seed") });
  assert.deepEqual(joining.answerKnock(peer, self, scene.challenge().reply, now), {
    end: "invalid_invitation",
  });
});

Deno.test("a proof counts for its own conversation only: nonce, joiner, invitation, bearer, group", () => {
  const elsewhere = new Scene();
  const cases: [string, (scene: Scene, nonce: Uint8Array) => Value][] = [
    ["another nonce", (scene) => scene.proof({})],
    ["another joiner", (scene, nonce) => scene.proof({ nonce, joiner: stranger.publicKey })],
    ["another invitation", (scene, nonce) => scene.proof({ nonce, invitation: bytesOf("another") })],
    ["another bearer", (scene, nonce) => scene.proof({ nonce }, stranger)],
    [
      "bearer not the signer",
      (scene, nonce) => scene.proof({ nonce, bearer: scene.bearer.publicKey }, stranger),
    ],
    ["another group", (scene, nonce) => scene.proof({ nonce }, scene.bearer, bytesOf("another group"))],
    ["no envelope", () => [KnockStep.prove, Uint8Array.of(1, 2)]],
    ["no bytes", () => [KnockStep.prove, null]],
  ];
  for (const [why, forge] of cases) {
    const scene = new Scene();
    const nonce = scene.challenge().reply[2];
    assert.deepEqual(
      scene.witness.answerKnock(self, peer, forge(scene, nonce), now),
      { end: "bad_knock" },
      why,
    );
  }
  assert.deepEqual(elsewhere.witness.answerKnock(self, peer, elsewhere.proof({}), now), { end: "bad_knock" });
});

Deno.test("a nonce serves once, whoever uses it, and another joiner's does not serve", () => {
  const scene = new Scene({ joinersMax: 9 });
  const nonce = scene.challenge().reply[2];
  const good = scene.proof({ nonce });
  const answer = scene.witness.answerKnock(self, stranger.publicKey, good, now);
  assert.deepEqual(answer, { end: "bad_knock" }, "the stranger has no nonce");
  assert(scene.witness.answerKnock(self, peer, good, now).issue !== undefined);
  assert.deepEqual(scene.witness.answerKnock(self, peer, good, now), { end: "bad_knock" }, "a second time");
});

Deno.test("what changed between the challenge and the proof counts", () => {
  const scene = new Scene();
  const nonce = scene.challenge().reply[2];
  admit(scene, stranger);
  assert.deepEqual(scene.witness.answerKnock(self, peer, scene.proof({ nonce }), now), {
    end: "invitation_used",
  });
  const late = new Scene();
  const lateNonce = late.challenge().reply[2];
  const then = { monoMs: 0, wallMs: wallMs + 5_000 };
  assert.deepEqual(
    late.witness.answerKnock(self, peer, late.proof({ nonce: lateNonce }), then),
    { end: "invitation_expired" },
  );
});

Deno.test("a joiner takes no admission but its own", () => {
  const scene = new Scene();
  const own = admit(new Scene(), joiner);
  const others = admit(new Scene(), stranger);
  const say = (content: Value) => scene.joining.answerKnock(peer, self, [KnockStep.admitted, content], now);
  assert.equal(say([own.bytes]).learn!.length, 1);
  assert.deepEqual(say([others.bytes]), { end: "bad_knock" });
  assert.deepEqual(say([own.bytes.with(-1, own.bytes.at(-1)! ^ 1)]), { end: "bad_knock" });
  assert.deepEqual(say([scene.invitation.bytes]), { end: "bad_knock" });
  for (const none of [[], null, own.bytes, [1]]) assert.deepEqual(say(none), { end: "bad_knock" });
});

Deno.test("[X09] a knock that is none is refused, whatever it is", () => {
  const scene = new Scene();
  for (
    const content of [null, 1, "begin", [], [9], [-1], [KnockStep.begin], [
      KnockStep.begin,
      bytesOf("x").slice(1),
    ]]
  ) {
    for (const policy of [scene.witness, scene.joining]) {
      assert.deepEqual(
        policy.answerKnock(self, peer, content, now),
        { end: "bad_knock" },
        JSON.stringify(content),
      );
    }
  }
  assert.equal(scene.witness.beginKnock(self, peer, now), null, "a member has nothing to join");
});

Deno.test("who came too late is shown the admission that stands", () => {
  const scene = new Scene();
  const low = admit(scene, joiner);
  // The witness below ranks lower than the founder, whatever came first.
  const given = scene.issue(founder, credentialBody(stranger.publicKey, RoleBit.member));
  scene.witness.learn([given]);
  const loser = keyOf("loser");
  const surplus = admit(scene, loser, stranger, given.hash);
  assert.equal(scene.witness.judgeAuthority(surplus), "void");
  const reasons = scene.witness.reasonsAgainst(loser.publicKey);
  assert(reasons.some((item) => item.id === low.id));
  const blank = scene.membership(null);
  blank.learn([...scene.witness.chain(scene.witness.standingAt(given.id)!), scene.invitation, surplus]);
  assert(blank.mayConnect(loser.publicKey), "without them it stands");
  blank.learn(reasons as AuthorityItem[]);
  assert(!blank.mayConnect(loser.publicKey));
  assert.deepEqual(scene.witness.reasonsAgainst(keyOf("nobody").publicKey), []);
});

Deno.test("a chain that no message holds is not sent, however it was made", () => {
  const scene = new Scene();
  const items: AuthorityItem[] = [];
  // Each admission has two parents of its own: the items double with each step down.
  const grow = (depth: number): { signer: Signer; credential: Uint8Array } => {
    if (depth === 1) return { signer: founder, credential: scene.founding.credential.hash };
    const [issuer, witness] = [grow(depth - 1), grow(depth - 1)];
    const bearer = keyOf(`bearer ${items.length}`);
    const invitation = scene.issue(issuer.signer, {
      ...{ kind: ItemKind.invitation, bearer: bearer.publicKey, joinersMax: 1, roles: RoleBit.admin },
      ...{ expires: wallMs + 1_000, discovery: null },
    }, issuer.credential);
    const signer = keyOf(`admin ${items.length}`);
    const body = admissionBody(bearer, scene.founding.group, invitation.hash, signer.publicKey);
    const admission = scene.issue(witness.signer, body, witness.credential);
    items.push(invitation, admission);
    return { signer, credential: admission.hash };
  };
  const deep = grow(7);
  const invitation = scene.issue(deep.signer, { ...scene.invitation.body }, deep.credential);
  scene.witness.learn([...items, invitation]);
  assert(scene.witness.mayConnect(deep.signer.publicKey));
  const answer = scene.witness.answerKnock(self, peer, [KnockStep.begin, invitation.hash], now);
  assert.deepEqual(answer, { end: "chain_too_long" });
});

/** Admits somebody by the scene's invitation; the witness knows of it. */
function admit(
  scene: Scene,
  who: Signer,
  witness: Signer = founder,
  credential: Uint8Array = scene.founding.credential.hash,
): AuthorityItem {
  const proof = scene.proof({ joiner: who.publicKey }) as [number, Uint8Array];
  const statement: AdmissionStatement = {
    ...{ invitation: scene.ticket.invitation, bearer: scene.bearer.publicKey, joiner: who.publicKey },
    ...{ commitment: null, nonce: new Uint8Array(16) },
  };
  const admission = scene.issue(
    witness,
    { kind: ItemKind.admission, proof: proof[1], statement },
    credential,
  );
  scene.witness.learn([admission]);
  return admission;
}

/** Removes who was admitted, closing the invitation; nothing but the admission stays. */
function remove(scene: Scene, admission: AuthorityItem): void {
  assert(admission.body.kind === ItemKind.admission);
  const list = createList(crypto, [admission.hash])[0]!;
  const subject = admission.body.statement.joiner;
  const closes = [scene.invitation.hash];
  const removal = scene.issue(founder, { kind: ItemKind.removal, subject, list: list.hash, closes });
  scene.witness.learn([list, removal]);
}
