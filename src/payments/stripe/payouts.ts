/**
 * Payouts through Stripe Connect: a provider's connected account, its onboarding, and transfers out of the platform's
 * balance (separate charges and transfers). Speaks the PayoutGateway port; one call per method, no state, no retries.
 * It never decides how much somebody has earned. Called by the payout use cases.
 */
import { Stripe } from 'stripe';
import type {
  PayoutAccountView,
  PayoutGateway,
  PayoutReply,
  TransferView,
} from '../../application/ports.ts';
import { invariant, unreachable } from '../../domain/assert.ts';
import type { ProcessorReply } from '../../domain/payment/processor-reply.ts';
import { SECOND_MS } from '../../domain/time.ts';
import { keyed, LIST_PAGE_COUNT } from './calls.ts';
import { createStripeClient, type StripeClientConfig } from './client.ts';
import { replyOfError } from './errors.ts';

/** Everything the payout gateway needs to know: the platform's own credentials. */
export interface StripePayoutConfig extends StripeClientConfig {
  readonly isLive: boolean;
}

/**
 * The payout gateway.
 * Errors: replies only. `refused` is definite, and Stripe repeats it under the same key: another try needs a new one.
 * Source: Stripe API reference, "Create / Retrieve an account", "Create an account link", "Create / List transfers",
 * "Create a transfer reversal"; documentation, "Create separate charges and transfers".
 */
export function createStripePayoutGateway(config: StripePayoutConfig): PayoutGateway {
  invariant(
    !config.isLive || config.apiUrl.startsWith('https://'),
    'live payouts are made over TLS',
  );
  const client = createStripeClient(config);
  const { isLive } = config;
  return {
    processor: 'stripe',
    openAccount: (request) => ask(async () => toAccount(await openAccount(client, request))),
    fetchAccount: (ref) =>
      withRef('acct', ref, async () => toAccount(await client.accounts.retrieve(ref))),
    onboardingLink: (request) =>
      withRef('acct', request.ref, async () => toLink(await linkTo(client, request))),
    transfer: (request) =>
      withRef('acct', request.ref, async () =>
        toTransfer(await transferTo(client, request), isLive),
      ),
    findTransfer: (payoutId) => findTransfer(client, payoutId, isLive),
    reverseTransfer: (request) =>
      withRef('tr', request.transferRef, async () => {
        const { transfer } = await reverse(client, request);
        return typeof transfer === 'string' ? UNEXPECTED : toTransfer(transfer, isLive);
      }),
  };
}

type Requested<M extends 'openAccount' | 'onboardingLink' | 'transfer' | 'reverseTransfer'> =
  Parameters<PayoutGateway[M]>[0];

type Failure = Exclude<PayoutReply<never>, { readonly kind: 'done' }>;

const UNEXPECTED: Failure = { kind: 'misconfigured', reason: 'unexpected_object' };

/**
 * The platform pays Stripe's fees and bears losses, as separate charges and transfers ask for; Stripe itself collects and
 * checks what the law wants to know of the provider, so that we never hold it.
 */
function openAccount(client: Stripe, request: Requested<'openAccount'>): Promise<Stripe.Account> {
  return client.accounts.create(
    {
      country: request.country.toUpperCase(),
      default_currency: request.currency,
      controller: {
        fees: { payer: 'application' },
        losses: { payments: 'application' },
        requirement_collection: 'stripe',
        stripe_dashboard: { type: 'express' },
      },
      capabilities: { transfers: { requested: true } },
      metadata: { provider_id: request.providerId },
    },
    keyed(request.key),
  );
}

/** Without a key of ours: a link can be used once, so a repeat has to bring a new one, and it moves nothing. */
function linkTo(client: Stripe, request: Requested<'onboardingLink'>): Promise<Stripe.AccountLink> {
  return client.accountLinks.create({
    account: request.ref,
    type: 'account_onboarding',
    return_url: request.returnUrl,
    refresh_url: request.refreshUrl,
  });
}

/** The group is the payout's id, because a list can be asked for a group and not for metadata. */
function transferTo(client: Stripe, request: Requested<'transfer'>): Promise<Stripe.Transfer> {
  return client.transfers.create(
    {
      amount: request.amount.amount,
      currency: request.amount.currency,
      destination: request.ref,
      transfer_group: request.payoutId,
      metadata: { payout_id: request.payoutId },
    },
    keyed(request.key),
  );
}

function reverse(
  client: Stripe,
  request: Requested<'reverseTransfer'>,
): Promise<Stripe.TransferReversal> {
  return client.transfers.createReversal(
    request.transferRef,
    { amount: request.amountMinor, expand: ['transfer'] },
    keyed(request.key),
  );
}

