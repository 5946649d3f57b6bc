/** Wire shapes of the catalogue: providers, venues, resources, services and slots. */
import { z } from '@hono/zod-openapi';
import {
  currencySchema,
  idSchema,
  instantSchema,
  moneySchema,
  nameSchema,
  textSchema,
  timeZoneSchema,
} from './common.ts';

/** Location hints of Durable Objects: where a provider's shards are placed. */
export const REGIONS = ['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'] as const;

export const dataRegionSchema = z.enum(['global', 'eu']);
const commissionBpsSchema = z.int().min(0).max(10_000);
const minutesSchema = z.int().min(0).max(525_600);

export const createProviderSchema = z
  .strictObject({
    name: nameSchema,
    currency: currencySchema,
    timeZone: timeZoneSchema,
    region: z.enum(REGIONS).optional(),
    dataRegion: dataRegionSchema.optional(),
    commissionBps: commissionBpsSchema.optional(),
  })
  .openapi('CreateProvider');

export const patchProviderSchema = z
  .strictObject({ name: nameSchema.optional(), timeZone: timeZoneSchema.optional() })
  .openapi('PatchProvider');

export const providerSchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    currency: z.string(),
    timeZone: z.string(),
    region: z.enum(REGIONS).nullable(),
    dataRegion: dataRegionSchema,
    commissionBps: z.int().nullable(),
    active: z.boolean(),
    createdAt: instantSchema,
  })
  .openapi('Provider');

/** Added to prices, or held by them already. */
export const taxSchema = z
  .strictObject({ rateBps: z.int().min(0).max(10_000), inclusive: z.boolean() })
  .openapi('Tax');

export const createVenueSchema = z
  .strictObject({
    providerId: idSchema,
    name: nameSchema,
    timeZone: timeZoneSchema,
    address: textSchema.optional(),
    latitude: z.number().min(-90).max(90).optional(),
    longitude: z.number().min(-180).max(180).optional(),
    commissionBps: commissionBpsSchema.optional(),
    tax: taxSchema.optional(),
  })
  .openapi('CreateVenue');

export const patchVenueSchema = z
  .strictObject({
    name: nameSchema.optional(),
    address: textSchema.optional(),
    latitude: z.number().min(-90).max(90).optional(),
    longitude: z.number().min(-180).max(180).optional(),
    tax: taxSchema.nullable().optional(),
  })
  .openapi('PatchVenue');

export const venueSchema = z
  .strictObject({
    id: z.string(),
    providerId: z.string(),
    name: z.string(),
    timeZone: z.string(),
    address: z.string().nullable(),
    latitude: z.number().nullable(),
    longitude: z.number().nullable(),
    commissionBps: z.int().nullable(),
    tax: taxSchema.nullable(),
    active: z.boolean(),
    createdAt: instantSchema,
  })
  .openapi('Venue');

export const createShardSchema = z.strictObject({ name: nameSchema }).openapi('CreateShard');

/** Where resources are counted. Only services within one shard may combine resources. */
export const shardSchema = z
  .strictObject({
    id: z.string(),
    /** Null: the provider's first shard, which serves all its venues. */
    venueId: z.string().nullable(),
    name: z.string(),
    createdAt: instantSchema,
  })
  .openapi('Shard');

const unitsSchema = z
  .array(z.string().trim().min(1).max(40))
  .min(1)
  .max(5_000)
  .refine((units) => new Set(units).size === units.length, 'units must be unique');

/** What a resource is, wherever it belongs. */
export const resourceFields = {
  name: nameSchema,
  kind: z.string().trim().min(1).max(60),
  capacity: z.int().min(1).max(100_000).optional(),
  units: unitsSchema.optional(),
};

/** False where the capacity of named units is another number than theirs. */
export function hasOwnCapacity(body: {
  readonly capacity?: number | undefined;
  readonly units?: readonly string[] | undefined;
}): boolean {
  const { capacity, units } = body;
  return capacity === undefined || units === undefined || capacity === units.length;
}

export const createResourceSchema = z
  .strictObject({
    venueId: idSchema.optional(),
    providerId: idSchema.optional(),
    shardId: idSchema.optional(),
    ...resourceFields,
  })
  .refine((body) => (body.venueId === undefined) !== (body.providerId === undefined), {
    message: 'name either a venueId or a providerId',
    path: ['venueId'],
  })
  .refine(hasOwnCapacity, {
    message: 'capacity of named units is their number',
    path: ['capacity'],
  })
  .openapi('CreateResource');

