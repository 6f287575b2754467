/** Limits of links and channels. `docs/LIMITS.md` is generated from these comments. */

import { messageBytesMax } from "../wire/limits.ts";

/** Version of links: the first byte of each end, part of the handshake's prologue and of every hello. */
export const linkVersion: number = 1;

/** Bytes of one handshake message: the largest has an ML-KEM-768 ciphertext and a link proof, about 1,400. Longer ones end the handshake before anything is allocated. */
export const linkHandshakeBytesMax: number = 2_048;

/** How long an accepted stream may stay silent: protocol §2. */
export const firstByteMsMax: number = 5_000;

/** How long a handshake may take, the hello included: protocol §2. */
export const handshakeMsMax: number = 10_000;

/** How long an attempt to connect may take by default, handshake included. */
export const connectMsMax: number = 10_000;

/** After so long without hearing anything a ping goes out. */
export const pingAfterMs: number = 15_000;

/** After so long without hearing anything, three pings' worth, the link is dead. */
export const silenceMsMax: number = 45_000;

/** How long a begun frame may take to become whole: threat T12, one byte a second. */
export const frameMsMax: number = 30_000;

/** How long one write may wait for the other end to read; then the link is stalled and closed. */
export const writeMsMax: number = 45_000;

/** How long a link that is closed politely may take to say goodbye. */
export const goodbyeMsMax: number = 1_000;

/** Each key serves so long at most: protocol §2. */
export const rekeyAfterMs: number = 60 * 60 * 1_000;

/** Messages that wait on one link: threat T14. Above, sending is refused until the queue is drained. */
export const linkQueueCountMax: number = 1_024;

/** Bytes of messages that wait on one link: threat T14. */
export const linkQueueBytesMax: number = 1024 * 1024;

/** Bytes of messages taken from the queue for one write: a few frames, so that small ones share a frame and large queues do not double in memory. */
export const writeBatchBytesMax: number = 64 * 1024;

/** Bytes asked of a stream in one read: threat T13. Each link keeps such a buffer; a frame is as long. */
export const readBytesMax: number = 16 * 1024;

/** Endpoints in one hello; more are refused. */
export const helloEndpointsMax: number = 4;

/** Bytes of one endpoint's text: `tcp://[` 45 `]:65535` with room for longer schemes. */
export const endpointBytesMax: number = 80;

/** Bytes of the text that says what program a peer is. */
export const agentBytesMax: number = 64;

/** Largest number of a channel; the numbers of one link only rise. */
export const channelNumberMax: number = 2 ** 31 - 1;

/** Bytes of one frame of a graph: a message less the head of a data message. */
export const channelFrameBytesMax: number = messageBytesMax - 12;

/** How long the other end may take to answer what opens a channel: as long as a handshake. Who keeps silent must not hold a dial (T35). */
export const channelAnswerMsMax: number = 10_000;

/** Channels of one link: threat T38. Further ones are refused. */
export const channelsPerLinkMax: number = 64;

/** Answers other than `ok` that one link may collect before it is closed: nobody holds as many graphs that we do not know. */
export const channelRefusalsMax: number = 1_024;

/** Accepted streams whose handshake is not done: protocol §2. Above, the oldest gives way if it has had its time; else further ones are closed at once. */
export const pendingHandshakesMax: number = 64;

/** How long a handshake is left alone even when there is no room for others (T11): an honest one takes two round trips and some milliseconds of key agreement. */
export const pendingHandshakeMsMin: number = 2_000;

/** Of these from one address; from loopback {@linkcode pendingHandshakesMax}: protocol §2. */
export const pendingHandshakesPerAddressMax: number = 4;

/** Links of one peer. */
export const linksMax: number = 300;

/** Links that others dialled: half the slots stay free for those we choose (threat T16). */
export const inboundLinksMax: number = 150;

/** Two links dialled from both ends within this time were a simultaneous dial; later, the other end has lost the first. */
export const simultaneousDialMsMax: number = 10_000;

/** Messages about channels that wait behind a full queue; an end that opens and closes without reading is stalled. */
export const controlQueueCountMax: number = 256;

/** Events that wait for one reader; beyond, the reader is told to look again. */
export const eventsQueuedMax: number = 10_000;

/** Readers of one graph's events. Further ones are refused. */
export const subscribersMax: number = 1_024;

/** Groups and graphs that one store may hold. Further ones are refused. */
export const graphsMax: number = 1_024;

/** Identities in one store. Further ones are refused. */
export const identitiesMax: number = 256;

/** How long joining may take when the caller says nothing (design §1). */
export const joinMsDefault: number = 30_000;

/** How long connecting a graph to an endpoint may take when the caller says nothing. */
export const graphConnectMsDefault: number = 30_000;

/** First pause between two rounds of dialling an invitation's endpoints; doubled after each. */
export const joinRetryMsMin: number = 250;

/** Longest pause between two rounds of dialling an invitation's endpoints. */
export const joinRetryMsMax: number = 4_000;

/** How often a commit whose outcome is unknown is offered to the store again, before the caller hears of it. */
export const storeRepeatsMax: number = 3;

/** Pause before a commit whose outcome is unknown is offered again. */
export const storeRepeatPauseMs: number = 500;

/** How long a change may wait for the store when the caller says nothing: a commit and its repeat (X11). */
export const storeWaitMsDefault: number = 60_000;

/** An accepted link without a channel is left alone for so long, even when there is no room: it may be about to open one. */
export const idleLinkMsMin: number = 5_000;
