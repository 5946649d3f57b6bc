/**
 * The one function that moves a booking's money: take the next step from the shard, make the one call it names,
 * record the answer, and so on until nothing is left for now. The request, /confirm, the webhook, the queue and the
 * reconciler all call it. It decides nothing: the shard does.
 */
import type { CallKey, Caller } from '../contracts/calls.ts';
import type { InventoryShardRpc } from '../contracts/durable-rpc.ts';
import type { AdvanceCause, PaymentStep, PaymentWork } from '../contracts/payment-steps.ts';
import { unreachable } from '../domain/assert.ts';
import type { ProcessorReply } from '../domain/payment/processor-reply.ts';
import type { GatewayRegistry, Logger, PaymentGateway } from './ports.ts';

/** Calls of one pass at most; what is left then is due soon and goes on from the queue. */
const STEPS_MAX = 10;

/** What the function runs on. */
export interface AdvancePorts {
  readonly shard: Pick<InventoryShardRpc, 'takeStep' | 'recordReply'>;
  readonly gateways: GatewayRegistry;
  readonly log: Logger;
}

/** Whose money, and why somebody looks. */
export interface AdvanceRequest {
  readonly bookingId: string;
  readonly cause: AdvanceCause;
  /** Ask the processor even when nothing is due. */
  readonly look: boolean;
  /** The step that the caller already holds. */
  readonly first?: PaymentStep;
  /** The keyed call whose lease is renewed with each step. */
  readonly call?: { readonly caller: Caller; readonly call: CallKey };
}

/** Runs until the shard has nothing more to do now. Returns how it ended: `busy` when another caller is at work. */
export async function advancePayment(
  ports: AdvancePorts,
  request: AdvanceRequest,
): Promise<'idle' | 'busy' | 'unfinished'> {
  const { bookingId, cause, look } = request;
  const looked: string[] = [];
  const tried: string[] = [];
  let next = request.first ?? (await ports.shard.takeStep({ bookingId, cause, look, looked }));
  for (let calls = 0; calls < STEPS_MAX; calls++) {
    if (next.kind === 'work') {
      const { work } = next;
      if (work.kind === 'fetch') looked.push(work.paymentId);
      // A search finds out whether a call was made; it is none itself.
      else if (work.kind !== 'find_refund') tried.push(work.operationId);
      const reply = await callProcessor(ports, work);
      next = await ports.shard.recordReply({
        work,
        reply,
        cause,
        tried,
        call: request.call ?? null,
      });
    } else if (next.kind === 'idle' && look && looked.length > 0) {
      // A booking may have several attempts; whoever looks, looks at each of them once.
      next = await ports.shard.takeStep({ bookingId, cause, look, looked });
      if (next.kind !== 'work') return next.kind;
    } else {
      return next.kind;
    }
  }
  return next.kind === 'work' ? 'unfinished' : next.kind;
}

async function callProcessor(ports: AdvancePorts, work: PaymentWork): Promise<ProcessorReply> {
  const gateway = ports.gateways.get(work.processor);
  if (gateway === null)
    return { kind: 'misconfigured', reason: `no gateway for ${work.processor}` };
  const reply = await perform(gateway, work);
  if (
    reply.kind === 'misconfigured' ||
    reply.kind === 'server_error' ||
    reply.kind === 'no_answer'
  ) {
    ports.log.warn('payment.call_unsettled', {
      processor: work.processor,
      operation: work.kind,
      bookingId: work.bookingId,
      reply: reply.kind,
      reason: reply.reason,
    });
  }
  return reply;
}

function perform(gateway: PaymentGateway, work: PaymentWork): Promise<ProcessorReply> {
  switch (work.kind) {
    case 'fetch':
      return gateway.fetch(work.ref);
    case 'fetch_refund':
      return gateway.fetchRefund(work.ref);
    case 'find_refund':
      return gateway.findRefund({ ref: work.ref, refundId: work.refundId });
    case 'open':
      return gateway.open({
        key: work.idempotencyKey,
        amount: { amount: work.amountMinor, currency: work.currency },
        reference: { bookingId: work.bookingId, paymentId: work.paymentId },
        customerRef: work.customerRef,
        returnUrl: work.returnUrl,
      });
    case 'authorize':
      return gateway.authorize({
        key: work.idempotencyKey,
        ref: work.ref ?? '',
        paymentMethod: work.paymentMethod ?? '',
        customerRef: work.customerRef,
        returnUrl: work.returnUrl,
      });
    case 'capture':
      return gateway.capture({
        key: work.idempotencyKey,
        ref: work.ref ?? '',
        amountMinor: work.amountMinor,
      });
    case 'void':
      return gateway.void({ key: work.idempotencyKey, ref: work.ref ?? '' });
    case 'refund':
      return gateway.refund({
        key: work.idempotencyKey,
        ref: work.ref ?? '',
        amountMinor: work.amountMinor,
        refundId: work.refundId ?? '',
      });
    default:
      return unreachable(work);
  }
}
