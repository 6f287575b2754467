/**
 * One peer of the demo: a process of its own. It does what stdin asks, a JSON line each, answers on
 * stdout, and ends when stdin closes, which also happens when whoever started it is killed.
 */

import { createHash } from "node:crypto";
import { messageOf, PeerError } from "../base/errors.ts";
import { createTimers } from "../platform/timers.ts";
import { Peer } from "../peer/peer.ts";
import type { Graph, Group, RecordView } from "../peer/surface.ts";
import {
  type DemoAnswer,
  type DemoCommand,
  type DemoCommands,
  type DemoDigest,
  type DemoGroupInfo,
  type DemoPeerInfo,
  type DemoRecord,
  type DemoRequest,
  textLines,
} from "./demo_commands.ts";
import { joinPieces } from "./demo_file.ts";
import { demoCloseMsMax } from "./demo_limits.ts";

type Handlers = {
  readonly [K in DemoCommand]: (input: DemoCommands[K]["input"]) => Promise<DemoCommands[K]["output"]>;
};

/** Serves the admin API of a peer; `demo_peer_admin.ts` has one, so that others load no web framework. */
export type ServeAdmin = (peer: Peer, token: string) => Promise<{ readonly url: string }>;

/** Does what the commands say. */
class DemoPeer {
  readonly handlers: Handlers = {
    open: (input) => this.#open(input),
    register: async ({ name }) => {
      const { publisher } = await this.#peer.names.register(name);
      return { publisher };
    },
    resolve: ({ name }) => this.#resolve(name),
    create: async ({ name }) => this.#entered(await this.#peer.groups.create(name)),
    invite: async ({ uses }) => ({ invitation: await this.#group.invite({ uses }) }),
    join: async ({ invitation, endpoints }) =>
      this.#entered(await this.#peer.groups.join(invitation, { endpoints })),
    openGraph: async ({ id, endpoints }) => {
      this.#graph = await this.#peer.graphs.open(id, { endpoints });
      return { id: this.#graph.id };
    },
    peek: async () => {
      const records = await this.#graph?.records.list() ?? [];
      return { records: records.length, items: this.#graph?.status().items ?? 0 };
    },
    add: ({ records }) => this.#add(records),
    delete: async ({ id }) => {
      await this.#group.records.delete(id);
      return {};
    },
    awaitCount: ({ type, count }) => this.#until(() => this.#shown(type) >= count),
    awaitSeen: ({ id }) => this.#until(() => this.#seen.has(id)),
    awaitGone: ({ id }) => this.#until(() => this.#types.get(id) === undefined),
    awaitMembers: async ({ count }) => {
      await this.#until(() => this.#group.members.list().length === count);
      return this.#info();
    },
    awaitCutOff: async () => {
      await this.#until(() => this.#group.nodes().length === 0 && this.#group.status().state === "removed");
      return this.#info();
    },
    readable: ({ type, ids }) => this.#readable(type, ids),
    digest: ({ type }) => this.#digest(type),
    group: () => Promise.resolve(this.#info()),
    remove: async ({ peer }) => {
      await this.#group.members.remove(peer);
      return this.#info();
    },
    admin: ({ token }) => this.#serveAdmin(this.#peer, token),
    close: async () => {
      await this.#opened?.close();
      return {};
    },
  };

  readonly #serveAdmin: ServeAdmin;
  #graph: Graph | null = null;
  #opened: Peer | null = null;
  #joined: Group | null = null;
  /** Types of the records shown now, by id, as events tell. */
  readonly #types = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  readonly #seen = new Set<string>();
  readonly #waiters = new Set<() => void>();

  constructor(serveAdmin: ServeAdmin) {
    this.#serveAdmin = serveAdmin;
  }

  /** Lets go of everything. */
  async close(): Promise<void> {
    await this.#opened?.close();
  }

  get #peer(): Peer {
    if (this.#opened !== null) return this.#opened;
    throw new PeerError("closed", "Cannot do that: the peer is not open yet");
  }

  get #group(): Group {
    if (this.#joined !== null) return this.#joined;
    throw new PeerError("closed", "Cannot do that: the peer is in no group yet");
  }

  async #open({ store, bootstraps }: DemoCommands["open"]["input"]): Promise<DemoPeerInfo> {
    const peer = this.#opened = await Peer.open({ store, listen: "127.0.0.1:0", bootstraps });
    const { endpoints, nameEndpoints } = peer.status();
    const groups = peer.groups.list();
    if (groups.length > 0) this.#entered(groups[0]!);
    return {
      id: peer.id,
      endpoint: endpoints[0]!,
      nameAddress: nameEndpoints[0]!.replace("udp://", ""),
      groups: groups.length,
    };
  }

  async #resolve(name: string): Promise<DemoCommands["resolve"]["output"]> {
    const [found] = await this.#peer.names.resolve(name, { max: 1 });
    if (found === undefined) throw new PeerError("name_not_found", `Nobody publishes ${name}`);
    const { publisher, endpoints, verified } = found;
    return { publisher, endpoints, verified };
  }

  /** Keeps an eye on a group from now on. */
  #entered(group: Group): DemoGroupInfo {
    this.#joined = group;
    const records = this.#watchRecords(group);
    const others = this.#watchGroup(group);
    // They end with the group, as the peer is closed.
    void Promise.all([records, others]);
    return this.#info();
  }

  async #watchRecords(group: Group): Promise<void> {
    for await (const { kind, record } of group.records.watch()) {
      if (kind === "conflict") continue;
      this.#note(record.id, ["deleted", "expired", "voided"].includes(kind) ? undefined : record.type);
      this.#wake();
    }
  }

  async #watchGroup(group: Group): Promise<void> {
    for await (const { kind } of group.events()) if (kind !== "record") this.#wake();
  }

