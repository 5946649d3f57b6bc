/** The environment of the Worker under test: its own secrets, no real processor, and limits that a suite does not reach. */
import { generateKeyPairSync } from 'node:crypto';

const VARIABLES = {
  ENVIRONMENT: 'test',
  PUBLIC_URL: 'https://holdfast.test',
  // Nobody listens there: a call of a test that reaches the wire is refused on this machine.
  STRIPE_API_URL: 'http://127.0.0.1:9',
  CLOCK_OFFSET_SECONDS: '0',
  HOLDS_PER_PRINCIPAL: '10',
  RATE_LIMITS: 'off',
  RATE_LIMIT_PER_MINUTE: '600',
  AUTH_RATE_LIMIT_PER_MINUTE: '30',
  COMMISSION_BPS: '1000',
};

/** Variables and secrets, new for each run. */
export function makeWorkerBindings(): Record<string, string> {
  return { ...VARIABLES, ...makeSecrets() };
}

/** What wrangler.toml names as secrets. */
export function makeSecrets(): Record<string, string> {
  return {
    ID_SECRET: 'id-secret-of-the-tests-0123456789abcdef',
    PASSWORD_PEPPER: 'pepper-of-the-tests-0123456789abcdef',
    TOKEN_SIGNING_KEYS: JSON.stringify([makeSigningKey('current'), makeSigningKey('previous')]),
    STRIPE_SECRET_KEY: 'sk_test_0123456789abcdef',
    STRIPE_WEBHOOK_SECRETS: 'whsec_current0123456789,whsec_previous0123456789',
  };
}

function makeSigningKey(kid: string): Record<string, unknown> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' };
}
