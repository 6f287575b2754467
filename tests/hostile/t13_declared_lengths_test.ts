/**
 * T13 (and the past bugs R6 and R16: a length that was believed, a negative one): lengths that are
 * declared and never come, or are none. Each is judged before anything is kept for it. Work is counted
 * in bytes that wait: nothing longer than one frame, or one message, is ever kept for one link.
 */

import assert from "node:assert/strict";
import { concat } from "../../lib/base/bytes.ts";
import { createLightCrypto } from "../../lib/sim/light_crypto.ts";
import { openPacket } from "../../lib/names/datagram.ts";
import { decodeRequest, decodeResponse } from "../../lib/names/messages.ts";
import { openRegistration } from "../../lib/names/registration.ts";
import { linkHandshakeBytesMax } from "../../lib/peer/limits.ts";
import { decodeLinkMessage } from "../../lib/peer/link_messages.ts";
import { CipherState } from "../../lib/wire/cipher.ts";
import { decode } from "../../lib/wire/codec.ts";
import { openEnvelope } from "../../lib/wire/envelope.ts";
import { FrameOpener } from "../../lib/wire/frames.ts";
import { frameBytesMax, messageBytesMax } from "../../lib/wire/limits.ts";
import { worldTest } from "../unit/peer/link_world.ts";
import { framed, HostileLink, segment, versionByte } from "./kit/hostile_link.ts";

const crypto = createLightCrypto();
const key = new Uint8Array(32).fill(4);
const nothing = new Uint8Array();

/** 2^k and its neighbors, below 2^bits. */
function edges(bits: number): number[] {
  const powers = Array.from({ length: bits }, (_, k) => 2 ** k).flatMap((
    power,
  ) => [power - 1, power, power + 1]);
  return [...new Set([...powers, 2 ** bits - 1])].filter((value) => value < 2 ** bits);
}

function bigEndian(value: number | bigint, bytes: number): Uint8Array {
  return Uint8Array.from(
    { length: bytes },
    (_, i) => Number(BigInt(value) >> BigInt(8 * (bytes - 1 - i)) & 255n),
  );
}

/** Heads of a CBOR type that declare so much, in each width that holds it. */
function heads(type: number, value: number | bigint): Uint8Array[] {
  return [[24, 1], [25, 2], [26, 4], [27, 8]]
    .filter(([, bytes]) => BigInt(value) < 1n << BigInt(8 * bytes!))
    .map(([info, bytes]) => concat(Uint8Array.of(type << 5 | info!), bigEndian(value, bytes!)));
}

Deno.test("[T13] (R6) each length of a frame at 2^k and beside it is refused at once, or waits for that many bytes and no more", () => {
  for (const length of edges(16)) {
    const opener = new FrameOpener(crypto, key);
    const opened = opener.push(bigEndian(length, 2));
    const isRefused = length < 17 || length > frameBytesMax;
    assert.deepEqual(opened, isRefused ? { reject: "bad_length" } : { messages: [] }, `${length}`);
    if (isRefused) continue;
    assert.ok(opener.midway);
    assert.deepEqual(opener.push(new Uint8Array(length - 1)), { messages: [] }, `${length}`);
    assert.deepEqual(opener.push(Uint8Array.of(0)), { reject: "bad_tag" }, `${length}`);
  }
});

Deno.test("[T13] (R6) each length of a segment in a rightly sealed frame is that of what is there, or the frame is none", () => {
  for (const declared of edges(16)) {
    for (const there of [0, 1, 100]) {
      for (const continues of [0, 1, 2, 255]) {
        const cipher = new CipherState(crypto.aead, key);
        const plaintext = concat(Uint8Array.of(0, continues), bigEndian(declared, 2), new Uint8Array(there));
        const opened = new FrameOpener(crypto, key).push(framed(cipher.seal(nothing, plaintext)));
        // What is left behind a shorter segment would be another: zeros, which are none or empty ones.
        if (opened.messages === undefined) assert.equal(opened.reject, "malformed");
        else assert.ok(continues === 0 && declared <= there, `${declared} of ${there}`);
      }
    }
  }
});

Deno.test("[T13] a message that goes on for ever is refused once it is longer than any may be", () => {
  const cipher = new CipherState(crypto.aead, key);
  const opener = new FrameOpener(crypto, key);
  const full = new Uint8Array(frameBytesMax - 16 - 4);
  let taken = 0;
  for (;;) {
    const { messages, reject } = opener.push(framed(cipher.seal(nothing, segment(full, true))));
    if (reject !== undefined) {
      assert.equal(reject, "message_too_long");
      break;
    }
    assert.deepEqual(messages, []);
    taken += full.length;
  }
  assert.ok(taken <= messageBytesMax && taken + full.length > messageBytesMax);
});

Deno.test("[T13] (R6) (R16) no decoder believes a length or count at 2^k, 2^k − 1 or 2^k + 1, up to 2^64 − 1", () => {
  const values: (number | bigint)[] = [...edges(53), ...[53n, 63n, 64n].flatMap((k) => [(1n << k) - 1n])];
  values.push(1n << 53n, 1n << 63n, (1n << 53n) + 1n);
  const decoders: readonly ((bytes: Uint8Array) => { readonly ok: boolean })[] = [
    (bytes) => decode(bytes),
    decodeLinkMessage,
    decodeRequest,
    decodeResponse,
    openEnvelope,
    openPacket,
    (bytes) => openRegistration(crypto, key, bytes),
  ];
  const id = new Uint8Array(16);
  let refused = 0;
  for (const value of values) {
    for (const type of [2, 3, 4, 5]) { // bytes, text, array, map
      for (const head of heads(type, value)) {
        const inputs = [
          head,
          concat(head, new Uint8Array(40)),
          concat(Uint8Array.of(0x83, 6, 1), head), // data of a channel
          concat(Uint8Array.of(0x83, 3, 1), head),
          concat(Uint8Array.of(0x85, 18, 0x50), id, head),
          concat(Uint8Array.of(1, 0x84, 0x43, 0xa1, 1, 0x32, 0xa0), head, new Uint8Array(80)),
        ];
        for (const input of inputs) {
          for (const decoder of decoders) {
            const { ok } = decoder(input);
            if (!ok) refused++;
            // Nothing is taken whose declared length is not there.
            else assert.ok(BigInt(value) <= BigInt(input.length), `${value} of ${input.length}`);
          }
        }
      }
    }
  }
  assert.ok(refused > 50_000, `${refused}`);
});

worldTest(
  "[T13] (R6) each length of a handshake message at 2^k and beside it: too long ones end it before their bytes come",
  async (world) => {
    const victim = await world.peer(1);
    for (const length of edges(16)) {
      const link = await world.within(HostileLink.dial(world, "20.0.0.1", victim.home));
      await world.within(link!.write(versionByte, bigEndian(length, 2)));
      let isOpen = true;
      link!.drain().then(() => isOpen = false);
      await world.clock.run(100);
      // Up to the longest its bytes are waited for; an empty or too long one is none.
      assert.equal(isOpen, length > 0 && length <= linkHandshakeBytesMax, `${length}`);
      link!.stream.close();
      await world.clock.run(100);
    }
    assert.equal(victim.links.peers().length, 0);
  },
  "fake",
);