  #note(id: string, type: string | undefined): void {
    const before = this.#types.get(id);
    if (before !== undefined) this.#counts.set(before, this.#shown(before) - 1);
    if (type === undefined) return void this.#types.delete(id);
    this.#types.set(id, type);
    this.#counts.set(type, this.#shown(type) + 1);
    this.#seen.add(id);
  }

  #shown(type: string): number {
    return this.#counts.get(type) ?? 0;
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  /** Waits for a condition that events can bring about. Whoever asked has the clock. */
  async #until(condition: () => boolean): Promise<Record<string, never>> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = (): void => {
      if (condition()) resolve();
    };
    this.#waiters.add(waiter);
    waiter();
    await promise;
    this.#waiters.delete(waiter);
    return {};
  }

  async #add(records: readonly DemoRecord[]): Promise<{ ids: readonly string[] }> {
    const added = await Promise.all(records.map(({ type, value, attributes = {}, lifeMs }) => {
      const content = typeof value === "string" ? value : Uint8Array.fromBase64(value.base64);
      const options = { attributes, ...(lifeMs === undefined ? {} : { lifeMs }) };
      return this.#group.records.add(type, content, options);
    }));
    return { ids: added.map(({ id }) => id) };
  }

  async #readable(type: string, ids: readonly string[]): Promise<{ ids: readonly string[] }> {
    const { records } = this.#group;
    const listed = new Set((await records.list({ type })).map(({ id }) => id));
    const got = await Promise.all(ids.map((id) => records.get(id)));
    return { ids: ids.filter((id, i) => got[i] !== null || listed.has(id)) };
  }

  async #digest(type: string): Promise<DemoDigest> {
    const records = await this.#group.records.list({ type });
    const pieces = records.map(({ value, attributes }: RecordView) => ({
      line: Number(attributes.line),
      part: Number(attributes.part ?? 0),
      value: value as string | Uint8Array,
    }));
    const bytes = joinPieces(pieces);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return { records: records.length, bytes: bytes.length, sha256 };
  }

  #info(): DemoGroupInfo {
    const group = this.#group;
    return {
      id: group.id,
      state: group.status().state,
      members: group.members.list().map(({ peer }) => peer),
      nodes: group.nodes().map(({ peer, address, dialled }) => ({ peer, address, dialled })),
    };
  }
}

/** Serves stdin until it closes, then ends the process. */
export async function serveDemoPeer(serveAdmin: ServeAdmin): Promise<void> {
  const peer = new DemoPeer(serveAdmin);
  for await (const line of textLines(Deno.stdin.readable)) void answer(peer, JSON.parse(line) as DemoRequest);
  // Nobody may be left to hear of it, so it is given a moment, not more.
  const timer = createTimers().set(demoCloseMsMax, () => Deno.exit(0));
  await peer.close();
  timer.cancel();
  Deno.exit(0);
}

async function answer(peer: DemoPeer, { id, command, input }: DemoRequest): Promise<void> {
  try {
    const handler = peer.handlers[command] as (
      input: unknown,
    ) => Promise<DemoCommands[DemoCommand]["output"]>;
    say({ id, output: await handler(input) });
  } catch (error) {
    const code = error instanceof PeerError ? error.code : "internal";
    say({ id, error: { code, message: messageOf(error) } });
  }
}

/** Whole lines at once, so that answers do not mix. */
function say(answer: DemoAnswer): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(answer)}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

if (import.meta.main) {
  await serveDemoPeer(() => {
    throw new PeerError("not_supported", "Cannot serve the admin API: this process was started without it");
  });
}
