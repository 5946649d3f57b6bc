/** One key, one effect, one answer: across repeats, crashes and lapsed leases. */
import { describe, expect, test } from 'vitest';
import { advancePayment } from '../../src/application/advance-payment.ts';
import { CALL_LEASE_MS, CALL_RETENTION_MS } from '../../src/domain/idempotency.ts';
import { METHODS } from '../support/fake-processor.ts';
import { card, codeOf, customer, NodeShop } from '../support/node-shop.ts';

/** The first call is taken up by the shard, and its caller dies before it calls the processor. */
async function vanish() {
  const shop = await NodeShop.open();
  const command = shop.bookCommand([shop.slot()], card(), { key: 'k' });
  const opened = await shop.shard.openBooking(command);
  expect(opened.kind).toBe('work');
  shop.shard.crash();
  const repeat = () => shop.book([shop.slot()], card(), { key: 'k' });
  return { shop, repeat };
}

describe('a keyed call', () => {
  test('repeated gives the same answer, says so, and has no second effect', async () => {
    const shop = await NodeShop.open();
    const first = await shop.hold([shop.slot()], { key: 'k' });
    shop.shard.crash();
    shop.clock.advance(3_600_000);
    const again = await shop.hold([shop.slot()], { key: 'k' });
    expect(JSON.stringify({ ...again, replayed: false })).toBe(JSON.stringify(first));
    expect([first.replayed, again.replayed]).toEqual([false, true]);
    expect(shop.shard.sql.rows('SELECT id FROM hold')).toHaveLength(1);
  });

  test('for another request is refused, and changes nothing', async () => {
    const shop = await NodeShop.open();
    await shop.hold([shop.slot(0)], { key: 'k' });
    expect(codeOf(await shop.hold([shop.slot(1)], { key: 'k' }))).toBe('idempotency_key_reused');
    expect(await shop.slotStatus(shop.slot(1))).toBe('available');
  });

  test('of another caller is another call', async () => {
    const shop = await NodeShop.open();
    await shop.hold([shop.slot(0)], { key: 'k' });
    expect(codeOf(await shop.hold([shop.slot(1)], { key: 'k', by: 'usr_bob' }))).toBe('accepted');
  });

  test('that was refused is refused again, also once the reason is gone', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.held([shop.slot()], { by: 'usr_bob' });
    const refused = await shop.hold([shop.slot()], { key: 'k' });
    await shop.giveUp(id, 'usr_bob');
    const again = await shop.hold([shop.slot()], { key: 'k' });
    expect(again).toEqual({ ...refused, replayed: true });
    expect(codeOf(again)).toBe('slot_unavailable');
  });

  test('that came at a bad moment is done by the next try', async () => {
    const shop = await NodeShop.open();
    expect(codeOf(await shop.hold([shop.slot()], { key: 'k', budget: 0 }))).toBe(
      'hold_limit_reached',
    );
    expect(codeOf(await shop.hold([shop.slot()], { key: 'k' }))).toBe('accepted');
  });

  test('that was answered pending is answered pending for ever; a read tells the present', async () => {
    const shop = await NodeShop.open();
    const pay = card(METHODS.asksPayer);
    const first = await shop.book([shop.slot()], pay, { key: 'k' });
    const id = String(shop.shard.sql.rows('SELECT id FROM booking')[0]?.['id']);
    shop.stripe.payerApproves('stripe_1');
    await shop.advance(id);
    const again = await shop.book([shop.slot()], pay, { key: 'k' });
    expect(again).toEqual({ ...first, replayed: true });
    const present = await shop.shard.getBooking(customer(), id);
    expect(present).toMatchObject({ value: { view: { status: 'confirmed' } } });
  });

  test('that was declined is answered so for ever, and its decline is not paid for again', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    const refused = await shop.book(hold.id, card(METHODS.declines), { key: 'k' });
    await shop.booked(hold.id);
    const again = await shop.book(hold.id, card(METHODS.declines), { key: 'k' });
    expect(again).toEqual({ ...refused, replayed: true });
  });

  test('is remembered for its retention, and forgotten after it', async () => {
    const shop = await NodeShop.open();
    await shop.hold([shop.slot()], { key: 'k' });
    shop.clock.advance(CALL_RETENTION_MS);
    const forget = () =>
      shop.shard.decide((shard) => shard.store.forgetCalls(shard.nowMs - CALL_RETENTION_MS, 10));
    forget();
    expect(shop.shard.store.call('usr_ann', 'k')).not.toBeNull();
    shop.clock.advance(1);
    forget();
    expect(shop.shard.store.call('usr_ann', 'k')).toBeNull();
  });
});

