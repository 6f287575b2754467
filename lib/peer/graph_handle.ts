/** A graph, as users hold it: the part that groups share. */

import { addressText, parseEndpoint } from "../base/address.ts";
import { base32 } from "../base/base32.ts";
import { equalBytes } from "../base/bytes.ts";
import { PeerError } from "../base/errors.ts";
import type { Address } from "../base/ports.ts";
import { parsePeerId, peerIdText } from "../identity/peer_id.ts";
import type { ReplicaEvent } from "../graph/machine.ts";
import type { Neighbor } from "../graph/neighbor.ts";
import type { GraphDriver } from "./driver.ts";
import { mapDeliveries } from "./event_hub.ts";
import { channelAnswerMsMax, graphConnectMsDefault } from "./limits.ts";
import type { PeerCore } from "./peer_core.ts";
import { viewOf } from "./record_values.ts";
import { RecordsHandle } from "./records_handle.ts";
import type {
  ConnectOptions,
  Graph,
  GraphEvent,
  GraphStatus,
  NodeInfo,
  Records,
  WaitOptions,
} from "./surface.ts";

/** Implements {@linkcode Graph} on a driver. */
export class GraphHandle implements Graph {
  readonly id: string;
  readonly records: Records;
  protected readonly core: PeerCore;
  protected readonly driver: GraphDriver;
  readonly #onClose: () => void;

  constructor(core: PeerCore, driver: GraphDriver, onClose: () => void) {
    this.core = core;
    this.driver = driver;
    this.#onClose = onClose;
    this.id = base32(driver.replica.graph);
    this.records = new RecordsHandle(driver, core.ports.crypto, core.ports.clock);
  }

  nodes(): NodeInfo[] {
    return this.openNeighbors().map((neighbor) => this.#nodeInfo(neighbor));
  }

  async connect(endpoint: string, options: ConnectOptions = {}): Promise<NodeInfo> {
    const address = addressOf(endpoint);
    const expect = options.peer === undefined ? undefined : this.keyOf(options.peer);
    const action = `Connecting to ${endpoint}`;
    const until = this.driver.closing;
    until.throwIfAborted();
    return await this.core.within(action, { ...options, until }, graphConnectMsDefault, async (signal) => {
      const linkOptions = { signal, timeoutMs: options.timeoutMs ?? graphConnectMsDefault };
      const link = await this.core.links.connect(address, { ...linkOptions, ...(expect && { expect }) });
      signal.throwIfAborted();
      return await this.#opened(link.peer, endpoint, signal, () => this.driver.openChannel(link));
    });
  }

  events(options: WaitOptions = {}): AsyncIterable<GraphEvent> {
    const membersOf = this.memberTracker();
    return mapDeliveries(this.driver.events.subscribe(options.signal), (delivery) => {
      if (delivery.kind === "gap") return [missedWarning];
      const translated = this.#translate(delivery.event);
      return [...(translated === null ? [] : [translated]), ...membersOf(delivery.event)];
    });
  }

  status(): GraphStatus {
    const snapshot = this.driver.replica.snapshot();
    const [state, explanation] = this.#state();
    return {
      id: this.id,
      state,
      neighbors: this.openNeighbors().length,
      records: snapshot.visibleRecords,
      items: snapshot.authorityItems + snapshot.dataItems,
      explanation,
    };
  }

  /** Whether it was closed, or is about to be. */
  get isClosed(): boolean {
    return this.driver.isClosed;
  }

  async close(): Promise<void> {
    await this.driver.close();
    this.#onClose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The machine's view of a lineage's standing, for the state in words; groups say more. */
  protected standing(): "in" | "joining" | "removed" {
    return "in";
  }

  /** Turns events into those of membership, for one reader; groups have some. */
  protected memberTracker(): (event: ReplicaEvent) => GraphEvent[] {
    return () => [];
  }

  /** The neighbors that take part; none once it was closed. */
  protected openNeighbors(): Neighbor[] {
    return this.driver.isClosed ? [] : this.driver.replica.neighbors().filter(isOpen);
  }

  /** The key that a peer id names. */
  protected keyOf(peer: string): Uint8Array {
    const key = parsePeerId(this.core.ports.crypto, peer);
    if (key === null) {
      throw new PeerError("invalid_peer_id", `"${peer}" is no peer id: 56 characters of base 32 are`);
    }
    return key;
  }

  /** Waits until a peer takes part over a channel that `ask` asks for, or is known not to. */
  async #opened(
    peer: Uint8Array,
    endpoint: string,
    signal: AbortSignal,
    ask: () => void,
  ): Promise<NodeInfo> {
    // Ended with the wait: its signal fires in any case.
    const deliveries = this.driver.events.subscribe(signal);
    ask();
    for (let found = this.#neighborOf(peer);; found = this.#neighborOf(peer)) {
      if (found !== undefined) return this.#nodeInfo(found);
      const { done, value } = await deliveries.next();
      if (done) throw signal.aborted ? signal.reason : closedError();
      if (value.kind === "gap" || value.event.kind !== "refused") continue;
      if (equalBytes(value.event.peer, peer)) throw refusedError(endpoint, value.event.reason);
    }
  }

  #neighborOf(peer: Uint8Array): Neighbor | undefined {
    return this.openNeighbors().find((neighbor) => equalBytes(neighbor.peer, peer));
  }

