/** Limits of names and clouds. `docs/LIMITS.md` is generated from these comments. */

/** Contacts of one bucket, and the fewest contacts that a name is stored at (Kademlia's k; protocol §3). A further one is taken only for a failing or much slower one. */
export const bucketContactsMax: number = 20;

/** Contacts of one bucket that share an IPv4 /24 or IPv6 /48 (protocol §3): one site cannot fill a bucket. Global addresses only. Refused above. */
export const bucketGroupMax: number = 2;

/** Oldest contacts of a bucket that no faster one replaces: else whoever answers fastest owns the table. */
export const bucketOldKept: number = 5;

/** Contacts of a whole routing table: 20 in each of some 50 buckets. Refused above. */
export const tableContactsMax: number = 1_000;

/** Requests in a row that a contact may leave unanswered before it leaves the table. */
export const contactFailuresMax: number = 2;

/** A contact that was silent for so long is asked whether it is there. Guess; NAT mappings often end sooner, but a contact need not be reachable between two uses. */
export const contactSilenceMs: number = 10 * 60_000;

/** How often the table is looked after. */
export const maintenanceMs: number = 60_000;

/** Silent contacts asked in one round of maintenance. The rest waits for the next. */
export const maintenancePingsMax: number = 8;

/** How often a look-up of a random id refreshes one bucket. */
export const bucketRefreshMs: number = 15 * 60_000;

/** Addresses of one contact in a hint: one of each family. Refused above. */
export const contactAddressesMax: number = 2;

/** Hosts whose scope and address group are remembered. The least recently used gives way, at the cost of reading its text again. */
export const hostFactsMax: number = 8_192;

/** Contacts that are remembered as they were built. The least recently used gives way, at the cost of one hash. */
export const contactsKeptMax: number = 2_048;

/** Contacts that wait to be asked before they may enter the table: so many that others named, and so many that sent a request. The oldest gives way. */
export const candidatesMax: number = 64;

/** Of the waiting contacts that sent a request, those of one address group (T22). Further ones are not asked. Global addresses only. */
export const candidatesGroupMax: number = 4;

/** Candidates that are asked at once. */
export const candidatesInFlightMax: number = 4;

/** Hints taken from one answer: as many as a bucket holds (T27). The rest is not looked at. */
export const answerHintsMax: number = 20;

/** Values taken from one answer: more do not fit a datagram. Refused above. */
export const answerValuesMax: number = 8;

/** Hints that go along with values in an answer, before values fill the rest. */
export const hintsBesideValues: number = 8;

/** Paths of one look-up that share no contact: 4 hold 99.9 % success with 30 % colluding contacts (own simulation). */
export const lookupPathsMax: number = 4;

/** Contacts of each path that must have answered before the path ends. */
export const lookupPathWidth: number = 5;

/** Contacts that one look-up asks at once while it seeks values: one a path. */
export const lookupParallel: number = 4;

/** Contacts that one look-up asks at once while it seeks the closest contacts, where answers are long awaited by nobody. */
export const lookupParallelClosest: number = 8;

/** Contacts that one look-up asks in all (T27). It ends there with what it has. */
export const lookupContactsMax: number = 200;

/** Candidates that one look-up remembers. Farther ones are forgotten. */
export const lookupCandidatesMax: number = 600;

/** Referrals in a row that a look-up follows (PNRP's bound, N36). Farther ones are not asked. */
export const lookupHopsMax: number = 22;

/** The longest a look-up may take (T27). It ends there with what it has. */
export const lookupMs: number = 10_000;

/** Holders that must have shown values before a resolve stops asking: one of three is fresh where one is stale (T23). */
export const resolveHoldersMin: number = 3;

/** Results of one resolve, and publishers that one resolve looks at. Further ones are ignored. */
export const resolveResultsMax: number = 32;

/** Statements whose signature one resolve checks: what 20 hostile holders may cost. Further ones are ignored. */
export const resolveChecksMax: number = 128;

/** Publishers that one resolve asks at once. */
export const resolveInquiriesMax: number = 8;

/** Addresses at which one resolve seeks one publisher: so many holders must lie before the first honest one. Further ones are ignored. */
export const publisherPlacesMax: number = 8;

/** Resolves of one cloud at once. Refused above. */
export const resolvesMax: number = 1_024;

