/**
 * What a connected account holds goes to its bank by itself, on the virtual clock: two days after money came, arriving
 * two days later or failing by the bank account's number. Owns payouts and the account's side of the balance.
 * Source: Stripe documentation, "Manage payouts"; API reference, "Payouts", "Balance".
 */
import type { JsonObject } from '../json.ts';
import { fundsOf, moveFunds, rejectBank, saveFunds, TEST_BANKS } from './accounts.ts';
import { platformBalances } from './balance.ts';
import type { AccountObject, PayoutObject } from './connect-shapes.ts';
import {
  findAddressed,
  findKnown,
  insert,
  newId,
  now,
  save,
  type StripeContext,
} from './context.ts';
import { emit } from './events.ts';
import { missingResource } from './errors.ts';
import { listObjects, type Page } from './lists.ts';

/** How long money stays in an account before it is paid out, and how long it then takes. */
const PLANNED_SECONDS = 2 * 86_400;
const ARRIVAL_SECONDS = 2 * 86_400;

/** Money has come: it is paid out later, together with what comes until then. */
export function planPayout(ctx: StripeContext, accountId: string): void {
  const funds = fundsOf(ctx, accountId);
  if (funds.isPayoutPlanned) return;
  saveFunds(ctx, accountId, { ...funds, isPayoutPlanned: true });
  ctx.world.deadlines.set('stripe:account_payout', accountId, PLANNED_SECONDS);
}

/** Pays out all that an account holds; called by the virtual clock. */
export function payOut(ctx: StripeContext, accountId: string): void {
  const account = findKnown(ctx, 'account', accountId);
  const funds = fundsOf(ctx, accountId);
  saveFunds(ctx, accountId, { ...funds, isPayoutPlanned: false });
  const [bank] = account.external_accounts.data;
  if (!account.payouts_enabled || !bank) return;
  for (const [currency, amount] of Object.entries(funds.balances)) {
    if (amount < 1) continue;
    const payout = makePayout(ctx, { amount, currency, destination: bank.id });
    insert(ctx, payout, { customerId: accountId, secrets: { account: accountId } });
    moveFunds(ctx, accountId, { amountMinor: -amount, currency });
    writeBook(ctx, account, payout);
    ctx.world.deadlines.set('stripe:payout', payout.id, ARRIVAL_SECONDS);
    emit(ctx, 'payout.created', { object: payout, account: accountId });
  }
}

/** A payout arrives or comes back; called by the virtual clock. */
export function settlePayout(ctx: StripeContext, payoutId: string): void {
  const payout = findKnown(ctx, 'payout', payoutId);
  const account = findOwner(ctx, payout);
  const bank = account.external_accounts.data.find(({ id }) => id === payout.destination);
  const number = [...TEST_BANKS].find(([key]) => key.endsWith(bank?.last4 ?? key));
  const isPaid = number?.[1].isReachable !== false;
  payout.status = isPaid ? 'paid' : 'failed';
  payout.reconciliation_status = 'completed';
  if (!isPaid) {
    payout.failure_code = 'no_account';
    payout.failure_message = 'The bank account details on file are probably incorrect.';
    moveFunds(ctx, account.id, { amountMinor: payout.amount, currency: payout.currency });
  }
  save(ctx, payout);
  ctx.world.books.settle(payout.id, 'payout', isPaid ? 'succeeded' : 'failed');
  emit(ctx, isPaid ? 'payout.paid' : 'payout.failed', { object: payout, account: account.id });
  if (!isPaid) rejectBank(ctx, account);
}

/** GET /v1/payouts of a connected account; the platform itself is not paid out here. */
export function listPayouts(ctx: StripeContext, accountId: string | null, page: Page): JsonObject {
  return listObjects(ctx, { kind: 'payout', page, customerId: accountId ?? 'platform' });
}

/** GET /v1/payouts/{id} of a connected account. */
export function retrievePayout(ctx: StripeContext, id: string, accountId: string | null): object {
  const payout = findAddressed(ctx, 'payout', id);
  if (findOwner(ctx, payout).id === accountId) return payout;
  throw missingResource('payout', id, { param: 'payout', isAddressed: true });
}

/** GET /v1/balance, of the platform or of a connected account. */
export function retrieveBalance(ctx: StripeContext, accountId: string | null): object {
  const rows = accountId === null ? platformBalances(ctx) : accountBalances(ctx, accountId);
  const part = (name: 'available' | 'pending'): object[] =>
    rows.map((row) => ({
      amount: row[name],
      currency: row.currency,
      source_types: { card: row[name] },
    }));
  return {
    object: 'balance',
    available: part('available'),
    livemode: false,
    pending: part('pending'),
  };
}

function accountBalances(
  ctx: StripeContext,
  accountId: string,
): ReturnType<typeof platformBalances> {
  findAddressed(ctx, 'account', accountId);
  return Object.entries(fundsOf(ctx, accountId).balances).map(([currency, available]) => ({
    currency,
    available,
    pending: 0,
  }));
}

function findOwner(ctx: StripeContext, payout: PayoutObject): AccountObject {
  const accountId = ctx.world.objects.secrets(payout.id)['account'];
  return findKnown(ctx, 'account', typeof accountId === 'string' ? accountId : null);
}

function makePayout(
  ctx: StripeContext,
  facts: { readonly amount: number; readonly currency: string; readonly destination: string },
): PayoutObject {
  return {
    id: newId(ctx, 'po'),
    object: 'payout',
    amount: facts.amount,
    application_fee: null,
    application_fee_amount: null,
    arrival_date: now(ctx) + ARRIVAL_SECONDS,
    automatic: true,
    balance_transaction: null,
    created: now(ctx),
    currency: facts.currency,
    description: 'STRIPE PAYOUT',
    destination: facts.destination,
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    livemode: false,
    metadata: {},
    method: 'standard',
    original_payout: null,
    payout_method: null,
    reconciliation_status: 'in_progress',
    reversed_by: null,
    source_type: 'card',
    statement_descriptor: null,
    status: 'in_transit',
    trace_id: null,
    type: 'bank_account',
  };
}

/** The account's metadata stand beside it: a payout has none of its own. */
function writeBook(ctx: StripeContext, account: AccountObject, payout: PayoutObject): void {
  ctx.world.books.write({
    processor: 'stripe',
    id: payout.id,
    kind: 'payout',
    amountMinor: payout.amount,
    currency: payout.currency,
    status: 'pending',
    of: account.id,
    paymentId: account.id,
  });
}
