/**
 * Groups whose life is written down: members write, update, delete, extend, invite, join, leave, are
 * removed, restart and crash, with networks cut and stores in trouble. One run's log holds every
 * moment at which any of them could have crashed.
 */

import assert from "node:assert/strict";
import { hex } from "../../lib/base/bytes.ts";
import { PeerError } from "../../lib/base/errors.ts";
import type { Crypto } from "../../lib/base/ports.ts";
import { below, fraction, pick, SeededRandom } from "../../lib/base/random.ts";
import { parseInvitation } from "../../lib/groups/invitation.ts";
import type { Group, RecordView } from "../../lib/peer/surface.ts";
import { CommitLog } from "../../lib/sim/commit_log.ts";
import { createLightCrypto, lightDigest } from "../../lib/sim/light_crypto.ts";
import { DiskWorld, type KeysNote, type Machine } from "./disk_world.ts";

/** What a machine's user was told, or what its key file holds from now on. */
export type Note =
  | KeysNote
  | { readonly kind: "wrote"; readonly record: string; readonly version: number; readonly expiresMs: number }
  | { readonly kind: "deleted"; readonly record: string }
  | { readonly kind: "takesPart"; readonly group: string }
  | { readonly kind: "invited"; readonly invitation: string }
  | { readonly kind: "removed"; readonly peer: string }
  | { readonly kind: "left" };

/** A run that has ended. */
export interface CrashRun {
  readonly seed: number;
  readonly log: CommitLog<Note>;
  /** Each machine's peer id by its host. */
  readonly hosts: ReadonlyMap<string, string>;
  /** Every value that anybody handed to a peer. */
  readonly values: ReadonlySet<string>;
  /** The wall clock at its end. */
  readonly wallMs: number;
}

export const crypto: Crypto = createLightCrypto(lightDigest);

/** Lives a group's life of so many steps; equal seeds live the same. */
export async function runScenario(seed: number, steps: number): Promise<CrashRun> {
  const scenario = new Scenario(seed);
  await scenario.begin();
  for (let step = 0; step < steps; step++) await scenario.step();
  return await scenario.end();
}

