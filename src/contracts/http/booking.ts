/** Wire shapes of holds, bookings, their payments and their history. */
import { z } from '@hono/zod-openapi';
import { BOOKING_STATES } from '../../domain/booking/booking-machine.ts';
import { HOLD_STATES } from '../../domain/hold/hold-machine.ts';
import { PAYMENT_STATES } from '../../domain/payment/payment-machine.ts';
import { holdsCardNumber } from '../../domain/payment/card-number.ts';
import { PROCESSORS } from '../../domain/payment/processor-reply.ts';
import { REFUND_STATES } from '../../domain/payment/refund-machine.ts';
import { calendarSchema } from './calendar-links.ts';
import { cancellationPolicySchema, slotSchema } from './catalogue.ts';
import { couponCodeSchema } from './coupons.ts';
import { idSchema, instantSchema, jsonSchema, moneySchema, textSchema } from './common.ts';

const slotIdsSchema = z
  .array(idSchema)
  .min(1)
  .max(52)
  .refine((ids) => new Set(ids).size === ids.length, 'slotIds must be unique');

/** Weeks of a series at most: a year. */
const SERIES_MAX = 52;

const seriesSchema = z
  .strictObject({
    firstSlotId: idSchema,
    count: z.int().min(1).max(SERIES_MAX),
    every: z.literal('week'),
  })
  .openapi('Series');

const claimFields = {
  slotIds: slotIdsSchema.optional(),
  series: seriesSchema.optional(),
  quantity: z.int().min(1).max(1_000).optional(),
  units: z
    .array(z.string().trim().min(1).max(40))
    .min(1)
    .max(1_000)
    .refine((units) => new Set(units).size === units.length, 'units must be unique')
    .optional(),
  fareId: z.string().min(1).max(40).optional(),
  couponCode: couponCodeSchema.optional(),
};

const quantityMatchesUnits = (body: {
  quantity?: number | undefined;
  units?: readonly string[] | undefined;
}): boolean =>
  body.quantity === undefined || body.units === undefined || body.quantity === body.units.length;
const QUANTITY_MESSAGE = { message: 'quantity of named units is their number', path: ['quantity'] };

export const createHoldSchema = z
  .strictObject(claimFields)
  .refine((body) => (body.slotIds === undefined) !== (body.series === undefined), {
    message: 'name either slotIds or a series',
    path: ['slotIds'],
  })
  .refine(quantityMatchesUnits, QUANTITY_MESSAGE)
  .openapi('CreateHold');

const TOKENS_ONLY = 'must be a token of the processor, never a card number';

/** How a payer wants to pay, for bookings and subscriptions alike. */
export const paymentRequestSchema = z.strictObject({
  processor: z.enum(PROCESSORS),
  // A processor's token begins with a letter; a card number never gets past the edge, so it is never kept.
  paymentMethod: z
    .string()
    .max(200)
    .regex(/^[A-Za-z][A-Za-z0-9_-]*$/, TOKENS_ONLY)
    .refine((token) => !holdsCardNumber(token), TOKENS_ONLY)
    .openapi({ description: 'A token of the processor, or the id of a saved method (`pmt_…`).' })
    .optional(),
  returnUrl: z
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .optional(),
});

const countNamed = (values: readonly unknown[]): number =>
  values.filter((value) => value !== undefined).length;

export const createBookingSchema = z
  .strictObject({
    holdId: idSchema.optional(),
    ...claimFields,
    payment: paymentRequestSchema.optional(),
  })
  .refine((body) => countNamed([body.holdId, body.slotIds, body.series]) === 1, {
    message: 'name a holdId, slotIds or a series, and one of them only',
    path: ['holdId'],
  })
  .refine(
    (body) =>
      body.holdId === undefined ||
      (body.quantity ?? body.units ?? body.fareId ?? body.couponCode) === undefined,
    {
      message: 'quantity, units, fare and coupon are those of the hold',
      path: ['quantity'],
    },
  )
  .refine(quantityMatchesUnits, QUANTITY_MESSAGE)
  .openapi('CreateBooking');

export const cancelBookingSchema = z
  .strictObject({
    reason: textSchema.optional(),
    slotIds: slotIdsSchema
      .openapi({ description: 'Some of its slots; the booking goes on with the others.' })
      .optional(),
  })
  .openapi('CancelBooking');

/** `POST …/check-in`, `…/complete` and `…/no-show` take no fields: what happened is in the call itself. */
export const noFieldsSchema = z.strictObject({}).openapi('NoFields');

/** A check-in may show the ticket; without one somebody at the door has seen who came. */
export const checkInSchema = z
  .strictObject({ ticket: z.string().min(1).max(4_000).optional() })
  .openapi('CheckIn');

export const rescheduleBookingSchema = z
  .strictObject({
    slotIds: slotIdsSchema.openapi({
      description: 'All the slots that the booking is to have; those that it has stay as they are.',
    }),
    payment: paymentRequestSchema.optional(),
  })
  .openapi('RescheduleBooking');

