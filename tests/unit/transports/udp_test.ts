import assert from "node:assert/strict";
import { PeerError } from "../../../lib/base/errors.ts";
import { UdpDatagrams } from "../../../transports/udp.ts";
import { within } from "../../contract/real_world.ts";

const home = { host: "127.0.0.1", port: 0 };

Deno.test("UdpDatagrams takes Deno's sockets when the flag is there", () => {
  assert.equal(new UdpDatagrams().backEnd, "deno");
});

for (const backEnd of ["deno", "node"] as const) {
  Deno.test(`UdpDatagrams by ${backEnd} names the flag when Deno lets it use no address`, {
    permissions: { net: false },
  }, async () => {
    await assert.rejects(new UdpDatagrams(backEnd).bind(home), (error) => {
      assert.ok(error instanceof PeerError);
      assert.equal(error.code, "permission_denied");
      assert.match(error.message, /--allow-net=127\.0\.0\.1:0/);
      return true;
    });
  });

  Deno.test(`UdpDatagrams by ${backEnd} loses what Deno does not let it send`, {
    permissions: { net: ["127.0.0.1:0"] },
  }, async () => {
    const socket = await new UdpDatagrams(backEnd).bind(home);
    for (let i = 0; i < 3; i++) socket.send(Uint8Array.of(1), { host: "127.0.0.1", port: 9 });
    assert.equal(socket.lost, 3);
    socket.close();
  });

  Deno.test(`UdpDatagrams by ${backEnd} counts what cannot be sent`, async () => {
    const socket = await new UdpDatagrams(backEnd).bind(home);
    socket.send(Uint8Array.of(1), { host: "127.0.0.1", port: 0 });
    socket.send(Uint8Array.of(1), { host: "224.0.0.1", port: 9 });
    assert.equal(socket.lost, 2);
    socket.send(new Uint8Array(65_508), socket.address); // one byte more than UDP holds
    socket.send(Uint8Array.of(7), socket.address);
    const arrived = await within(socket[Symbol.asyncIterator]().next());
    assert.deepEqual(arrived.value?.bytes, Uint8Array.of(7));
    assert.equal(socket.lost, 3);
    socket.close();
  });

  Deno.test(`UdpDatagrams by ${backEnd} says that an address is not of this machine`, async () => {
    await assert.rejects(new UdpDatagrams(backEnd).bind({ host: "192.0.2.1", port: 0 }), {
      code: "invalid_address",
    });
  });
}
