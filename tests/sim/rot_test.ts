/** Disks that alter bits: what a peer lost it has again from its neighbors, and nothing wrong is shown. */

import assert from "node:assert/strict";
import type { Group } from "../../lib/peer/surface.ts";
import { CommitLog } from "../../lib/sim/commit_log.ts";
import { DiskWorld, type KeysNote } from "./disk_world.ts";
import { PeerSimulation } from "./peer_simulation.ts";

Deno.test("[T50] [F6] (I7) a bit that flips in any entry of a group costs nothing: neighbors bring it again", async () => {
  const log = new CommitLog<KeysNote>();
  await using world = new DiskWorld({ seed: 1, log });
  const hosts: string[] = [];
  for (let i = 0; i < 3; i++) hosts.push((await world.open()).host);
  const [founder, ...others] = world.machines;
  const group = await world.within(founder!.peer.groups.create("Rot"));
  const invitation = await world.within(group.invite({ uses: 2 }));
  for (const { peer } of others) await world.within(peer.groups.join(invitation));
  for (const [i, each] of groupsOf(world).entries()) await world.within(each.records.add("note", `of ${i}`));
  assert.ok(await world.clock.runUntil(() => hasAll(world), 60_000));
  await world.clock.run(60_000);
  const { wallMs } = world.clock.now();
  const steps = log.steps.length;

  for (const host of hosts.slice(0, 2)) {
    const entries = log.imageAt(host, steps).store.durableEntries().filter(({ key }) => key[0] === "graph");
    assert.ok(entries.length >= 12, `${entries.length} entries: items, cursors, contacts`);
    for (const { key } of entries) {
      await using again = new DiskWorld({ seed: 2, wallMs });
      for (const each of hosts) again.found(log, each, steps);
      const victim = again.machines.find((machine) => machine.host === host)!;
      victim.store.damage(key);
      for (const machine of again.machines) await machine.start();
      assert.equal(victim.store.damaged, 1);
      const what = `${key.slice(2).join(" ")} at ${host}`;
      assert.ok(await again.clock.runUntil(() => hasAll(again), 60_000), what);
      for (const each of groupsOf(again)) {
        const values = (await each.records.list()).map(({ value }) => value);
        assert.deepEqual(values.sort(), ["of 0", "of 1", "of 2"], what);
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
  await using sim = new PeerSimulation({ seed: 3 });
  const { peers: [, bob], groups: [ours] } = await sim.group(2);
  await sim.run(bob.close());
  for (const { key } of bob.store.durableEntries()) if (key[0] === "groups") bob.store.damage(key);
  await sim.restart(bob);
  assert.deepEqual(bob.peer.groups.list(), []);
  assert.match(bob.peer.status().problems.join(), /join or open again what list\(\) no longer shows/);
  const again = await sim.run(bob.peer.groups.join(await sim.run(ours.invite())));
  assert.equal(again.members.list().length, 2);
  await sim.run(bob.close());
  await sim.restart(bob);
  assert.equal(bob.peer.groups.list().length, 1);
  assert.deepEqual(bob.peer.status().problems, []);
});

function groupsOf({ machines }: DiskWorld): Group[] {
  return machines.map(({ peer }) => peer.groups.list()[0]!);
}

/** Whether all have the 8 items that there are: five of authority and three records. */
function hasAll(world: DiskWorld): boolean {
  return groupsOf(world).every((group) => group.status().items === 8);
}
