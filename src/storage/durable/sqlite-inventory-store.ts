/**
 * A shard's storage: all SQL of the inventory shard. Synchronous throughout; transactions are the caller's.
 * Called by the shard's commands alone. The guards in the schema refuse what these statements must never do.
 */
import type { InventoryStore, LiveClaim } from '../../application/inventory-store.ts';
import { bookingDueAtMs } from '../../domain/booking/attendance.ts';
import type { Booking } from '../../domain/booking/booking.ts';
import type { Hold } from '../../domain/hold/hold.ts';
import type { ProviderCard, ResourceCard, ServiceCard } from '../../domain/inventory/cards.ts';
import type { Claim } from '../../domain/inventory/claim.ts';
import { operationStore, savePayment } from './sqlite-money-store.ts';
import { recordStore, type SqlAccess } from './sqlite-record-store.ts';
import { scheduleStore } from './sqlite-schedule-store.ts';
import { waitlistStore } from './sqlite-waitlist-store.ts';
import { CLAIM_COLUMNS, claimFromValues, paymentFromRow, type Row } from './inventory-rows.ts';

const OPEN_WORK = `
  SELECT booking_id FROM operation WHERE state IN ('requested', 'pending', 'unknown')
  UNION
  SELECT booking_id FROM payment WHERE state IN ('created', 'action_required', 'pending', 'authorized', 'capturing')
  UNION
  SELECT booking_id FROM dispute WHERE state IN ('inquiry', 'open', 'under_review')`;

/** What cards of old do not have. */
type LaterTerms = 'maxPerCustomerPerDay' | 'guestCommissionBps' | 'memberCommissionBps';

/** Builds the store over the SQL of a Durable Object whose schema is up to date. */
export function createSqliteInventoryStore(sql: SqlStorage): InventoryStore {
  const all = (statement: string, ...values: SqlStorageValue[]): Row[] =>
    sql.exec<Row>(statement, ...values).toArray();
  const one = (statement: string, ...values: SqlStorageValue[]): Row | null =>
    all(statement, ...values)[0] ?? null;
  const run = (statement: string, ...values: SqlStorageValue[]): void => {
    sql.exec(statement, ...values);
  };
  return {
    ...catalogueStore({ all, one, run, sql }),
    ...holdStore({ all, one, run, sql }),
    ...claimStore({ all, one, run, sql }),
    ...bookingStore({ all, one, run, sql }),
    ...paymentStore({ all, one, run, sql }),
    ...operationStore({ all, one, run, sql }),
    ...scheduleStore({ all, one, run, sql }),
    ...waitlistStore({ all, one, run, sql }),
    ...recordStore({ all, one, run, sql }),
  };
}

type CatalogueMethods =
  | 'provider'
  | 'saveProvider'
  | 'resources'
  | 'services'
  | 'saveResource'
  | 'saveService';

function catalogueStore({ all, one, run }: SqlAccess): Pick<InventoryStore, CatalogueMethods> {
  return {
    provider() {
      const row = one('SELECT shard_key, card FROM provider');
      return row === null
        ? null
        : { shardKey: row['shard_key'] as string, card: fromJson<ProviderCard>(row['card']) };
    },
    saveProvider(shardKey, card) {
      run(
        'INSERT INTO provider (shard_key, card) VALUES (?, ?) ON CONFLICT (shard_key) DO UPDATE SET card = excluded.card',
        shardKey,
        JSON.stringify(card),
      );
    },
    resources: () =>
      all('SELECT card FROM resource').map(({ card }) => fromJson<ResourceCard>(card)),
    services: () => all('SELECT card FROM service').map(({ card }) => serviceFromCard(card)),
    saveResource(card) {
      run(
        `INSERT INTO resource (id, capacity, has_units, card) VALUES (?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET card = excluded.card`,
        card.id,
        card.capacity,
        card.units === null ? 0 : 1,
        JSON.stringify(card),
      );
    },
    saveService(card) {
      run(
        'INSERT INTO service (id, card) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET card = excluded.card',
        card.id,
        JSON.stringify(card),
      );
    },
  };
}

