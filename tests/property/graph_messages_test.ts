/**
 * Altered messages of a graph, into live replicas: none throws, none changes a set, and who goes on
 * sending them is parted with.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { hex } from "../../lib/base/bytes.ts";
import type { Effect, LinkId } from "../../lib/graph/machine.ts";
import { badItemsMax, misbehavedMsMax } from "../../lib/graph/limits.ts";
import { decodeMessage, encodeMessage, GraphMessageType } from "../../lib/graph/messages.ts";
import type { Replica } from "../../lib/graph/replica.ts";
import type { ReplicaNode } from "../../lib/sim/replica_node.ts";
import { decode, encode, type Value } from "../../lib/wire/codec.ts";
import { keyOf } from "../fixtures/items.ts";
import { add, addRequest, GroupWorld, isMember, plainWorld, settle } from "../sim/replica_fixture.ts";

const runs = 9_000;
const parameters = { numRuns: runs, seed: 20_300_101 };

Deno.test("[X09] altered messages of an open neighbor change nothing and never throw", () => {
  const { node, frames } = plainCorpus();
  barrage(new Target(node, "open", "plain 1"), frames);
});

Deno.test("[X09] altered messages of an open neighbor of a group change nothing and never throw", () => {
  const { founder, frames } = groupCorpus();
  barrage(new Target(founder, "open", "member 1"), frames);
});

Deno.test("[X09] altered messages and knocks of a stranger change nothing and never throw", () => {
  const { founder, frames } = groupCorpus();
  barrage(new Target(founder, "stranger", "nobody"), frames);
});

Deno.test("[X09] altered greetings change nothing and never throw", () => {
  const { founder, frames } = groupCorpus();
  barrage(new Target(founder, "greeting", "nobody else"), frames);
});

Deno.test("[X09] altered answers of a witness let nobody in and never throw", () => {
  const { joiner, frames } = groupCorpus();
  barrage(new Target(joiner, "knocking", "member 0"), frames);
  assert(!isMember(joiner));
});

Deno.test("[X09] messages that are none are not read, however they are made", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const message = decodeMessage(bytes);
      if (message !== null) assert.deepEqual(encodeMessage(message), bytes);
    }),
    parameters,
  );
});

Deno.test("a neighbor is parted with after one bad item too many, and not before", () => {
  const { node } = plainCorpus();
  const good = [...node.replica.set.entries()][0]!.item.bytes;
  const bad = good.slice();
  bad[bad.length - 1]! ^= 1;
  const unknown = (i: number) => encode([GraphMessageType.items, [Uint8Array.of(9, i)]]);
  const target = new Target(node, "open", "plain 1");
  for (let i = 0; i < badItemsMax; i++) target.feed(unknown(i));
  assert.equal(target.timesParted, 0);
  target.feed(encode([GraphMessageType.items, [good, good]]));
  assert.equal(target.timesParted, 0);
  target.feed(unknown(badItemsMax));
  assert.equal(target.timesParted, 1);
  target.feed(encode([GraphMessageType.items, Array.from({ length: badItemsMax + 1 }, () => bad.slice(1))]));
  assert.equal(target.timesParted, 2);
});

Deno.test("items that a policy rejects count as bad, signed well or not", () => {
  const { node } = plainCorpus();
  const { founder } = groupCorpus();
  const target = new Target(node, "open", "plain 1");
  // A group's founding is signed for any graph, and a plain one takes none.
  const foundings = Array.from(
    { length: badItemsMax + 1 },
    (_, i) => new GroupWorld(100 + i).founding.founding.bytes,
  );
  target.feed(encode([GraphMessageType.items, foundings]));
  assert.equal(target.timesParted, 1);
  assert.equal(node.replica.snapshot().known, 4);
  assert(founder.replica.snapshot().known > 4);
});

/** Feeds altered messages; the set, the state and the members stay what they are. */
function barrage(target: Target, frames: readonly Uint8Array[]): void {
  const before = target.state;
  let taken = 0;
  fc.assert(
    fc.property(fc.nat(frames.length - 1), alteration, (which, alter) => {
      const bytes = alter(frames[which]!, frames);
      const message = decodeMessage(bytes);
      if (message !== null) {
        taken++;
        assert.deepEqual(encodeMessage(message), bytes, "what is read is what was written");
      }
      target.feed(bytes);
      assert.equal(target.state, before);
    }),
    parameters,
  );
  assert(taken > runs / 10, `only ${taken} were well-formed messages`);
  if (target.phase !== "knocking") assert(target.timesParted > 10, `parted with ${target.timesParted} times`);
}

/** A replica, and a neighbor that it believes it has; what it wants done is not done. */
class Target {
  readonly phase: "greeting" | "stranger" | "knocking" | "open";
  timesParted = 0;
  readonly #node: ReplicaNode;
  readonly #peer: Uint8Array;
  #link: LinkId | null = null;
  #links = 1_000_000;

