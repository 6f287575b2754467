import assert from "node:assert/strict";
import { concat } from "../../../lib/base/bytes.ts";
import { base32 } from "../../../lib/base/base32.ts";
import { invitationText, type InvitationTicket, parseInvitation } from "../../../lib/groups/invitation.ts";
import { invitationTextMax } from "../../../lib/groups/limits.ts";
import { bytesOf, fixtureCrypto as crypto } from "../../fixtures/items.ts";

const ticket: InvitationTicket = {
  group: bytesOf("group"),
  invitation: bytesOf("invitation"),
  seed: bytesOf("seed"),
  endpoints: [
    { transport: "tcp", address: { host: "2a01:4f8:c0c:1234:5678:9abc:def0:1234", port: 65_535 } },
    { transport: "tcp", address: { host: "2a01:4f8:c0c:1234:5678:9abc:def0:5678", port: 4_000 } },
  ],
};

Deno.test("[S03] an invitation is one line of at most 320 characters, and says what went in", () => {
  for (const endpoints of [[], ticket.endpoints.slice(1), ticket.endpoints]) {
    const text = invitationText(crypto, { ...ticket, endpoints });
    assert(text.length <= invitationTextMax && invitationTextMax === 320);
    assert(/^kith1[a-z2-7]+$/.test(text));
    assert.deepEqual(parseInvitation(crypto, text), { ...ticket, endpoints });
    assert.deepEqual(parseInvitation(crypto, `  ${text}\n`), { ...ticket, endpoints });
  }
});

Deno.test("an invitation carries two endpoints, IPv4 ones too", () => {
  const local = { transport: "tcp", address: { host: "127.0.0.1", port: 4_000 } } as const;
  const text = invitationText(crypto, { ...ticket, endpoints: [local, ...ticket.endpoints] });
  assert.deepEqual(parseInvitation(crypto, text)?.endpoints, [local, ticket.endpoints[0]]);
});

Deno.test("[S04] an invitation with any character altered, lost or doubled is refused", () => {
  const text = invitationText(crypto, ticket);
  const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  for (let i = 0; i < text.length; i++) {
    for (
      const letter of [
        alphabet[(alphabet.indexOf(text[i]!) + 1 + i % 30) % 32]!,
        text[i]!.toUpperCase(),
        "1",
        " ",
      ]
    ) {
      if (letter === text[i]) continue;
      const altered = text.slice(0, i) + letter + text.slice(i + 1);
      assert.equal(parseInvitation(crypto, altered), null, `character ${i} as ${letter}`);
    }
    assert.equal(
      parseInvitation(crypto, text.slice(0, i) + text.slice(i + 1)),
      null,
      `without character ${i}`,
    );
    assert.equal(
      parseInvitation(crypto, text.slice(0, i) + text[i] + text.slice(i)),
      null,
      `character ${i} twice`,
    );
    assert.equal(parseInvitation(crypto, text.slice(0, i)), null, `${i} characters`);
  }
});

Deno.test("a text of another version, with too many or broken endpoints, or that is none, is refused", () => {
  const textOf = (...parts: (Uint8Array | number[])[]) => {
    const body = concat(...parts.map((part) => Uint8Array.from(part)));
    const check = crypto.sha256(new TextEncoder().encode("kith/invitation-text/1"), body).subarray(0, 4);
    return `kith1${base32(concat(body, check))}`;
  };
  const { group, invitation, seed } = ticket;
  assert.notEqual(parseInvitation(crypto, textOf([1], group, invitation, seed, [0])), null);
  assert.equal(parseInvitation(crypto, textOf([2], group, invitation, seed, [0])), null);
  const endpoint = [6, 127, 0, 0, 1, 15, 160];
  const endings = [[], [1], [1, 6], [1, 5, 1, 2, 3, 4, 5], [0, 0], [1, ...endpoint, 0], [2, ...endpoint]];
  endings.push([3, ...endpoint, ...endpoint, ...endpoint]);
  for (const ending of endings) {
    assert.equal(parseInvitation(crypto, textOf([1], group, invitation, seed, ending)), null, ending.join());
  }
  for (const text of ["", "kith1", "kith", "hello", "kith1".padEnd(400, "a")]) {
    assert.equal(parseInvitation(crypto, text), null, text);
  }
});
