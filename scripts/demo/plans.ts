/** The plans that a fresh instance sells, as operators write them. The product never names one, which a test makes sure of. */

/** Members' services, at most four live holds, three weeks ahead. */
export const DEMO_PLAN = {
  code: 'member-monthly',
  name: 'Member',
  price: { amount: 1900, currency: 'usd' },
  interval: { unit: 'month', count: 1 },
  entitlements: { 'access.members': true, 'holds.concurrent': 4, 'window.days': 21 },
} as const;

export const DEMO_PLANS: readonly { readonly code: string }[] = [DEMO_PLAN];
