import assert from "node:assert/strict";
import { SeededRandom } from "../../../lib/base/random.ts";
import { CloudContext } from "../../../lib/names/context.ts";
import { Exchanges } from "../../../lib/names/exchanges.ts";
import { lookupMs } from "../../../lib/names/limits.ts";
import { RoutingTable } from "../../../lib/names/routing_table.ts";
import { Searches } from "../../../lib/names/searches.ts";
import { SealedWire } from "../../../lib/names/wire.ts";
import { createLightCrypto } from "../../../lib/sim/light_crypto.ts";

const crypto = createLightCrypto();

/** Searches of a machine that knows one contact, which never answers. */
function createSearches(): { context: CloudContext; searches: Searches; passTime: (ms: number) => void } {
  const secretKey = new Uint8Array(32).fill(1);
  const random = new SeededRandom(1);
  const context = new CloudContext({ name: "test", scope: "global", secretKey, crypto, random });
  const { cloud, key } = context;
  const table = new RoutingTable(context.id);
  const address = { host: "20.0.0.1", port: 4_000 };
  const silent = context.book.contactOf(crypto.x25519.publicKey(new Uint8Array(32).fill(2)), [address]);
  table.answered(silent, address, null, 0);
  const wire = new SealedWire({ crypto, random, cloud, key, secretKey });
  const exchanges = new Exchanges(context, wire, { table, onAnswered: () => {}, onLost: () => {} });
  const searches = new Searches(context, exchanges, table, () => [], () => {});
  const passTime = (ms: number) => {
    const endMs = context.now.monoMs + ms;
    for (
      let dueMs = context.nextDeadline();
      dueMs !== null && dueMs <= endMs;
      dueMs = context.nextDeadline()
    ) {
      context.now = { monoMs: dueMs, wallMs: dueMs };
      context.runDue();
    }
    context.now = { monoMs: endMs, wallMs: endMs };
  };
  return { context, searches, passTime };
}

Deno.test("a search ends once: that its time is over afterwards tells nobody again, and nothing is waited for", () => {
  const { context, searches, passTime } = createSearches();
  const ends: boolean[] = [];
  searches.start({ target: context.id, aim: "closest", onDone: (_, isCut) => void ends.push(isCut) });
  passTime(lookupMs - 1);
  assert.deepEqual([ends, searches.size], [[false], 0], "the one contact left its requests unanswered");
  assert.equal(context.nextDeadline(), null);
  passTime(lookupMs);
  assert.deepEqual(ends, [false]);
});

Deno.test("[N23] a cancelled search says nothing, also once its time is over", () => {
  const { context, searches, passTime } = createSearches();
  const onDone = () => assert.fail("it was cancelled");
  searches.cancel(searches.start({ target: context.id, aim: "values", onDone }));
  passTime(lookupMs - 1);
  assert.equal(context.nextDeadline(), null, "once its last request ended nothing is waited for");
  passTime(lookupMs);
});
