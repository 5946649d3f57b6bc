/**
 * The signature of PayPal's webhooks. Owns the headers' form; must never change the body.
 * Source: PayPal developer documentation, "Verify webhook signatures".
 */
import { createHash, sign } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { SigningCertificate } from './certificate.ts';

/** Retries go on for three days, and carry the first transmission's id and time for as long. */
const RETRIED_MS = 3 * 86_400_000;

/** One transmission: `createdAtMs` is the event's, `nowMs` the start clock. */
export interface Transmission {
  readonly eventId: string;
  readonly createdAtMs: number;
  readonly nowMs: number;
  readonly body: string;
}

/** Whom and where the signature belongs to. */
export interface Signer {
  readonly certificate: SigningCertificate;
  readonly certificateUrl: string;
  readonly webhookId: string;
}

/** The five headers a receiver checks: RSA over id, time, the webhook's id and the body's CRC-32. */
export function signatureHeaders(
  signer: Signer,
  transmission: Transmission,
): Record<string, string> {
  const { eventId, createdAtMs, nowMs, body } = transmission;
  const atMs = nowMs - createdAtMs > RETRIED_MS ? nowMs : createdAtMs;
  const time = new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const id = uuidOf(`${eventId} ${time}`);
  const message = `${id}|${time}|${signer.webhookId}|${String(crc32(body))}`;
  const signature = sign('sha256', Buffer.from(message), signer.certificate.privateKey);
  return {
    'paypal-auth-algo': 'SHA256withRSA',
    'paypal-auth-version': 'v2',
    'paypal-cert-url': signer.certificateUrl,
    'paypal-transmission-id': id,
    'paypal-transmission-sig': signature.toString('base64'),
    'paypal-transmission-time': time,
  };
}

function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return [...parts, hex.slice(20, 32)].join('-');
}
