/** Clouds for tests: a {@linkcode CloudWorld} with the platform's crypto, signers and content. */

import type { Crypto } from "../../lib/base/ports.ts";
import type { CloudRequest } from "../../lib/names/cloud.ts";
import { createCrypto } from "../../lib/platform/crypto.ts";
import {
  type CloudCallEnd,
  CloudPeer as SimPeer,
  CloudWorld,
  type CloudWorldOptions,
} from "../../lib/sim/cloud_world.ts";
import type { Signer } from "../../lib/wire/envelope.ts";

export { SimPeer };
export { resolvedOf } from "../../lib/sim/cloud_world.ts";

/** The platform's own. */
export const crypto: Crypto = createCrypto();

/** What became of a call. */
export type CallEnd = CloudCallEnd;

/** A world whose crypto is the platform's if left out. */
export class NamesWorld extends CloudWorld {
  constructor(options: Partial<CloudWorldOptions> = {}) {
    super({ crypto, ...options });
  }
}

/** A signer from a seed of 32 equal bytes, by the crypto of its world. */
export function signerOf(byte: number, { ed25519 }: Crypto = crypto): Signer {
  const seed = new Uint8Array(32).fill(byte);
  return { publicKey: ed25519.publicKey(seed), sign: (message) => ed25519.sign(seed, message) };
}

/** Content with one endpoint and what a test cares about. */
export function contentOf(
  options: { comment?: string; payload?: Uint8Array; port?: number; lifeMs?: number } = {},
): Extract<CloudRequest, { kind: "register" }>["content"] {
  return {
    endpoints: [{ transport: "tcp", address: { host: "20.0.0.1", port: options.port ?? 5_000 } }],
    comment: options.comment ?? "",
    payload: options.payload === undefined ? null : { bytes: options.payload, kind: 1 },
    lifeMs: options.lifeMs ?? 2 * 3_600_000,
    expires: null,
  };
}
