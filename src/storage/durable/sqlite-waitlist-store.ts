/** The SQL of waiting lines. Part of the inventory store. */
import type { WaitlistStore } from '../../application/waitlist/waitlist-store.ts';
import type { WaitlistEntry } from '../../domain/waitlist/waitlist.ts';
import { required } from '../../domain/assert.ts';
import type { Row } from './inventory-rows.ts';
import type { SqlAccess } from './sqlite-record-store.ts';

/** Builds the part over the SQL of a Durable Object whose schema is up to date. */
export function waitlistStore({ all, one, run }: SqlAccess): WaitlistStore {
  return {
    insertEntry(entry) {
      const row = one(
        `INSERT INTO waitlist_entry (id, slot_id, service_id, customer_id, quantity, fare_id, state, hold_id,
           offer_ends_at_ms, is_told, created_at_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq`,
        entry.id,
        entry.slotId,
        entry.serviceId,
        entry.customerId,
        entry.quantity,
        entry.fareId,
        entry.state,
        entry.holdId,
        entry.offerEndsAtMs,
        entry.isTold ? 1 : 0,
        entry.createdAtMs,
      );
      return required(row, 'an insert gives its place')['seq'] as number;
    },
    updateEntry(entry) {
      run(
        'UPDATE waitlist_entry SET state = ?, hold_id = ?, offer_ends_at_ms = ?, is_told = ? WHERE seq = ?',
        entry.state,
        entry.holdId,
        entry.offerEndsAtMs,
        entry.isTold ? 1 : 0,
        entry.seq,
      );
    },
    waitlistEntry(id) {
      const row = one('SELECT * FROM waitlist_entry WHERE id = ?', id);
      return row === null ? null : entryFromRow(row);
    },
    entriesInLine: () =>
      all("SELECT * FROM waitlist_entry WHERE state IN ('waiting', 'offered') ORDER BY seq").map(
        entryFromRow,
      ),
  };
}

function entryFromRow(row: Row): WaitlistEntry {
  return {
    id: row['id'] as string,
    seq: row['seq'] as number,
    slotId: row['slot_id'] as string,
    serviceId: row['service_id'] as string,
    customerId: row['customer_id'] as string,
    quantity: row['quantity'] as number,
    fareId: row['fare_id'] as string | null,
    state: row['state'] as WaitlistEntry['state'],
    holdId: row['hold_id'] as string | null,
    offerEndsAtMs: row['offer_ends_at_ms'] as number | null,
    isTold: row['is_told'] === 1,
    createdAtMs: row['created_at_ms'] as number,
  };
}
