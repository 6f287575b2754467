/**
 * The keys of a store: identities, and the seeds of groups founded here. They never lie in the store's
 * own file (its mode and backups are not ours to guard) but in the key file beside it.
 */

import { PeerError } from "../base/errors.ts";
import type { Crypto, Random } from "../base/ports.ts";
import { Identity, requireIdentityName } from "../identity/identity.ts";
import { decode, encode, isArray, isBytes, isText } from "../wire/codec.ts";
import { graphsMax, identitiesMax } from "./limits.ts";

/** Where the bytes of a key ring are kept. */
export interface KeyFile {
  /** What is kept, or `null` if nothing is yet. */
  read(): Promise<Uint8Array | null>;
  /** Keeps new bytes in place of the old, durably and at once. */
  write(bytes: Uint8Array): Promise<void>;
}

interface StoredIdentity {
  readonly name: string;
  readonly seed: Uint8Array;
  readonly identity: Identity;
}

interface StoredGroup {
  readonly group: Uint8Array;
  readonly seed: Uint8Array;
}

/** The keys of one store. */
export class KeyRing {
  readonly #crypto: Crypto;
  readonly #random: Random;
  readonly #file: KeyFile;
  #identities: StoredIdentity[] = [];
  #groups: StoredGroup[] = [];
  /** The change of the file under way. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(crypto: Crypto, random: Random, file: KeyFile) {
    this.#crypto = crypto;
    this.#random = random;
    this.#file = file;
  }

  /** Opens the keys of a store; creates the default identity if there is none. */
  static async open(crypto: Crypto, random: Random, file: KeyFile): Promise<KeyRing> {
    const ring = new KeyRing(crypto, random, file);
    const bytes = await file.read();
    if (bytes !== null) ring.#read(bytes);
    if (ring.#identities.length === 0) await ring.create("default");
    return ring;
  }

  /** Creates an identity; fails with `identity_exists`. */
  async create(name: string): Promise<Identity> {
    requireIdentityName(name);
    return await this.#inTurn(() => this.#create(name));
  }

  /** Makes an identity the first, which is the default. */
  setDefault(nameOrId: string): Promise<void> {
    return this.#inTurn(async () => {
      const identity = this.find(nameOrId);
      const chosen = this.#identities.filter((stored) => stored.identity === identity);
      const others = this.#identities.filter((stored) => stored.identity !== identity);
      await this.#keep([...chosen, ...others], this.#groups);
    });
  }

  /** Keeps the seed of a group key. */
  keepGroup(group: Uint8Array, seed: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#groups.length >= graphsMax) {
        throw new PeerError(
          "too_many",
          `Cannot found the group: a store holds the keys of at most ${graphsMax}; use another store`,
        );
      }
      await this.#keep(this.#identities, [...this.#groups, { group, seed }]);
    });
  }

  /** All identities, the default first. */
  list(): readonly Identity[] {
    return this.#identities.map((stored) => stored.identity);
  }

  /** One by name or peer id; fails with `identity_not_found`. */
  find(nameOrId: string): Identity {
    const found = this.#identities.find(({ name, identity }) =>
      name === nameOrId || identity.id === nameOrId
    );
    if (found !== undefined) return found.identity;
    const names = this.#identities.map(({ name }) => `"${name}"`).join(", ");
    throw new PeerError(
      "identity_not_found",
      `Cannot find the identity "${nameOrId}": this store holds ${names}; use one of them, or create it`,
    );
  }

  async #create(name: string): Promise<Identity> {
    if (this.#identities.some((stored) => stored.name === name)) {
      throw new PeerError(
        "identity_exists",
        `Cannot create the identity: one named "${name}" exists; choose another name`,
      );
    }
    if (this.#identities.length >= identitiesMax) {
      throw new PeerError(
        "too_many",
        `Cannot create the identity: a store holds at most ${identitiesMax}; use another store`,
      );
    }
    const seed = this.#random.bytes(32);
    const identity = Identity.fromSeed(this.#crypto, seed, name);
    await this.#keep([...this.#identities, { name, seed, identity }], this.#groups);
    return identity;
  }

  /** One change after the other: each builds on what the one before has written. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(change);
    this.#turn = done.catch(() => {
      /* told to who asked for that change; the next one goes on */
    });
    return done;
  }

  async #keep(identities: StoredIdentity[], groups: StoredGroup[]): Promise<void> {
    const bytes = encode([
      keyFileVersion,
      identities.map(({ name, seed }) => [name, seed]),
      groups.map(({ group, seed }) => [group, seed]),
    ]);
    await this.#file.write(bytes);
    this.#identities = identities;
    this.#groups = groups;
  }

  #read(bytes: Uint8Array): void {
    const decoded = decode(bytes, { bytesMax: 1 << 20 });
    if (!decoded.ok || !isArray(decoded.value, 3) || decoded.value[0] !== keyFileVersion) throw damaged();
    const [, identities, groups] = decoded.value;
    if (!isArray(identities) || identities.length === 0 || !isArray(groups)) throw damaged();
    this.#identities = identities.map((entry) => {
      const [name, seed] = isArray(entry, 2) ? entry : [];
      if (!isText(name, 1_024) || !isIdentityName(name) || !isBytes(seed, 32)) throw damaged();
      return { name, seed, identity: Identity.fromSeed(this.#crypto, seed, name) };
    });
    this.#groups = groups.map((entry) => {
      const [group, seed] = isArray(entry, 2) ? entry : [];
      if (!isBytes(group, 32) || !isBytes(seed, 32)) throw damaged();
      return { group, seed };
    });
    if (new Set(this.#identities.map(({ name }) => name)).size < this.#identities.length) throw damaged();
  }
}

const keyFileVersion = 1;

function isIdentityName(name: string): boolean {
  try {
    requireIdentityName(name);
    return true;
  } catch {
    return false; // Kith writes no such name
  }
}

function damaged(): PeerError {
  return new PeerError(
    "keys_damaged",
    "Cannot read the key file: it is not what Kith wrote; restore it from a backup, or give the passphrase it is sealed with",
  );
}
