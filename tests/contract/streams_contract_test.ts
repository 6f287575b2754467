import { TcpStreams } from "../../transports/tcp.ts";
import { realTimers, within } from "./real_world.ts";
import { streamsContract } from "./streams_contract.ts";

for (const host of ["127.0.0.1", "::1"]) {
  streamsContract(`TcpStreams on ${host}`, () => ({
    server: new TcpStreams(realTimers),
    client: new TcpStreams(realTimers),
    home: { host, port: 0 },
    within,
    dispose: () => {},
  }));
}
