/**
 * Connect in the Stripe simulator, driven by the official SDK: what an account must show before money goes to it, that
 * no more goes than there is, and that the books show every way of it.
 */
import type { Stripe } from 'stripe';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MIGRATIONS } from '../../simulators/migrations.ts';
import {
  INTENT,
  refusal,
  startReceiver,
  startRig,
  until,
  type Receiver,
  type Rig,
} from './support.ts';

const DAY_S = 86_400;

const ACCOUNT = {
  country: 'US',
  controller: {
    fees: { payer: 'application' },
    losses: { payments: 'application' },
    requirement_collection: 'stripe',
    stripe_dashboard: { type: 'express' },
  },
  capabilities: { transfers: { requested: true } },
  metadata: { provider_id: 'prv_test' },
} as const;

let rig: Rig;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
  rig = await startRig({ platformUrl: receiver.url });
});
afterAll(async () => {
  await rig.simulators.close();
  await receiver.close();
});

async function onboarded(bank?: string): Promise<Stripe.Account> {
  const { id } = await rig.stripe.accounts.create(ACCOUNT);
  await rig.control(`payers/stripe/${id}`, { action: 'approve', paymentMethod: bank });
  return rig.stripe.accounts.retrieve(id);
}

async function earn(method = 'pm_card_bypassPending', amount = 10_000): Promise<void> {
  const intent = { ...INTENT, amount, capture_method: 'automatic', confirm: true } as const;
  await rig.stripe.paymentIntents.create({ ...intent, payment_method: method });
}

async function available(): Promise<number> {
  const { available: rows } = await rig.stripe.balance.retrieve();
  return rows.find(({ currency }) => currency === 'usd')?.amount ?? 0;
}

function move(destination: string, amount: number): Promise<Stripe.Transfer> {
  return rig.stripe.transfers.create({ amount, currency: 'usd', destination });
}

describe('an account', () => {
  it('lacks everything at first, and nothing once its owner was believed', async () => {
    const created = await rig.stripe.accounts.create(ACCOUNT);
    expect(created).toMatchObject({
      details_submitted: false,
      payouts_enabled: false,
      capabilities: { transfers: 'inactive' },
      metadata: { provider_id: 'prv_test' },
    });
    expect(created.requirements?.currently_due).not.toEqual([]);
    expect(await onboarded()).toMatchObject({
      details_submitted: true,
      payouts_enabled: true,
      capabilities: { transfers: 'active' },
      requirements: { currently_due: [], disabled_reason: null },
    });
  });

  it('of another platform and one that does not exist are refused alike', async () => {
    const error = await refusal(rig.stripe.accounts.retrieve('acct_of_nobody'));
    expect(error).toMatchObject({ statusCode: 403, code: 'account_invalid' });
  });

  it('of a kind that is not simulated is refused by name', async () => {
    const { controller: _controller, ...plain } = ACCOUNT;
    expect((await refusal(rig.stripe.accounts.create(plain))).param).toBe('controller[fees]');
    const express = await refusal(rig.stripe.accounts.create({ ...ACCOUNT, type: 'express' }));
    expect(express.param).toBe('type');
  });

  it('cannot be onboarded with a bank that nobody knows', async () => {
    const { id } = await rig.stripe.accounts.create(ACCOUNT);
    const act = { action: 'approve', paymentMethod: '123' };
    expect((await rig.control(`payers/stripe/${id}`, act)).status).toBe(422);
    expect((await rig.control('payers/stripe/acct_of_nobody', act)).status).toBe(404);
  });
});

