/**
 * `PUT /v1/subscriptions/{id}/payment-method`: keeps another method for later periods, and collects at once what is
 * still to be paid. The old method stays until the new one is kept.
 */
import type { Caller } from '../../contracts/calls.ts';
import type { PaymentChoice } from '../../domain/booking/booking.ts';
import { refuse, type Refusal, type Result } from '../../domain/result.ts';
import { isChargeOpen } from '../../domain/subscription/billing-step.ts';
import { keepMethod } from './charge-outcomes.ts';
import type { BillingDraft } from './billing-draft.ts';
import type { BillingDeps } from './billing-deps.ts';
import { changeSubscription, notNow, type SubscriptionCommand } from './change-subscription.ts';
import { newCharge } from './new-documents.ts';
import type { SubscriptionStanding } from './read-subscription.ts';

/**
 * Keeps the method. Refusals: not_found, processor_not_supported, payment_declined, payment_in_progress while a payment
 * that cannot be stopped is at work, invalid_transition.
 */
export async function setPaymentMethod(
  deps: BillingDeps,
  asked: { caller: Caller; subscriptionId: string; payment: PaymentChoice },
): Promise<Result<SubscriptionStanding>> {
  const recurring = deps.gateways.get(asked.payment.processor)?.recurring ?? null;
  if (recurring === null)
    return refuse(
      'processor_not_supported',
      `${asked.payment.processor} is not available for subscriptions.`,
    );
  // A try that waits for its payer makes room first; the steps end it at the processor.
  const cleared = await changeSubscription(deps, { ...asked, decide: makeRoom });
  if (!cleared.ok) return cleared;
  const kept = await changeSubscription(deps, {
    ...asked,
    decide: keepBy(asked.payment, recurring.kind),
  });
  if (!kept.ok) return kept;
  const { charge } = kept.value;
  const isRefused = charge?.purpose === 'setup' && charge.state === 'failed';
  if (!isRefused) return kept;
  return refuse('payment_declined', 'The payment method was refused; the old one stays.', {
    declineCode: charge.declineCode,
  });
}

function makeRoom(draft: BillingDraft): Refusal | null {
  const { state } = draft.subscription;
  const isOver = state === 'cancelled' || state === 'expired' || state === 'incomplete';
  if (isOver) return notNow(draft, 'take another payment method');
  draft.abandonCharges();
  return null;
}

function keepBy(
  payment: PaymentChoice,
  kind: 'off_session' | 'each_period',
): SubscriptionCommand['decide'] {
  return (draft) => {
    const isBusy = draft.charges.some(
      (charge) => isChargeOpen(charge) && charge.purpose !== 'refund',
    );
    if (isBusy)
      return { code: 'payment_in_progress', detail: 'A payment is at work; try again shortly.' };
    if (payment.customerRef !== undefined) {
      // A saved method is kept already: nobody has to agree to anything first.
      keepMethod(draft, { processor: payment.processor, ref: payment.paymentMethod });
      return null;
    }
    if (kind === 'each_period') {
      draft.patch({ method: { processor: payment.processor, ref: null } });
      offerNow(draft, payment);
      return null;
    }
    const wish = {
      purpose: 'setup',
      processor: payment.processor,
      methodRef: payment.paymentMethod,
      returnUrl: payment.returnUrl,
      isOffSession: false,
      invoice: null,
    } as const;
    draft.addCharge(newCharge(draft, wish));
    return null;
  };
}

/** Nothing is kept that could be charged: what is still to be paid is offered to the payer, who is there. */
function offerNow(draft: BillingDraft, { processor, returnUrl }: PaymentChoice): void {
  const { openInvoice: invoice } = draft;
  if (invoice === null) return;
  draft.putInvoice({ ...invoice, need: 'authentication', nextAttemptAtMs: null });
  draft.addCharge(
    newCharge(draft, {
      purpose: 'payment',
      processor,
      methodRef: null,
      returnUrl,
      isOffSession: false,
      invoice,
    }),
  );
}
