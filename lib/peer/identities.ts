/** The identities of a store, as users hold them. */

import { PeerError } from "../base/errors.ts";
import { type Identity, verifyAppSignature } from "../identity/identity.ts";
import { parsePeerId } from "../identity/peer_id.ts";
import type { PeerCore } from "./peer_core.ts";
import type { Identities, IdentityInfo } from "./surface.ts";

/** Implements {@linkcode Identities}. */
export class IdentitiesHandle implements Identities {
  readonly #core: PeerCore;

  constructor(core: PeerCore) {
    this.#core = core;
  }

  async create(name: string): Promise<IdentityInfo> {
    const { keys } = this.#core;
    return this.#info(await this.#core.run("Creating the identity", () => keys.create(name)));
  }

  get current(): IdentityInfo {
    return this.#info(this.#core.identity);
  }

  list(): IdentityInfo[] {
    return this.#core.keys.list().map((identity) => this.#info(identity));
  }

  get(nameOrId: string): IdentityInfo {
    return this.#info(this.#core.keys.find(nameOrId));
  }

  async setDefault(nameOrId: string): Promise<void> {
    await this.#core.run("Choosing the identity", () => this.#core.keys.setDefault(nameOrId));
  }

  sign(bytes: Uint8Array, context: string): Uint8Array {
    return this.#core.identity.sign(bytes, context);
  }

  verify(signed: Uint8Array, context: string, peer: string): Uint8Array | null {
    const { crypto } = this.#core.ports;
    const key = parsePeerId(crypto, peer);
    if (key === null) {
      throw new PeerError(
        "invalid_peer_id",
        `Cannot verify: "${peer}" is no peer id; 56 characters of base 32 are`,
      );
    }
    return verifyAppSignature(crypto, key, context, signed);
  }

  #info(identity: Identity): IdentityInfo {
    return {
      id: identity.id,
      name: identity.name,
      isDefault: this.#core.keys.list()[0] === identity,
      peerName: identity.peerName().text,
    };
  }
}