describe('the balance', () => {
  it('counts a charge two days later, its fee taken, and a transfer at once', async () => {
    const { id } = await onboarded();
    await rig.control('clock', { advanceSeconds: 2 * DAY_S });
    const before = await available();
    await earn('pm_card_visa', 1_000);
    expect(await available()).toBe(before);
    const late = await refusal(move(id, before + 1));
    expect(late).toMatchObject({ statusCode: 400, code: 'balance_insufficient' });
    await rig.control('clock', { advanceSeconds: 2 * DAY_S });
    expect(await available()).toBe(before + 1_000 - 59);
    await move(id, 900);
    expect(await available()).toBe(before + 1_000 - 59 - 900);
    const own = await rig.stripe.balance.retrieve({}, { stripeAccount: id });
    expect(own.available).toMatchObject([{ amount: 900, currency: 'usd' }]);
    expect(await refusal(move(id, 0))).toMatchObject({ param: 'amount' });
  });

  it('has a transaction for each transfer and reversal', async () => {
    await earn();
    const { id } = await onboarded();
    const transfer = await move(id, 700);
    const reversal = await rig.stripe.transfers.createReversal(transfer.id, { amount: 200 });
    const of = async (source: string) =>
      (await rig.stripe.balanceTransactions.list({ source })).data.map((row) => row.net);
    expect(await of(transfer.id)).toEqual([-700]);
    expect(await of(reversal.id)).toEqual([200]);
    const after = await rig.stripe.transfers.retrieve(transfer.id);
    expect(after).toMatchObject({ amount_reversed: 200, reversed: false });
    expect(after.reversals.data.map((row) => row.id)).toEqual([reversal.id]);
    const listed = await rig.stripe.transfers.listReversals(transfer.id);
    expect(listed.data.map((row) => row.amount)).toEqual([200]);
  });
});

describe('a call in a connected account', () => {
  it('is served for balances and payouts alone, and never taken for the platform’s', async () => {
    const { id } = await onboarded();
    const inside = { stripeAccount: id };
    expect((await rig.stripe.payouts.list({}, inside)).data).toEqual([]);
    const error = await refusal(rig.stripe.paymentIntents.create(INTENT, inside));
    expect(error).toMatchObject({ statusCode: 400 });
    expect(error.message).toContain('Stripe-Account');
  });
});

describe('payouts', () => {
  it('gather what came in two days, arrive in two more, and are told once each', async () => {
    await earn();
    const { id } = await onboarded();
    await move(id, 300);
    await move(id, 400);
    await rig.control('clock', { advanceSeconds: 2 * DAY_S });
    const inside = { stripeAccount: id };
    const [payout] = (await rig.stripe.payouts.list({}, inside)).data;
    expect(payout).toMatchObject({ amount: 700, status: 'in_transit', currency: 'usd' });
    await rig.control('clock', { advanceSeconds: 2 * DAY_S });
    const paid = await rig.stripe.payouts.retrieve(payout?.id ?? '', {}, inside);
    expect(paid.status).toBe('paid');
    const missing = await refusal(rig.stripe.payouts.retrieve(paid.id));
    expect(missing.code).toBe('resource_missing');
    const told = () => receiver.of('payout.paid').filter(({ event }) => event.account === id);
    await until(() => told().length > 0);
    expect(told().map(({ event }) => event.data.object)).toMatchObject([{ id: paid.id }]);
    expect(receiver.of('transfer.created')[0]?.event.account).toBeUndefined();
    const rows = (await rig.books()).filter(({ kind, of }) => kind === 'payout' && of === id);
    expect(rows).toMatchObject([
      { of: id, amount: 700, status: 'succeeded', metadata: { provider_id: 'prv_test' } },
    ]);
  });
});

describe('books of an older simulator', () => {
  it('are opened as they were, and take transfers from then on', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'holdfast-books-'));
    mkdirSync(path.join(directory, 'simulators'));
    const db = new DatabaseSync(path.join(directory, 'simulators', 'books.sqlite'));
    db.exec(`${MIGRATIONS[0] ?? ''} PRAGMA user_version = 1;`);
    db.exec(`INSERT INTO book VALUES (1, 'stripe', 'ch_1', 'capture', 2500, 'usd', 'succeeded',
      'pi_1', 'pi_1', 1800000000000)`);
    db.close();
    const older = await startRig({ state: { directory } });
    expect(await older.books()).toMatchObject([{ id: 'ch_1', kind: 'capture', amount: 2500 }]);
    const { id } = await older.stripe.accounts.create(ACCOUNT);
    await older.control(`payers/stripe/${id}`, { action: 'approve' });
    const method = { payment_method: 'pm_card_bypassPending', confirm: true };
    await older.stripe.paymentIntents.create({ ...INTENT, ...method, capture_method: 'automatic' });
    await older.stripe.transfers.create({ amount: 100, currency: 'usd', destination: id });
    expect((await older.books()).at(-1)).toMatchObject({ kind: 'transfer', of: id, amount: 100 });
    await older.simulators.close();
    rmSync(directory, { recursive: true, force: true });
  });
});
