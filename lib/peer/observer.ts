/** A look into a peer's machines from outside: simulations check invariants with it, nothing is decided by it. */

import type { Instant } from "../base/ports.ts";
import type { Effect, Input } from "../graph/machine.ts";
import type { Replica } from "../graph/replica.ts";
import type { CloudEffect, CloudInput, CloudMachine } from "../names/cloud.ts";

/** Is told of each input that a machine of a peer took, before what came of it is carried out. */
export interface PeerObserver {
  /** A replica took an input. */
  onReplica(replica: Replica, input: Input, effects: readonly Effect[], now: Instant): void;
  /** A cloud machine took an input. */
  onCloud(cloud: CloudMachine, input: CloudInput, effects: readonly CloudEffect[], now: Instant): void;
}
