/**
 * Every refusal code of the product, in descending precedence: when several apply to one request,
 * the one that stands first is answered. The HTTP status of each lives in worker/problem.ts alone.
 */

/** All refusal codes, most decisive first. The order is part of the contract. */
export const REFUSAL_CODES = [
  'invalid_json',
  'idempotency_key_required',
  'idempotency_key_invalid',
  'invalid_signature',
  'unauthenticated',
  'role_required',
  'subscription_required',
  'quota_exhausted',
  'sale_not_open',
  'not_found',
  'method_not_allowed',
  'body_too_large',
  'unsupported_media_type',
  'validation_failed',
  'idempotency_key_reused',
  'quantity_limit_exceeded',
  'coupon_invalid',
  'slots_span_shards',
  'payment_required',
  'processor_not_supported',
  'payment_declined',
  'payment_incomplete',
  'hold_expired',
  'idempotency_key_in_progress',
  'slot_unavailable',
  'slot_past',
  'notice_too_short',
  'outside_booking_window',
  'customer_limit_reached',
  'coupon_exhausted',
  'hold_committed',
  'payment_in_progress',
  'invalid_transition',
  'refund_exceeds_captured',
  'slot_booked',
  'slot_held',
  'email_taken',
  'subscription_exists',
  'rate_limited',
  'hold_limit_reached',
  'overloaded',
  'processor_unavailable',
] as const;

/** One refusal code. */
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** Refusals that say "not now": never remembered under an idempotency key, so that the next try completes the work. */
export const TRANSIENT_CODES: ReadonlySet<RefusalCode> = new Set([
  'idempotency_key_in_progress',
  'rate_limited',
  'hold_limit_reached',
  'overloaded',
  'processor_unavailable',
]);
