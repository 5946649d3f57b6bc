/**
 * What of subscriptions' money a person has to look at: a refund that the processor refused for good, a payment that its
 * payer objected to. It stays on the list until an operator decides, or until what was decided over comes to an end.
 */
import type { Caller } from '../../contracts/calls.ts';
import { required } from '../../domain/assert.ts';
import { regionOf, regionOfId, type DataRegion } from '../../domain/ids.ts';
import { ok, refuse, type Refusal, type Result } from '../../domain/result.ts';
import type { Charge } from '../../domain/subscription/subscription.ts';
import { decodeCursor, mergePage, type Page } from '../page-cursor.ts';
import type { BillingDeps } from './billing-deps.ts';
import type { BillingDraft } from './billing-draft.ts';
import { changeSubscription } from './change-subscription.ts';
import { requestRefund } from './invoice-outcomes.ts';

const EVERY_REGION: readonly DataRegion[] = ['global', 'eu'];

/** What is to be decided about a charge, by whom, and for which recorded reason. */
export interface ReviewCommand {
  readonly caller: Caller;
  readonly chargeId: string;
  readonly reason: string;
}

/** Charges that wait for a person, oldest first. Refusals: `validation_failed`. */
export async function listReviews(
  deps: Pick<BillingDeps, 'billing'>,
  page: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<Result<Page<Charge>>> {
  const cursor = decodeCursor(page.cursor, ['number', 'string']);
  if (!cursor.ok) return cursor;
  const [atMs, id] = cursor.value ?? [];
  const after = atMs === undefined || id === undefined ? null : { atMs, id };
  const query = { after, limit: page.limit + 1 };
  const lists = await Promise.all(
    EVERY_REGION.map((region) => deps.billing(region).reviews(query)),
  );
  const value = mergePage(lists, {
    compare: (a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1),
    place: (charge) => [charge.createdAtMs, charge.id],
    limit: page.limit,
  });
  return ok(value);
}

/** Asks for a refund once more that was refused. Refusals: not_found, invalid_transition for what is no refused refund. */
export function retryRefund(deps: BillingDeps, command: ReviewCommand): Promise<Result<Charge>> {
  return decide(deps, command, async (draft, charge) => {
    if (charge.purpose !== 'refund' || charge.state !== 'failed')
      return { code: 'invalid_transition', detail: 'Only a refund that failed is tried again.' };
    const store = deps.billing(regionOfId(charge.id));
    const payment = required(
      await store.charge(required(charge.ofChargeId, 'a refund returns a payment')),
      'a refund returns a payment that is recorded',
    );
    requestRefund(draft, payment, charge.amountMinor);
    return null;
  });
}

/** Takes a charge off the list: it was seen to in another way. Refusals: not_found, invalid_transition. */
export function settleReview(deps: BillingDeps, command: ReviewCommand): Promise<Result<Charge>> {
  return decide(deps, command, () => null);
}

async function decide(
  deps: BillingDeps,
  { caller, chargeId, reason }: ReviewCommand,
  apply: (draft: BillingDraft, charge: Charge) => Promise<Refusal | null> | Refusal | null,
): Promise<Result<Charge>> {
  const isOperator = caller.roles.includes('operator');
  const parts = isOperator ? deps.ids.open('chg', chargeId) : null;
  const store = parts === null ? null : deps.billing(regionOf(parts.locator));
  const known = (await store?.charge(chargeId)) ?? null;
  if (store === null || known === null) return refuse('not_found', 'There is no such charge.');
  const { subscriptionId } = known;
  const changed = await changeSubscription(deps, {
    caller,
    subscriptionId,
    decide: async (draft) => {
      // Read after the subscription: whoever changes it meanwhile makes this write the later one.
      const charge = required(await store.charge(chargeId), 'a charge stays');
      if (charge.review === null)
        return { code: 'invalid_transition', detail: 'Nobody has to look at this charge.' };
      const refusal = await apply(draft, charge);
      if (refusal !== null) return refusal;
      draft.patchCharge(charge, { review: null });
      draft.record({
        entityId: chargeId,
        type: 'charge.reviewed',
        from: charge.state,
        to: charge.state,
        metadata: { review: charge.review, decision: reason },
      });
      return null;
    },
  });
  if (!changed.ok) return changed;
  return ok(required(await store.charge(chargeId), 'a charge stays'));
}
