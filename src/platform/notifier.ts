/**
 * Hands notices for members, manage links for whoever booked and offers for those who wait to whatever writes to them
 * (mail, push): one signed POST each. It must never log what it sends. Made by the composition root for the senders.
 */
import { createHmac } from 'node:crypto';
import type { MemberNotice } from '../application/billing/send-notices.ts';
import type { LinkNotice } from '../application/look-up-booking.ts';
import type { OfferNotice } from '../application/waitlist/tell-offers.ts';
import type { Clock, Logger } from '../application/ports.ts';
import { errorText } from '../domain/assert.ts';
import { SECOND_MS } from '../domain/time.ts';
import type { NotificationSettings } from './settings.ts';

/** The receiver has this long; the notice is sent again later. */
const TIMEOUT_MS = 5 * SECOND_MS;

/** `t=<seconds>,v1=<hex>`: HMAC-SHA-256 under the shared secret over `<seconds>.<body>`. */
export const NOTICE_SIGNATURE_HEADER = 'Holdfast-Signature';

/** Null when the receiver took the notice (2xx), else why not. */
export type Notifier = (notice: MemberNotice | LinkNotice | OfferNotice) => Promise<string | null>;

/** The notifier of a deployment. Without a receiver a notice is noted in the log and counts as taken. */
export function createNotifier(
  settings: NotificationSettings | null,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Notifier {
  return async (notice) => {
    if (settings !== null) return post(settings, clock, notice);
    const entityId = entityOf(notice);
    log.info('notice.unsent', { type: notice.kind, entityId });
    return null;
  };
}

function entityOf(notice: MemberNotice | LinkNotice | OfferNotice): string {
  if ('waitlistId' in notice) return notice.waitlistId;
  return 'bookingId' in notice ? notice.bookingId : notice.subscriptionId;
}

async function post(
  { url, secret }: NotificationSettings,
  clock: Clock,
  notice: MemberNotice | LinkNotice | OfferNotice,
): Promise<string | null> {
  const body = JSON.stringify(notice);
  const atSeconds = Math.floor(clock.nowMs() / SECOND_MS);
  const signature = createHmac('sha256', secret).update(`${atSeconds}.${body}`, 'utf8');
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        [NOTICE_SIGNATURE_HEADER]: `t=${atSeconds},v1=${signature.digest('hex')}`,
      },
      body,
      // A redirect would carry the notice to where nobody configured it.
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.ok ? null : `answered ${response.status}`;
  } catch (error) {
    return errorText(error);
  }
}
