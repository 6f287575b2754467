/** Ten thousand crash images: each other bytes of a store and a key file than all before it. */

import assert from "node:assert/strict";
import { checkAllImages, noCounts } from "./crash_checker.ts";

Deno.test("[R19] [R26] (I1) (I2) [F1] [F2] (slow) 10,000 crash images: nothing told is lost, nothing torn, all agree", async () => {
  const counts = noCounts();
  for (let seed = 100; counts.images < 10_000; seed++) {
    assert.ok(seed < 200, "a hundred lives have 10,000 moments");
    await checkAllImages(seed, 25, 100, counts);
  }
  const { images, together, setBack, happened } = counts;
  console.log(
    `${images} images, ${together} of all peers, ${setBack} set back;`,
    Object.fromEntries(happened),
  );
  assert.ok(images >= 10_000 && together >= 100 && setBack >= 100);
  for (
    const kind of ["takesPart", "invited", "wrote", "deleted", "removed", "left", "timeout", "store_full"]
  ) {
    assert.ok((happened.get(kind) ?? 0) >= 3, `${kind} happened`);
  }
});
