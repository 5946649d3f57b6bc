/** Tokens that must not be believed, each wrong in one way. */
import { SignJWT, importJWK, type JWTPayload } from 'jose';
import { required } from '../../src/domain/assert.ts';
import { ACCESS_TOKEN_AUDIENCE } from '../../src/platform/tokens.ts';
import { ORIGIN, services } from '../support/http.ts';

const ROLES = ['customer', 'provider', 'operator'];

/** Hostile tokens by what is wrong with them. */
export async function hostileTokens(): Promise<ReadonlyMap<string, string>> {
  const nowSeconds = Math.floor(services.clock.nowMs() / 1_000);
  const claims = {
    iss: ORIGIN,
    aud: ACCESS_TOKEN_AUDIENCE,
    sub: services.ids.mintInRegion('usr', 'global'),
    jti: 'a-token-of-the-tests',
    iat: nowSeconds,
    exp: nowSeconds + 900,
    roles: ROLES,
  };
  const good = await sign(claims);
  const [header = '', payload = '', signature = ''] = good.split('.');
  return new Map([
    ['garbage', 'garbage'],
    ['three words', 'not.a.token'],
    ['empty parts', '..'],
    ['very long', `${'a'.repeat(5_000)}.b.c`],
    ['alg none', `${encode({ alg: 'none', typ: 'at+jwt', kid: 'current' })}.${payload}.`],
    [
      'alg none with a signature',
      `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.${signature}`,
    ],
    ['HMAC with the public key', await signWithPublicKey(claims)],
    ['another key', await signWithOwnKey(claims)],
    ['unknown kid', await sign(claims, { kid: 'unknown' })],
    ['another type', await sign(claims, { typ: 'JWT' })],
    ['another payload', `${header}.${encode({ ...claims, sub: 'usr_other' })}.${signature}`],
    ['padded', `${good}=`],
    ['expired', await sign({ ...claims, iat: nowSeconds - 901, exp: nowSeconds - 1 })],
    ['of the future', await sign({ ...claims, iat: nowSeconds + 60, exp: nowSeconds + 960 })],
    [
      'valid for ever',
      await sign({ ...claims, iat: nowSeconds - 1_000, exp: nowSeconds + 1_000_000 }),
    ],
    ['another audience', await sign({ ...claims, aud: 'somebody-else' })],
    ['another issuer', await sign({ ...claims, iss: 'https://evil.example' })],
    ['no subject', await sign({ ...claims, sub: '' })],
    ['a forged subject', await sign({ ...claims, sub: `usr_g${'0'.repeat(30)}` })],
    ['an unknown role', await sign({ ...claims, roles: ['root'] })],
    ['no roles', await sign({ ...claims, roles: 'operator' })],
    ['a guest among people', await sign({ ...claims, roles: ['guest'] })],
    ['a person’s, as a guest’s', await sign(claims, { typ: 'gst+jwt' })],
    [
      'a guest’s, for a person',
      await sign({ ...claims, aud: 'holdfast-guest' }, { typ: 'gst+jwt' }),
    ],
    [
      'a guest’s of old',
      await sign(
        {
          ...claims,
          aud: 'holdfast-guest',
          sub: services.ids.mintInRegion('gst', 'global'),
          iat: nowSeconds - 86_401,
          exp: nowSeconds + 900,
        },
        { typ: 'gst+jwt' },
      ),
    ],
  ]);
}

async function sign(
  claims: JWTPayload,
  header: { kid?: string; typ?: string } = {},
): Promise<string> {
  const jwk = required(services.settings.tokenSigningKeys[0], 'there is a key');
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: jwk.kid, ...header })
    .sign(await importJWK(jwk, 'ES256'));
}

/** The classic confusion: a verifier that takes the algorithm from the token would use the public key as a secret. */
async function signWithPublicKey(claims: JWTPayload): Promise<string> {
  const [publicKey] = services.tokens.publicKeys();
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'current' })
    .sign(new TextEncoder().encode(JSON.stringify(publicKey)));
}

async function signWithOwnKey(claims: JWTPayload): Promise<string> {
  const pair = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'current' })
    .sign(pair.privateKey);
}

function encode(value: unknown): string {
  return btoa(JSON.stringify(value)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}
