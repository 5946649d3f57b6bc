/** One key, one effect, one answer: what a record of a call makes of the next call. */
import { describe, expect, test } from 'vitest';
import { REFUSAL_CODES } from '../../src/domain/codes.ts';
import {
  CALL_LEASE_MS,
  CALL_RETENTION_MS,
  decideCall,
  isTransient,
  type CallRecord,
} from '../../src/domain/idempotency.ts';
import { HOUR_MS } from '../../src/domain/time.ts';

const RUNNING: CallRecord = {
  fingerprint: 'a',
  state: 'running',
  leaseUntilMs: 1_000,
  recoveryId: 'bkg_1',
};
const DONE: CallRecord = { ...RUNNING, state: 'done', leaseUntilMs: 0 };

describe('what a key decides', () => {
  test.each([
    ['fresh', 'an unused key', null, 'a', 0],
    ['replay', 'the same request again', DONE, 'a', 0],
    ['replay', 'the same request much later', DONE, 'a', 10 ** 12],
    ['mismatch', 'another request once it is answered', DONE, 'b', 0],
    ['mismatch', 'another request while the first runs', RUNNING, 'b', 0],
    ['mismatch', 'another request after the lease', RUNNING, 'b', 2_000],
    ['in_progress', 'the same request while the first runs', RUNNING, 'a', 999],
    ['resume', 'the same request at the end of the lease', RUNNING, 'a', 1_000],
    ['resume', 'the same request after the lease', RUNNING, 'a', 1_001],
  ])('%s: %s', (...[decision, , record, fingerprint, nowMs]) => {
    expect(decideCall(record, { fingerprint, nowMs })).toBe(decision);
  });

  test('answers are kept for longer than a day, and a running call owns its key for 30 seconds', () => {
    expect(CALL_RETENTION_MS).toBeGreaterThan(24 * HOUR_MS);
    expect(CALL_LEASE_MS).toBe(30_000);
  });

  test('exactly the refusals that say "not now" are forgotten', () => {
    expect(REFUSAL_CODES.filter(isTransient)).toEqual([
      'idempotency_key_in_progress',
      'rate_limited',
      'hold_limit_reached',
      'overloaded',
      'processor_unavailable',
    ]);
  });
});

describe('refusal codes', () => {
  test('stand in the order of precedence that is published', () => {
    const published = `
      invalid_json idempotency_key_required idempotency_key_invalid invalid_signature
      unauthenticated
      role_required subscription_required quota_exhausted sale_not_open
      not_found method_not_allowed body_too_large unsupported_media_type
      validation_failed idempotency_key_reused quantity_limit_exceeded coupon_invalid slots_span_shards
      payment_required processor_not_supported
      payment_declined payment_incomplete
      hold_expired
      idempotency_key_in_progress slot_unavailable slot_past notice_too_short outside_booking_window
      customer_limit_reached coupon_exhausted hold_committed payment_in_progress invalid_transition
      refund_exceeds_captured slot_booked slot_held email_taken subscription_exists
      rate_limited hold_limit_reached
      overloaded processor_unavailable`;
    expect([...REFUSAL_CODES]).toEqual(published.trim().split(/\s+/));
  });
});
