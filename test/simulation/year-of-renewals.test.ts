/**
 * A year of renewals in virtual time: every anchor from the 1st to the 31st, many zones, faults of the processor,
 * declines, cards that are replaced early, late or never, and crons that are down for days.
 * SIM_SUBSCRIPTIONS (10,000) and SIM_SEED change the run; a failure names its seed.
 */
import { expect, test } from 'vitest';
import type { PlanTerms } from '../../src/domain/subscription/plan.ts';
import { Chance } from '../support/fake-clock.ts';
import { boundaryMs } from './local-calendar.ts';
import { VirtualMember, type MemberYear, type Outage } from './virtual-member.ts';

const DAY_MS = 86_400_000;
const SUBSCRIPTIONS = Number(process.env['SIM_SUBSCRIPTIONS'] ?? 10_000);
const SEED = Number(process.env['SIM_SEED'] ?? 20_270_101);

/** The year has 31 January, a February of 28 days and, for those who begin late, one of 29. */
const YEAR_STARTS = [Date.parse('2027-01-01T00:00:00Z'), Date.parse('2027-10-01T00:00:00Z')];

const ZONES = [
  'UTC',
  'America/New_York',
  'Europe/London',
  'Australia/Sydney',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'America/Sao_Paulo',
  'Pacific/Apia',
];

/** One in five pays every period; one in five has agreed to be charged at a wallet. */
const PROCESSORS = ['stripe', 'stripe', 'stripe', 'paypal', 'btcpay'] as const;

const INTERVALS = [
  ...Array.from({ length: 8 }, () => ({ unit: 'month', count: 1 }) as const),
  { unit: 'month', count: 3 },
  { unit: 'year', count: 1 },
  { unit: 'week', count: 2 },
] as const;

test('bills every period of a year once, skips none, and gives access for paid time and grace alone', async () => {
  const totals = { periods: 0, pushed: 0, returned: 0, declines: 0, ended: 0 };
  for (let n = 0; n < SUBSCRIPTIONS; n += 1) {
    const seed = SEED + n;
    const year = await makeMember(seed).live();
    const faults = [...faultsOfBilling(year), ...faultsOfAccess(year)];
    expect(faults, `SIM_SEED=${seed} SIM_SUBSCRIPTIONS=1`).toEqual([]);
    totals.periods += year.captures.length;
    totals.declines += year.declines;
    totals.ended += year.subscription.endedAtMs === null ? 0 : 1;
    if (year.plan.processor !== 'btcpay') continue;
    totals.pushed += year.captures.length;
    totals.returned += year.refundedMinor > 0 ? 1 : 0;
  }
  // A run in which nothing went wrong would prove nothing.
  expect(totals.periods).toBeGreaterThan(SUBSCRIPTIONS * 4);
  if (SUBSCRIPTIONS >= 100) {
    expect(totals.declines).toBeGreaterThan(SUBSCRIPTIONS / 4);
    expect(totals.ended).toBeGreaterThan(0);
    expect(totals.pushed).toBeGreaterThan(SUBSCRIPTIONS / 2);
    expect(totals.returned).toBeGreaterThan(0);
  }
}, 600_000);

function makeMember(seed: number): VirtualMember {
  const chance = new Chance(seed);
  const startMs = chance.pick(YEAR_STARTS);
  const terms: PlanTerms = {
    planId: 'pln_year',
    version: 1,
    group: 'membership',
    name: 'Year',
    priceMinor: 1_000 + chance.below(9_000),
    currency: 'usd',
    interval: chance.pick(INTERVALS),
    trialDays: 0,
    trialNeedsMethod: true,
    trialEnd: 'cancel',
    graceDays: chance.pick([0, 3, 7]),
    dunningDays: [1, 3, 5, 7, 10],
    cancelAfterDays: chance.pick([10, 13]),
    changePolicy: { upgrade: 'now', downgrade: 'period_end', trial: 'now' },
    cancelRefund: 'none',
    tax: { rateBps: 0, inclusive: true },
    entitlements: { 'access.members': true },
  };
  const plan = {
    terms,
    timeZone: chance.pick(ZONES),
    // Any instant of 31 days, so that every day of a month is somebody's anchor.
    signUpAtMs: startMs + chance.below(31 * DAY_MS),
    endAtMs: startMs + 397 * DAY_MS,
    chance,
    outages: outages(startMs, chance),
    processor: PROCESSORS[seed % PROCESSORS.length] ?? 'stripe',
  };
  return new VirtualMember(plan, seed);
}

function outages(startMs: number, chance: Chance): Outage[] {
  return Array.from({ length: 6 }, (_, n) => {
    const fromMs = startMs + n * 60 * DAY_MS + chance.below(50 * DAY_MS);
    return { fromMs, toMs: fromMs + chance.below(9 * DAY_MS) };
  });
}

/** What is wrong with what was billed, by the processor's books and the calendar's own boundaries. */
function faultsOfBilling(year: MemberYear): string[] {
  const { terms, timeZone, signUpAtMs, endAtMs } = year.plan;
  const anchor = { atMs: signUpAtMs, timeZone };
  const paid = year.invoices
    .filter(({ state }) => state === 'paid')
    .toSorted((a, b) => a.periodStartMs - b.periodStartMs);
  const faults: string[] = [];
  for (const [n, invoice] of paid.entries()) {
    const startMs = boundaryMs(anchor, terms.interval, n);
    const endMs = boundaryMs(anchor, terms.interval, n + 1);
    if (invoice.periodStartMs !== startMs)
      faults.push(`period ${n} begins ${invoice.periodStartMs}`);
    if (invoice.periodEndMs !== endMs) faults.push(`period ${n} ends ${invoice.periodEndMs}`);
    if (invoice.totalMinor !== terms.priceMinor) faults.push(`period ${n} costs another price`);
  }
  const capturedMinor = year.captures.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
  const dueMinor = paid.length * terms.priceMinor;
  if (capturedMinor - year.refundedMinor !== dueMinor)
    faults.push(`${capturedMinor} captured, ${year.refundedMinor} returned, ${dueMinor} billed`);
  const through = paid.at(-1)?.periodEndMs ?? 0;
  const isLive = year.subscription.endedAtMs === null;
  if (isLive && through <= endAtMs) faults.push(`live, and paid only until ${through}`);
  return faults;
}

/** What is wrong with the access that the member had: paid time and grace give it, nothing else does. */
function faultsOfAccess({ plan, samples }: MemberYear): string[] {
  return samples.flatMap(({ atMs, hasAccess, paidThroughMs, isOver, isLeaving }) => {
    // Whoever leaves at the end of the period has paid time alone.
    const graceMs = isLeaving ? 0 : plan.terms.graceDays * DAY_MS;
    const expected = !isOver && atMs < paidThroughMs + graceMs;
    return hasAccess === expected
      ? []
      : [`at ${atMs} access is ${hasAccess}, paid through ${paidThroughMs}`];
  });
}
