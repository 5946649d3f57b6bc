/** Checking in with a ticket, at the shard: it must be one for the booking as it is now, and each booking is used once. */
import { describe, expect, test } from 'vitest';
import type { SellerDeed } from '../../src/contracts/durable-rpc.ts';
import { codeOf, customer, given, NodeShop } from '../support/node-shop.ts';

async function sold() {
  const shop = await NodeShop.open();
  const { id } = await shop.booked();
  const sheet = async () => given(await shop.shard.getBookingSheet({ caller: customer() }, id));
  const { ticket } = await sheet();
  if (ticket === null) throw new Error('a confirmed booking has a ticket');
  return { shop, id, sheet, ticket };
}

function showing(ticket: Extract<SellerDeed, { kind: 'check_in' }>['ticket']): SellerDeed {
  return { kind: 'check_in', ...(ticket === undefined ? {} : { ticket }) };
}

describe('a ticket at the door', () => {
  test('lets its booking in once, and the second time says that it was there', async () => {
    const { shop, id, ticket } = await sold();
    const first = given(await shop.act(id, showing(ticket)));
    expect(first.status).toBe('in_progress');
    expect(codeOf(await shop.act(id, showing(ticket)))).toBe('invalid_transition');
  });

  test('of another booking, or that is none, lets nobody in', async () => {
    const { shop, id, ticket } = await sold();
    const other = await shop.booked([shop.slot(1)]);
    for (const shown of ['invalid', { ...ticket, bookingId: other.id }] as const) {
      const reply = await shop.act(id, showing(shown));
      expect(codeOf(reply)).toBe('validation_failed');
    }
    expect(shop.bookingRow(id).state).toBe('confirmed');
  });

  test('that was issued before the booking moved to another slot is refused, the new one is taken', async () => {
    const { shop, id, sheet, ticket } = await sold();
    const row = shop.shard.store.booking(id);
    const [item] = row?.items ?? [];
    if (row === null || item === undefined) throw new Error('no booking');
    const moved = { ...item, slotId: shop.slot(2), startAtMs: item.startAtMs + 7_200_000 };
    shop.shard.decide((shard) => shard.saveBooking({ ...row, items: [moved] }));
    const refused = await shop.act(id, showing(ticket));
    expect(codeOf(refused)).toBe('invalid_transition');
    const { ticket: renewed } = await sheet();
    expect(given(await shop.act(id, showing(renewed))).status).toBe('in_progress');
  });

  test('is there while somebody may still come, and for those who may see the booking', async () => {
    const { shop, id, sheet } = await sold();
    const stranger = await shop.shard.getBookingSheet({ caller: customer('usr_eve') }, id);
    expect(codeOf(stranger)).toBe('not_found');
    const { manageToken } = await sheet();
    expect(given(await shop.shard.getBookingSheet({ manageToken }, id)).id).toBe(id);
    expect(codeOf(await shop.shard.getBookingSheet({ manageToken: 'guess' }, id))).toBe(
      'not_found',
    );
    await shop.cancel(id);
    expect((await sheet()).ticket).toBeNull();
  });
});
