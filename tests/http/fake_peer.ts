/** A peer without network or store, for tests of the admin API and of the command line. */

import { PeerError } from "../../lib/base/errors.ts";
import type { AdminNames, AdminPeer, AdminRegisterOptions, AdminResolved } from "../../http_api/mod.ts";
import type {
  AddOptions,
  Graph,
  GraphEvent,
  Group,
  Groups,
  Identities,
  IdentityInfo,
  InviteOptions,
  ListOptions,
  MemberInfo,
  PeerStatus,
  RecordEvent,
  Records,
  RecordValue,
  RecordView,
  UpdateOptions,
  WaitOptions,
} from "../../lib/peer/surface.ts";

/** A time that all fake records begin at. */
export const startMs: number = Date.UTC(2026, 0, 1);

/** The id of the peer itself. */
export const selfId: string = "a".repeat(56);

/** Another member. */
export const otherId: string = "b".repeat(56);

/** Hands values to readers, each from its own beginning on. */
export class Feed<T> {
  readonly #readers = new Set<(value: T | null) => void>();

  /** How many read. */
  get readers(): number {
    return this.#readers.size;
  }

  push(value: T): void {
    for (const reader of [...this.#readers]) reader(value);
  }

  end(): void {
    for (const reader of [...this.#readers]) reader(null);
  }

  /** What is pushed from this call on. */
  read(signal?: AbortSignal): AsyncIterable<T> {
    const queue: (T | null)[] = [];
    let wake = () => {};
    const take = (value: T | null) => {
      queue.push(value);
      wake();
    };
    this.#readers.add(take);
    const stop = () => take(null);
    signal?.addEventListener("abort", stop, { once: true });
    const readers = this.#readers;
    return (async function* () {
      try {
        while (true) {
          if (queue.length === 0) await new Promise<void>((resolve) => wake = resolve);
          const value = queue.shift();
          if (value === null) return;
          if (value !== undefined) yield value;
        }
      } finally {
        readers.delete(take);
      }
    })();
  }
}

/** Records in an array. */
export class FakeRecords implements Records {
  readonly #records = new Map<string, RecordView>();
  readonly feed: Feed<RecordEvent> = new Feed();

  add(type: string, value: RecordValue, options: AddOptions = {}): Promise<RecordView> {
    const count = this.#records.size;
    const created = new Date(startMs + count);
    const record: RecordView = {
      id: count.toString(16).padStart(32, "0"),
      type,
      value,
      attributes: options.attributes ?? {},
      creator: selfId,
      author: selfId,
      version: 1,
      created,
      modified: created,
      expires: options.expires ?? new Date(startMs + (options.lifeMs ?? 30 * 86_400_000)),
      until: options.until ?? new Date(startMs + 60 * 86_400_000),
    };
    this.#show("added", record);
    return Promise.resolve(record);
  }

  update(id: string, value: RecordValue, options: UpdateOptions = {}): Promise<RecordView> {
    const old = this.#find(id);
    const record = {
      ...old,
      value,
      version: old.version + 1,
      attributes: options.attributes ?? old.attributes,
    };
    this.#show("updated", record);
    return Promise.resolve(record);
  }

  delete(id: string): Promise<void> {
    const record = this.#find(id);
    this.#records.delete(id);
    this.feed.push({ kind: "deleted", record });
    return Promise.resolve();
  }

  extend(id: string, expires: Date): Promise<RecordView> {
    const record = { ...this.#find(id), expires };
    this.#show("updated", record);
    return Promise.resolve(record);
  }

  get(id: string): Promise<RecordView | null> {
    return Promise.resolve(this.#records.get(id) ?? null);
  }

  list({ type, creator }: ListOptions = {}): Promise<RecordView[]> {
    return Promise.resolve(
      [...this.#records.values()]
        .filter((record) => type === undefined || record.type === type)
        .filter((record) => creator === undefined || record.creator === creator),
    );
  }

  async *watch(type?: string, { signal }: WaitOptions = {}): AsyncGenerator<RecordEvent, void, void> {
    const changes = this.feed.read(signal);
    const isWanted = (record: RecordView) => type === undefined || record.type === type;
    for (const record of [...this.#records.values()].filter(isWanted)) yield { kind: "added", record };
    for await (const event of changes) if (isWanted(event.record)) yield event;
  }

  #find(id: string): RecordView {
    const record = this.#records.get(id);
    if (record === undefined) throw new PeerError("record_not_found", `The graph shows no record '${id}'`);
    return record;
  }

  #show(kind: "added" | "updated", record: RecordView): void {
    this.#records.set(record.id, record);
    this.feed.push({ kind, record });
  }
}

/** A group of two members. */
export class FakeGroup implements Group {
  readonly id: string;
  readonly name: string;
  readonly records: FakeRecords = new FakeRecords();
  readonly feed: Feed<GraphEvent> = new Feed();
  readonly invited: InviteOptions[] = [];
  readonly removed: string[] = [];
  hasLeft = false;

  constructor(id: string, name: string) {
    this.id = id;
    this.name = name;
  }

  readonly members = {
    list: (): MemberInfo[] => [
      { peer: selfId, roles: ["creator"], self: true, connected: true },
      { peer: otherId, roles: ["member"], self: false, connected: false },
    ],
    get: (peer: string): MemberInfo | null =>
      this.members.list().find((member) => member.peer === peer) ?? null,
    remove: (peer: string): Promise<void> => {
      if (peer === selfId) throw new PeerError("not_authorized", "The founder cannot be removed");
      this.removed.push(peer);
      return Promise.resolve();
    },
  };

  invite(options: InviteOptions = {}): Promise<string> {
    this.invited.push(options);
    return Promise.resolve("kith1invitation");
  }

  leave(): Promise<void> {
    this.hasLeft = true;
    return Promise.resolve();
  }

  nodes(): ReturnType<Graph["nodes"]> {
    return [{ peer: otherId, address: "127.0.0.1:4000", dialled: true, synchronised: true }];
  }

  connect(): ReturnType<Graph["connect"]> {
    return Promise.reject(new PeerError("connect_failed", "Nobody is there"));
  }

  events({ signal }: WaitOptions = {}): AsyncIterable<GraphEvent> {
    return this.feed.read(signal);
  }

  status(): ReturnType<Graph["status"]> {
    const explanation = "All is well";
    return { id: this.id, state: "synchronised", neighbors: 1, records: 0, items: 3, explanation };
  }

  close(): Promise<void> {
    this.feed.end();
    this.records.feed.end();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A peer with what it is told. */
export class FakePeer implements AdminPeer {
  readonly made: FakeGroup[] = [];
  readonly joined: string[] = [];
  readonly registered: Map<string, AdminRegisterOptions> = new Map();
  readonly #identities: IdentityInfo[] = [{ id: selfId, name: "me", isDefault: true, peerName: selfId }];

  readonly groups: Groups = {
    create: (name) => Promise.resolve(this.#makeGroup(name)),
    join: (invitation) => {
      if (!invitation.startsWith("kith1")) {
        throw new PeerError("invalid_invitation", "The text is no invitation: ask for it again");
      }
      this.joined.push(invitation);
      return Promise.resolve(this.#makeGroup("joined"));
    },
    get: (id) => this.made.find((group) => group.id === id) ?? null,
    list: () => [...this.made],
  };

  readonly identities: Identities = {
    create: (name) => {
      const info = { id: otherId, name, isDefault: false, peerName: otherId };
      this.#identities.push(info);
      return Promise.resolve(info);
    },
    current: this.#identities[0]!,
    list: () => [...this.#identities],
    get: (nameOrId) => {
      const found = this.#identities.find(({ id, name }) => id === nameOrId || name === nameOrId);
      if (found === undefined) throw new PeerError("identity_not_found", `No identity '${nameOrId}'`);
      return found;
    },
    setDefault: (nameOrId) => {
      this.identities.get(nameOrId);
      return Promise.resolve();
    },
    sign: (bytes) => bytes,
    verify: (signed) => signed,
  };

  readonly names: AdminNames = {
    clouds: () => [{
      name: "loopback",
      scope: "loopback",
      state: "alone",
      endpoint: "udp://127.0.0.1:4000",
      contacts: 0,
      sizeEstimate: 1,
      registrations: this.registered.size,
      held: 0,
    }],
    register: (name, options = {}) => {
      this.registered.set(name, options);
      return Promise.resolve({
        clouds: ["loopback"],
        unregister: () => {
          this.registered.delete(name);
          return Promise.resolve();
        },
      });
    },
    resolve: (name: string): Promise<AdminResolved[]> => {
      const options = this.registered.get(name);
      if (options === undefined) throw new PeerError("name_not_found", `Nobody has published '${name}'`);
      const { endpoints = ["tcp://127.0.0.1:4000"], comment = "", payload = null } = options;
      return Promise.resolve([{
        cloud: "loopback",
        publisher: selfId,
        endpoints,
        comment,
        payload,
        verified: true,
        expires: new Date(startMs + 7_200_000),
      }]);
    },
  };

  status(): PeerStatus {
    return {
      id: selfId,
      version: "0.1.0",
      endpoints: ["tcp://127.0.0.1:4000"],
      nameEndpoints: ["udp://127.0.0.1:4000"],
      store: "memory",
      links: 0,
      graphs: [],
      groups: this.made.map((group) => group.status()),
      clouds: [{ name: "loopback", state: "alone", contacts: 0, registrations: 0 }],
      problems: [],
    };
  }

  #makeGroup(name: string): FakeGroup {
    const letter = "abcdefghijklmnopqrstuvwxyz"[this.made.length]!;
    const group = new FakeGroup(letter.repeat(52), name);
    this.made.push(group);
    return group;
  }
}
