/** Crash images of a few group scenarios; thousands more are in `slow_crash_images_test.ts`. */

import assert from "node:assert/strict";
import { checkAllImages, noCounts } from "./crash_checker.ts";

Deno.test("[R19] [R26] (I1) (I2) [F1] [F2] a peer that crashes at any moment keeps what it told, whole, and goes on", async () => {
  const counts = noCounts();
  for (const seed of [1, 2]) await checkAllImages(seed, 25, 100, counts);
  const { images, together, setBack } = counts;
  assert.ok(images >= 300 && together >= 3 && setBack >= 3, `${images} images, ${together} of all peers`);
});
