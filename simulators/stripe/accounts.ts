/**
 * Connected accounts: opened by the platform, onboarded by their owner, paid out by payouts.ts. Owns what an account
 * lacks, what it may do and what it holds; money comes to it by transfers.ts.
 * Source: Stripe API reference, "Accounts"; documentation, "Testing Stripe Connect".
 */
import type { JsonObject } from '../json.ts';
import type { AccountObject, BankAccountObject, RequirementsObject } from './connect-shapes.ts';
import { findAddressed, insert, newId, now, save, type StripeContext } from './context.ts';
import { checkCurrency } from './currencies.ts';
import { invalidRequest } from './errors.ts';
import { emit } from './events.ts';
import { listObjects, type Page } from './lists.ts';
import type { Parameters, ParameterRules } from './parameters.ts';

/** Parameters of POST /v1/accounts. Only accounts whose fees and losses are the platform's are served. */
export const ACCOUNT_CREATE_RULES: ParameterRules = {
  account_token: 'unserved',
  business_profile: 'unserved',
  business_type: { oneOf: ['individual'] },
  capabilities: { fields: { transfers: { fields: { requested: 'boolean' } } } },
  company: 'unserved',
  controller: {
    fields: {
      fees: { fields: { payer: { oneOf: ['application'] } } },
      losses: { fields: { payments: { oneOf: ['application'] } } },
      requirement_collection: { oneOf: ['stripe'] },
      stripe_dashboard: { fields: { type: { oneOf: ['express'] } } },
    },
  },
  country: 'text',
  default_currency: 'text',
  documents: 'unserved',
  email: 'text',
  expand: 'texts',
  external_account: 'unserved',
  groups: 'unserved',
  individual: 'unserved',
  metadata: 'metadata',
  settings: 'unserved',
  tos_acceptance: 'unserved',
  type: 'unserved',
};

/** Parameters of POST /v1/accounts/{id}: what Stripe collects itself cannot be sent. */
export const ACCOUNT_UPDATE_RULES: ParameterRules = { expand: 'texts', metadata: 'metadata' };

/** What a new account has to show. */
const DUE_AT_FIRST = [
  'external_account',
  'individual.dob.day',
  'individual.dob.month',
  'individual.dob.year',
  'individual.id_number',
  'tos_acceptance.date',
];

/** The bank accounts that can be entered, and whether money arrives there. Source: "Testing Stripe Connect". */
export const TEST_BANKS: ReadonlyMap<string, { readonly isReachable: boolean }> = new Map([
  ['000123456789', { isReachable: true }],
  ['000111111116', { isReachable: false }],
]);

const ROUTING_NUMBER = '110000000';

/** POST /v1/accounts. */
export function createAccount(ctx: StripeContext, parameters: Parameters): object {
  const country = parameters.text('country') ?? 'US';
  if (!/^[A-Z]{2}$/.test(country)) {
    throw invalidRequest(`Country '${country}' is unknown.`, 'country');
  }
  checkController(parameters);
  const id = newId(ctx, 'acct');
  const account: AccountObject = {
    id,
    object: 'account',
    business_profile: null,
    business_type: null,
    capabilities: { transfers: 'inactive' },
    charges_enabled: false,
    controller: {
      fees: { payer: 'application' },
      is_controller: true,
      losses: { payments: 'application' },
      requirement_collection: 'stripe',
      stripe_dashboard: { type: 'express' },
      type: 'application',
    },
    country,
    created: now(ctx),
    default_currency: checkCurrency(parameters.text('default_currency') ?? 'usd'),
    details_submitted: false,
    email: parameters.text('email'),
    external_accounts: {
      object: 'list',
      data: [],
      has_more: false,
      url: `/v1/accounts/${id}/external_accounts`,
    },
    metadata: parameters.mergeMetadata({}),
    payouts_enabled: false,
    requirements: requirements(DUE_AT_FIRST),
    type: 'none',
  };
  insert(ctx, account, { secrets: { balances: {}, isPayoutPlanned: false } });
  emit(ctx, 'account.updated', { object: account, account: id });
  return account;
}

/** POST /v1/accounts/{id}: metadata only. */
export function updateAccount(ctx: StripeContext, id: string, parameters: Parameters): object {
  const account = findAddressed(ctx, 'account', id);
  account.metadata = parameters.mergeMetadata(account.metadata);
  save(ctx, account);
  return account;
}

