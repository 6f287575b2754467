/** The groups of a peer: founding, joining, and those that its store holds. */

import { addressText } from "../base/address.ts";
import { hex } from "../base/bytes.ts";
import { type ErrorCode, messageOf, PeerError, throwIfAborted } from "../base/errors.ts";
import type { Address } from "../base/ports.ts";
import { itemEntry, Slots } from "../graph/keeping.ts";
import { foundGroup } from "../groups/founding.ts";
import { type InvitationTicket, parseInvitation } from "../groups/invitation.ts";
import { Membership } from "../groups/membership.ts";
import { nameCodePointsMax } from "../records/limits.ts";
import { encode, isWireText } from "../wire/codec.ts";
import type { GraphDriver } from "./driver.ts";
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
    return await this.#core.run("Creating the group", () => this.#create(name, options.signal));
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
    const addresses = [
      ...ticket.endpoints.map(({ address }) => address),
      ...(options.endpoints ?? []).map(addressOf),
    ];
    throwIfAborted(options.signal, "Joining the group");
    const id = hex(ticket.group);
    const known = this.#open.get(id);
    if (known?.status().state === "removed") throw refusalError("removed");
    if (known !== undefined) return known;
    if (this.#joining.has(id)) {
      throw new PeerError(
        "already_open",
        "Cannot join: this peer is joining that group already; await the first call",
      );
    }
    this.#requireRoom();
    this.#joining.add(id);
    try {
      return await this.#core.run("Joining the group", () => this.#joinWithin(ticket, addresses, options));
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

  async #create(name: string, signal: AbortSignal | undefined): Promise<Group> {
    const { crypto, random, clock } = this.#core.ports;
    const founded = foundGroup(crypto, random, this.#core.signer.publicKey, name, clock.now().wallMs);
    const { group, seed } = founded;
    this.#requireRoom();
    await this.#core.keys.keepGroup(group, seed);
    const items = [founded.founding, founded.credential];
    const slots = new Slots(group);
    const sets = items.map((item, i) => itemEntry(crypto, slots, item, i + 1));
    const change = { sets: [...sets, groupEntry(group, this.#core.identity.id)] };
    await this.#core.commit("Creating the group", change, signal);
    return await this.#opened(group);
  }

  async #joinWithin(
    ticket: InvitationTicket,
    addresses: readonly Address[],
    options: JoinOptions,
  ): Promise<Group> {
    if (addresses.length === 0) {
      throw new PeerError(
        "no_members_reachable",
        "Cannot join: the invitation names no endpoint; give one of a member in 'endpoints'",
      );
    }
    const reach: Reach = { failures: new Map(), hasAnswered: false };
    try {
      return await this.#core.within(
        "Joining the group",
        options,
        joinMsDefault,
        (signal) => this.#join(ticket, addresses, reach, signal),
      );
    } catch (error) {
      const isLate = error instanceof PeerError && error.code === "timeout";
      throw isLate && !reach.hasAnswered ? unreachedError(addresses, reach, error) : error;
    }
  }

  async #join(
    ticket: InvitationTicket,
    addresses: readonly Address[],
    reach: Reach,
    signal: AbortSignal,
  ): Promise<Group> {
    const membership = this.#membership(ticket.group, ticket);
    const driver = this.#core.createDriver(ticket.group, membership);
    try {
      await driver.open();
      const caughtUp = this.#caughtUp(driver, reach, signal);
      const reaching = this.#reach(driver, addresses, reach, signal);
      this.#core.track(reaching.catch(() => {
        /* told by the race below */
      }));
      await Promise.race([caughtUp, reaching.then(() => caughtUp)]);
      const change = { sets: [groupEntry(ticket.group, this.#core.identity.id)] };
      await this.#core.commit("Joining the group", change, signal);
    } catch (error) {
      await driver.close();
      throw error;
    }
    return this.#handle(ticket.group, driver, membership);
  }

  /** Resolves after the first catch-up with a member; rejects when a member refuses for good. */
  async #caughtUp(driver: GraphDriver, reach: Reach, signal: AbortSignal): Promise<void> {
    for await (const delivery of driver.events.subscribe(signal)) {
      if (driver.replica.neighbors().some(({ isSynchronised }) => isSynchronised)) return;
      if (delivery.kind === "gap") continue;
      const { event } = delivery;
      if (event.kind === "neighborUp") reach.hasAnswered = true;
      if (event.kind !== "refused") continue;
      if (refusals.has(event.reason)) throw refusalError(event.reason);
      reach.failures.set("a member", `refused for now: ${event.reason.replaceAll("_", " ")}`);
    }
    throw signal.aborted ? signal.reason : new PeerError("closed", "Cannot join: the peer was closed");
  }

  /** Dials every endpoint, again and again until the wait ends; rejects if none may be dialled at all. */
  async #reach(
    driver: GraphDriver,
    addresses: readonly Address[],
    reach: Reach,
    signal: AbortSignal,
  ): Promise<void> {
    const { timers } = this.#core.ports;
    for (let pauseMs = joinRetryMsMin; !signal.aborted; pauseMs = Math.min(2 * pauseMs, joinRetryMsMax)) {
      if (driver.replica.neighbors().length === 0) {
        const errors = await Promise.all(addresses.map((address) => this.#dial(driver, address, signal)));
        for (const [i, error] of errors.entries()) {
          if (error !== null) reach.failures.set(addressText(addresses[i]!), messageOf(error));
        }
        const isDenied = (error: unknown) => error instanceof PeerError && error.code === "permission_denied";
        if (errors.every(isDenied)) throw errors[0];
      }
      await new Promise<void>((resolve) => {
        const end = () => {
          timer.cancel();
          signal.removeEventListener("abort", end);
          resolve();
        };
        const timer = timers.set(pauseMs, end);
        if (signal.aborted) end();
        else signal.addEventListener("abort", end);
      });
    }
  }

  /** Opens a channel to whoever answers at an address; resolves to what failed, or `null`. */
  async #dial(driver: GraphDriver, address: Address, signal: AbortSignal): Promise<unknown> {
    try {
      const link = await this.#core.links.connect(address, { signal });
      if (!driver.isClosed) driver.openChannel(link);
      return null;
    } catch (error) {
      return error;
    }
  }

  async #opened(group: Uint8Array): Promise<GroupHandle> {
    const membership = this.#membership(group, null);
    const driver = this.#core.createDriver(group, membership);
    const handle = this.#handle(group, driver, membership);
    try {
      await driver.open();
    } catch (error) {
      await handle.close();
      throw error;
    }
    return handle;
  }

  #handle(group: Uint8Array, driver: GraphDriver, membership: Membership): GroupHandle {
    const handle = new GroupHandle(this.#core, driver, membership, () => this.#open.delete(hex(group)));
    this.#open.set(hex(group), handle);
    return handle;
  }

  #membership(group: Uint8Array, ticket: InvitationTicket | null): Membership {
    const { crypto, random } = this.#core.ports;
    return new Membership({ group, crypto, random, ticket });
  }

  #requireRoom(): void {
    if (this.#open.size + this.#joining.size < graphsMax) return;
    throw new PeerError(
      "too_many",
      `Cannot take part in one more group: this peer has ${graphsMax}; close some first`,
    );
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

/** What came of the search for members. */
interface Reach {
  /** Why it failed, by what was tried. */
  readonly failures: Map<string, string>;
  /** Whether a member took this peer in: then only catching up takes so long. */
  hasAnswered: boolean;
}

function unreachedError(addresses: readonly Address[], { failures }: Reach, cause: unknown): PeerError {
  const reasons = [...failures].map(([tried, failure]) => `${tried}: ${failure}`);
  const tried = reasons.length > 0 ? reasons.join("; ") : addresses.map(addressText).join(", ");
  return new PeerError(
    "no_members_reachable",
    `Cannot join: no member of the group answered (tried ${tried}). ` +
      "See that one is on line, or give another's endpoint in 'endpoints'",
    { cause },
  );
}

function refusalError(reason: string): PeerError {
  const [code, why] = refusals.get(reason)!;
  return new PeerError(code, `Cannot join: ${why}`);
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
  ["invalid_invitation", [
    "invalid_invitation",
    "the invitation is not one of this group; ask for a new one",
  ]],
  ["removed", [
    "removed",
    "this identity was removed from the group or has left it; join as another identity",
  ]],
]);
