/** Wire shapes of the service search and the list of bookings. */
import { z } from '@hono/zod-openapi';
import { BOOKING_STATES, type BookingState } from '../../domain/booking/booking-machine.ts';
import type { BookingProjection } from '../shard-streams.ts';
import { serviceSchema, slotSchema } from './catalogue.ts';
import { formatInstant } from './views.ts';
import { MAX_AMOUNT_MINOR, idSchema, instantSchema, moneySchema, pageSchema } from './common.ts';

export const searchServicesQuerySchema = z.strictObject({
  query: z.string().trim().min(1).max(200).optional(),
  category: z.string().trim().min(1).max(60).optional(),
  tag: z.string().trim().min(1).max(40).optional(),
  providerId: idSchema.optional(),
  /** Minor units. */
  maxPrice: z.coerce.number().int().min(0).max(MAX_AMOUNT_MINOR).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().min(1).max(500).optional(),
});

export const servicePageSchema = pageSchema(serviceSchema).openapi('ServicePage');

export const slotsCreatedSchema = z
  .strictObject({ data: z.array(slotSchema) })
  .openapi('SlotsCreated');

/** A booking as the read model lists it; the whole of it is at `GET /v1/bookings/{id}`. */
export const bookingSummarySchema = z
  .strictObject({
    id: z.string(),
    code: z.string(),
    status: z.enum(BOOKING_STATES),
    providerId: z.string(),
    venueId: z.string(),
    serviceId: z.string(),
    startAt: instantSchema,
    endAt: instantSchema,
    total: moneySchema,
    payment: z
      .strictObject({
        id: z.string(),
        status: z.string().nullable(),
        processor: z.string().nullable(),
        processorId: z.string().nullable(),
        captured: moneySchema,
        refunded: moneySchema,
      })
      .nullable(),
    createdAt: instantSchema,
  })
  .openapi('BookingSummary');

export const bookingPageSchema = pageSchema(bookingSummarySchema).openapi('BookingPage');

export type BookingSummaryView = z.infer<typeof bookingSummarySchema>;

/** A booking of the read model on the wire. */
export function toBookingSummary(row: BookingProjection): BookingSummaryView {
  const { id, code, providerId, venueId, serviceId, currency } = row;
  return {
    id,
    code,
    status: row.status as BookingState,
    providerId,
    venueId,
    serviceId,
    startAt: formatInstant(row.startAtMs),
    endAt: formatInstant(row.endAtMs),
    total: { amount: row.totalMinor, currency },
    payment:
      row.paymentId === null
        ? null
        : {
            id: row.paymentId,
            status: row.paymentStatus,
            processor: row.processor,
            processorId: row.processorRef,
            captured: { amount: row.capturedMinor, currency },
            refunded: { amount: row.refundedMinor, currency },
          },
    createdAt: formatInstant(row.createdAtMs),
  };
}
