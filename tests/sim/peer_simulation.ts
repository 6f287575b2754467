/** Simulations of whole peers for tests in which nothing may take longer than a minute of virtual time. */

import assert from "node:assert/strict";
import { type ErrorCode, PeerError } from "../../lib/base/errors.ts";
import type { Group } from "../../lib/peer/surface.ts";
import type { Crew, RunUntil, SimulatedPeer } from "../../lib/sim/mod.ts";
import { Simulation } from "../../lib/sim/simulation.ts";

/** A {@linkcode Simulation} that waits a minute at most, unless told otherwise, and says what it waited for. */
export class PeerSimulation extends Simulation {
  override run<T = void>(until: RunUntil<T>, maxMs = 60_000): Promise<T> {
    return super.run(until, maxMs);
  }

  /** Runs until something holds. */
  async until(what: string, holds: () => boolean, maxMs = 60_000): Promise<void> {
    await this.run(holds, maxMs).catch((error) => {
      throw new Error(`${what}: ${error.message}`, { cause: error });
    });
  }

  /**
   * Runs until a promise fails with a code, or one of some; every such message has more than one clause:
   * what is wrong, and what to do.
   */
  async fails(
    promise: Promise<unknown>,
    code: ErrorCode | readonly ErrorCode[],
    message: RegExp = /[;.:] ?\S/,
    maxMs = 120_000,
  ): Promise<void> {
    await assert.rejects(this.run(promise, maxMs), (error) => isFailure(error, code, message));
  }

  /** A group of so many peers, all linked and caught up. */
  async group<N extends number>(count: N): Promise<{ peers: Crew<N>; groups: Each<Crew<N>, Group> }> {
    const peers: SimulatedPeer[] = await this.peers(count);
    const [founder, ...others] = peers;
    const founded = await this.run(founder!.peer.groups.create("Team"));
    const groups: Group[] = [founded];
    const invitation = count > 1 ? await this.run(founded.invite({ uses: count - 1 })) : "";
    for (const { peer } of others) groups.push(await this.run(peer.groups.join(invitation)));
    await this.until(
      "a full mesh",
      () =>
        groups.every((group) =>
          group.status().neighbors === count - 1 && group.members.list().length === count &&
          group.nodes().every(({ synchronised }) => synchronised)
        ),
    );
    return { peers: peers as Crew<N>, groups: groups as Each<Crew<N>, Group> };
  }
}

/** One thing for each of a crew. */
export type Each<Made extends unknown[], Thing> = { [Index in keyof Made]: Thing };

/** Whether an error is a failure that users can act on, with this code and such a message; fails if not. */
export function isFailure(error: unknown, code: ErrorCode | readonly ErrorCode[], message: RegExp): true {
  assert.ok(error instanceof PeerError, error instanceof Error ? error.stack : String(error));
  assert.ok([code].flat().includes(error.code), `${error.code}, not ${code}: ${error.message}`);
  assert.match(error.message, message);
  return true;
}
