/** Processors' events about subscriptions: kept where the member lives, handled by a look, and found without a reference. */
import { describe, expect, test } from 'vitest';
import { handleWebhook, receiveWebhook } from '../../src/application/receive-webhook.ts';
import { reconcile } from '../../src/application/reconcile.ts';
import type { PaymentGateway, WebhookEvent } from '../../src/application/ports.ts';
import { NodeShop } from '../support/node-shop.ts';
import {
  makeInboxes,
  openCharge,
  payCharge,
  RecordedBilling,
  reconcilePorts,
  type Inboxes,
} from './reconcile-rig.ts';

interface Rig {
  readonly shop: NodeShop;
  readonly billing: RecordedBilling;
  readonly inboxes: Inboxes;
}

async function openRig(): Promise<Rig> {
  return { shop: await NodeShop.open(), billing: new RecordedBilling(), inboxes: makeInboxes() };
}

const portsOf = ({ shop, billing, inboxes }: Rig) => reconcilePorts(shop, billing, inboxes);

/** Delivers an event about an object of the processor. */
async function deliver(rig: Rig, event: { id: string; ref: string }): Promise<void> {
  const request = {
    gateway: rig.shop.stripe,
    rawBody: JSON.stringify(event),
    headers: new Headers(),
  };
  expect(await receiveWebhook(portsOf(rig), request)).toEqual({ ok: true, value: null });
}

/** Delivers one that carries none of our ids, as those of refunds and disputes. */
async function deliverBare(rig: Rig, ref: string): Promise<void> {
  const event: WebhookEvent = {
    dedupeKey: `bare_${ref}`,
    type: 'charge.dispute.created',
    objectRef: ref,
    reference: null,
    isExpected: true,
    occurredAtMs: rig.shop.clock.nowMs(),
  };
  const reader: Pick<PaymentGateway, 'readWebhook'> = { readWebhook: async () => event };
  const gateway: PaymentGateway = Object.assign(Object.create(rig.shop.stripe), reader);
  const request = { gateway, rawBody: '{}', headers: new Headers() };
  expect(await receiveWebhook(portsOf(rig), request)).toEqual({ ok: true, value: null });
}

async function handleAll(rig: Rig): Promise<void> {
  for (const inbox of [rig.inboxes.global, rig.inboxes.eu]) {
    for (const { id } of inbox.unhandled()) await handleWebhook(portsOf(rig), id);
  }
}

describe('an event about a subscription', () => {
  test('is kept once, in the region of its member, and leads to one look', async () => {
    const rig = await openRig();
    const ref = await payCharge(rig.shop, rig.billing);
    await deliver(rig, { id: 'evt_1', ref });
    await deliver(rig, { id: 'evt_1', ref });
    const { subscriptionId } = rig.billing;
    expect(await rig.inboxes.eu.list()).toMatchObject([
      { subscriptionId, bookingId: null, objectRef: ref, handledAtMs: null },
    ]);
    expect(await rig.inboxes.global.list()).toEqual([]);
    await handleAll(rig);
    await handleAll(rig);
    expect(rig.billing.advanced).toEqual([{ subscriptionId, cause: 'webhook' }]);
  });

  test('about a method that is kept leads to a look too', async () => {
    const rig = await openRig();
    const { recurring } = rig.shop.stripe;
    const customer = await recurring.openCustomer({ key: 'c', memberId: 'usr_1' });
    if (customer.kind !== 'customer') throw new Error('a customer was due');
    const { subscriptionId } = rig.billing;
    const opened = await recurring.openSetup({
      key: 's',
      customerRef: customer.ref,
      reference: { subscriptionId, chargeId: 'chg_1' },
    });
    if (opened.kind !== 'setup') throw new Error('a setup was due');
    await deliver(rig, { id: 'evt_1', ref: opened.setup.ref });
    await handleAll(rig);
    expect(rig.billing.advanced).toEqual([{ subscriptionId, cause: 'webhook' }]);
  });

  test('without our ids is traced through the payment that it belongs to', async () => {
    const rig = await openRig();
    await deliverBare(rig, await payCharge(rig.shop, rig.billing));
    await handleAll(rig);
    const { subscriptionId } = rig.billing;
    expect(rig.billing.advanced).toEqual([{ subscriptionId, chargeId: 'chg_1', cause: 'webhook' }]);
  });

  test('without our ids leaves nothing of its body in the wrong region', async () => {
    const rig = await openRig();
    await deliverBare(rig, await payCharge(rig.shop, rig.billing));
    const [event] = await rig.inboxes.global.list();
    expect(event?.payload).toMatch(/^\{"sha256":"[0-9a-f]{64}"\}$/);
    await deliver(rig, { id: 'evt_1', ref: await payCharge(rig.shop, rig.billing) });
    expect(await rig.inboxes.eu.list()).toMatchObject([
      { payload: expect.stringContaining('evt_1') },
    ]);
  });

  test('stays unhandled when the look fails, and is swept by the next run', async () => {
    const rig = await openRig();
    await deliver(rig, { id: 'evt_1', ref: await openCharge(rig.shop, rig.billing) });
    rig.billing.advance = () => Promise.reject(new Error('the database is away'));
    const failed = await reconcile(portsOf(rig), { byHand: true });
    expect(failed).toMatchObject({ eventsHandled: 0, eventsFailed: 1 });
    expect(rig.inboxes.eu.unhandled()).toMatchObject([{ attempts: 1 }]);
    rig.billing.advance = async () => undefined;
    const healed = await reconcile(portsOf(rig), { byHand: true });
    expect(healed).toMatchObject({ eventsHandled: 1, eventsFailed: 0 });
    expect(rig.inboxes.eu.unhandled()).toEqual([]);
  });

  test('of another deployment is kept and not acted upon', async () => {
    const rig = await openRig();
    const ref = await payCharge(rig.shop, rig.billing, 'sub_gforged0000000000');
    await deliver(rig, { id: 'evt_1', ref });
    await handleAll(rig);
    expect(rig.billing.advanced).toEqual([]);
    expect(await rig.inboxes.global.list()).toMatchObject([
      { subscriptionId: null, bookingId: null, handledAtMs: expect.any(Number) },
    ]);
  });
});

describe('an event about a booking', () => {
  test('goes to its shard as before, with or without our ids', async () => {
    const rig = await openRig();
    const booking = await rig.shop.booked();
    await deliver(rig, { id: 'evt_1', ref: 'stripe_1' });
    await deliverBare(rig, 'stripe_1');
    expect(await rig.inboxes.global.list()).toMatchObject([
      { bookingId: booking.id, subscriptionId: null },
      { bookingId: null, subscriptionId: null },
    ]);
    const before = rig.shop.calls().length;
    await handleAll(rig);
    expect(rig.shop.calls().length).toBeGreaterThan(before);
    expect(rig.inboxes.global.unhandled()).toEqual([]);
    expect(rig.billing.advanced).toEqual([]);
  });
});
