/** Each checker is told of a breach, made up of a lawful world, and says so; of the lawful world it says nothing. */

import assert from "node:assert/strict";
import { equalBytes, hex, utf8 } from "../../../lib/base/bytes.ts";
import type { Address } from "../../../lib/base/ports.ts";
import { decodeMessage } from "../../../lib/graph/messages.ts";
import { writesPendingMax } from "../../../lib/graph/limits.ts";
import { bucketGroupMax } from "../../../lib/names/limits.ts";
import { isData, ItemKind } from "../../../lib/records/item.ts";
import { parseItem } from "../../../lib/records/item_codec.ts";
import {
  idleMessagesPerMinuteMax,
  inputsPerMomentMax,
  seekMsMax,
  timersMax,
  verificationsPerEventMax,
} from "../../../lib/sim/limits.ts";
import { invariants } from "../../../lib/sim/invariants.ts";
import { Progress } from "../../../lib/sim/invariants/bounds.ts";
import { islandHost, plainMark, unprovenHost } from "../../../lib/sim/invariants/network.ts";
import type { Watch } from "../../../lib/sim/invariants/watch.ts";
import { createLightCrypto } from "../../../lib/sim/light_crypto.ts";
import { altered, Observed } from "./observed.ts";

Deno.test("(I1) an acknowledgement before the store has the item is reported", async () => {
  await using world = await Observed.create();
  const one = world.acknowledged[0]!;
  world.tell("onAcknowledged", { ...one, entry: { ...one.entry, key: [...one.entry.key, "elsewhere"] } });
  assert.deepEqual(world.reported(), ["I1"]);
});

Deno.test("(I1) a start that does not know what was acknowledged is reported; one that does is not", async () => {
  await using world = await Observed.create();
  const input = { kind: "loaded", entries: [] } as const;
  world.tellStep({ input: input as never });
  assert.deepEqual(world.reported(), []);
  const { set } = world.replica;
  world.tellStep({ input: input as never }, { set: altered(set, { has: () => false }) });
  assert.deepEqual(world.reported(), ["I1"]);
});

Deno.test("(I2) a start that puts an entry into quarantine is reported, unless its disk was damaged", async () => {
  await using world = await Observed.create();
  const torn = {
    input: { kind: "loaded", entries: [] } as never,
    effects: [{
      kind: "store",
      ticket: 1,
      sets: [{ key: ["quarantine", "graph", "item", 1], value: new Uint8Array() }],
      deletes: [],
    }],
  } as const;
  world.ana.isDiskDamaged = true;
  world.tellStep(torn);
  assert.deepEqual(world.reported(), []);
  world.ana.isDiskDamaged = false;
  world.tellStep(torn);
  assert.deepEqual(world.reported(), ["I2"]);
});

Deno.test("(I3) two members whose sets differ when all is quiet are reported", async () => {
  await using world = await Observed.create();
  const snapshot = world.replica.snapshot();
  world.tellStep({}, { snapshot: () => ({ ...snapshot, dataFingerprint: "00" }) });
  world.tellQuiet();
  assert.deepEqual(world.reported(), ["I3"]);
});

Deno.test("(I3) two members that show different records when all is quiet are reported", async () => {
  await using world = await Observed.create();
  world.tellStep({}, { allShown: () => [] });
  world.tellQuiet();
  assert.deepEqual(world.reported(), ["I3"]);
});

Deno.test("(I4) a set that changes by what it knows is reported", async () => {
  await using world = await Observed.create();
  const set = altered(world.replica.set, {
    add: () => ({ entered: [world.items()[0]], left: [], outside: [], dropped: [] }),
  });
  world.tellStep({}, { set });
  world.tellQuiet();
  assert.deepEqual(world.reported(), ["I4"]);
});

Deno.test("(I5) a record that is shown after its delete is reported", async () => {
  await using world = await Observed.create();
  const { shown } = world.recordEvent("deleted");
  world.tellStep({ effects: [{ kind: "emit", event: { kind: "record", cause: "returned", shown } }] });
  assert.ok(world.reported().includes("I5"), world.reports.join("\n"));
});

Deno.test("(I5) an item that is sent past its end is reported, and none that is sent before", async () => {
  await using world = await Observed.create();
  const sent = world.steps.flatMap(({ effects }) => effects).find((effect) =>
    effect.kind === "send" && holdsData(effect.bytes, world.replica.graph)
  )!;
  const untils = world.items().flatMap((item) => isData(item) ? [item.body.until] : []);
  const [first, last] = [Math.min(...untils), Math.max(...untils)];
  const tellAt = (sweepAtMs: number) => {
    const peerTime = altered(world.replica.peerTime, { sweepAt: () => sweepAtMs });
    for (let i = 0; i < 16; i++) world.tellStep({ effects: [sent] }, { peerTime });
  };
  tellAt(first);
  assert.deepEqual(world.reported(), []);
  tellAt(last + 86_400_000);
  assert.deepEqual(world.reported(), ["I5"]);
});

