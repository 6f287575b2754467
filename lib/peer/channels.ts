/**
 * Channels: the graphs that two peers share, side by side on one link.
 *
 * A graph is named by a tag that only its holders can make, and that differs on every link. The
 * dialler's channels have odd numbers and the other end's even ones; when both open the same graph at
 * once the dialler's stands. Numbers only rise, so what arrives late for a closed channel is told from
 * what is wrong.
 */

import type { Address, Crypto, TimerHandle, Timers } from "../base/ports.ts";
import { assert } from "../base/assert.ts";
import { hex } from "../base/bytes.ts";
import {
  channelAnswerMsMax,
  channelRefusalsMax,
  channelsPerLinkMax,
  controlQueueCountMax,
} from "./limits.ts";
import { channelTag, type LinkMessage } from "./link_messages.ts";
import type { LinkHandle } from "./live_link.ts";
import type { CloseReason, SecureLink } from "./secure_link.ts";

/** One graph on one link. */
export interface Channel {
  /** Of this channel alone, among all of one {@linkcode Links}. */
  readonly id: number;
  /** The identity at the other end. */
  readonly peer: Uint8Array;
  /** Whether this end dialled the link. */
  readonly dialled: boolean;
  /** Where the other end is. */
  readonly remote: Address;
  /** The link that carries it. */
  readonly link: LinkHandle;
  /** Queues a frame of at most `channelFrameBytesMax`; `false` if there is no room now or the channel has ended. */
  send(bytes: Uint8Array): boolean;
  /** Ends the channel; its `down` is called before this returns. */
  close(reason?: string): void;
}

/** What a graph does about its channels. `down` comes exactly once after each `up`, whoever ended it. */
export interface ChannelHandlers {
  /** A channel stands. */
  up(channel: Channel): void;
  /** A frame came. */
  frame(channel: Channel, bytes: Uint8Array): void;
  /** A frame was refused for lack of room and there is room again. */
  writable(channel: Channel): void;
  /** Everything that waited on the channel's link has been handed over: the moment to send more of something long. */
  drained?(channel: Channel): void;
  /** A channel has ended: `closed`, `closed_by_peer`, the link's close reason, or what {@linkcode Channel.close} was given. */
  down(channel: Channel, reason: string): void;
  /** No channel comes of what this end asked for. After each ask comes this or `up`, once, unless the graph is let go. */
  refused?(link: LinkHandle, reason: AskEnd): void;
}

/** Why no channel came of an ask: the other end's answer, none within `channelAnswerMsMax`, or the link ended before. */
export type AskEnd = "unknown" | "refused" | "no_answer" | "link_lost";

/** A graph that this peer holds. */
export interface RegisteredGraph {
  readonly graphId: Uint8Array;
  readonly graphIdHex: string;
  readonly handlers: ChannelHandlers;
}

/** What the channels of all links share. */
export interface ChannelRegistry {
  /** Graphs by id in hexadecimal text. */
  readonly graphs: ReadonlyMap<string, RegisteredGraph>;
  readonly crypto: Crypto;
  readonly timers: Timers;
  /** Draws the id of the next channel. */
  nextChannelId(): number;
}

/** What this end opened and the other has not answered. */
interface Ask {
  readonly graph: RegisteredGraph;
  readonly number: number;
  readonly timer: TimerHandle;
}

/** The channels of one link. */
export class LinkChannels {
  readonly #link: SecureLink;
  readonly #handle: LinkHandle;
  readonly #registry: ChannelRegistry;
  readonly #byNumber = new Map<number, OpenChannel>();
  readonly #byGraph = new Map<string, OpenChannel>();
  readonly #asked = new Map<string, Ask>();
  readonly #graphsByTag = new Map<string, string>();
  readonly #tagged = new Set<string>();
  /** Messages about channels that found no room; frames wait behind them. */
  #control: LinkMessage[] = [];
  #nextNumber: number;
  #lastRemoteNumber = 0;
  #refusals = 0;
  #hasEnded = false;

  constructor(link: SecureLink, handle: LinkHandle, registry: ChannelRegistry) {
    this.#link = link;
    this.#handle = handle;
    this.#registry = registry;
    this.#nextNumber = link.dialled ? 1 : 2;
  }

