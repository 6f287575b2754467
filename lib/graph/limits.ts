/** Limits of a graph's conversations. `docs/LIMITS.md` is generated from these comments. */

/** Neighbors that a node looks for by itself: design §5, 5 near and 3 random; fewer peers than that make a full mesh. */
export const neighborsIdeal: number = 8;

/** Of these, neighbors that this node dialled itself: the 3 random ones of design §5. Whoever dials us in numbers must not be all that we hear (T22). */
export const neighborsDialledMin: number = 3;

/** A neighbor that has not caught up with us within this time does not count as one of these: it may be mute (T35). */
export const settlingMsMax: number = 30_000;

/** Neighbors that a node keeps: a full mesh to 32 (design §5). More are refused. */
export const neighborsMax: number = 32;

/** Neighbors that have not shown yet why they may take part; the one that has been there longest gives way. */
export const strangersMax: number = 64;

/** Peers of the graph remembered with their endpoints: HyParView's passive view (design §5). The oldest that is known by hearsay alone gives way. */
export const contactsMax: number = 48;

/** Endpoints of one peer that are remembered and dialled: a bound on dial floods (T18). */
export const contactEndpointsMax: number = 4;

/** First pause before a contact is dialled again; doubled after each failure. */
export const dialBackoffMsMin: number = 500;

/** Longest pause before a contact is dialled again. */
export const dialBackoffMsMax: number = 60_000;

/** Dial attempts under way at once in one graph. */
export const dialsMax: number = 4;

/** How long a dial may be under way before it counts as failed, whatever the driver says of it: four endpoints and the channel's answer take 50 s at most. */
export const dialMsMax: number = 60_000;

/** A neighbor must have shown what lets it connect within this time. */
export const greetingMsMax: number = 30_000;

/** Bytes sent on one link before it must report that they left: a fair share of the link's own queue (T14). */
export const sendWindowBytes: number = 262_144;

/** Bytes that wait for a link's window. What is beyond is dropped and made good by the next catch-up. */
export const sendQueueBytesMax: number = 1_048_576;

/** Bytes of one message on a channel: the longest message of a link less the channel's own head. */
export const graphMessageBytesMax: number = 65_472;

/** Bytes of items in one message: three quarters of the longest message, so that one more item fits. */
export const itemsMessageBytes: number = 49_152;

/** Elements in one page of a list: 16 bytes each. */
export const elementsPageMax: number = 2_048;

/** Pages of a list that are sent before the first is answered: 8,192 elements in each round trip. */
export const pagesAheadMax: number = 4;

/** Answers of one catch-up that wait for a link: four pages, what was asked of four, and the answers to the other end's four, with some room. A neighbor that goes on asking misbehaves. */
export const answersWaitingMax: number = 16;

/** Rounds of one catch-up of one set: arrival cursor, then twice the list. What still differs waits for the next. */
export const catchupRoundsMax: number = 3;

/** Pause between two catch-ups with a live neighbor: finds what a full queue dropped. */
export const catchupPauseMs: number = 60_000;

/** Pause before the next catch-up with a neighbor whose set still differs; doubled while catch-ups bring nothing. */
export const divergedPauseMs: number = 5_000;

/** Bad items, or messages that are none, that a neighbor may send before its channel is closed (T32). */
export const badItemsMax: number = 20;

/** Messages with void authority items that one lineage may bring at once: each costs a look at all authority, and who is honest sends few, until it hears what made them void. */
export const straysMax: number = 64;

/** How many of these it may bring a minute for good. */
export const straysPerMinute: number = 60;

/** How long a neighbor whose channel was closed for misbehaving is turned away when it comes back (T32). */
export const misbehavedMsMax: number = 60_000;

/** Neighbors that are remembered as having misbehaved. The least recent gives way and may come back. */
export const misbehavedPeersMax: number = 1_024;

/** Copies of both sets that one neighbor is served at once; who has had more waits for its next catch-up (T47). A newcomer needs one. */
export const servedCopiesMax: number = 2;

/** Bytes of answers a minute that one neighbor is served for good, beyond those copies: 8 MiB (T47). */
export const servedBytesPerMinute: number = 8_388_608;

/** Lineages whose served bytes are remembered over their links. The least recent gives way and begins anew. */
export const servedPeersMax: number = 1_024;

/** Entries that one commit of others' items writes, and keys that it deletes. */
export const commitEntriesMax: number = 200;

/** Bytes of others' items that one commit writes: a third of what the store takes at once, so that own writes come between. */
export const commitBytesMax: number = 262_144;

/** Own items that wait for the store. A further write is refused. */
export const writesPendingMax: number = 10_000;

/** Pause before items that the store refused are offered to it again; doubled after each failure. */
export const storeRetryMsMin: number = 500;

/** Longest pause before items that the store refused are offered again. */
export const storeRetryMsMax: number = 30_000;

/** Peer time differs from the wall clock by at most this; beyond, the clock counts as wrong (protocol §4). */
export const peerTimeOffsetMsMax: number = 600_000;

/** Neighbors whose clocks count before peer time follows them (protocol §4). */
export const peerTimeSamplesMin: number = 3;

/** Peer time moves at most once in this time, to what the neighbors' clocks say by then: a move costs a look at all that is held (T36). */
export const peerTimeMoveMsMin: number = 10_000;

/** How often a replica looks at the time even if nothing is due: finds clocks that were moved. */
export const tickMs: number = 15_000;

/** Peer time that falls behind by more than this was wrong before: what was swept by it is looked at again. */
export const clockSetBackMs: number = 60_000;

/** Items that one greeting or refusal carries: two chains of 24 links and the lists of what stays. */
export const proofItemsMax: number = 256;

/** Bytes of the items of one greeting or refusal: a message less what else it says. What is beyond is left out. */
export const proofMessageBytes: number = 60_000;

/** Items that one neighbor shows in all before it may take part: each costs a signature check. More is misbehaviour. */
export const strangerItemsMax: number = 512;

/** Bytes of these items: four messages full, lists of what stays included. */
export const strangerBytesMax: number = 262_144;

/** Greetings that one neighbor may send before it may take part: each may cost a pass over the graph's authority. More are bad messages. */
export const strangerGreetingsMax: number = 8;

/** Steps of joining that one neighbor may send on one link: two are needed, and each may cost a chain of items. More are bad messages. */
export const knocksPerLinkMax: number = 8;

/** Messages about contacts that one neighbor is heard with in a minute: each may be passed on to all others and kept. What is beyond is not read. */
export const contactMessagesPerMinuteMax: number = 120;

/** Dials of one graph in a minute: what others say of peers must not make us a flood (T18). */
export const dialsPerMinuteMax: number = 60;

/** Neighbors whose arrivals are remembered by a cursor. The least recently used gives way and is listed anew. */
export const cursorsMax: number = 1_024;

/** Lineages about whose end one neighbor was told in one conversation. */
export const toldMax: number = 1_024;

/** Own versions that are remembered as having lost to one written beside them, so that it is told once. */
export const conflictsToldMax: number = 4_096;

/** Recent items whose sequence numbers are compared to find forks. The oldest gives way. */
export const numbersMax: number = 65_536;
