/**
 * What the Windows Peer-to-Peer Infrastructure could do, and what its users missed, as rows that a
 * test can prove. `docs/PARITY.md` is generated from them and from the names of the tests.
 */

/** One row. */
export interface ParityRow {
  /** As tests name it in brackets. */
  readonly id: string;
  /** `kept`: the ancestor had it. `mended`: its users missed it. */
  readonly origin: "kept" | "mended";
  /** What a test shows. */
  readonly claim: string;
  /** Why there is no such thing here, if there is none on purpose. */
  readonly absent?: string;
}

/** Rows of one area. */
export interface ParityArea {
  readonly title: string;
  readonly rows: readonly ParityRow[];
}

type Tuple = readonly [id: string, claim: string, absent?: string];

/** From which number on the rows of an area mend what users missed. */
const firstMended: Readonly<Record<string, number>> = { N: 45, G: 31, R: 23, I: 11, S: 31, X: 10 };

/** All rows, area by area. */
export const parityAreas: readonly ParityArea[] = [
  area("Names", [
    ["N01", "An unsecured name `0.classifier` is read; without its classifier it is refused"],
    ["N02", "A public key and a classifier always give the same secured name, another key never does"],
    ["N03", "A secured name may go without a classifier, an unsecured one may not"],
    ["N04", "149 code points of classifier are taken, 150 are not; case and all of Unicode are kept"],
    ["N05", "A name derived for another classifier keeps its authority"],
    ["N06", "A name becomes a host name and comes back, in any script; a bad host name has its own error"],
    ["N07", "A name is published in one cloud, in all clouds, or in all clouds of the local links"],
    ["N08", "Up to 10 addresses are given by hand or found by the peer; 11 are refused"],
    ["N09", "Addresses found by the peer follow a change without another call"],
    ["N10", "A comment of 39 characters comes back with a resolve; a longer one is refused"],
    ["N11", "A payload of 4,096 bytes comes back as bytes or text; 4,097 are refused"],
    ["N12", "A payload that was altered on its way is refused by who resolves"],
    ["N13", "A payload is kept by its publisher alone; no other peer stores it"],
    ["N14", "Addresses, comment and payload can be changed, the cloud cannot"],
    ["N15", "A name taken back stops resolving within a stated time"],
    ["N16", "The name of a publisher that was killed stops resolving within a stated time"],
    ["N17", "Two publishers of one unsecured name are both found, up to the number asked for"],
    ["N18", "One identity on two machines publishes one secured name twice, and both are found"],
    ["N19", "Nobody but the holder of the key can publish a secured name"],
    ["N20", "The holder certifies another key to publish, for the classifiers it names and no more"],
    ["N21", "The same name is not published twice by one peer in one cloud"],
    ["N22", "A resolve waits 30 s by default, or as long as the caller says"],
    ["N23", "A resolve hands over each endpoint as it is found, says when it is done, and can be cancelled"],
    ["N24", "All clouds are asked at once, and the resolve ends when enough was found"],
    ["N25", "Each criterion (elsewhere, another process, anywhere; nearest or any) gives the right set"],
    ["N26", "The nearest endpoint is the one nearest to the hint"],
    ["N27", "Nobody published it, nobody to ask, and out of time are three different failures"],
    ["N28", "Clouds are listed with name, scope, id, state and flags, and by scope"],
    ["N29", "A cloud that comes, changes or goes is an event"],
    ["N30", "Every state of a cloud is reached and shown; without network one may register but not resolve"],
    ["N31", "A peer that only resolves never publishes nor answers, and says so when asked to register"],
    ["N32", "A cloud that is switched off has its own error"],
    ["N33", "Nothing is sent before the first register or resolve"],
    [
      "N34",
      "Contacts are sought among known ones, on the link, then at configured addresses; each way suffices",
    ],
    [
      "N35",
      "Seeking on the link can be switched off; addresses to start from are configurable, and may be none",
    ],
    ["N36", "A lookup ends within a bound of hops and gets past contacts that are dead"],
    ["N37", "If the best match does not verify, the next one is taken"],
    ["N38", "A contact is believed only after it has answered"],
    ["N39", "Every peer comes to know the contacts nearest to itself after many have joined"],
    ["N40", "A routing table that has lost contacts fills its gaps again"],
    ["N41", "A cloud that split heals, and the estimate of its size is right within a factor"],
    [
      "N42",
      "Over 99.9 % of resolves succeed among 2,000 steady peers, over 98.5 % where 20 % are silently gone",
    ],
    [
      "N43",
      "Clouds, figures, registrations, the path of a lookup and the state of a contact can be looked at",
    ],
    ["N44", "A changed address is published again"],
    ["N45", "A name resolves in the process that registered it, where the caller asks for that"],
    ["N46", "IPv4 alone, IPv6 alone, both, and behind NAT with the help of peers: no vendor's server"],
    ["N47", "Any peer serves to start from; what happens without any is documented"],
    ["N48", "The cryptography is of today, and its name travels along so that it can be replaced"],
    ["N49", "Junk, replays and reflection gain nothing: who asks proves its address first"],
    ["N50", "Many names of one peer cost less than so many single ones, or their number is limited"],
  ]),
  area("Private key spaces", [
    ["D01", "An application opens a key space of its own, with its own start addresses and rules"],
    ["D02", "A key with up to 4 KiB of data is registered, changed and taken back"],
    ["D03", "Exact, nearest and range searches give one or several results"],
    ["D04", "A search goes step by step and reports its path"],
    ["D05", "Open, with signed keys, for members alone, for members and encrypted"],
    ["D06", "A key that follows from an identity cannot be forged"],
    ["D07", "Its states and its neighbors' coming and going are events"],
  ]),
  area("Graphs", [
    ["G01", "A graph is created once; the same id again is refused"],
    ["G02", "Opening a graph tells whether its data is here or has to be fetched"],
    ["G03", "An event that happens right after the start is not lost for who listens"],
    ["G04", "A peer listens on a chosen scope and port; port 0 chooses one that can be read"],
    ["G05", "A node does not answer for a graph whose data it does not have yet"],
    ["G06", "Several graphs share one port"],
    ["G07", "A connection to an address with an expected peer id fails if another peer answers"],
    ["G08", "A failed connection says whether it was refused, broken or not authenticated"],
    ["G09", "A full node refuses with referrals, and the caller gets in elsewhere"],
    ["G10", "A second connection to the same peer, and one to oneself, are refused"],
    ["G11", "Listening, connected and synchronized can be read at any time"],
    ["G12", "Settable properties spread with an event, the others cannot be changed"],
    ["G13", "The number of neighbors settles where it should, and stays within its bounds"],
    ["G14", "The least useful neighbor is the one that goes"],
    ["G15", "Who leaves tells its neighbors, and its presence is gone at once"],
    ["G16", "A dead neighbor is found out, and its presence ends with its lifetime"],
    ["G17", "Presence of all, of none, or of about N nodes; a node may insist on its own"],
    ["G18", "Nodes are listed, one's own too, or those of one peer; without presence that is an error"],
    ["G19", "Attributes of a node are set, seen elsewhere and cleared"],
    ["G20", "One peer with two nodes is seen as two nodes"],
    ["G21", "Connections are listed by their kind"],
    ["G22", "A direct connection opens only with the other's consent; both get an event"],
    ["G23", "Typed data goes over neighbors and direct connections, and is filtered by who receives it"],
    ["G24", "A graph that was cut in two is one again after repair, with equal records"],
    ["G25", "A graph that only outside help can heal says so"],
    ["G26", "Peers with wrong clocks agree on a time within a bound; far outliers do not count"],
    ["G27", "Peer time is converted to wall time and back"],
    ["G28", "A changed address of a node is seen by the others"],
    ["G29", "An application judges connections and records by its own policy"],
    ["G30", "A graph's data is deleted only while the graph is closed"],
    ["G31", "Connecting ends by itself after a time, and can be cancelled"],
    ["G32", "It works where only some pairs can connect, through the others"],
    ["G33", "A policy may read the records without locking up"],
    ["G34", "Messages to one, some or all members"],
  ]),
  area("Records", [
    ["R01", "A new record needs a type and an expiry ahead; the rest is set for it"],
    ["R02", "A record reaches all nodes, and each sees one event for it"],
    ["R03", "An update counts the version up, keeps the creator and does not shorten the life"],
    ["R04", "A delete stands against a peer that comes late with an old copy"],
    ["R05", "A record dropped here alone comes back at the next exchange, unless it is refused"],
    ["R06", "Records are got one by one, by type, by creator or both; a listing does not change underway"],
    [
      "R07",
      "Searches know and, or, six comparisons, three types, wildcards, escapes and the record's own fields",
    ],
    ["R08", "Names and types of attributes are checked; a name may be given several times"],
    ["R09", "A record over its size is refused here and by every receiver"],
    ["R10", "A record that ran out is gone everywhere, with an event"],
    ["R11", "Expiry can be held back while off line"],
    ["R12", "A record can be kept alive while its publisher is there, and no longer"],
    ["R13", "Each way to reconcile ends in equal sets; between near-equal sets only differences travel"],
    ["R14", "Chosen types are exchanged first, and their completion is an event"],
    ["R15", "One rule for conflicts, the same on all nodes, in any order of arrival"],
    ["R16", "A record's id is bound to its creator; a forged one is refused"],
    ["R17", "An item that lacks another waits for it, within a bound"],
    ["R18", "Items that come before those they name break nothing"],
    ["R19", "Records outlive a restart; presence does not"],
    ["R20", "A graph's records are exported and imported, for the same graph alone"],
    ["R21", "Reserved types are refused"],
    ["R22", "Changes are watched by type"],
    ["R23", "Of two writers at once neither is lost in silence"],
    ["R24", "Queries are typed and say all that the old ones could"],
    ["R25", "Large content by reference or in parts"],
    ["R26", "A crash while writing damages nothing"],
    ["R27", "Tombstones and expired records take bounded room"],
  ]),
  area("Identities", [
    ["I01", "An identity is made with a new or given key and a name within its limits"],
    ["I02", "Several identities in one store are listed; the first is made when needed"],
    ["I03", "The display name changes, the peer name does not"],
    ["I04", "An identity that still has groups is not deleted"],
    ["I05", "A public description can be passed on, and altered text is refused"],
    ["I06", "Export and import by passphrase; wrong, altered and already there are three errors"],
    ["I07", "An exported identity holds no memberships"],
    ["I08", "The groups of an identity are listed"],
    ["I09", "An application signs and verifies with an identity without reading its key"],
    ["I10", "A self-signed certificate that others can check"],
    ["I11", "One damaged identity does not stop the others; a backup can be read back"],
    ["I12", "Keys are sealed at rest, of a kind of today, and can be replaced"],
  ]),
  area("Groups", [
    ["S01", "Creating a group makes its key, its founding item and the creator's membership"],
    ["S02", "Fixed properties stay, the others are set by who may, and spread"],
    ["S03", "An invitation is a text, and shows what it is for before one joins"],
    [
      "S04",
      "An invitation for another, altered, too late, too early or of an unknown kind: each its own error",
    ],
    ["S05", "An invitation never lasts longer than its issuer may grant"],
    ["S06", "Nobody grants more than the own role allows"],
    ["S07", "A password admits many; the wrong one is refused with its own error"],
    ["S08", "Who joins by password gets the stated role; a member that may not admit does not"],
    ["S09", "An application sets its own rules for passwords"],
    ["S10", "Chains of credentials are checked to the root; too long or circular ones are refused"],
    ["S11", "Roles change by a new credential, which waits for its subject"],
    ["S12", "A member whose time is over neither connects nor publishes, but can be renewed"],
    ["S13", "A record does not outlive what its author's membership allows"],
    ["S14", "Every receiver enforces what each role may do"],
    ["S15", "An altered record or a forged creator is refused everywhere"],
    ["S16", "An item of an unknown signer waits for the membership"],
    ["S17", "Members are known at their first connection, or at their first action"],
    ["S18", "Members are listed, all or those present, with their attributes and credentials"],
    ["S19", "Members connecting, leaving, changing and joining are events"],
    ["S20", "Members are found by name or address; each way to fail is told apart"],
    ["S21", "A lone member that holds the records carries the group; a new one cannot"],
    ["S22", "Every listening member can be found by those who may find the group"],
    ["S23", "Several users of one group in a process share one set of records and one port"],
    ["S24", "What a member needs is exported with a passphrase; the owner's export holds the group key"],
    ["S25", "A group's records are exported and imported"],
    ["S26", "A deleted group leaves no handle and no credential that works"],
    ["S27", "Members connect directly, encrypted and with both sides proven"],
    ["S28", "Presence can be switched off, expiry held back"],
    ["S29", "All that a group sends is encrypted; an outsider with its name learns no content"],
    ["S30", "A group stays within one cloud; one on a local link needs no Internet"],
    ["S31", "A removed member is cut off, the rest agree, keys change"],
    ["S32", "A password cannot be guessed off line, and on line only slowly"],
    ["S33", "Joining takes one text passed on, and no more"],
    ["S34", "Clocks that differ moderately do not stop a join"],
    ["S35", "A group outlives the loss of its creator"],
    ["S36", "Who knows a group's name alone does not learn its members' addresses"],
    ["S37", "Leaving is an event"],
  ]),
  area("Collaboration", [
    ["C01", "Being seen nearby or further is a choice; before it nothing is announced"],
    ["C02", "Presence has states and a text, and its changes are events"],
    ["C03", "People on one link are listed without configuration"],
    ["C04", "Contacts are kept, passed on as text, watched and blocked"],
    ["C05", "Small objects are shown to others while the application runs"],
    ["C06", "Applications are registered with some data"],
    ["C07", "Others are invited to an activity, accept, decline or let it lapse"],
    ["C08", "What others show is fetched anew or subscribed to, within a time"],
    ["C09", "All of this has its events"],
  ]),
  area("Across all", [
    ["X01", "Versions are negotiated; an unsupported one is refused"],
    ["X02", "Every call after the end fails in the documented way"],
    ["X03", "Closing twice, using what is closed, closing with work underway: all defined"],
    ["X04", "A listing is counted, paged, has an end, and does not change underway"],
    ["X05", "Each failure has a documented code of its own"],
    ["X06", "An operator can switch all off, or clouds, link discovery and publishing one by one"],
    ["X07", "It works on one link without Internet, and without any server after the start"],
    ["X08", "Counts of messages, contacts, resolves and successes can be read"],
    ["X09", "Malformed input of any kind is dropped and changes nothing"],
    ["X10", "Calls in the wrong order get an explanation and never hang"],
    ["X11", "Every wait has a default end and a signal to cancel it"],
    ["X12", "The same code runs in a simulator with thousands of peers, loss, partition and wrong clocks"],
    ["X13", "Diagnostics are plain data and plain words"],
    ["X14", "No third party's server in any default"],
  ]),
];

function area(title: string, rows: readonly Tuple[]): ParityArea {
  return { title, rows: rows.map(rowOf) };
}

function rowOf([id, claim, absent]: Tuple): ParityRow {
  const first = firstMended[id.slice(0, 1)] ?? Infinity;
  const origin = Number(id.slice(1)) >= first ? "mended" : "kept";
  return absent === undefined ? { id, origin, claim } : { id, origin, claim, absent };
}
