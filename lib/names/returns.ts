/**
 * Where contacts may be found that are not known now: the addresses to start from, and those of contacts that
 * were lost. While there is nobody they are all asked (`cloud.ts`). While there are others a few of them are
 * asked again in each maintenance: after a long partition each side has contacts of its own, and nobody else
 * who could name it to the other.
 */

import { addressText } from "../base/address.ts";
import { BoundedMap } from "../base/bounded.ts";
import type { Address } from "../base/ports.ts";
import { jittered, shuffled } from "../base/random.ts";
import type { Contact } from "./contact.ts";
import type { CloudContext } from "./context.ts";
import type { Exchanges } from "./exchanges.ts";
import { absentAskedMax, bootstrapsMax, maintenanceMs } from "./limits.ts";
import type { RoutingTable } from "./routing_table.ts";
import type { Searches } from "./searches.ts";

/** What {@linkcode Returns} works with. */
export interface ReturnsParts {
  readonly table: RoutingTable;
  readonly exchanges: Exchanges;
  readonly searches: Searches;
  /** The addresses to start from, by their text. */
  readonly bootstraps: ReadonlyMap<string, Address>;
  /** Told of who answers at one of the addresses again. */
  readonly onReturned: (text: string, contact: Contact) => void;
}

/** The addresses of one cloud machine. */
export class Returns {
  readonly #context: CloudContext;
  readonly #parts: ReturnsParts;
  readonly #lost = new BoundedMap<string, Address>(bootstrapsMax);

  constructor(context: CloudContext, parts: ReturnsParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /** A contact is lost. */
  onLost({ addresses: [address] }: Contact): void {
    this.#lost.set(addressText(address!), address!);
  }

  /** Begins to ask now and then. */
  start(): void {
    this.#context.setAlarm("returns", jittered(this.#context.random, maintenanceMs), () => {
      this.#askAbsent();
      this.start();
    });
  }

  /** Stops it, while there is nobody else. */
  stop(): void {
    this.#context.clearAlarm("returns");
  }

  /** All addresses, by their text. */
  addresses(): Map<string, Address> {
    return new Map([...this.#parts.bootstraps, ...this.#lost.entries()]);
  }

  #askAbsent(): void {
    const { random, id: target } = this.#context;
    const { table, exchanges, searches, onReturned } = this.#parts;
    const present = new Set(Array.from(table.entries(), ({ contact }) => addressText(contact.addresses[0]!)));
    const absent = [...this.addresses()].filter(([text]) => !present.has(text));
    for (const [text, address] of shuffled(random, absent).slice(0, absentAskedMax)) {
      exchanges.askAddress(address, { kind: "find", target, offset: null }, (outcome) => {
        if (outcome.kind !== "answered") return;
        this.#lost.delete(text);
        onReturned(text, outcome.contact);
        searches.start({ target, aim: "closest", onDone: () => {} }); // learns whom it knows
      });
    }
  }
}