/** The shortest wait for an answer: below it a busy machine looks dead (RFC 6298 in a shorter range). */
export const answerTimeoutMsMin: number = 100;

/** The longest wait for an answer, and the wait before anything is known (RFC 6298 in a shorter range). */
export const answerTimeoutMsMax: number = 1_000;

/** Times that a request is sent before its contact counts as silent. */
export const requestAttemptsMax: number = 3;

/** Requests under way in one cloud. A further one fails at once. */
export const requestsMax: number = 2_048;

/** Tokens that contacts gave us. The least recently used gives way, at the cost of one round trip. */
export const tokensMax: number = 2_048;

/** Life of a token secret; a token holds under this one and the one before (T8: at most 10 minutes). */
export const tokenSecretMs: number = 5 * 60_000;

/** Key agreements remembered. The least recently used gives way, at the cost of one agreement. */
export const pairKeysMax: number = 2_048;

/** Answers in clear that one address group gets at once: 200 contacts behind one address may start together. Further requests are dropped and may be repeated. Not on loopback and link-local addresses. */
export const clearAnswersBurst: number = 32;

/** Answers in clear that one address group gets each second (T2). Further requests are dropped. */
export const clearAnswersPerSecond: number = 10;

/** Address groups whose budgets are remembered. The least recently used gives way. */
export const addressGroupsMax: number = 4_096;

/** Hellos that one address group gets at once from this peer at addresses that others named (T27): who is named a thousand times is no target. Further ones are not sent. Not on loopback and link-local addresses. */
export const hellosBurst: number = 32;

/** Hellos that one address group gets each second at addresses that others named. Further ones are not sent. */
export const hellosPerSecond: number = 1;

/** Requests that were answered and are not answered again (T5). The oldest is forgotten; its token soon ends too. */
export const answeredRequestsMax: number = 8_192;

/** Bytes of one signed registration: it fits a datagram beside its address. Refused above. */
export const registrationBytesMax: number = 900;

/** Endpoints of one registration (PNRP's bound, N08). Refused above. */
export const endpointsMax: number = 10;

/** Characters (code points) of a registration's comment (PNRP's bound, N10). Refused above. */
export const commentCharactersMax: number = 39;

/** Bytes of a registration's payload (PNRP's bound, N11). Refused above. */
export const payloadBytesMax: number = 4_096;

/** Bytes of one part of a payload: four parts carry the largest one. */
export const payloadPartBytes: number = 1_024;

/** How long a registration stands without being refreshed, by default. It is refreshed at half of that. */
export const registrationLifeMs: number = 2 * 3_600_000;

/** How long a registration may stand at most (protocol §3). Refused above. */
export const registrationLifeMsMax: number = 24 * 3_600_000;

/** How far a publisher's wall clock may be ahead of a holder's. */
export const registrationSkewMs: number = 10 * 60_000;

/** A wall clock that moved by more than this against the monotonic one was set: what was stated by it is stated anew. */
export const clockSetMs: number = 60_000;

/** Names that one peer publishes in one cloud. Refused above. */
export const registrationsMax: number = 256;

/** Registrations held for others. Above, of the address group that holds most the one of the highest drawn rank gives way. */
export const heldMax: number = 8_192;

/** Registrations held for one name (protocol §3). Above, the one of the highest drawn rank gives way. */
export const heldNameMax: number = 32;

/** Registrations held for one name from one address group (protocol §3). Above, the one of the highest drawn rank gives way. Global addresses only. */
export const heldGroupMax: number = 2;

/** A registration is refused by a contact that is so many times farther from the name than from its own 20th neighbor: only the region stores (T24). */
export const regionReachMax: number = 8;

/** Acknowledgements after which a publication counts as done; the rest goes on in the background. */
export const publishAcksMin: number = 3;

/** Addresses to start from. Refused above. */
export const bootstrapsMax: number = 32;

/** Waits between two attempts to find contacts while alone: the first, doubled up to the last. */
export const bootstrapRetryMsMin: number = 1_000;

/** The longest wait between two attempts to find contacts while alone. */
export const bootstrapRetryMsMax: number = 60_000;

/** Default time for a resolve (PNRP's, N22). */
export const resolveTimeoutMs: number = 30_000;

/** Addresses of lost contacts, and to start from, that are tried again in each maintenance while others are there. Guess: a partition is mended within minutes, and who is gone for good costs some packets a minute. */
export const absentAskedMax: number = 4;
