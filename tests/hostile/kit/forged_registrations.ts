/** Registrations of all shapes, and forgeries made of them. */

import { concat } from "../../../lib/base/bytes.ts";
import { below, SeededRandom } from "../../../lib/base/random.ts";
import { classifierHash, cloudId, nameKey } from "../../../lib/names/id_space.ts";
import { sealRegistration } from "../../../lib/names/registration.ts";
import { openEnvelope } from "../../../lib/wire/envelope.ts";
import { crypto, signerOf } from "../../sim/names_world.ts";

/** So many valid registrations in the cloud `test`, drawn from a seed: secured or not, full or revoked. */
export function sampleRegistrations(seed: number, count: number): Uint8Array[] {
  const random = new SeededRandom(seed);
  const cloud = cloudId(crypto, "test");
  return Array.from({ length: count }, (_, i) => {
    const signer = signerOf(1 + i % 200);
    const authority = i % 3 === 0 ? null : signer.publicKey;
    const classifier = classifierHash(crypto, `name ${i}`);
    const endpoints = Array.from({ length: below(random, 11) }, (_, n) => {
      return {
        transport: "tcp",
        address: { host: `20.0.0.${n + 1}`, port: 1 + below(random, 65_535) },
      } as const;
    });
    const payload = i % 2 === 0
      ? null
      : { digest: random.bytes(32), length: below(random, 4_097), kind: 1 as const };
    return sealRegistration(crypto, cloud, signer, {
      nameKey: nameKey(crypto, cloud, authority, classifier),
      authority,
      classifier,
      signer: signer.publicKey,
      publisher: random.bytes(32),
      seq: below(random, 2 ** 31),
      expires: 1_900_000_000_000 + below(random, 1_000_000),
      body: i % 5 === 4 ? null : { endpoints, comment: "x".repeat(below(random, 40)), payload },
    }).bytes;
  });
}

/** The bytes of one registration with a part, or the signature, of another. */
export function forgeryOf(random: SeededRandom, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  const [own, foreign] = [openEnvelope(bytes), openEnvelope(other)];
  if (!own.ok || !foreign.ok) throw new Error("these are no registrations");
  const forged = bytes.slice();
  const start = bytes.length - 64;
  if (below(random, 3) === 0) forged.set(foreign.signature, start);
  else {
    const payload = other.subarray(0, other.length - 64);
    const at = below(random, Math.min(start, payload.length));
    const part = payload.subarray(at, at + 1 + below(random, 64));
    forged.set(part.subarray(0, start - at), at);
    if (forged.every((byte, i) => byte === bytes[i])) {
      return concat(forged.subarray(0, start), foreign.signature);
    }
  }
  return forged;
}
