/** Every kind of answer to every kind of call: what stands right after it, and that it heals once the processor answers. */
import { describe, expect, test } from 'vitest';
import { required } from '../../src/domain/assert.ts';
import type { ProcessorReply } from '../../src/domain/payment/processor-reply.ts';
import type { OperationKind } from '../../src/domain/payment/operation-machine.ts';
import { METHODS, type CallKind, type Fault } from '../support/fake-processor.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { card, codeOf, NodeShop } from '../support/node-shop.ts';

const REPLIES: ReadonlyMap<string, ProcessorReply> = new Map(
  Object.entries({
    declined: { kind: 'declined', code: 'card_declined', retry: 'payer', payment: null },
    already_done: { kind: 'already_done' },
    no_answer: { kind: 'no_answer', reason: 'timeout' },
    server_error: { kind: 'server_error', reason: 'HTTP 500' },
    unavailable: { kind: 'unavailable', reason: 'HTTP 429' },
    missing: { kind: 'missing' },
    misconfigured: { kind: 'misconfigured', reason: 'HTTP 401' },
  } satisfies Record<string, ProcessorReply>),
);

function replyOf(kind: string): ProcessorReply {
  return required(REPLIES.get(kind), 'a kind of reply');
}

/** The first call of a kind goes wrong; all others pass. */
function failOnce(shop: NodeShop, kind: CallKind, fault: Fault): void {
  let isLeft = true;
  shop.stripe.faultFor = (call) => {
    if (!isLeft || call.kind !== kind) return null;
    isLeft = false;
    return fault;
  };
}

/** The states of booking, payment, hold and of the first call of the kind, in one line. */
function standing(shop: NodeShop, bookingId: string, kind: OperationKind): string {
  const booking = shop.bookingRow(bookingId);
  const payment = shop.payment(bookingId);
  const operation = shop.shard.store.operationsOf(payment.id).find((one) => one.kind === kind);
  const hold = shop.holdRow(booking.holdId);
  return [booking.state, payment.state, hold.state, operation?.state].join(' ');
}

function onlyBooking(shop: NodeShop): string {
  return String(shop.shard.sql.rows('SELECT id FROM booking')[0]?.['id']);
}

const AFTER_BOOKING = `
  open       declined       payment_failed  failed     active     declined
  open       already_done   pending         created    active     unknown
  open       no_answer      pending         created    active     unknown
  open       server_error   confirmed       captured   committed  declined
  open       unavailable    pending         created    active     requested
  open       missing        payment_failed  failed     active     declined
  open       misconfigured  pending         created    active     requested
  authorize  declined       payment_failed  failed     active     declined
  authorize  already_done   confirmed       captured   committed  declined
  authorize  no_answer      pending         created    active     unknown
  authorize  server_error   confirmed       captured   committed  declined
  authorize  unavailable    pending         created    active     requested
  authorize  missing        payment_failed  failed     active     declined
  authorize  misconfigured  pending         created    active     requested
  capture    declined       payment_failed  failed     released   declined
  capture    already_done   confirmed       captured   committed  declined
  capture    no_answer      confirming      capturing  committed  unknown
  capture    server_error   confirmed       captured   committed  declined
  capture    unavailable    confirming      capturing  committed  requested
  capture    missing        payment_failed  failed     released   declined
  capture    misconfigured  confirming      capturing  committed  requested`;

function rowsOf(table: string): { kind: OperationKind; reply: string; expected: string }[] {
  return table
    .trim()
    .split('\n')
    .map((line) => {
      const [kind, reply = '', ...expected] = line.trim().split(/\s+/);
      return { kind: kind as OperationKind, reply, expected: expected.join(' ') };
    });
}

