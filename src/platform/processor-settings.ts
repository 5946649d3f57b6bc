/**
 * The variables of the processors that a deployment may do without: PayPal and BTCPay. All of one's variables or none;
 * a production with a simulator's, a sandbox's or an unprotected address is refused. Read by settings.ts alone; must never
 * print a value.
 */
import { z } from 'zod';

/** How PayPal is reached. */
export interface PaypalSettings {
  readonly apiUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Ids of the webhook, and of the one that it replaces. */
  readonly webhookIds: readonly string[];
  /** Hosts, with their ports, that certificates of webhooks may come from. */
  readonly certHosts: readonly string[];
  readonly isLive: boolean;
}

/** How the operator's BTCPay Server is reached. */
export interface BtcpaySettings {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly storeId: string;
  /** Current and previous signing secrets, so that a rotation loses no event. */
  readonly webhookSecrets: readonly string[];
  readonly isLive: boolean;
}

/** A variable that cannot be run with, and why. */
export type SettingsFault = readonly [variable: string, message: string];

const LIVE_PAYPAL_URL = 'https://api-m.paypal.com';
const LIVE_PAYPAL_CERT_HOST = 'api.paypal.com';

/** Values of a list: more are a mistake. */
const LIST_LENGTH_MAX = 5;

const httpUrl = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ''));
const credential = z.string().regex(/^[\x21-\x7e]{8,512}$/, 'must be 8 characters or more');

/** Values between commas. */
function listOf(item: z.ZodString) {
  return z
    .string()
    .transform((text) => text.split(',').map((value) => value.trim()))
    .pipe(z.array(item).min(1).max(LIST_LENGTH_MAX));
}

/** An empty variable is one that is not there: wrangler.toml has no other way to leave one out. */
function optional<T extends z.ZodType>(schema: T) {
  return z.preprocess((value) => (value === '' ? undefined : value), schema.optional());
}

/** The variables by their names. */
export const processorVariables = {
  PAYPAL_API_URL: optional(httpUrl),
  PAYPAL_CLIENT_ID: optional(credential),
  PAYPAL_CLIENT_SECRET: optional(credential),
  PAYPAL_WEBHOOK_ID: optional(listOf(z.string().regex(/^[A-Za-z0-9-]{4,64}$/))),
  PAYPAL_CERT_HOSTS: optional(listOf(z.string().regex(/^[a-z0-9.-]+(:\d{1,5})?$/))),
  BTCPAY_API_URL: optional(httpUrl),
  BTCPAY_API_KEY: optional(credential),
  BTCPAY_STORE_ID: optional(z.string().regex(/^[A-Za-z0-9]{8,64}$/)),
  BTCPAY_WEBHOOK_SECRETS: optional(listOf(z.string().min(16, 'must have 16 characters each'))),
};

const variablesSchema = z.object(processorVariables);
type Variables = z.infer<typeof variablesSchema>;

/** What makes PayPal configured; its addresses alone do not, so that wrangler.toml can name them. */
const PAYPAL_CREDENTIALS = [
  'PAYPAL_CLIENT_ID',
  'PAYPAL_CLIENT_SECRET',
  'PAYPAL_WEBHOOK_ID',
] as const;
const PAYPAL_ADDRESSES = ['PAYPAL_API_URL', 'PAYPAL_CERT_HOSTS'] as const;

/** BTCPay has no address of its own: the operator's server is as much a part of it as the key. */
const BTCPAY_NAMES = [
  'BTCPAY_API_URL',
  'BTCPAY_API_KEY',
  'BTCPAY_STORE_ID',
  'BTCPAY_WEBHOOK_SECRETS',
] as const;

/** Variables of a processor of which some, and not all, are there. */
export function halfConfigured(env: Variables): SettingsFault[] {
  const isPaypal = PAYPAL_CREDENTIALS.some((name) => env[name] !== undefined);
  const isBtcpay = BTCPAY_NAMES.some((name) => env[name] !== undefined);
  const needed: (keyof Variables)[] = [
    ...(isPaypal ? [...PAYPAL_CREDENTIALS, ...PAYPAL_ADDRESSES] : []),
    ...(isBtcpay ? BTCPAY_NAMES : []),
  ];
  return needed
    .filter((name) => env[name] === undefined)
    .map((name) => [name, 'is missing, while others of its processor are set']);
}

/** Variables that production refuses, whether or not their processor is configured. */
export function processorFaults(env: Variables): SettingsFault[] {
  const { PAYPAL_API_URL: paypalUrl, PAYPAL_CERT_HOSTS: hosts, BTCPAY_API_URL: btcpayUrl } = env;
  const isOtherPaypal = paypalUrl !== undefined && paypalUrl !== LIVE_PAYPAL_URL;
  const isOtherHost = hosts?.some((host) => host !== LIVE_PAYPAL_CERT_HOST) ?? false;
  const isUnsafe = btcpayUrl !== undefined && !isPublicServer(btcpayUrl);
  const rules: [boolean, string, string][] = [
    [isOtherPaypal, 'PAYPAL_API_URL', `production pays through ${LIVE_PAYPAL_URL} alone`],
    [
      isOtherHost,
      'PAYPAL_CERT_HOSTS',
      `production trusts the certificates of ${LIVE_PAYPAL_CERT_HOST} alone`,
    ],
    [
      isUnsafe,
      'BTCPAY_API_URL',
      'production pays through a server over TLS, not on this machine and not for test coins',
    ],
  ];
  return rules.filter(([isFault]) => isFault).map(([, name, message]) => [name, message]);
}

/** PayPal's settings; null where it is not configured. */
export function paypalOf(env: Variables): PaypalSettings | null {
  const { PAYPAL_API_URL: apiUrl, PAYPAL_CLIENT_ID: clientId } = env;
  const { PAYPAL_CLIENT_SECRET: clientSecret, PAYPAL_WEBHOOK_ID: webhookIds } = env;
  const { PAYPAL_CERT_HOSTS: certHosts } = env;
  if (apiUrl === undefined || certHosts === undefined || webhookIds === undefined) return null;
  if (clientId === undefined || clientSecret === undefined) return null;
  const isLive = apiUrl === LIVE_PAYPAL_URL;
  return { apiUrl, clientId, clientSecret, webhookIds, certHosts, isLive };
}

/** BTCPay's settings; null where it is not configured. */
export function btcpayOf(env: Variables & { ENVIRONMENT: string }): BtcpaySettings | null {
  const { BTCPAY_API_URL: apiUrl, BTCPAY_API_KEY: apiKey, BTCPAY_STORE_ID: storeId } = env;
  const { BTCPAY_WEBHOOK_SECRETS: webhookSecrets } = env;
  if (apiUrl === undefined || apiKey === undefined) return null;
  if (storeId === undefined || webhookSecrets === undefined) return null;
  return { apiUrl, apiKey, storeId, webhookSecrets, isLive: env.ENVIRONMENT === 'production' };
}

function isPublicServer(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  const isHere =
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '0.0.0.0' ||
    hostname.startsWith('127.') ||
    hostname.startsWith('[');
  const isForTests = /(^|[.-])(testnet|signet|regtest|sandbox)([.-]|$)/.test(hostname);
  return protocol === 'https:' && !isHere && !isForTests;
}
