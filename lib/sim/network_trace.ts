/** What happens in the network of a simulation, as its trace has it. */

import type { NetworkEvent } from "../../transports/memory.ts";
import type { Checker } from "./checker.ts";
import type { Trace } from "./trace.ts";

/** What a trace of a network is written from, and into. */
export interface NetworkTraceWorld {
  readonly trace: Trace;
  /** Virtual milliseconds since the simulation began. */
  readonly nowMs: number;
}

/** Writes what happens in the network into the trace, and keeps a datagram of late. */
export class NetworkTrace implements Checker {
  readonly invariant = "";
  readonly #world: NetworkTraceWorld;
  readonly #nameOf: (host: string) => string;
  #overheard: Uint8Array | null = null;

  /** Writes into the trace of a simulation; `nameOf` has what people call who is at an address. */
  constructor(world: NetworkTraceWorld, nameOf: (host: string) => string) {
    this.#world = world;
    this.#nameOf = nameOf;
  }

  /** Something happened. */
  onNetwork(event: NetworkEvent): void {
    const { trace, nowMs } = this.#world;
    const [who, what] = describe(event, this.#nameOf);
    trace.add(nowMs, who, what, event.content);
    if (event.kind === "sent" && event.what === "datagram" && trace.count % 32 === 0) {
      this.#overheard = event.content.slice();
    }
  }

  /** A datagram that was sent of late; `null` if none was. */
  get overheard(): Uint8Array | null {
    return this.#overheard;
  }
}

/** To whom something happened, and what. */
function describe(event: NetworkEvent, nameOf: (host: string) => string): [who: string, what: string] {
  const { kind, what, bytes, reason } = event;
  const [from, to] = [nameOf(event.from.host), nameOf(event.to.host)];
  const detail = `, ${bytes} bytes${reason === null ? "" : `: ${reason}`}`;
  return kind === "sent"
    ? [from, `${what} sent to ${to}${detail}`]
    : [to, `${what} ${kind} from ${from}${detail}`];
}
