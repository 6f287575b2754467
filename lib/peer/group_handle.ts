/** A group, as users hold it. */

import { parseEndpoint } from "../base/address.ts";
import { assert } from "../base/assert.ts";
import { fromHex, hex } from "../base/bytes.ts";
import { PeerError } from "../base/errors.ts";
import { leaveOf, removalOf } from "../groups/ending.ts";
import type { MemberStanding } from "../groups/group_policy.ts";
import { invitationText } from "../groups/invitation.ts";
import { invitationLifeMsDefault, invitationLifeMsMax } from "../groups/limits.ts";
import type { Membership } from "../groups/membership.ts";
import { isAllowed, type Permission, RoleBit, roleNames } from "../groups/roles.ts";
import { peerIdText } from "../identity/peer_id.ts";
import type { ReplicaEvent } from "../graph/machine.ts";
import { type AuthorityBody, type InvitationBody, ItemKind, type ListItem } from "../records/item.ts";
import { joinersMaxMax } from "../records/limits.ts";
import type { GraphDriver } from "./driver.ts";
import { GraphHandle } from "./graph_handle.ts";
import type { PeerCore } from "./peer_core.ts";
import { timeOf } from "./records_handle.ts";
import type {
  GraphEvent,
  Group,
  InviteOptions,
  MemberInfo,
  Members,
  RemoveOptions,
  WaitOptions,
} from "./surface.ts";

/** Implements {@linkcode Group} on a driver whose policy is a membership. */
export class GroupHandle extends GraphHandle implements Group {
  readonly members: Members;
  readonly #membership: Membership;

  constructor(core: PeerCore, driver: GraphDriver, membership: Membership, onClose: () => void) {
    super(core, driver, onClose);
    this.#membership = membership;
    this.members = {
      list: () => this.#list(),
      get: (peer) => this.#get(peer),
      remove: (peer, options) => this.#remove(peer, options),
    };
  }

  get name(): string {
    return this.#membership.name ?? "";
  }

  async invite(options: InviteOptions = {}): Promise<string> {
    this.driver.closing.throwIfAborted();
    this.#require("invite", "invite");
    const { crypto, random, clock } = this.core.ports;
    const uses = options.uses ?? 1;
    const lifeMs = options.lifeMs ?? invitationLifeMsDefault;
    if (!Number.isInteger(uses) || uses < 1 || uses > joinersMaxMax) {
      throw new RangeError(`Cannot invite: 'uses' must be 1 to ${joinersMaxMax}, and it is ${uses}`);
    }
    if (!Number.isInteger(lifeMs) || lifeMs < 1 || lifeMs > invitationLifeMsMax) {
      throw new RangeError(
        `Cannot invite: 'lifeMs' must be 1 to ${invitationLifeMsMax}, and it is ${lifeMs}`,
      );
    }
    const seed = random.bytes(32);
    const body: InvitationBody = {
      kind: ItemKind.invitation,
      bearer: crypto.ed25519.publicKey(seed),
      joinersMax: uses,
      roles: options.role === "admin" ? RoleBit.admin : RoleBit.member,
      expires: clock.now().wallMs + lifeMs,
      discovery: null,
    };
    const [item] = await this.#issue([body], [], options.signal);
    const endpoints = this.core.endpoints().map(parseEndpoint).filter((endpoint) => endpoint !== null);
    return invitationText(crypto, {
      group: this.driver.replica.graph,
      invitation: item!.hash,
      seed,
      endpoints,
    });
  }

