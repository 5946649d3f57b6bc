/** Who may hold what and when: for each refusal an input that just passes and one that just fails, in precedence order. */
import { describe, expect, test } from 'vitest';
import { REFUSAL_CODES } from '../../src/domain/codes.ts';
import {
  holdTtlMs,
  refusalAfterClaim,
  accessRefusal,
  quantityRefusal,
  type HoldFacts,
} from '../../src/domain/hold/hold.ts';
import type { ServiceCard } from '../../src/domain/inventory/cards.ts';
import { DAY_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { makeServiceCard } from '../support/cards.ts';
import { makeSlot } from './inventory-model.ts';

const NOW_MS = 1_000_000 * MINUTE_MS;

/** A hold of one slot that starts in `inMinutes`; everything is allowed unless a test says otherwise. */
function facts(
  service: Partial<ServiceCard>,
  change: Partial<HoldFacts> & { inMinutes?: number } = {},
): HoldFacts {
  const card = makeServiceCard(service);
  const { inMinutes = 120, ...rest } = change;
  return {
    nowMs: NOW_MS,
    quantity: 1,
    isMember: false,
    planId: null,
    lines: [{ service: card, slot: makeSlot(card, 1_000_000 + inMinutes) }],
    liveUnits: () => 0,
    ...rest,
  };
}

function codes(given: HoldFacts): (string | null)[] {
  const before = accessRefusal(given) ?? quantityRefusal(given);
  return [before?.code ?? null, refusalAfterClaim(given)?.code ?? null];
}

describe('hold refusals, most decisive first', () => {
  test.each([
    ['subscription_required', 'a guest', { isMember: false, planId: null }],
    ['subscription_required', 'a member of another plan', { isMember: true, planId: 'pln_b' }],
    ['subscription_required', 'a plan that has lapsed', { isMember: false, planId: 'pln_a' }],
    [null, 'a member of the plan', { isMember: true, planId: 'pln_a' }],
  ])('%s for %s of a service for one plan', (code, _, access) => {
    const given = facts({ access: 'subscribers', planIds: ['pln_a'] }, access);
    expect(codes(given)).toEqual([code, null]);
  });

  test('a service for subscribers of any plan asks for a plan, and an open one for none', () => {
    const member = { isMember: true, planId: 'pln_z' };
    expect(codes(facts({ access: 'subscribers' }))).toEqual(['subscription_required', null]);
    expect(codes(facts({ access: 'subscribers' }, member))).toEqual([null, null]);
    expect(codes(facts({ access: 'open', planIds: ['pln_a'] }))).toEqual([null, null]);
  });

  test.each([
    ['sale_not_open', 'a millisecond before', NOW_MS + 1],
    [null, 'at', NOW_MS],
  ])('%s %s the start of the sale', (code, _, saleStartsAtMs) => {
    expect(codes(facts({ saleStartsAtMs }))).toEqual([code, null]);
  });

  test.each([
    [null, 4, 4],
    ['quantity_limit_exceeded', 5, 4],
  ])('%s for %i where %i are sold at a time', (code, quantity, maxQuantity) => {
    expect(codes(facts({ maxQuantity }, { quantity }))).toEqual([code, null]);
  });

  test.each([
    [null, 1],
    ['slot_past', 0],
    ['slot_past', -1],
  ])('%s for a slot that starts in %i minutes', (code, inMinutes) => {
    expect(codes(facts({}, { inMinutes }))).toEqual([null, code]);
  });

  test.each([
    [null, 30],
    ['notice_too_short', 29],
  ])('%s for %i minutes of notice where 30 are asked', (code, inMinutes) => {
    expect(codes(facts({ minimumNoticeMinutes: 30 }, { inMinutes }))).toEqual([null, code]);
  });

  test.each([
    [null, (2 * DAY_MS) / MINUTE_MS],
    ['outside_booking_window', (2 * DAY_MS) / MINUTE_MS + 1],
  ])('%s for a slot in %i minutes where two days can be booked ahead', (code, inMinutes) => {
    expect(codes(facts({ bookingWindowDays: 2 }, { inMinutes }))).toEqual([null, code]);
  });

  test.each([
    [null, 2, 1],
    ['customer_limit_reached', 2, 2],
    ['customer_limit_reached', 3, 1],
  ])('%s for %i more where the customer has %i of 3', (code, quantity, has) => {
    const given = facts({ maxPerCustomer: 3, maxQuantity: 9 }, { quantity, liveUnits: () => has });
    expect(codes(given)).toEqual([null, code]);
  });

  test('a hold of several slots of one service counts each of them for the customer', () => {
    const service = makeServiceCard({ maxPerCustomer: 3 });
    const lines = [120, 240].map((from) => ({
      service,
      slot: makeSlot(service, 1_000_000 + from),
    }));
    expect(codes({ ...facts({}), lines, liveUnits: () => 1 })).toEqual([null, null]);
    expect(codes({ ...facts({}), lines, liveUnits: () => 2 })).toEqual([
      null,
      'customer_limit_reached',
    ]);
  });

  test('of all that apply, the one of highest precedence is given', () => {
    const wrong: Partial<ServiceCard> = {
      access: 'subscribers',
      saleStartsAtMs: NOW_MS + 1,
      maxQuantity: 1,
      minimumNoticeMinutes: 30,
      maxPerCustomer: 1,
    };
    const given = facts(wrong, { quantity: 2, inMinutes: -1, liveUnits: () => 1 });
    const right: readonly (readonly [Partial<ServiceCard>, number])[] = [
      [{ access: 'open' }, -1],
      [{ saleStartsAtMs: null }, -1],
      [{ maxQuantity: 2 }, 1],
      [{ minimumNoticeMinutes: 0 }, 1],
    ];
    const seen = [codes(given).find((code) => code !== null)];
    let service = wrong;
    for (const [repair, inMinutes] of right) {
      service = { ...service, ...repair };
      const next = facts(service, { quantity: 2, inMinutes, liveUnits: () => 1 });
      seen.push(codes(next).find((code) => code !== null));
    }
    expect(seen).toEqual([
      'subscription_required',
      'sale_not_open',
      'quantity_limit_exceeded',
      'notice_too_short',
      'customer_limit_reached',
    ]);
    expect(seen).toEqual(REFUSAL_CODES.filter((code) => seen.includes(code)));
  });

  test('a rule that any slot of a hold breaks is broken by the hold', () => {
    const [open, members] = [makeServiceCard(), makeServiceCard({ access: 'subscribers' })];
    const lines = [open, members].map((service) => ({
      service,
      slot: makeSlot(service, 1_000_120),
    }));
    expect(codes({ ...facts({}), lines })).toEqual(['subscription_required', null]);
  });

  test('a hold lives as long as the shortest of its services allows', () => {
    const lines = [300, 45, 120].map((holdTtlSeconds) => {
      const service = makeServiceCard({ holdTtlSeconds });
      return { service, slot: makeSlot(service, 1_000_120) };
    });
    expect(holdTtlMs(lines)).toBe(45_000);
  });
});
