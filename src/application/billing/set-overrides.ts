/** `PUT /v1/ops/subscriptions/{id}/overrides`: values of one subscription's own, over those of its plan. */
import type { Caller } from '../../contracts/calls.ts';
import type { Result } from '../../domain/result.ts';
import type { Features } from '../../domain/subscription/plan.ts';
import type { BillingDeps } from './billing-deps.ts';
import { changeSubscription } from './change-subscription.ts';
import type { SubscriptionStanding } from './read-subscription.ts';

/** Replaces the overrides and removals; the member's object has them before this answers. Refusals: not_found. */
export function setOverrides(
  deps: BillingDeps,
  asked: {
    caller: Caller;
    subscriptionId: string;
    overrides: Features;
    removals: readonly string[];
  },
): Promise<Result<SubscriptionStanding>> {
  return changeSubscription(deps, {
    ...asked,
    decide: (draft) => {
      const { id, state } = draft.subscription;
      draft.patch({ overrides: asked.overrides, removals: asked.removals });
      draft.record({
        entityId: id,
        type: 'subscription.overridden',
        from: state,
        to: state,
        metadata: { overrides: asked.overrides, removals: asked.removals },
      });
      return null;
    },
  });
}
