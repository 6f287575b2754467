/**
 * The hybrid handshake, both ends in memory: Noise `XXhfs` with ML-KEM-768 and the link proof of each
 * end. What a link costs before its first message, sockets apart.
 */

import { equalBytes, hex } from "../../lib/base/bytes.ts";
import type { Crypto, Kem } from "../../lib/base/ports.ts";
import { HandshakeState } from "../../lib/identity/handshake.ts";
import { checkLinkProof, createLinkProof } from "../../lib/identity/link_proof.ts";
import { createCrypto } from "../../lib/platform/crypto.ts";
import { createKem } from "../../lib/platform/kem.ts";
import { createRandom } from "../../lib/platform/random.ts";
import { bytesOf, fakeAt, keyOf } from "../../tests/fixtures/items.ts";
import { type Bench, measureCases, type Result, type Scale } from "../measure.ts";

/** Measures one whole handshake, its KEM alone, and its key agreements alone. */
export const handshakeBench: Bench = { name: "handshake", run };

interface End {
  readonly staticKey: Uint8Array;
  readonly proof: Uint8Array;
}

async function run(scale: Scale): Promise<Result[]> {
  const crypto = createCrypto();
  const kem = createKem();
  const ends = [endOf(crypto, "alice"), endOf(crypto, "bob")] as const;
  const operations = scale.count(10);
  const repeat = (once: () => Promise<number | string>) => async (): Promise<number | string> => {
    let last: number | string = 0;
    for (let i = 0; i < operations; i++) last = await once();
    return last;
  };
  return await measureCases([
    {
      name: "handshake/both ends",
      unit: "ms",
      operations,
      work: repeat(() => shakeHands(crypto, kem, ...ends)),
    },
    { name: "handshake/ML-KEM-768 alone", unit: "ms", operations, work: repeat(() => exchange(kem)) },
    {
      name: "handshake/X25519 agreement",
      unit: "ms",
      operations,
      work: repeat(() => Promise.resolve(crypto.x25519.agree(bytesOf("one"), publicKeyOfTwo)!.length)),
    },
  ], scale.runs(25));

  function endOf(crypto: Crypto, name: string): End {
    const staticKey = bytesOf(`${name}'s static key`);
    const proof = createLinkProof(crypto, keyOf(name), crypto.x25519.publicKey(staticKey), fakeAt);
    return { staticKey, proof };
  }
}

/** The sequence of `lib/peer/open_link.ts` without a stream. Gives the length of what went over. */
async function shakeHands(crypto: Crypto, kem: Kem, alice: End, bob: End): Promise<number> {
  const pair = await kem.generate();
  const dialler = stateOf(crypto, alice, pair.publicKey);
  const acceptor = stateOf(crypto, bob);
  const first = dialler.writeMessage(nothing);
  payloadOf(acceptor.readMessage(first));
  const encapsulation = await kem.encapsulate(acceptor.kemPublicKey!);
  const second = acceptor.writeMessage(bob.proof, encapsulation!);
  const sealed = dialler.kemCiphertext(second);
  if (!sealed.ok) throw new Error("The second message holds no ciphertext");
  const secret = await pair.decapsulate(sealed.ciphertext);
  check(crypto, payloadOf(dialler.readMessage(second, secret!)), dialler);
  const third = dialler.writeMessage(alice.proof);
  check(crypto, payloadOf(acceptor.readMessage(third)), acceptor);
  if (!equalBytes(dialler.result!.sendKey, acceptor.result!.receiveKey)) throw new Error("The keys differ");
  return first.length + second.length + third.length;
}

function stateOf(crypto: Crypto, { staticKey }: End, kemPublicKey?: Uint8Array): HandshakeState {
  return new HandshakeState(crypto, {
    pattern: "XXhfs",
    initiator: kemPublicKey !== undefined,
    prologue: nothing,
    ephemeralKey: random.bytes(32),
    staticKey,
    ...(kemPublicKey === undefined ? {} : { kemPublicKey }),
  });
}

function check(crypto: Crypto, proof: Uint8Array, state: HandshakeState): void {
  const checked = checkLinkProof(crypto, proof, state.remoteStatic!);
  if (!checked.ok) throw new Error(`A link proof was refused: ${checked.reason}`);
}

function payloadOf(read: ReturnType<HandshakeState["readMessage"]>): Uint8Array {
  if (!read.ok) throw new Error("A handshake message was refused");
  return read.payload;
}

async function exchange(kem: Kem): Promise<string> {
  const pair = await kem.generate();
  const encapsulation = await kem.encapsulate(pair.publicKey);
  const secret = await pair.decapsulate(encapsulation!.ciphertext);
  return equalBytes(secret!, encapsulation!.sharedSecret) ? "equal" : hex(secret!);
}

const random = createRandom();
const nothing = new Uint8Array();
const publicKeyOfTwo = createCrypto().x25519.publicKey(bytesOf("two"));