export const patchResourceSchema = z
  .strictObject({ name: nameSchema.optional(), kind: z.string().trim().min(1).max(60).optional() })
  .openapi('PatchResource');

export const resourceSchema = z
  .strictObject({
    id: z.string(),
    providerId: z.string(),
    venueId: z.string().nullable(),
    name: z.string(),
    kind: z.string(),
    capacity: z.int(),
    units: z.array(z.string()).nullable(),
    active: z.boolean(),
    version: z.int(),
  })
  .openapi('Resource');

export const cancellationPolicySchema = z
  .array(
    z.strictObject({
      hoursBefore: z.int().min(0).max(8_760),
      refundPercent: z.int().min(0).max(100),
    }),
  )
  .min(1)
  .max(10)
  .openapi('CancellationPolicy');

/** fixed: for a slot. hourly: by the length held. custom: quoted when the booking is approved. */
export const PRICE_TYPES = ['fixed', 'hourly', 'custom'] as const;
const durationSchema = z.int().min(1).max(525_600);

const pledgeSchema = z
  .strictObject({
    minimumQuantity: z.int().min(1).max(100_000),
    decideHoursBefore: z.int().min(0).max(8_760),
  })
  .openapi('Pledge');

/** What a service may change after its creation; sold bookings keep their snapshot. */
const serviceRules = {
  description: textSchema.optional(),
  subcategory: z.string().trim().min(1).max(60).optional(),
  requirements: textSchema.optional(),
  tags: z.array(z.string().trim().min(1).max(40)).max(20).optional(),
  active: z.boolean().optional(),
  bufferBeforeMinutes: minutesSchema.optional(),
  bufferAfterMinutes: minutesSchema.optional(),
  minimumNoticeMinutes: minutesSchema.optional(),
  bookingWindowDays: z.int().min(1).max(3_650).optional(),
  holdTtlSeconds: z.int().min(1).max(3_600).optional(),
  access: z.enum(['open', 'subscribers']).optional(),
  planIds: z.array(idSchema).max(50).optional(),
  maxQuantity: z.int().min(1).max(1_000).optional(),
  maxPerCustomer: z.int().min(1).max(1_000).optional(),
  maxPerCustomerPerDay: z.int().min(1).max(1_000).optional(),
  saleStartsAt: instantSchema.optional(),
  minimumDurationMinutes: durationSchema.optional(),
  maximumDurationMinutes: durationSchema.optional(),
  priceType: z.enum(PRICE_TYPES).optional(),
  requiresApproval: z.boolean().optional(),
  pledge: pledgeSchema.optional(),
  noShowFee: moneySchema.optional(),
  cancellationPolicy: cancellationPolicySchema.optional(),
};

export const createServiceSchema = z
  .strictObject({
    venueId: idSchema,
    name: nameSchema,
    category: z.string().trim().min(1).max(60),
    resourceIds: z
      .array(idSchema)
      .min(1)
      .max(100)
      .refine((ids) => new Set(ids).size === ids.length, 'resourceIds must be unique'),
    allocation: z.enum(['any', 'all']).optional(),
    durationMinutes: durationSchema,
    price: moneySchema,
    ...serviceRules,
  })
  .openapi('CreateService');

export const patchServiceSchema = z
  .strictObject({
    name: nameSchema.optional(),
    category: z.string().trim().min(1).max(60).optional(),
    price: moneySchema.optional(),
    ...serviceRules,
  })
  .openapi('PatchService');

export const serviceSchema = z
  .strictObject({
    id: z.string(),
    providerId: z.string(),
    venueId: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    category: z.string(),
    subcategory: z.string().nullable(),
    requirements: z.string().nullable(),
    tags: z.array(z.string()),
    active: z.boolean(),
    resourceIds: z.array(z.string()),
    allocation: z.enum(['any', 'all']),
    durationMinutes: z.int(),
    minimumDurationMinutes: z.int().nullable(),
    maximumDurationMinutes: z.int().nullable(),
    price: moneySchema,
    priceType: z.enum(PRICE_TYPES),
    timeZone: z.string(),
    bufferBeforeMinutes: z.int(),
    bufferAfterMinutes: z.int(),
    minimumNoticeMinutes: z.int(),
    bookingWindowDays: z.int(),
    holdTtlSeconds: z.int(),
    access: z.enum(['open', 'subscribers']),
    planIds: z.array(z.string()),
    maxQuantity: z.int(),
    maxPerCustomer: z.int().nullable(),
    maxPerCustomerPerDay: z.int().nullable(),
    saleStartsAt: instantSchema.nullable(),
    requiresApproval: z.boolean(),
    pledge: pledgeSchema.nullable(),
    cancellationPolicy: cancellationPolicySchema,
    noShowFee: moneySchema.nullable(),
    tax: taxSchema.nullable(),
    version: z.int(),
  })
  .openapi('Service');

