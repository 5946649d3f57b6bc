/** The plans that a fresh instance sells, as operators write them. The product never names one, which a test makes sure of. */

/** Members' services, and nothing that is counted: whoever tries the demo should not run out of it. */
export const DEMO_PLAN = {
  code: 'member-monthly',
  name: 'Member',
  price: { amount: 1900, currency: 'usd' },
  interval: { unit: 'month', count: 1 },
  entitlements: { 'access.members': true },
} as const;

export const DEMO_PLANS: readonly { readonly code: string }[] = [DEMO_PLAN];
