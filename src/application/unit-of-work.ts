/**
 * Rows that one transaction changes several times are written once, at its end: a booking that is made and confirmed
 * in one call is one row, and the links of the chain are one statement. Inside the transaction everybody reads what
 * was changed. Whoever runs the transaction must call `flush` before it ends; nothing outlives it.
 */
import type { ChainEvent } from '../contracts/shard-streams.ts';
import type { Booking } from '../domain/booking/booking.ts';
import type { Hold } from '../domain/hold/hold.ts';
import type { CallRow, InventoryStore } from './inventory-store.ts';

/** A store that writes at the end of the transaction. Source: Fowler, Patterns of Enterprise Application Architecture, "Unit of Work". */
export interface UnitOfWork extends InventoryStore {
  /** Writes what is waiting; call it last in every transaction. */
  flush(): void;
}

/** Puts the buffer in front of a store. */
export function unitOfWork(store: InventoryStore): UnitOfWork {
  const holds = new Map<string, Hold>();
  const bookings = new Map<string, Booking>();
  const calls = new Map<string, CallRow>();
  let events: ChainEvent[] = [];

  const flushEvents = (): void => {
    if (events.length > 0) store.appendEvents(events);
    events = [];
  };
  const flush = (): void => {
    for (const hold of holds.values()) store.saveHold(hold);
    for (const booking of bookings.values()) store.saveBooking(booking);
    if (calls.size > 0) store.saveCalls([...calls.values()]);
    holds.clear();
    bookings.clear();
    calls.clear();
    flushEvents();
  };

  return {
    ...store,
    flush,
    hold: (id) => holds.get(id) ?? store.hold(id),
    saveHold: (hold) => void holds.set(hold.id, hold),
    holdsOfGrant: (grantId) => {
      const found = new Map(store.holdsOfGrant(grantId).map((hold) => [hold.id, hold]));
      for (const hold of holds.values())
        if (hold.quota?.grantId === grantId || hold.coupon?.grantId === grantId)
          found.set(hold.id, hold);
      return [...found.values()];
    },
    booking: (id) => bookings.get(id) ?? store.booking(id),
    saveBooking: (booking) => void bookings.set(booking.id, booking),
    call: (callerId, key) => calls.get(nameOf(callerId, key)) ?? store.call(callerId, key),
    saveCalls: (rows) => {
      for (const row of rows) calls.set(nameOf(row.callerId, row.key), row);
    },
    appendEvents: (added) => void events.push(...added),
    chainHead: () => events.at(-1) ?? store.chainHead(),
    events: (afterSeq, limit) => {
      flushEvents();
      return store.events(afterSeq, limit);
    },
    eventsOf: (entityId) => {
      flushEvents();
      return store.eventsOf(entityId);
    },
    moneyEvents: (afterSeq, limit) => {
      flushEvents();
      return store.moneyEvents(afterSeq, limit);
    },
    lastMoneySeq: () => {
      flushEvents();
      return store.lastMoneySeq();
    },
    eventHash: (seq) => {
      flushEvents();
      return store.eventHash(seq);
    },
  };
}

function nameOf(callerId: string, key: string): string {
  return `${callerId} ${key}`;
}
