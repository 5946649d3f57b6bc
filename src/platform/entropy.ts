/** Randomness for ids, tokens and salts, from the runtime's secure generator. Never call it at module scope: Workers refuse that. */
import type { Entropy } from '../application/ports.ts';

/** The runtime's generator. */
export const systemEntropy: Entropy = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};
