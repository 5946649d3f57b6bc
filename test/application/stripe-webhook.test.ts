/**
 * Which webhook requests the Stripe gateway believes, and what it reads from them.
 * The signer is the vendor's own, so that our reading of the scheme is not tested against itself.
 */
import { describe, expect, it } from 'vitest';
import { Stripe } from 'stripe';
import type { WebhookEvent } from '../../src/application/ports.ts';
import type { StripeGatewayConfig } from '../../src/payments/stripe/gateway.ts';
import { intentJson, json, makeWiredGateway, WEBHOOK_SECRET } from './stripe-wire.ts';

const NOW_MS = 1_800_000_000_500;
const NOW_S = 1_800_000_000;

const SUBSCRIPTION_METADATA = {
  subscription_id: 'sub_1',
  charge_id: 'chg_1',
  subscriptionId: 'sub_1',
};

function eventJson(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 'evt_1',
    object: 'event',
    api_version: Stripe.API_VERSION,
    created: NOW_S - 5,
    data: { object: intentJson() },
    livemode: false,
    pending_webhooks: 1,
    request: null,
    type: 'payment_intent.succeeded',
    ...overrides,
  };
}

function signature(payload: string, options: { atS?: number; secret?: string } = {}) {
  return new Stripe('sk_test_1').webhooks.generateTestHeaderStringAsync({
    payload,
    secret: options.secret ?? WEBHOOK_SECRET,
    timestamp: options.atS ?? NOW_S,
    cryptoProvider: Stripe.createSubtleCryptoProvider(),
  });
}

function readRaw(
  rawBody: string,
  header: string | null,
  config: Partial<StripeGatewayConfig> = {},
): Promise<WebhookEvent | null> {
  const { gateway } = makeWiredGateway([json({})], config);
  const headers = new Headers(header === null ? {} : { 'Stripe-Signature': header });
  return gateway.readWebhook({ rawBody, headers, nowMs: NOW_MS });
}

async function readEvent(
  overrides: Record<string, unknown> = {},
  config: Partial<StripeGatewayConfig> = {},
): Promise<WebhookEvent | null> {
  const body = JSON.stringify(eventJson(overrides));
  return readRaw(body, await signature(body), config);
}

describe('signature', () => {
  const body = JSON.stringify(eventJson(), null, 2);

  it('accepts what was signed and reads it', async () => {
    expect(await readRaw(body, await signature(body))).toEqual({
      dedupeKey: 'evt_1',
      type: 'payment_intent.succeeded',
      objectRef: 'pi_1',
      reference: { bookingId: 'bkg_1', paymentId: 'pay_1' },
      isExpected: true,
      occurredAtMs: (NOW_S - 5) * 1_000,
    });
  });

  it('tries every secret, and any of several signatures', async () => {
    const webhookSecrets = ['whsec_next', WEBHOOK_SECRET];
    expect(await readRaw(body, await signature(body), { webhookSecrets })).not.toBeNull();
    const own = (await signature(body)).split(',')[1] ?? '';
    const rolled = `${await signature(body, { secret: 'whsec_other' })},${own},v0=00`;
    expect(await readRaw(body, rolled)).not.toBeNull();
  });

  it.each([
    ['299 s old', -300, true],
    ['301 s old', -301, false],
    ['300 s ahead', 300, true],
    ['301 s ahead', 301, false],
    ['a year ahead', 31_536_000, false],
  ])('%s', async (_name, skewS, isAccepted) => {
    const event = await readRaw(body, await signature(body, { atS: NOW_S + skewS }));
    expect(event !== null).toBe(isAccepted);
  });

  it('refuses an old signature behind a fresh second time', async () => {
    const old = await signature(body, { atS: NOW_S - 86_400 });
    expect(await readRaw(body, `t=${String(NOW_S)},${old}`)).toBeNull();
    expect(await readRaw(body, `${old},t=${String(NOW_S)}`)).toBeNull();
  });

  it('refuses malformed headers, wrong secrets and other bodies', async () => {
    const good = await signature(body);
    const v1 = good.split(',')[1] ?? '';
    const malformed = [
      '',
      'nonsense',
      v1,
      `t=,${v1}`,
      `t=${String(NOW_S)}x,${v1}`,
      `t=${String(NOW_S)}`,
    ];
    for (const header of malformed) expect(await readRaw(body, header), header).toBeNull();
    expect(await readRaw(body, null)).toBeNull();
    expect(await readRaw(body, await signature(body, { secret: 'whsec_wrong' }))).toBeNull();
    expect(await readRaw(JSON.stringify(JSON.parse(body)), good)).toBeNull();
    expect(await readRaw(`${body} `, good)).toBeNull();
    expect(await readRaw('', good)).toBeNull();
    expect(await readRaw(body, good, { webhookSecrets: [] })).toBeNull();
    expect(await readRaw(body, good, { webhookSecrets: [''] })).toBeNull();
  });

  it('checks the bytes, not the meaning: unicode is kept as it came', async () => {
    const unicode = JSON.stringify(eventJson({ note: 'Zoë 🎈 \u2028' }));
    expect(await readRaw(unicode, await signature(unicode))).not.toBeNull();
    const escaped = unicode.replace('ë', '\\u00eb');
    expect(await readRaw(escaped, await signature(unicode))).toBeNull();
  });

  it('refuses a signed body that is no event', async () => {
    for (const text of ['not json', 'null', '[]', '{}', '{"object":"v2.core.event"}']) {
      expect(await readRaw(text, await signature(text)), text).toBeNull();
    }
  });
});

