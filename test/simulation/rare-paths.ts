/** Paths that a run must have taken to be worth its name, found in what is left after a history. */
import type { World } from './world.ts';

/** All of them; a full run that misses one fails. */
export const RARE_PATHS: readonly string[] = [
  'a call was resumed after a crash',
  'a booking was ended by a dispute',
  'a closing hold expired',
  'a closing hold was paid for',
  'a crash in the middle of calls',
  'a grant was never used',
  'a key was in progress',
  'a late claim was confirmed',
  'a lost call arrived late',
  'a lost refund was looked up',
  'a message of the queue was lost',
  'a plan paid for a slot',
  'a plan was used up',
  'a refund made by hand was found',
  'a refund took its time',
  'a refund waited for its payer to fetch it',
  'a second attempt paid after a decline',
  'a stored fault was tried again under a new key',
  'a request found its slot taken',
  'a request was approved',
  'a request was declined',
  'nobody answered a request',
  'a course was pledged for',
  'too few pledged for a course',
  'funds were reserved anew',
  'an answer was replayed',
  'an event was delivered twice',
  'an order was approved too late',
  'an orphan was voided',
  'another method took over',
  'capture was refused for good',
  'late money went back',
  'less than what was due went back',
  'more than what was due went back',
  'overage was paid for',
  'quota went back with a booking',
  'a refund of more than was left was refused',
  'reserved funds were released',
  'the sweep handled an event',
];

const GRANTED =
  "SELECT 1 FROM booking WHERE json_extract(body, '$.approval.isGranted') AND state = 'confirmed' AND json_extract(body, '$.approval.kind') = ?";

const REQUEST_ENDED =
  "SELECT 1 FROM chain_event WHERE from_state = 'awaiting_approval' AND reason = ?";

/** The rare paths that a history took, by what it left behind. */
export function rarePathsOf({ shop, processors }: World): string[] {
  const { sql, store } = shop.shard;
  const exists = (statement: string, ...values: string[]): boolean =>
    sql.rows(statement, ...values).length > 0;
  const reservations = [...shop.members.all().values()].flatMap((one) => one.reservations());
  const found: Record<string, boolean> = {
    'a grant was never used': reservations.some(
      ({ id, state }) => state === 'returned' && store.holdsOfGrant(id).length === 0,
    ),
    'overage was paid for': reservations.some(
      ({ state, uses }) => state === 'kept' && uses.overage > 0,
    ),
    'a late claim was confirmed': exists(
      "SELECT 1 FROM booking WHERE json_extract(body, '$.isLate') AND state = 'confirmed'",
    ),
    'a request found its slot taken': exists(REQUEST_ENDED, 'the slot is taken'),
    'a request was declined': exists(REQUEST_ENDED, 'no teacher'),
    'nobody answered a request': exists(REQUEST_ENDED, 'nobody approved it in time'),
    'too few pledged for a course': exists(REQUEST_ENDED, 'too few had pledged'),
    'a request was approved': exists(GRANTED, 'decision'),
    'a course was pledged for': exists(GRANTED, 'pledge'),
    'funds were reserved anew': exists(
      "SELECT 1 FROM chain_event WHERE type = 'booking.awaiting_approval' AND reason = 'pledged' AND (SELECT count(*) FROM payment WHERE booking_id = entity_id AND authorized_minor > 0) > 1",
    ),
    'late money went back': exists("SELECT 1 FROM refund WHERE reason = 'no slot for this money'"),
    'less than what was due went back': exists(
      "SELECT 1 FROM refund WHERE reason = 'less than what is due'",
    ),
    'a stored fault was tried again under a new key': exists(
      "SELECT 1 FROM operation WHERE lost_to = 'server_error' AND state = 'declined'",
    ),
    'more than what was due went back': exists(
      "SELECT 1 FROM refund WHERE reason = 'more than what is due'",
    ),
    'a refund made by hand was found': exists('SELECT 1 FROM refund WHERE is_external'),
    'a refund waited for its payer to fetch it': exists(
      "SELECT 1 FROM refund WHERE claim_url IS NOT NULL AND state = 'succeeded'",
    ),
    'a booking was ended by a dispute': exists(
      "SELECT 1 FROM chain_event WHERE type = 'booking.cancelled' AND reason = 'dispute lost'",
    ),
    'a lost refund was looked up': processors.some(({ calls }) =>
      calls.some(({ kind }) => kind === 'find_refund'),
    ),
    'an order was approved too late': processors.some(({ calls, objects }) =>
      [...objects.values()].some(
        ({ ref, state, wasApproved }) =>
          wasApproved &&
          state === 'voided' &&
          !calls.some((call) => call.kind === 'authorize' && call.ref === ref),
      ),
    ),
    'another method took over': exists(
      "SELECT 1 FROM payment WHERE attempt > 1 AND state = 'captured' AND EXISTS (SELECT 1 FROM payment AS old WHERE old.booking_id = payment.booking_id AND old.state = 'voided')",
    ),
    'a second attempt paid after a decline': exists(
      "SELECT 1 FROM payment WHERE attempt > 1 AND state = 'captured' AND EXISTS (SELECT 1 FROM payment AS old WHERE old.booking_id = payment.booking_id AND old.state = 'failed')",
    ),
    'a closing hold was paid for': exists(
      "SELECT 1 FROM chain_event WHERE from_state = 'closing' AND to_state = 'committed'",
    ),
    'a closing hold expired': exists(
      "SELECT 1 FROM chain_event WHERE from_state = 'closing' AND to_state = 'expired'",
    ),
    'capture was refused for good': exists(
      "SELECT 1 FROM chain_event WHERE from_state = 'capturing' AND to_state = 'failed'",
    ),
    'a plan paid for a slot': exists(
      "SELECT 1 FROM hold WHERE quota_state = 'kept' AND body ->> '$.quota.shares' LIKE '%\"included\":1%'",
    ),
    'quota went back with a booking': exists(
      "SELECT 1 FROM hold WHERE quota_state = 'returned' AND id IN (SELECT entity_id FROM chain_event WHERE from_state = 'committed')",
    ),
    'a refund took its time': exists("SELECT 1 FROM chain_event WHERE type = 'refund.pending'"),
    'reserved funds were released': processors.some(({ objects }) =>
      [...objects.values()].some((one) => one.authorizedMinor > 0 && one.state === 'voided'),
    ),
  };
  return Object.entries(found).flatMap(([path, isFound]) => (isFound ? [path] : []));
}
