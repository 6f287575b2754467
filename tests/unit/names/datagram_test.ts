import assert from "node:assert/strict";
import { hex } from "../../../lib/base/bytes.ts";
import { hkdf } from "../../../lib/base/hkdf.ts";
import { SeededRandom } from "../../../lib/base/random.ts";
import {
  helloPacket,
  keyPacket,
  noToken,
  openPacket,
  PacketType,
  PairKeyCache,
  sealPacket,
  tokenPacket,
  Tokens,
} from "../../../lib/names/datagram.ts";
import { cloudId } from "../../../lib/names/id_space.ts";
import { tokenSecretMs } from "../../../lib/names/limits.ts";
import {
  decodeRequest,
  decodeResponse,
  encodeFound,
  encodeRequest,
  encodeResponse,
  type RequestBody,
} from "../../../lib/names/messages.ts";
import { encode } from "../../../lib/wire/codec.ts";
import { crypto } from "../../sim/names_world.ts";

const random = new SeededRandom(23);
const address = { host: "20.1.1.1", port: 4_000 };
const cloud = cloudId(crypto, "test");

Deno.test("hkdf() gives the first vector of RFC 5869", () => {
  const okm = hkdf(
    crypto,
    new Uint8Array(22).fill(0x0b),
    Uint8Array.fromHex("000102030405060708090a0b0c"),
    Uint8Array.fromHex("f0f1f2f3f4f5f6f7f8f9"),
    42,
  );
  assert.equal(
    hex(okm),
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  );
});

Deno.test("the bytes of datagrams in clear are pinned, and an answer is shorter than what it answers", () => {
  const [key, nonce] = [new Uint8Array(32).fill(0xaa), new Uint8Array(16).fill(0xbb)];
  const token = new Uint8Array(16).fill(0xcc);
  const hello = helloPacket(key, nonce);
  assert.equal(hex(hello), "0101" + "aa".repeat(32) + "bb".repeat(16) + "00".repeat(46));
  const answer = keyPacket(nonce, key, token);
  assert.equal(hex(answer), "0102" + "bb".repeat(16) + "aa".repeat(32) + "cc".repeat(16));
  const refusal = tokenPacket(nonce.subarray(0, 12), token);
  assert.equal(hex(refusal), "0103" + "bb".repeat(12) + "cc".repeat(16));
  const request = sealPacket(
    crypto,
    PacketType.request,
    key,
    noToken,
    nonce.subarray(0, 12),
    key,
    encodeRequest({ id: nonce, body: { kind: "ping" } }),
  );
  assert.equal(
    hex(request),
    "0104" + "aa".repeat(32) + "00".repeat(16) + "bb".repeat(12) +
      "ff15b47470c651516db9926040a3bb75c54556becd18fdcb3323fb50bd5df8154bf75f",
  );
  assert.ok(answer.length <= hello.length && refusal.length <= request.length);
});

Deno.test("openPacket() takes every type apart, and refuses other sizes, versions, types and padding", () => {
  const hello = helloPacket(random.bytes(32), random.bytes(16));
  const opened = openPacket(hello);
  assert.ok(opened.ok && opened.packet.type === PacketType.hello);
  const reasonOf = (bytes: Uint8Array) => {
    const result = openPacket(bytes);
    return result.ok ? null : result.reason;
  };
  assert.equal(reasonOf(hello.subarray(0, 95)), "wrong_size");
  assert.equal(reasonOf(Uint8Array.of(...hello, 0)), "wrong_size");
  assert.equal(reasonOf(new Uint8Array(1_201).fill(1)), "wrong_size");
  assert.equal(reasonOf(new Uint8Array(0)), "wrong_size");
  assert.equal(reasonOf(hello.with(95, 1)), "not_padded");
  assert.equal(reasonOf(hello.with(0, 2)), "unknown_version");
  assert.equal(reasonOf(hello.with(1, 0)), "unknown_type");
  assert.equal(reasonOf(hello.with(1, 4)), null); // a request by its clear part
});

Deno.test("[T8] a token holds for its address, port and key, for five to ten minutes", () => {
  const tokens = new Tokens(crypto, random);
  const key = random.bytes(32);
  const givenMs = 7 * tokenSecretMs + 1;
  const token = tokens.give(address, key, givenMs);
  const holds = (from = address, by = key, atMs = givenMs) => tokens.renewed(token, from, by, atMs) !== null;
  assert.ok(holds());
  assert.ok(!holds({ ...address, port: 4_001 }));
  assert.ok(!holds({ ...address, host: "20.1.1.2" }));
  assert.ok(!holds(address, random.bytes(32)));
  assert.ok(!holds({ host: "2a00::1", port: 4_000 }));
  assert.ok(holds(address, key, givenMs + tokenSecretMs));
  const renewed = tokens.renewed(token, address, key, givenMs + tokenSecretMs)!;
  assert.notDeepEqual(renewed, token);
  assert.ok(!holds(address, key, givenMs + 2 * tokenSecretMs));
  assert.ok(tokens.renewed(renewed, address, key, givenMs + 2 * tokenSecretMs) !== null);
  const later = new Tokens(crypto, random);
  assert.equal(later.renewed(token, address, key, givenMs), null);
  assert.equal(later.renewed(noToken, address, key, givenMs), null);
});

