/** The groups of a peer: founding, joining, and those that its store holds. */

import { addressText } from "../base/address.ts";
import { hex } from "../base/bytes.ts";
import { type ErrorCode, PeerError, throwIfAborted } from "../base/errors.ts";
import type { Address } from "../base/ports.ts";
import { itemEntry, Slots } from "../graph/keeping.ts";
import { foundGroup } from "../groups/founding.ts";
import { type InvitationTicket, parseInvitation } from "../groups/invitation.ts";
import { Membership } from "../groups/membership.ts";
import { nameCodePointsMax } from "../records/limits.ts";
import { encode, isWireText } from "../wire/codec.ts";
import type { GraphDriver } from "./driver.ts";
import { eventsOf } from "./driver.ts";
import { addressOf } from "./graph_handle.ts";
import { GroupHandle } from "./group_handle.ts";
import { graphsMax, joinMsDefault, joinRetryMsMax, joinRetryMsMin } from "./limits.ts";
import type { PeerCore } from "./peer_core.ts";
import type { Group, Groups, JoinOptions, WaitOptions } from "./surface.ts";

/** Implements {@linkcode Groups}. */
export class GroupsHandle implements Groups {
  readonly #core: PeerCore;
  readonly #open = new Map<string, GroupHandle>();
  readonly #joining = new Set<string>();

  constructor(core: PeerCore) {
    this.#core = core;
  }

  async create(name: string, options: WaitOptions = {}): Promise<Group> {
    throwIfAborted(options.signal, "Creating the group");
    requireGroupName(name);
    const { crypto, random, clock } = this.#core.ports;
    const founded = foundGroup(crypto, random, this.#core.signer.publicKey, name, clock.now().wallMs);
    const { group, seed } = founded;
    this.#requireRoom();
    await this.#core.keys.keepGroup(group, seed);
    const items = [founded.founding, founded.credential];
    const slots = new Slots(group);
    const sets = items.map((item, i) => itemEntry(crypto, slots, item, i + 1));
    await this.#core.commit({ sets: [...sets, groupEntry(group, this.#core.identity.id)] });
    return await this.#opened(group);
  }

  async join(invitation: string, options: JoinOptions = {}): Promise<Group> {
    const { crypto } = this.#core.ports;
    const ticket = parseInvitation(crypto, invitation);
    if (ticket === null) {
      throw new PeerError(
        "invalid_invitation",
        "Cannot join: the text is no invitation, or not all of it; copy the whole line",
      );
    }
    const id = hex(ticket.group);
    const known = this.#open.get(id);
    if (known !== undefined) return known;
    if (this.#joining.has(id)) {
      throw new PeerError(
        "already_open",
        "Cannot join: this peer is joining that group already; await the first call",
      );
    }
    this.#requireRoom();
    const addresses = [
      ...ticket.endpoints.map(({ address }) => address),
      ...(options.endpoints ?? []).map(addressOf),
    ];
    this.#joining.add(id);
    try {
      return await this.#core.within(
        "Joining the group",
        options,
        joinMsDefault,
        (signal) => this.#join(ticket, addresses, signal),
      );
    } catch (error) {
      if (!(error instanceof PeerError) || error.code !== "timeout") throw error;
      const tried = addresses.map(addressText).join(", ") || "none: the invitation names no endpoint";
      throw new PeerError(
        "no_members_reachable",
        `Cannot join: no member of the group answered (tried ${tried})`,
        {
          cause: error,
        },
      );
    } finally {
      this.#joining.delete(id);
    }
  }

  get(id: string): Group | null {
    return this.list().find((group) => group.id === id) ?? null;
  }

