/** Round moments on an axis of time. */

/** A moment on the axis, and what stands there. */
export interface TimeTick {
  readonly atMs: number;
  readonly label: string;
}

/** From 0 to `endMs` in steps of 1, 2 or 5, 10, 20 or 50 and so on of a unit that suits: 13 at most. */
export function timeTicks(endMs: number): readonly TimeTick[] {
  const { unit, unitMs, step } = stepFor(endMs / ticksMax);
  const count = Math.floor(endMs / (step * unitMs)) + 1;
  return Array.from({ length: count }, (_, i) => ({ atMs: i * step * unitMs, label: `${i * step} ${unit}` }));
}

/** The shortest round step that is no shorter than `leastMs`. */
function stepFor(leastMs: number): { readonly unit: string; readonly unitMs: number; readonly step: number } {
  for (const { unit, unitMs, stepMax } of units) {
    for (let power = 1; power <= stepMax; power *= 10) {
      for (const step of [power, 2 * power, 5 * power]) {
        if (step <= stepMax && step * unitMs >= leastMs) return { unit, unitMs, step };
      }
    }
  }
  throw new RangeError("The axis of time has no end");
}

const ticksMax = 12;

/** Seconds up to ten minutes, then minutes up to ten hours: what people say. */
const units = [
  { unit: "ms", unitMs: 1, stepMax: 500 },
  { unit: "s", unitMs: 1_000, stepMax: 50 },
  { unit: "min", unitMs: 60_000, stepMax: 50 },
  { unit: "h", unitMs: 3_600_000, stepMax: Infinity },
];
