import assert from "node:assert/strict";
import fc from "fast-check";
import {
  addressScope,
  addressText,
  endpointText,
  isSendable,
  observedAddress,
  packAddress,
  parseAddress,
  parseEndpoint,
  parseHost,
  unpackAddress,
} from "../../../lib/base/address.ts";

const host4 = fc.ipV4();
const host6 = fc.ipV6();
const port = fc.integer({ min: 0, max: 65_535 });

Deno.test("[G04] parseAddress() reads numeric addresses and writes them in canonical text", () => {
  const table: [string, string][] = [
    ["127.0.0.1:4000", "127.0.0.1:4000"],
    ["0.0.0.0:0", "0.0.0.0:0"],
    ["255.255.255.255:65535", "255.255.255.255:65535"],
    ["[::1]:4000", "[::1]:4000"],
    ["[::]:0", "[::]:0"],
    ["[2001:DB8:0:0:1:0:0:1]:1", "[2001:db8::1:0:0:1]:1"],
    ["[2001:db8:0:1:1:1:1:1]:1", "[2001:db8:0:1:1:1:1:1]:1"],
    ["[1:0:0:2:0:0:0:3]:1", "[1:0:0:2::3]:1"],
    ["[fe80:0::]:1", "[fe80::]:1"],
    ["[::ffff:7f00:1]:1", "[::ffff:127.0.0.1]:1"],
    ["[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1"],
    ["[64:ff9b::1.2.3.4]:1", "[64:ff9b::102:304]:1"],
  ];
  for (const [text, canonical] of table) assert.equal(addressText(parseAddress(text)!), canonical, text);
});

Deno.test("parseAddress() refuses names, zones, odd numbers and odd brackets", () => {
  const refused = [
    "",
    "localhost:1",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "127.0.0.1:01",
    "127.0.0.1:1 ",
    " 127.0.0.1:1",
    "127.0.0.1:1\n",
    "127.1:1",
    "127.0.0.01:1",
    "127.0.0.256:1",
    "0x7f.0.0.1:1",
    "1.2.3.4.5:1",
    "[127.0.0.1]:1",
    "::1:4000",
    "[::1]",
    "[::1]:",
    "[::1]:99999",
    "[fe80::1%eth0]:1",
    "[:::]:1",
    "[1::2::3]:1",
    "[1:2:3:4:5:6:7]:1",
    "[1:2:3:4:5:6:7:8:9]:1",
    "[1:2:3:4:5:6:7::8]:1",
    "[:1:2:3:4:5:6:7]:1",
    "[1.2.3.4::]:1",
    "[12345::]:1",
    "[g::]:1",
    "１27.0.0.1:1",
  ];
  for (const text of refused) assert.equal(parseAddress(text), null, text);
});

Deno.test("parseAddress() returns what addressText() wrote, and bytes come back as they went", () => {
  fc.assert(
    fc.property(fc.oneof(host4, host6), port, (host, port) => {
      const text = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
      const address = parseAddress(text);
      assert.ok(address !== null, text);
      assert.deepEqual(parseAddress(addressText(address)), address);
      assert.deepEqual(unpackAddress(packAddress(address)), address);
      assert.deepEqual(packAddress({ host, port }), packAddress(address));
    }),
    { seed: 1, numRuns: 2_000 },
  );
});

Deno.test("the text of an IPv6 address is the one URL parsers write", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 18, maxLength: 18 }), (bytes) => {
      // Half the groups become zero, so that runs of zeros are common.
      for (let i = 0; i < 16; i += 2) if (bytes[i]! < 128) bytes[i] = bytes[i + 1] = 0;
      const { host } = unpackAddress(bytes)!;
      if (!host.includes(".")) assert.equal(`[${host}]`, new URL(`http://[${host}]/`).hostname);
    }),
    { seed: 2, numRuns: 2_000 },
  );
});

Deno.test("unpackAddress() refuses other lengths than 6 and 18", () => {
  for (let length = 0; length < 40; length++) {
    assert.equal(unpackAddress(new Uint8Array(length)) !== null, length === 6 || length === 18);
  }
});

