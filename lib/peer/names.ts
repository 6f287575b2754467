/**
 * Names as users hold them: registrations and resolves over the clouds of one peer.
 */

import { endpointText } from "../base/address.ts";
import { equalBytes, fromUtf8 } from "../base/bytes.ts";
import { PeerError } from "../base/errors.ts";
import type { Random } from "../base/ports.ts";
import { type Identity, signerOf } from "../identity/identity.ts";
import { peerIdText } from "../identity/peer_id.ts";
import { parsePeerName, type PeerName } from "../identity/peer_name.ts";
import type { Resolution } from "../names/cloud.ts";
import { resolveResultsMax, resolveTimeoutMs } from "../names/limits.ts";
import { PayloadKind } from "../names/registration.ts";
import type { Signer } from "../wire/envelope.ts";
import { type CloudDriver, cloudEndpoint } from "./cloud_driver.ts";
import { CloudSearch } from "./cloud_search.ts";
import type {
  BootstrapOptions,
  CloudInfo,
  Names,
  RegisterOptions,
  Registration,
  Resolved,
  ResolveOptions,
} from "./names_surface.ts";
import { LiveRegistration, type RegistrationParts, requireEndpoint } from "./registration.ts";

/** What names are made with. */
export interface NamesParts extends RegistrationParts {
  readonly random: Random;
  /** The clouds of the peer, open; {@linkcode NamesHandle.close} closes them. */
  readonly clouds: readonly CloudDriver[];
  /** The peer's own identity. */
  readonly identity: Identity;
  /** An identity of the store by name or peer id; fails with `identity_not_found`. */
  readonly identityOf: (nameOrId: string) => Identity;
}

/** The names of one peer: publishes and resolves them. */
export class NamesHandle implements Names {
  readonly #parts: NamesParts;
  readonly #registrations = new Set<LiveRegistration>();

  /** Names over clouds that are open. */
  constructor(parts: NamesParts) {
    this.#parts = parts;
  }

  /** Publishes a name. */
  async register(name: string, options: RegisterOptions = {}): Promise<Registration> {
    const peerName = this.#peerName(name);
    const signer = this.#signerFor(peerName, options.identity);
    const clouds = this.#cloudsFor(options.cloud);
    const registration = new LiveRegistration(this.#parts, peerName, signer, clouds, () => {
      this.#registrations.delete(registration);
    });
    this.#registrations.add(registration);
    await registration.register(options);
    return registration;
  }

  /** The publishers of a name. */
  async resolve(name: string, options: ResolveOptions = {}): Promise<Resolved[]> {
    const found: Resolved[] = [];
    for await (const resolved of this.resolveEach(name, options)) found.push(resolved);
    return found;
  }

  /** Like {@linkcode NamesHandle.resolve}, but gives each publisher as it is found; breaking off ends the search. */
  async *resolveEach(name: string, options: ResolveOptions = {}): AsyncIterable<Resolved> {
    const peerName = this.#peerName(name);
    const resultsMax = options.max ?? resolveResultsMax;
    if (!Number.isInteger(resultsMax) || resultsMax < 1 || resultsMax > resolveResultsMax) {
      throw new RangeError(
        `A resolve finds 1 to ${resolveResultsMax} publishers, and ${resultsMax} were asked for`,
      );
    }
    const search = new CloudSearch(this.#cloudsFor(options.cloud), peerName, resultsMax, options);
    try {
      for (let left = resultsMax; left > 0; left--) {
        const found = await search.next();
        if (found === null) break;
        yield this.#resolved(peerName, found.cloud, found.resolution);
      }
    } finally {
      await search.end();
    }
  }

  /** Looks for contacts of a cloud at addresses like `127.0.0.1:4000`; returns how many are known then. */
  async bootstrap(
    addresses: readonly string[],
    options: BootstrapOptions = {},
  ): Promise<number> {
    const parsed = addresses.map((text) => requireEndpoint(text).address);
    const action = "Looking for contacts";
    const counts = await Promise.all(
      this.#cloudsFor(options.cloud).map(async (cloud) => {
        const { timeoutMs = resolveTimeoutMs, signal } = options;
        const result = await cloud.call({ kind: "bootstrap", addresses: parsed }, {
          action,
          timeoutMs,
          signal,
        });
        return result.kind === "bootstrapped" ? result.contacts : 0;
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** The clouds of this peer. */
  clouds(): CloudInfo[] {
    return this.#parts.clouds.map((cloud) => {
      const snapshot = cloud.snapshot();
      return {
        name: cloud.name,
        scope: cloud.scope,
        id: snapshot.id,
        state: snapshot.state,
        endpoint: cloudEndpoint(cloud),
        contacts: snapshot.contacts.length,
        sizeEstimate: snapshot.sizeEstimate,
        registrations: snapshot.publications.filter((publication) => !publication.isRevoked).length,
        held: snapshot.held,
      };
    });
  }

  /** The names that this peer publishes. */
  registrations(): Registration[] {
    return [...this.#registrations];
  }

  /** Tells registrations with automatic endpoints that the peer listens elsewhere now. */
  async endpointsChanged(): Promise<void> {
    await Promise.all([...this.#registrations].map((registration) => registration.refreshEndpoints()));
  }

  /** Unregisters all names and leaves all clouds. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#registrations].map((registration) => registration.unregister()));
    await Promise.all(this.#parts.clouds.map((cloud) => cloud.close()));
  }

  #peerName(text: string): PeerName {
    const name = parsePeerName(this.#parts.crypto, text);
    if (name !== null) return name;
    throw new PeerError(
      "invalid_peer_name",
      `${
        JSON.stringify(text)
      } is no peer name; use "0.<classifier>", or "<peer id>.<classifier>" for a secured one`,
    );
  }

  #signerFor(name: PeerName, nameOrId: string | undefined): Signer {
    const { crypto, random } = this.#parts;
    if (name.authority === null && nameOrId === undefined) {
      const seed = random.bytes(32);
      return {
        publicKey: crypto.ed25519.publicKey(seed),
        sign: (message) => crypto.ed25519.sign(seed, message),
      };
    }
    const identity = nameOrId === undefined ? this.#parts.identity : this.#parts.identityOf(nameOrId);
    const signer = signerOf(identity);
    if (name.authority === null || equalBytes(signer.publicKey, name.authority)) return signer;
    throw new PeerError(
      "not_authorized",
      `"${name.text}" may be registered only by the identity that it names; pass that identity, or use another name`,
    );
  }

  #cloudsFor(cloud: string | undefined): readonly CloudDriver[] {
    const clouds = this.#parts.clouds.filter((other) => cloud === undefined || other.name === cloud);
    if (clouds.length > 0) return clouds;
    if (cloud === undefined) {
      throw new PeerError("no_contacts", "This peer takes part in no cloud; open it with one to use names");
    }
    throw new RangeError(`This peer takes part in no cloud named ${JSON.stringify(cloud)}`);
  }

  #resolved(
    name: PeerName,
    cloud: string,
    { statement, payload, payloadInfo, verified }: Resolution,
  ): Resolved {
    const text = payload !== null && payloadInfo?.kind === PayloadKind.text ? fromUtf8(payload) : null;
    return {
      name: name.text,
      cloud,
      publisher: peerIdText(this.#parts.crypto, statement.signer),
      endpoints: statement.body!.endpoints.map(endpointText),
      comment: statement.body!.comment,
      payload: text ?? payload,
      verified,
      expires: new Date(statement.expires),
    };
  }
}
