/** Mutated inputs by the thousand, through the decoders: counted, seeded, and told when one throws. */

import { below, SeededRandom } from "../../lib/base/random.ts";
import { type Node, writeTree } from "./cbor_tree.ts";
import { type Origin, verdictOf } from "./decoders.ts";
import type { Forge } from "./forges.ts";
import type { DraftPacket, PacketKind } from "./golden_packets.ts";
import { blindly } from "./mutators.ts";
import { mutateTree } from "./tree_mutators.ts";

/** How many inputs of each kind were judged, and how often each verdict came. */
export class Tally {
  readonly inputs: Map<PacketKind, number> = new Map();
  readonly verdicts: Map<string, number> = new Map();

  /** Judges one input. What is thrown says how to make it again. */
  judge(origin: Origin, bytes: Uint8Array, how: string): void {
    let verdict: string;
    try {
      verdict = verdictOf(origin, bytes);
    } catch (error) {
      throw new Error(`${how}: ${origin.kind}, ${origin.name}: ${bytes.toHex()}`, { cause: error });
    }
    this.inputs.set(origin.kind, (this.inputs.get(origin.kind) ?? 0) + 1);
    const key = `${origin.kind}: ${verdict}`;
    this.verdicts.set(key, (this.verdicts.get(key) ?? 0) + 1);
  }

  /** Inputs of these kinds together; of all if none is named. */
  count(...kinds: readonly PacketKind[]): number {
    let sum = 0;
    for (const [kind, count] of this.inputs) if (kinds.length === 0 || kinds.includes(kind)) sum += count;
    return sum;
  }

  /** How often inputs of a kind were taken. */
  taken(kind: PacketKind): number {
    return this.verdicts.get(`${kind}: ok`) ?? 0;
  }
}

/** Judges `count` inputs that were altered without knowing what they mean. */
export function mutateBlindly(
  tally: Tally,
  packets: readonly DraftPacket[],
  seed: number,
  count: number,
): void {
  const random = new SeededRandom(seed);
  const all = packets.map(({ bytes }) => bytes);
  for (let i = 0; i < count; i++) {
    const packet = packets[i % packets.length]!;
    tally.judge(packet, blindly(random, packet.bytes, all), `seed ${seed}, blind input ${i}`);
  }
}

/** Judges `count` inputs whose content was altered by somebody who has the keys. */
export function mutateForged(tally: Tally, forges: readonly Forge[], seed: number, count: number): void {
  const random = new SeededRandom(seed);
  const trees = forges.flatMap(({ tree }): readonly Node[] => tree === null ? [] : [tree]);
  const contents = forges.map(({ content }) => content);
  for (let i = 0; i < count; i++) {
    const { tree, content, wrap, origin } = forges[i % forges.length]!;
    const isBlind = tree === null || below(random, 8) === 0;
    const altered = isBlind ? blindly(random, content, contents) : writeTree(mutateTree(random, tree, trees));
    tally.judge(origin, wrap(altered), `seed ${seed}, forged input ${i}`);
  }
}
