/** The store of billing that tests on Node use keeps the same rules as the database. */
import { describe } from 'vitest';
import { describeBillingStore } from '../support/billing-store.case.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryBillingStore } from '../support/memory-billing-store.ts';

describe('billing in memory', () => {
  const store = new MemoryBillingStore({ region: 'global', clock: new FakeClock() });
  describeBillingStore({
    store,
    trail: (subscriptionId) => Promise.resolve(store.trail(subscriptionId)),
    noticesOf: (userId) =>
      Promise.resolve(store.notices.filter((notice) => notice.userId === userId)),
  });
});
