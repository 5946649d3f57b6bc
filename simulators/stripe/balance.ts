/**
 * The account's balance: one transaction per movement, with Stripe's fee on charges and disputes.
 * All sums are integers in the minor unit. Source: Stripe API reference, "Balance Transactions".
 */
import type { JsonObject } from '../json.ts';
import { findAddressed, insert, newId, now, type StripeContext } from './context.ts';
import { listObjects, type Page } from './lists.ts';
import type { Parameters, ParameterRules } from './parameters.ts';
import type { BalanceTransactionObject } from './shapes.ts';

/** 2.9 % in tenths of a percent, and the fixed part, taken as 30 minor units in every currency. */
const FEE_PER_MILLE = 29;
const FEE_FIXED_MINOR = 30;
/** What a lost or open dispute costs beside its amount; not given back when it is won. */
const DISPUTE_FEE_MINOR = 1500;
const SETTLEMENT_SECONDS = 2 * 86_400;

/** The processing fee of a charge in minor units, rounded half up, without floating point. */
export function chargeFeeMinor(amountMinor: number): number {
  return Math.floor((amountMinor * FEE_PER_MILLE + 500) / 1000) + FEE_FIXED_MINOR;
}

/** A movement to record; `amountMinor` is signed as seen from the account. */
export interface Movement {
  readonly type: BalanceTransactionObject['type'];
  readonly category: string;
  readonly amountMinor: number;
  readonly feeMinor: number;
  readonly currency: string;
  readonly source: string;
  readonly description: string | null;
  /** Usable at once instead of after two days of the virtual clock. */
  readonly isImmediate?: boolean;
}

/** Records a movement of the balance. */
export function recordMovement(ctx: StripeContext, movement: Movement): BalanceTransactionObject {
  const waitSeconds = movement.isImmediate ? 0 : SETTLEMENT_SECONDS;
  const fee = movement.feeMinor;
  const transaction: BalanceTransactionObject = {
    id: newId(ctx, 'txn'),
    object: 'balance_transaction',
    amount: movement.amountMinor,
    available_on: now(ctx) + waitSeconds,
    balance_type: 'payments',
    created: now(ctx),
    currency: movement.currency,
    description: movement.description,
    exchange_rate: null,
    fee,
    fee_details:
      fee === 0
        ? []
        : [
            {
              amount: fee,
              application: null,
              currency: movement.currency,
              description:
                movement.category === 'dispute' ? 'Dispute fee' : 'Stripe processing fees',
              type: 'stripe_fee',
            },
          ],
    net: movement.amountMinor - fee,
    reporting_category: movement.category,
    source: movement.source,
    status: movement.isImmediate ? 'available' : 'pending',
    type: movement.type,
  };
  insert(ctx, transaction, {
    parentId: movement.source,
    secrets: { availableVirtualSeconds: ctx.world.clock.virtualSeconds() + waitSeconds },
  });
  return transaction;
}

/** The money a dispute takes, its fee included. */
export function recordDisputeWithdrawal(
  ctx: StripeContext,
  dispute: { readonly id: string; readonly amount: number; readonly currency: string },
): BalanceTransactionObject {
  return recordMovement(ctx, {
    type: 'adjustment',
    category: 'dispute',
    amountMinor: -dispute.amount,
    feeMinor: DISPUTE_FEE_MINOR,
    currency: dispute.currency,
    source: dispute.id,
    description: `Chargeback withdrawal for ${dispute.id}`,
  });
}

/** What the platform may use now and what comes later, by currency, in minor units. */
export function platformBalances(
  ctx: StripeContext,
): { readonly currency: string; readonly available: number; readonly pending: number }[] {
  // Summed by the database: the balance has a row for every movement there ever was.
  return ctx.world.store
    .statement(
      `SELECT json_extract(body, '$.currency') AS currency, SUM(json_extract(body, '$.net')) AS total,
         SUM(iif(json_extract(private, '$.availableVirtualSeconds') <= ?,
           json_extract(body, '$.net'), 0)) AS available
       FROM object WHERE processor = 'stripe' AND kind = 'balance_transaction'
       GROUP BY currency ORDER BY currency`,
    )
    .all(ctx.world.clock.virtualSeconds())
    .map((row) => {
      const available = Number(row['available']);
      const pending = Number(row['total']) - available;
      return { currency: String(row['currency']), available, pending };
    });
}

/** Parameters of GET /v1/balance_transactions. */
export const BALANCE_LIST_RULES: ParameterRules = {
  currency: 'text',
  payout: 'unserved',
  source: 'text',
  type: 'text',
};

/** GET /v1/balance_transactions/{id}. */
export function retrieveBalanceTransaction(ctx: StripeContext, id: string): object {
  return settled(ctx, findAddressed(ctx, 'balance_transaction', id));
}

/** GET /v1/balance_transactions. `type` and `currency` filter within the page that is read. */
export function listBalanceTransactions(
  ctx: StripeContext,
  parameters: Parameters,
  page: Page,
): JsonObject {
  const parentId = parameters.text('source') ?? undefined;
  const list = listObjects(ctx, { kind: 'balance_transaction', page, parentId });
  const type = parameters.text('type');
  const currency = parameters.text('currency');
  const data = (Array.isArray(list['data']) ? list['data'] : [])
    .map((row) => JSON.parse(JSON.stringify(row)) as BalanceTransactionObject)
    .filter((row) => type === null || row.type === type)
    .filter((row) => currency === null || row.currency === currency)
    .map((row) => ({ ...settled(ctx, row) }));
  return { ...list, data: JSON.parse(JSON.stringify(data)) };
}

/** A transaction with its status as of now. */
function settled(
  ctx: StripeContext,
  transaction: BalanceTransactionObject,
): BalanceTransactionObject {
  const available = ctx.world.objects.secrets(transaction.id)['availableVirtualSeconds'];
  const isAvailable = Number(available) <= ctx.world.clock.virtualSeconds();
  return { ...transaction, status: isAvailable ? 'available' : 'pending' };
}
