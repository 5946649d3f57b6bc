/**
 * Transfers from the platform's balance to connected accounts, and their reversals: never more than is available, never
 * to an account that may not receive. Runs inside one transaction. Source: Stripe API reference, "Transfers".
 */
import type { JsonObject } from '../json.ts';
import { fundsOf, moveFunds } from './accounts.ts';
import { planPayout } from './account-payouts.ts';
import { platformBalances, recordMovement } from './balance.ts';
import type { AccountObject, TransferObject, TransferReversalObject } from './connect-shapes.ts';
import { find, findAddressed, insert, newId, now, save, type StripeContext } from './context.ts';
import { checkCurrency } from './currencies.ts';
import { invalidParameter, missingResource, refusedByState } from './errors.ts';
import { emit } from './events.ts';
import { listObjects, type Page } from './lists.ts';
import type { Parameters, ParameterRules } from './parameters.ts';

/** Parameters of POST /v1/transfers. */
export const TRANSFER_CREATE_RULES: ParameterRules = {
  amount: 'integer',
  currency: 'text',
  description: 'text',
  destination: 'text',
  expand: 'texts',
  metadata: 'metadata',
  source_transaction: 'unserved',
  source_type: { oneOf: ['card'] },
  transfer_group: 'text',
};

/** Parameters of POST /v1/transfers/{id}/reversals. */
export const REVERSAL_CREATE_RULES: ParameterRules = {
  amount: 'integer',
  description: 'text',
  expand: 'texts',
  metadata: 'metadata',
  refund_application_fee: 'unserved',
};

/** Parameters of GET /v1/transfers beside those of every list. */
export const TRANSFER_LIST_RULES: ParameterRules = { destination: 'text', transfer_group: 'text' };

/** POST /v1/transfers. Errors: no such account, not enabled, not enough available. */
export function createTransfer(ctx: StripeContext, parameters: Parameters): object {
  const currency = checkCurrency(parameters.requiredText('currency'));
  const amount = positive(parameters.requiredInteger('amount'));
  const account = findDestination(ctx, parameters.requiredText('destination'));
  checkReceiving(account);
  checkAvailable(ctx, { amountMinor: amount, currency });
  const transfer = makeTransfer(ctx, { amount, currency, destination: account.id, parameters });
  // A list can be asked for a destination or for a group: filed under both.
  insert(ctx, transfer, {
    customerId: transfer.destination,
    parentId: transfer.transfer_group,
  });
  moveFunds(ctx, account.id, { amountMinor: amount, currency });
  writeBook(ctx, transfer, { id: transfer.id, amountMinor: amount, of: account.id });
  planPayout(ctx, account.id);
  emit(ctx, 'transfer.created', { object: transfer });
  return transfer;
}

/** GET /v1/transfers. */
export function listTransfers(ctx: StripeContext, parameters: Parameters, page: Page): JsonObject {
  return listObjects(ctx, {
    kind: 'transfer',
    page,
    customerId: parameters.text('destination') ?? undefined,
    parentId: parameters.text('transfer_group') ?? undefined,
  });
}

/** POST /v1/transfers/{id}/reversals. Errors: more than is left of it, more than the account holds. */
export function createReversal(ctx: StripeContext, id: string, parameters: Parameters): object {
  const transfer = findAddressed(ctx, 'transfer', id);
  const leftMinor = transfer.amount - transfer.amount_reversed;
  const amount = positive(parameters.integer('amount') ?? leftMinor);
  checkReversible(ctx, transfer, amount);
  const reversal = makeReversal(ctx, transfer, { amount, parameters });
  transfer.amount_reversed += amount;
  transfer.reversed = transfer.amount_reversed === transfer.amount;
  transfer.reversals.data.unshift(reversal);
  save(ctx, transfer);
  insert(ctx, reversal, { parentId: transfer.id });
  moveFunds(ctx, transfer.destination, { amountMinor: -amount, currency: transfer.currency });
  writeBook(ctx, transfer, { id: reversal.id, amountMinor: -amount, of: transfer.id });
  emit(ctx, 'transfer.reversed', { object: transfer });
  return reversal;
}

/** GET /v1/transfers/{id}/reversals. */
export function listReversals(ctx: StripeContext, id: string, page: Page): JsonObject {
  const { url } = findAddressed(ctx, 'transfer', id).reversals;
  return { ...listObjects(ctx, { kind: 'transfer_reversal', page, parentId: id }), url };
}

