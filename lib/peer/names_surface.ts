/** Names as users hold them: the types of registrations, resolves and clouds. */

import type { TimedOptions, WaitOptions } from "./surface.ts";

/** What is published under a name. */
export interface RegistrationContent {
  /** Where to reach the publisher, as `tcp://127.0.0.1:4000`; ≤ 10. If not given, wherever this peer listens, also when that changes. */
  readonly endpoints?: readonly string[];
  /** A remark for whoever resolves the name; ≤ 39 characters. */
  readonly comment?: string;
  /** Bytes or text that resolvers fetch from this peer; ≤ 4,096 bytes. */
  readonly payload?: Uint8Array | string;
  /** When the name is published no more. If not given, it stands until it is unregistered or the peer closes. */
  readonly expires?: Date;
}

/** How a name is registered. */
export interface RegisterOptions extends RegistrationContent, TimedOptions {
  /** Name of the one cloud to publish in; all clouds of the peer if not given. */
  readonly cloud?: string;
  /** Name or peer id of who publishes. A secured name needs the identity that it names (this peer's by default); an unsecured one gets a key of its own if none is given. */
  readonly identity?: string;
}

/** How a registration is changed: content that is not given goes back to its default. */
export interface UpdateOptions extends RegistrationContent, TimedOptions {}

/** A name that this peer publishes. Leaving its `await using` block unregisters it. */
export interface Registration extends AsyncDisposable {
  /** The peer name. */
  readonly name: string;
  /** Peer id of the key that signs the registration. */
  readonly publisher: string;
  /** Names of the clouds where it is published. */
  readonly clouds: readonly string[];
  /** Publishes other content under the name. Fails with `name_not_found` once it was unregistered. */
  update(content: UpdateOptions): Promise<void>;
  /** Publishes the name no more, and tells those who hold it. May be called again. */
  unregister(options?: WaitOptions): Promise<void>;
}

/** How a name is resolved. */
export interface ResolveOptions extends TimedOptions {
  /** How many publishers are enough, 1 to 32 (32 if not given): the resolve ends as soon as so many are found. */
  readonly max?: number;
  /** Name of the one cloud to ask; all clouds of the peer, at the same time, if not given. */
  readonly cloud?: string;
}

/** One publisher of a name. */
export interface Resolved {
  /** The peer name. */
  readonly name: string;
  /** Name of the cloud that knew it. */
  readonly cloud: string;
  /** Peer id of the key that signed the registration: of a secured name its authority. */
  readonly publisher: string;
  /** Where the publisher says it accepts links, as `tcp://127.0.0.1:4000`. */
  readonly endpoints: readonly string[];
  /** What the publisher remarks; empty if nothing. */
  readonly comment: string;
  /** As it was given; `null` if there is none, or if the publisher could not be asked for it. */
  readonly payload: Uint8Array | string | null;
  /** Whether the publisher confirmed all this just now; if not, it could not be reached. */
  readonly verified: boolean;
  /** Until when this holds unless it is refreshed. */
  readonly expires: Date;
}

/** A cloud that this peer takes part in. */
export interface CloudInfo {
  /** All who use the same name and find each other are one cloud. */
  readonly name: string;
  /** How far its addresses reach. */
  readonly scope: "loopback" | "link-local" | "private" | "global";
  /** 64 characters of hexadecimal text. */
  readonly id: string;
  /** Whether it can be asked, and whether anybody is there. */
  readonly state: "no_network" | "alone" | "synchronising" | "active";
  /** Where this peer answers in this cloud, as `udp://127.0.0.1:4000`. */
  readonly endpoint: string;
  /** Contacts in the routing table. */
  readonly contacts: number;
  /** How many participants the cloud is thought to have. */
  readonly sizeEstimate: number;
  /** Names that this peer publishes there. */
  readonly registrations: number;
  /** Registrations held for others. */
  readonly held: number;
}

/** The names of one peer. */
export interface Names {
  /**
   * Publishes a name (`0.chat`, or `<peer id>.chat` where only that identity may). Resolves when three
   * contacts hold it, or all there are; alone, at once, and it is published when contacts come. The
   * default timeout is 30,000 ms. Fails with `invalid_peer_name`, `not_authorized`,
   * `already_registered`, `invalid_address`, `too_many`, `timeout`.
   */
  register(name: string, options?: RegisterOptions): Promise<Registration>;
  /**
   * The publishers of a name. Ends when `max` are found or everybody worth asking was asked; the default
   * timeout is 30,000 ms. Fails with `name_not_found` (asked, and nobody publishes it), `no_contacts`
   * (nobody could be asked) or `timeout`, unless something was found by then.
   */
  resolve(name: string, options?: ResolveOptions): Promise<Resolved[]>;
  /** Like {@linkcode Names.resolve}, but gives each publisher as it is found; breaking off ends the search. */
  resolveEach(name: string, options?: ResolveOptions): AsyncIterable<Resolved>;
  /** Looks for contacts at addresses like `127.0.0.1:4000`; returns how many are known then. */
  bootstrap(addresses: readonly string[], options?: BootstrapOptions): Promise<number>;
  /** The clouds of this peer. */
  clouds(): CloudInfo[];
  /** The names that this peer publishes. */
  registrations(): Registration[];
}

/** How contacts are looked for. */
export interface BootstrapOptions extends TimedOptions {
  /** Name of the one cloud to look in; all clouds of the peer if not given. */
  readonly cloud?: string;
}
