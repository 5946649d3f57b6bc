/**
 * `POST /v1/subscriptions/{id}/confirm`: the payer says that they have done their part. The processor is asked, never the
 * caller, and the subscription moves on by what it answers.
 */
import type { Caller } from '../../contracts/calls.ts';
import { required } from '../../domain/assert.ts';
import { regionOfId } from '../../domain/ids.ts';
import { ok, refuse, type Json, type Refusal, type Result } from '../../domain/result.ts';
import { advanceAndRead } from './advance-subscription.ts';
import type { BillingDeps } from './billing-deps.ts';
import { readStanding, readSubscription, type SubscriptionStanding } from './read-subscription.ts';

/**
 * Asks and moves on. Refusals: not_found, payment_declined when a sign-up or a change of plan has failed with its payment,
 * payment_incomplete while one of them waits for the payer.
 */
export async function confirmSubscription(
  deps: BillingDeps,
  asked: { readonly caller: Caller; readonly subscriptionId: string },
): Promise<Result<SubscriptionStanding>> {
  const before = await readSubscription(deps, asked);
  if (!before.ok) return before;
  const { subscriptionId } = asked;
  const { charge } = before.value;
  const { end, account } = await advanceAndRead(deps, {
    subscriptionId,
    cause: 'confirm',
    look: true,
    ...(charge === null ? {} : { chargeId: charge.id }),
  });
  const standing = required(
    await readStanding(deps, subscriptionId, account),
    'it was there before',
  );
  // Another caller is collecting at this moment: the payer has nothing left to do, and must not pay again.
  const isUnderWay = end === 'busy' && (standing.charge?.action ?? null) === null;
  const refusal = (await declined(deps, standing)) ?? (isUnderWay ? null : incomplete(standing));
  return refusal === null ? ok(standing) : { ok: false, refusal };
}

/** The last payment was refused, and what it was for came to nothing with it. */
async function declined(
  deps: Pick<BillingDeps, 'billing'>,
  { subscription, charge }: SubscriptionStanding,
): Promise<Refusal | null> {
  if (charge?.state !== 'failed') return null;
  const extra = { subscriptionId: subscription.id, declineCode: charge.declineCode };
  if (subscription.state === 'expired')
    return refuse('payment_declined', 'The payment was declined; nothing was kept.', extra).refusal;
  const { invoiceId } = charge;
  if (invoiceId === null) return null;
  const store = deps.billing(regionOfId(subscription.id));
  const invoice = await store.invoice(invoiceId);
  if (invoice?.kind !== 'change') return null;
  return refuse('payment_declined', 'The payment was declined; the old plan stays.', extra).refusal;
}

function incomplete({ subscription, openInvoice, charge }: SubscriptionStanding): Refusal | null {
  const isWaiting = subscription.state === 'incomplete' || openInvoice?.kind === 'change';
  if (!isWaiting) return null;
  return refuse('payment_incomplete', 'The payment is not complete yet.', {
    subscriptionId: subscription.id,
    status: subscription.state,
    action: (charge?.action ?? null) as Json,
  }).refusal;
}
