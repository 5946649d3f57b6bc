/**
 * Writes a draft, and has the member's object know what it changes before anybody is answered. Called by every use case
 * of this folder that changes a subscription.
 */
import type { BillingAccount, BillingStore } from '../billing-ports.ts';
import type { BillingDeps } from './billing-deps.ts';
import type { BillingDraft } from './billing-draft.ts';
import { numberEntitlements, pushEntitlements } from './push-entitlements.ts';

/** What stands then; null when somebody else wrote first, and nothing was written. */
export async function saveDraft(
  deps: Pick<BillingDeps, 'objects' | 'plans' | 'billing'>,
  store: Pick<BillingStore, 'save'>,
  { account, draft }: { account: BillingAccount; draft: BillingDraft },
): Promise<BillingAccount | null> {
  numberEntitlements(account.subscription, draft);
  const change = draft.toChange();
  if ((await store.save(change)) === 'conflict') return null;
  const { subscription } = change;
  if (subscription.entitlementVersion !== account.subscription.entitlementVersion)
    await pushEntitlements(deps, subscription);
  return { ...draft.standing(account.customers), subscription };
}
