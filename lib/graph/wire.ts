/** How what a replica says becomes bytes, and back. The replica itself speaks in messages and items. */

import type { Crypto } from "../base/ports.ts";
import type { Item } from "../records/item.ts";
import { itemIdOf, type ParsedItem, parseItem, verifyItem } from "../records/item_codec.ts";
import { decodeMessage, encodeMessage, type GraphMessage } from "./messages.ts";

/**
 * What a replica sends and receives through. {@linkcode CodecWire} is the product's; a simulation may
 * carry messages by reference, as long as the replica cannot tell.
 */
export interface GraphWire {
  /** A message as bytes of their true number. */
  encode(message: GraphMessage): Uint8Array;
  /** The message in these bytes, or `null`. Never throws. */
  decode(bytes: Uint8Array): GraphMessage | null;
  /** The id that bytes would have as a signed item, if they are shaped like one; nothing else is judged. */
  itemIdOf(bytes: Uint8Array): string | null;
  /** Judges the bytes of an item by form. Never throws. */
  parseItem(bytes: Uint8Array): ParsedItem;
  /** Checks the signature of a parsed item. */
  verifyItem(item: Item): boolean;
}

/** Messages in CBOR, items as they are signed. */
export class CodecWire implements GraphWire {
  readonly #crypto: Crypto;
  readonly #graph: Uint8Array;

  constructor(crypto: Crypto, graph: Uint8Array) {
    this.#crypto = crypto;
    this.#graph = graph;
  }

  encode(message: GraphMessage): Uint8Array {
    return encodeMessage(message);
  }

  decode(bytes: Uint8Array): GraphMessage | null {
    return decodeMessage(bytes);
  }

  itemIdOf(bytes: Uint8Array): string | null {
    return itemIdOf(this.#crypto, bytes);
  }

  parseItem(bytes: Uint8Array): ParsedItem {
    return parseItem(this.#crypto, this.#graph, bytes);
  }

  verifyItem(item: Item): boolean {
    return verifyItem(this.#crypto, this.#graph, item);
  }
}