Deno.test("(I6) an item that its author did not sign is reported", async () => {
  await using world = await Observed.create();
  const { set } = world.replica;
  const entries = () =>
    [...set.entries()].map((entry) => {
      if (!isData(entry.item)) return entry;
      const bytes = entry.item.bytes.with(-1, entry.item.bytes.at(-1)! ^ 1);
      return { ...entry, item: { ...entry.item, bytes, id: `${entry.item.id} forged` } };
    });
  const quiet = { add: () => ({ entered: [], left: [], outside: [], dropped: [] }), entries };
  world.tellStep({}, { set: altered(set, quiet) });
  world.tellQuiet();
  assert.ok(world.reported().includes("I6"), world.reports.join("\n"));
});

Deno.test("(I7) a place that does not follow from the items is reported", async () => {
  await using world = await Observed.create();
  const { set } = world.replica;
  const entries = () =>
    [...set.entries()].map((entry) => isData(entry.item) ? { ...entry, place: "aside" as const } : entry);
  world.tellStep({}, { set: altered(set, { entries }) });
  world.tellQuiet();
  assert.deepEqual(world.reported(), ["I7"]);
});

Deno.test("(I8) a record that is shown after its time is reported", async () => {
  await using world = await Observed.create();
  const { shown } = world.recordEvent("added");
  const late = { ...shown, expires: world.sim.clock.now().wallMs - 60_000 };
  world.tellStep({ effects: [{ kind: "emit", event: { kind: "record", cause: "added", shown: late } }] });
  assert.deepEqual(world.reported(), ["I8"]);
});

Deno.test("(I8) a record that is said to have run out before its time is reported", async () => {
  await using world = await Observed.create();
  const { shown } = world.recordEvent("updated");
  world.tellStep({ effects: [{ kind: "emit", event: { kind: "record", cause: "expired", shown } }] });
  assert.deepEqual(world.reported(), ["I8"]);
});

Deno.test("(I8) a record that was swept before its time is reported", async () => {
  await using world = await Observed.create();
  const { set } = world.replica;
  const swept = world.acknowledged.map(({ item }) => item).find(isData)!;
  const entry = { item: swept, place: "shelf" };
  world.tellStep({}, { set: altered(set, { entry: () => entry, itemsOf: () => [entry] }) });
  world.tellQuiet();
  assert.deepEqual(world.reported(), ["I8"]);
});

Deno.test("(I8) a record of a peer's own that is gone before its time is reported, and none that it never had", async () => {
  await using world = await Observed.create();
  const { set } = world.replica;
  const lost = world.acknowledged.find(({ peer, item }) => peer === world.ben && isData(item))!.item;
  const without = { set: altered(set, { entry: () => null, itemsOf: () => [] }) };
  const step = world.stepOf(world.ben, {}, without);
  world.tell("onReplica", step);
  world.tellQuiet();
  const reports = world.reports.filter((report) => report.startsWith("I8"));
  assert.deepEqual(reports, [`I8: ${world.ben.name} swept item ${lost.id} before its time`]);
});

Deno.test("(I8) what a clock swept while it was ahead must be back in the step after it was set back", async () => {
  await using world = await Observed.create();
  const item = world.acknowledged.map(({ item }) => item).find(isData)!;
  let sweepAt = 0;
  let shelf: readonly object[] = [];
  const step = world.stepOf(world.ana, {}, {
    peerTime: altered(world.replica.peerTime, { sweepAt: () => sweepAt }),
    set: altered(world.replica.set, { shelf: () => shelf, itemsOf: () => [] }),
  });
  const tellAt = (atMs: number, isSwept: boolean) => {
    [sweepAt, shelf] = [atMs, isSwept ? [{ item }] : []];
    world.tell("onReplica", step);
  };
  const { until } = item.body;
  tellAt(until - 1_000_000, false);
  tellAt(until + 1_000_000, true);
  tellAt(until - 900_000, true);
  tellAt(until - 900_000, false);
  tellAt(until + 1_000_000, true);
  tellAt(until + 900_000, true);
  tellAt(until + 900_000, true);
  assert.deepEqual(world.reported(), []);
  tellAt(until - 800_000, true);
  tellAt(until - 800_000, true);
  assert.deepEqual(world.reported(), ["I8"]);
});