function positive(amountMinor: number): number {
  if (amountMinor >= 1) return amountMinor;
  throw invalidParameter('amount', 'parameter_invalid_integer', 'Invalid positive integer');
}

function findDestination(ctx: StripeContext, id: string): AccountObject {
  const account = find(ctx, 'account', id);
  if (account) return account;
  throw missingResource('destination', id, { param: 'destination', isAddressed: false });
}

function checkReceiving(account: AccountObject): void {
  if (account.capabilities.transfers === 'active') return;
  throw refusedByState(
    'Your destination account needs to have at least one of the following capabilities enabled: ' +
      'transfers, crypto_transfers, legacy_payments',
    { code: 'insufficient_capabilities_for_transfer' },
  );
}

function checkAvailable(
  ctx: StripeContext,
  wanted: { readonly amountMinor: number; readonly currency: string },
): void {
  const balance = platformBalances(ctx).find(({ currency }) => currency === wanted.currency);
  if ((balance?.available ?? 0) >= wanted.amountMinor) return;
  throw refusedByState(
    'You have insufficient available funds in your Stripe account. Try adding funds directly to ' +
      'your available balance by creating Charges using the 4000000000000077 test card. See: ' +
      'https://stripe.com/docs/testing#available-balance',
    { code: 'balance_insufficient' },
  );
}

function checkReversible(ctx: StripeContext, transfer: TransferObject, amountMinor: number): void {
  const leftMinor = transfer.amount - transfer.amount_reversed;
  if (amountMinor > leftMinor) {
    throw refusedByState(
      `Reversal amount (${String(amountMinor)}) is greater than unreversed amount on transfer ` +
        `(${String(leftMinor)})`,
      { param: 'amount' },
    );
  }
  const held = fundsOf(ctx, transfer.destination).balances[transfer.currency] ?? 0;
  if (held >= amountMinor) return;
  throw refusedByState('Insufficient funds in the connected account to reverse this transfer.', {
    code: 'balance_insufficient',
  });
}

function makeTransfer(
  ctx: StripeContext,
  facts: {
    readonly amount: number;
    readonly currency: string;
    readonly destination: string;
    readonly parameters: Parameters;
  },
): TransferObject {
  const { amount, currency, destination, parameters } = facts;
  const id = newId(ctx, 'tr');
  const movement = recordMovement(ctx, {
    type: 'transfer',
    category: 'transfer',
    amountMinor: -amount,
    feeMinor: 0,
    currency,
    source: id,
    description: parameters.text('description'),
    isImmediate: true,
  });
  return {
    id,
    object: 'transfer',
    amount,
    amount_reversed: 0,
    balance_transaction: movement.id,
    created: now(ctx),
    currency,
    description: parameters.text('description'),
    destination,
    destination_payment: newId(ctx, 'py'),
    livemode: false,
    metadata: parameters.mergeMetadata({}),
    reversals: { object: 'list', data: [], has_more: false, url: `/v1/transfers/${id}/reversals` },
    reversed: false,
    source_transaction: null,
    source_type: 'card',
    transfer_group: parameters.text('transfer_group'),
  };
}

function makeReversal(
  ctx: StripeContext,
  transfer: TransferObject,
  facts: { readonly amount: number; readonly parameters: Parameters },
): TransferReversalObject {
  const id = newId(ctx, 'trr');
  const movement = recordMovement(ctx, {
    type: 'transfer_refund',
    category: 'transfer_reversal',
    amountMinor: facts.amount,
    feeMinor: 0,
    currency: transfer.currency,
    source: id,
    description: facts.parameters.text('description'),
    isImmediate: true,
  });
  return {
    id,
    object: 'transfer_reversal',
    amount: facts.amount,
    balance_transaction: movement.id,
    created: now(ctx),
    currency: transfer.currency,
    destination_payment_refund: null,
    metadata: facts.parameters.mergeMetadata({}),
    source_refund: null,
    transfer: transfer.id,
  };
}

function writeBook(
  ctx: StripeContext,
  transfer: TransferObject,
  row: { readonly id: string; readonly amountMinor: number; readonly of: string },
): void {
  ctx.world.books.write({
    processor: 'stripe',
    id: row.id,
    kind: 'transfer',
    amountMinor: row.amountMinor,
    currency: transfer.currency,
    status: 'succeeded',
    of: row.of,
    paymentId: transfer.id,
  });
}
