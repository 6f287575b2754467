import { SeededRandom } from "../../lib/base/random.ts";
import { VirtualClock } from "../../lib/sim/virtual_clock.ts";
import { MemoryNetwork } from "../../transports/memory.ts";
import { datagramsContract } from "./datagrams_contract.ts";
import { streamsContract } from "./streams_contract.ts";

for (const latencyMs of [0, 30]) {
  const open = () => {
    const clock = new VirtualClock();
    const jitterMs = latencyMs / 3;
    const network = new MemoryNetwork({ timers: clock, random: new SeededRandom(1), latencyMs, jitterMs });
    return {
      network,
      within: <T>(promise: Promise<T>) => clock.until(promise, 60_000),
      dispose: () => network.close(),
    };
  };
  streamsContract(`MemoryNetwork with ${latencyMs} ms`, () => {
    const { network, ...world } = open();
    const home = { host: "10.0.0.1", port: 0 };
    return { ...world, server: network.streams("10.0.0.1"), client: network.streams("10.0.0.2"), home };
  });
  datagramsContract(`MemoryNetwork with ${latencyMs} ms`, () => {
    const { network, ...world } = open();
    return {
      ...world,
      near: network.datagrams("10.0.0.1"),
      far: network.datagrams("10.0.0.2"),
      nearHome: { host: "10.0.0.1", port: 0 },
      farHome: { host: "10.0.0.2", port: 0 },
    };
  });
}