Deno.test("(I11) a member without links when all is quiet is reported", async () => {
  await using world = await Observed.create();
  world.tellStep({}, { neighbors: () => [] });
  world.tellQuiet();
  assert.deepEqual(world.reported(), ["I11"]);
});

Deno.test("(I11) a node without neighbors that knows somebody and does not dial before long is reported", async () => {
  await using world = await Observed.create();
  const { monoMs } = world.steps.at(-1)!.now;
  const stepAt = (atMs: number | null, count: number) => {
    const deadlines = altered(world.replica.deadlines, { at: () => atMs });
    const now = { monoMs, wallMs: monoMs };
    world.tellStep({ now }, { neighborCount: count, deadlines });
  };
  stepAt(null, 1);
  stepAt(monoMs + seekMsMax, 0);
  assert.deepEqual(world.reported(), []);
  stepAt(monoMs + seekMsMax + 1, 0);
  stepAt(null, 0);
  assert.deepEqual([world.reported(), world.reports.length], [["I11"], 2]);
});

Deno.test("(I13) a node that goes back to an older version is reported, unless the newer one counts no more", async () => {
  await using world = await Observed.create();
  const { shown } = world.recordEvent("updated");
  const body = { ...shown.item.body, version: shown.item.body.version - 1 };
  const older = { ...shown, item: { ...shown.item, body } };
  const back = {
    effects: [{ kind: "emit", event: { kind: "record", cause: "updated", shown: older } }],
  } as const;
  const forth = { effects: [{ kind: "emit", event: { kind: "record", cause: "updated", shown } }] } as const;
  const policy = altered(world.replica.policy, { mayWrite: () => false });
  world.tellStep(forth);
  world.tellStep(back, { policy });
  assert.deepEqual(world.reported(), []);
  world.tellStep(forth);
  world.tellStep(back);
  assert.deepEqual(world.reported(), ["I13"]);
});

for (
  const [what, changes] of [
    ["neighbors", { neighborCount: 10_000 }],
    ["writes under way", { pendingWrites: 100_000 }],
  ] as const
) {
  Deno.test(`(I14) more ${what} than the limit are reported`, async () => {
    await using world = await Observed.create();
    world.tellStep({}, changes);
    assert.deepEqual(world.reported(), ["I14"]);
    assert.ok(world.reports[0]!.includes(what));
  });
}

for (const [what, field] of [["items on the shelf", "shelf"], ["items set aside", "aside"]] as const) {
  Deno.test(`(I14) more ${what} than the limit are reported`, async () => {
    await using world = await Observed.create();
    const { set } = world.replica;
    const sizes = { ...set.sizes, [field]: 10_000_000 };
    world.tellStep({}, { set: altered(set, { sizes }) });
    assert.deepEqual(world.reported(), ["I14"]);
    assert.ok(world.reports[0]!.includes(what));
  });
}

Deno.test("(I14) more timers than the limit are reported", async () => {
  await using world = await Observed.create();
  Object.defineProperty(world.ana, "timerCount", { value: timersMax + 1, configurable: true });
  world.tellStep({});
  Reflect.deleteProperty(world.ana, "timerCount");
  assert.deepEqual(world.reported(), ["I14"]);
});

Deno.test("(I14) a cloud in which something is under way at every moment of rest is reported", async () => {
  await using world = await Observed.create();
  const step = world.clouds.findLast(({ peer }) => peer === world.ana)!;
  const tellOf = (requests: number) => {
    const snapshot = { ...step.cloud.snapshot(), requests, searches: 0, resolves: 0 };
    world.tell("onCloud", { ...step, cloud: altered(step.cloud, { snapshot: () => snapshot }) });
  };
  world.tellQuiet();
  tellOf(1);
  tellOf(0);
  tellOf(1);
  world.tell("onIdle", world.sim.all, 120_000);
  assert.deepEqual(world.reported(), []);
  world.tellQuiet();
  tellOf(1);
  tellOf(2);
  world.tell("onIdle", world.sim.all, 120_000);
  assert.deepEqual(world.reported(), ["I14"]);
});

Deno.test("(I15) an event that costs too many signature checks is reported; many events that cost less are not", async () => {
  await using world = await Observed.create();
  const check = (count: number) => {
    for (let i = 0; i < count; i++) {
      world.work.crypto.ed25519.verify(new Uint8Array(32), new Uint8Array(), new Uint8Array(64));
    }
    world.tell("onEvent");
  };
  for (let i = 0; i < 3; i++) check(verificationsPerEventMax);
  assert.deepEqual(world.reported(), []);
  check(verificationsPerEventMax + 1);
  assert.deepEqual(world.reported(), ["I15"]);
});