Deno.test("[T8] tokens of before a long silence no longer hold", () => {
  const tokens = new Tokens(crypto, random);
  const key = random.bytes(32);
  const token = tokens.give(address, key, 0);
  assert.equal(tokens.renewed(token, address, key, 50 * tokenSecretMs), null);
});

Deno.test("the keys of a pair differ by direction and cloud, and both ends have the same", () => {
  const [a, b] = [random.bytes(32), random.bytes(32)];
  const [keyA, keyB] = [crypto.x25519.publicKey(a), crypto.x25519.publicKey(b)];
  const atA = new PairKeyCache(crypto, cloud, a).with(keyB)!;
  const atB = new PairKeyCache(crypto, cloud, b).with(keyA)!;
  assert.deepEqual(atA.sendKey, atB.receiveKey);
  assert.deepEqual(atA.receiveKey, atB.sendKey);
  assert.notDeepEqual(atA.sendKey, atA.receiveKey);
  const elsewhere = new PairKeyCache(crypto, cloudId(crypto, "elsewhere"), a).with(keyB)!;
  assert.notDeepEqual(elsewhere.sendKey, atA.sendKey);
  assert.equal(new PairKeyCache(crypto, cloud, a).with(new Uint8Array(32)), null);
});

Deno.test("PairKeyCache computes one agreement for each key", () => {
  const pairs = new PairKeyCache(crypto, cloud, random.bytes(32));
  const key = crypto.x25519.publicKey(random.bytes(32));
  for (let i = 0; i < 10; i++) pairs.with(key);
  assert.equal(pairs.agreements, 1);
});

Deno.test("requests and responses come back from their bytes", () => {
  const id = random.bytes(16);
  const requests: RequestBody[] = [
    { kind: "ping" },
    { kind: "find", target: random.bytes(32), offset: null },
    { kind: "find", target: random.bytes(32), offset: 32 },
    { kind: "store", registration: random.bytes(500) },
    { kind: "inquire", nameKey: random.bytes(32), part: 4 },
  ];
  for (const body of requests) {
    assert.deepEqual(decodeRequest(encodeRequest({ id, body })), { ok: true, message: { id, body } });
  }
  for (
    const body of [
      { kind: "pong" },
      { kind: "stored", verdict: 4 },
      { kind: "answer", registration: random.bytes(400), bytes: null },
      { kind: "answer", registration: null, bytes: random.bytes(1_024) },
    ] as const
  ) {
    assert.deepEqual(decodeResponse(encodeResponse({ id, body })), { ok: true, message: { id, body } });
  }
  const found = decodeResponse(
    encodeFound(id, [Uint8Array.of(...new Uint8Array(32), 6, 20, 0, 0, 1, 0, 80)], [
      [random.bytes(300), new Uint8Array(0)],
      [random.bytes(300), Uint8Array.of(20, 0, 0, 2, 0, 80)],
    ], 2),
  );
  assert.ok(found.ok && found.message.body.kind === "found");
  assert.deepEqual(found.message.body.hints, [{
    key: new Uint8Array(32),
    addresses: [{ host: "20.0.0.1", port: 80 }],
  }]);
  assert.deepEqual(found.message.body.values.map(({ from }) => from), [null, { host: "20.0.0.2", port: 80 }]);
});

Deno.test("[T27] [T37] messages with fields out of their bounds are refused", () => {
  const id = new Uint8Array(16);
  const key = new Uint8Array(32);
  const hint = Uint8Array.of(...key, 6, 20, 0, 0, 1, 0, 80);
  const requests = [
    [2, id, key, 33],
    [2, id, key, -1],
    [2, id, key, Number.MAX_SAFE_INTEGER],
    [2, id, key.subarray(1), null],
    [3, id, new Uint8Array(901)],
    [4, id, key, 5],
    [1, id, null],
    [1, id.subarray(1)],
    [5, id],
    [17, id],
  ];
  for (const request of requests) assert.ok(!decodeRequest(encode(request)).ok, JSON.stringify(request));
  const responses = [
    [18, id, new Array(21).fill(hint), [], 0],
    [18, id, [hint.subarray(1)], [], 0],
    [18, id, [], new Array(9).fill([key, new Uint8Array(0)]), 9],
    [18, id, [], [[key, new Uint8Array(5)]], 1],
    [18, id, [], [], 65],
    [19, id, 5],
    [20, id, new Uint8Array(901), null],
    [20, id, null, new Uint8Array(1_025)],
    [1, id],
  ];
  for (const response of responses) assert.ok(!decodeResponse(encode(response)).ok, JSON.stringify(response));
});
