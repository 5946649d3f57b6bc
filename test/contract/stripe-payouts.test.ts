/**
 * Payouts through Stripe Connect: the shipping adapter against the simulator over real sockets, with faults.
 * Protects: an account counts as ready only when Stripe says so, and a transfer whose answer was lost is made once.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type {
  PaymentGateway,
  PayoutGateway,
  PayoutReply,
  TransferView,
} from '../../src/application/ports.ts';
import { InvariantError } from '../../src/domain/assert.ts';
import { createStripeGateway } from '../../src/payments/stripe/gateway.ts';
import { createStripePayoutGateway } from '../../src/payments/stripe/payouts.ts';
import type { BookRow } from '../support/processor-control.ts';
import { newKey, paymentOf, RETURN_URL } from './payment-gateway-subject.ts';
import { startStripe, type StripeWorld } from './stripe-world.ts';

const DAY_S = 86_400;
const REFRESH_URL = 'https://shop.example/again';

let world: StripeWorld;
let payouts: PayoutGateway;
let gateway: PaymentGateway;
beforeAll(async () => {
  world = await startStripe();
  payouts = createStripePayoutGateway(world.config);
  gateway = createStripeGateway(world.config);
});
afterEach(() => world.clearFaults());
afterAll(() => world.close());

function valueOf<T>(reply: PayoutReply<T>): T {
  if (reply.kind !== 'done') throw new Error(`an answer was due: ${JSON.stringify(reply)}`);
  return reply.value;
}

async function account(key = newKey()): Promise<string> {
  const wanted = { key, providerId: `prv_${key}`, country: 'DE', currency: 'eur' };
  return valueOf(await payouts.openAccount(wanted)).ref;
}

/** What the provider does at Stripe, without a browser. */
function actAsOwner(ref: string, action: string, paymentMethod?: string): Promise<void> {
  return world.control.act(ref, { action, paymentMethod });
}

async function readyAccount(bank = '000123456789'): Promise<string> {
  const ref = await account();
  await actAsOwner(ref, 'approve', bank);
  expect(valueOf(await payouts.fetchAccount(ref)).isReady).toBe(true);
  return ref;
}

/** Money of payers that the platform may use at once. */
async function earn(amountMinor: number, currency = 'eur'): Promise<void> {
  const key = newKey();
  const amount = { amount: amountMinor, currency };
  const reference = { bookingId: `bkg_${key}`, paymentId: `pay_${key}` };
  const { ref } = paymentOf(await gateway.open({ key, amount, reference, returnUrl: null }));
  const paymentMethod = 'pm_card_bypassPending';
  await gateway.authorize({ key: newKey(), ref, paymentMethod, returnUrl: RETURN_URL });
  paymentOf(await gateway.capture({ key: newKey(), ref, amountMinor }));
}

function request(ref: string, payoutId: string, amountMinor = 5_000) {
  return { key: newKey(), ref, amount: { amount: amountMinor, currency: 'eur' }, payoutId };
}

async function transferred(ref: string, payoutId: string): Promise<TransferView> {
  return valueOf(await payouts.transfer(request(ref, payoutId)));
}

async function booked(kind: string, of?: string): Promise<BookRow[]> {
  const rows = await world.control.books();
  return rows.filter((row) => row.kind === kind && (of === undefined || row.of === of));
}

describe('accounts', () => {
  it('are opened once per key, and are not ready', async () => {
    const key = newKey();
    const ref = await account(key);
    expect(await account(key)).toBe(ref);
    const view = valueOf(await payouts.fetchAccount(ref));
    expect(view).toMatchObject({ ref, isReady: false });
    expect(view.missing).toContain('external_account');
    expect(view.missing).toContain('individual.id_number');
  });

  it('are ready when everything was handed in and believed', async () => {
    const ref = await account();
    await actAsOwner(ref, 'approve');
    expect(valueOf(await payouts.fetchAccount(ref))).toEqual({ ref, isReady: true, missing: [] });
  });

  it('are not ready while a document is wanted, though the details were submitted', async () => {
    const ref = await account();
    await actAsOwner(ref, 'fail');
    expect(valueOf(await payouts.fetchAccount(ref))).toEqual({
      ref,
      isReady: false,
      missing: ['individual.verification.document'],
    });
  });

  it('are opened once though the answer was lost', async () => {
    const open = { key: newKey(), providerId: 'prv_lost', country: 'DE', currency: 'eur' };
    await world.setFault('create', 'timeout_after');
    expect((await payouts.openAccount(open)).kind).toBe('no_answer');
    const { ref } = valueOf(await payouts.openAccount(open));
    expect(valueOf(await payouts.openAccount(open)).ref).toBe(ref);
  });

  it('that are nobody’s are missing', async () => {
    expect(await payouts.fetchAccount('acct_of_nobody')).toEqual({ kind: 'missing' });
    expect(await payouts.fetchAccount('../accounts')).toEqual({ kind: 'missing' });
  });

  it('tell of a change by an event that names the account', async () => {
    const ref = await readyAccount();
    const delivery = await world.events.first('account.updated', ref);
    const event = await gateway.readWebhook({ ...delivery, nowMs: Date.now() });
    expect(event).toMatchObject({
      type: 'account.updated',
      objectRef: ref,
      reference: null,
      isExpected: true,
    });
  });
});

