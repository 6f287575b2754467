/** Opens a real peer on what a crash would have left, and checks it against all that was told before. */

import assert from "node:assert/strict";
import { hex } from "../../lib/base/bytes.ts";
import type { StoreEntry } from "../../lib/base/ports.ts";
import { restore, Slots } from "../../lib/graph/keeping.ts";
import { parsePeerId } from "../../lib/identity/peer_id.ts";
import { type Item, ItemKind } from "../../lib/records/item.ts";
import { indexRoot, type Mutation, readIndexValue } from "../../lib/storage/kv_layout.ts";
import { PeerError } from "../../lib/base/errors.ts";
import type { Group } from "../../lib/peer/surface.ts";
import type { StrictStore } from "../../lib/sim/strict_store.ts";
import { decode, isArray } from "../../lib/wire/codec.ts";
import { storeKeyText } from "../../lib/storage/store_key.ts";
import { type CrashRun, crypto, type Note, runScenario } from "./crash_scenario.ts";
import { DiskWorld, type Machine } from "./disk_world.ts";
import { isFailure } from "./peer_simulation.ts";

/** What was checked. */
export interface CrashCounts {
  /** Crashes of one peer, each of which leaves other bytes than all others. */
  images: number;
  /** Crashes of all peers at once, brought together again. */
  together: number;
  /** Peers that came back with an older state than others know of them. */
  setBack: number;
  /** What happened in the runs, by kind. */
  readonly happened: Map<string, number>;
}

/**
 * Lives a group's life of so many steps and checks every crash image of every peer in it; of each
 * `togetherEach`-th all peers are brought together. Failures name what repeats them.
 */
export async function checkAllImages(
  seed: number,
  steps: number,
  togetherEach: number,
  counts: CrashCounts,
): Promise<void> {
  const run = await runScenario(seed, steps);
  const checker = new CrashChecker(run);
  for (const step of run.log.steps) {
    const kind = step.kind === "note" ? step.note.kind : step.kind === "answer" ? step.outcome : step.kind;
    counts.happened.set(kind, (counts.happened.get(kind) ?? 0) + 1);
  }
  const end = run.log.steps.length;
  for (const host of run.hosts.keys()) {
    for (const step of checker.points(host)) {
      const named = (what: string) => (error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        throw new Error(`seed ${seed}, ${host}, step ${step}, ${what}: ${message}`, { cause: error });
      };
      await checker.check(host, step).catch(named("image"));
      if (++counts.images % togetherEach !== 0) continue;
      await checker.checkTogether(() => step).catch(named("all together"));
      counts.together++;
      await checker.checkTogether((each) => each === host ? step : end).catch(named("set back"));
      counts.setBack++;
    }
  }
}

/** Nothing checked yet. */
export function noCounts(): CrashCounts {
  return { images: 0, together: 0, setBack: 0, happened: new Map() };
}

/** Checks the images of one run. */
class CrashChecker {
  readonly #run: CrashRun;
  /** Items by the stored bytes that carry them, which all images share. */
  readonly #parsed = new WeakMap<Uint8Array, Item | null>();
  /** Items that a host's peer wrote, with the step from which another machine had each durably. */
  readonly #toldOthers = new Map<string, { readonly step: number; readonly item: Item }[]>();
  /** Every writer and sequence number of the run, with the item that has it. */
  readonly #numbers = new Map<string, string>();
  /** Hosts by their peer's key in hex. */
  readonly #authors = new Map<string, string>();
  readonly #notesByHost = new Map<string, { readonly step: number; readonly note: Note }[]>();

  constructor(run: CrashRun) {
    this.#run = run;
    for (const [host, peer] of run.hosts) {
      this.#authors.set(hex(parsePeerId(crypto, peer)!), host);
      this.#toldOthers.set(host, []);
    }
    this.#readLog();
  }

  /** The steps of the log before which a crash of a host leaves something that no other crash leaves. */
  points(host: string): number[] {
    const { steps } = this.#run.log;
    const changes = steps.flatMap((step, at) => step.disk === host && changesMachine(step) ? [at] : []);
    return [...changes, steps.length];
  }

