/**
 * What of a booking's history moved money, as the ledger posts it: written into the chain where it happens, with
 * everything that may change later, and read from there by the ledger's consumer. The chain's events are
 * `payment.received`, `payment.fee`, `refund.succeeded`, `refund.failed`, `dispute.open`, `dispute.won`, `dispute.lost`.
 */
import type { ChainEvent, MoneyBatch, MoneyFact, StreamQuery } from '../contracts/shard-streams.ts';
import { required } from '../domain/assert.ts';
import { lastEndMs } from '../domain/booking/attendance.ts';
import type { Booking, Payment, PaymentShares } from '../domain/booking/booking.ts';
import { DISPUTE_STATES, TAKEN_DISPUTE_STATES } from '../domain/payment/dispute-machine.ts';
import { allocate, portion } from '../domain/money.ts';
import type { Json } from '../domain/result.ts';
import type { ShardState } from './shard-state.ts';

/** What the kinds of facts are made of, in the metadata of their events. */
interface MoneyMetadata {
  readonly [key: string]: Json;
  readonly paymentId: string;
  readonly processor: string;
  readonly processorId: string | null;
  /** The processor's id of the refund or dispute. */
  readonly entityRef: string | null;
  readonly amount: number;
  readonly currency: string;
  readonly fee: number | null;
  /** How much of the amount was the booking's own. */
  readonly earned: number;
  readonly commission: number;
  /** Absent in what was told before there were taxes. */
  readonly tax?: number;
}

const NO_SHARES: PaymentShares = { commissionMinor: 0, taxMinor: 0 };

/** The metadata of an event that moved money. */
export function moneyMetadata(
  payment: Payment,
  moved: {
    amountMinor: number;
    earnedMinor: number;
    feeMinor?: number | null;
    entityRef?: string | null;
  } & PaymentShares,
): MoneyMetadata {
  return {
    paymentId: payment.id,
    processor: payment.processor,
    processorId: payment.ref,
    entityRef: moved.entityRef ?? null,
    amount: moved.amountMinor,
    currency: payment.currency,
    fee: moved.feeMinor ?? null,
    earned: moved.earnedMinor,
    commission: moved.commissionMinor,
    tax: moved.taxMinor,
  };
}

/**
 * What of the first `partMinor` of what a payment earned is the platform's, and what is tax. The platform's share is of the
 * price without its tax. Shares of parts that follow one another add up to the shares of the whole, to the cent.
 */
export function sharesOf(
  booking: Booking,
  payment: Pick<Payment, 'earnedMinor' | 'shares'>,
  partMinor: number,
): PaymentShares {
  const { earnedMinor } = payment;
  const { commissionMinor, taxMinor } = payment.shares ?? sharesByItems(booking, earnedMinor);
  const part = { partMinor, wholeMinor: earnedMinor };
  return { commissionMinor: partOf(commissionMinor, part), taxMinor: partOf(taxMinor, part) };
}

/** Keeps with each payment what its shares are, before the booking's items become others than those that it paid for. */
export function settleShares(shard: ShardState, booking: Booking): void {
  for (const payment of shard.store.paymentsOf(booking.id)) {
    if (payment.earnedMinor === 0 || payment.shares !== null) continue;
    shard.savePayment({ ...payment, shares: sharesByItems(booking, payment.earnedMinor) });
  }
}

function sharesByItems({ items }: Booking, earnedMinor: number): PaymentShares {
  if (earnedMinor === 0) return NO_SHARES;
  const paid = allocate(
    earnedMinor,
    items.map(({ priceMinor }) => priceMinor),
  );
  let [commissionMinor, taxMinor] = [0, 0];
  for (const [index, item] of items.entries()) {
    const paidMinor = paid[index] ?? 0;
    const ownTaxMinor = partOf(item.taxMinor, {
      partMinor: paidMinor,
      wholeMinor: item.priceMinor,
    });
    taxMinor += ownTaxMinor;
    commissionMinor += portion(paidMinor - ownTaxMinor, item.commissionBps);
  }
  return { commissionMinor, taxMinor };
}

/** Rounded down; nothing of nothing. */
function partOf(amountMinor: number, of: { partMinor: number; wholeMinor: number }): number {
  if (of.wholeMinor === 0) return 0;
  return Number((BigInt(amountMinor) * BigInt(of.partMinor)) / BigInt(of.wholeMinor));
}

