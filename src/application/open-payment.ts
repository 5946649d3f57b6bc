/** Writes a new attempt to pay for a booking. At most one attempt of a booking is active: storage refuses a second. */
import type { Booking, Payment, PaymentChoice } from '../domain/booking/booking.ts';
import type { ShardState } from './shard-state.ts';

/** Opens the next attempt; what is done for it first is decided by the payment plan. */
export function openPayment(shard: ShardState, booking: Booking, choice: PaymentChoice): Payment {
  const amountMinor = booking.quote.totalMinor;
  return writePayment(shard, booking, { choice, amountMinor, purpose: 'sale' });
}

/** Opens the payment of what a booking's new slots cost more than those that it has. */
export function openSupplement(
  shard: ShardState,
  booking: Booking,
  due: { choice: PaymentChoice; amountMinor: number },
): Payment {
  return writePayment(shard, booking, { ...due, purpose: 'supplement' });
}

function writePayment(
  shard: ShardState,
  booking: Booking,
  {
    choice,
    amountMinor,
    purpose,
  }: { choice: PaymentChoice; amountMinor: number; purpose: Payment['purpose'] },
): Payment {
  const attempt = shard.store.paymentsOf(booking.id).length + 1;
  const payment: Payment = {
    id: shard.ports.ids.mintInShard('pay', shard.shardKey),
    bookingId: booking.id,
    attempt,
    purpose,
    state: 'created',
    processor: choice.processor,
    ref: null,
    paymentMethod: choice.paymentMethod,
    customerRef: choice.customerRef ?? null,
    returnUrl: choice.returnUrl,
    amountMinor,
    currency: booking.quote.currency,
    authorizedMinor: 0,
    capturedMinor: 0,
    refundedMinor: 0,
    earnedMinor: 0,
    earnedRefundedMinor: 0,
    shares: null,
    lostMinor: 0,
    feeMinor: null,
    review: null,
    captureBeforeMs: null,
    action: null,
    declineCode: null,
    dueAtMs: null,
    fruitlessLooks: 0,
    isEnded: false,
    successor: null,
  };
  shard.savePayment(payment);
  shard.record({
    entityId: payment.id,
    parentId: booking.id,
    type: 'payment.created',
    from: null,
    to: 'created',
    actor: `customer:${booking.customerId}`,
    metadata: {
      processor: payment.processor,
      amount: payment.amountMinor,
      currency: payment.currency,
      attempt,
      purpose,
    },
  });
  return payment;
}
