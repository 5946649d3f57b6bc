/** Wire shapes of coupons. */
import { z } from '@hono/zod-openapi';
import type { Coupon } from '../../domain/promotion/coupon.ts';
import { idSchema, instantSchema, moneySchema } from './common.ts';
import { formatInstant, parseInstant } from './views.ts';

/** Codes that one call makes at most. */
const COUNT_MAX = 1_000;

/** What a customer types; only its own form is compared. */
export const couponCodeSchema = z.string().trim().min(1).max(60);

const idsSchema = z
  .array(idSchema)
  .min(1)
  .max(500)
  .refine((ids) => new Set(ids).size === ids.length, 'ids must be unique');
const usesSchema = z.int().min(1).max(1_000_000);

const limits = {
  maxUses: usesSchema.optional(),
  maxUsesPerCustomer: usesSchema.optional(),
  validFrom: instantSchema.optional(),
  validUntil: instantSchema.optional(),
  serviceIds: idsSchema.optional(),
  customerIds: idsSchema.optional(),
  segment: z.enum(['guest', 'member', 'customer']).optional(),
};

const isInOrder = (body: {
  validFrom?: string | null | undefined;
  validUntil?: string | null | undefined;
}): boolean =>
  typeof body.validFrom !== 'string' ||
  typeof body.validUntil !== 'string' ||
  Date.parse(body.validFrom) < Date.parse(body.validUntil);
const ORDER_MESSAGE = { message: 'must be after validFrom', path: ['validUntil'] };

export const createCouponSchema = z
  .strictObject({
    providerId: idSchema,
    code: z
      .string()
      .trim()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{2,39}$/, 'must be 3 to 40 letters, digits, "-" or "_"')
      .optional(),
    count: z.int().min(1).max(COUNT_MAX).optional(),
    percentOff: z.int().min(1).max(100).optional(),
    amountOff: moneySchema.extend({ amount: moneySchema.shape.amount.min(1) }).optional(),
    ...limits,
  })
  .refine((body) => body.code === undefined || body.count === undefined, {
    message: 'many coupons have codes of their own',
    path: ['count'],
  })
  .refine((body) => (body.percentOff === undefined) !== (body.amountOff === undefined), {
    message: 'name either percentOff or amountOff',
    path: ['percentOff'],
  })
  .refine(isInOrder, ORDER_MESSAGE)
  .openapi('CreateCoupon');

export const patchCouponSchema = z
  .strictObject({
    active: z.boolean().optional(),
    maxUses: usesSchema.nullable().optional(),
    maxUsesPerCustomer: usesSchema.nullable().optional(),
    validFrom: instantSchema.nullable().optional(),
    validUntil: instantSchema.nullable().optional(),
    serviceIds: idsSchema.nullable().optional(),
    customerIds: idsSchema.nullable().optional(),
    segment: limits.segment.nullable(),
  })
  .refine(isInOrder, ORDER_MESSAGE)
  .openapi('PatchCoupon');

/** `used` counts what is held and booked now; lists leave it out. */
export const couponSchema = z
  .strictObject({
    id: z.string(),
    providerId: z.string(),
    code: z.string(),
    active: z.boolean(),
    percentOff: z.int().nullable(),
    amountOff: moneySchema.nullable(),
    maxUses: z.int().nullable(),
    maxUsesPerCustomer: z.int().nullable(),
    validFrom: instantSchema.nullable(),
    validUntil: instantSchema.nullable(),
    serviceIds: z.array(z.string()).nullable(),
    customerIds: z.array(z.string()).nullable(),
    segment: z.enum(['guest', 'member', 'customer']).nullable(),
    used: z.int().optional(),
    createdAt: instantSchema,
  })
  .openapi('Coupon');

/** The one coupon of a code, or those that `count` asked for. */
export const createdCouponsSchema = z
  .union([couponSchema, z.strictObject({ data: z.array(couponSchema) })])
  .openapi('CreatedCoupons');

export const listCouponsQuerySchema = z.strictObject({
  providerId: idSchema,
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().min(1).max(500).optional(),
});

export type CouponView = z.infer<typeof couponSchema>;
type CreateCouponBody = z.infer<typeof createCouponSchema>;
type PatchCouponBody = z.infer<typeof patchCouponSchema>;

/** A coupon on the wire. */
export function toCouponView(coupon: Coupon, used?: number): CouponView {
  const { discount, validFromMs, validUntilMs, serviceIds, customerIds } = coupon;
  const { id, providerId, code, maxUses, maxUsesPerCustomer, segment } = coupon;
  return {
    id,
    providerId,
    code,
    active: coupon.isActive,
    percentOff: 'percent' in discount ? discount.percent : null,
    amountOff: 'amount' in discount ? { ...discount.amount } : null,
    maxUses,
    maxUsesPerCustomer,
    validFrom: instantOf(validFromMs),
    validUntil: instantOf(validUntilMs),
    serviceIds: serviceIds === null ? null : [...serviceIds],
    customerIds: customerIds === null ? null : [...customerIds],
    segment,
    ...(used === undefined ? {} : { used }),
    createdAt: formatInstant(coupon.createdAtMs),
  };
}

/** What a body says that a coupon takes off, of what, for whom and when. */
export function couponTerms(body: CreateCouponBody) {
  const { percentOff, amountOff } = body;
  return {
    discount: amountOff === undefined ? { percent: percentOff ?? 0 } : { amount: { ...amountOff } },
    maxUses: body.maxUses ?? null,
    maxUsesPerCustomer: body.maxUsesPerCustomer ?? null,
    validFromMs: body.validFrom === undefined ? null : parseInstant(body.validFrom),
    validUntilMs: body.validUntil === undefined ? null : parseInstant(body.validUntil),
    serviceIds: body.serviceIds ?? null,
    customerIds: body.customerIds ?? null,
    segment: body.segment ?? null,
  };
}

/** What a body changes; absent members stay as they are, null takes a limit away. */
export function couponPatch({ active, validFrom, validUntil, ...rest }: PatchCouponBody) {
  const { maxUses, maxUsesPerCustomer, serviceIds, customerIds, segment } = rest;
  return {
    ...(active === undefined ? {} : { isActive: active }),
    ...(maxUses === undefined ? {} : { maxUses }),
    ...(maxUsesPerCustomer === undefined ? {} : { maxUsesPerCustomer }),
    ...(validFrom === undefined ? {} : { validFromMs: msOf(validFrom) }),
    ...(validUntil === undefined ? {} : { validUntilMs: msOf(validUntil) }),
    ...(serviceIds === undefined ? {} : { serviceIds }),
    ...(customerIds === undefined ? {} : { customerIds }),
    ...(segment === undefined ? {} : { segment }),
  };
}

function instantOf(atMs: number | null): string | null {
  return atMs === null ? null : formatInstant(atMs);
}

function msOf(instant: string | null): number | null {
  return instant === null ? null : parseInstant(instant);
}