describe('while booking', () => {
  test.each(rowsOf(AFTER_BOOKING))('$kind answered by $reply leaves: $expected', async (row) => {
    const shop = await NodeShop.open();
    failOnce(shop, row.kind, replyOf(row.reply));
    const reply = await shop.book([shop.slot()]);
    const isFailed = row.expected.startsWith('payment_failed');
    expect(codeOf(reply)).toBe(isFailed ? 'payment_declined' : 'accepted');
    expect(standing(shop, onlyBooking(shop), row.kind)).toBe(row.expected);
  });

  test.each(rowsOf(AFTER_BOOKING).filter(({ expected }) => !expected.startsWith('payment_failed')))(
    '$kind answered by $reply is confirmed with one capture once the processor is well',
    async (row) => {
      const shop = await NodeShop.open({ service: { holdTtlSeconds: 3_600 } });
      failOnce(shop, row.kind, replyOf(row.reply));
      await shop.book([shop.slot()]);
      for (let i = 0; i < 5; i++) await shop.pass(60_000);
      const id = onlyBooking(shop);
      expect(shop.bookingRow(id).state).toBe('confirmed');
      const captured = [...shop.stripe.objects.values()].map(({ capturedMinor }) => capturedMinor);
      expect(captured.filter((amount) => amount > 0)).toEqual([2_500]);
    },
  );

  test.each([
    ['open', 'lost_before'],
    ['open', 'lost_after'],
    ['open', 'fault_after'],
    ['authorize', 'lost_before'],
    ['authorize', 'lost_after'],
    ['authorize', 'fault_after'],
    ['capture', 'lost_before'],
    ['capture', 'lost_after'],
    ['capture', 'fault_after'],
  ] as const)('%s %s is never taken for a decline, and never done twice', async (kind, fault) => {
    const shop = await NodeShop.open({ service: { holdTtlSeconds: 3_600 } });
    failOnce(shop, kind, fault);
    const reply = await shop.book([shop.slot()]);
    expect(codeOf(reply)).toBe('accepted');
    for (let i = 0; i < 5; i++) await shop.pass(60_000);
    const id = onlyBooking(shop);
    expect(shop.bookingRow(id).state).toBe('confirmed');
    const total = [...shop.stripe.objects.values()].reduce((n, one) => n + one.capturedMinor, 0);
    expect(total).toBe(2_500);
  });

  test('what was lost in silence is only ever tried again under the same key', async () => {
    const shop = await NodeShop.open({ service: { holdTtlSeconds: 3_600 } });
    failOnce(shop, 'capture', 'lost_before');
    await shop.book([shop.slot()]);
    for (let i = 0; i < 5; i++) await shop.pass(60_000);
    const keys = shop.stripe.calls.filter(({ kind }) => kind === 'capture').map(({ key }) => key);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
  });

  test('what a fault was stored under is tried again under a new key', async () => {
    const shop = await NodeShop.open();
    failOnce(shop, 'capture', 'fault_before');
    await shop.book([shop.slot()]);
    const keys = shop.stripe.calls.filter(({ kind }) => kind === 'capture').map(({ key }) => key);
    expect(new Set(keys).size).toBe(2);
    expect(shop.bookingRow(onlyBooking(shop)).state).toBe('confirmed');
  });

  test('a processor that is down for the whole of it is asked ever more rarely', async () => {
    const shop = await NodeShop.open({ service: { holdTtlSeconds: 3_600 } });
    shop.stripe.faultFor = () => 'lost_before';
    await shop.book([shop.slot()]);
    for (let i = 0; i < 60; i++) await shop.pass(60_000);
    expect(shop.stripe.calls.length).toBeLessThan(30);
    shop.stripe.faultFor = () => null;
    for (let i = 0; i < 24; i++) await shop.pass(HOUR_MS / 2);
    expect(shop.bookingRow(onlyBooking(shop)).state).toBe('expired');
    const left = [...shop.stripe.objects.values()].filter(({ state }) => state !== 'voided');
    expect(left).toEqual([]);
  });
});