/** GET /v1/accounts. */
export function listAccounts(ctx: StripeContext, page: Page): JsonObject {
  return listObjects(ctx, { kind: 'account', page });
}

/** The owner hands everything in: Stripe believes them, or wants a document to. */
export function submitDetails(
  ctx: StripeContext,
  account: AccountObject,
  given: { readonly bankNumber: string; readonly isVerified: boolean },
): void {
  account.business_type = 'individual';
  account.details_submitted = true;
  account.external_accounts.data = [bankAccount(ctx, account, given.bankNumber)];
  account.requirements = requirements(given.isVerified ? [] : ['individual.verification.document']);
  changeStanding(ctx, account, given.isVerified);
}

/** Money did not arrive: the bank account is marked, and another one is wanted before the next payout. */
export function rejectBank(ctx: StripeContext, account: AccountObject): void {
  for (const bank of account.external_accounts.data) bank.status = 'errored';
  account.requirements = requirements(['external_account']);
  account.payouts_enabled = false;
  save(ctx, account);
  emit(ctx, 'account.updated', { object: account, account: account.id });
}

/** What an account holds, by currency, in minor units, and whether a payout of it is on the way. */
export interface AccountFunds {
  readonly balances: { readonly [currency: string]: number };
  readonly isPayoutPlanned: boolean;
}

/** Reads them. */
export function fundsOf(ctx: StripeContext, accountId: string): AccountFunds {
  const { balances, isPayoutPlanned } = ctx.world.objects.secrets(accountId);
  const kept = typeof balances === 'object' && balances !== null ? Object.entries(balances) : [];
  return {
    balances: Object.fromEntries(kept.map(([currency, amount]) => [currency, Number(amount)])),
    isPayoutPlanned: isPayoutPlanned === true,
  };
}

/** Writes them. */
export function saveFunds(ctx: StripeContext, accountId: string, funds: AccountFunds): void {
  ctx.world.objects.updateSecrets(accountId, funds);
}

/** Adds money to what an account holds, or takes it with a negative amount. */
export function moveFunds(
  ctx: StripeContext,
  accountId: string,
  money: { readonly amountMinor: number; readonly currency: string },
): void {
  const funds = fundsOf(ctx, accountId);
  const held = (funds.balances[money.currency] ?? 0) + money.amountMinor;
  saveFunds(ctx, accountId, { ...funds, balances: { ...funds.balances, [money.currency]: held } });
}

function changeStanding(ctx: StripeContext, account: AccountObject, isGood: boolean): void {
  account.capabilities = { transfers: isGood ? 'active' : 'inactive' };
  account.payouts_enabled = isGood;
  save(ctx, account);
  emit(ctx, 'account.updated', { object: account, account: account.id });
}

/** Stripe's defaults for an account without a controller are another kind of account, which is not simulated. */
function checkController(parameters: Parameters): void {
  for (const name of ['fees', 'losses', 'requirement_collection', 'stripe_dashboard']) {
    if (parameters.nested('controller')?.[name] !== undefined) continue;
    throw invalidRequest(
      `This simulator serves accounts of the platform alone; send controller[${name}].`,
      `controller[${name}]`,
    );
  }
}

function requirements(due: readonly string[]): RequirementsObject {
  return {
    alternatives: [],
    current_deadline: null,
    currently_due: [...due],
    disabled_reason: due.length > 0 ? 'requirements.past_due' : null,
    errors: [],
    eventually_due: [...due],
    past_due: [...due],
    pending_verification: [],
  };
}

function bankAccount(
  ctx: StripeContext,
  account: AccountObject,
  bankNumber: string,
): BankAccountObject {
  return {
    id: newId(ctx, 'ba'),
    object: 'bank_account',
    account: account.id,
    account_holder_name: null,
    account_holder_type: null,
    account_type: null,
    available_payout_methods: ['standard'],
    bank_name: 'STRIPE TEST BANK',
    country: account.country,
    currency: account.default_currency,
    default_for_currency: true,
    fingerprint: `bank${bankNumber}`,
    last4: bankNumber.slice(-4),
    metadata: {},
    routing_number: ROUTING_NUMBER,
    status: 'new',
  };
}