describe('a call whose caller vanished in the middle', () => {
  test('still owns its key until its lease lapses', async () => {
    const { shop, repeat } = await vanish();
    shop.clock.advance(CALL_LEASE_MS - 1);
    const reply = await repeat();
    expect(reply).toMatchObject({
      replayed: false,
      refusal: { code: 'idempotency_key_in_progress', extra: { retryAfterSeconds: 1 } },
    });
    expect(shop.calls()).toEqual([]);
  });

  test('is resumed at the recorded step by the next try, and pays once', async () => {
    const { shop, repeat } = await vanish();
    shop.clock.advance(CALL_LEASE_MS);
    const reply = await repeat();
    expect(reply).toMatchObject({ ok: true, status: 201, value: { status: 'confirmed' } });
    expect(shop.shard.sql.rows('SELECT id FROM booking')).toHaveLength(1);
    expect(shop.calls()).toEqual(['open', 'authorize', 'capture']);
    expect(await repeat()).toEqual({ ...reply, replayed: true });
  });

  test('is finished by the queue even if nobody tries again', async () => {
    const { shop } = await vanish();
    for (let i = 0; i < 3; i++) await shop.pass(20_000);
    expect(shop.shard.sql.rows('SELECT state FROM booking')).toEqual([{ state: 'confirmed' }]);
  });

  test('after each recorded step keeps its key for a full lease more', async () => {
    const shop = await NodeShop.open();
    let offMs = 0;
    shop.stripe.faultFor = () => {
      shop.clock.advance(CALL_LEASE_MS - 16_000);
      offMs += CALL_LEASE_MS - 16_000;
      return null;
    };
    const reply = await shop.book([shop.slot()], card(), { key: 'k' });
    expect(offMs).toBeGreaterThan(CALL_LEASE_MS);
    expect(reply).toMatchObject({ ok: true, value: { status: 'confirmed' } });
  });

  test.each([1, 2, 3, 4, 5])(
    'after %i calls of the shard loses and doubles nothing',
    async (steps) => {
      const shop = await NodeShop.open();
      const command = shop.bookCommand([shop.slot()], card(), { key: 'k' });
      const opened = await shop.shard.openBooking(command);
      if (opened.kind !== 'work') throw new Error('a paid booking begins with work');
      let left = steps;
      const dying = {
        takeStep: shop.shard.takeStep.bind(shop.shard),
        recordReply: async (...values: Parameters<typeof shop.shard.recordReply>) => {
          left -= 1;
          if (left === 0) throw new Error('the process died');
          return shop.shard.recordReply(...values);
        },
      };
      const ports = { ...shop.ports, shard: dying };
      const request = { bookingId: opened.bookingId, cause: 'request', look: false } as const;
      await advancePayment(ports, { ...request, first: opened.step }).catch(() => undefined);
      shop.shard.crash();
      shop.clock.advance(CALL_LEASE_MS);
      const reply = await shop.book([shop.slot()], card(), { key: 'k' });
      expect(reply).toMatchObject({ ok: true, value: { status: 'confirmed' } });
      const objects = [...shop.stripe.objects.values()];
      expect(objects.map(({ capturedMinor }) => capturedMinor)).toEqual([2_500]);
    },
  );
});
