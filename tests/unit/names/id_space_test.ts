import assert from "node:assert/strict";
import { hex } from "../../../lib/base/bytes.ts";
import { SeededRandom } from "../../../lib/base/random.ts";
import {
  classifierHash,
  cloudId,
  compareDistance,
  distanceShare,
  nameKey,
  randomIdSharing,
  sharedBits,
} from "../../../lib/names/id_space.ts";
import { crypto } from "../../sim/names_world.ts";

const random = new SeededRandom(11);

Deno.test("sharedBits() counts the leading bits that two ids share", () => {
  const zero = new Uint8Array(32);
  for (let bit = 0; bit < 256; bit++) {
    const other = new Uint8Array(32);
    other[bit >> 3] = 0x80 >> (bit & 7);
    assert.equal(sharedBits(zero, other), bit);
  }
  assert.equal(sharedBits(zero, zero), 256);
});

Deno.test("compareDistance() and distanceShare() order as the numbers do", () => {
  const number = (a: Uint8Array, b: Uint8Array) => BigInt(`0x${hex(a)}`) ^ BigInt(`0x${hex(b)}`);
  for (let i = 0; i < 500; i++) {
    const [target, a, b] = [random.bytes(32), random.bytes(32), random.bytes(32)];
    const isCloser = number(target, a) < number(target, b);
    assert.equal(compareDistance(target, a, b) < 0, isCloser);
    assert.equal(distanceShare(target, a) < distanceShare(target, b), isCloser);
    assert.ok(distanceShare(target, a) < 1);
  }
});

Deno.test("randomIdSharing() shares exactly as many bits as asked", () => {
  for (let bits = 0; bits < 256; bits++) {
    const id = random.bytes(32);
    assert.equal(sharedBits(id, randomIdSharing(random, id, bits)), bits);
  }
});

Deno.test("[T26] nameKey() differs by cloud, authority and classifier", () => {
  const [home, work] = [cloudId(crypto, "home"), cloudId(crypto, "work")];
  const [a, b] = [classifierHash(crypto, "a"), classifierHash(crypto, "b")];
  const key = random.bytes(32);
  const keys = [
    nameKey(crypto, home, null, a),
    nameKey(crypto, work, null, a),
    nameKey(crypto, home, key, a),
    nameKey(crypto, home, null, b),
    nameKey(crypto, home, key, classifierHash(crypto, null)),
  ];
  assert.equal(new Set(keys.map(hex)).size, keys.length);
});