  #nodeInfo({ peer, up, isSynchronised }: Neighbor): NodeInfo {
    const { crypto } = this.core.ports;
    return {
      peer: peerIdText(crypto, peer),
      address: up.address,
      dialled: up.dialled,
      synchronised: isSynchronised,
    };
  }

  #state(): [GraphStatus["state"], string] {
    if (this.driver.isClosed) return ["closed", "It was closed."];
    const standing = this.standing();
    if (standing === "removed") {
      return ["removed", "This identity was removed or has left; what it had seen can still be read."];
    }
    if (standing === "joining") return ["joining", "No member has admitted this identity yet."];
    const neighbors = this.openNeighbors();
    if (this.driver.replica.peerTime.isWrong) {
      const isSynchronised = neighbors.some((neighbor) => neighbor.isSynchronised);
      return [
        isSynchronised ? "synchronised" : neighbors.length > 0 ? "synchronising" : "alone",
        "This machine's clock differs from its neighbors' by more than 10 minutes: set it; nothing is written until then.",
      ];
    }
    if (neighbors.length === 0) {
      const hints = this.driver.replica.contacts.hints().length;
      const explanation = hints === 0
        ? "No neighbor, and none is known: connect to an endpoint, or wait to be found."
        : `No neighbor answers; ${hints} known ${
          hints === 1 ? "peer is" : "peers are"
        } tried again and again.`;
      return ["alone", `${explanation} What is written is stored and spreads later.`];
    }
    return neighbors.some((neighbor) => neighbor.isSynchronised)
      ? ["synchronised", "All is well."]
      : ["synchronising", "Catching up with a neighbor."];
  }

  #translate(event: ReplicaEvent): GraphEvent | null {
    const { crypto } = this.core.ports;
    switch (event.kind) {
      case "record":
        return { kind: "record", event: { kind: event.cause, record: viewOf(crypto, event.shown) } };
      case "neighborUp":
      case "neighborDown":
      case "synchronised":
        return { kind: event.kind, peer: peerIdText(crypto, event.peer) };
      case "refused":
        return { kind: "connectFailed", address: peerIdText(crypto, event.peer), reason: event.reason };
      case "fork":
        return { kind: "fork", author: peerIdText(crypto, event.author) };
      case "storeTrouble":
        return { kind: "warning", message: event.message, details: { code: event.code } };
      case "authority":
      case "loaded":
        return null;
    }
  }
}

/** The address of an endpoint's text; throws `invalid_address`. */
export function addressOf(text: string): Address {
  const endpoint = parseEndpoint(text);
  if (endpoint !== null && endpoint.transport === "tcp" && endpoint.address.port > 0) return endpoint.address;
  throw new PeerError("invalid_address", `"${text}" is no endpoint: write it like ${addressText(example)}`);
}

const example: Address = { host: "127.0.0.1", port: 4000 };

const missedWarning: GraphEvent = {
  kind: "warning",
  message: "Events were missed: they were read too slowly. Look again at what you follow by them",
};

function isOpen(neighbor: Neighbor): boolean {
  return neighbor.phase === "open";
}

function refusedError(endpoint: string, reason: string): PeerError {
  if (reason === "no_answer") {
    const limit = `within ${channelAnswerMsMax} ms`;
    return new PeerError(
      "timeout",
      `The peer at ${endpoint} did not answer ${limit}; try again, or another peer`,
    );
  }
  const why = reason === "unknown"
    ? "it does not hold this graph; open it there first, or try another peer"
    : `${reason.replaceAll("_", " ")}; try another peer, or later`;
  return new PeerError("link_refused", `The peer at ${endpoint} does not take part with this one: ${why}`);
}

function closedError(): PeerError {
  return new PeerError("closed", "Cannot connect: the graph was closed; open it again");
}
