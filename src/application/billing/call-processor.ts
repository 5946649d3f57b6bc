/** Makes the one call that a step names. Decides nothing; every answer, silence included, is a reply. */
import { required, unreachable } from '../../domain/assert.ts';
import type { ProcessorReply } from '../../domain/payment/processor-reply.ts';
import { callKey } from '../../domain/subscription/billing-step.ts';
import type { Charge, ChargeCall } from '../../domain/subscription/subscription.ts';
import type { BillingAccount, BillingStore } from '../billing-ports.ts';
import type { PaymentGateway, RecurringGateway } from '../ports.ts';
import type { BillingDeps } from './billing-deps.ts';

/** Our own code for a refund of what has gone back in another way. */
const NOTHING_LEFT = 'nothing_left';

type RefundStore = Pick<BillingStore, 'charge'>;

interface Wanted {
  readonly account: BillingAccount;
  readonly charge: Charge;
  readonly call: ChargeCall;
}

/** Makes the call under its own key. */
export async function callProcessor(
  deps: Pick<BillingDeps, 'gateways' | 'log'>,
  store: RefundStore,
  wanted: Wanted,
): Promise<ProcessorReply> {
  const { charge, call } = wanted;
  const gateway = deps.gateways.get(charge.processor);
  const recurring = gateway?.recurring ?? null;
  if (gateway === null || recurring === null) return noGateway(charge);
  const reply =
    call.kind === 'refund'
      ? await refund(gateway, store, wanted)
      : await perform(gateway, recurring, wanted);
  return logged(deps, charge, { reply, operation: call.kind });
}

/** Asks how a charge stands at the processor. */
export async function lookAtCharge(
  deps: Pick<BillingDeps, 'gateways' | 'log'>,
  charge: Charge,
): Promise<ProcessorReply> {
  const gateway = deps.gateways.get(charge.processor);
  const recurring = gateway?.recurring ?? null;
  if (gateway === null || recurring === null) return noGateway(charge);
  const ref = required(charge.ref, 'only what has an id can be looked at');
  const reply = await look(gateway, recurring, { purpose: charge.purpose, ref });
  return logged(deps, charge, { reply, operation: 'fetch' });
}

function look(
  gateway: PaymentGateway,
  recurring: RecurringGateway,
  { purpose, ref }: { purpose: Charge['purpose']; ref: string },
): Promise<ProcessorReply> {
  switch (purpose) {
    case 'payment':
      return gateway.fetch(ref);
    case 'setup':
      return recurring.fetchSetup(ref);
    case 'refund':
      return gateway.fetchRefund(ref);
    default:
      return unreachable(purpose);
  }
}

function perform(
  gateway: PaymentGateway,
  recurring: RecurringGateway,
  { account, charge, call }: Wanted,
): Promise<ProcessorReply> {
  const key = callKey(charge, call);
  const { subscriptionId, methodRef } = charge;
  const isSetup = charge.purpose === 'setup';
  const reference = { subscriptionId, chargeId: charge.id };
  const customerRef = account.customers[charge.processor] ?? '';
  switch (call.kind) {
    case 'customer': {
      // One customer per member, whichever subscription asks first.
      const memberId = account.subscription.userId;
      return recurring.openCustomer({ key: `${memberId}:customer:${call.seq}`, memberId });
    }
    case 'open': {
      const amount = { amount: charge.amountMinor, currency: charge.currency };
      const { returnUrl } = charge;
      return isSetup
        ? recurring.openSetup({ key, customerRef, reference, returnUrl })
        : recurring.openCharge({
            key,
            amount,
            customerRef,
            reference,
            paymentMethod: methodRef,
            returnUrl,
          });
    }
    case 'confirm': {
      const request = {
        key,
        ref: charge.ref ?? '',
        paymentMethod: methodRef ?? '',
        returnUrl: charge.returnUrl,
      };
      return isSetup
        ? recurring.confirmSetup(request)
        : recurring.confirmCharge({ ...request, isOffSession: charge.isOffSession });
    }
    case 'void': {
      const request = { key, ref: charge.ref ?? '' };
      return isSetup ? recurring.cancelSetup(request) : gateway.void(request);
    }
    case 'refund':
      throw new Error('a refund is made from the payment that it returns');
    default:
      return unreachable(call.kind);
  }
}

async function refund(
  gateway: PaymentGateway,
  store: RefundStore,
  { charge, call }: Wanted,
): Promise<ProcessorReply> {
  const payment = required(
    await store.charge(required(charge.ofChargeId, 'a refund returns a payment')),
    'a refund returns a payment that is recorded',
  );
  const ref = required(payment.ref, 'a payment that succeeded is known at the processor');
  if (call.seq > 1) {
    // The call before was answered with a fault, which may have had its effect: only what is not there is made again.
    const found = await gateway.findRefund({ ref, refundId: charge.id });
    if (found.kind !== 'missing') return found;
  }
  const reply = await gateway.refund({
    key: callKey(charge, call),
    ref,
    amountMinor: charge.amountMinor,
    refundId: charge.id,
  });
  // Called done, though there is none of ours: somebody else gave it back, and nothing is left for us to give.
  const isGone = call.seq > 1 && reply.kind === 'already_done';
  return isGone ? { kind: 'declined', code: NOTHING_LEFT, retry: 'never', payment: null } : reply;
}

function noGateway(charge: Charge): ProcessorReply {
  return { kind: 'misconfigured', reason: `no subscriptions through ${charge.processor}` };
}

function logged(
  { log }: Pick<BillingDeps, 'log'>,
  charge: Charge,
  { reply, operation }: { reply: ProcessorReply; operation: string },
): ProcessorReply {
  if (
    reply.kind === 'misconfigured' ||
    reply.kind === 'server_error' ||
    reply.kind === 'no_answer'
  ) {
    log.warn('billing.call_unsettled', {
      processor: charge.processor,
      operation,
      subscriptionId: charge.subscriptionId,
      reply: reply.kind,
      reason: reply.reason,
    });
  }
  return reply;
}
