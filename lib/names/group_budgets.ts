/** What address groups may still cost us: each has a budget that comes back with time. */

import { BoundedMap } from "../base/bounded.ts";
import type { Address } from "../base/ports.ts";
import { addressGroup } from "./contact.ts";
import { addressGroupsMax } from "./limits.ts";

/** One budget for each address group; addresses that are not grouped have none and may do as they like. */
export class GroupBudgets {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #groups = new BoundedMap<string, { readonly left: number; readonly atMs: number }>(
    addressGroupsMax,
  );

  /** Budgets of `burst`, of which `perSecond` come back each second. */
  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
  }

  /** Takes one from the budget of an address's group; `false` if there is none left. */
  take(address: Address, nowMs: number): boolean {
    const group = addressGroup(address);
    if (group === null) return true;
    const budget = this.#groups.get(group) ?? { left: this.#burst, atMs: nowMs };
    const gained = ((nowMs - budget.atMs) / 1_000) * this.#perSecond;
    const left = Math.min(budget.left + gained, this.#burst);
    if (left < 1) return false;
    this.#groups.set(group, { left: left - 1, atMs: nowMs });
    return true;
  }
}
