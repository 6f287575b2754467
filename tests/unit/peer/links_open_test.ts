import assert from "node:assert/strict";
import type { ByteStream } from "../../../lib/base/ports.ts";
import { equalBytes, hex } from "../../../lib/base/bytes.ts";
import { SeededRandom } from "../../../lib/base/random.ts";
import type { Signer } from "../../../lib/wire/envelope.ts";
import { createFakeKem } from "../../../lib/sim/fake_kem.ts";
import { VirtualClock } from "../../../lib/sim/virtual_clock.ts";
import { MemoryNetwork } from "../../../transports/memory.ts";
import {
  createLinkSelf,
  type LinkOpening,
  type LinkPorts,
  type LinkSelf,
  openLink,
} from "../../../lib/peer/open_link.ts";
import type { OpenLinkOptions } from "../../../lib/peer/open_link.ts";
import { AlteredStream, crypto, ScriptedStream, signerOf } from "./link_world.ts";

/** One handshake, with a hand on either end's outgoing bytes. */
class Meeting {
  readonly clock: VirtualClock = new VirtualClock();
  readonly #random = new SeededRandom(7);
  readonly #network = new MemoryNetwork({ timers: this.clock, random: this.#random });
  readonly alice = signerOf(1);
  readonly bob = signerOf(2);
  readonly kem = createFakeKem(crypto, this.#random);
  readonly #selves = new Map<Signer, LinkSelf>();

  async shake(
    alter: (stream: ByteStream, role: "dial" | "accept") => ByteStream = (stream) => stream,
    dialling: Partial<OpenLinkOptions> = {},
    identities = { dial: this.alice, accept: this.bob },
  ): Promise<{ dialled: LinkOpening; accepted: LinkOpening }> {
    const listener = await this.#network.streams("10.0.0.2").listen({ host: "10.0.0.2", port: 0 });
    const accepts = listener[Symbol.asyncIterator]().next();
    const signal = new AbortController().signal;
    const near = await this.#network.streams("10.0.0.1").connect(listener.address, signal);
    const far = (await accepts).value!;
    listener.close();
    const ports = this.ports();
    const both = Promise.all([
      openLink(alter(near, "dial"), { role: "dial", ...dialling }, ports, this.#selfOf(identities.dial)),
      openLink(alter(far, "accept"), { role: "accept" }, ports, this.#selfOf(identities.accept)),
    ]);
    const [dialled, accepted] = await this.clock.until(both, 60_000);
    return { dialled, accepted };
  }

  #selfOf(signer: Signer): LinkSelf {
    const self = this.#selves.get(signer) ?? createLinkSelf(this.ports(), signer);
    this.#selves.set(signer, self);
    return self;
  }

  ports(): LinkPorts {
    const log = { debug() {}, info() {}, warn() {}, error: (message: string) => assert.fail(message) };
    return { clock: this.clock, timers: this.clock, random: this.#random, crypto, kem: this.kem, log };
  }

  /** Ends both links, if any, and tells whether a timer is left. */
  end({ dialled, accepted }: { dialled: LinkOpening; accepted: LinkOpening }): void {
    for (const opening of [dialled, accepted]) if (opening.ok) opening.link.abort("closed");
    assert.equal(this.clock.timerCount, 0);
  }
}

Deno.test("openLink() gives both ends each other's identity and one handshake hash", async () => {
  const meeting = new Meeting();
  const { dialled, accepted } = await meeting.shake();
  assert.ok(dialled.ok && accepted.ok);
  assert.deepEqual(dialled.link.peer, meeting.bob.publicKey);
  assert.deepEqual(accepted.link.peer, meeting.alice.publicKey);
  assert.deepEqual(dialled.link.handshakeHash, accepted.link.handshakeHash);
  assert.deepEqual([dialled.link.dialled, accepted.link.dialled], [true, false]);
  assert.equal(dialled.link.peerIdHex, hex(meeting.bob.publicKey));
  meeting.end({ dialled, accepted });
});

Deno.test("[G07] openLink() ends with wrong_peer before the dialler shows who it is", async () => {
  const meeting = new Meeting();
  const written: Uint8Array[] = [];
  const { dialled, accepted } = await meeting.shake(
    (stream, role) =>
      role === "accept" ? stream : new AlteredStream(stream, (bytes) => {
        written.push(bytes);
        return bytes;
      }),
    { expect: signerOf(9).publicKey },
  );
  assert.deepEqual(dialled, { ok: false, reason: "wrong_peer" });
  assert.deepEqual(accepted, { ok: false, reason: "broken" });
  assert.equal(written.length, 1); // the first message, which carries fresh keys alone
});

Deno.test("[G10] openLink() ends with connect_self at both ends", async () => {
  const meeting = new Meeting();
  const { dialled, accepted } = await meeting.shake(undefined, {}, {
    dial: meeting.alice,
    accept: meeting.alice,
  });
  assert.deepEqual(dialled, { ok: false, reason: "connect_self" });
  assert.deepEqual(accepted, { ok: false, reason: "broken" });
});

Deno.test("openLink() ends as a duplicate when the dialler does not want who answered", async () => {
  const meeting = new Meeting();
  let asked: Uint8Array | null = null;
  const { dialled } = await meeting.shake(undefined, { admit: (peer) => (asked = peer, false) });
  assert.deepEqual(dialled, { ok: false, reason: "duplicate" });
  assert.deepEqual(asked, meeting.bob.publicKey);
});

Deno.test("openLink() ends by its signal, before and during", async () => {
  const meeting = new Meeting();
  const early = new AbortController();
  early.abort();
  assert.deepEqual((await meeting.shake(undefined, { signal: early.signal })).dialled, {
    ok: false,
    reason: "aborted",
  });
  const late = new AbortController();
  const mute = new AlteredStream(new ScriptedStream([], "wait"), (bytes) => bytes);
  const ports = meeting.ports();
  const opening = openLink(
    mute,
    { role: "dial", signal: late.signal },
    ports,
    createLinkSelf(ports, meeting.alice),
  );
  await meeting.clock.run(100);
  late.abort();
  assert.deepEqual(await meeting.clock.until(opening, 0), { ok: false, reason: "aborted" });
  assert.equal(meeting.clock.timerCount, 0);
});

Deno.test("[T11] openLink() waits 5 s for a first byte and 10 s for a handshake", async () => {
  for (
    const [role, script, reason, ms] of [
      ["accept", [], "silent", 5_000],
      ["accept", [Uint8Array.of(1)], "too_slow", 10_000],
      ["dial", [], "too_slow", 10_000],
    ] as const
  ) {
    const meeting = new Meeting();
    const ports = meeting.ports();
    const stream = new ScriptedStream(script, "wait");
    const opening = openLink(stream, { role }, ports, createLinkSelf(ports, meeting.alice));
    assert.deepEqual(await meeting.clock.until(opening, 60_000), { ok: false, reason });
    assert.equal(meeting.clock.now().monoMs, ms);
    assert.equal(meeting.clock.timerCount, 0);
  }
});

Deno.test("openLink() answers bytes that are no handshake with a reason", async () => {
  const random = new SeededRandom(3);
  const meeting = new Meeting();
  const { publicKey } = await meeting.kem.generate();
  const table: [Uint8Array, string][] = [
    [Uint8Array.of(), "broken"],
    [Uint8Array.of(0), "unknown_version"],
    [Uint8Array.of(2, 0, 0), "unknown_version"],
    [new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"), "unknown_version"],
    [Uint8Array.of(1), "broken"],
    [Uint8Array.of(1, 0, 0), "bad_handshake"],
    [Uint8Array.of(1, 8, 1), "bad_handshake"], // 2,049 bytes
    [Uint8Array.of(1, 255, 255), "bad_handshake"],
    [Uint8Array.of(1, 4, 192, ...random.bytes(1_215)), "broken"],
    [Uint8Array.of(1, 4, 191, ...random.bytes(1_215)), "bad_handshake"],
    [Uint8Array.of(1, 4, 193, ...random.bytes(1_217)), "bad_handshake"], // a payload where none belongs
    [Uint8Array.of(1, 4, 192, ...new Uint8Array(1_216)), "bad_handshake"], // a key that leads to zero
    [Uint8Array.of(1, 4, 192, ...random.bytes(1_216)), "bad_handshake"], // no key of the KEM
    [Uint8Array.of(1, 4, 192, ...random.bytes(32), ...publicKey), "broken"], // well-formed, then gone
  ];
  const ports = meeting.ports();
  for (const [bytes, reason] of table) {
    const stream = new ScriptedStream([bytes]);
    const opening = openLink(stream, { role: "accept" }, ports, createLinkSelf(ports, meeting.bob));
    assert.deepEqual(await opening, { ok: false, reason }, hex(bytes.subarray(0, 4)));
    // Nothing but the second message is ever answered, and only to a well-formed first.
    assert.ok(stream.allWritten.length === 0 || bytes.length === 1_219);
  }
  for (let i = 0; i < 500; i++) {
    const bytes = random.bytes(random.uint32() % 3_000);
    if (random.uint32() % 2 === 0) bytes[0] = 1;
    const role = i % 2 === 0 ? "accept" : "dial";
    const opening = await openLink(
      new ScriptedStream([bytes]),
      { role },
      ports,
      createLinkSelf(ports, meeting.bob),
    );
    assert.equal(opening.ok, false);
  }
  assert.equal(meeting.clock.timerCount, 0);
});

Deno.test("[T7] every flipped byte of every handshake message ends the handshake at both ends", async () => {
  const lengths = { dial: await writtenBytes("dial"), accept: await writtenBytes("accept") };
  assert.ok(lengths.dial > 1_216 + 64 && lengths.accept > 1_200);
  const meeting = new Meeting();
  for (const role of ["dial", "accept"] as const) {
    for (let at = 0; at < lengths[role]; at++) {
      const openings = await meeting.shake((stream, end) => end === role ? flipping(stream, at) : stream);
      const { dialled, accepted } = openings;
      // The dialler speaks last, so its end may stand until the other has refused.
      assert.equal(accepted.ok, false, `${role} ${at}`);
      if (role === "accept" || at < 1_219) assert.equal(dialled.ok, false, `${role} ${at}`);
      meeting.end(openings);
    }
  }
});

Deno.test("[T7] a handshake that is cut anywhere ends at both ends", async () => {
  const meeting = new Meeting();
  for (const role of ["dial", "accept"] as const) {
    const length = await writtenBytes(role);
    for (let end = 0; end < length; end += 23) {
      const openings = await meeting.shake((stream, at) => at === role ? cutting(stream, end) : stream);
      assert.equal(openings.accepted.ok, false, `${role} ${end}`);
      if (role === "accept" || end < 1_219) assert.equal(openings.dialled.ok, false, `${role} ${end}`);
      meeting.end(openings);
    }
  }
});

Deno.test("[T7] a recorded handshake is refused when it is played again", async () => {
  const meeting = new Meeting();
  const recorded: Uint8Array[] = [];
  const openings = await meeting.shake((stream, role) =>
    role === "accept" ? stream : new AlteredStream(stream, (bytes) => {
      recorded.push(bytes.slice());
      return bytes;
    })
  );
  assert.ok(openings.accepted.ok);
  meeting.end(openings);
  const ports = meeting.ports();
  const replay = openLink(
    new ScriptedStream(recorded),
    { role: "accept" },
    ports,
    createLinkSelf(ports, meeting.bob),
  );
  assert.deepEqual(await replay, { ok: false, reason: "bad_handshake" });
});

Deno.test("openLink() refuses a proof that was made for another static key", async () => {
  const meeting = new Meeting();
  const ports = meeting.ports();
  const [own, stolen] = [createLinkSelf(ports, meeting.bob), createLinkSelf(ports, meeting.alice)];
  const network = new MemoryNetwork({ timers: meeting.clock, random: new SeededRandom(1) });
  const listener = await network.streams("10.0.0.2").listen({ host: "10.0.0.2", port: 0 });
  const accepts = listener[Symbol.asyncIterator]().next();
  const near = await network.streams("10.0.0.1").connect(listener.address, new AbortController().signal);
  const impostor = { ...createLinkSelf(ports, signerOf(3)), proof: stolen.proof };
  const both = [
    openLink(near, { role: "dial" }, ports, impostor),
    openLink((await accepts).value!, { role: "accept" }, ports, own),
  ];
  const [dialled, accepted] = await meeting.clock.until(Promise.all(both), 1_000);
  listener.close();
  assert.deepEqual(accepted, { ok: false, reason: "bad_proof" });
  if (dialled!.ok) dialled!.link.abort("closed");
  assert.equal(equalBytes(own.staticSecret, stolen.staticSecret), false);
});

async function writtenBytes(role: "dial" | "accept"): Promise<number> {
  let length = 0;
  const meeting = new Meeting();
  meeting.end(
    await meeting.shake((stream, end) =>
      end !== role ? stream : new AlteredStream(stream, (bytes) => {
        length += bytes.length;
        return bytes;
      })
    ),
  );
  return length;
}

function flipping(stream: ByteStream, at: number): ByteStream {
  return new AlteredStream(stream, (bytes, offset) => {
    if (at < offset || at >= offset + bytes.length) return bytes;
    const altered = bytes.slice();
    altered[at - offset]! ^= 1 << (at % 8);
    return altered;
  });
}

function cutting(stream: ByteStream, end: number): ByteStream {
  let isCut = false;
  return new AlteredStream(stream, (bytes, offset) => {
    if (isCut) return "end";
    if (offset + bytes.length <= end) return bytes;
    isCut = true;
    stream.write(bytes.subarray(0, end - offset)).then(() => stream.close(), () => {});
    return new Uint8Array();
  });
}