  /** Asks the other end for a channel, unless there is one or it has been asked; `false` if the link has ended. */
  open(graph: RegisteredGraph): boolean {
    const { graphId, graphIdHex, handlers } = graph;
    if (this.#hasEnded) return false;
    if (this.#byGraph.has(graphIdHex) || this.#asked.has(graphIdHex)) return true;
    if (!this.#hasRoom()) {
      handlers.refused?.(this.#handle, "refused");
      return true;
    }
    const number = this.#nextNumber;
    this.#nextNumber += 2;
    const timer = this.#registry.timers.set(channelAnswerMsMax, () => this.#onUnanswered(graphIdHex));
    this.#asked.set(graphIdHex, { graph, number, timer });
    const tag = channelTag(this.#registry.crypto, graphId, this.#link.handshakeHash);
    this.#tell({ kind: "open", channel: number, tag });
    return true;
  }

  /** Takes a message about channels; `false` if the other end broke the rules. */
  handle(message: LinkMessage): boolean {
    if (this.#hasEnded) return true;
    switch (message.kind) {
      case "open":
        return this.#onOpen(message.channel, message.tag);
      case "answer":
        return this.#onAnswer(message.channel, message.answer);
      case "close":
        this.#byNumber.get(message.channel)?.end("closed_by_peer");
        return this.#isKnown(message.channel);
      case "data": {
        const channel = this.#byNumber.get(message.channel);
        channel?.graph.handlers.frame(channel, message.bytes);
        return channel !== undefined || this.#isKnown(message.channel);
      }
      default:
        return false;
    }
  }

  /** Sends what found no room, then tells those who wait. */
  onWritable(): void {
    const waiting = this.#control;
    this.#control = [];
    for (const message of waiting) this.#tell(message);
    for (const channel of [...this.#byNumber.values()]) channel.onWritable();
  }

  /** How many channels stand. */
  get count(): number {
    return this.#byNumber.size;
  }

  /** Tells every graph that nothing of it waits on this link any more. */
  onDrained(): void {
    for (const channel of [...this.#byNumber.values()]) channel.graph.handlers.drained?.(channel);
  }

  /** Ends whatever this link has of a graph that is no longer held here. */
  drop(graphIdHex: string): void {
    this.#takeBack(graphIdHex);
    this.#byGraph.get(graphIdHex)?.close();
  }

  /** The link has ended, and all channels with it; what was asked on it leads to none. */
  end(reason: CloseReason): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const asked = [...this.#asked.keys()].map((graphIdHex) => this.#takeAsked(graphIdHex)!);
    for (const channel of [...this.#byNumber.values()]) channel.end(reason);
    for (const { graph } of asked) graph.handlers.refused?.(this.#handle, "link_lost");
  }

  /** Another link stands for this one: ends the channels. Gives the graphs that had one or had asked, to be asked there. */
  replace(): readonly string[] {
    const wanted = [...this.#byGraph.keys(), ...this.#asked.keys()];
    for (const graphIdHex of wanted) this.#takeAsked(graphIdHex);
    this.end("duplicate");
    return wanted;
  }

  /** Queues a frame; part of a channel. */
  sendFrame(number: number, bytes: Uint8Array): boolean {
    return this.#control.length === 0 && this.#link.send({ kind: "data", channel: number, bytes });
  }

  /** Forgets a channel and, if this end closed it, tells the other; part of a channel. */
  forget(channel: OpenChannel, tellPeer: boolean): void {
    this.#byNumber.delete(channel.number);
    this.#byGraph.delete(channel.graph.graphIdHex);
    if (tellPeer) this.#tell({ kind: "close", channel: channel.number });
  }

  #onOpen(number: number, tag: Uint8Array): boolean {
    if (!this.#isRemoteNumber(number) || number <= this.#lastRemoteNumber) return false;
    this.#lastRemoteNumber = number;
    const graph = this.#graphOf(tag);
    if (graph === undefined) return this.#refuse(number, "unknown");
    if (this.#asked.has(graph.graphIdHex)) {
      // Both ends asked at once. The dialler's number stands: it waits for its answer, the other gives way.
      if (this.#link.dialled) return true;
      this.#takeAsked(graph.graphIdHex);
    }
    if (this.#byGraph.has(graph.graphIdHex) || !this.#hasRoom()) return this.#refuse(number, "refused");
    this.#tell({ kind: "answer", channel: number, answer: "ok" });
    this.#bringUp(graph, number);
    return true;
  }

  #refuse(number: number, answer: "unknown" | "refused"): boolean {
    this.#refusals++;
    this.#tell({ kind: "answer", channel: number, answer });
    return this.#refusals <= channelRefusalsMax;
  }

  #onAnswer(number: number, answer: "ok" | "unknown" | "refused"): boolean {
    if (this.#isRemoteNumber(number) || number >= this.#nextNumber) return false;
    const asked = [...this.#asked.values()].find((asked) => asked.number === number);
    if (asked === undefined) return true; // given up meanwhile
    const { graph } = asked;
    this.#takeAsked(graph.graphIdHex);
    assert(this.#registry.graphs.has(graph.graphIdHex), "a graph that is let go takes back what it asked");
    if (answer === "ok") this.#bringUp(graph, number);
    else graph.handlers.refused?.(this.#handle, answer);
    return true;
  }

  /** Whoever keeps silent must not be waited for: the graph has others to ask. */
  #onUnanswered(graphIdHex: string): void {
    this.#takeBack(graphIdHex)?.graph.handlers.refused?.(this.#handle, "no_answer");
  }

  /** Gives up what was asked, if it was, and tells the other end. */
  #takeBack(graphIdHex: string): Ask | undefined {
    const asked = this.#takeAsked(graphIdHex);
    if (asked !== undefined) this.#tell({ kind: "close", channel: asked.number });
    return asked;
  }

  #takeAsked(graphIdHex: string): Ask | undefined {
    const asked = this.#asked.get(graphIdHex);
    asked?.timer.cancel();
    this.#asked.delete(graphIdHex);
    return asked;
  }

  #bringUp(graph: RegisteredGraph, number: number): void {
    const channel = new OpenChannel(this, this.#handle, graph, number, this.#registry.nextChannelId());
    this.#byNumber.set(number, channel);
    this.#byGraph.set(graph.graphIdHex, channel);
    graph.handlers.up(channel);
  }

  #graphOf(tag: Uint8Array): RegisteredGraph | undefined {
    const { graphs, crypto } = this.#registry;
    for (const { graphId, graphIdHex } of graphs.values()) {
      if (this.#tagged.has(graphIdHex)) continue;
      this.#tagged.add(graphIdHex);
      this.#graphsByTag.set(hex(channelTag(crypto, graphId, this.#link.handshakeHash)), graphIdHex);
    }
    const graphIdHex = this.#graphsByTag.get(hex(tag));
    return graphIdHex === undefined ? undefined : graphs.get(graphIdHex);
  }

  #tell(message: LinkMessage): void {
    if (this.#control.length === 0 && this.#link.send(message)) return;
    if (!this.#link.isOpen) return;
    this.#control.push(message);
    if (this.#control.length > controlQueueCountMax) this.#link.abort("stalled");
  }

  #hasRoom(): boolean {
    return this.#byNumber.size + this.#asked.size < channelsPerLinkMax;
  }

  #isRemoteNumber(number: number): boolean {
    return number > 0 && (number % 2 === 1) !== this.#link.dialled;
  }

  /** Whether a channel with this number was ever asked for. */
  #isKnown(number: number): boolean {
    return this.#isRemoteNumber(number)
      ? number <= this.#lastRemoteNumber
      : number > 0 && number < this.#nextNumber;
  }
}

/** A channel that stands. */
class OpenChannel implements Channel {
  readonly id: number;
  readonly link: LinkHandle;
  readonly graph: RegisteredGraph;
  readonly number: number;
  readonly #channels: LinkChannels;
  #wasFull = false;
  #hasEnded = false;

  constructor(
    channels: LinkChannels,
    link: LinkHandle,
    graph: RegisteredGraph,
    number: number,
    id: number,
  ) {
    this.#channels = channels;
    this.link = link;
    this.graph = graph;
    this.number = number;
    this.id = id;
  }

  get peer(): Uint8Array {
    return this.link.peer;
  }

  get dialled(): boolean {
    return this.link.dialled;
  }

  get remote(): Address {
    return this.link.remote;
  }

  send(bytes: Uint8Array): boolean {
    if (this.#hasEnded) return false;
    const fits = this.#channels.sendFrame(this.number, bytes);
    if (!fits) this.#wasFull = true;
    return fits;
  }

  close(reason = "closed"): void {
    this.#finish(reason, true);
  }

  /** The other end or the link ended it. */
  end(reason: string): void {
    this.#finish(reason, false);
  }

  onWritable(): void {
    if (!this.#wasFull || this.#hasEnded) return;
    this.#wasFull = false;
    this.graph.handlers.writable(this);
  }

  #finish(reason: string, tellPeer: boolean): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#channels.forget(this, tellPeer);
    this.graph.handlers.down(this, reason);
  }
}
