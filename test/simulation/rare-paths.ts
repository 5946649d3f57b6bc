/** Paths that a run must have taken to be worth its name, found in what is left after a history. */
import type { World } from './world.ts';

/** All of them; a full run that misses one fails. */
export const RARE_PATHS: readonly string[] = [
  'a call was resumed after a crash',
  'a closing hold expired',
  'a closing hold was paid for',
  'a crash in the middle of calls',
  'a grant was never used',
  'a key was in progress',
  'a late claim was confirmed',
  'a lost call arrived late',
  'a message of the queue was lost',
  'a plan paid for a slot',
  'a plan was used up',
  'a refund took its time',
  'a second attempt paid after a decline',
  'a stored fault was tried again under a new key',
  'an answer was replayed',
  'an event was delivered twice',
  'an orphan was voided',
  'another method took over',
  'capture was refused for good',
  'late money went back',
  'less than what was due went back',
  'overage was paid for',
  'quota went back with a booking',
  'reserved funds were released',
  'the sweep handled an event',
];

/** The rare paths that a history took, by what it left behind. */
export function rarePathsOf({ shop, processors }: World): string[] {
  const { sql, store } = shop.shard;
  const exists = (statement: string): boolean => sql.rows(statement).length > 0;
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
    'late money went back': exists("SELECT 1 FROM refund WHERE reason = 'no slot for this money'"),
    'less than what was due went back': exists(
      "SELECT 1 FROM refund WHERE reason = 'less than what is due'",
    ),
    'a stored fault was tried again under a new key': exists(
      "SELECT 1 FROM operation WHERE lost_to = 'server_error' AND state = 'declined'",
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
