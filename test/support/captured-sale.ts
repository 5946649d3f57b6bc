/** A sale in a shard whose money is in: the processor's words are the test's. */
import type { Caller } from '../../src/contracts/calls.ts';
import type { InventoryShardRpc, OpenBookingCommand } from '../../src/contracts/durable-rpc.ts';
import type { PaymentStep } from '../../src/contracts/payment-steps.ts';
import { NO_ACCESS } from '../../src/domain/hold/hold.ts';
import type { ProcessorPayment, ProcessorReply } from '../../src/domain/payment/processor-reply.ts';

/** What the processor says of a payment that was captured at once. */
export function capturedPayment(
  amountMinor: number,
  currency: string,
  ref = 'pi_1',
): ProcessorPayment {
  return {
    ref,
    state: 'captured',
    amountMinor,
    currency,
    authorizedMinor: amountMinor,
    capturedMinor: amountMinor,
    refundedMinor: 0,
    feeMinor: 102,
    disputes: [],
    captureBeforeMs: null,
    action: null,
    methodRef: null,
    metadata: {},
    declineCode: null,
  };
}

/** Answers a step's call with these words. */
export async function answerStep(
  shard: InventoryShardRpc,
  step: PaymentStep,
  reply: ProcessorReply,
): Promise<PaymentStep> {
  if (step.kind !== 'work') throw new Error('there is nothing to answer');
  return shard.recordReply({ work: step.work, reply, cause: 'queue', tried: [], call: null });
}

/** Books a target by card and has its money come; gives the booking's id. */
export async function sellCaptured(
  shard: InventoryShardRpc,
  sale: { readonly caller: Caller; readonly target: OpenBookingCommand['target'] },
  payment: ProcessorPayment,
): Promise<string> {
  const opened = await shard.openBooking({
    ...sale,
    call: { key: `sale ${payment.ref}`, fingerprint: JSON.stringify(sale.target) },
    access: NO_ACCESS,
    payment: { processor: 'stripe', paymentMethod: 'pm_card', returnUrl: null },
    canReserve: true,
    holdBudget: 10,
  });
  if (opened.kind !== 'work') throw new Error('a paid booking begins with a call');
  const end = await answerStep(shard, opened.step, { kind: 'payment', payment });
  if (end.kind !== 'idle') throw new Error('the money was not enough');
  return opened.bookingId;
}
