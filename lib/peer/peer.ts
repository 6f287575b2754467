/** A running Kith: everything that one program needs, opened and closed together. */

import { addressScope, addressText, parseEndpoint } from "../base/address.ts";
import { messageOf, PeerError } from "../base/errors.ts";
import type { Address, Log } from "../base/ports.ts";
import { signerOf } from "../identity/identity.ts";
import { CloudDriver } from "./cloud_driver.ts";
import { createPorts, mayListen, openStore, reachableEndpoints } from "./defaults.ts";
import { GraphsHandle } from "./graphs.ts";
import { GroupsHandle } from "./groups.ts";
import { IdentitiesHandle } from "./identities.ts";
import { KeyRing } from "./key_ring.ts";
import { Links } from "./links.ts";
import { NamesHandle } from "./names.ts";
import type { Names } from "./names_surface.ts";
import { type OpenedStore, PeerCore, type PeerPorts } from "./peer_core.ts";
import { StoreQueue } from "./store_queue.ts";
import type { Graphs, Groups, Identities, PeerStatus } from "./surface.ts";
import { requireEndpoint } from "./registration.ts";
import { version } from "./version.ts";

/** How a peer is opened. Everything has a default. */
export interface PeerOptions {
  /**
   * Path of the store, as `./alice.kv`; needs `--unstable-kv`. Its keys lie beside it in `./alice.kv.key`.
   * In memory if not given: then identity and records end with the peer.
   */
  readonly store?: string;
  /** Seals the key file. Opening takes half a second longer. */
  readonly passphrase?: string;
  /** Name or peer id of the identity to run as; the store's default if not given. */
  readonly identity?: string;
  /**
   * Where to accept links (TCP) and name queries (UDP), as `127.0.0.1:4000`; port 0 chooses one. `false`: nowhere.
   * If not given, a port of its own on loopback, if Deno may.
   */
  readonly listen?: string | false;
  /** Where name queries begin, as `127.0.0.1:4000`: any peer of the cloud will do. */
  readonly bootstraps?: readonly string[];
  /** Name of the cloud; peers find each other's names in clouds of one name only. `loopback` or `global` if not given. */
  readonly cloud?: string;
  /** Takes what a peer has to say to its operator. Silent if not given. */
  readonly log?: Log;
}

/** What a peer is opened on in place of this process's own ports and store. */
export interface PeerWorld {
  readonly ports: PeerPorts;
  readonly opened: OpenedStore;
}

/**
 * A running Kith. Open one for each store; close it, or leave its `await using` block.
 *
 * @example A group of one, and what it wrote
 * ```ts
 * import { Peer } from "@kith/peer";
 *
 * await using alice = await Peer.open();
 * const group = await alice.groups.create("Field notes");
 * await group.records.add("note", "heron at the north pond");
 * console.log((await group.records.list())[0]?.value); // heron at the north pond
 * ```
 */
export class Peer implements AsyncDisposable {
  /** The identities of the store. */
  readonly identities: Identities;
  /** Publishes and resolves names. */
  readonly names: Names;
  /** Plain graphs. */
  readonly graphs: Graphs;
  /** Secure groups. */
  readonly groups: Groups;
  readonly #core: PeerCore;
  readonly #parts: OpenParts;
  readonly #problems: readonly string[];
  #closing: Promise<void> | null = null;

  /**
   * Opens a peer. Fails with `store_in_use`, `store_damaged`, `flag_missing`, `permission_denied`, `port_in_use`,
   * `bad_passphrase`, `keys_readable`, `keys_damaged`, `identity_not_found`, `invalid_address`.
   */
  static async open(options: PeerOptions = {}): Promise<Peer> {
    const ports = createPorts(options.log);
    const opened = await openStore(options.store, options.passphrase, ports.timers, ports.log);
    return await Peer.openIn({ ports, opened }, options);
  }

