/**
 * What leaves the Stripe payout gateway and what it makes of answers that the simulator does not give.
 * Protects: our key on whatever moves money, no account taken for ready, no silence taken for a no.
 */
import { describe, expect, it } from 'vitest';
import { createStripePayoutGateway } from '../../src/payments/stripe/payouts.ts';
import { json, makeWire, stripeError, type WireAnswer } from './stripe-wire.ts';

function makeWiredPayouts(answers: readonly WireAnswer[]) {
  const wire = makeWire(answers);
  const payouts = createStripePayoutGateway({
    secretKey: 'sk_test_verysecret',
    apiUrl: 'https://api.stripe.com',
    isLive: false,
    timeoutMs: 50,
    fetch: wire.fetch,
  });
  return { payouts, calls: wire.calls };
}

const READY = {
  id: 'acct_1',
  object: 'account',
  details_submitted: true,
  payouts_enabled: true,
  capabilities: { transfers: 'active' },
  requirements: { currently_due: [], past_due: [], disabled_reason: null },
};

const TRANSFER = {
  id: 'tr_1',
  object: 'transfer',
  amount: 5_000,
  amount_reversed: 0,
  livemode: false,
  metadata: { payout_id: 'pyo_1' },
  reversed: false,
};

const MOVE = {
  key: 'test:pyo_1:transfer:1',
  ref: 'acct_1',
  amount: { amount: 5_000, currency: 'eur' },
  payoutId: 'pyo_1',
};

const list = (data: readonly object[]) => json({ object: 'list', has_more: false, data });

describe('what is sent', () => {
  it('opens an account whose fees and losses are ours and whose papers are Stripe’s', async () => {
    const { payouts, calls } = makeWiredPayouts([json(READY)]);
    const provider = { providerId: 'prv_1', country: 'de', currency: 'eur' };
    await payouts.openAccount({ key: 'k', ...provider });
    expect(calls[0]?.url).toBe('https://api.stripe.com/v1/accounts');
    expect(calls[0]?.headers.get('idempotency-key')).toBe('k');
    expect(Object.fromEntries(calls[0]?.body ?? [])).toEqual({
      country: 'DE',
      default_currency: 'eur',
      'controller[fees][payer]': 'application',
      'controller[losses][payments]': 'application',
      'controller[requirement_collection]': 'stripe',
      'controller[stripe_dashboard][type]': 'express',
      'capabilities[transfers][requested]': 'true',
      'metadata[provider_id]': 'prv_1',
    });
  });

  it('moves our amount under our key, in a group by which it is found again', async () => {
    const { payouts, calls } = makeWiredPayouts([json(TRANSFER), list([TRANSFER])]);
    await payouts.transfer(MOVE);
    await payouts.findTransfer('pyo_1');
    expect(calls[0]?.headers.get('idempotency-key')).toBe(MOVE.key);
    expect(Object.fromEntries(calls[0]?.body ?? [])).toEqual({
      amount: '5000',
      currency: 'eur',
      destination: 'acct_1',
      transfer_group: 'pyo_1',
      'metadata[payout_id]': 'pyo_1',
    });
    expect(new URL(calls[1]?.url ?? '').searchParams.get('transfer_group')).toBe('pyo_1');
  });

  it('makes one call, whatever becomes of it', async () => {
    const { payouts, calls } = makeWiredPayouts([() => Promise.reject(new Error('reset'))]);
    expect((await payouts.transfer(MOVE)).kind).toBe('no_answer');
    expect(calls).toHaveLength(1);
  });
});

describe('an account', () => {
  const owing = { ...READY.requirements, currently_due: ['external_account'] };
  const watched = { ...READY.requirements, disabled_reason: 'under_review' };

  it('is ready when nothing is missing', async () => {
    const { payouts } = makeWiredPayouts([json(READY)]);
    const value = { ref: 'acct_1', isReady: true, missing: [] };
    expect(await payouts.fetchAccount('acct_1')).toEqual({ kind: 'done', value });
  });

  it.each([
    ['whose details were not submitted', { details_submitted: false }, /./],
    ['whose payouts are off', { payouts_enabled: false }, /./],
    ['whose capability is pending', { capabilities: { transfers: 'pending' } }, /pending/],
    ['of which nothing is known', { capabilities: {}, requirements: undefined }, /inactive/],
    ['that still owes something', { requirements: owing }, /external_account/],
    ['that is watched', { payouts_enabled: false, requirements: watched }, /under_review/],
  ])('is not ready %s, and says what is missing', async (_name, overrides, missing) => {
    const { payouts } = makeWiredPayouts([json({ ...READY, ...overrides })]);
    expect(await payouts.fetchAccount('acct_1')).toMatchObject({
      kind: 'done',
      value: { ref: 'acct_1', isReady: false, missing: [expect.stringMatching(missing)] },
    });
  });
});

describe('a transfer', () => {
  it('that still stands is found before one that was taken back', async () => {
    const back = { ...TRANSFER, id: 'tr_2', amount_reversed: 5_000, reversed: true };
    const both = makeWiredPayouts([list([back, TRANSFER])]);
    expect(await both.payouts.findTransfer('pyo_1')).toMatchObject({ value: { ref: 'tr_1' } });
    const one = makeWiredPayouts([list([back])]);
    expect(await one.payouts.findTransfer('pyo_1')).toMatchObject({ value: { ref: 'tr_2' } });
  });

  it('of somebody else in the same group is not ours', async () => {
    const { payouts } = makeWiredPayouts([list([{ ...TRANSFER, metadata: {} }])]);
    expect(await payouts.findTransfer('pyo_1')).toEqual({ kind: 'missing' });
  });

  it('of the other mode or of another kind is a wrong configuration', async () => {
    for (const body of [{ ...TRANSFER, livemode: true }, READY]) {
      const { payouts } = makeWiredPayouts([json(body)]);
      expect((await payouts.transfer(MOVE)).kind).toBe('misconfigured');
    }
  });
});

const refused = (code: string) => ({ kind: 'refused', code });

describe('answers of failure', () => {
  const invalid = { type: 'invalid_request_error' };

  it.each([
    [400, { ...invalid, code: 'balance_insufficient' }, refused('balance_insufficient')],
    [400, { ...invalid, code: 'transfers_not_allowed' }, refused('transfers_not_allowed')],
    [400, { ...invalid, code: 'amount_too_small' }, refused('amount_too_small')],
    [403, { ...invalid, code: 'account_invalid' }, { kind: 'missing' }],
    [400, { ...invalid, code: 'resource_missing', param: 'destination' }, { kind: 'missing' }],
    [401, invalid, { kind: 'misconfigured' }],
    [400, { type: 'idempotency_error' }, { kind: 'misconfigured' }],
    [409, { type: 'idempotency_error' }, { kind: 'unavailable' }],
    [429, { ...invalid, code: 'rate_limit' }, { kind: 'unavailable' }],
    [500, { type: 'api_error' }, { kind: 'server_error' }],
  ])('%i %j is %j', async (status, error, expected) => {
    const { payouts } = makeWiredPayouts([stripeError(status, error)]);
    const reply = await payouts.transfer(MOVE);
    expect(reply).toMatchObject(expected);
    expect(JSON.stringify(reply)).not.toContain('sk_');
  });
});
