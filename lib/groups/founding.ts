/** What a group begins with: its key, the founding item, and the creator's credential. */

import type { Crypto, Random } from "../base/ports.ts";
import { type CredentialBody, type FoundingBody, ItemKind, type SignedItem } from "../records/item.ts";
import { createItem } from "../records/item_codec.ts";
import { recordLifeMsDefault, recordSpanMsMaxDefault } from "../records/limits.ts";
import { depthMaxDefault } from "./limits.ts";
import { RoleBit } from "./roles.ts";

/** A new group: two items signed by the group key, whose seed may then be put away. */
export interface Founding {
  /** Group id: the hash of the founding item. */
  readonly group: Uint8Array;
  /** Seed of the group key. */
  readonly seed: Uint8Array;
  readonly founding: SignedItem<FoundingBody>;
  readonly credential: SignedItem<CredentialBody>;
}

/** Founds a group for a creator at a wall time. */
export function foundGroup(
  crypto: Crypto,
  random: Random,
  creator: Uint8Array,
  name: string,
  wallMs: number,
): Founding {
  const seed = random.bytes(32);
  const groupKey = crypto.ed25519.publicKey(seed);
  const signer = { publicKey: groupKey, sign: (message: Uint8Array) => crypto.ed25519.sign(seed, message) };
  const properties = {
    recordSpanMsMax: recordSpanMsMaxDefault,
    recordLifeMs: recordLifeMsDefault,
    depthMax: depthMaxDefault,
  };
  const head = { author: groupKey, key: null, writer: random.bytes(8), at: wallMs } as const;
  const founding = createItem(crypto, signer, new Uint8Array(0), { ...head, seq: 1, credential: null }, {
    kind: ItemKind.founding,
    creator,
    salt: random.bytes(16),
    name,
    properties,
  });
  const group = founding.hash;
  const credential = createItem(crypto, signer, group, { ...head, seq: 2, credential: group }, {
    kind: ItemKind.credential,
    subject: creator,
    commitment: null,
    roles: RoleBit.creator,
    notBefore: null,
    notAfter: null,
    quota: null,
    lifts: [],
  });
  return { group, seed, founding, credential };
}