/** A group holds one payout's transfers. One that still stands comes before one that was taken back. */
async function findTransfer(
  client: Stripe,
  payoutId: string,
  isLive: boolean,
): Promise<PayoutReply<TransferView>> {
  return ask(async () => {
    const page = await client.transfers.list({ transfer_group: payoutId, limit: LIST_PAGE_COUNT });
    const ours = page.data.filter(({ metadata }) => metadata['payout_id'] === payoutId);
    const found = ours.find(({ reversed }) => !reversed) ?? ours[0];
    return found === undefined ? { kind: 'missing' } : toTransfer(found, isLive);
  });
}

/** An account shows no mode of its own; the key decides which mode it is read in. */
function toAccount(account: Stripe.Account): PayoutReply<PayoutAccountView> {
  if (account.object !== 'account') return UNEXPECTED;
  const due = account.requirements?.currently_due ?? [];
  const transfers = account.capabilities?.transfers ?? 'inactive';
  const isReady =
    account.details_submitted &&
    account.payouts_enabled &&
    transfers === 'active' &&
    due.length === 0;
  const value = { ref: account.id, isReady, missing: isReady ? [] : missingOf(account) };
  return { kind: 'done', value };
}

/** What is due; where nothing is, why Stripe waits all the same. */
function missingOf(account: Stripe.Account): readonly string[] {
  const requirements = account.requirements;
  const due = new Set([...(requirements?.currently_due ?? []), ...(requirements?.past_due ?? [])]);
  if (due.size > 0) return [...due];
  const reason = requirements?.disabled_reason;
  return [reason ?? `capabilities.transfers.${account.capabilities?.transfers ?? 'inactive'}`];
}

function toLink(link: Stripe.AccountLink): PayoutReply<{ url: string; expiresAtMs: number }> {
  if (link.object !== 'account_link') return UNEXPECTED;
  return { kind: 'done', value: { url: link.url, expiresAtMs: link.expires_at * SECOND_MS } };
}

function toTransfer(transfer: Stripe.Transfer, isLive: boolean): PayoutReply<TransferView> {
  if (transfer.object !== 'transfer') return UNEXPECTED;
  if (transfer.livemode !== isLive) return { kind: 'misconfigured', reason: 'livemode_mismatch' };
  const { id, amount, amount_reversed: reversedMinor } = transfer;
  return { kind: 'done', value: { ref: id, amountMinor: amount, reversedMinor } };
}

const ID_SHAPES = { acct: /^acct_[A-Za-z0-9_]+$/, tr: /^tr_[A-Za-z0-9_]+$/ } as const;

/** A text that is no id of this kind names no object; it must not become part of a path either. */
async function withRef<T>(
  prefix: keyof typeof ID_SHAPES,
  ref: string,
  call: () => Promise<PayoutReply<T>>,
): Promise<PayoutReply<T>> {
  return ID_SHAPES[prefix].test(ref) ? ask(call) : { kind: 'missing' };
}

async function ask<T>(call: () => Promise<PayoutReply<T>>): Promise<PayoutReply<T>> {
  try {
    return await call();
  } catch (error) {
    return failureOf(error);
  }
}

/** A definite no to a transfer that the payment calls never meet. Source: Stripe API reference, "Error codes". */
const REFUSED: ReadonlySet<string> = new Set([
  'account_country_invalid_address',
  'country_unsupported',
  'insufficient_capabilities_for_transfer',
  'transfers_not_allowed',
]);

/** Errors: whatever is not the SDK's is a programming error and is thrown on. */
function failureOf(error: unknown): Failure {
  const reply = replyOfError(error);
  if (reply.kind === 'misconfigured' && error instanceof Stripe.errors.StripeError) {
    const code = error.code ?? '';
    if (REFUSED.has(code)) return { kind: 'refused', code };
    // Stripe does not tell an account that does not exist from one that is not, or no longer, connected to us.
    if (code === 'account_invalid') return { kind: 'missing' };
    if (error.param === 'amount') return { kind: 'refused', code: 'amount_invalid' };
  }
  return toFailure(reply);
}

function toFailure(reply: ProcessorReply): Failure {
  switch (reply.kind) {
    case 'declined':
      return { kind: 'refused', code: reply.code };
    case 'no_answer':
    case 'server_error':
    case 'unavailable':
    case 'misconfigured':
      return { kind: reply.kind, reason: reply.reason };
    case 'missing':
      return reply;
    case 'already_done':
    case 'payment':
    case 'refund':
    case 'setup':
    case 'customer':
    case 'method':
    case 'detached':
      return { kind: 'misconfigured', reason: `unexpected_${reply.kind}` };
    default:
      return unreachable(reply);
  }
}
