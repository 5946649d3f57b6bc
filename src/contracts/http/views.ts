/** Domain shapes as the API shows them: instants as RFC 3339, local times in the venue's or the reader's zone. */
import type { Booking, Payment, Refund } from '../../domain/booking/booking.ts';
import type { Hold, Quote } from '../../domain/hold/hold.ts';
import type { ServiceCard, Slot } from '../../domain/inventory/cards.ts';
import type { SlotAvailability } from '../../domain/inventory/slot-availability.ts';
import type { ChainBody } from '../../domain/chain.ts';
import type { EpochMs } from '../../domain/time.ts';
import { calendarLinks } from './calendar-links.ts';
import type {
  BookingView,
  HistoryView,
  HoldView,
  QuoteView,
  RefundView,
  PledgeView,
} from './booking.ts';
import type { SlotView } from './catalogue.ts';

/** RFC 3339 in UTC; whole seconds carry no fraction. */
export function formatInstant(atMs: EpochMs): string {
  return new Date(atMs).toISOString().replace('.000Z', 'Z');
}

/** The instant of a validated RFC 3339 text. */
export function parseInstant(text: string): EpochMs {
  return Date.parse(text);
}

const formatters = new Map<string, Intl.DateTimeFormat>();

/** The wall clock of a zone at an instant, such as 2026-12-01T10:00:00. */
export function formatLocal(atMs: EpochMs, timeZone: string): string {
  let formatter = formatters.get(timeZone);
  if (formatter === undefined) {
    // Swedish writes dates as ISO 8601 does, with a space between date and time.
    formatter = new Intl.DateTimeFormat('sv-SE', {
      timeZone,
      dateStyle: 'short',
      timeStyle: 'medium',
    });
    formatters.set(timeZone, formatter);
  }
  return formatter.format(atMs).replace(' ', 'T');
}

/** A slot as everybody sees it. */
export function slotView(
  slot: Slot,
  service: ServiceCard,
  seen: { availability: SlotAvailability; timeZone: string | null },
): SlotView {
  const timeZone = seen.timeZone ?? service.timeZone;
  const { availability } = seen;
  return {
    id: slot.id,
    serviceId: slot.serviceId,
    resourceIds: [...availability.resourceIds],
    startAt: formatInstant(slot.startAtMs),
    endAt: formatInstant(slot.endAtMs),
    localStart: formatLocal(slot.startAtMs, timeZone),
    timeZone,
    status: availability.status,
    capacity: availability.capacity,
    remaining: availability.remaining,
    ...(availability.units === null
      ? {}
      : { units: availability.units.map((unit) => ({ ...unit })) }),
    ...(availability.fares === null
      ? {}
      : { fares: availability.fares.map((fare) => ({ ...fare, price: { ...fare.price } })) }),
    price: { ...(slot.price ?? service.price) },
    version: slot.version,
  };
}

function quoteView(quote: Quote): QuoteView {
  return {
    total: { amount: quote.totalMinor, currency: quote.currency },
    lines: quote.lines.map((line) => ({ ...line })),
  };
}

/** A hold as its owner sees it. A committed hold has no deadline. */
export function holdView(hold: Hold): HoldView {
  return {
    id: hold.id,
    status: hold.state,
    slotIds: hold.items.map(({ slotId }) => slotId),
    quantity: hold.quantity,
    units: hold.units === null ? null : [...hold.units],
    fareId: hold.fareId,
    expiresAt: hold.state === 'committed' ? null : formatInstant(hold.expiresAtMs),
    quote: quoteView(hold.quote),
    bookingId: hold.bookingId,
    createdAt: formatInstant(hold.createdAtMs),
  };
}

/** Where a booking is managed without signing in. */
export function manageUrl(
  publicUrl: string,
  { id, manageToken }: Pick<Booking, 'id' | 'manageToken'>,
): string {
  return `${publicUrl}/manage/${id}.${manageToken}`;
}

/** A booking as its owner sees it, with its slots as they stand now and as they were assigned. */
export function bookingView(
  booking: Booking,
  payment: Payment | null,
  seen: {
    slots: readonly SlotView[];
    refunds: readonly { refund: Refund; currency: string }[];
    pledge: PledgeView | null;
    /** What pays for its move to dearer slots; null where it is not moving. */
    supplement: Payment | null;
    publicUrl: string;
  },
): BookingView {
  return {
    id: booking.id,
    code: booking.code,
    status: booking.state,
    holdId: booking.holdId,
    slots: booking.items.map((item, index) => {
      const { units: _, ...slot } = seen.slots[index] as SlotView;
      const cancelledAt = item.cancelled === null ? null : formatInstant(item.cancelled.atMs);
      const assigned = { ...slot, resourceIds: [...item.resourceIds], cancelledAt };
      return item.units.length === 0 ? assigned : { ...assigned, units: [...item.units] };
    }),
    quantity: booking.quantity,
    fareId: booking.items.find(({ fareId }) => fareId !== null)?.fareId ?? null,
    quote: quoteView(booking.quote),
    payment: payment === null ? null : paymentView(payment),
    refunds: seen.refunds.map(({ refund, currency }) => refundView(refund, currency)),
    policy: (booking.items[0]?.policy ?? []).map((rung) => ({ ...rung })),
    manageUrl: manageUrl(seen.publicUrl, booking),
    calendar: calendarLinks(seen.publicUrl, booking),
    late: booking.isLate,
    checkedInAt: booking.checkedInAtMs === null ? null : formatInstant(booking.checkedInAtMs),
    approveBy: approveBy(booking),
    rescheduledAt: booking.rescheduledAtMs === null ? null : formatInstant(booking.rescheduledAtMs),
    change:
      booking.change === null || seen.supplement === null
        ? null
        : {
            slotIds: [...booking.change.arriving],
            quote: quoteView(booking.change.quote),
            payment: paymentView(seen.supplement),
          },
    pledge: seen.pledge,
    createdAt: formatInstant(booking.createdAtMs),
  };
}

/** Until when its provider may approve it; null for what does not wait for that. */
function approveBy({ state, approval }: Booking): string | null {
  const isAsked = state === 'awaiting_approval' && approval?.kind !== 'pledge';
  const atMs = isAsked ? (approval?.approveByMs ?? null) : null;
  return atMs === null ? null : formatInstant(atMs);
}

/** Money on its way back, as its booking's people see it. */
export function refundView(refund: Refund, currency: string): RefundView {
  return {
    id: refund.id,
    status: refund.state,
    amount: { amount: refund.amountMinor, currency },
    bookingId: refund.bookingId,
    paymentId: refund.paymentId,
    reason: refund.reason,
    ...(refund.claimUrl === null ? {} : { claimUrl: refund.claimUrl }),
    createdAt: formatInstant(refund.createdAtMs),
  };
}

function paymentView(payment: Payment): NonNullable<BookingView['payment']> {
  const { currency } = payment;
  return {
    id: payment.id,
    status: payment.state,
    processor: payment.processor,
    processorId: payment.ref,
    amount: { amount: payment.amountMinor, currency },
    refunded: { amount: payment.refundedMinor, currency },
    ...(payment.action === null || payment.state !== 'action_required'
      ? {}
      : { action: { ...payment.action } }),
  };
}

/** The transitions of a booking, oldest first. */
export function historyView(events: readonly ChainBody[]): HistoryView {
  return {
    data: events.map(({ from, to, actor, reason, metadata, atMs }) => ({
      from,
      to,
      actor,
      reason,
      metadata: { ...metadata } as HistoryView['data'][number]['metadata'],
      at: formatInstant(atMs),
    })),
    nextCursor: null,
  };
}
