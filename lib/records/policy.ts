/** What a graph asks about items: who may write, and what stands. Groups and applications supply it. */

import { hex } from "../base/bytes.ts";
import {
  type AuthorityItem,
  type DataItem,
  type GraphProperties,
  isAuthority,
  type Item,
  ItemKind,
  type ListItem,
} from "./item.ts";
import { recordLifeMsDefault, recordSpanMsMaxDefault } from "./limits.ts";

/**
 * What an item is to the set, by itself and by the items it names:
 * `in` it, `void` (known and without effect), `wait` (it names something that is not here), or
 * `reject` (no peer of this graph ever takes it).
 */
export type Judgement = "in" | "void" | "wait" | "reject";

/** Whose data must be judged again. */
export interface Rejudged {
  /** Credentials under which items stand differently, by hash in hex. */
  readonly keepers: ReadonlySet<string>;
  /** Lineages, in hex, whose standing changed: records that they created may be shown differently. */
  readonly lineages: ReadonlySet<string>;
}

/** Judges items. Its answers depend on items alone: never on time, order or who asks. */
export interface RecordPolicy {
  /** The graph's immutable properties; `null` until the founding item is here. */
  readonly properties: GraphProperties | null;
  /** Takes authority items and list parts; returns what is judged differently now. */
  learn(items: readonly (AuthorityItem | ListItem)[]): Rejudged;
  /** Forgets items that stand outside the set; nothing in the set depends on them. */
  forget(ids: readonly string[]): void;
  /** Judges an authority item or a list part that was learnt. */
  judgeAuthority(item: AuthorityItem | ListItem): Judgement;
  /** Judges a data item. */
  judge(item: DataItem): Judgement;
  /** The rank of the credential a data item is made under; the smaller text is the higher rank. */
  rank(item: DataItem): string;
  /** Whether the author may do to the record what the item says. Judged in the state only. */
  mayWrite(item: DataItem): boolean;
}

/** The policy of a plain graph: a record belongs to its creator. */
export class CreatorPolicy implements RecordPolicy {
  readonly properties: GraphProperties;

  constructor(properties: GraphProperties = plainGraphProperties) {
    this.properties = properties;
  }

  learn(_items: readonly (AuthorityItem | ListItem)[]): Rejudged {
    return { keepers: new Set(), lineages: new Set() };
  }

  forget(_ids: readonly string[]): void {}

  judgeAuthority(_item: AuthorityItem | ListItem): Judgement {
    return "reject";
  }

  judge(item: DataItem): Judgement {
    return item.head.credential === null && isWithinSpan(item, this.properties) ? "in" : "reject";
  }

  rank(_item: DataItem): string {
    return "";
  }

  mayWrite(item: DataItem): boolean {
    return hex(item.head.author) === hex(item.body.creator);
  }
}

/** Properties of a plain graph: the defaults. */
export const plainGraphProperties: GraphProperties = {
  recordSpanMsMax: recordSpanMsMaxDefault,
  recordLifeMs: recordLifeMsDefault,
  depthMax: 1,
};

/** Whether a record's whole span is one that the graph allows. */
export function isWithinSpan(item: DataItem, properties: GraphProperties): boolean {
  return item.body.until - item.body.created <= properties.recordSpanMsMax;
}

/** Under which key the set keeps one newest item of a record: the credential, or the author where there is none. */
export function keeperOf(item: DataItem): string {
  return hex(item.head.credential ?? item.head.author);
}

/** Whether an item belongs to the authority set: authority items and the lists they name. */
export function isOfAuthority(item: Item): item is AuthorityItem | ListItem {
  return isAuthority(item) || item.body.kind === ItemKind.list;
}
