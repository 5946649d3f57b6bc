/**
 * The deployment's configuration: environment text in, typed settings out, once per isolate.
 * Refuses to run a production that could take test money, trust a simulator or live in another time.
 * Must never print the value of a secret.
 */
import { z } from 'zod';
import { DAY_MS, SECOND_MS } from '../domain/time.ts';
import {
  btcpayOf,
  halfConfigured,
  paypalOf,
  processorFaults,
  processorVariables,
  type BtcpaySettings,
  type PaypalSettings,
} from './processor-settings.ts';

/** Where a deployment runs. Only production talks to real processors; only the others may move the clock. */
export type Environment = 'production' | 'local' | 'test';

/** Parsed settings. Shape: secrets are present and long enough; amounts are whole and positive. */
export interface Settings {
  readonly environment: Environment;
  /** Origin that links and token issuers name, without a trailing slash. */
  readonly publicUrl: string;
  readonly clockOffsetMs: number;
  readonly idSecret: string;
  readonly passwordPepper: string;
  /** Private ES256 JWKs; the first signs, all verify. */
  readonly tokenSigningKeys: readonly SigningKey[];
  readonly stripe: StripeSettings;
  /** Null where money cannot be taken through PayPal. */
  readonly paypal: PaypalSettings | null;
  /** Null where money cannot be taken through BTCPay. */
  readonly btcpay: BtcpaySettings | null;
  /** Who writes to members; null where nobody does. */
  readonly notifications: NotificationSettings | null;
  readonly rateLimits: RateLimitSettings;
  /** Live holds that one principal may have in one shard. */
  readonly holdsPerPrincipal: number;
  /** Live holds in one shard of all guests that come from one address. */
  readonly guestHoldsPerAddress: number;
  /** How long freed units are reserved for whoever is first in a waiting line. */
  readonly waitlistOfferMs: number;
  /** The platform's share in basis points where neither venue nor provider has its own. */
  readonly commissionBps: number;
}

/** How Stripe is reached. */
export interface StripeSettings {
  readonly apiUrl: string;
  readonly secretKey: string;
  /** Current and previous signing secrets, so that a rotation loses no event. */
  readonly webhookSecrets: readonly string[];
  readonly isLive: boolean;
}

/** Where notices for members are handed on, and the secret that signs them. */
export interface NotificationSettings {
  readonly url: string;
  readonly secret: string;
}

/** Limits per caller and minute; `off` counts nothing. */
export interface RateLimitSettings {
  readonly isEnforced: boolean;
  readonly perMinute: number;
  readonly authPerMinute: number;
}

/** A private ES256 key as a JWK (RFC 7517). */
export type SigningKey = z.infer<typeof signingKeySchema>;

/** Thrown when the environment cannot be run with; names the variables, never their values. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

const LIVE_STRIPE_URL = 'https://api.stripe.com';

/** Below this many characters a secret can be tried out. */
const SECRET_LENGTH_MIN = 32;

/** Moving the clock further than this is a mistake in the unit. */
const CLOCK_OFFSET_SECONDS_MAX = (3_660 * DAY_MS) / SECOND_MS;

/** An offer of the waiting line: a quarter of an hour, and never too short to be noticed. */
const OFFER_SECONDS_DEFAULT = 900;
const OFFER_SECONDS_MIN = 60;

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/);

const signingKeySchema = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  kid: z.string().min(1).max(100),
  x: base64url,
  y: base64url,
  d: base64url,
});

const signingKeysSchema = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      // The parser's message would quote the secret.
      context.addIssue({ code: 'custom', message: 'must be a JSON array of private JWKs' });
      return z.NEVER;
    }
  })
  .pipe(z.array(signingKeySchema).min(1).max(10))
  .refine((keys) => new Set(keys.map((key) => key.kid)).size === keys.length, 'kid must be unique');

const countSchema = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a whole number')
  .transform(Number);
const offerSecondsSchema = z
  .int()
  .min(OFFER_SECONDS_MIN)
  .max(DAY_MS / SECOND_MS);
const secretSchema = z.string().min(SECRET_LENGTH_MIN, `must have ${SECRET_LENGTH_MIN} characters`);
const urlSchema = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ''));

const variablesSchema = z.object({
  ENVIRONMENT: z.enum(['production', 'local', 'test']),
  PUBLIC_URL: urlSchema,
  CLOCK_OFFSET_SECONDS: z
    .string()
    .regex(/^-?\d{1,9}$/, 'must be whole seconds')
    .transform(Number)
    .refine((seconds) => Math.abs(seconds) <= CLOCK_OFFSET_SECONDS_MAX, 'is more than ten years'),
  ID_SECRET: secretSchema,
  PASSWORD_PEPPER: secretSchema,
  TOKEN_SIGNING_KEYS: signingKeysSchema,
  STRIPE_API_URL: urlSchema,
  STRIPE_SECRET_KEY: z.string().regex(/^[sr]k_(test|live)_\w+$/, 'must be a Stripe secret key'),
  STRIPE_WEBHOOK_SECRETS: z
    .string()
    .transform((text) => text.split(',').map((secret) => secret.trim()))
    .pipe(z.array(z.string().startsWith('whsec_')).min(1).max(5)),
  ...processorVariables,
  NOTIFICATIONS_URL: z.url({ protocol: /^https?$/ }).optional(),
  NOTIFICATIONS_SECRET: secretSchema.optional(),
  RATE_LIMITS: z.enum(['binding', 'off']).default('binding'),
  RATE_LIMIT_PER_MINUTE: countSchema.pipe(z.int().min(1)),
  AUTH_RATE_LIMIT_PER_MINUTE: countSchema.pipe(z.int().min(1)),
  HOLDS_PER_PRINCIPAL: countSchema.pipe(z.int().min(1)),
  GUEST_HOLDS_PER_ADDRESS: countSchema.pipe(z.int().min(1)).default(20),
  WAITLIST_OFFER_SECONDS: countSchema.pipe(offerSecondsSchema).default(OFFER_SECONDS_DEFAULT),
  COMMISSION_BPS: countSchema.pipe(z.int().max(10_000)),
});