class Scenario {
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #log = new CommitLog<Note>();
  readonly #world: DiskWorld;
  readonly #values = new Set<string>();
  /** What failed as nothing may fail. */
  readonly #failures: unknown[] = [];
  /** Machines whose peer runs. */
  readonly #running = new Set<Machine>();

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new SeededRandom(seed);
    this.#world = new DiskWorld({ seed, crypto, log: this.#log });
  }

  async begin(): Promise<void> {
    const founder = await this.#open();
    const group = await this.#world.within(founder.peer.groups.create("Crash"));
    this.#log.note(founder.host, { kind: "takesPart", group: group.id });
    await this.#join(await this.#open(), founder);
    await this.#join(await this.#open(), founder);
  }

  async step(): Promise<void> {
    const luck = fraction(this.#random);
    if (luck < 0.62) this.#writeSome();
    else if (luck < 0.67) await this.#restart(false);
    else if (luck < 0.74) await this.#restart(true);
    else if (luck < 0.79) this.#cutOrHeal();
    else if (luck < 0.89) this.#trouble();
    else await this.#changeMembers();
    await this.#world.clock.run(below(this.#random, 200));
  }

  async end(): Promise<CrashRun> {
    for (const machine of this.#running) {
      machine.store.disturb({});
      machine.store.delay(0);
    }
    this.#world.network.healAll();
    await this.#world.clock.run(20_000);
    const { wallMs } = this.#world.clock.now();
    await this.#world[Symbol.asyncDispose]();
    assert.deepEqual(this.#failures, []);
    return {
      seed: this.#seed,
      log: this.#log,
      hosts: new Map(this.#world.machines.map(({ host, peerId }) => [host, peerId])),
      values: this.#values,
      wallMs,
    };
  }

  #writeSome(): void {
    for (let count = 1 + below(this.#random, 4); count > 0; count--) {
      const machine = this.#anyMember();
      if (machine !== null) this.#write(machine, groupOf(machine)!);
    }
  }

  #write(machine: Machine, { records }: Group): void {
    const luck = fraction(this.#random);
    const known = this.#known.get(machine) ?? [];
    if (luck < 0.5 || known.length === 0) {
      const adding = records.add("note", this.#value(), {
        lifeMs: 3_600_000,
        attributes: { by: machine.host },
      });
      return this.#expect(machine, adding, (view) => {
        this.#known.set(machine, [...known, view].slice(-6));
        return wrote(view);
      });
    }
    const view = pick(this.#random, known);
    if (luck < 0.75) this.#expect(machine, records.update(view.id, this.#value()), wrote);
    else if (luck < 0.9) {
      const expires = new Date(view.expires.getTime() + 1 + below(this.#random, 1_000_000));
      this.#expect(machine, records.extend(view.id, expires), wrote);
    } else this.#expect(machine, records.delete(view.id), () => ({ kind: "deleted", record: view.id }));
  }

  /** Records that a machine wrote lately. */
  readonly #known = new Map<Machine, RecordView[]>();

  #value(): string {
    const length = fraction(this.#random) < 0.1 ? 20_000 : 20;
    const value = `${this.#values.size} `.padEnd(length, "x");
    this.#values.add(value);
    return value;
  }

  /** Ends a peer as a user or a power cut does, and starts it again. */
  async #restart(crashes: boolean): Promise<void> {
    const machine = pick(this.#random, [...this.#running]);
    if (crashes) machine.crash();
    else await machine.stop();
    this.#running.delete(machine);
    await this.#world.clock.run(below(this.#random, 500));
    await machine.start();
    this.#begun(machine);
  }

  /** Its disk is slower than the network: what is told too early shows. */
  #begun(machine: Machine): void {
    machine.store.delay(0, 15);
    this.#running.add(machine);
  }

  #cutOrHeal(): void {
    const [a, b] = [pick(this.#random, this.#world.machines), pick(this.#random, this.#world.machines)];
    if (a === b) return;
    if (fraction(this.#random) < 0.4) this.#world.network.cut(a.host, b.host);
    else this.#world.network.heal(a.host, b.host);
  }

  #trouble(): void {
    const { store } = pick(this.#random, [...this.#running]);
    const isOver = fraction(this.#random) < 0.3;
    store.disturb(isOver ? {} : { failing: 0.3, lost: 0.4 });
    store.delay(0, isOver ? 15 : 60);
  }

  async #changeMembers(): Promise<void> {
    const founder = this.#world.machines[0]!;
    const { machines } = this.#world;
    if (machines.length < 5) return await this.#join(await this.#open(), founder);
    const members = machines.filter((machine) => this.#isMember(machine) && machine !== founder);
    if (members.length < 3 || !this.#isMember(founder)) return;
    const machine = pick(this.#random, members);
    if (fraction(this.#random) < 0.5) {
      this.#expect(machine, groupOf(machine)!.leave(), () => ({ kind: "left" }));
    } else {
      const { peerId: peer } = machine;
      this.#expect(founder, groupOf(founder)!.members.remove(peer), () => ({ kind: "removed", peer }));
    }
  }

  async #open(): Promise<Machine> {
    const machine = await this.#world.open();
    machine.keyWriteMs = below(this.#random, 40);
    this.#begun(machine);
    return machine;
  }

  /** Joins by an invitation of its own, in the middle of all else. */
  async #join(joiner: Machine, founder: Machine): Promise<void> {
    if (!this.#isMember(founder)) return;
    founder.store.disturb({});
    const text = await this.#world.within(
      groupOf(founder)!.invite({ role: pick(this.#random, ["member", "admin"]) }),
    );
    this.#log.note(founder.host, {
      kind: "invited",
      invitation: hex(parseInvitation(crypto, text)!.invitation),
    });
    const joining = joiner.peer.groups.join(text, { timeoutMs: 20_000 });
    this.#expect(joiner, joining, (group) => ({ kind: "takesPart", group: group.id }));
    await this.#world.clock.run(below(this.#random, 1_000));
  }

  /** Notes what a user is told; refusals are lawful, other failures are not. */
  #expect<T>(machine: Machine, promise: Promise<T>, note: (outcome: T) => Note): void {
    promise.then(
      (outcome) => this.#log.note(machine.host, note(outcome)),
      (error) => void (error instanceof PeerError || this.#failures.push(error)),
    );
  }

  #anyMember(): Machine | null {
    const members = [...this.#running].filter((machine) => this.#isMember(machine));
    return members.length === 0 ? null : pick(this.#random, members);
  }

  #isMember(machine: Machine): boolean {
    if (!this.#running.has(machine)) return false;
    const group = groupOf(machine);
    return group !== null && group.members.get(machine.peerId) !== null;
  }
}

function groupOf(machine: Machine): Group | null {
  return machine.peer.groups.list()[0] ?? null;
}

function wrote({ id, version, expires }: RecordView): Note {
  return { kind: "wrote", record: id, version, expiresMs: expires.getTime() };
}
