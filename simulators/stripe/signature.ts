/**
 * The signature of Stripe's webhooks. Owns the header's form; must never see a decoded body.
 * Source: Stripe documentation, "Verify webhook signatures manually".
 */
import { createHmac } from 'node:crypto';

/**
 * `Stripe-Signature` over `${t}.${body}`, one v1 per secret (the current one first), keyed with the
 * whole `whsec_…` text. `atSeconds` is the start clock.
 */
export function signatureHeader(
  body: string,
  atSeconds: number,
  secrets: readonly string[],
): string {
  const signed = `${String(atSeconds)}.${body}`;
  const signatures = secrets.map(
    (secret) => `v1=${createHmac('sha256', secret).update(signed, 'utf8').digest('hex')}`,
  );
  return [`t=${String(atSeconds)}`, ...signatures].join(',');
}
