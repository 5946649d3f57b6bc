/**
 * Reads PayPal's events: checks the signature over the raw body with the certificate that PayPal names, and says which
 * payment the event is about. It never hands out the object itself: what an event says is fetched again before it is
 * believed.
 */
import type { WebhookEvent } from '../../application/ports.ts';
import { DAY_MS, MINUTE_MS, type EpochMs } from '../../domain/time.ts';
import { readCertificate, type Certificate } from './certificate.ts';
import { crc32 } from './crc32.ts';
import { eventReferenceOf, orderRefOf } from './events.ts';
import { eventSchema } from './wire.ts';

/**
 * How old a transmission may be: PayPal sends an event again for three days and may keep its first time. What is sent twice
 * within this is told apart by the event's id.
 */
export const TRANSMISSION_AGE_MS_MAX = 4 * DAY_MS;

/** How far ahead of ours PayPal's clock may be. */
export const TRANSMISSION_AHEAD_MS_MAX = 5 * MINUTE_MS;

/** The only algorithm that is accepted: a header must not choose a weaker one. */
const ALGORITHM = 'SHA256withRSA';

/** Where PayPal keeps its certificates. */
const CERTIFICATE_PATH = '/v1/notifications/certs/';

const CERTIFICATE_TIMEOUT_MS = 5_000;

/** PayPal signs with one certificate at a time; a few are kept while it changes them. */
const CERTIFICATES_MAX = 8;

/** A longer text is no certificate. */
const CERTIFICATE_LENGTH_MAX = 32_768;

/** Whose certificates are PayPal's own. */
const SIGNER_NAME = /(^|\.)paypal\.com$/;

/** What an event is checked against. */
export interface PaypalWebhookConfig {
  /** Outside production the certificates may be below the path of this address. */
  readonly apiUrl: string;
  /** Ids of our webhooks, which PayPal signs with each event: another account's events have another. */
  readonly webhookIds: readonly string[];
  /** Hosts, with their ports, that a certificate may come from; in production `api.paypal.com` alone. */
  readonly certHosts: readonly string[];
  readonly isLive: boolean;
  /** Overrides the platform's fetch. */
  readonly fetch?: typeof fetch;
}

/** Thrown where a certificate could not be had: the event is sent again, and may be genuine. */
export class CertificateUnavailable extends Error {
  override readonly name = 'CertificateUnavailable';
}

interface Incoming {
  readonly rawBody: string;
  readonly headers: { get(name: string): string | null };
  readonly nowMs: EpochMs;
}

/**
 * A reader of webhook requests.
 * Errors: null for a missing, malformed, stale, future or wrong signature, for a certificate from elsewhere or out of its
 * time, and for a body that is no event. Throws CertificateUnavailable where PayPal's certificate cannot be fetched.
 * Source: PayPal documentation, "Integrate webhooks", "Verify the webhook signature".
 */
export function createWebhookReader(config: PaypalWebhookConfig) {
  const certificates = new Map<string, Certificate>();

  async function certificateAt(url: URL): Promise<Certificate | null> {
    const known = certificates.get(url.href);
    if (known !== undefined) return known;
    const certificate = readCertificate(await fetchText(config, url));
    if (certificate === null) return null;
    if (certificates.size >= CERTIFICATES_MAX) certificates.clear();
    certificates.set(url.href, certificate);
    return certificate;
  }

  return async function readWebhook(request: Incoming): Promise<WebhookEvent | null> {
    const signed = readHeaders(request);
    if (signed === null) return null;
    const url = certificateUrl(config, signed.certUrl);
    if (url === null) return null;
    const certificate = await certificateAt(url);
    if (certificate === null || !isTrusted(config, certificate, request.nowMs)) return null;
    const isGenuine = await isSigned(config, certificate, { ...signed, body: request.rawBody });
    return isGenuine ? toWebhookEvent(request.rawBody) : null;
  };
}

interface Signed {
  readonly id: string;
  readonly time: string;
  readonly signature: Uint8Array<ArrayBuffer>;
  readonly certUrl: string;
}

