/** The identities of a store, as users hold them. */

import { PeerError } from "../base/errors.ts";
import type { Crypto } from "../base/ports.ts";
import { type Identity, verifyAppSignature } from "../identity/identity.ts";
import { parsePeerId } from "../identity/peer_id.ts";
import type { KeyRing } from "./key_ring.ts";
import type { Identities, IdentityInfo } from "./surface.ts";

/** Implements {@linkcode Identities}. */
export class IdentitiesHandle implements Identities {
  readonly #crypto: Crypto;
  readonly #keys: KeyRing;
  readonly #current: Identity;

  constructor(crypto: Crypto, keys: KeyRing, current: Identity) {
    this.#crypto = crypto;
    this.#keys = keys;
    this.#current = current;
  }

  async create(name: string): Promise<IdentityInfo> {
    return this.#info(await this.#keys.create(name));
  }

  get current(): IdentityInfo {
    return this.#info(this.#current);
  }

  list(): IdentityInfo[] {
    return this.#keys.list().map((identity) => this.#info(identity));
  }

  get(nameOrId: string): IdentityInfo {
    return this.#info(this.#keys.find(nameOrId));
  }

  async setDefault(nameOrId: string): Promise<void> {
    await this.#keys.setDefault(nameOrId);
  }

  sign(bytes: Uint8Array, context: string): Uint8Array {
    return this.#current.sign(bytes, context);
  }

  verify(signed: Uint8Array, context: string, peer: string): Uint8Array | null {
    const key = parsePeerId(this.#crypto, peer);
    if (key === null) throw new PeerError("invalid_peer_id", `Cannot verify: "${peer}" is no peer id`);
    return verifyAppSignature(this.#crypto, key, context, signed);
  }

  #info(identity: Identity): IdentityInfo {
    return {
      id: identity.id,
      name: identity.name,
      isDefault: this.#keys.list()[0] === identity,
      peerName: identity.peerName().text,
    };
  }
}