export const reassignBookingSchema = z
  .strictObject({ resourceId: idSchema })
  .openapi('ReassignBooking');

export const approveBookingSchema = z
  .strictObject({ price: moneySchema.optional() })
  .openapi('ApproveBooking');

export const declineBookingSchema = z
  .strictObject({ reason: textSchema })
  .openapi('DeclineBooking');

/** `POST …/confirm` takes no fields: the processor is asked, never the client. */
export const confirmBookingSchema = z.strictObject({}).openapi('ConfirmBooking');

export const quoteSchema = z
  .strictObject({
    total: moneySchema,
    lines: z.array(z.strictObject({ kind: z.string(), label: z.string(), amount: z.int() })),
  })
  .openapi('Quote');

export const holdSchema = z
  .strictObject({
    id: z.string(),
    status: z.enum(HOLD_STATES),
    slotIds: z.array(z.string()),
    quantity: z.int(),
    units: z.array(z.string()).nullable(),
    fareId: z.string().nullable(),
    expiresAt: instantSchema.nullable(),
    quote: quoteSchema,
    bookingId: z.string().nullable(),
    createdAt: instantSchema,
  })
  .openapi('Hold');

const bookedSlotSchema = slotSchema.omit({ units: true }).extend({
  units: z.array(z.string()).optional(),
  cancelledAt: instantSchema.nullable().openapi({
    description: 'When the slot was cancelled by itself; null while it is part of the booking.',
  }),
});

/** What the payer has to do next. */
export const paymentActionSchema = z.strictObject({
  type: z.enum(['redirect', 'sdk']),
  url: z.string().optional(),
  clientSecret: z.string().optional(),
});

const paymentViewSchema = z.strictObject({
  id: z.string(),
  status: z.enum(PAYMENT_STATES),
  processor: z.enum(PROCESSORS),
  processorId: z.string().nullable(),
  amount: moneySchema,
  refunded: moneySchema,
  action: paymentActionSchema.optional(),
});

/** requested: reserved, the processor has not answered yet. pending: it took the refund and works on it. */
export const refundSchema = z
  .strictObject({
    id: z.string(),
    status: z.enum(REFUND_STATES),
    amount: moneySchema,
    bookingId: z.string(),
    paymentId: z.string(),
    reason: z.string(),
    claimUrl: z.string().optional(),
    createdAt: instantSchema,
  })
  .openapi('Refund');

export const createRefundSchema = z
  .strictObject({
    amount: moneySchema.extend({ amount: moneySchema.shape.amount.min(1) }).optional(),
    reason: textSchema,
  })
  .openapi('CreateRefund');

/** How a session stands that takes place once enough is pledged. */
const pledgeViewSchema = z
  .strictObject({ minimum: z.int(), pledged: z.int(), decideAt: instantSchema })
  .openapi('PledgedSession');

/** A move to dearer slots that waits for its payment; null for none. */
const bookingChangeSchema = z.strictObject({
  slotIds: z.array(z.string()),
  quote: quoteSchema,
  payment: paymentViewSchema,
});

export const bookingSchema = z
  .strictObject({
    id: z.string(),
    code: z.string(),
    status: z.enum(BOOKING_STATES),
    holdId: z.string(),
    slots: z.array(bookedSlotSchema),
    quantity: z.int(),
    fareId: z.string().nullable(),
    quote: quoteSchema,
    payment: paymentViewSchema.nullable(),
    refunds: z.array(refundSchema),
    policy: cancellationPolicySchema,
    manageUrl: z.string(),
    calendar: calendarSchema,
    late: z.boolean(),
    checkedInAt: instantSchema.nullable(),
    approveBy: instantSchema.nullable(),
    rescheduledAt: instantSchema.nullable(),
    change: bookingChangeSchema.nullable(),
    pledge: pledgeViewSchema.nullable(),
    createdAt: instantSchema,
  })
  .openapi('Booking');

export const historySchema = z
  .strictObject({
    data: z.array(
      z.strictObject({
        from: z.string().nullable(),
        to: z.string(),
        actor: z.string(),
        reason: z.string().nullable(),
        metadata: z.record(z.string(), jsonSchema),
        at: instantSchema,
      }),
    ),
    nextCursor: z.string().nullable(),
  })
  .openapi('BookingHistory');

export const listBookingsQuerySchema = z.strictObject({
  providerId: idSchema.optional(),
  venueId: idSchema.optional(),
  status: z.enum(BOOKING_STATES).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().min(1).max(500).optional(),
});

/** What a body names of slots. */
export type ClaimBody = z.infer<z.ZodObject<typeof claimFields>>;
export type CreateBookingBody = z.infer<typeof createBookingSchema>;
export type HoldView = z.infer<typeof holdSchema>;
export type BookingView = z.infer<typeof bookingSchema>;
export type PledgeView = z.infer<typeof pledgeViewSchema>;
export type RefundView = z.infer<typeof refundSchema>;
export type HistoryView = z.infer<typeof historySchema>;
export type QuoteView = z.infer<typeof quoteSchema>;
export type CheckInBody = z.infer<typeof checkInSchema>;
