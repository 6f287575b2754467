/** The plain graphs of a peer. */

import { hex } from "../base/bytes.ts";
import { PeerError, throwIfAborted } from "../base/errors.ts";
import { OpenPolicy } from "../graph/policy.ts";
import { encode } from "../wire/codec.ts";
import { addressOf, GraphHandle } from "./graph_handle.ts";
import { graphsMax } from "./limits.ts";
import type { PeerCore } from "./peer_core.ts";
import { graphIdOf } from "./records_handle.ts";
import type { Graph, Graphs, OpenGraphOptions, WaitOptions } from "./surface.ts";

/** Implements {@linkcode Graphs}. */
export class GraphsHandle implements Graphs {
  readonly #core: PeerCore;
  readonly #open = new Map<string, GraphHandle>();
  /** Opened with the peer, and not asked for yet: the first to open one of them gets it. */
  readonly #fromStore = new Map<string, GraphHandle>();

  constructor(core: PeerCore) {
    this.#core = core;
  }

  async create(options: WaitOptions = {}): Promise<Graph> {
    throwIfAborted(options.signal, "Creating the graph");
    const action = "Creating the graph";
    return await this.#core.run(action, async () => {
      const id = this.#core.ports.random.bytes(32);
      return await this.#opened(id, () => this.#keep(action, id, options.signal));
    });
  }

  async open(id: string, options: OpenGraphOptions = {}): Promise<Graph> {
    const action = "Opening the graph";
    throwIfAborted(options.signal, action);
    const key = graphIdOf(id);
    for (const endpoint of options.endpoints ?? []) addressOf(endpoint);
    return await this.#core.run(action, async () => {
      const stored = this.#fromStore.get(hex(key));
      this.#fromStore.delete(hex(key));
      const graph = stored ?? await this.#opened(key, () => Promise.resolve());
      try {
        await connectAny(graph, options);
        // Kept only now, so that the store does not fill with ids that were mistyped.
        if (stored === undefined) await this.#keep(action, key, options.signal);
        return graph;
      } catch (error) {
        if (stored === undefined) await graph.close();
        else if (!stored.isClosed) this.#fromStore.set(hex(key), stored);
        throw error;
      }
    });
  }

  list(): Graph[] {
    return [...this.#open.values()];
  }

  /** Opens the graphs that the store knows. */
  async openStored(): Promise<void> {
    for await (const { key: [, id] } of this.#core.opened.store.list(["graphs"])) {
      if (!(id instanceof Uint8Array)) continue;
      this.#fromStore.set(hex(id), await this.#opened(id, () => Promise.resolve()));
    }
  }

  /** Closes all of them. */
  async close(): Promise<void> {
    for (const graph of this.list()) await graph.close();
  }

  async #opened(id: Uint8Array, prepare: () => Promise<void>): Promise<GraphHandle> {
    if (this.#open.size >= graphsMax) {
      throw new PeerError("too_many", `Cannot open the graph: ${graphsMax} are open; close some first`);
    }
    const name = hex(id);
    const driver = this.#core.createDriver(id, new OpenPolicy());
    const graph = new GraphHandle(this.#core, driver, () => {
      this.#open.delete(name);
      this.#fromStore.delete(name);
    });
    this.#open.set(name, graph);
    try {
      await prepare();
      await driver.open();
    } catch (error) {
      await graph.close();
      throw error;
    }
    return graph;
  }

  /** Makes a graph one that opens with the peer. */
  async #keep(action: string, id: Uint8Array, signal?: AbortSignal): Promise<void> {
    await this.#core.commit(action, { sets: [{ key: ["graphs", id], value: encode([1]) }] }, signal);
  }
}

/** Connects to the first of the endpoints that takes part; fails as the last of them if none does. */
async function connectAny(graph: Graph, options: OpenGraphOptions): Promise<void> {
  let failure: unknown = null;
  for (const endpoint of options.endpoints ?? []) {
    try {
      await graph.connect(endpoint, options);
      return;
    } catch (error) {
      failure = error;
      if (options.signal?.aborted) break;
    }
  }
  if (failure !== null) throw failure;
}