  /** Opens a peer in a world of the caller's making: a simulation, or a test. */
  static async openIn(world: PeerWorld, options: PeerOptions = {}): Promise<Peer> {
    const opening = new Opening(world, options);
    try {
      return new Peer(await opening.run(), opening);
    } catch (error) {
      await opening.undo();
      throw error;
    }
  }

  private constructor(core: PeerCore, opening: Opening) {
    this.#core = core;
    this.#parts = { names: opening.names!, ...opening.parts! };
    this.#problems = opening.problems;
    this.identities = new IdentitiesHandle(core);
    this.names = this.#parts.names;
    this.graphs = this.#parts.graphs;
    this.groups = this.#parts.groups;
  }

  /** Peer id of the identity that this peer runs as. */
  get id(): string {
    return this.#core.identity.id;
  }

  /** How everything is doing, in plain data and words. */
  status(): PeerStatus {
    const clouds = this.names.clouds();
    const graphs = this.graphs.list().map((graph) => graph.status());
    const groups = this.groups.list().map((group) => group.status());
    return {
      id: this.id,
      version,
      endpoints: this.#core.endpoints(),
      nameEndpoints: clouds.map(({ endpoint }) => endpoint),
      store: this.#core.opened.place,
      links: this.#core.links.peers().length,
      graphs,
      groups,
      clouds: clouds.map(({ name, state, contacts, registrations }) => ({
        name,
        state,
        contacts,
        registrations,
      })),
      problems: [...this.#problems, ...this.#storeProblems(), ...this.#clockProblems()],
    };
  }

  /** Says goodbye to neighbors, stores what is under way, frees ports and files. May be called again. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** {@linkcode Peer.close} at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#core.beginClose();
    try {
      await this.#parts.names.close();
      await this.#core.settle(); // what was being created or joined is closed below
      await this.#parts.groups.close();
      await this.#parts.graphs.close();
      await this.#core.links.close();
      await this.#core.storeQueue.idle();
    } finally {
      await this.#core.opened.release();
    }
  }

  #storeProblems(): string[] {
    const { failure } = this.#core.storeQueue;
    const { damaged = 0 } = this.#core.opened.store;
    const problems: string[] = [];
    if (failure !== null) problems.push(`The store took nothing when it was asked last: ${failure.message}`);
    if (damaged > 0) {
      problems.push(
        `The store was damaged and ${damaged} of its entries could not be read: what neighbors have comes again; ` +
          "join or open again what list() no longer shows, and see whether the disk fails.",
      );
    }
    return problems;
  }

  #clockProblems(): string[] {
    return this.#core.isClockWrong()
      ? [
        "This machine's clock differs from its neighbors' by more than 10 minutes: set it; nothing is written until then.",
      ]
      : [];
  }
}

interface OpenParts {
  readonly names: NamesHandle;
  readonly graphs: GraphsHandle;
  readonly groups: GroupsHandle;
}

/** The steps of opening, each undone if a later one fails. */
class Opening {
  readonly #world: PeerWorld;
  readonly #options: PeerOptions;
  readonly problems: string[] = [];
  names: NamesHandle | null = null;
  parts: { readonly graphs: GraphsHandle; readonly groups: GroupsHandle } | null = null;
  #links: Links | null = null;
  #core: PeerCore | null = null;
  #clouds: CloudDriver[] = [];
  #endpoints: readonly string[] = [];

  constructor(world: PeerWorld, options: PeerOptions) {
    this.#world = world;
    this.#options = options;
  }

  async run(): Promise<PeerCore> {
    const { ports, opened } = this.#world;
    const { listen, bootstraps = [] } = this.#options;
    // Misuse is told before anything is created.
    if (typeof listen === "string") listenAddressOf(listen);
    for (const bootstrap of bootstraps) requireEndpoint(bootstrap);
    const keys = await KeyRing.open(ports.crypto, ports.random, opened.keys);
    const { identity: wanted } = this.#options;
    const identity = wanted === undefined ? keys.list()[0]! : keys.find(wanted);
    const signer = signerOf(identity);
    const links = this.#links = new Links(ports, signer, { agent: `kith/${version}` });
    const core = this.#core = new PeerCore({
      ports,
      opened,
      storeQueue: new StoreQueue(opened.store, ports.timers),
      keys,
      identity,
      signer,
      links,
      endpoints: () => this.#endpoints,
    });
    const bound = await this.#listen(links);
    if (bound !== null) await this.#openCloud(bound);
    const { crypto, random } = ports;
    const names = this.names = new NamesHandle({
      crypto,
      random,
      clouds: this.#clouds,
      identity,
      identityOf: (nameOrId) => keys.find(nameOrId),
      endpoints: () => this.#endpoints,
    });
    this.parts = { graphs: new GraphsHandle(core), groups: new GroupsHandle(core) };
    await this.parts.groups.openStored();
    await this.parts.graphs.openStored();
    this.#bootstrap(core, names);
    return core;
  }

