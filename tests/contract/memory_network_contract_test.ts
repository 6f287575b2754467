import { SeededRandom } from "../../lib/base/random.ts";
import { VirtualClock } from "../../lib/sim/virtual_clock.ts";
import { MemoryNetwork, type NetworkConditions } from "../../transports/memory.ts";
import { datagramsContract } from "./datagrams_contract.ts";
import { streamsContract } from "./streams_contract.ts";

const jitter = { latencyMs: 30, jitterMs: 10 };
const capacity = { bytesPerSecond: 1_000_000, queueBytesMax: 20_000 };

/** All that a stream hides from who uses it. */
const faultsOfStreams: Partial<NetworkConditions> = {
  ...jitter,
  ...capacity,
  lossShare: 0.05,
  burst: { enterShare: 0.02, leaveShare: 0.2, lossShare: 0.8 },
  duplicateShare: 0.1,
  reorderShare: 0.1,
  reorderMs: 100,
  corruptShare: 0.1,
  datagramBytesMax: 1_200,
};

/** All with which each of a few datagrams still arrives once and whole. */
const faultsOfDatagrams: Partial<NetworkConditions> = {
  ...jitter,
  ...capacity,
  burst: { enterShare: 0.5, leaveShare: 0.5, lossShare: 0 },
  reorderShare: 0.5,
  reorderMs: 200,
  datagramBytesMax: 1_200,
};

function open(conditions: Partial<NetworkConditions>) {
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ timers: clock, random: new SeededRandom(1), ...conditions });
  return {
    network,
    within: <T>(promise: Promise<T>) => clock.until(promise, 60_000),
    dispose: () => network.close(),
  };
}

function streams(name: string, conditions: Partial<NetworkConditions>, isTranslated = false): void {
  streamsContract(`MemoryNetwork ${name}`, () => {
    const { network, ...world } = open(conditions);
    if (isTranslated) network.translate("10.0.0.2", { kind: "symmetric", publicHost: "9.9.9.9" });
    const home = { host: "10.0.0.1", port: 0 };
    return { ...world, server: network.streams("10.0.0.1"), client: network.streams("10.0.0.2"), home };
  });
}

function datagrams(name: string, conditions: Partial<NetworkConditions>): void {
  datagramsContract(`MemoryNetwork ${name}`, () => {
    const { network, ...world } = open(conditions);
    return {
      ...world,
      near: network.datagrams("10.0.0.1"),
      far: network.datagrams("10.0.0.2"),
      nearHome: { host: "10.0.0.1", port: 0 },
      farHome: { host: "10.0.0.2", port: 0 },
    };
  });
}

for (const conditions of [{ latencyMs: 0 }, jitter]) {
  const name = `with ${conditions.latencyMs} ms`;
  streams(name, conditions);
  datagrams(name, conditions);
}
streams("with faults", faultsOfStreams);
streams("behind a translator", jitter, true);
datagrams("with faults", faultsOfDatagrams);