async function link(ref: string): Promise<{ url: string; expiresAtMs: number }> {
  const made = { ref, returnUrl: RETURN_URL, refreshUrl: REFRESH_URL };
  return valueOf(await payouts.onboardingLink(made));
}

function submit(url: string, action: string): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    body: new URLSearchParams({ action }),
    redirect: 'manual',
  });
}

describe('onboarding links', () => {
  it('lead to a page, and back when the owner has submitted', async () => {
    const ref = await account();
    const { url, expiresAtMs } = await link(ref);
    expect(expiresAtMs).toBeGreaterThan(Date.now());
    expect(await (await fetch(url)).text()).toContain('Set up payouts');
    const answer = await submit(url, 'approve');
    expect(answer.headers.get('location')).toBe(RETURN_URL);
    expect(valueOf(await payouts.fetchAccount(ref)).isReady).toBe(true);
  });

  it('bring the owner back without having proved anything', async () => {
    const ref = await account();
    const answer = await submit((await link(ref)).url, 'decline');
    expect(answer.headers.get('location')).toBe(RETURN_URL);
    expect(valueOf(await payouts.fetchAccount(ref)).isReady).toBe(false);
  });

  it('work once, and each is a new one', async () => {
    const ref = await account();
    const [first, second] = [await link(ref), await link(ref)];
    expect(second.url).not.toBe(first.url);
    await submit(first.url, 'decline');
    expect(await (await fetch(first.url)).text()).toContain(REFRESH_URL);
    expect((await submit(first.url, 'approve')).status).toBe(200);
    expect(valueOf(await payouts.fetchAccount(ref)).isReady).toBe(false);
    await submit(second.url, 'approve');
    expect(valueOf(await payouts.fetchAccount(ref)).isReady).toBe(true);
  });

  it('expire', async () => {
    const ref = await account();
    const { url } = await link(ref);
    await world.advanceSeconds(600);
    await submit(url, 'approve');
    expect(valueOf(await payouts.fetchAccount(ref)).isReady).toBe(false);
  });
});

describe('transfers', () => {
  it('move money once per key and are found by our own id', async () => {
    await earn(20_000);
    const ref = await readyAccount();
    const call = request(ref, 'pyo_once');
    const first = valueOf(await payouts.transfer(call));
    expect(first).toEqual({
      ref: expect.stringMatching(/^tr_/),
      amountMinor: 5_000,
      reversedMinor: 0,
    });
    expect(valueOf(await payouts.transfer(call))).toEqual(first);
    expect(valueOf(await payouts.findTransfer('pyo_once'))).toEqual(first);
    expect(await booked('transfer', ref)).toMatchObject([
      { amount: 5_000, status: 'succeeded', metadata: { payout_id: 'pyo_once' } },
    ]);
    expect(await payouts.findTransfer('pyo_never')).toEqual({ kind: 'missing' });
  });

  it('whose answer was lost are found, and made once', async () => {
    await earn(20_000);
    const ref = await readyAccount();
    const call = request(ref, 'pyo_lost');
    for (const fault of ['timeout_after', 'timeout_before', 'reset'] as const) {
      await world.setFault('create', fault);
      expect((await payouts.transfer(call)).kind).toBe('no_answer');
    }
    const found = valueOf(await payouts.findTransfer('pyo_lost'));
    expect(valueOf(await payouts.transfer(call))).toEqual(found);
    expect(await booked('transfer', ref)).toHaveLength(1);
  });

  it('that did not take effect are missing, and the same key makes them', async () => {
    await earn(20_000);
    const ref = await readyAccount();
    const call = request(ref, 'pyo_before');
    await world.setFault('create', 'timeout_before');
    expect((await payouts.transfer(call)).kind).toBe('no_answer');
    expect(await payouts.findTransfer('pyo_before')).toEqual({ kind: 'missing' });
    valueOf(await payouts.transfer(call));
    expect(await booked('transfer', ref)).toHaveLength(1);
  });

  it('answered by a fault stay under their key; a new key is safe once none is found', async () => {
    await earn(20_000);
    const ref = await readyAccount();
    const call = request(ref, 'pyo_fault');
    await world.setFault('create', 'http_500');
    expect((await payouts.transfer(call)).kind).toBe('server_error');
    expect((await payouts.transfer(call)).kind).toBe('server_error');
    expect(await payouts.findTransfer('pyo_fault')).toEqual({ kind: 'missing' });
    valueOf(await payouts.transfer({ ...call, key: newKey() }));
    await world.setFault('create', 'http_429');
    expect((await payouts.transfer(request(ref, 'pyo_limit'))).kind).toBe('unavailable');
  });

  it('beyond what is available are refused and move nothing', async () => {
    const ref = await readyAccount();
    const reply = await payouts.transfer(request(ref, 'pyo_too_much', 90_000_000));
    expect(reply).toEqual({ kind: 'refused', code: 'balance_insufficient' });
    expect(await payouts.findTransfer('pyo_too_much')).toEqual({ kind: 'missing' });
    expect(await booked('transfer', ref)).toEqual([]);
  });

  it('to an account that is not ready are refused, to none they are missing', async () => {
    const reply = await payouts.transfer(request(await account(), 'pyo_early'));
    expect(reply).toEqual({ kind: 'refused', code: 'insufficient_capabilities_for_transfer' });
    const none = await payouts.transfer(request('acct_of_nobody', 'pyo_nobody'));
    expect(none).toEqual({ kind: 'missing' });
  });
});

