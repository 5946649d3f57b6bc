/**
 * The secrets of a local instance, made on its first run and kept beside its state: ids, tokens and password hashes
 * of one state folder are worthless without them. Production gets its own through `wrangler secret put`.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readJson, writeJson } from './state-folder.ts';

const SECRET_NAMES = [
  'ID_SECRET',
  'TOKEN_SIGNING_KEYS',
  'PASSWORD_PEPPER',
  'STRIPE_SECRET_KEY',
  'STRIPE_WEBHOOK_SECRETS',
  'PAYPAL_CLIENT_ID',
  'PAYPAL_CLIENT_SECRET',
  'PAYPAL_WEBHOOK_ID',
  'BTCPAY_API_KEY',
  'BTCPAY_STORE_ID',
  'BTCPAY_WEBHOOK_SECRETS',
] as const;

export type LocalKeys = Readonly<Record<(typeof SECRET_NAMES)[number], string>>;

/** Reads the keys; makes those that are missing. */
export function loadKeys(keysFile: string): LocalKeys {
  const stored = readJson(keysFile);
  const known: Partial<Record<string, unknown>> =
    typeof stored === 'object' && stored !== null ? { ...stored } : {};
  const fresh = makeKeys();
  const keys = { ...fresh };
  for (const name of SECRET_NAMES) {
    const value = known[name];
    if (typeof value === 'string') keys[name] = value;
  }
  if (SECRET_NAMES.some((name) => known[name] !== keys[name])) writeJson(keysFile, keys, 0o600);
  return keys;
}

/** A new set of keys. */
export function makeKeys(): Record<(typeof SECRET_NAMES)[number], string> {
  return {
    ID_SECRET: randomBytes(32).toString('base64url'),
    TOKEN_SIGNING_KEYS: JSON.stringify([makeSigningKey()]),
    PASSWORD_PEPPER: randomBytes(32).toString('base64url'),
    STRIPE_SECRET_KEY: `sk_test_${randomBytes(24).toString('hex')}`,
    STRIPE_WEBHOOK_SECRETS: `whsec_${randomBytes(24).toString('hex')}`,
    PAYPAL_CLIENT_ID: `A${randomBytes(24).toString('hex')}`,
    PAYPAL_CLIENT_SECRET: `E${randomBytes(24).toString('hex')}`,
    PAYPAL_WEBHOOK_ID: randomBytes(9).toString('hex').toUpperCase(),
    BTCPAY_API_KEY: randomBytes(20).toString('hex'),
    BTCPAY_STORE_ID: randomBytes(16).toString('hex'),
    BTCPAY_WEBHOOK_SECRETS: randomBytes(24).toString('hex'),
  };
}

/** A private ES256 key as a JWK that names itself. */
export function makeSigningKey(): Record<string, unknown> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    ...privateKey.export({ format: 'jwk' }),
    kid: randomBytes(8).toString('hex'),
    alg: 'ES256',
    use: 'sig',
  };
}
