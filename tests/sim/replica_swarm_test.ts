/**
 * Swarms: a group, and members that write, update, delete, join, leave, are removed, crash, are cut off
 * and run out of disk, in an order that a seed draws. Then everything is mended, and all must agree.
 */

import assert from "node:assert/strict";
import { below, pick, SeededRandom } from "../../lib/base/random.ts";
import { RoleBit } from "../../lib/groups/roles.ts";
import type { ReplicaNode } from "../../lib/sim/replica_node.ts";
import { addRequest, describe, GroupWorld, isMember, minute, updateRequest } from "./replica_fixture.ts";

const swarms = Number(Deno.env.get("KITH_SWARMS") ?? 300);
const firstSeed = Number(Deno.env.get("KITH_SEED") ?? 1);

Deno.test(`${swarms} swarms with crashes, cuts, full disks, removals and joiners all come to one state`, () => {
  const done = new Map<string, number>();
  for (let seed = firstSeed; seed < firstSeed + swarms; seed++) {
    try {
      new Swarm(seed, done).run();
    } catch (error) {
      throw new Error(`KITH_SEED=${seed} KITH_SWARMS=1 repeats this`, { cause: error });
    }
  }
  for (const step of ["add", "update", "delete", "join", "remove", "leave", "crash", "cut", "fault"]) {
    assert((done.get(step) ?? 0) > 0, `no swarm did: ${step}`);
  }
});

class Swarm {
  readonly #group: GroupWorld;
  readonly #random: SeededRandom;
  readonly #done: Map<string, number>;
  readonly #written: [ReplicaNode, number][] = [];
  readonly #nodes: ReplicaNode[];

  constructor(seed: number, done: Map<string, number>) {
    this.#random = new SeededRandom(seed);
    this.#group = new GroupWorld(seed, {
      storeMsMax: pick(this.#random, [1, 4, 40]),
      latencyMs: [1, pick(this.#random, [2, 20, 200])],
    });
    this.#done = done;
    this.#nodes = [this.#group.founder];
    for (let i = below(this.#random, 3); i >= 0; i--) {
      this.#nodes.push(
        this.#group.join({ roles: below(this.#random, 3) === 0 ? RoleBit.admin : RoleBit.member }),
      );
    }
  }

  run(): void {
    for (let step = 12 + below(this.#random, 20); step > 0; step--) {
      this.#step();
      this.#group.world.run(below(this.#random, pick(this.#random, [3, 30, 300, 3_000])));
    }
    this.#mend();
    this.#agree();
  }

  #step(): void {
    const kinds = [
      "add",
      "add",
      "add",
      "update",
      "update",
      "delete",
      "join",
      "remove",
      "leave",
      "crash",
      "cut",
      "cut",
      "fault",
    ];
    const kind = pick(this.#random, kinds);
    const node = pick(this.#random, this.#nodes);
    if (this.#do(kind, node)) this.#done.set(kind, (this.#done.get(kind) ?? 0) + 1);
  }

  #do(kind: string, node: ReplicaNode): boolean {
    const { world, founder } = this.#group;
    if (!node.isUp || node.replica.policy.properties === null) {
      if (!node.isStarted) node.restart();
      return false;
    }
    switch (kind) {
      case "add":
        for (let i = below(this.#random, 4); i >= 0; i--) {
          this.#written.push([node, node.call(addRequest(`${i}`))]);
        }
        return true;
      case "update":
      case "delete": {
        const shown = [...node.replica.allShown(node.clock.now())];
        if (shown.length === 0) return false;
        const record = pick(this.#random, shown).item.record;
        node.call(kind === "update" ? updateRequest(record, "again") : { kind: "delete", record });
        return true;
      }
      case "join":
        return this.#join(node);
      case "remove":
        return this.#remove(node);
      case "leave":
        if (node === founder || !isMember(node) || below(this.#random, 3) > 0) return false;
        this.#group.startLeave(node);
        return true;
      case "crash":
        node.crash();
        return true;
      case "cut":
        for (const other of this.#nodes) {
          if (other === node || below(this.#random, 2) > 0) continue;
          if (below(this.#random, 3) > 0) world.cut(node, other);
          else world.heal(node, other);
        }
        return true;
      default:
        node.disk.fault = pick(this.#random, ["full", "lost", null] as const);
        return true;
    }
  }

  #join(node: ReplicaNode): boolean {
    if (this.#nodes.length >= 8 || node.disk.fault !== null) return false;
    const standing = isMember(node) && (node === this.#group.founder || below(this.#random, 2) === 0);
    if (!standing) return false;
    const ticket = this.#group.tryInvite(node, { joinersMax: 1 + below(this.#random, 2) });
    if (ticket === null) return false;
    for (let i = 1 + below(this.#random, 2); i > 0; i--) {
      const joiner = this.#group.addJoiner(ticket);
      for (const other of this.#nodes) {
        if (below(this.#random, 3) > 0) this.#group.world.connect(joiner, other);
      }
      this.#nodes.push(joiner);
    }
    return true;
  }

  #remove(node: ReplicaNode): boolean {
    const subject = pick(this.#random, this.#nodes);
    if (subject === node || !isMember(node) || below(this.#random, 2) > 0) return false;
    const since = below(this.#random, 2) === 0
      ? null
      : this.#group.world.clock.now().wallMs - below(this.#random, 5_000);
    this.#group.startRemove(node, subject, since);
    return true;
  }

  #mend(): void {
    const { world, founder } = this.#group;
    world.healAll();
    for (const node of this.#nodes) {
      node.disk.fault = null;
      if (!node.isStarted) node.restart();
    }
    world.run(1_000);
    for (const node of this.#nodes) if (node !== founder) world.connect(node, founder);
  }

  /** All members hold the same set and show the same; nobody who is out believes to be in; nothing is lost. */
  #agree(): void {
    const { world, founder } = this.#group;
    const members = () => this.#nodes.filter((node) => isMember(node, founder));
    const isQuiet = () =>
      world.areEqual(members()) && members().every((node) => !node.replica.snapshot().unstored) &&
      this.#nodes.every((node) => isMember(node) === isMember(node, founder));
    const isSettled = world.runUntil(isQuiet, 15 * minute);
    assert(isSettled, `they did not settle:\n${this.#nodes.map(describe).join("\n")}`);
    for (const node of members()) assert.deepEqual(node.shown, founder.shown);
    for (const [node, call] of this.#written) {
      const end = node.ends.get(call);
      if (!end?.ok || end.outcome.kind !== "record") continue;
      const { id } = end.outcome.shown.item;
      assert(!members().includes(node) || node.replica.set.has(id), "what was acknowledged is known");
    }
    const numbers = new Set<string>();
    for (const { item } of founder.replica.set.entries()) {
      if (item.head === null) continue;
      const number = `${item.head.author} ${item.head.writer} ${item.head.seq}`;
      assert(!numbers.has(number), "no two items have one number");
      numbers.add(number);
    }
  }
}