function readHeaders({ headers, nowMs }: Incoming): Signed | null {
  const id = headers.get('paypal-transmission-id');
  const time = headers.get('paypal-transmission-time');
  const signature = bytesOf(headers.get('paypal-transmission-sig'));
  const certUrl = headers.get('paypal-cert-url');
  if (id === null || time === null || signature === null || certUrl === null) return null;
  if (headers.get('paypal-auth-algo') !== ALGORITHM || id.includes('|')) return null;
  return isTimely(time, nowMs) ? { id, time, signature, certUrl } : null;
}

function isTimely(time: string, nowMs: EpochMs): boolean {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(time)) return false;
  const ageMs = nowMs - Date.parse(time);
  return ageMs <= TRANSMISSION_AGE_MS_MAX && ageMs >= -TRANSMISSION_AHEAD_MS_MAX;
}

/** The address of a certificate, if it is one that PayPal would have; anybody can write this header. */
function certificateUrl(config: PaypalWebhookConfig, text: string): URL | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  if (!config.certHosts.includes(url.host) || url.username !== '' || url.password !== '') {
    return null;
  }
  const isLoopback = url.hostname === '127.0.0.1' || url.hostname === 'localhost';
  const isPlain = url.protocol === 'http:' && isLoopback && !config.isLive;
  if (url.protocol !== 'https:' && !isPlain) return null;
  const base = config.isLive ? '' : new URL(config.apiUrl).pathname.replace(/\/+$/, '');
  const paths = [CERTIFICATE_PATH, `${base}${CERTIFICATE_PATH}`];
  return paths.some((path) => url.pathname.startsWith(path)) ? url : null;
}

async function fetchText(config: PaypalWebhookConfig, url: URL): Promise<string> {
  const fetchIt = config.fetch ?? ((input, init) => fetch(input, init));
  try {
    const response = await fetchIt(url.href, {
      signal: AbortSignal.timeout(CERTIFICATE_TIMEOUT_MS),
      redirect: 'manual',
    });
    if (response.status === 404) return '';
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    const text = await response.text();
    return text.length > CERTIFICATE_LENGTH_MAX ? '' : text;
  } catch (error) {
    throw new CertificateUnavailable('the certificate of an event cannot be fetched', {
      cause: error,
    });
  }
}

function isTrusted(
  { isLive }: PaypalWebhookConfig,
  { commonName, notBeforeMs, notAfterMs }: Certificate,
  nowMs: EpochMs,
): boolean {
  if (nowMs < notBeforeMs || nowMs > notAfterMs) return false;
  return !isLive || SIGNER_NAME.test(commonName ?? '');
}

/** Any of our webhooks may have been meant, while one replaces another. */
async function isSigned(
  { webhookIds }: PaypalWebhookConfig,
  { publicKeyInfo }: Certificate,
  signed: Signed & { readonly body: string },
): Promise<boolean> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const key = await crypto.subtle
    .importKey('spki', publicKeyInfo, algorithm, false, ['verify'])
    .catch(() => null); // A key of another kind.
  if (key === null) return false;
  const checksum = crc32(new TextEncoder().encode(signed.body));
  for (const webhookId of webhookIds) {
    const text = `${signed.id}|${signed.time}|${webhookId}|${checksum}`;
    const bytes = new TextEncoder().encode(text);
    if (await crypto.subtle.verify(algorithm.name, key, signed.signature, bytes)) return true;
  }
  return false;
}

/** The event in the port's words; null when a needed field is missing. */
function toWebhookEvent(rawBody: string): WebhookEvent | null {
  const event = eventSchema.safeParse(parsed(rawBody));
  if (!event.success) return null;
  return {
    dedupeKey: event.data.id,
    type: event.data.event_type,
    objectRef: orderRefOf(event.data),
    reference: eventReferenceOf(event.data),
    // The id of our webhook is signed, and it belongs to one account in one mode.
    isExpected: true,
    occurredAtMs: event.data.create_time,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function bytesOf(base64: string | null): Uint8Array<ArrayBuffer> | null {
  if (base64 === null || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return null;
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}
