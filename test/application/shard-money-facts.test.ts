/** What the ledger is told of a booking's money: every movement once, with its shares, however late it becomes known. */
import { describe, expect, test } from 'vitest';
import { checkOut } from '../../src/application/checkout.ts';
import { streamsBehind } from '../../src/application/chain-streams.ts';
import { ann } from '../support/node-club.ts';
import { OWNER } from '../support/node-shard.ts';
import { card, CRYPTO, given, NodeShop } from '../support/node-shop.ts';

describe('the facts of a booking', () => {
  test('name what was captured, what the processor kept, and whose it is', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    const item = shop.bookingRow(id).items[0];
    expect(await shop.facts()).toMatchObject([
      {
        kind: 'captured',
        bookingId: id,
        paymentId: shop.payment(id).id,
        processor: 'stripe',
        processorRef: 'stripe_1',
        entityRef: null,
        amountMinor: 2_500,
        currency: 'usd',
        feeMinor: 102,
        isEarned: true,
        providerId: 'prv_club',
        customerId: 'usr_ann',
        commissionMinor: 250,
        serviceEndsAtMs: item?.endAtMs,
        atMs: shop.clock.nowMs(),
      },
    ]);
  });

  test('tell a fee that became known later as a capture of nothing', async () => {
    const shop = await NodeShop.open();
    shop.stripe.faultFor = ({ kind }) => {
      if (kind !== 'capture') return null;
      const object = shop.stripe.objectOf('stripe_1');
      object.state = 'captured';
      object.capturedMinor = 2_500;
      const { refunds: _, createdAtMs: __, customerRef: ___, ...payment } = object;
      return { kind: 'payment', payment };
    };
    const { id } = await shop.booked();
    shop.stripe.objectOf('stripe_1').feeMinor = 102;
    for (let i = 0; i < 2; i++) await shop.advance(id);
    const facts = await shop.facts();
    expect(facts.map(({ kind, amountMinor, feeMinor }) => [kind, amountMinor, feeMinor])).toEqual([
      ['captured', 2_500, null],
      ['captured', 0, 102],
    ]);
  });

  test('give back the commission in parts that add up to the whole, to the cent', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    for (const amount of [333, 333, 1, 777]) given(await shop.refund(id, { amount }));
    given(await shop.refund(id));
    const refunds = (await shop.facts()).filter(({ kind }) => kind === 'refunded');
    const commission = refunds.reduce((total, fact) => total + fact.commissionMinor, 0);
    expect(refunds.map(({ commissionMinor }) => commissionMinor)).toEqual([33, 33, 0, 78, 106]);
    expect(commission).toBe(250);
  });

  test.each([
    { who: 'a guest', role: 'guest', isMember: false, share: 500 },
    { who: 'a member', role: 'customer', isMember: true, share: 50 },
    { who: 'anybody else', role: 'customer', isMember: false, share: 250 },
  ] as const)('take the share that was agreed for $who', async ({ role, isMember, share }) => {
    const rates = { guestCommissionBps: 2_000, memberCommissionBps: 200 };
    const shop = await NodeShop.open({ service: rates });
    if (isMember) ann(shop).join({ 'access.members': false });
    const command = shop.bookCommand([shop.slot()], card());
    const caller = { id: 'usr_ann', roles: [role] };
    const booking = given(await checkOut(shop.ports, { ...command, caller }));
    const dearer = { guestCommissionBps: 9_000, memberCommissionBps: 9_000 };
    await shop.shard.patchService({ caller: OWNER, id: 'svc_hour', patch: dearer });
    given(await shop.refund(booking.id, { amount: 1_250 }));
    const facts = await shop.facts();
    expect(facts.map(({ commissionMinor }) => commissionMinor)).toEqual([share, share / 2]);
  });

  test('take everybody’s share where a service is from before there were rates by booker', async () => {
    const shop = await NodeShop.open();
    const drop = "'$.guestCommissionBps', '$.memberCommissionBps'";
    shop.shard.sql.rows(`UPDATE service SET card = json_remove(card, ${drop})`);
    shop.shard.crash();
    const caller = { id: 'usr_ann', roles: ['guest'] } as const;
    const command = shop.bookCommand([shop.slot()], card());
    given(await checkOut(shop.ports, { ...command, caller }));
    expect((await shop.facts())[0]).toMatchObject({ commissionMinor: 250 });
    expect(await shop.shard.getService('svc_hour')).toMatchObject({
      value: { commissionBps: 1_000, guestCommissionBps: null, memberCommissionBps: null },
    });
  });

  test('tell a refund of both surplus and price as two, each with an id of its own', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked([shop.slot()], CRYPTO);
    shop.btcpay.payerApproves('btcpay_1', 3_000);
    const declined = { kind: 'declined', code: 'refused', retry: 'never', payment: null } as const;
    shop.btcpay.faultFor = ({ kind }) => (kind === 'refund' ? declined : null);
    await shop.advance(id);
    shop.btcpay.faultFor = () => null;
    given(await shop.refund(id, { amount: 1_000 }));
    const refunds = (await shop.facts()).filter(({ kind }) => kind === 'refunded');
    expect(
      refunds.map(({ amountMinor, isEarned, commissionMinor }) => [
        amountMinor,
        isEarned,
        commissionMinor,
      ]),
    ).toEqual([
      [500, true, 50],
      [500, false, 0],
    ]);
    expect(new Set(refunds.map(({ eventId }) => eventId)).size).toBe(2);
  });

  test('are read in stretches, none twice and none left out', async () => {
    const shop = await NodeShop.open();
    for (let i = 0; i < 3; i++) await shop.booked([shop.slot(i)], card());
    const all = await shop.facts();
    const read = [];
    let afterSeq = 0;
    for (;;) {
      const batch = await shop.shard.readMoney({ afterSeq, limit: 2 });
      read.push(...batch.facts);
      if (batch.throughSeq === batch.headSeq) break;
      afterSeq = batch.throughSeq;
    }
    expect(read).toEqual(all);
    expect(read).toHaveLength(3);
  });

  test('wake the ledger only when money moved', async () => {
    const shop = await NodeShop.open();
    await shop.held();
    expect(streamsBehind(shop.shard.state)).toEqual(['audit', 'projection']);
    await shop.booked([shop.slot(1)]);
    expect(streamsBehind(shop.shard.state)).toContain('money');
    const { headSeq } = await shop.shard.readMoney({ afterSeq: 0, limit: 10 });
    await shop.shard.acknowledge('money', { seq: headSeq });
    await shop.held([shop.slot(2)]);
    expect(streamsBehind(shop.shard.state)).toEqual(['audit', 'projection']);
    shop.shard.crash();
    expect(streamsBehind(shop.shard.state)).toEqual(['audit', 'projection']);
  });
});