type HoldMethods = 'hold' | 'saveHold' | 'liveHolds' | 'holdsOfGrant';
type ClaimMethods = 'insertClaims' | 'holdsOfSlot' | 'claimsOf' | 'endClaims' | 'liveClaims';

function holdStore({ all, one, run, sql }: SqlAccess): Pick<InventoryStore, HoldMethods> {
  return {
    hold(id) {
      const row = one('SELECT body FROM hold WHERE id = ?', id);
      return row === null ? null : toHold(row);
    },
    saveHold(hold) {
      run(
        `INSERT INTO hold (id, state, caller_id, expires_at_ms, booking_id, is_over, grant_id, quota_state, coupon_grant_id,
           coupon_state, body)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, expires_at_ms = excluded.expires_at_ms,
           booking_id = excluded.booking_id, is_over = excluded.is_over, quota_state = excluded.quota_state, coupon_state = excluded.coupon_state,
           body = excluded.body`,
        hold.id,
        hold.state,
        hold.callerId,
        hold.expiresAtMs,
        hold.bookingId,
        hold.isOver ? 1 : 0,
        hold.quota?.grantId ?? null,
        hold.quota?.state ?? null,
        hold.coupon?.grantId ?? null,
        hold.coupon?.state ?? null,
        JSON.stringify(hold),
      );
    },
    holdsOfGrant: (grantId) =>
      all(
        'SELECT body FROM hold WHERE grant_id = ?1 UNION ALL SELECT body FROM hold WHERE coupon_grant_id = ?1',
        grantId,
      ).map(toHold),
    *liveHolds() {
      for (const row of sql.exec<Row>(
        "SELECT body FROM hold WHERE state IN ('active', 'closing', 'committed') AND is_over = 0",
      )) {
        yield toHold(row);
      }
    },
  };
}

