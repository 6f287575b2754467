import assert from "node:assert/strict";
import { peerTimeMoveMsMin } from "../../../lib/graph/limits.ts";
import { PeerTime } from "../../../lib/graph/peer_time.ts";

const now = { monoMs: 5, wallMs: 1_000_000_000 };
const minute = 60_000;

/** Peer time after these neighbors' clocks, the first of them dialled by us. */
function after(...offsets: number[]): PeerTime {
  const time = new PeerTime();
  offsets.forEach((offset, i) => time.sample(`${i}`, now.wallMs + offset, i === 0, now));
  return time;
}

/** The same, once it has followed them all. */
function settled(...offsets: number[]): PeerTime {
  const time = after(...offsets);
  time.follow(now.monoMs + peerTimeMoveMsMin);
  return time;
}

Deno.test("[G26] fewer than three neighbors do not move the clock", () => {
  assert.equal(after().at(now), now.wallMs);
  assert.equal(after(minute, minute).offsetMs, 0);
  assert.equal(after(minute, minute, minute).offsetMs, minute);
});

Deno.test("[G26] nor do any number that all dialled us", () => {
  const time = new PeerTime();
  for (let i = 0; i < 50; i++) time.sample(`${i}`, now.wallMs + minute, false, now);
  assert.equal(time.offsetMs, 0);
  time.sample("ours", now.wallMs, true, now);
  assert.equal(time.offsetMs, minute);
});

Deno.test("[G26] the median counts, so that one clock hours off does not", () => {
  assert.equal(after(1_000, 2_000, 24 * 60 * minute).offsetMs, 2_000);
  assert.equal(after(-24 * 60 * minute, 1_000, 2_000).offsetMs, 1_000);
  assert.equal(settled(-4, 3, 1, 2).offsetMs, 1, "the lower of two in the middle");
  assert.equal(after(1_000, 2_000, 3_000).at(now), now.wallMs + 2_000);
});

Deno.test("[G26] peer time keeps within ten minutes; beyond, the clock is wrong", () => {
  const atLimit = after(10 * minute, 10 * minute, 10 * minute);
  assert.deepEqual([atLimit.offsetMs, atLimit.isWrong], [10 * minute, false]);
  const ahead = after(...[11, 11, 11].map((minutes) => minutes * minute));
  assert.deepEqual([ahead.offsetMs, ahead.isWrong], [10 * minute, true]);
  const behind = after(...[-11, -11, -11].map((minutes) => minutes * minute));
  assert.deepEqual([behind.offsetMs, behind.isWrong], [-10 * minute, true]);
});

Deno.test("a wrong clock sweeps what is over by both clocks only", () => {
  const right = after(minute, minute, minute);
  assert.equal(right.sweepAt(now), right.at(now));
  assert.equal(after(-3e8, -3e8, -3e8).sweepAt(now), now.wallMs - 3e8, "ours runs ahead");
  assert.equal(after(3e8, 3e8, 3e8).sweepAt(now), now.wallMs + 10 * minute, "theirs do");
});

Deno.test("a neighbor that goes takes its clock with it, and one that says again replaces it", () => {
  const time = after(minute, minute, 3 * minute);
  time.sample("2", now.wallMs, false, now);
  assert.equal(time.offsetMs, minute);
  const later = now.monoMs + peerTimeMoveMsMin;
  time.remove("1", later);
  assert.equal(time.offsetMs, 0);
  time.remove("1", later);
});

Deno.test("[G26] it moves at once when it stood still, else not before its time, and then to the newest", () => {
  const time = after(minute, minute, minute);
  const sampleAt = (offset: number, monoMs: number) => {
    for (const peer of ["0", "1", "2"]) {
      time.sample(peer, now.wallMs + offset, peer === "0", { ...now, monoMs });
    }
  };
  const end = now.monoMs + peerTimeMoveMsMin;
  for (let monoMs = now.monoMs; monoMs < end; monoMs += 1_000) {
    sampleAt(monoMs % 2 * minute - 30_000, monoMs);
    assert.equal(time.offsetMs, minute);
  }
  sampleAt(-2 * minute, end - 1);
  time.follow(end - 1);
  assert.equal(time.offsetMs, minute);
  time.follow(end);
  assert.equal(time.offsetMs, -2 * minute);
  sampleAt(minute, end + 3 * peerTimeMoveMsMin);
  assert.equal(time.offsetMs, minute);
});

Deno.test("peer time is a time, whatever clocks say", () => {
  const time = new PeerTime();
  for (const peer of ["a", "b", "c"]) time.sample(peer, 0, true, { monoMs: 0, wallMs: 1 });
  assert(time.at({ monoMs: 0, wallMs: -5 }) >= 1);
});