Deno.test("parseAddress(), parseEndpoint() and addressScope() survive any text", () => {
  const odd = fc.stringMatching(/^[0-9a-f:.\[\]%/tcpud ]{0,60}$/);
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary", maxLength: 80 }), odd), (text) => {
      parseAddress(text);
      parseEndpoint(text);
      assert.ok(addressScope(text).length > 0);
      const bytes = parseHost(text);
      assert.ok(bytes === null || bytes.length === 4 || bytes.length === 16);
    }),
    { seed: 3, numRuns: 5_000 },
  );
});

Deno.test("parseEndpoint() takes a bare address for a TCP one", () => {
  const address = { host: "127.0.0.1", port: 4000 };
  assert.deepEqual(parseEndpoint("tcp://127.0.0.1:4000"), { transport: "tcp", address });
  assert.deepEqual(parseEndpoint("127.0.0.1:4000"), { transport: "tcp", address });
  assert.deepEqual(parseEndpoint("udp://127.0.0.1:4000"), { transport: "udp", address });
  assert.deepEqual(parseEndpoint("[::1]:1"), { transport: "tcp", address: { host: "::1", port: 1 } });
  for (
    const text of [
      "http://127.0.0.1:4000",
      "tcp:127.0.0.1:4000",
      "tcp://",
      "tcp://udp://127.0.0.1:1",
      "TCP://127.0.0.1:1",
    ]
  ) {
    assert.equal(parseEndpoint(text), null, text);
  }
  assert.equal(endpointText({ transport: "udp", address: { host: "::1", port: 7 } }), "udp://[::1]:7");
});

Deno.test("[G04] addressScope() tells loopback, link-local, private, global and unusable", () => {
  const table: [string, string][] = [
    ["127.0.0.1", "loopback"],
    ["127.255.255.255", "loopback"],
    ["128.0.0.0", "global"],
    ["10.1.2.3", "private"],
    ["172.15.255.255", "global"],
    ["172.16.0.0", "private"],
    ["172.31.255.255", "private"],
    ["172.32.0.0", "global"],
    ["192.168.0.1", "private"],
    ["100.64.0.1", "private"],
    ["100.128.0.0", "global"],
    ["169.254.169.254", "link-local"],
    ["8.8.8.8", "global"],
    ["223.255.255.255", "global"],
    ["0.0.0.0", "unusable"],
    ["0.1.2.3", "unusable"],
    ["224.0.0.1", "unusable"],
    ["240.0.0.1", "unusable"],
    ["255.255.255.255", "unusable"],
    ["192.0.2.1", "unusable"],
    ["::1", "loopback"],
    ["::", "unusable"],
    ["::2", "unusable"],
    ["fe80::1", "link-local"],
    ["febf::1", "link-local"],
    ["fec0::1", "unusable"],
    ["fd00::1", "private"],
    ["2a00:1450::1", "global"],
    ["3fff::1", "unusable"],
    ["2001:db8::1", "unusable"],
    ["2002:7f00:1::", "unusable"],
    ["64:ff9b::7f00:1", "unusable"],
    ["ff02::1", "unusable"],
    ["::ffff:127.0.0.1", "unusable"],
    ["::ffff:8.8.8.8", "unusable"],
    ["example.org", "unusable"],
    ["", "unusable"],
  ];
  for (const [host, scope] of table) assert.equal(addressScope(host), scope, host);
});

Deno.test("isSendable() refuses port 0 and unusable hosts", () => {
  assert.equal(isSendable({ host: "127.0.0.1", port: 1 }), true);
  assert.equal(isSendable({ host: "127.0.0.1", port: 0 }), false);
  assert.equal(isSendable({ host: "127.0.0.1", port: 65_536 }), false);
  assert.equal(isSendable({ host: "224.0.0.1", port: 1 }), false);
});

Deno.test("observedAddress() shows an IPv4 peer of an IPv6 socket as IPv4", () => {
  assert.deepEqual(observedAddress("::ffff:127.0.0.1", 9), { host: "127.0.0.1", port: 9 });
  assert.deepEqual(observedAddress("0:0:0:0:0:0:0:1", 9), { host: "::1", port: 9 });
});