  constructor(node: ReplicaNode, phase: Target["phase"], name: string) {
    this.#node = node;
    this.phase = phase;
    this.#peer = keyOf(name).publicKey;
    for (const { link } of this.#replica.neighbors()) this.#input({ kind: "linkDown", link, reason: "test" });
  }

  get state(): string {
    const { authorityFingerprint, dataFingerprint, visibleRecords } = this.#replica.snapshot();
    return [authorityFingerprint, dataFingerprint, visibleRecords].join();
  }

  feed(bytes: Uint8Array): void {
    if (this.#link === null || !this.#isAsWanted()) this.#connect();
    this.#input({ kind: "frame", link: this.#link!, bytes });
    this.#input({ kind: "writable", link: this.#link! });
  }

  #isAsWanted(): boolean {
    return this.#replica.neighbors().some(({ link, phase }) => link === this.#link && phase === this.phase);
  }

  #connect(): void {
    if (this.#link !== null) this.#input({ kind: "linkDown", link: this.#link, reason: "again" });
    this.#link = ++this.#links;
    const shape = { address: "test", isLoopback: false, endpoint: null };
    this.#input({ kind: "linkUp", link: this.#link, peer: this.#peer, dialled: false, ...shape });
    if (this.phase === "greeting") return;
    const proof = this.phase === "knocking" ? [] : this.#replica.policy.proofOf(this.#peer);
    const items = proof.map((item) => item.bytes);
    const wallMs = this.#node.clock.now().wallMs;
    this.#input({
      kind: "frame",
      link: this.#link,
      bytes: encodeMessage({ type: "greet", version: 1, wallMs, items }),
    });
    assert(this.#isAsWanted(), `the neighbor is ${this.phase}`);
  }

  #input(input: Parameters<Replica["handle"]>[0]): void {
    const { monoMs, wallMs } = this.#node.clock.now();
    // Who is parted with for misbehaving is turned away for a while.
    const now = { monoMs: monoMs + this.timesParted * misbehavedMsMax, wallMs };
    const effects: readonly Effect[] = this.#replica.handle(input, now);
    for (const effect of effects) {
      if (effect.kind !== "disconnect" || effect.link !== this.#link) continue;
      this.timesParted++;
      this.#link = null;
    }
  }

  get #replica(): Replica {
    return this.#node.replica;
  }
}

type Alteration = (frame: Uint8Array, frames: readonly Uint8Array[]) => Uint8Array;

/** Bytes flipped, cut, doubled or joined, or one value inside replaced by another. */
const alteration: fc.Arbitrary<Alteration> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })).map(([at, by]) => flip(at, by)),
  },
  { weight: 1, arbitrary: fc.nat().map((at): Alteration => (frame) => frame.subarray(0, at % frame.length)) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.nat(), fc.nat()).map(([which, at]): Alteration => (frame, frames) => {
      const other = frames[which % frames.length]!;
      const cut = at % frame.length;
      return Uint8Array.from([...frame.subarray(0, cut), ...other.subarray(cut % other.length)]);
    }),
  },
  {
    weight: 6,
    arbitrary: fc.nat().chain((at) =>
      replacement.map((value): Alteration => (frame) => replaceInside(frame, at, value))
    ),
  },
);

/** Values that stand where others are expected. */
const replacement: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom<Value>(null, true, false, "", 0, 1, 2 ** 31, Number.MAX_SAFE_INTEGER, -1, []),
  fc.nat(40),
  fc.uint8Array({ maxLength: 64 }),
  fc.uint8Array({ minLength: 32, maxLength: 32 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc.string({ maxLength: 70 }).filter((text) => /^[\x20-\x7e]*$/.test(text)),
  fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }),
);

function flip(at: number, by: number): Alteration {
  return (frame) => {
    const bytes = frame.slice();
    bytes[at % bytes.length]! ^= by;
    return bytes;
  };
}

function replaceInside(frame: Uint8Array, at: number, value: Value): Uint8Array {
  const decoded = decode(frame);
  assert(decoded.ok);
  const places = countPlaces(decoded.value);
  let left = at % places;
  const visit = (here: Value): Value => {
    if (left-- === 0) return value;
    return Array.isArray(here) ? here.map(visit) : here;
  };
  return encode(visit(decoded.value));
}

function countPlaces(value: Value): number {
  return 1 + (Array.isArray(value) ? value.reduce<number>((sum, part) => sum + countPlaces(part), 0) : 0);
}

function plainCorpus(): { node: ReplicaNode; frames: Uint8Array[] } {
  const world = plainWorld(1, 3);
  const frames = recorded(world);
  for (const node of world.nodes) add(node, "heron");
  world.cut(world.nodes[0]!, world.nodes[1]!);
  add(world.nodes[1]!, "away");
  world.healAll();
  world.run(130_000);
  settle(world);
  return { node: world.nodes[0]!, frames: [...frames.values()] };
}

function groupCorpus(): { founder: ReplicaNode; joiner: ReplicaNode; frames: Uint8Array[] } {
  const group = new GroupWorld(1);
  const { world, founder } = group;
  const frames = recorded(world);
  const [member, removed] = [group.join(), group.join()];
  settle(world);
  for (const node of [founder, member, removed]) node.wait(addRequest("heron"));
  settle(world);
  world.cut(founder, removed);
  group.remove(founder, removed);
  world.healAll();
  world.run(130_000);
  settle(world, [founder, member]);
  assert([...frames.values()].some((frame) => decodeMessage(frame)?.type === "refuse"));
  assert([...frames.values()].some((frame) => decodeMessage(frame)?.type === "knock"));
  const joiner = group.addJoiner(group.invite(founder));
  // It knows all there is, so whatever it learns besides was forged.
  const known = [...founder.replica.set.entries()].map(({ item }) => item);
  joiner.replica.learn(known, null, joiner.clock.now());
  return { founder, joiner, frames: [...frames.values()] };
}

function recorded(world: ReplicaNode["world"]): Map<string, Uint8Array> {
  const frames = new Map<string, Uint8Array>();
  world.tap = (_from, _to, bytes) => void frames.set(hex(bytes), bytes);
  return frames;
}