  async leave(options: WaitOptions = {}): Promise<void> {
    this.driver.closing.throwIfAborted();
    this.#require("leave", "leave");
    const { replica } = this.driver;
    const leave = leaveOf(this.core.ports.crypto, this.#membership, replica.set, this.core.signer.publicKey);
    await this.#issue(leave.bodies, leave.lists, options.signal);
  }

  protected override standing(): "in" | "joining" | "removed" {
    const self = hex(this.core.signer.publicKey);
    if (this.#membership.member(self) !== null) return "in";
    return this.#membership.standings(self).length > 0 ? "removed" : "joining";
  }

  protected override memberTracker(): (event: ReplicaEvent) => GraphEvent[] {
    // Each reader compares with what it was told last, so that each change is told once to each.
    let known = this.#membership.members();
    return (event) => {
      if (event.kind !== "authority") return [];
      const members = this.#membership.members();
      const events = this.#differences(known, members);
      known = members;
      for (const { body } of event.left) {
        if (body.kind !== ItemKind.admission) continue;
        const peer = peerIdText(this.core.ports.crypto, body.statement.joiner);
        events.push({ kind: "admissionWithdrawn", peer });
      }
      return events;
    };
  }

  #differences(
    before: ReadonlyMap<string, MemberStanding>,
    after: ReadonlyMap<string, MemberStanding>,
  ): GraphEvent[] {
    const events: GraphEvent[] = [];
    for (const [lineage, standing] of after) {
      const earlier = before.get(lineage);
      if (earlier === undefined) events.push({ kind: "memberJoined", member: this.#info(standing) });
      else if (earlier.roles !== standing.roles) {
        events.push({ kind: "memberChanged", member: this.#info(standing) });
      }
    }
    for (const [lineage, standing] of before) {
      if (!after.has(lineage)) events.push({ kind: "memberRemoved", member: this.#info(standing) });
    }
    return events;
  }

  #list(): MemberInfo[] {
    const members = [...this.#membership.members().values()].map((standing) => this.#info(standing));
    return members.sort((a, b) => Number(b.self) - Number(a.self) || (a.peer < b.peer ? -1 : 1));
  }

  #get(peer: string): MemberInfo | null {
    const standing = this.#membership.member(hex(this.keyOf(peer)));
    return standing === null ? null : this.#info(standing);
  }

  async #remove(peer: string, options: RemoveOptions = {}): Promise<void> {
    this.driver.closing.throwIfAborted();
    this.#require("remove", "remove members");
    const subject = this.keyOf(peer);
    const member = this.#membership.member(hex(subject));
    const self = this.#membership.member(hex(this.core.signer.publicKey))!;
    if (member === null) {
      throw new PeerError("not_a_member", `Cannot remove ${peer}: it is no member of this group`);
    }
    if (member.standing.rank <= self.standing.rank) {
      throw new PeerError(
        "not_authorized",
        `Cannot remove ${peer}: its rank in the group is not below yours; ask whoever invited it`,
      );
    }
    const undoSince = options.undoSince === undefined ? null : timeOf(options.undoSince, "undoSince");
    const { replica } = this.driver;
    const removal = removalOf(this.core.ports.crypto, this.#membership, replica.set, subject, undoSince);
    await this.#issue(removal.bodies, removal.lists, options.signal);
  }

  async #issue(bodies: readonly AuthorityBody[], lists: readonly ListItem[], signal?: AbortSignal) {
    const outcome = await this.driver.call({ kind: "issue", bodies, lists }, signal);
    assert(outcome.kind === "issued", "issuing yields items");
    return outcome.items;
  }

  #require(permission: Permission, action: string): void {
    const self = this.#membership.member(hex(this.core.signer.publicKey));
    if (self === null) {
      throw new PeerError(
        "removed",
        `Cannot ${action}: this identity is no member of the group any more; join as another one`,
      );
    }
    if (isAllowed(self.roles, permission)) return;
    throw new PeerError(
      "not_authorized",
      `Cannot ${action}: your role is ${roleNames(self.roles).join(", ")}; ask an admin`,
    );
  }

  #info({ lineage, roles }: MemberStanding): MemberInfo {
    const key = fromHex(lineage)!;
    return {
      peer: peerIdText(this.core.ports.crypto, key),
      roles: roleNames(roles),
      self: lineage === hex(this.core.signer.publicKey),
      connected: this.openNeighbors().some(({ id }) => id === lineage),
    };
  }
}