const fareFields = {
  id: z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'must be 1 to 40 letters, digits, "-" or "_"'),
  name: nameSchema,
  price: moneySchema,
  quota: z.int().min(1).max(100_000),
};

/** A part of a slot's capacity with a price of its own. */
export const fareSchema = z.strictObject(fareFields).openapi('Fare');

const fareViewSchema = z
  .strictObject({ ...fareFields, id: z.string(), name: z.string(), remaining: z.int() })
  .openapi('SlotFare');

const slotInputSchema = z
  .strictObject({
    startAt: instantSchema,
    endAt: instantSchema,
    resourceId: idSchema.optional(),
    capacity: z.int().min(1).max(100_000).optional(),
    price: moneySchema.optional(),
    fares: z
      .array(fareSchema)
      .min(1)
      .max(20)
      .refine(
        (fares) => new Set(fares.map(({ id }) => id)).size === fares.length,
        'the ids of fares must be unique',
      )
      .optional(),
  })
  .refine((slot) => Date.parse(slot.startAt) < Date.parse(slot.endAt), {
    message: 'endAt must be after startAt',
    path: ['endAt'],
  })
  .refine((slot) => Date.parse(slot.endAt) - Date.parse(slot.startAt) <= 366 * 86_400_000, {
    message: 'a slot lasts at most 366 days',
    path: ['endAt'],
  });

export const createSlotsSchema = z
  .strictObject({ slots: z.array(slotInputSchema).min(1).max(500) })
  .openapi('CreateSlots');

export const SLOT_STATUSES = ['available', 'held', 'booked', 'blocked', 'past'] as const;

export const slotSchema = z
  .strictObject({
    id: z.string(),
    serviceId: z.string(),
    resourceIds: z.array(z.string()),
    startAt: instantSchema,
    endAt: instantSchema,
    localStart: z.string(),
    timeZone: z.string(),
    status: z.enum(SLOT_STATUSES),
    capacity: z.int(),
    remaining: z.int(),
    units: z
      .array(
        z.strictObject({
          id: z.string(),
          status: z.enum(['available', 'held', 'booked', 'blocked']),
        }),
      )
      .optional(),
    fares: z.array(fareViewSchema).optional(),
    price: moneySchema,
    version: z.int(),
  })
  .openapi('Slot');

export const listSlotsQuerySchema = z.strictObject({
  from: instantSchema.optional(),
  to: instantSchema.optional(),
  timeZone: timeZoneSchema.optional(),
  status: z.enum(SLOT_STATUSES).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().min(1).max(500).optional(),
});

export type ShardView = z.infer<typeof shardSchema>;
export type ProviderView = z.infer<typeof providerSchema>;
export type VenueView = z.infer<typeof venueSchema>;
export type ResourceView = z.infer<typeof resourceSchema>;
export type ServiceView = z.infer<typeof serviceSchema>;
export type SlotView = z.infer<typeof slotSchema>;
export type CreateServiceBody = z.infer<typeof createServiceSchema>;
export type PatchServiceBody = z.infer<typeof patchServiceSchema>;
export type CancellationPolicy = z.infer<typeof cancellationPolicySchema>;
export type CreateProviderBody = z.infer<typeof createProviderSchema>;
export type PatchProviderBody = z.infer<typeof patchProviderSchema>;
export type CreateVenueBody = z.infer<typeof createVenueSchema>;
export type PatchVenueBody = z.infer<typeof patchVenueSchema>;
export type CreateResourceBody = z.infer<typeof createResourceSchema>;
export type PatchResourceBody = z.infer<typeof patchResourceSchema>;
export type CreateSlotsBody = z.infer<typeof createSlotsSchema>;
