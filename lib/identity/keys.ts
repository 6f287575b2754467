/**
 * Keys of identities. What makes a key and a signature acceptable is decided once, in
 * `lib/wire/signature.ts`, because envelopes need it too.
 */

export {
  isCanonicalSignature,
  parsePublicKey,
  publicKeyBytes,
  signatureBytes,
  verifySignature,
} from "../wire/signature.ts";