function claimStore({ all, run, sql }: SqlAccess): Pick<InventoryStore, ClaimMethods> {
  return {
    insertClaims(holdId, claims) {
      for (const claim of claims) {
        run(
          `INSERT INTO claim (hold_id, slot_id, resource_id, unit, quantity, slot_quantity, fare_id, start_at_ms,
             end_at_ms, is_live)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
          holdId,
          claim.slotId,
          claim.resourceId,
          claim.unit ?? '',
          claim.quantity,
          claim.slotQuantity,
          claim.fareId ?? '',
          claim.span.startAtMs,
          claim.span.endAtMs,
        );
      }
    },
    claimsOf(holdId): Claim[] {
      const rows = sql.exec(
        `SELECT ${CLAIM_COLUMNS} FROM claim WHERE hold_id = ? AND is_live = 1`,
        holdId,
      );
      return [...rows.raw()].map(claimFromValues);
    },
    endClaims(holdId, slotIds) {
      const ofHold = 'UPDATE claim SET is_live = 0 WHERE hold_id = ? AND is_live = 1';
      if (slotIds === undefined) return run(ofHold, holdId);
      const some = `${ofHold} AND slot_id IN (SELECT value FROM json_each(?))`;
      run(some, holdId, JSON.stringify(slotIds));
    },
    holdsOfSlot: (slotId) =>
      all(
        'SELECT hold_id FROM claim WHERE slot_id = ? AND is_live = 1 GROUP BY hold_id ORDER BY min(id)',
        slotId,
      ).map((row) => row['hold_id'] as string),
    *liveClaims(): Iterable<LiveClaim> {
      const rows = sql.exec(
        `SELECT ${CLAIM_COLUMNS}, hold.id, hold.state FROM hold JOIN claim ON claim.hold_id = hold.id
         WHERE hold.state IN ('active', 'closing', 'committed') AND hold.is_over = 0 AND claim.is_live = 1`,
      );
      for (const values of rows.raw()) {
        const [holdId, state] = values.slice(-2);
        const claim = claimFromValues(values);
        yield { holdId: holdId as string, claim, isHold: state !== 'committed' };
      }
    },
  };
}

type BookingMethods = 'booking' | 'saveBooking' | 'dueBookings';
type PaymentMethods =
  | 'payment'
  | 'currentPayment'
  | 'paymentsOf'
  | 'savePayment'
  | 'bookingsWithWork'
  | 'duePayments';

function bookingStore({ all, one, run }: SqlAccess): Pick<InventoryStore, BookingMethods> {
  return {
    booking(id) {
      const row = one('SELECT body FROM booking WHERE id = ?', id);
      return row === null ? null : fromJson<Booking>(row['body']);
    },
    saveBooking(booking) {
      run(
        `INSERT INTO booking (id, state, hold_id, customer_id, due_at_ms, version, body)
         VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, hold_id = excluded.hold_id,
           due_at_ms = excluded.due_at_ms, version = excluded.version, body = excluded.body`,
        booking.id,
        booking.state,
        booking.holdId,
        booking.customerId,
        bookingDueAtMs(booking),
        booking.version,
        JSON.stringify(booking),
      );
    },
    dueBookings: () =>
      all('SELECT id, due_at_ms FROM booking WHERE due_at_ms IS NOT NULL').map((row) => ({
        bookingId: row['id'] as string,
        dueAtMs: row['due_at_ms'] as number,
      })),
  };
}

function paymentStore({ all, one, run }: SqlAccess): Pick<InventoryStore, PaymentMethods> {
  return {
    payment(id) {
      const row = one('SELECT * FROM payment WHERE id = ?', id);
      return row === null ? null : paymentFromRow(row);
    },
    currentPayment(bookingId) {
      const row = one(
        `SELECT * FROM payment WHERE booking_id = ? AND purpose = 'sale' ORDER BY
           state IN ('created', 'action_required', 'pending', 'authorized', 'capturing', 'captured', 'refunded') DESC,
           attempt DESC LIMIT 1`,
        bookingId,
      );
      return row === null ? null : paymentFromRow(row);
    },
    paymentsOf: (bookingId) =>
      all('SELECT * FROM payment WHERE booking_id = ? ORDER BY attempt', bookingId).map(
        paymentFromRow,
      ),
    savePayment: (payment) => savePayment(run, payment),
    bookingsWithWork(nowMs, limit) {
      const rows =
        nowMs === null
          ? all(`SELECT booking_id FROM (${OPEN_WORK}) LIMIT ?`, limit)
          : all(
              'SELECT DISTINCT booking_id FROM payment WHERE due_at_ms <= ? ORDER BY due_at_ms LIMIT ?',
              nowMs,
              limit,
            );
      return rows.map((row) => row['booking_id'] as string);
    },
    duePayments: () =>
      all('SELECT booking_id, due_at_ms FROM payment WHERE due_at_ms IS NOT NULL').map((row) => ({
        bookingId: row['booking_id'] as string,
        dueAtMs: row['due_at_ms'] as number,
      })),
  };
}

/** A hold that was written before quota was kept has taken none. */
function toHold(row: Row): Hold {
  return {
    quota: null,
    ...fromJson<Omit<Hold, 'quota'> & Partial<Pick<Hold, 'quota'>>>(row['body']),
  };
}

/** A card from before there were rates by booker says one for everybody. */
function serviceFromCard(card: SqlStorageValue | undefined): ServiceCard {
  return {
    maxPerCustomerPerDay: null,
    guestCommissionBps: null,
    memberCommissionBps: null,
    ...fromJson<Omit<ServiceCard, LaterTerms> & Partial<Pick<ServiceCard, LaterTerms>>>(card),
  };
}

function fromJson<T>(text: SqlStorageValue | undefined): T {
  return JSON.parse(text as string) as T;
}
