/**
 * What the demo does, step by step. Nothing is believed on the word of one peer: after each step every
 * peer is asked, and a step that cannot be verified ends the demo.
 */

import type { DemoDigest, DemoRecord } from "./demo_commands.ts";
import { type DemoCrew, type DemoPeerHandle, peerNames } from "./demo_crew.ts";
import type { Piece } from "./demo_file.ts";
import { demoBatchBytes, demoBatchRecords } from "./demo_limits.ts";
import { DemoPeerError } from "./demo_process.ts";

/** The file that the peers share. */
export interface DemoFile {
  readonly pieces: readonly Piece[];
  readonly bytes: number;
  /** In hexadecimal text. */
  readonly sha256: string;
}

/** One step. */
export interface DemoStep {
  readonly name: string;
  /** Who did it. */
  readonly who: string;
  /** Does and verifies it; says in a few words what was verified. */
  run(demo: Demo): Promise<string>;
}

/** All steps, in order. */
export const demoSteps: readonly DemoStep[] = [
  { name: "start", who: "all five", run: (demo) => demo.start() },
  { name: "register", who: "ada", run: (demo) => demo.register() },
  { name: "resolve", who: "ben…eve", run: (demo) => demo.resolve() },
  { name: "join", who: "ben…eve", run: (demo) => demo.join() },
  { name: "write", who: "ben", run: (demo) => demo.write() },
  { name: "rebuild", who: "all five", run: (demo) => demo.rebuild() },
  { name: "kill", who: "cleo", run: (demo) => demo.kill() },
  { name: "restart", who: "cleo", run: (demo) => demo.restart() },
  { name: "delete", who: "dan", run: (demo) => demo.delete() },
  { name: "expire", who: "eve", run: (demo) => demo.expire() },
  { name: "remove", who: "ada, eve", run: (demo) => demo.remove() },
  { name: "refuse", who: "mallory", run: (demo) => demo.refuse() },
];

/** The run of all steps. */
export class Demo {
  readonly #crew: DemoCrew;
  readonly #file: DemoFile;
  readonly #onProgress: (done: number, of: number) => void;
  #written = 0;
  #name = "";
  #endpoints: readonly string[] = [];
  #group = "";
  #invitation = "";

  /** `onProgress` hears how many records of a long step are done. */
  constructor(crew: DemoCrew, file: DemoFile, onProgress: (done: number, of: number) => void) {
    this.#crew = crew;
    this.#file = file;
    this.#onProgress = onProgress;
  }

  /** Records written so far, each acknowledged as durable. */
  get written(): number {
    return this.#written;
  }

