/** Changes of bookings that come at the same moment, in the object that decides them. */
import { describe, expect, test } from 'vitest';
import { NO_ACCESS } from '../../src/domain/hold/hold.ts';
import { openFreeBooking, provisionShop } from '../support/shard-shop.ts';

const HOUR_MS = 3_600_000;

function codeOf(reply: { ok: boolean; refusal?: { code: string } }): string {
  return reply.ok ? 'accepted' : (reply.refusal?.code ?? '');
}

describe('ten customers who move to one slot at the same moment', () => {
  test('are one who gets it and nine who keep what they had', async () => {
    const shop = await provisionShop('gmvst0000');
    const hours = Array.from({ length: 11 }, (_, index) => ({ startsInMs: (index + 1) * HOUR_MS }));
    const slotIds = await shop.createSlots(hours);
    const wanted = slotIds[10] ?? '';
    const bookings = await Promise.all(
      slotIds.slice(0, 10).map(async (slotId, index) => {
        const callerId = `usr_${index}`;
        const reply = await openFreeBooking(shop, { callerId, key: 'book', slotId });
        if (!reply.ok) throw new Error(reply.refusal.detail);
        return { id: reply.value.id, callerId };
      }),
    );
    const opened = await Promise.all(
      bookings.map(({ id, callerId }) =>
        shop.shard.rescheduleBooking({
          caller: { id: callerId, roles: ['customer'] },
          call: { key: 'move', fingerprint: wanted },
          bookingId: id,
          slotIds: [wanted],
          payment: null,
          access: NO_ACCESS,
        }),
      ),
    );
    const codes = opened.map((one) => (one.kind === 'work' ? 'accepted' : codeOf(one.reply)));
    expect(codes.filter((code) => code === 'accepted')).toHaveLength(1);
    expect(codes.filter((code) => code === 'slot_unavailable')).toHaveLength(9);
    const seen = await Promise.all(slotIds.map((id) => shop.shard.getSlot(id)));
    const free = seen.filter((one) => one.ok && one.value.status === 'available');
    expect(free).toHaveLength(1);
  });
});

function callOf(key: string) {
  return { key, fingerprint: key };
}

describe('two moves and a cancellation of one booking at the same moment', () => {
  test('end with the cancellation, and every slot is free', async () => {
    const shop = await provisionShop('gmvst0001');
    const [one, two, three] = await shop.createSlots(
      [1, 2, 3].map((hour) => ({ startsInMs: hour * HOUR_MS })),
    );
    const reply = await openFreeBooking(shop, { callerId: 'usr_ann', key: 'book', slotId: one });
    if (!reply.ok) throw new Error(reply.refusal.detail);
    const caller = { id: 'usr_ann', roles: ['customer'] as const };
    const about = { caller, bookingId: reply.value.id };
    const move = (key: string, slotId: string | undefined) =>
      shop.shard.rescheduleBooking({
        ...about,
        call: callOf(key),
        slotIds: [slotId ?? ''],
        payment: null,
        access: NO_ACCESS,
      });
    await Promise.all([
      move('a', two),
      shop.shard.cancelBooking({ ...about, call: callOf('b'), reason: null }),
      move('c', three),
    ]);
    const read = await shop.shard.getBooking(caller, about.bookingId);
    expect(read).toMatchObject({ ok: true, value: { view: { status: 'cancelled' } } });
    for (const id of [one, two, three]) {
      const slot = await shop.shard.getSlot(id ?? '');
      expect(slot).toMatchObject({ ok: true, value: { status: 'available' } });
    }
  });
});
