import assert from "node:assert/strict";
import { keepsExisting } from "../../../lib/peer/link_choice.ts";
import { simultaneousDialMsMax } from "../../../lib/peer/limits.ts";

const peerStatic = new Uint8Array(32).fill(1);
const dialled = { dialled: true, openedMs: 0, peerStatic };
const accepted = { dialled: false, openedMs: 0, peerStatic };

Deno.test("keepsExisting() keeps the lower peer's dial of two at once, as the other end does", () => {
  for (const isLower of [true, false]) {
    // Each end has one link it dialled and one it accepted; the first may have come in either order.
    assert.equal(keepsExisting(dialled, accepted, isLower), isLower);
    assert.equal(keepsExisting(accepted, dialled, isLower), !isLower);
  }
});

Deno.test("keepsExisting() gives up a link that the other end must have lost", () => {
  const late = { ...accepted, openedMs: simultaneousDialMsMax };
  assert.equal(keepsExisting(dialled, late, true), false);
  assert.equal(keepsExisting(dialled, { ...late, openedMs: late.openedMs - 1 }, true), true);
  assert.equal(keepsExisting(accepted, accepted, true), false);
});

Deno.test("keepsExisting() gives up the link to a peer that was started anew", () => {
  const anew = { ...accepted, peerStatic: new Uint8Array(32).fill(2) };
  assert.equal(keepsExisting(dialled, anew, true), false);
});