describe('reversals', () => {
  it('take back a part and then the rest, and never more', async () => {
    await earn(20_000);
    const destination = await readyAccount();
    const { ref } = await transferred(destination, 'pyo_back');
    const part = { key: newKey(), transferRef: ref, amountMinor: 2_000 };
    const view = { ref, amountMinor: 5_000, reversedMinor: 2_000 };
    expect(valueOf(await payouts.reverseTransfer(part))).toEqual(view);
    expect(valueOf(await payouts.reverseTransfer(part))).toEqual(view);
    const rest = { key: newKey(), transferRef: ref, amountMinor: 3_001 };
    expect(await payouts.reverseTransfer(rest)).toEqual({
      kind: 'refused',
      code: 'amount_invalid',
    });
    const exact = { ...rest, key: newKey(), amountMinor: 3_000 };
    expect(valueOf(await payouts.reverseTransfer(exact)).reversedMinor).toBe(5_000);
    expect(valueOf(await payouts.findTransfer('pyo_back')).reversedMinor).toBe(5_000);
    expect(await booked('transfer', ref)).toMatchObject([{ amount: -2_000 }, { amount: -3_000 }]);
  });

  it('are refused when the account has been paid out, and missing for no transfer', async () => {
    await earn(20_000);
    const destination = await readyAccount();
    const { ref } = await transferred(destination, 'pyo_gone');
    await world.advanceSeconds(2 * DAY_S);
    const back = { key: newKey(), transferRef: ref, amountMinor: 1_000 };
    expect(await payouts.reverseTransfer(back)).toEqual({
      kind: 'refused',
      code: 'balance_insufficient',
    });
    const none = { key: newKey(), transferRef: 'tr_of_nobody', amountMinor: 1 };
    expect(await payouts.reverseTransfer(none)).toEqual({ kind: 'missing' });
  });
});

describe('what becomes of the money', () => {
  it('goes to the bank, and the event names the account', async () => {
    await earn(20_000);
    const ref = await readyAccount();
    await transferred(ref, 'pyo_bank');
    await world.advanceSeconds(2 * DAY_S);
    expect(await booked('payout', ref)).toMatchObject([{ amount: 5_000, status: 'pending' }]);
    await world.advanceSeconds(2 * DAY_S);
    expect(await booked('payout', ref)).toMatchObject([{ amount: 5_000, status: 'succeeded' }]);
    const delivery = await world.events.first('payout.paid', ref);
    const event = await gateway.readWebhook({ ...delivery, nowMs: Date.now() });
    expect(event).toMatchObject({ type: 'payout.paid', objectRef: ref, isExpected: true });
  });

  it('comes back when the bank refuses it, and the account wants another bank', async () => {
    await earn(20_000);
    const ref = await readyAccount('000111111116');
    await transferred(ref, 'pyo_refused');
    await world.advanceSeconds(2 * DAY_S);
    await world.advanceSeconds(2 * DAY_S);
    expect(await booked('payout', ref)).toMatchObject([{ amount: 5_000, status: 'failed' }]);
    expect(valueOf(await payouts.fetchAccount(ref))).toEqual({
      ref,
      isReady: false,
      missing: ['external_account'],
    });
    await actAsOwner(ref, 'approve', '000123456789');
    expect(valueOf(await payouts.fetchAccount(ref)).isReady).toBe(true);
    await world.advanceSeconds(2 * DAY_S);
    await world.advanceSeconds(2 * DAY_S);
    expect(await booked('payout', ref)).toMatchObject([
      { amount: 5_000, status: 'failed' },
      { amount: 5_000, status: 'succeeded' },
    ]);
  });
});

describe('configuration', () => {
  it('of a wrong key is told apart from a refusal', async () => {
    const stranger = createStripePayoutGateway({ ...world.config, secretKey: 'sk_test_stranger' });
    expect((await stranger.findTransfer('pyo_1')).kind).toBe('misconfigured');
    expect((await stranger.fetchAccount('acct_1')).kind).toBe('misconfigured');
  });

  it('of live payouts without TLS is refused', () => {
    expect(() => createStripePayoutGateway({ ...world.config, isLive: true })).toThrow(
      InvariantError,
    );
  });
});