  /** A crash of one host before a step of the log: what it was told is there, nothing is torn, and it goes on. */
  async check(host: string, step: number): Promise<void> {
    const { seed, wallMs } = this.#run;
    await using world = new DiskWorld({ seed: mixed(seed, step), crypto, wallMs });
    const machine = world.found(this.#run.log, host, step);
    const items = this.#items(machine.store);
    assert.ok(machine.keys !== null || items.length === 0, "what is stored has keys");
    await machine.start({ listen: false });
    this.#checkClaims(host, machine, items, step);
    this.#checkGroup(machine, items);
    await this.#checkShown(machine);
    await this.#checkWrites(world, machine);
    await this.#checkUntorn(machine);
  }

  /** Crashes of all hosts, each before a step of the log: they meet by themselves and come to one state. */
  async checkTogether(stepOf: (host: string) => number): Promise<void> {
    const { seed, wallMs, hosts } = this.#run;
    const steps = [...hosts.keys()].map(stepOf);
    await using world = new DiskWorld({ seed: mixed(seed, Math.min(...steps)), crypto, wallMs });
    const machines = [...hosts.keys()].map((host) => world.found(this.#run.log, host, stepOf(host)));
    for (const machine of machines) await machine.start({});
    const groups = () => machines.flatMap(memberGroup);
    for (const [i, group] of groups().entries()) {
      await world.within(group.records.add("note", `after ${i}`)).catch(refused);
    }
    for (let waits = 0;; waits++) {
      const states = await Promise.all(groups().map(stateOf));
      const areLinked = groups().length < 2 ||
        groups().every((group) => group.status().state === "synchronised");
      if (areLinked && new Set(states).size <= 1) break;
      assert.ok(waits < 60, `no one state after 5 minutes: ${states.join("\n")}`);
      await world.clock.run(5_000);
    }
    for (const machine of machines) await this.#checkUntorn(machine);
  }

  #notes(host: string, before: number): { readonly note: Note }[] {
    return this.#notesOf(host).filter(({ step }) => step < before);
  }

  #notesOf(host: string): { readonly step: number; readonly note: Note }[] {
    return this.#notesByHost.getOrInsertComputed(
      host,
      () =>
        this.#run.log.steps.flatMap((step, at) =>
          step.disk === host && step.kind === "note" ? [{ step: at, note: step.note }] : []
        ),
    );
  }

  #checkClaims(host: string, machine: Machine, items: readonly Item[], before: number): void {
    const { peer, peerId } = machine;
    const group = peer.groups.list()[0] ?? null;
    const isMember = group !== null && group.members.get(peerId) !== null;
    const records = recordsOf(items);
    const ids = new Set(items.map(({ id }) => id));
    for (const { note } of this.#notes(host, before)) {
      switch (note.kind) {
        case "wrote": {
          const has = records.get(note.record);
          assert.ok(
            has !== undefined && (has.isDeleted || has.version >= note.version),
            `record ${note.record} is lost`,
          );
          assert.ok(has.isDeleted || has.expiresMs >= note.expiresMs, `record ${note.record} is extended`);
          break;
        }
        case "deleted":
          assert.ok(records.get(note.record)?.isDeleted, `record ${note.record} is deleted`);
          break;
        case "takesPart":
          assert.equal(group?.id, note.group);
          break;
        case "invited":
          assert.ok(ids.has(note.invitation), "the invitation is there");
          break;
        case "removed":
          assert.equal(group?.members.get(note.peer), null);
          break;
        case "left":
          assert.ok(!isMember, "who left is no member");
          break;
      }
    }
    this.#checkTold(host, records, ids, before);
  }

  /** A group that is there is there whole: this peer has its place in it, and the founder its key. */
  #checkGroup({ peer, peerId, keys }: Machine, items: readonly Item[]): void {
    const [group] = peer.groups.list();
    if (group === undefined) return;
    assert.notEqual(group.status().state, "joining", "a group without what it is made of");
    const founding = items.find(({ body }) => body.kind === ItemKind.founding);
    const creator = group.members.list().find(({ roles }) => roles.includes("creator"));
    if (founding === undefined || creator?.peer !== peerId) return;
    const decoded = decode(keys!, { bytesMax: 1 << 20 });
    assert.ok(decoded.ok && isArray(decoded.value, 3) && isArray(decoded.value[2]));
    const seeded = decoded.value[2].map((each) => isArray(each, 2) && hex(each[0] as Uint8Array));
    assert.ok(seeded.includes(founding.id), "the key of a group that was founded here");
  }

  /** What others had from this peer was durable here before (I1). */
  #checkTold(
    host: string,
    records: ReadonlyMap<string, RecordItems>,
    ids: ReadonlySet<string>,
    before: number,
  ): void {
    for (const { step, item } of this.#toldOthers.get(host)!) {
      if (step >= before) break;
      if (item.record === null) assert.ok(ids.has(item.id), "an item of authority that others have");
      else {
        const has = records.get(item.record);
        const version = item.body.kind === ItemKind.version ? item.body.version : 0;
        assert.ok(
          has !== undefined && (has.isDeleted || has.version >= version),
          "a record that others have",
        );
      }
    }
  }

  /** Members see all records that stand, as somebody wrote them. */
  async #checkShown(machine: Machine): Promise<void> {
    const group = machine.peer.groups.list()[0];
    if (group === undefined) return;
    const isMember = group.members.get(machine.peerId) !== null;
    const records = recordsOf(this.#items(machine.store));
    const { hosts, values } = this.#run;
    const shown = new Map((await group.records.list()).map((view) => [view.id, view]));
    for (const { id, value } of shown.values()) {
      assert.ok(values.has(value as string), `record ${id} is torn`);
      assert.ok(!records.get(id)!.isDeleted, `record ${id} was deleted`);
    }
    for (const [id, { isDeleted, version, authors }] of records) {
      // What a removed member wrote last may be void: only what members wrote is sure to stand.
      const stands = [...authors].every((author) =>
        group.members.get(hosts.get(this.#authors.get(author)!)!) !== null
      );
      if (!isMember || isDeleted || !stands) continue;
      assert.equal(shown.get(id)?.version, version, `record ${id} is shown`);
    }
  }

  /** It can write, durably, and under numbers that are new. */
  async #checkWrites(world: DiskWorld, machine: Machine): Promise<void> {
    const { peer, peerId, store } = machine;
    const group = peer.groups.list()[0];
    const before = new Set(this.#items(store).map(({ id }) => id));
    if (group === undefined) {
      const graph = await world.within(peer.graphs.create());
      await world.within(graph.records.add("note", "again"));
    } else if (group.members.get(peerId) !== null) {
      const { id } = await world.within(group.records.add("note", "again"));
      assert.equal((await group.records.get(id))?.value, "again");
    } else {
      const writing = world.within(group.records.add("note", "again"));
      return await assert.rejects(writing, (error) => isFailure(error, ["not_a_member", "removed"], /./));
    }
    const news = this.#items(store).filter(({ id }) => !before.has(id));
    assert.ok(news.length > 0, "what it writes is durable");
    for (const item of news) assert.ok(!this.#numbers.has(numberOf(item)!), "a number is used twice");
  }

  async #checkUntorn({ peer, store }: Machine): Promise<void> {
    assert.deepEqual(peer.status().problems, []);
    assert.deepEqual(await Array.fromAsync(store.list(["quarantine"])), []);
    assert.equal(store.damaged, 0);
    assert.deepEqual(store.breaches, []);
  }

  /** The items on a disk; nothing there is damaged, and no body lies around. */
  #items(store: StrictStore): Item[] {
    const items: Item[] = [];
    for (const { key, value } of store.diskEntries()) {
      assert.ok(key[0] === "format" || key[0] === indexRoot[0], `${String(key[0])} is of no use`);
      const item = this.#itemOf({ key, value });
      if (item !== null) items.push(item);
    }
    return items;
  }

  #itemOf({ key: [root, ...key], value: stored }: StoreEntry): Item | null {
    if (root !== indexRoot[0] || key[0] !== "graph" || key[2] !== "item") return null;
    return this.#parsed.getOrInsertComputed(stored, () => {
      const value = readIndexValue(key, stored);
      assert.ok(value !== null, "an entry holds its check");
      const graph = key[1] as Uint8Array;
      const { items, damaged } = restore(crypto, graph, new Slots(graph), [{ key, value }]);
      assert.deepEqual(damaged, [], "an item holds its digest");
      return items[0]!.item;
    });
  }

  /** Reads the log once: what was told to be stored was stored by one transaction, and no number is used twice. */
  #readLog(): void {
    const last = new Map<string, ReadonlyMap<string, Uint8Array | null>>();
    for (const [at, step] of this.#run.log.steps.entries()) {
      if (step.kind === "transaction") {
        last.set(step.disk, new Map(step.writes.map(({ key, value }) => [storeKeyText(key), value])));
        for (const write of step.writes) if (write.value !== null) this.#readItem(at, step.disk, write);
      } else if (step.kind === "answer" && step.outcome === "stored") {
        const { sets = [], deletes = [] } = step.change;
        // Of a key that is set twice what came last counts.
        const values = new Map(sets.map(({ key, value }) => [storeKeyText(key), { key, value }]));
        const writes = last.get(step.disk);
        for (const { key, value } of values.values()) {
          const stored = writes?.get(storeKeyText([...indexRoot, ...key]));
          assert.deepEqual(readIndexValue(key, stored), value, "a change is one transaction");
        }
        for (const key of deletes) {
          assert.equal(
            writes?.get(storeKeyText([...indexRoot, ...key])),
            null,
            "a change is one transaction",
          );
        }
      }
    }
  }

  #readItem(at: number, disk: string, { key, value }: Mutation): void {
    const item = this.#itemOf({ key, value: value! });
    if (item === null || item.head === null) return;
    const number = numberOf(item)!;
    assert.equal(
      this.#numbers.getOrInsert(number, item.id),
      item.id,
      `two items under one number, ${number}`,
    );
    const host = this.#authors.get(hex(item.head.author));
    if (host !== undefined && host !== disk) this.#toldOthers.get(host)!.push({ step: at, item });
  }
}

