/** The keys that tokens and tickets are signed with: imported once, and shown without their private part. */
import type { SigningKey } from './settings.ts';

/** Source: RFC 7518, 3.4: ECDSA over P-256 with SHA-256. */
export const ALGORITHM = 'ES256';
const CURVE = { name: 'ECDSA', namedCurve: 'P-256' };

/** A public key as others may have it: the private member is not there. */
export type PublicKey = Omit<SigningKey, 'd'> & { readonly alg: 'ES256'; readonly use: 'sig' };

type KeyUse = 'sign' | 'verify';

/** The key without its private member. */
export function toPublicKey({ kty, crv, kid, x, y }: SigningKey): PublicKey {
  return { kty, crv, kid, x, y, alg: ALGORITHM, use: 'sig' };
}

/** Imports each key once. The key is kept, not the promise of it: a promise belongs to the request that made it. */
export function createKeyCache(): (jwk: PublicKey | SigningKey, use: KeyUse) => Promise<CryptoKey> {
  const cache = new Map<string, CryptoKey>();
  return async ({ kid, ...jwk }, use) => {
    const known = cache.get(`${use}/${kid}`);
    if (known !== undefined) return known;
    const key = await crypto.subtle.importKey('jwk', { ...jwk, use: 'sig' }, CURVE, false, [use]);
    cache.set(`${use}/${kid}`, key);
    return key;
  };
}
