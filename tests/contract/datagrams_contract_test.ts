import { UdpDatagrams } from "../../transports/udp.ts";
import { within } from "./real_world.ts";
import { datagramsContract } from "./datagrams_contract.ts";

for (const backEnd of ["deno", "node"] as const) {
  for (const host of ["127.0.0.1", "::1"]) {
    datagramsContract(`UdpDatagrams by ${backEnd} on ${host}`, () => ({
      near: new UdpDatagrams(backEnd),
      far: new UdpDatagrams(backEnd),
      nearHome: { host, port: 0 },
      farHome: { host, port: 0 },
      within,
      dispose: () => {},
    }));
  }
}