Deno.test("(I16) a datagram that is longer than what an unproven address sent is reported", async () => {
  await using world = await Observed.create();
  const unproven = { host: unprovenHost(3), port: 7 };
  const event = world.network.find(({ what }) => what === "datagram")!;
  const own = { host: world.ana.host, port: 4_000 };
  world.tell("onNetwork", { ...event, kind: "delivered", from: unproven, to: own, bytes: 100 });
  world.tell("onNetwork", { ...event, kind: "sent", from: own, to: unproven, bytes: 60 });
  world.tell("onNetwork", { ...event, kind: "sent", from: own, to: unproven, bytes: 40 });
  assert.deepEqual(world.reported(), []);
  world.tell("onNetwork", { ...event, kind: "sent", from: own, to: unproven, bytes: 1 });
  assert.deepEqual(world.reported(), ["I16"]);
});

Deno.test("(I18) two items with one number of one writer are reported", async () => {
  await using world = await Observed.create();
  const one = world.acknowledged[0]!;
  world.tell("onAcknowledged", { ...one, item: { ...one.item, id: `${one.item.id} again` } });
  assert.deepEqual(world.reported(), ["I18"]);
});

Deno.test("(I18) a start that finds two items of its own with one number is reported", async () => {
  await using world = await Observed.create();
  const own = world.items().find(({ head }) =>
    head !== null && equalBytes(head.author, world.replica.signer.publicKey)
  )!;
  const loaded = { kind: "loaded", entries: [] } as const;
  const entryOf = (id: string) => ({ item: { ...own, id }, place: "in" });
  const setOf = (...ids: string[]) =>
    altered(world.replica.set, { entries: () => ids.map(entryOf), has: () => true });
  world.tellStep({ input: loaded }, { set: setOf(own.id) });
  assert.deepEqual(world.reported(), []);
  world.tellStep({ input: loaded }, { set: setOf(own.id, `${own.id} again`) });
  assert.deepEqual(world.reported(), ["I18"]);
});

Deno.test("(I18) a fork among the honest is reported", async () => {
  await using world = await Observed.create();
  const { author } = world.acknowledged[0]!.item.head!;
  world.tellStep({ effects: [{ kind: "emit", event: { kind: "fork", author } }] });
  assert.deepEqual(world.reported(), ["I18"]);
});

Deno.test("(I20) an invitation that admitted more than it says is reported", async () => {
  await using world = await Observed.create();
  const policy = altered(world.replica.policy, { joinersOf: () => ({ size: 2 }) });
  const effects = [{ kind: "emit", event: { kind: "authority", entered: [], left: [] } }] as const;
  world.tellStep({ effects });
  assert.deepEqual(world.reported(), []);
  world.tellStep({ effects }, { policy });
  assert.deepEqual(world.reported(), ["I20"]);
});

Deno.test("(I21) a member over a removal that outranks it is reported", async () => {
  await using world = await Observed.create();
  const { policy } = world.replica;
  const own = world.items().find(({ head, body }) => head?.credential && body.kind === ItemKind.invitation)!;
  const subject = world.acknowledged.find(({ peer }) => peer === world.ben)!.item.head!.author;
  const removal = { ...own, body: { kind: ItemKind.removal, subject } };
  const effects = [{ kind: "emit", event: { kind: "authority", entered: [], left: [] } }] as const;
  world.tellStep({ effects }, { policy: altered(policy, { items: () => [removal] }) });
  assert.deepEqual(world.reported(), ["I21"]);
});

Deno.test("(I21) who is out and believes to be in when all is quiet is reported", async () => {
  await using world = await Observed.create();
  const { policy, signer } = world.replica;
  const real = policy as unknown as { member(id: string): unknown };
  const member = (id: string) => id === hex(signer.publicKey) ? real.member(id) : null;
  world.tellStep({}, { policy: altered(policy, { member }) });
  world.tellQuiet();
  assert.deepEqual(world.reported(), ["I21"]);
});

Deno.test("(I22) the text of a record on the wire is reported, wherever in a packet it stands", async () => {
  await using world = await Observed.create();
  const event = world.network.find(({ kind }) => kind === "sent")!;
  world.tell("onNetwork", { ...event, content: utf8(`kkith-${plainMark.slice(0, -1)} and no more`) });
  assert.deepEqual(world.reported(), []);
  world.tell("onNetwork", { ...event, content: utf8(`kkith-${plainMark}`) });
  assert.deepEqual(world.reported(), ["I22"]);
});

