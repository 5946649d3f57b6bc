/**
 * The store of a member's object over its SQLite. The schema is made with the first rights that billing pushes, so that
 * the object of a member without a plan stays empty. It writes what it is told and decides nothing. Called by
 * the member's object.
 */
import type { MembershipStore } from '../../application/membership/membership-store.ts';
import type { Entitlements } from '../../contracts/membership-rpc.ts';
import type { ReservationState } from '../../domain/membership/reservation-machine.ts';
import type { Reservation } from '../../domain/membership/reservation.ts';
import { MEMBERSHIP_MIGRATIONS } from './membership-migrations.ts';
import { hasSchema, migrateShard } from './migrate-shard.ts';

/** The columns of a reservation as they are read. */
type ReservationRow = Record<string, SqlStorageValue> & {
  id: string;
  call_id: string;
  plan_group: string;
  period_start_ms: number;
  state: string;
  shard_key: string;
  bookings: number;
  minutes: number;
  included: number;
  overage: number;
  guest_passes: number;
  reserved_at_ms: number;
  valid_until_ms: number;
  due_at_ms: number | null;
  terms: string;
};

/** What of a reservation no statement looks at. */
type Terms = Pick<Reservation, 'countsGuests' | 'overagePrice'> &
  Pick<Reservation['ask'], 'slots' | 'guests' | 'minutes'>;

/** Many rows in one statement: all are written, or none. */
const SAVE_RESERVATIONS = `
  INSERT INTO reservation (id, call_id, plan_group, period_start_ms, state, shard_key, bookings, minutes, included,
    overage, guest_passes, reserved_at_ms, valid_until_ms, due_at_ms, terms)
  SELECT value ->> 'id', value ->> 'callId', value ->> 'group', value ->> 'periodStartMs', value ->> 'state',
    value ->> '$.ask.shardKey', value ->> '$.uses.bookings', value ->> '$.uses.minutes', value ->> '$.uses.included',
    value ->> '$.uses.overage', value ->> '$.uses.guestPasses', value ->> 'reservedAtMs', value ->> 'validUntilMs',
    value ->> 'dueAtMs', value -> 'terms'
  FROM json_each(?) WHERE true
  ON CONFLICT (id) DO UPDATE SET plan_group = excluded.plan_group, period_start_ms = excluded.period_start_ms,
    state = excluded.state, shard_key = excluded.shard_key, bookings = excluded.bookings, minutes = excluded.minutes,
    included = excluded.included, overage = excluded.overage, guest_passes = excluded.guest_passes,
    reserved_at_ms = excluded.reserved_at_ms, valid_until_ms = excluded.valid_until_ms,
    due_at_ms = excluded.due_at_ms, terms = excluded.terms`;

/** The store; brings a schema that is there up to date. */
export function createMembershipStore(storage: DurableObjectStorage): MembershipStore {
  const { sql } = storage;
  let isReady = hasSchema(sql);
  if (isReady) migrateShard(storage, MEMBERSHIP_MIGRATIONS);
  return {
    entitlements: () =>
      isReady
        ? sql
            .exec<{ body: string }>('SELECT body FROM entitlement ORDER BY plan_group')
            .toArray()
            .map(({ body }) => JSON.parse(body) as Entitlements)
        : [],
    reservations: () =>
      isReady
        ? sql
            .exec<ReservationRow>('SELECT * FROM reservation ORDER BY seq')
            .toArray()
            .map(reservationFromRow)
        : [],
    saveEntitlements(entitlements) {
      if (!isReady) migrateShard(storage, MEMBERSHIP_MIGRATIONS);
      isReady = true;
      sql.exec(
        `INSERT INTO entitlement (plan_group, version, body) VALUES (?, ?, ?)
         ON CONFLICT (plan_group) DO UPDATE SET version = excluded.version, body = excluded.body`,
        entitlements.group,
        entitlements.version,
        JSON.stringify(entitlements),
      );
    },
    saveReservations(reservations) {
      const rows = reservations.map((reservation) => ({
        ...reservation,
        terms: termsOf(reservation),
      }));
      sql.exec(SAVE_RESERVATIONS, JSON.stringify(rows));
    },
    forgetReservations(ids) {
      sql.exec(
        'DELETE FROM reservation WHERE id IN (SELECT value FROM json_each(?))',
        JSON.stringify(ids),
      );
    },
  };
}

function termsOf({ ask, countsGuests, overagePrice }: Reservation): Terms {
  const { slots, guests, minutes } = ask;
  return { slots, guests, minutes, countsGuests, overagePrice };
}

/** The schema's CHECKs vouch for the values. */
function reservationFromRow(row: ReservationRow): Reservation {
  const { countsGuests, overagePrice, ...asked } = JSON.parse(row.terms) as Terms;
  return {
    id: row.id,
    callId: row.call_id,
    group: row.plan_group,
    periodStartMs: row.period_start_ms,
    state: row.state as ReservationState,
    ask: { shardKey: row.shard_key, ...asked },
    uses: {
      bookings: row.bookings,
      minutes: row.minutes,
      included: row.included,
      overage: row.overage,
      guestPasses: row.guest_passes,
    },
    countsGuests,
    overagePrice,
    reservedAtMs: row.reserved_at_ms,
    validUntilMs: row.valid_until_ms,
    dueAtMs: row.due_at_ms,
  };
}