/** Puts on the record that money came: what the booking earned of it, and what is on its way back. */
export function recordReceived(
  shard: ShardState,
  payment: Payment,
  came: { earnedMinor: number; surplusMinor: number },
): void {
  const booking = bookingOf(shard, payment);
  let fee = payment.feeMinor;
  for (const [amountMinor, isEarned] of [
    [came.earnedMinor, true],
    [came.surplusMinor, false],
  ] as const) {
    if (amountMinor === 0) continue;
    const earnedMinor = isEarned ? amountMinor : 0;
    const shares = sharesOf(booking, { earnedMinor, shares: payment.shares }, earnedMinor);
    const moved = { amountMinor, earnedMinor, ...shares, feeMinor: fee };
    recordMoney(shard, payment, {
      type: 'payment.received',
      metadata: moneyMetadata(payment, moved),
    });
    fee = null; // One capture has one fee.
  }
}

/** Puts on the record what the processor kept, where it said so only after the capture. */
export function recordFee(shard: ShardState, payment: Payment, feeMinor: number): void {
  const moved = { amountMinor: 0, earnedMinor: 0, ...NO_SHARES, feeMinor };
  recordMoney(shard, payment, { type: 'payment.fee', metadata: moneyMetadata(payment, moved) });
}

/** The facts of a stretch of the chain. Events that moved nothing are passed over without being read. */
export function readMoney(shard: ShardState, query: StreamQuery): MoneyBatch {
  const events = shard.store.moneyEvents(query.afterSeq, query.limit);
  const isCut = events.length === query.limit;
  return {
    shardKey: shard.shardKey,
    throughSeq: isCut ? (events.at(-1)?.seq ?? query.afterSeq) : shard.headSeq,
    headSeq: shard.headSeq,
    facts: events.flatMap((event) => factsOf(shard, event)),
  };
}

function recordMoney(
  shard: ShardState,
  payment: Payment,
  event: { type: string; metadata: MoneyMetadata },
): void {
  shard.record({
    entityId: payment.id,
    parentId: payment.bookingId,
    from: payment.state,
    to: payment.state,
    actor: `processor:${payment.processor}`,
    ...event,
  });
}

/** An event of money is one fact; only a refund of both earned money and surplus is two. */
function factsOf(shard: ShardState, event: ChainEvent): MoneyFact[] {
  const kind = kindOf(event);
  if (kind === null) return [];
  const moved = event.metadata as MoneyMetadata;
  const payment = required(shard.store.payment(moved.paymentId), 'money names its payment');
  const booking = bookingOf(shard, payment);
  const [first] = booking.items;
  const fact: MoneyFact = {
    seq: event.seq,
    eventId: event.id,
    kind,
    bookingId: booking.id,
    paymentId: payment.id,
    processor: payment.processor,
    processorRef: moved.processorId ?? payment.ref,
    entityRef: moved.entityRef,
    amountMinor: moved.amount,
    currency: moved.currency,
    feeMinor: moved.fee,
    isEarned: moved.earned > 0,
    providerId: shard.provider.providerId,
    venueId: (first && shard.inventory.service(first.serviceId)?.venueId) ?? '',
    customerId: booking.customerId,
    commissionMinor: moved.commission,
    taxMinor: moved.tax ?? 0,
    serviceEndsAtMs: lastEndMs(booking),
    atMs: event.atMs,
  };
  const surplusMinor = moved.amount - moved.earned;
  if (moved.earned === 0 || surplusMinor <= 0) return [fact];
  return [
    { ...fact, amountMinor: moved.earned },
    {
      ...fact,
      eventId: `${event.id}:surplus`,
      amountMinor: surplusMinor,
      isEarned: false,
      ...NO_SHARES,
      // One capture has one fee.
      feeMinor: null,
    },
  ];
}

function kindOf({ type, from }: ChainEvent): MoneyFact['kind'] | null {
  switch (type) {
    case 'payment.received':
    case 'payment.fee':
      return 'captured';
    case 'refund.succeeded':
      return 'refunded';
    case 'refund.failed':
      return from === 'succeeded' ? 'refund_failed' : null;
    case 'dispute.open':
      return 'disputed';
    case 'dispute.won':
      return wasTaken(from) ? 'dispute_won' : null;
    case 'dispute.lost':
      return 'dispute_lost';
    default:
      return null;
  }
}

function wasTaken(from: string | null): boolean {
  const state = DISPUTE_STATES.find((one) => one === from);
  return state !== undefined && TAKEN_DISPUTE_STATES.has(state);
}

function bookingOf(shard: ShardState, payment: Payment): Booking {
  return required(shard.store.booking(payment.bookingId), 'a payment has its booking');
}
