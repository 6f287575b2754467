/** What the admin API uses of a peer. `Peer` has all of it; tests bring their own. */

import type { Groups, Identities, PeerStatus, TimedOptions } from "../lib/peer/surface.ts";

/** A running peer, as far as the admin API needs it. */
export interface AdminPeer {
  /** The identities of the store. */
  readonly identities: Identities;
  /** The groups of the store. */
  readonly groups: Groups;
  /** Publishing and resolving names. */
  readonly names: AdminNames;
  /** How the peer is doing. */
  status(): PeerStatus;
}

/** Publishing and resolving names, as far as the admin API needs it. */
export interface AdminNames {
  /** Publishes a name until the registration is unregistered or the peer closes. */
  register(name: string, options?: AdminRegisterOptions): Promise<AdminRegistration>;
  /** Who has published a name. Fails with `name_not_found`, `no_contacts`, `timeout`. */
  resolve(name: string, options?: AdminResolveOptions): Promise<readonly AdminResolved[]>;
  /** The clouds of the peer. */
  clouds(): readonly AdminCloud[];
}

/** How a name is published. */
export interface AdminRegisterOptions extends TimedOptions {
  /** Name of the one cloud to publish in; all clouds of the peer if not given. */
  readonly cloud?: string;
  /** Where to reach the publisher, as `tcp://127.0.0.1:4000`. */
  readonly endpoints?: readonly string[];
  /** A remark for whoever resolves the name. */
  readonly comment?: string;
  /** Bytes or text that resolvers fetch from the publisher. */
  readonly payload?: Uint8Array | string;
}

/** How a name is resolved. */
export interface AdminResolveOptions extends TimedOptions {
  /** Name of the one cloud to ask; all clouds of the peer if not given. */
  readonly cloud?: string;
  /** How many publishers are enough. */
  readonly max?: number;
}

/** A name that is published. */
export interface AdminRegistration {
  /** Names of the clouds where it is published. */
  readonly clouds: readonly string[];
  /** Publishes the name no more. */
  unregister(): Promise<void>;
}

/** One publisher of a name. */
export interface AdminResolved {
  /** Name of the cloud that knew it. */
  readonly cloud: string;
  /** Peer id of the key that signed the registration. */
  readonly publisher: string;
  /** Where the publisher says it accepts links, as `tcp://127.0.0.1:4000`. */
  readonly endpoints: readonly string[];
  /** The publisher's remark. */
  readonly comment: string;
  /** As it was given; `null` if there is none, or if the publisher could not be asked for it. */
  readonly payload: Uint8Array | string | null;
  /** Whether the publisher itself confirmed all this. */
  readonly verified: boolean;
  /** Until when this holds unless it is refreshed. */
  readonly expires: Date;
}

/** A cloud that the peer takes part in. */
export interface AdminCloud {
  /** What it is called. */
  readonly name: string;
  /** `global`, `link-local`, `loopback` or `private`. */
  readonly scope: string;
  /** How the peer stands in it, in a word. */
  readonly state: string;
  /** Where the peer answers in it, as `udp://127.0.0.1:4000`. */
  readonly endpoint: string;
  /** Contacts in the routing table. */
  readonly contacts: number;
  /** How many participants the cloud is thought to have. */
  readonly sizeEstimate: number;
  /** Names that the peer publishes there. */
  readonly registrations: number;
  /** Registrations held for others. */
  readonly held: number;
}
