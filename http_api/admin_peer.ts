/** What the admin API uses of a peer. `Peer` has all of it; tests bring their own. */

import type { Groups, Identities, PeerStatus, TimedOptions, WaitOptions } from "../lib/peer/surface.ts";

/** A running peer, as far as the admin API needs it. */
export interface AdminPeer {
  readonly identities: Identities;
  readonly groups: Groups;
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
}

/** How a name is published. */
export interface AdminRegisterOptions extends WaitOptions {
  readonly cloud?: string;
  readonly endpoints?: readonly string[];
  readonly comment?: string;
  readonly payload?: Uint8Array | string;
}

/** How a name is resolved. */
export interface AdminResolveOptions extends TimedOptions {
  readonly cloud?: string;
  readonly max?: number;
}

/** A name that is published. */
export interface AdminRegistration {
  /** Publishes the name no more. */
  unregister(): Promise<void>;
}

/** One publisher of a name. */
export interface AdminResolved {
  /** Where it accepts links, as `tcp://127.0.0.1:4000`. */
  readonly endpoints: readonly string[];
  readonly comment: string;
  readonly payload: Uint8Array | string | null;
  /** Whether the publisher itself answered. */
  readonly verified: boolean;
}
