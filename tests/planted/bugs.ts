/**
 * Bugs that somebody could make, one for each invariant that applies and for bugs that others shipped: what
 * to change in the product, and what of the suite must then fail. `run.ts` plants each in a copy of the tree:
 *
 * ```text
 * deno run -A tests/planted/run.ts [WORDS] [--json]      those whose names hold one of the words, or all
 * ```
 */

/** What must catch a bug. */
export type Catcher =
  | {
    readonly kind: "sim";
    /** One of the swarm's scenarios (`tests/sim/run_seed.ts`), run with the seeds from 1. */
    readonly scenario: "group" | "graph" | "names";
    /** What must be found broken: `I1` to `I30`, or `error` for what throws. */
    readonly invariant: string;
    /** What the message must say besides. */
    readonly says?: string;
  }
  | {
    readonly kind: "tests";
    readonly files: readonly string[];
    /** A part of the name of the test that must fail. */
    readonly filter: string;
  };

/** A bug and what it stands for. */
export interface PlantedBug {
  readonly name: string;
  /** Invariants (`I1`) and past bugs (`R1`) of the fault model. */
  readonly stands: readonly string[];
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  readonly catcher: Catcher;
}

/** All of them. */
export const plantedBugs: readonly PlantedBug[] = [
  {
    name: "acknowledged before it is stored",
    stands: ["I1", "R31"],
    file: "lib/peer/store_queue.ts",
    find: "const failure = await this.#commit(batch);",
    replace: "const failure = await Promise.race([this.#commit(batch), Promise.resolve(null)]);",
    catcher: { kind: "sim", scenario: "group", invariant: "I1" },
  },
  {
    name: "one commit made in two",
    stands: ["I2"],
    file: "lib/storage/kv_store.ts",
    find: "    await this.#atomic(single);\n",
    replace: "    await this.#atomic(single.slice(0, single.length >> 1));\n" +
      "    await this.#atomic(single.slice(single.length >> 1));\n",
    catcher: { kind: "tests", files: ["tests/sim/crash_images_test.ts"], filter: "(I2)" },
  },
  {
    name: "an item withheld from who wants it",
    stands: ["I3"],
    file: "lib/graph/catchup.ts",
    find: "this.#window.sendBulk(packed(items));",
    replace: "this.#window.sendBulk(packed(items.slice(1)));",
    catcher: { kind: "sim", scenario: "graph", invariant: "I3" },
  },
  {
    name: "nothing forwarded when it comes",
    stands: ["I3", "I10"],
    file: "lib/graph/conversations.ts",
    find: "if (items.length === 0) return;\n    const open",
    replace: "if (items.length >= 0) return;\n    const open",
    catcher: {
      kind: "tests",
      files: ["tests/hostile/t31_spam_test.ts"],
      filter: "others get what is new at once",
    },
  },
  {
    name: "what is known taken for news",
    stands: ["I4", "R32"],
    file: "lib/records/item_set.ts",
    find: "    const fresh = items.filter((item) => !this.#entries.has(item.id));\n" +
      "    if (numbers !== null) {\n" +
      "      for (const number of numbers.values()) this.#arrival = Math.max(this.#arrival, number);\n" +
      "    }\n" +
      "    this.#learn(fresh.filter(isOfAuthority), origin, draft);\n" +
      "    for (const item of fresh) {\n" +
      "      if (isData(item) && !this.#entries.has(item.id)) ",
    replace: "    if (numbers !== null) {\n" +
      "      for (const number of numbers.values()) this.#arrival = Math.max(this.#arrival, number);\n" +
      "    }\n" +
      "    this.#learn(items.filter(isOfAuthority), origin, draft);\n" +
      "    for (const item of items) {\n" +
      "      if (isData(item)) ",
    catcher: { kind: "sim", scenario: "graph", invariant: "I4" },
  },
  {
    name: "a delete that a later version beats",
    stands: ["I5", "R30"],
    file: "lib/records/conflict.ts",
    find: "return Number.MAX_SAFE_INTEGER;",
    replace: "return 1;",
    catcher: { kind: "sim", scenario: "graph", invariant: "I5" },
  },
  {
    name: "a signature not checked",
    stands: ["I6"],
    file: "lib/graph/intake.ts",
    find: "if (wire.verifyItem(item)) items.set(item.id, item);",
    replace: "if (wire.verifyItem(item) || isData(item)) items.set(item.id, item);",
    catcher: {
      kind: "tests",
      files: ["tests/hostile/t32_bad_signatures_test.ts"],
      filter: "a flood of bad signatures",
    },
  },
  {
    name: "the first known kept, not the newest",
    stands: ["I7"],
    file: "lib/records/item_set.ts",
    find: "if (rival === null || isKeptOver(item, rival.item as DataItem)) keeper[slot] = entry;",
    replace: "if (rival === null) keeper[slot] = entry;",
    catcher: { kind: "sim", scenario: "group", invariant: "I7" },
  },
  {
    name: "shown after its time",
    stands: ["I8"],
    file: "lib/graph/showing.ts",
    find: "const isVisible = after !== null && peerTime <= after.expires;",
    replace: "const isVisible = after !== null && peerTime <= after.expires + 10 * clockSetBackMs;",
    catcher: { kind: "sim", scenario: "graph", invariant: "I8", says: "after its time" },
  },
  {
    name: "run out before its time",
    stands: ["I8"],
    file: "lib/graph/showing.ts",
    find: "this.#expiries.set(record, after.expires + 1);",
    replace: "this.#expiries.set(record, after.expires - 30_000);",
    catcher: { kind: "sim", scenario: "graph", invariant: "I8", says: "ran out before its time" },
  },
  {
    name: "swept by the wall clock while it is wrong",
    stands: ["I8", "R33"],
    file: "lib/graph/peer_time.ts",
    find:
      "return this.isWrong ? Math.max(1, Math.min(this.at(now), now.wallMs + this.#medianMs)) : this.at(now);",
    replace: "return Math.max(1, now.wallMs);",
    catcher: {
      kind: "tests",
      files: ["tests/unit/graph/peer_time_test.ts"],
      filter: "a wrong clock sweeps what is over by both clocks only",
    },
  },
  {
    name: "what a clock that was ahead swept stays away",
    stands: ["I8", "R33"],
    file: "lib/graph/sweeping.ts",
    find: "const isSetBack = sweepAt < this.#sweptAt - clockSetBackMs;",
    replace: "const isSetBack = sweepAt < this.#sweptAt - 1_000 * clockSetBackMs * clockSetBackMs;",
    catcher: { kind: "sim", scenario: "graph", invariant: "I8", says: "swept item" },
  },
  {
    name: "a dial whose failure nobody takes",
    stands: ["I9"],
    file: "lib/peer/driver.ts",
    find: "reason = messageOf(error);",
    replace: "throw error;",
    catcher: { kind: "sim", scenario: "graph", invariant: "I9", says: "nobody took it" },
  },
  {
    name: "a reader told twice",
    stands: ["I10"],
    file: "lib/records/item_set.ts",
    find: "if (before?.item === after?.item && before?.expires === after?.expires) continue;",
    replace: "if (before === null && after === null) continue;",
    catcher: { kind: "sim", scenario: "graph", invariant: "I10", says: "told twice" },
  },
  {
    name: "a reader not told of a delete",
    stands: ["I10"],
    file: "lib/graph/showing.ts",
    find: 'return { kind: "record", cause: this.#causeOfLoss(record, after), shown: wasVisible };',
    replace: "const cause = this.#causeOfLoss(record, after);\n" +
      '    return cause === "deleted" ? null : { kind: "record", cause, shown: wasVisible };',
    catcher: { kind: "sim", scenario: "graph", invariant: "I10", says: "is gone" },
  },
  {
    name: "content with one neighbor",
    stands: ["I11"],
    file: "lib/graph/neighborhood.ts",
    find: "if (missing <= 0) return",
    replace: "if (missing <= 0 || this.#conversations.count > 0) return",
    catcher: { kind: "sim", scenario: "graph", invariant: "I11" },
  },
  {
    name: "dials under way that nobody waits for",
    stands: ["I11"],
    file: "lib/graph/neighborhood.ts",
    find: "const at = Math.min(isLater ? next : Infinity, contacts.nextDialEnd() ?? Infinity);",
    replace: "const at = isLater ? next : Infinity;",
    catcher: { kind: "sim", scenario: "graph", invariant: "I11", says: "does not look for one" },
  },
  {
    name: "a name that is withdrawn and still found",
    stands: ["I12"],
    file: "lib/names/publications.ts",
    find: 'if (publication === null) {\n      return this.#context.effect({ kind: "settle", call, result: ' +
      '{ kind: "unpublished" } });\n    }\n    this.#restate(publication, null, call);',
    replace: "if (publication !== null) this.#settle(publication);\n" +
      '    return this.#context.effect({ kind: "settle", call, result: { kind: "unpublished" } });',
    catcher: { kind: "sim", scenario: "names", invariant: "I12", says: "withdrawn" },
  },
  {
    name: "an older statement that replaces a newer one",
    stands: ["I12", "I13"],
    file: "lib/names/registration.ts",
    find: "if (statement.seq !== other.seq) return statement.seq > other.seq;",
    replace: "if (statement.seq !== other.seq) return statement.seq < other.seq;",
    catcher: {
      kind: "tests",
      files: ["tests/unit/names/registration_test.ts"],
      filter: "Holdings keeps the highest seq of a publisher",
    },
  },
  {
    name: "the oldest version kept when all are judged anew",
    stands: ["I13"],
    file: "lib/records/item_set.ts",
    find: "if (rival === null || isKeptOver(item, rival.item as DataItem)) keeper[slot] = entry;",
    replace: "if (rival === null || !isKeptOver(item, rival.item as DataItem)) keeper[slot] = entry;",
    catcher: { kind: "sim", scenario: "group", invariant: "I13" },
  },
  {
    name: "no bound on what waits",
    stands: ["I14"],
    file: "lib/records/sidelined.ts",
    find: "if (this.#all.size <= countMax && this.#bytes <= bytesMax) return null;",
    replace: "if (this.#all.size <= 1_000 * countMax) return null;",
    catcher: {
      kind: "tests",
      files: ["tests/unit/records/item_set_test.ts"],
      filter: "[R17] the oldest of too many waiting items gives way",
    },
  },
  {
    name: "a request that nobody gives up",
    stands: ["I9", "I14"],
    file: "lib/names/exchanges.ts",
    find: "    this.#context.setAlarm(\n      `request ${pending.idHex}`,\n",
    replace: "    if (pending.attempts >= requestAttemptsMax) return;\n" +
      "    this.#context.setAlarm(\n      `request ${pending.idHex}`,\n",
    catcher: { kind: "sim", scenario: "names", invariant: "I14", says: "nobody gives up" },
  },
  {
    name: "all that is known checked again for each item",
    stands: ["I15", "R26"],
    file: "lib/graph/intake.ts",
    find: "if (wire.verifyItem(item)) items.set(item.id, item);",
    replace:
      "if ([item, ...[...set.entries()].map((entry) => entry.item)].every((one) => wire.verifyItem(one))) " +
      "items.set(item.id, item);",
    catcher: { kind: "sim", scenario: "graph", invariant: "I15" },
  },
  {
    name: "a token given several times, lest it be lost",
    stands: ["I16"],
    file: "lib/names/responder.ts",
    find: 'this.#context.effect({ kind: "send", bytes: tokenPacket(packet.nonce, first), to: from });',
    replace: "for (let i = 0; i < 8; i++) {\n" +
      '        this.#context.effect({ kind: "send", bytes: tokenPacket(packet.nonce, first), to: from });\n      }',
    catcher: { kind: "sim", scenario: "names", invariant: "I16" },
  },
  {
    name: "a refused datagram that is remembered",
    stands: ["I17", "R14"],
    file: "lib/wire/cipher.ts",
    find: "if (plaintext !== null) this.#counter++;",
    replace: "this.#counter++;",
    catcher: {
      kind: "tests",
      files: ["tests/hostile/t06_desync_test.ts"],
      filter: "a cipher seals and opens",
    },
  },
  {
    name: "one writer over all starts",
    stands: ["I18"],
    file: "lib/graph/writer.ts",
    find: "this.#context = context;\n    this.#writer = context.random.bytes(8);",
    replace: "this.#context = context;\n    this.#writer = context.signer.publicKey.slice(0, 8);",
    catcher: { kind: "sim", scenario: "graph", invariant: "I18" },
  },
  {
    name: "a number used again after a lost answer",
    stands: ["I18", "R32"],
    file: "lib/graph/replica.ts",
    find: 'this.#writer.end(ticket, certain ? "failed" : "unknown");',
    replace: 'this.#writer.end(ticket, certain ? "failed" : "failed");',
    catcher: { kind: "sim", scenario: "graph", invariant: "I18" },
  },
  {
    name: "a fork that nobody reports",
    stands: ["I19"],
    file: "lib/graph/intake.ts",
    find: "else if (known !== item.id) this.#replica.outbox",
    replace: "else if (known > item.id) this.#replica.outbox",
    catcher: { kind: "tests", files: ["tests/hostile/t41_forks_test.ts"], filter: "which half of a fork" },
  },
  {
    name: "one more than the invitation says",
    stands: ["I20"],
    file: "lib/groups/authority.ts",
    find: "if (!joiners.has(joiner) && joiners.size >= invitation.body.joinersMax) return false;",
    replace: "if (!joiners.has(joiner) && joiners.size > invitation.body.joinersMax) return false;",
    catcher: { kind: "sim", scenario: "group", invariant: "I20" },
  },
  {
    name: "a removal without effect",
    stands: ["I21", "R25"],
    file: "lib/groups/authority.ts",
    find: "removal.subject === holder.lineage && outranks(removal.rank, rank)",
    replace: "removal.subject === holder.lineage && outranks(rank, removal.rank)",
    catcher: { kind: "sim", scenario: "group", invariant: "I21" },
  },
  {
    name: "a removal known and not enforced",
    stands: ["I21", "R28"],
    file: "lib/graph/conversations.ts",
    find:
      'if (neighbor.phase !== "open" || !isIn || !policy.mayConnect(neighbor.peer)) this.#judge(neighbor, now);',
    replace: 'if (neighbor.phase !== "open" || !isIn) this.#judge(neighbor, now);',
    catcher: {
      kind: "tests",
      files: ["tests/hostile/t62_open_sessions_test.ts"],
      filter: "a removal ends the open channels",
    },
  },
  {
    name: "sealed with nothing",
    stands: ["I22"],
    file: "lib/wire/cipher.ts",
    find: "    return this.#aead.seal(this.#key, counterNonce(this.#counter++), associated, plaintext);\n" +
      "  }\n\n" +
      "  /** Opens and counts on, or gives `null` and stays as it was. */\n" +
      "  open(associated: Uint8Array, ciphertext: Uint8Array): Uint8Array | null {\n" +
      "    const plaintext = this.#aead.open(this.#key, counterNonce(this.#counter), associated, ciphertext);\n",
    replace:
      "    const tag = this.#aead.seal(this.#key, counterNonce(this.#counter++), associated, plaintext).slice(-16);\n" +
      "    return new Uint8Array([...plaintext, ...tag]);\n" +
      "  }\n\n" +
      "  open(_associated: Uint8Array, ciphertext: Uint8Array): Uint8Array | null {\n" +
      "    const plaintext = ciphertext.length < 16 ? null : ciphertext.slice(0, -16);\n",
    catcher: { kind: "sim", scenario: "graph", invariant: "I22" },
  },
  {
    name: "a nonce that is not counted up",
    stands: ["I23"],
    file: "lib/wire/cipher.ts",
    find: "    return this.#aead.seal(this.#key, counterNonce(this.#counter++), associated, plaintext);\n" +
      "  }\n\n" +
      "  /** Opens and counts on, or gives `null` and stays as it was. */\n" +
      "  open(associated: Uint8Array, ciphertext: Uint8Array): Uint8Array | null {\n" +
      "    const plaintext = this.#aead.open(this.#key, counterNonce(this.#counter), associated, ciphertext);\n" +
      "    if (plaintext !== null) this.#counter++;\n" +
      "    return plaintext;\n",
    replace: "    return this.#aead.seal(this.#key, counterNonce(this.#counter), associated, plaintext);\n" +
      "  }\n\n" +
      "  open(associated: Uint8Array, ciphertext: Uint8Array): Uint8Array | null {\n" +
      "    return this.#aead.open(this.#key, counterNonce(this.#counter), associated, ciphertext);\n",
    catcher: { kind: "sim", scenario: "graph", invariant: "I23" },
  },
  {
    name: "one key for both directions",
    stands: ["I23"],
    file: "lib/names/datagram.ts",
    find:
      "sendKey: this.#derive(secret, this.#key, key),\n      receiveKey: this.#derive(secret, key, this.#key),",
    replace: "sendKey: this.#derive(secret, new Uint8Array(32), new Uint8Array(32)),\n" +
      "      receiveKey: this.#derive(secret, new Uint8Array(32), new Uint8Array(32)),",
    catcher: {
      kind: "tests",
      files: ["tests/unit/names/datagram_test.ts"],
      filter: "the keys of a pair differ by direction and cloud",
    },
  },
  {
    name: "a catch-up without a pause",
    stands: ["I25"],
    file: "lib/graph/catchups.ts",
    find: "const pause = jittered(this.#random, isEqual ? catchupPauseMs : divergedMs);",
    replace: "const pause = isEqual ? 500 : divergedMs;",
    catcher: { kind: "sim", scenario: "graph", invariant: "I25" },
  },
  {
    name: "a full disk asked again at once",
    stands: ["I25"],
    file: "lib/graph/replica.ts",
    find: 'this.deadlines.set("storeRetry", now.monoMs + jittered(this.#random, pause));',
    replace: 'this.deadlines.set("storeRetry", now.monoMs);',
    catcher: { kind: "sim", scenario: "group", invariant: "I25", says: "asks itself again and again" },
  },
  {
    name: "a bucket full of one network",
    stands: ["I27", "R20"],
    file: "lib/names/routing_table.ts",
    find: "if (group === null) return false;\n",
    replace: "if (group === null || bucket.length < bucketContactsMax) return false;\n",
    catcher: { kind: "sim", scenario: "names", invariant: "I27", says: "of one network in a bucket" },
  },
  {
    name: "a private address believed of a stranger",
    stands: ["I27"],
    file: "lib/names/contact.ts",
    find: "(learnedFrom !== null && width < hostFacts(learnedFrom.host).width)",
    replace: "(learnedFrom !== null && width < 0)",
    catcher: { kind: "sim", scenario: "names", invariant: "I27", says: "only global addresses" },
  },
  {
    name: "the real clock read in a driver",
    stands: ["I28"],
    file: "lib/peer/driver.ts",
    find: "const latestMs = this.#ports.clock.now().monoMs - storeWaitMsDefault;",
    replace: "const latestMs = Date.now() - storeWaitMsDefault;",
    catcher: { kind: "sim", scenario: "graph", invariant: "error", says: "Cannot use Date.now" },
  },
  {
    name: "a timer left after the close",
    stands: ["I29"],
    file: "lib/peer/cloud_driver.ts",
    find: "      this.#timer?.cancel();\n      this.#rebindTimer?.cancel();\n",
    replace: "      this.#rebindTimer?.cancel();\n",
    catcher: { kind: "sim", scenario: "names", invariant: "I29" },
  },
  {
    name: "the timer of a call left after the close",
    stands: ["I29"],
    file: "lib/peer/driver.ts",
    find: "    this.#timer?.cancel();\n    this.#patience?.cancel();\n",
    replace: "    this.#timer?.cancel();\n",
    catcher: { kind: "sim", scenario: "graph", invariant: "I29" },
  },
  {
    name: "the timer of a link left after its end",
    stands: ["I29"],
    file: "lib/peer/secure_link.ts",
    find: "    this.#timer?.cancel();\n    this.#timer = null;\n    this.#stream.close();\n",
    replace: "    this.#timer = null;\n    this.#stream.close();\n",
    catcher: { kind: "sim", scenario: "graph", invariant: "I29" },
  },
  {
    name: "the timer of a handshake left after its end",
    stands: ["I29"],
    file: "lib/peer/open_link.ts",
    find: "for (const timer of this.#timers) timer.cancel();",
    replace: "for (const timer of this.#timers.slice(1)) timer.cancel();",
    catcher: { kind: "sim", scenario: "graph", invariant: "I29" },
  },
  {
    name: "a datagram that nobody counted",
    stands: ["I30"],
    file: "transports/memory_datagrams.ts",
    find: "if (loss !== null) return this.#ledger.dropped(flight, loss);",
    replace: "if (loss !== null) return;",
    catcher: {
      kind: "tests",
      files: ["tests/unit/sim/network_property_test.ts"],
      filter: "every datagram is delivered, dropped for a reason, or under way (I30)",
    },
  },
  {
    name: "a length believed",
    stands: ["R6"],
    file: "lib/wire/frames.ts",
    find: "if (length < frameBytesMin || length > frameBytesMax) {",
    replace: "if (length < frameBytesMin) {",
    catcher: {
      kind: "tests",
      files: ["tests/fuzz/past_bugs_test.ts"],
      filter: "R6: a frame or handshake message",
    },
  },
  {
    name: "a message that grows without end",
    stands: ["R10", "R16"],
    file: "lib/wire/frames.ts",
    find: 'if (this.#piecesBytes + end - start > messageBytesMax) return "message_too_long";',
    replace: 'if (end - start > messageBytesMax) return "message_too_long";',
    catcher: {
      kind: "tests",
      files: ["tests/unit/wire/frames_test.ts"],
      filter: "push() refuses a message that grows beyond its bound",
    },
  },
  {
    name: "a token that brings a request each time",
    stands: ["R15"],
    file: "lib/names/exchanges.ts",
    find: "this.#sendRequest(pending, false);",
    replace: "this.#sendRequest(pending, true);",
    catcher: {
      kind: "tests",
      files: ["tests/unit/names/cloud_test.ts"],
      filter: "a peer that only gives tokens starts no loop",
    },
  },
  {
    name: "a clock that whoever dials us may set",
    stands: ["R22"],
    file: "lib/graph/peer_time.ts",
    find: "samples.length >= peerTimeSamplesMin && samples.some((sample) => sample.dialled);",
    replace: "samples.length >= peerTimeSamplesMin;",
    catcher: {
      kind: "tests",
      files: ["tests/unit/graph/peer_time_test.ts"],
      filter: "nor do any number that all dialled us",
    },
  },
  {
    name: "rights by what is dated back",
    stands: ["R24"],
    file: "lib/groups/authority.ts",
    find: "lists.every((stays) => stays.has(item.id));",
    replace: "(lists.every((stays) => stays.has(item.id)) ||\n" +
      "        standing.against.every((ending) => item.head.at < ending.item.head.at));",
    catcher: {
      kind: "tests",
      files: ["tests/hostile/t43_back_dated_rights_test.ts"],
      filter: "what a removed admin signs under its old credential is void",
    },
  },
  {
    name: "a key of small order taken",
    stands: ["R35"],
    file: "lib/wire/signature.ts",
    find: "for (const y of smallOrderY) if (hasY(bytes, offset, y)) return false;",
    replace: "for (const y of smallOrderY.slice(1)) if (hasY(bytes, offset, y)) return false;",
    catcher: {
      kind: "tests",
      files: ["tests/hostile/t61_hostile_keys_test.ts"],
      filter: "every key of small order or in a second encoding",
    },
  },
  {
    name: "a lost answer taken for a failure",
    stands: ["R32"],
    file: "lib/peer/store_queue.ts",
    find: "onUncertain(); // for good",
    replace: "if (repeats >= storeRepeatsMax) onUncertain(); // for good",
    catcher: {
      kind: "tests",
      files: ["tests/unit/peer/store_queue_test.ts"],
      filter: "a commit that took too long once stays uncertain",
    },
  },
  {
    name: "authors that leave something behind",
    stands: ["R2", "I14"],
    file: "lib/records/record_index.ts",
    find: "if (values?.size === 0) sets.delete(key);",
    replace: "if (values === undefined) sets.delete(key);",
    catcher: {
      kind: "tests",
      files: ["tests/hostile/t38_endless_ids_test.ts"],
      filter: "a thousand authors that come and go",
    },
  },
  {
    name: "a flipped bit on the disk believed",
    stands: ["R31", "I17"],
    file: "lib/graph/keeping.ts",
    find: "if (compareBytes(actual, digest) !== 0) return null;",
    replace: "if (actual.length !== digest.length) return null;",
    catcher: {
      kind: "tests",
      files: ["tests/unit/graph/keeping_test.ts"],
      filter: "an item with any bit changed",
    },
  },
  {
    name: "a cursor believed over a damaged disk",
    stands: ["I3", "R31"],
    file: "lib/graph/replica.ts",
    find: "const isWhole = damaged + restored.damaged.length === 0;",
    replace: "const isWhole = restored.damaged.length === 0;",
    catcher: {
      kind: "tests",
      files: ["tests/sim/regressions_test.ts"],
      filter: "who finds its disk damaged tells no neighbor",
    },
  },
  {
    name: "items in a chain whose signatures nobody checks",
    stands: ["I6", "R25"],
    file: "lib/groups/membership.ts",
    find: "if (!verifyItem(this.#crypto, this.#group, parsed.item)) return null;",
    replace: "if (parsed.item.bytes.length === 0) return null;",
    catcher: {
      kind: "tests",
      files: ["tests/unit/groups/membership_test.ts"],
      filter: "a joiner proves nothing without a whole chain",
    },
  },
  {
    name: "a registration refreshed at its very end",
    stands: ["I12"],
    file: "lib/names/publications.ts",
    find: "jittered(random, Math.min(leftMs, content.lifeMs) / 2, 0.1)",
    replace: "jittered(random, Math.min(leftMs, content.lifeMs), 0.1)",
    catcher: {
      kind: "tests",
      files: ["tests/sim/names_life_test.ts"],
      filter: "over three lives of its registrations",
    },
  },
  {
    name: "an answer taken from another contact",
    stands: ["I17"],
    file: "lib/names/exchanges.ts",
    find: "if (pending === undefined || !candidates.has(pending)) return",
    replace: "if (pending === undefined) return",
    catcher: {
      kind: "tests",
      files: ["tests/hostile/t28_guessed_answer_test.ts"],
      filter: "cannot answer for another",
    },
  },
  {
    name: "a commit that was given up made all the same",
    stands: ["I2", "R32"],
    file: "lib/storage/kv_store.ts",
    find: "if (job.givenUp || single.length === 0) return;",
    replace: "if (single.length === 0) return;",
    catcher: {
      kind: "tests",
      files: ["tests/unit/storage/kv_store_test.ts"],
      filter: "given up while its bodies went ahead",
    },
  },
];
