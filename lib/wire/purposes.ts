/**
 * Purposes: what a signature is for. The purpose is signed along with the payload (external data of
 * the envelope), so a signature made for one use holds for no other. All stand here; a test tries
 * each against every other verifier.
 */

/** The purposes by their short names. The texts are on the wire and never change. */
export const Purpose = {
  /** An item of a graph; the scope is the graph id. */
  item: "kith/item/1",
  /** A published name; the scope is the cloud id. */
  registration: "kith/registration/1",
  /** A certificate that lets another key publish a name; the scope is the authority key. */
  delegation: "kith/delegation/1",
  /** What the bearer key of an invitation signs about a joiner; the scope is the group id. */
  admission: "kith/admission/1",
  /** A proof that somebody holds an invitation, given over one link; the scope is its handshake hash. */
  invitation: "kith/invitation/1",
  /** A message that is not stored; the scope is the graph id. */
  message: "kith/message/1",
  /** A link's static key belongs to an identity; the scope is the static key. */
  handshake: "kith/handshake/1",
  /** Bytes that an application has an identity sign; the scope is the application's context. */
  app: "kith/app/1",
  /** Exported keys as one sealed text: what they were sealed as, not a signature. */
  keyExport: "kith/key-export/1",
} as const;

/** One of {@linkcode Purpose}'s texts. */
export type Purpose = (typeof Purpose)[keyof typeof Purpose];