/** The names of the variables that settings are made of. */
const VARIABLES: readonly string[] = Object.keys(variablesSchema.shape);

const environmentSchema = variablesSchema.superRefine((env, context) => {
  if (env.NOTIFICATIONS_URL !== undefined && env.NOTIFICATIONS_SECRET === undefined) {
    const message = 'is needed to sign what goes to NOTIFICATIONS_URL';
    context.addIssue({ code: 'custom', path: ['NOTIFICATIONS_SECRET'], message });
  }
  const faults = halfConfigured(env);
  if (env.ENVIRONMENT === 'production')
    faults.push(...productionFaults(env), ...processorFaults(env));
  for (const [path, message] of faults) {
    context.addIssue({ code: 'custom', path: [path], message });
  }
});

/** What an isolate read last: its Worker and its thousands of objects share one environment. */
let lastRead: { readonly variables: readonly unknown[]; readonly settings: Settings } | null = null;

/**
 * Reads the environment, once for all that share its values: every object of an isolate asks when it wakes.
 * Errors: SettingsError that lists every variable that is missing or refused.
 */
export function readSettings(env: object): Settings {
  const values: { readonly [variable: string]: unknown } = { ...env };
  const variables = VARIABLES.map((name) => values[name]);
  const known = lastRead;
  if (known !== null && variables.every((value, index) => value === known.variables[index])) {
    return known.settings;
  }
  const settings = parseSettings(values);
  lastRead = { variables, settings };
  return settings;
}

function parseSettings(env: unknown): Settings {
  const parsed = environmentSchema.safeParse(env);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new SettingsError(`The environment cannot be run with. ${faults.join('; ')}`);
  }
  return toSettings(parsed.data);
}

function toSettings(env: z.infer<typeof environmentSchema>): Settings {
  return {
    environment: env.ENVIRONMENT,
    publicUrl: env.PUBLIC_URL,
    clockOffsetMs: env.CLOCK_OFFSET_SECONDS * SECOND_MS,
    idSecret: env.ID_SECRET,
    passwordPepper: env.PASSWORD_PEPPER,
    tokenSigningKeys: env.TOKEN_SIGNING_KEYS,
    stripe: {
      apiUrl: env.STRIPE_API_URL,
      secretKey: env.STRIPE_SECRET_KEY,
      webhookSecrets: env.STRIPE_WEBHOOK_SECRETS,
      isLive: /^[sr]k_live_/.test(env.STRIPE_SECRET_KEY),
    },
    paypal: paypalOf(env),
    btcpay: btcpayOf(env),
    notifications: notificationsOf(env),
    rateLimits: {
      isEnforced: env.RATE_LIMITS === 'binding',
      perMinute: env.RATE_LIMIT_PER_MINUTE,
      authPerMinute: env.AUTH_RATE_LIMIT_PER_MINUTE,
    },
    holdsPerPrincipal: env.HOLDS_PER_PRINCIPAL,
    guestHoldsPerAddress: env.GUEST_HOLDS_PER_ADDRESS,
    waitlistOfferMs: env.WAITLIST_OFFER_SECONDS * SECOND_MS,
    commissionBps: env.COMMISSION_BPS,
  };
}

function notificationsOf(env: {
  NOTIFICATIONS_URL?: string | undefined;
  NOTIFICATIONS_SECRET?: string | undefined;
}): NotificationSettings | null {
  const { NOTIFICATIONS_URL: url, NOTIFICATIONS_SECRET: secret } = env;
  return url === undefined || secret === undefined ? null : { url, secret };
}

function productionFaults(env: {
  PUBLIC_URL: string;
  NOTIFICATIONS_URL?: string | undefined;
  CLOCK_OFFSET_SECONDS: number;
  STRIPE_API_URL: string;
  STRIPE_SECRET_KEY: string;
  RATE_LIMITS: string;
}): [string, string][] {
  const rules: [boolean, string, string][] = [
    [env.CLOCK_OFFSET_SECONDS !== 0, 'CLOCK_OFFSET_SECONDS', 'production runs in real time'],
    [
      env.STRIPE_API_URL !== LIVE_STRIPE_URL,
      'STRIPE_API_URL',
      `production pays through ${LIVE_STRIPE_URL} alone`,
    ],
    [
      env.STRIPE_SECRET_KEY.includes('_test_'),
      'STRIPE_SECRET_KEY',
      'production refuses a test key, which would confirm bookings that nobody paid',
    ],
    [!env.PUBLIC_URL.startsWith('https://'), 'PUBLIC_URL', 'production is served over TLS'],
    [
      env.NOTIFICATIONS_URL?.startsWith('https://') === false,
      'NOTIFICATIONS_URL',
      'notices name members, and leave production over TLS alone',
    ],
    [env.RATE_LIMITS !== 'binding', 'RATE_LIMITS', 'production counts its callers'],
  ];
  return rules.filter(([isFault]) => isFault).map(([, path, message]) => [path, message]);
}