/** What the items of one record come to. */
interface RecordItems {
  version: number;
  expiresMs: number;
  isDeleted: boolean;
  readonly authors: Set<string>;
}

function recordsOf(items: readonly Item[]): ReadonlyMap<string, RecordItems> {
  const records = new Map<string, RecordItems>();
  for (const { record, body, head } of items) {
    if (record === null) continue;
    const has = records.getOrInsertComputed(record, () => ({
      ...{ version: 0, expiresMs: 0, isDeleted: false },
      authors: new Set<string>(),
    }));
    has.authors.add(hex(head!.author));
    if (body.kind === ItemKind.delete) has.isDeleted = true;
    if (body.kind === ItemKind.version) has.version = Math.max(has.version, body.version);
    if ("expires" in body) has.expiresMs = Math.max(has.expiresMs, body.expires);
  }
  return records;
}

function numberOf({ head }: Item): string | null {
  return head === null ? null : `${hex(head.author)}:${hex(head.writer)}:${head.seq}`;
}

function changesMachine(step: CrashRun["log"]["steps"][number]): boolean {
  return step.kind === "transaction" || (step.kind === "note" && step.note.kind === "keys");
}

/** The group of a machine whose peer is a member. */
function memberGroup({ peer, peerId }: Machine): Group[] {
  return peer.groups.list().filter((group) => group.members.get(peerId) !== null);
}

/** A refusal is lawful: who does not know yet that it was removed may hear of it here. */
function refused(error: unknown): void {
  assert.ok(error instanceof PeerError, String(error));
}

async function stateOf(group: Group): Promise<string> {
  const records = (await group.records.list()).map(({ id, version, expires }) =>
    `${id} ${version} ${expires.getTime()}`
  );
  return JSON.stringify([records.sort(), group.members.list().map(({ peer }) => peer).sort()]);
}

function mixed(seed: number, step: number): number {
  return (Math.imul(seed, 0x9e3779b1) ^ Math.imul(step + 1, 0x85ebca6b)) >>> 0;
}
