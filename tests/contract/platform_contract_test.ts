import { SeededRandom } from "../../lib/base/random.ts";
import { createClock } from "../../lib/platform/clock.ts";
import { createRandom } from "../../lib/platform/random.ts";
import { createTimers } from "../../lib/platform/timers.ts";
import { VirtualClock } from "../../lib/sim/virtual_clock.ts";
import { clockContract } from "./clock_contract.ts";
import { randomContract } from "./random_contract.ts";
import { within } from "./real_world.ts";
import { timersContract } from "./timers_contract.ts";

const timers = createTimers();

clockContract("createClock", () => ({
  clock: createClock(),
  pass: (ms) => new Promise<void>((resolve) => void timers.set(ms, resolve)),
}));
clockContract("VirtualClock", () => {
  const clock = new VirtualClock();
  return { clock, pass: (ms) => clock.run(ms) };
});
clockContract("ClockView", () => {
  const clock = new VirtualClock();
  return { clock: clock.view({ wallOffsetMs: 5_000 }), pass: (ms) => clock.run(ms) };
});

timersContract("createTimers", () => ({ timers, within }));
timersContract("VirtualClock", () => {
  const clock = new VirtualClock();
  return { timers: clock, within: (promise) => clock.until(promise, 60_000) };
});

randomContract("createRandom", createRandom);
randomContract("SeededRandom", () => new SeededRandom(11));
