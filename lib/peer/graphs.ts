/** The plain graphs of a peer. */

import { base32 } from "../base/base32.ts";
import { hex } from "../base/bytes.ts";
import { PeerError, throwIfAborted } from "../base/errors.ts";
import { OpenPolicy } from "../graph/policy.ts";
import { encode } from "../wire/codec.ts";
import { GraphHandle } from "./graph_handle.ts";
import { graphsMax } from "./limits.ts";
import type { PeerCore } from "./peer_core.ts";
import { graphIdOf } from "./records_handle.ts";
import type { Graph, Graphs, OpenGraphOptions, WaitOptions } from "./surface.ts";

/** Implements {@linkcode Graphs}. */
export class GraphsHandle implements Graphs {
  readonly #core: PeerCore;
  readonly #open = new Map<string, GraphHandle>();

  constructor(core: PeerCore) {
    this.#core = core;
  }

  async create(options: WaitOptions = {}): Promise<Graph> {
    throwIfAborted(options.signal, "Creating the graph");
    return await this.#opened(this.#core.ports.random.bytes(32));
  }

  async open(id: string, options: OpenGraphOptions = {}): Promise<Graph> {
    const graph = await this.#opened(graphIdOf(id));
    const endpoints = options.endpoints ?? [];
    try {
      let failure: unknown = null;
      for (const endpoint of endpoints) {
        try {
          await graph.connect(endpoint, options);
          return graph;
        } catch (error) {
          failure = error;
        }
      }
      if (failure !== null) throw failure;
      return graph;
    } catch (error) {
      await graph.close();
      throw error;
    }
  }

  list(): Graph[] {
    return [...this.#open.values()];
  }

  /** Opens the graphs that the store knows. */
  async openStored(): Promise<void> {
    for await (const { key } of this.#core.opened.store.list(["graphs"])) {
      if (key[1] instanceof Uint8Array) await this.#opened(key[1]);
    }
  }

  /** Closes all of them. */
  async close(): Promise<void> {
    for (const graph of this.list()) await graph.close();
  }

  async #opened(id: Uint8Array): Promise<GraphHandle> {
    const name = hex(id);
    if (this.#open.has(name)) {
      throw new PeerError(
        "already_open",
        `Cannot open graph ${base32(id)}: it is open in this peer already; use list()`,
      );
    }
    if (this.#open.size >= graphsMax) {
      throw new PeerError("too_many", `Cannot open the graph: ${graphsMax} are open; close some first`);
    }
    const driver = this.#core.createDriver(id, new OpenPolicy());
    const graph = new GraphHandle(this.#core, driver, () => this.#open.delete(name));
    this.#open.set(name, graph);
    try {
      await this.#core.commit({ sets: [{ key: ["graphs", id], value: encode([1]) }] });
      await driver.open();
    } catch (error) {
      await graph.close();
      throw error;
    }
    return graph;
  }
}
