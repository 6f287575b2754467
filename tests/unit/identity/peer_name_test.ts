import assert from "node:assert/strict";
import { peerIdText } from "../../../lib/identity/peer_id.ts";
import { createPeerName, hostName, parseHostName, parsePeerName } from "../../../lib/identity/peer_name.ts";
import { createCrypto } from "../../../lib/platform/crypto.ts";

const crypto = createCrypto();
const key = crypto.ed25519.publicKey(new Uint8Array(32).fill(1));
const otherKey = crypto.ed25519.publicKey(new Uint8Array(32).fill(2));
const id = peerIdText(crypto, key);

const invalid = { name: "PeerError", code: "invalid_peer_name" };

Deno.test("[N01] an unsecured name parses as authority 0 and classifier; one without classifier is refused", () => {
  const name = { authority: null, classifier: "printer", text: "0.printer" };
  assert.deepEqual(parsePeerName(crypto, "0.printer"), name);
  assert.deepEqual(createPeerName(crypto, null, "printer"), name);
  for (const text of ["0", "0.", "", ".", ".printer", "printer", "1.printer", "00.printer", " 0.printer"]) {
    assert.equal(parsePeerName(crypto, text), null, text);
  }
});

Deno.test("[N02] a secured name follows from key and classifier; another key never gives it", () => {
  const name = createPeerName(crypto, key, "printer");
  assert.deepEqual(name, { authority: key, classifier: "printer", text: `${id}.printer` });
  assert.deepEqual(createPeerName(crypto, new Uint8Array(key), "printer"), name);
  assert.deepEqual(parsePeerName(crypto, name.text), name);
  assert.notEqual(createPeerName(crypto, otherKey, "printer").text, name.text);
  assert.equal(parsePeerName(crypto, `${id.slice(0, 55)}a.printer`), null);
  assert.equal(parsePeerName(crypto, `${id.toUpperCase()}.printer`), null);
});

Deno.test("[N03] a secured name without classifier is legal; an unsecured one is not", () => {
  const name = { authority: key, classifier: null, text: id };
  assert.deepEqual(createPeerName(crypto, key, null), name);
  assert.deepEqual(parsePeerName(crypto, id), name);
  assert.equal(parsePeerName(crypto, `${id}.`), null);
  assert.throws(() => createPeerName(crypto, null, null), { ...invalid, message: /needs a classifier/ });
});

Deno.test("[N04] a classifier has up to 149 code points of any script, and its case matters", () => {
  for (const character of ["a", "é", "鷺", "🦩"]) {
    const classifier = character.repeat(149);
    assert.equal(parsePeerName(crypto, `0.${classifier}`)?.classifier, classifier);
    assert.equal(createPeerName(crypto, key, classifier).classifier, classifier);
    assert.equal(parsePeerName(crypto, `0.${character.repeat(150)}`), null);
    assert.throws(() => createPeerName(crypto, key, character.repeat(150)), {
      ...invalid,
      message: /longer than 149/,
    });
  }
  assert.notEqual(parsePeerName(crypto, "0.Heron")?.text, parsePeerName(crypto, "0.heron")?.text);
  assert.equal(parsePeerName(crypto, "0.north pond. 2")?.classifier, "north pond. 2");
});

Deno.test("[N04] a classifier that is not composed or holds a control character is refused with the reason", () => {
  const cases: [string, RegExp][] = [
    ["e\u0301", /NFC/],
    ["\ud800", /composed/],
    ["\ufeffheron", /composed/],
    ["her\non", /control/],
    ["\x7f", /control/],
    ["\x85", /control/],
    ["", /empty/],
  ];
  for (const [classifier, message] of cases) {
    assert.throws(() => createPeerName(crypto, key, classifier), { ...invalid, message });
    assert.equal(parsePeerName(crypto, `0.${classifier}`), null);
  }
  assert.throws(() => createPeerName(crypto, new Uint8Array(32), "a"), { ...invalid, message: /public key/ });
});

Deno.test("[N05] a derived name has the same authority and another classifier", () => {
  const name = parsePeerName(crypto, `${id}.printer`)!;
  const derived = createPeerName(crypto, name.authority, "scanner");
  assert.deepEqual(derived.authority, name.authority);
  assert.equal(derived.text, `${id}.scanner`);
});

Deno.test("[N06] host forms are these, and lead back to their names", () => {
  const cases: [string, string][] = [
    ["0.printer", "printer.0.kith.alt"],
    ["0.print-3r", "print-3r.0.kith.alt"],
    [id, `${id}.kith.alt`],
    [`${id}.printer`, `printer.${id}.kith.alt`],
    ["0.Printer", "x-kbzgs3tumvza.0.kith.alt"],
    ["0.é", "x-youq.0.kith.alt"],
    ["0.-a", "x-fvqq.0.kith.alt"],
    ["0.x-a", "x-pawwc.0.kith.alt"],
    ["0.xn--a", "x-pbxc2llb.0.kith.alt"],
    ["0.a.b", "x-mexge.0.kith.alt"],
    [`0.${"a".repeat(63)}`, `${"a".repeat(63)}.0.kith.alt`],
  ];
  for (const [text, host] of cases) {
    const name = parsePeerName(crypto, text)!;
    assert.equal(hostName(name), host);
    assert.deepEqual(parseHostName(crypto, host), name, host);
    assert.deepEqual(parseHostName(crypto, host.toUpperCase() + "."), name, host);
  }
});

Deno.test("[N06] a long classifier is cut into labels; one that fits no host name gives an error of its own", () => {
  const name = createPeerName(crypto, key, "鷺".repeat(36));
  const labels = hostName(name).split(".");
  assert.deepEqual(labels.map((label) => label.length), [60, 60, 55, 56, 4, 3]);
  assert.deepEqual(parseHostName(crypto, hostName(name)), name);
  const longest = createPeerName(crypto, null, "A".repeat(148));
  assert.equal(hostName(longest).length, 253);
  assert.deepEqual(parseHostName(crypto, hostName(longest)), longest);
  const error = { name: "PeerError", code: "host_name_too_long" };
  assert.throws(() => hostName(createPeerName(crypto, null, "A".repeat(149))), error);
  assert.throws(() => hostName(createPeerName(crypto, key, "鷺".repeat(80))), error);
});

Deno.test("[N06] text that is no host form is refused, also another spelling of a name", () => {
  const refused = [
    "",
    "kith.alt",
    "0.kith.alt",
    "printer.0.kith.example",
    "printer.0.kith",
    ".0.kith.alt",
    "a.b.0.kith.alt",
    "printer.0.kith.alt..",
    "x-.0.kith.alt",
    "x-your.0.kith.alt", // left-over bits
    "x-77.0.kith.alt", // no UTF-8
    "x-obzgs3tumvza.0.kith.alt", // "printer" needs no encoding
    "x-kbzgs.3tumvza.0.kith.alt", // cut where no label ends
    `${"a".repeat(300)}.0.kith.alt`,
    `printer.${id.slice(1)}.kith.alt`,
    "é.0.kith.alt",
  ];
  for (const text of refused) assert.equal(parseHostName(crypto, text), null, text);
});