  /** Five processes, which know of each other no more than where the first answers name queries. */
  async start(): Promise<string> {
    const [first, ...others] = peerNames.map((name) => this.#crew.spawn(name));
    const { nameAddress } = await first!.open([]);
    await Promise.all(others.map((peer) => peer.open([nameAddress])));
    const ids = new Set(this.#crew.five.map(({ id }) => id));
    must(ids.size === peerNames.length, "the five peers do not have five identities");
    return "a process, a store and an identity each";
  }

  /** A secured name: only its holder can register it. */
  async register(): Promise<string> {
    const { ada } = this.#crew;
    this.#name = `${ada.id}.demo`;
    const { publisher } = await ada.call("register", { name: this.#name });
    must(publisher === ada.id, "the name is registered by another than ada");
    return `registered ${ada.id.slice(0, 8)}….demo`;
  }

  /** The others find the first by its name alone. */
  async resolve(): Promise<string> {
    const { ada, others } = this.#crew;
    const found = await Promise.all(others.map((peer) => peer.call("resolve", { name: this.#name })));
    for (const { publisher, verified, endpoints } of found) {
      must(publisher === ada.id, "the name was resolved to another publisher than ada");
      must(verified, "ada did not confirm her registration");
      must(endpoints.includes(ada.info.endpoint), "the name does not tell where ada is");
    }
    this.#endpoints = found[0]!.endpoints;
    return "found ada by UDP, publisher verified";
  }

  /** One invitation for four, handed over as a person would, and links to where the name led. */
  async join(): Promise<string> {
    const { ada, others, five } = this.#crew;
    const { id } = await ada.call("create", { name: "Demo" });
    this.#group = id;
    this.#invitation = (await ada.call("invite", { uses: others.length })).invitation;
    const input = { invitation: this.#invitation, endpoints: this.#endpoints };
    const joined = await Promise.all(others.map((peer) => peer.call("join", input)));
    for (const group of joined) {
      must(group.id === id, "a peer has joined another group");
      const link = group.nodes.find(({ peer }) => peer === ada.id);
      must(
        link !== undefined && this.#endpoints.includes(`tcp://${link.address}`),
        "a peer is not linked to ada",
      );
    }
    await this.#eachHasMembers(five);
    return "connected, admitted by one invitation";
  }

  /** The lines of the file, as records of one peer. */
  async write(): Promise<string> {
    const { ben } = this.#crew;
    const { pieces } = this.#file;
    const writing = new Set<Promise<void>>();
    for (const batch of batchesOf(pieces)) {
      while (writing.size >= batchesAtOnce) await Promise.race(writing);
      const task = this.#add(ben, batch.map((piece) => recordOf("line", piece))).then(() => {
        writing.delete(task);
        this.#onProgress(this.#written, pieces.length);
      });
      writing.add(task);
    }
    await Promise.all(writing);
    return `${count(pieces.length, "line")} as signed records`;
  }

  /** Every peer puts the file together from its own records. */
  async rebuild(): Promise<string> {
    const { pieces, sha256 } = this.#file;
    const { five } = this.#crew;
    let done = 0;
    await Promise.all(five.map(async (peer) => {
      await peer.call("awaitCount", { type: "line", count: pieces.length }, catchUpMsMax(pieces.length));
      this.#onProgress(++done, five.length);
    }));
    await this.#eachHasFile(five);
    return `SHA-256 ${sha256.slice(0, 16)}… at all five`;
  }

  /** A peer dies without a word; the others go on. */
  async kill(): Promise<string> {
    const { ben, cleo, five } = this.#crew;
    await cleo.process.kill();
    const records = Array.from({ length: extraRecords }, (_, i) => extraRecord(i));
    await this.#add(ben, records);
    const alive = five.filter((peer) => peer !== cleo);
    await Promise.all(alive.map((peer) => peer.call("awaitCount", { type: "extra", count: extraRecords })));
    return `killed by SIGKILL; ben wrote ${extraRecords} more`;
  }

  /** The same store in a new process: what it had is there, what it missed comes. */
  async restart(): Promise<string> {
    const { ada, cleo } = this.#crew;
    const { id } = cleo;
    const { groups } = await this.#crew.respawn(cleo).open([ada.info.nameAddress]);
    must(cleo.id === id && groups === 1, "cleo's store has lost her identity or her group");
    // What others wrote she may show before it is stored, so the last of it may have to come again.
    const { records: kept } = await cleo.call("digest", { type: "line" });
    const { length } = this.#file.pieces;
    await cleo.call("awaitCount", { type: "line", count: length });
    await cleo.call("awaitCount", { type: "extra", count: extraRecords });
    await this.#eachHasFile([cleo]);
    const [theirs, hers] = await Promise.all(
      [ada, cleo].map((peer) => peer.call("digest", { type: "extra" })),
    );
    must(isEqual(theirs!, hers!), "cleo's records differ from ada's");
    const caughtUp = length - kept + extraRecords;
    return `${count(kept, "line")} from her store, ${caughtUp} caught up`;
  }

  /** Deleted at one, gone at all. */
  async delete(): Promise<string> {
    const { dan } = this.#crew;
    const id = await this.#addSeenByAll(dan, { type: noteType, value: "to be deleted" });
    await dan.call("delete", { id });
    await this.#goneAtAll(id);
    return "deleted one record: readable nowhere";
  }

  /** A record with a short life ends everywhere by itself. */
  async expire(): Promise<string> {
    const { eve, five } = this.#crew;
    const record = { type: noteType, value: "short", lifeMs: shortLifeMs };
    // A machine that is very busy may deliver it after its end: only one that all saw proves something.
    for (let attempt = 0; attempt < shortLivesMax; attempt++) {
      const [id] = await this.#add(eve, [record]);
      const seen = await Promise.allSettled(
        five.map((peer) => peer.call("awaitSeen", { id: id! }, 2 * shortLifeMs)),
      );
      await this.#goneAtAll(id!);
      if (seen.every(({ status }) => status === "fulfilled")) {
        return "lived 2 s, seen by all, readable nowhere";
      }
    }
    throw new Error("Not verified: no record with a life of 2 s reached all peers in time");
  }

  /** A member is removed: it is linked to nobody, hears nothing, and what it writes has no effect. */
  async remove(): Promise<string> {
    const { ada, ben, eve, five } = this.#crew;
    const rest = five.filter((peer) => peer !== eve);
    await ada.call("remove", { peer: eve.id });
    const [cutOff] = await Promise.all([eve.call("awaitCutOff", {}), this.#eachHasMembers(rest)]);
    must(!cutOff.members.includes(eve.id), "eve still counts herself a member");
    const hers = await eve.call("add", { records: [{ type: noteType, value: "from outside" }] }).then(
      ({ ids }) => ids,
      (error) => {
        if (isRefusal(error, ["not_a_member", "not_authorized", "removed"])) return [];
        throw error;
      },
    );
    const [secret] = await this.#add(ben, [{ type: noteType, value: "after the removal" }]);
    await Promise.all(rest.map((peer) => peer.call("awaitSeen", { id: secret! })));
    must(
      (await eve.call("readable", { type: noteType, ids: [secret!] })).ids.length === 0,
      "eve reads what was written after",
    );
    for (const peer of rest) {
      must(
        (await peer.call("readable", { type: noteType, ids: hers })).ids.length === 0,
        `${peer.name} shows what eve wrote after`,
      );
    }
    return "removed eve: no more reading or writing";
  }

  /** Somebody who knows the name, the group's id and an invitation that is used up. */
  async refuse(): Promise<string> {
    const { ada, ben, five, eve } = this.#crew;
    const mallory = this.#crew.spawn("mallory");
    await mallory.open([ada.info.nameAddress]);
    const { endpoints } = await mallory.call("resolve", { name: this.#name });
    const altered = this.#invitation.replace(/.$/, (last) => last === "a" ? "b" : "a");
    const attempt = (invitation: string) => mallory.call("join", { invitation, endpoints });
    await mustRefuse(() => attempt(altered), ["invalid_invitation"]);
    await mustRefuse(() => attempt(this.#invitation), ["invitation_used", "invitation_refused"]);
    // Any peer may ask for a graph whose id it knows; this one must be told nothing.
    await mallory.call("openGraph", { id: this.#group, endpoints }).catch((error) => {
      if (!isRefusal(error, ["link_refused"])) throw error;
    });
    const rest = five.filter((peer) => peer !== eve);
    const [id] = await this.#add(ben, [{ type: noteType, value: "among members" }]);
    await Promise.all(rest.map((peer) => peer.call("awaitSeen", { id: id! })));
    const { records } = await mallory.call("peek", {});
    must(records === 0, "a peer without an invitation reads records");
    for (const peer of rest) {
      const { members, nodes } = await peer.call("group", {});
      const known = [...members, ...nodes.map((node) => node.peer)];
      must(!known.includes(mallory.id), `${peer.name} lets a peer in without an invitation`);
    }
    await mallory.process.stop();
    return "uninvited: refused, and shown nothing";
  }

  /** Writes records at a peer; they are durable there when this resolves. */
  async #add(peer: DemoPeerHandle, records: readonly DemoRecord[]): Promise<readonly string[]> {
    const { ids } = await peer.call("add", { records });
    must(ids.length === records.length, `${peer.name} did not acknowledge every record`);
    this.#written += ids.length;
    return ids;
  }

  async #addSeenByAll(peer: DemoPeerHandle, record: DemoRecord): Promise<string> {
    const [id] = await this.#add(peer, [record]);
    await Promise.all(this.#crew.five.map((other) => other.call("awaitSeen", { id: id! })));
    return id!;
  }

  async #goneAtAll(id: string): Promise<void> {
    const { five } = this.#crew;
    await Promise.all(five.map((peer) => peer.call("awaitGone", { id })));
    const found = await Promise.all(five.map((peer) => peer.call("readable", { type: noteType, ids: [id] })));
    five.forEach((peer, i) => must(found[i]!.ids.length === 0, `${peer.name} still reads the record`));
  }

  async #eachHasMembers(peers: readonly DemoPeerHandle[]): Promise<void> {
    const input = { count: peers.length };
    const groups = await Promise.all(peers.map((peer) => peer.call("awaitMembers", input)));
    const expected = peers.map(({ id }) => id).sort().join();
    groups.forEach(({ members }, i) =>
      must(members.toSorted().join() === expected, `${peers[i]!.name} knows other members than there are`)
    );
  }

  async #eachHasFile(peers: readonly DemoPeerHandle[]): Promise<void> {
    const { pieces, bytes, sha256 } = this.#file;
    const expected: DemoDigest = { records: pieces.length, bytes, sha256 };
    const digests = await Promise.all(peers.map((peer) => peer.call("digest", { type: "line" })));
    digests.forEach((digest, i) => must(isEqual(digest, expected), `${peers[i]!.name} rebuilt another file`));
  }
}

/** Ends a step that could not be verified. */
function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`Not verified: ${what}`);
}

async function mustRefuse(attempt: () => Promise<unknown>, codes: readonly string[]): Promise<void> {
  try {
    await attempt();
  } catch (error) {
    if (isRefusal(error, codes)) return;
    throw error;
  }
  throw new Error(`Not verified: what should fail with ${codes.join(" or ")} succeeded`);
}

function isRefusal(error: unknown, codes: readonly string[]): boolean {
  return error instanceof DemoPeerError && codes.includes(error.code);
}

function isEqual(a: DemoDigest, b: DemoDigest): boolean {
  return a.records === b.records && a.bytes === b.bytes && a.sha256 === b.sha256;
}

function recordOf(type: string, { line, part, value }: Piece): DemoRecord {
  const attributes = part === 0 ? { line } : { line, part };
  return { type, value: typeof value === "string" ? value : { base64: value.toBase64() }, attributes };
}

function extraRecord(i: number): DemoRecord {
  return recordOf("extra", { line: i + 1, part: 0, value: `written while cleo was away: ${i + 1}\n` });
}

function* batchesOf(pieces: readonly Piece[]): Generator<Piece[]> {
  let batch: Piece[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    if (
      batch.length === demoBatchRecords || (batch.length > 0 && bytes + piece.value.length > demoBatchBytes)
    ) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(piece);
    bytes += piece.value.length;
  }
  if (batch.length > 0) yield batch;
}

function count(n: number, noun: string): string {
  return `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
}

/** A minute, and what a slow machine needs for so many records. */
function catchUpMsMax(records: number): number {
  return 60_000 + 10 * records;
}

const batchesAtOnce = 2;
const extraRecords = 100;
const shortLifeMs = 2_000;
const shortLivesMax = 5;
const noteType = "note";