describe('content', () => {
  it.each([
    ['charge', { id: 'ch_1', object: 'charge', payment_intent: 'pi_9' }, 'pi_9'],
    ['refund', { id: 're_1', object: 'refund', payment_intent: 'pi_9' }, 'pi_9'],
    ['dispute', { id: 'dp_1', object: 'dispute', payment_intent: { id: 'pi_9' } }, 'pi_9'],
    ['payout', { id: 'po_1', object: 'payout' }, null],
    ['charge without intent', { id: 'ch_1', object: 'charge', payment_intent: null }, null],
  ])('%s names its payment', async (_name, object, ref) => {
    const event = await readEvent({ data: { object } });
    expect(event).toMatchObject({ objectRef: ref, reference: null });
  });

  it.each([
    ['payment', intentJson({ metadata: SUBSCRIPTION_METADATA }), 'pi_1'],
    [
      'charge',
      { id: 'ch_1', object: 'charge', payment_intent: 'pi_9', metadata: SUBSCRIPTION_METADATA },
      'pi_9',
    ],
    ['setup', { id: 'seti_1', object: 'setup_intent', metadata: SUBSCRIPTION_METADATA }, 'seti_1'],
  ])('of a %s names the subscription', async (_name, object, ref) => {
    expect(await readEvent({ data: { object } })).toMatchObject({
      objectRef: ref,
      reference: { subscriptionId: 'sub_1', chargeId: 'chg_1' },
    });
  });

  it('of half a reference names nothing of ours', async () => {
    const object = intentJson({ metadata: { subscription_id: 'sub_1', payment_id: 'pay_1' } });
    expect((await readEvent({ data: { object } }))?.reference).toBeNull();
  });

  it('expects events of our mode, version and account alone', async () => {
    expect((await readEvent())?.isExpected).toBe(true);
    expect((await readEvent({ livemode: true }))?.isExpected).toBe(false);
    expect((await readEvent({ api_version: '2025-09-30.clover' }))?.isExpected).toBe(false);
    expect((await readEvent({ api_version: null }))?.isExpected).toBe(false);
    expect((await readEvent({ account: 'acct_2' }))?.isExpected).toBe(false);
    const live = { isLive: true };
    expect((await readEvent({}, live))?.isExpected).toBe(false);
    expect((await readEvent({ livemode: true }, live))?.isExpected).toBe(true);
  });

  it.each([
    ['account.updated', { id: 'acct_2', object: 'account', metadata: {} }, true],
    ['payout.failed', { id: 'po_1', object: 'payout' }, true],
    ['account.application.deauthorized', { id: 'ca_1', object: 'application' }, true],
    ['charge.succeeded', { id: 'ch_1', object: 'charge', payment_intent: 'pi_9' }, false],
    ['payment_intent.succeeded', intentJson(), false],
  ])('of a connected account names the account: %s', async (type, object, isExpected) => {
    const event = await readEvent({ type, account: 'acct_2', data: { object } });
    expect(event).toMatchObject({ type, objectRef: 'acct_2', reference: null, isExpected });
  });

  it('of a connected account in the other mode is not expected', async () => {
    const object = { id: 'acct_2', object: 'account' };
    const change = { type: 'account.updated', account: 'acct_2', data: { object } };
    expect((await readEvent({ ...change, livemode: true }))?.isExpected).toBe(false);
    expect((await readEvent({ ...change, account: 'someone' }))?.isExpected).toBe(false);
  });
});
