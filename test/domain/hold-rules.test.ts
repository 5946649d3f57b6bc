/** Who may hold what and when: for each refusal an input that just passes and one that just fails, in precedence order. */
import { describe, expect, test } from 'vitest';
import { REFUSAL_CODES } from '../../src/domain/codes.ts';
import {
  accessRefusal,
  grantRefusal,
  guestsOf,
  holdTtlMs,
  limitRefusal,
  momentaryRefusal,
  NO_ACCESS,
  quantityRefusal,
  refusalAfterClaim,
  type HoldAccess,
  type HoldFacts,
  type PlanBenefits,
} from '../../src/domain/hold/hold.ts';
import { NO_USES, type QuotaTerms, type QuotaUses } from '../../src/domain/hold/quota.ts';
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
    access: NO_ACCESS,
    lines: [{ service: card, slot: makeSlot(card, 1_000_000 + inMinutes) }],
    liveUnits: () => 0,
    dateOf: (_service, atMs) => new Date(atMs).toISOString().slice(0, 10),
    unitsOnDateOf: () => 0,
    ...rest,
  };
}

/** Somebody with a plan that says nothing but what a test cares about. */
function member(
  benefits: Partial<PlanBenefits> = {},
  change: Partial<HoldAccess> = {},
): { access: HoldAccess } {
  const plain = { windowDays: null, earlyAccessMinutes: 0, categories: null, discountBps: 0 };
  return {
    access: {
      ...NO_ACCESS,
      isMember: true,
      planId: 'pln_a',
      benefits: { ...plain, ...benefits },
      ...change,
    },
  };
}

const GRANT: QuotaTerms = {
  id: 'grant',
  memberId: 'usr_ann',
  validUntilMs: NOW_MS + 1,
  uses: NO_USES,
  countsGuests: false,
  overagePrice: null,
};

function guests(guestPasses: number): QuotaUses {
  return { ...NO_USES, guestPasses };
}