describe('while giving up', () => {
  test.each([...REPLIES.keys()])(
    'a void answered by %s ends with nothing left to pay',
    async (kind) => {
      const shop = await NodeShop.open();
      const { id } = await shop.held();
      await shop.booked(id, card(METHODS.asksPayer));
      failOnce(shop, 'void', replyOf(kind));
      expect((await shop.giveUp(id)).ok).toBe(true);
      expect(shop.holdRow(id).state).toBe('released');
      for (let i = 0; i < 5; i++) await shop.pass(60_000);
      const payment = shop.payment(onlyBooking(shop));
      expect(payment.state).toBe('voided');
      expect(shop.shard.store.bookingsWithWork(null, 10)).toEqual([]);
    },
  );

  test('a void that was refused while the processor still worked is made once it can be', async () => {
    const shop = await NodeShop.open();
    const booking = await shop.booked([shop.slot()], card(METHODS.takesTime));
    await shop.giveUp(booking.holdId);
    await shop.pass(60_000);
    shop.stripe.finishPending('stripe_1');
    for (let i = 0; i < 4; i++) await shop.pass(10 * 60_000);
    expect(shop.stripe.objectOf('stripe_1').state).toBe('voided');
    expect(shop.payment(booking.id).state).toBe('voided');
  });

  test('a payment that the processor works on for hours is asked for ever more rarely', async () => {
    const shop = await NodeShop.open();
    const booking = await shop.booked([shop.slot()], card(METHODS.takesTime));
    await shop.giveUp(booking.holdId);
    for (let i = 0; i < 120; i++) await shop.pass(60_000);
    expect(shop.stripe.calls.length).toBeLessThan(80);
  });

  test.each(['declined', 'already_done'] as const)(
    'a void that is always answered by %s is not repeated without a pause',
    async (kind) => {
      const shop = await NodeShop.open();
      const booking = await shop.booked([shop.slot()], card(METHODS.asksPayer));
      shop.stripe.faultFor = (call) => (call.kind === 'void' ? replyOf(kind) : null);
      await shop.giveUp(booking.holdId);
      shop.stripe.calls.length = 0;
      await shop.pass(60_000);
      expect(shop.stripe.calls.filter((call) => call.kind === 'void').length).toBeLessThanOrEqual(
        2,
      );
    },
  );
});

describe('while paying back', () => {
  const AFTER_CANCEL = `
    refund  declined       cancelled  captured  failed     declined
    refund  already_done   refunded   refunded  succeeded  declined
    refund  no_answer      cancelled  captured  requested  unknown
    refund  server_error   refunded   refunded  succeeded  declined
    refund  unavailable    cancelled  captured  requested  requested
    refund  missing        cancelled  captured  failed     declined
    refund  misconfigured  cancelled  captured  requested  requested`;

  test.each(rowsOf(AFTER_CANCEL))('a refund answered by $reply leaves: $expected', async (row) => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    failOnce(shop, 'refund', replyOf(row.reply));
    expect(codeOf(await shop.cancel(id))).toBe('accepted');
    const payment = shop.payment(id);
    const [refund] = shop.shard.store.refundsOf(id);
    const operation = shop.shard.store
      .operationsOf(payment.id)
      .find((one) => one.refundId !== null);
    expect(
      [shop.bookingRow(id).state, payment.state, refund?.state, operation?.state].join(' '),
    ).toBe(row.expected);
  });

  test.each(['lost_before', 'lost_after', 'fault_before', 'fault_after', 'busy'] as const)(
    'a refund %s is made exactly once',
    async (fault) => {
      const shop = await NodeShop.open();
      const { id } = await shop.booked();
      failOnce(shop, 'refund', fault);
      await shop.cancel(id);
      for (let i = 0; i < 5; i++) await shop.pass(60_000);
      expect(shop.bookingRow(id).state).toBe('refunded');
      expect(shop.stripe.objectOf('stripe_1')).toMatchObject({
        refundedMinor: 2_500,
        refunds: [{ amountMinor: 2_500 }],
      });
    },
  );

  test('a refund that takes days is asked for now and then, and settled when it is done', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked([shop.slot()], card(METHODS.refundPending));
    await shop.cancel(id);
    expect(shop.shard.store.refundsOf(id)).toMatchObject([{ state: 'pending' }]);
    for (let i = 0; i < 4; i++) await shop.pass(HOUR_MS);
    const looks = shop.stripe.calls.filter(({ kind }) => kind === 'fetch_refund').length;
    expect(looks).toBeGreaterThan(0);
    expect(looks).toBeLessThanOrEqual(8);
    shop.stripe.finishPending('stripe_1');
    await shop.pass(2 * HOUR_MS);
    expect(shop.bookingRow(id).state).toBe('refunded');
    expect(shop.payment(id)).toMatchObject({ state: 'refunded', refundedMinor: 2_500 });
  });
});