Deno.test("(I23) one key with one nonce for two things is reported; either alone is not", async () => {
  await using world = await Observed.create();
  const seal = (key: number, nonce: number) =>
    world.work.crypto.aead.seal(
      new Uint8Array(32).fill(key),
      new Uint8Array(12).fill(nonce),
      new Uint8Array(),
      new Uint8Array(),
    );
  for (let key = 0; key < 50; key++) for (let nonce = 0; nonce < 50; nonce++) seal(key, nonce);
  assert.deepEqual(world.reported(), []);
  seal(7, 7);
  assert.deepEqual(world.reported(), ["I23"]);
});

Deno.test("(I25) a peer that goes on sending at rest is reported, one at the limit is not", async () => {
  await using world = await Observed.create();
  const event = world.network.find(({ kind, from }) => kind === "sent" && from.host === world.ana.host)!;
  for (const [more, expected] of [[0, []], [1, ["I25"]]] as const) {
    world.tellQuiet();
    for (let i = 0; i < 2 * (idleMessagesPerMinuteMax + more); i++) world.tell("onNetwork", event);
    world.tell("onIdle", world.sim.all, 120_000);
    assert.deepEqual(world.reported(), expected);
  }
});

Deno.test("(I25) a peer that asks itself again and again at one moment is reported, one of which much is asked is not", async () => {
  await using world = await Observed.create();
  const step = world.stepOf(world.ana, {});
  const reports: string[] = [];
  let wallMs = 1;
  const report = (_: string, message: string) => void reports.push(message);
  const progress = new Progress({ wallMs: () => wallMs, report } as unknown as Watch);
  const tell = (count: number) => {
    for (let i = 0; i < count; i++) progress.onReplica(step);
  };
  // As many writes as a graph takes at once: asked, refused or stored, and brought back by others.
  tell(4 * writesPendingMax);
  assert.deepEqual(reports, []);
  wallMs++;
  tell(inputsPerMomentMax);
  progress.onReplica({ ...step, peer: world.ben });
  assert.deepEqual(reports, []);
  tell(1);
  assert.deepEqual(reports, ["Time stands still: peer 1 asks itself again and again"]);
});

Deno.test("(I27) a bucket with too many contacts of one network is reported", async () => {
  await using world = await Observed.create();
  const step = world.clouds.findLast(({ peer }) => peer === world.ana)!;
  const contactsOf = (count: number) => {
    const [contact] = step.cloud.snapshot().contacts;
    return Array.from(
      { length: count },
      (_, i) => ({
        ...contact!,
        key: hex(new Uint8Array(32).fill(i + 1)),
        address: `9.9.9.${i + 1}:4000`,
      }),
    );
  };
  const tellOf = (count: number) => {
    const snapshot = { ...step.cloud.snapshot(), contacts: contactsOf(count) };
    world.tell("onCloud", { ...step, cloud: altered(step.cloud, { snapshot: () => snapshot }) });
    world.tellQuiet();
  };
  tellOf(bucketGroupMax);
  assert.deepEqual(world.reported(), []);
  tellOf(64);
  assert.deepEqual(world.reported(), ["I27"]);
});

Deno.test("(I27) a datagram between an island and another private address is reported, either way", async () => {
  await using world = await Observed.create();
  const event = world.network.find(({ what }) => what === "datagram")!;
  const at = (host: string) => ({ host, port: 4_000 });
  const island = at(islandHost(9));
  const tell = (from: Address, to: Address) => world.tell("onNetwork", { ...event, kind: "sent", from, to });
  for (const host of ["20.0.1.4", "2a00:1::6"]) {
    tell(at(host), island);
    tell(island, at(host));
  }
  tell(at(world.ana.host), at(world.ben.host));
  tell({ host: unprovenHost(3), port: 7 }, island);
  assert.deepEqual(world.reports, []);
  tell(at(world.ana.host), island);
  tell(island, at("172.16.0.1"));
  assert.equal(world.reports.length, 2);
  assert.deepEqual(world.reported(), ["I27"]);
});

Deno.test("the list of invariants has each of I1 to I30 once, in order, with a claim and who holds it", () => {
  assert.deepEqual(invariants.map(({ id }) => id), Array.from({ length: 30 }, (_, i) => `I${i + 1}`));
  for (const { id, claim, heldBy } of invariants) assert.ok(claim !== "" && heldBy !== "", id);
});

function holdsData(bytes: Uint8Array, graph: Uint8Array): boolean {
  const message = decodeMessage(bytes);
  return message?.type === "items" && message.items.some((sent) => {
    const parsed = parseItem(createLightCrypto(), graph, sent);
    return parsed.ok && isData(parsed.item);
  });
}