function openLines(): HoldFacts['lines'] {
  return facts({ maxQuantity: 9 }).lines;
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
  ])('%s for %s of a service for one plan', (code, _, change) => {
    const access = { ...NO_ACCESS, ...change };
    const given = facts({ access: 'subscribers', planIds: ['pln_a'] }, { access });
    expect(codes(given)).toEqual([code, null]);
  });

  test('a service for subscribers of any plan asks for a plan, and an open one for none', () => {
    const anyPlan = member({}, { planId: 'pln_z' });
    expect(codes(facts({ access: 'subscribers' }))).toEqual(['subscription_required', null]);
    expect(codes(facts({ access: 'subscribers' }, anyPlan))).toEqual([null, null]);
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

  test.each([
    ['sale_not_open', 0],
    ['sale_not_open', 29],
    [null, 30],
    [null, null],
  ])('%s half an hour before a sale with %s minutes of early access', (code, minutes) => {
    const given = member({ earlyAccessMinutes: minutes });
    expect(codes(facts({ saleStartsAtMs: NOW_MS + 30 * MINUTE_MS }, given))).toEqual([code, null]);
  });

  test.each([
    [null, null, 7],
    ['outside_booking_window', null, 8],
    [null, 21, 21],
    ['outside_booking_window', 21, 22],
    [null, 3, 3],
    ['outside_booking_window', 3, 4],
    [null, 'unlimited', 300],
  ] as const)(
    '%s where a week is general, the plan says %s, and it is for in %i days',
    (...row) => {
      const [code, windowDays, days] = row;
      const change = { ...member({ windowDays }), inMinutes: (days * DAY_MS) / MINUTE_MS };
      expect(codes(facts({ bookingWindowDays: 7 }, change))).toEqual([null, code]);
    },
  );

  test.each([
    [null, 'subscribers', ['sport', 'spa']],
    ['subscription_required', 'subscribers', ['spa']],
    ['subscription_required', 'subscribers', []],
    [null, 'subscribers', null],
    [null, 'open', ['spa']],
  ] as const)('%s for sport that is for %s with a plan for %j', (code, access, categories) => {
    const given = facts({ category: 'sport', access }, member({ categories }));
    expect(codes(given)).toEqual([code, null]);
  });

  test('who is told that a plan is needed is told which, and for what', () => {
    const card = { access: 'subscribers', planIds: ['pln_b'], category: 'spa' } as const;
    const refusal = accessRefusal(facts(card, member()));
    expect(refusal?.extra).toEqual({ planIds: ['pln_b'], category: 'spa' });
  });

  test.each([
    [null, 2, 1],
    ['quota_exhausted', 3, 1],
    [null, 9, null],
  ])('%s for %i people with %s guest passes left on a members service', (code, quantity, left) => {
    const grant = { ...GRANT, countsGuests: left !== null, uses: guests(left ?? 0) };
    const card = { access: 'subscribers', maxQuantity: 9 } as const;
    const given = facts(card, { ...member({}, { grant }), quantity });
    expect(codes(given)).toEqual([code, null]);
    expect(codes(facts({ maxQuantity: 9 }, { ...given, lines: openLines() }))).toEqual([
      null,
      null,
    ]);
  });

  test('guests are counted slot by slot, on members services alone', () => {
    expect(guestsOf(makeServiceCard({ access: 'subscribers' }), 3)).toBe(2);
    expect(guestsOf(makeServiceCard(), 3)).toBe(0);
    const service = makeServiceCard({ access: 'subscribers' });
    const lines = [120, 240].map((from) => ({
      service,
      slot: makeSlot(service, 1_000_000 + from),
    }));
    const with3 = { ...GRANT, countsGuests: true, uses: guests(3) };
    const with4 = { ...with3, uses: guests(4) };
    const given = { ...facts({}), lines, quantity: 3 };
    expect(accessRefusal({ ...given, ...member({}, { grant: with3 }) })?.code).toBe(
      'quota_exhausted',
    );
    expect(accessRefusal({ ...given, ...member({}, { grant: with4 }) })).toBeNull();
  });

  test('what lies beyond the limit is sold in the currency of the plan alone', () => {
    const uses = { ...NO_USES, bookings: 1, overage: 1 };
    const grant = { ...GRANT, uses, overagePrice: { amount: 500, currency: 'eur' } };
    const code = (change: Partial<typeof grant>) =>
      codes(facts({}, member({}, { grant: { ...grant, ...change } })))[0];
    expect(code({})).toBe('quota_exhausted');
    expect(code({ overagePrice: { amount: 500, currency: 'usd' } })).toBeNull();
    expect(code({ overagePrice: { amount: 0, currency: 'eur' } })).toBeNull();
    expect(code({ uses: NO_USES })).toBeNull();
  });

  test('a limit of the plan ranks as its code does: below the want of a plan, above the sale', () => {
    const refusal = { code: 'quota_exhausted', detail: '' } as const;
    const barred = { ...member().access, refusal };
    const card = { access: 'subscribers', saleStartsAtMs: NOW_MS + 1 } as const;
    expect(codes(facts(card, { access: barred }))[0]).toBe('quota_exhausted');
    expect(codes(facts(card, { access: { ...barred, isMember: false } }))[0]).toBe(
      'subscription_required',
    );
  });

  test('a limit for the moment waits until everything else has been looked at', () => {
    const refusal = { code: 'hold_limit_reached', detail: '' } as const;
    const barred = { ...member().access, refusal };
    expect(limitRefusal(barred)).toBeNull();
    expect(momentaryRefusal(barred)).toBe(refusal);
    expect(momentaryRefusal(NO_ACCESS)).toBeNull();
  });

  test.each([
    ['overloaded', 0],
    [null, 1],
  ])('%s for a grant with %i ms left', (code, leftMs) => {
    const grant = { ...GRANT, validUntilMs: NOW_MS + leftMs };
    expect(grantRefusal(facts({}, member({}, { grant })))?.code ?? null).toBe(code);
  });

  test('a hold lives as long as the shortest of its services allows', () => {
    const lines = [300, 45, 120].map((holdTtlSeconds) => {
      const service = makeServiceCard({ holdTtlSeconds });
      return { service, slot: makeSlot(service, 1_000_120) };
    });
    expect(holdTtlMs(lines)).toBe(45_000);
  });
});