  async undo(): Promise<void> {
    this.#core?.beginClose();
    await this.names?.close();
    await this.parts?.groups.close();
    await this.parts?.graphs.close();
    if (this.names === null) { for (const cloud of this.#clouds) await cloud.close(); }
    await this.#links?.close();
    await this.#core?.settle();
    await this.#world.opened.release();
  }

  /** TCP first; names then get the same number of UDP, so that one port is all there is to open. */
  async #listen(links: Links): Promise<Address | null> {
    const { listen } = this.#options;
    if (listen === false) return null;
    const address = listen === undefined ? defaultAddress : listenAddressOf(listen);
    if (listen === undefined && !await mayListen(address)) {
      this.problems.push(
        "This peer accepts no links and answers no name queries: Deno was started without permission for a port " +
          "of its own on loopback; start it with --allow-net=127.0.0.1, or with --allow-net to reach peers anywhere.",
      );
      return null;
    }
    const bound = await links.listen(address);
    this.#endpoints = await reachableEndpoints(bound);
    return bound;
  }

  async #openCloud(bound: Address): Promise<void> {
    const { ports } = this.#world;
    const isLoopback = addressScope(bound.host) === "loopback";
    const name = this.#options.cloud ?? (isLoopback ? "loopback" : "global");
    const scope = isLoopback ? "loopback" : "private";
    try {
      this.#clouds.push(await CloudDriver.open(ports, { name, scope, address: bound }));
    } catch (error) {
      // Of a chosen port the caller hears; a port that chance chose may be taken for UDP: any other will do.
      if (!(error instanceof PeerError) || error.code !== "port_in_use" || this.#isPortChosen()) throw error;
      this.#clouds.push(await CloudDriver.open(ports, { name, scope, address: { ...bound, port: 0 } }));
    }
  }

  #isPortChosen(): boolean {
    const { listen } = this.#options;
    return typeof listen === "string" && listenAddressOf(listen).port !== 0;
  }

  #bootstrap(core: PeerCore, names: Names): void {
    const { bootstraps = [] } = this.#options;
    if (bootstraps.length === 0) return;
    if (this.#clouds.length === 0) {
      this.problems.push("The bootstraps are of no use: a peer that does not listen takes part in no cloud.");
      return;
    }
    core.track(
      names.bootstrap(bootstraps).then(
        () => {},
        (error) => core.ports.log.warn(`No bootstrap answered: ${messageOf(error)}`),
      ),
    );
  }
}

const defaultAddress: Address = { host: "127.0.0.1", port: 0 };

function listenAddressOf(text: string): Address {
  const endpoint = parseEndpoint(text);
  if (endpoint !== null) return endpoint.address;
  throw new PeerError(
    "invalid_address",
    `Cannot listen at "${text}": write it like ${addressText({ host: "127.0.0.1", port: 4000 })}`,
  );
}
