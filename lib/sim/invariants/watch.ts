/** What the checkers of one simulation share. */

import type { Crypto } from "../../base/ports.ts";
import type { Report } from "../checker.ts";
import type { CryptoWork } from "../crypto_work.ts";
import type { Replicas } from "./replicas.ts";
import type { Writings } from "./writings.ts";

/** A checker's view of its simulation. */
export interface Watch {
  readonly crypto: Crypto;
  readonly work: CryptoWork;
  readonly writings: Writings;
  readonly replicas: Replicas;
  readonly report: Report;
  /** True wall time, whatever the peers' clocks say. */
  wallMs(): number;
}
