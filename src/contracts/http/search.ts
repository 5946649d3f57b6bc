/** Wire shapes of the service search and the list of bookings. */
import { z } from '@hono/zod-openapi';
import { BOOKING_STATES, type BookingState } from '../../domain/booking/booking-machine.ts';
import type { BookingProjection } from '../shard-streams.ts';
import type { ServiceCard } from '../../domain/inventory/cards.ts';
import { serviceSchema, slotSchema, type SlotView } from './catalogue.ts';
import { fromInstant, toServiceView } from './catalogue-views.ts';
import { formatInstant } from './views.ts';
import { MAX_AMOUNT_MINOR, idSchema, instantSchema, moneySchema, pageSchema } from './common.ts';

/** A place in degrees, as `latitude,longitude`. */
const nearSchema = z
  .string()
  .regex(/^-?\d{1,2}(\.\d{1,8})?,-?\d{1,3}(\.\d{1,8})?$/, 'must be latitude,longitude in degrees')
  .refine((text) => {
    const [latitude = 0, longitude = 0] = text.split(',').map(Number);
    return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
  }, 'is not a place on the globe')
  .openapi({ example: '51.5,-0.12' });

/** As far as the plane on which distances are ordered is exact enough. */
const RADIUS_KM_MAX = 500;

/** The longest time in which free slots are looked for. */
const RANGE_MAX_MS = 366 * 86_400_000;

export const searchServicesQuerySchema = z
  .strictObject({
    query: z.string().trim().min(1).max(200).optional(),
    category: z.string().trim().min(1).max(60).optional(),
    tag: z.string().trim().min(1).max(40).optional(),
    providerId: idSchema.optional(),
    near: nearSchema.optional(),
    radiusKm: z.coerce.number().int().min(1).max(RADIUS_KM_MAX).optional(),
    from: instantSchema.optional(),
    to: instantSchema.optional(),
    quantity: z.coerce.number().int().min(1).max(1_000).default(1),
    /** Minor units. */
    maxPrice: z.coerce.number().int().min(0).max(MAX_AMOUNT_MINOR).optional(),
    limit: z.coerce.number().int().min(1).max(500).default(100),
    cursor: z.string().min(1).max(500).optional(),
  })
  .refine((query) => query.radiusKm === undefined || query.near !== undefined, {
    message: 'needs a place: name near',
    path: ['radiusKm'],
  })
  .refine((query) => rangeMs(query) > 0, { message: 'must be after from', path: ['to'] })
  .refine((query) => rangeMs(query) <= RANGE_MAX_MS, {
    message: 'must be within 366 days of from',
    path: ['to'],
  });

/** From the beginning to the end of what is asked for, in milliseconds; one where it is open at an end. */
function rangeMs({ from, to }: { from?: string | undefined; to?: string | undefined }): number {
  return from === undefined || to === undefined ? 1 : Date.parse(to) - Date.parse(from);
}

/** A service that was found, with when it can be had next. */
export const foundServiceSchema = serviceSchema
  .extend({ nextFreeSlot: slotSchema.nullable(), distanceMetres: z.int().optional() })
  .openapi('FoundService');

export const servicePageSchema = pageSchema(foundServiceSchema).openapi('ServicePage');

const RADIUS_KM_DEFAULT = 50;

/** What a query asks for. */
export function toServiceSearch(query: z.infer<typeof searchServicesQuerySchema>) {
  const { query: text, category, tag, providerId, maxPrice, near, radiusKm, from, to } = query;
  const { quantity, cursor, limit } = query;
  const [latitude = 0, longitude = 0] = (near ?? '').split(',').map(Number);
  const radiusMetres = (radiusKm ?? RADIUS_KM_DEFAULT) * 1_000;
  return {
    text: text ?? null,
    filter: {
      category: category ?? null,
      tag: tag ?? null,
      providerId: providerId ?? null,
      priceMinorMax: maxPrice ?? null,
      near: near === undefined ? null : { latitude, longitude, radiusMetres },
    },
    freeWithin:
      from === undefined && to === undefined
        ? null
        : { fromMs: fromInstant(from), toMs: fromInstant(to) },
    quantity,
    cursor,
    limit,
  };
}

/** A service that was found, on the wire. */
export function toFoundServiceView(hit: {
  readonly card: ServiceCard;
  readonly nextFreeSlot: SlotView | null;
  readonly distanceMetres: number | null;
}): z.infer<typeof foundServiceSchema> {
  const { card, nextFreeSlot, distanceMetres } = hit;
  return {
    ...toServiceView(card),
    nextFreeSlot,
    ...(distanceMetres === null ? {} : { distanceMetres }),
  };
}

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
