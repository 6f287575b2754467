/** Disks that alter bits: what a peer lost it has again from its neighbors, and nothing wrong is shown. */

import assert from "node:assert/strict";
import { CommitLog } from "../../lib/sim/commit_log.ts";
import { createLightCrypto } from "../../lib/sim/light_crypto.ts";
import { PeerWorld } from "./peer_world.ts";

Deno.test("[T50] [F6] (I7) a bit that flips in any entry of a group costs nothing: neighbors bring it again", async () => {
  const crypto = createLightCrypto();
  const log = new CommitLog();
  const keys = new Map<string, Uint8Array>();
  const recorder = {
    disk: (host: string) => log.disk(host),
    keys: (host: string, bytes: Uint8Array) => void keys.set(host, bytes),
  };
  await using world = new PeerWorld(1, 5, { crypto, recorder });
  const hosts: string[] = [];
  for (let i = 0; i < 3; i++) hosts.push((await world.open()).host);
  const [founder, ...others] = world.machines;
  const group = await world.within(founder!.peer.groups.create("Rot"));
  const invitation = await world.within(group.invite({ uses: 2 }));
  for (const { peer } of others) await world.within(peer.groups.join(invitation));
  const groupsOf = ({ machines }: PeerWorld) => machines.map(({ peer }) => peer.groups.list()[0]!);
  for (const [i, each] of groupsOf(world).entries()) await world.within(each.records.add("note", `of ${i}`));
  await world.until("all have all", () => groupsOf(world).every((each) => each.status().items === 8));
  await world.clock.run(60_000);
  const { wallMs } = world.clock.now();
  const steps = log.steps.length;

  for (const host of hosts.slice(0, 2)) {
    const entries = log.imageAt(host, steps).store.durableEntries().filter(({ key }) => key[0] === "graph");
    assert.ok(entries.length >= 12, `${entries.length} entries: items, cursors, contacts`);
    for (const { key } of entries) {
      await using again = new PeerWorld(2, 5, { crypto, wallMs });
      for (const each of hosts) {
        const { store } = log.imageAt(each, steps, { timers: again.clock });
        again.found(each, { store, keys: keys.get(each)! });
      }
      const victim = again.machines.find((machine) => machine.host === host)!;
      victim.store.damage(key);
      for (const machine of again.machines) await machine.start({});
      assert.equal(victim.store.damaged, 1);
      const what = `${key.slice(2).join(" ")} at ${host}`;
      await again.until(what, () => groupsOf(again).every((each) => each.status().items === 8));
      for (const each of groupsOf(again)) {
        assert.deepEqual((await each.records.list()).map(({ value }) => value).sort(), [
          "of 0",
          "of 1",
          "of 2",
        ]);
      }
      await again.clock.run(1_000);
      const stored = victim.store.durableEntries().filter(({ key: [kind, , what] }) =>
        kind === "graph" && what === "item"
      );
      assert.equal(stored.length, 8, "and it is stored again");
      assert.match(
        victim.peer.status().problems.join(),
        /damaged and 1 of its entries could not be read: .* join/,
      );
    }
  }
});

Deno.test("[T50] [F6] a group whose entry a disk lost is named as lost, and can be joined again", async () => {
  await using world = new PeerWorld(3, 5, { crypto: createLightCrypto() });
  const [alice, bob] = [await world.open(), await world.open()];
  const ours = await world.within(alice.peer.groups.create("Rot"));
  await world.within(bob.peer.groups.join(await world.within(ours.invite())));
  await bob.stop();
  for (const { key } of bob.store.durableEntries()) if (key[0] === "groups") bob.store.damage(key);
  await bob.start();
  assert.deepEqual(bob.peer.groups.list(), []);
  assert.match(bob.peer.status().problems.join(), /join or open again what list\(\) no longer shows/);
  const again = await world.within(bob.peer.groups.join(await world.within(ours.invite())));
  assert.equal(again.members.list().length, 2);
  await bob.stop();
  await bob.start();
  assert.equal(bob.peer.groups.list().length, 1);
  assert.deepEqual(bob.peer.status().problems, []);
});