  list(): Group[] {
    return [...this.#open.values()];
  }

  /** Opens the groups that the store holds for this identity. */
  async openStored(): Promise<void> {
    for await (const { key } of this.#core.opened.store.list(["groups", this.#core.identity.id])) {
      if (key[2] instanceof Uint8Array) await this.#opened(key[2]);
    }
  }

  /** Closes all of them. */
  async close(): Promise<void> {
    for (const group of this.list()) await group.close();
  }

  async #join(ticket: InvitationTicket, addresses: readonly Address[], signal: AbortSignal): Promise<Group> {
    const membership = this.#membership(ticket.group, ticket);
    const driver = this.#core.createDriver(ticket.group, membership);
    try {
      await driver.open();
      const caughtUp = this.#caughtUp(driver, signal);
      this.#core.track(this.#reach(driver, addresses, signal));
      await caughtUp;
      await this.#core.commit({ sets: [groupEntry(ticket.group, this.#core.identity.id)] });
    } catch (error) {
      await driver.close();
      throw error;
    }
    const handle = new GroupHandle(
      this.#core,
      driver,
      membership,
      () => this.#open.delete(hex(ticket.group)),
    );
    this.#open.set(hex(ticket.group), handle);
    return handle;
  }

  /** Resolves after the first catch-up with a member; rejects when a member refuses for good. */
  async #caughtUp(driver: GraphDriver, signal: AbortSignal): Promise<void> {
    for await (const event of eventsOf(driver.events.subscribe(signal))) {
      if (event.kind === "synchronised") return;
      const refusal = event.kind === "refused" ? refusals.get(event.reason) : undefined;
      if (refusal !== undefined) throw new PeerError(refusal[0], `Cannot join: ${refusal[1]}`);
    }
    throw signal.aborted ? signal.reason : new PeerError("closed", "Cannot join: the peer was closed");
  }

  /** Dials every endpoint, again and again until the wait ends. */
  async #reach(driver: GraphDriver, addresses: readonly Address[], signal: AbortSignal): Promise<void> {
    const { timers } = this.#core.ports;
    for (let pauseMs = joinRetryMsMin; !signal.aborted; pauseMs = Math.min(2 * pauseMs, joinRetryMsMax)) {
      const hasNeighbor = driver.replica.neighbors().length > 0;
      if (!hasNeighbor) {
        await Promise.allSettled(addresses.map(async (address) => {
          const link = await this.#core.links.connect(address, { signal });
          if (!driver.isClosed) driver.openChannel(link);
        }));
      }
      await new Promise<void>((resolve) => {
        const timer = timers.set(pauseMs, resolve);
        signal.addEventListener("abort", () => (timer.cancel(), resolve()), { once: true });
      });
    }
  }

  async #opened(group: Uint8Array): Promise<GroupHandle> {
    const membership = this.#membership(group, null);
    const driver = this.#core.createDriver(group, membership);
    const handle = new GroupHandle(this.#core, driver, membership, () => this.#open.delete(hex(group)));
    this.#open.set(hex(group), handle);
    try {
      await driver.open();
    } catch (error) {
      await handle.close();
      throw error;
    }
    return handle;
  }

  #membership(group: Uint8Array, ticket: InvitationTicket | null): Membership {
    const { crypto, random } = this.#core.ports;
    return new Membership({ group, crypto, random, ticket });
  }

  #requireRoom(): void {
    if (this.#open.size + this.#joining.size < graphsMax) return;
    throw new PeerError("too_many", `Cannot take part in one more group: this peer has ${graphsMax}`);
  }
}

function groupEntry(group: Uint8Array, identity: string) {
  return { key: ["groups", identity, group], value: encode([1]) } as const;
}

function requireGroupName(name: string): void {
  const length = [...name].length;
  if (length >= 1 && length <= nameCodePointsMax && isWireText(name) && !/\p{Cc}/u.test(name)) return;
  throw new RangeError(
    `Cannot create the group: its name must have 1 to ${nameCodePointsMax} characters of Unicode text in NFC, no control characters`,
  );
}

/** What a member's refusal means to the joiner; reasons that are not here may pass, and another member is tried. */
const refusals: ReadonlyMap<string, readonly [ErrorCode, string]> = new Map([
  ["invitation_expired", ["invitation_expired", "the invitation's time is over; ask for a new one"]],
  ["invitation_used", [
    "invitation_used",
    "the invitation has admitted as many as it may; ask for a new one",
  ]],
  [
    "invitation_refused",
    [
      "invitation_refused",
      "the member does not know the invitation, or it admits nobody any more; ask for a new one",
    ],
  ],
  ["invalid_invitation", ["invalid_invitation", "the invitation is not one of this group"]],
  ["removed", [
    "removed",
    "this identity was removed from the group or has left it; join as another identity",
  ]],
]);
