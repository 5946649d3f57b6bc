/** The plans that a fresh instance sells. Data alone: the product never names a plan, which a test makes sure of. */

/** A plan as the seed writes it: version 1, on sale. */
export interface DemoPlan {
  readonly code: string;
  readonly name: string;
  readonly priceMinor: number;
  readonly currency: string;
  readonly intervalUnit: 'day' | 'week' | 'month' | 'year';
  readonly intervalCount: number;
  readonly entitlements: Readonly<Record<string, boolean | number>>;
}

/** Members' services, at most four live holds, three weeks ahead. */
export const MEMBER_PLAN: DemoPlan = {
  code: 'member-monthly',
  name: 'Member',
  priceMinor: 1900,
  currency: 'usd',
  intervalUnit: 'month',
  intervalCount: 1,
  entitlements: { 'access.members': true, 'holds.concurrent': 4, 'window.days': 21 },
};

export const DEMO_PLANS: readonly DemoPlan[] = [MEMBER_PLAN];
