/**
 * Subscriptions' part of the reconciliation: which money at a processor belongs to a charge, what is put on the record of
 * money that belongs to none, and the pushes of entitlements that were not acknowledged.
 */
import { errorText } from '../../domain/assert.ts';
import { regionOfId, type DataRegion } from '../../domain/ids.ts';
import { FROZEN_DISPUTE_STATES } from '../../domain/payment/dispute-machine.ts';
import type { Charge } from '../../domain/subscription/subscription.ts';
import type { SubscriptionReference } from '../ports.ts';
import type { SubscriptionOrphan } from '../reconcile.ts';
import { advanceSubscription } from './advance-subscription.ts';
import { BillingDraft } from './billing-draft.ts';
import type { BillingDeps } from './billing-deps.ts';
import { isChargeOpen } from '../../domain/subscription/billing-step.ts';
import { pushEntitlements } from './push-entitlements.ts';
import { saveDraft } from './save-draft.ts';

/** Subscriptions read at once. */
const PAGE_LENGTH = 100;

/** Writers that may be first before an orphan's record is left to a person. */
const ATTEMPTS_MAX = 10;

/**
 * Whether what the processor holds is a charge's own. One whose money may have moved without us is looked at on the way,
 * because the notice of it may be lost: its money counts, or goes back.
 */
export async function recognizeCharge(
  deps: BillingDeps,
  { subscriptionId, chargeId, ref }: SubscriptionReference & { readonly ref: string },
): Promise<boolean> {
  if (deps.ids.open('chg', chargeId) === null) return false;
  const store = deps.billing(regionOfId(subscriptionId));
  const charge = await store.charge(chargeId);
  if (charge?.subscriptionId !== subscriptionId) return false;
  // What its opening made is not known yet; a charge that ended without ever learning of it has no use for it.
  const isOwn = charge.ref === null ? isChargeOpen(charge) : charge.ref === ref;
  if (isOwn && charge.state !== 'succeeded')
    await advanceSubscription(deps, { subscriptionId, chargeId, cause: 'reconciler', look: true });
  return isOwn;
}

/**
 * Looks at a charge of which a dispute is not known yet; true when it was not. A charge that is not ours, or not the
 * subscription's, is left alone.
 */
export async function learnOfDispute(
  deps: BillingDeps,
  { subscriptionId, chargeId, ref }: SubscriptionReference & { readonly ref: string },
): Promise<boolean> {
  if (deps.ids.open('chg', chargeId) === null) return false;
  const charge = await deps.billing(regionOfId(subscriptionId)).charge(chargeId);
  if (charge?.subscriptionId !== subscriptionId) return false;
  if (charge.disputes.some((known) => known.ref === ref)) return false;
  await advanceSubscription(deps, { subscriptionId, chargeId, cause: 'reconciler', look: true });
  return true;
}

/**
 * Looks at charges that wait for something no event may ever tell of: a payer who has agreed, a dispute that was decided.
 * A run by hand looks at all of them, any other at disputes whose time has come; what is under way has times of its own.
 */
export async function lookAtCharges(
  deps: BillingDeps,
  { byHand }: { readonly byHand: boolean },
): Promise<{ readonly lookedAt: number; readonly failed: number }> {
  const counters = { lookedAt: 0, failed: 0 };
  for (const region of ['global', 'eu'] as const) {
    if (byHand) {
      for await (const subscriptionId of underWay(deps, region))
        await lookAtOne(deps, { subscriptionId }, counters);
    }
    for await (const { id, subscriptionId, nextLookAtMs } of disputed(deps, region)) {
      const isDue = nextLookAtMs !== null && nextLookAtMs <= deps.clock.nowMs();
      if (byHand || isDue) await lookAtOne(deps, { subscriptionId, chargeId: id }, counters);
    }
  }
  return counters;
}

/** One that cannot be looked at must not keep the others waiting. */
async function lookAtOne(
  deps: BillingDeps,
  asked: { readonly subscriptionId: string; readonly chargeId?: string },
  counters: { lookedAt: number; failed: number },
): Promise<void> {
  counters.lookedAt += 1;
  try {
    await advanceSubscription(deps, { ...asked, cause: 'reconciler', look: true });
  } catch (error) {
    counters.failed += 1;
    const { subscriptionId } = asked;
    deps.log.error('reconcile.charge_failed', { subscriptionId, reason: errorText(error) });
  }
}

async function* underWay(
  deps: Pick<BillingDeps, 'billing'>,
  region: DataRegion,
): AsyncGenerator<string> {
  let afterId = '';
  for (;;) {
    const ids = await deps.billing(region).underWay({ afterId, limit: PAGE_LENGTH });
    yield* ids;
    const last = ids.at(-1);
    if (last === undefined || ids.length < PAGE_LENGTH) return;
    afterId = last;
  }
}

async function* disputed(
  deps: Pick<BillingDeps, 'billing'>,
  region: DataRegion,
): AsyncGenerator<Charge> {
  let after: { atMs: number; id: string } | null = null;
  for (;;) {
    const page: Charge[] = await deps.billing(region).reviews({ after, limit: PAGE_LENGTH });
    yield* page.filter(({ disputes }) =>
      disputes.some(({ state }) => FROZEN_DISPUTE_STATES.has(state)),
    );
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_LENGTH) return;
    after = { atMs: last.createdAtMs, id: last.id };
  }
}

/** Puts an orphan that was given back on the record of the subscription that it named. */
export async function recordOrphan(deps: BillingDeps, orphan: SubscriptionOrphan): Promise<void> {
  const { subscriptionId, chargeId, outcome, amountMinor } = orphan;
  const store = deps.billing(regionOfId(subscriptionId));
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const account = await store.load(subscriptionId);
    if (account === null) break;
    const cause = { actor: 'system:billing:reconciler', nowMs: deps.clock.nowMs() };
    const draft = new BillingDraft(deps, account, cause);
    draft.record({
      entityId: chargeId,
      type: `charge.orphan_${outcome}`,
      from: null,
      to: outcome,
      metadata: { processor: orphan.processor, processorId: orphan.ref, amount: amountMinor },
    });
    if ((await saveDraft(deps, store, { account, draft })) !== null) return;
  }
  deps.log.warn('reconcile.orphan_unrecorded', {
    entityId: subscriptionId,
    processor: orphan.processor,
    outcome,
  });
}

/** Pushes again what members' objects have not acknowledged; gives how many they then have. */
export async function repeatPushes(deps: BillingDeps): Promise<number> {
  let pushed = 0;
  for (const region of ['global', 'eu'] as const) {
    for await (const id of unpushed(deps, region)) {
      if (await pushOne(deps, region, id)) pushed += 1;
    }
  }
  return pushed;
}

/** One that cannot be pushed must not keep the others waiting. */
async function pushOne(deps: BillingDeps, region: DataRegion, id: string): Promise<boolean> {
  try {
    const account = await deps.billing(region).load(id);
    if (account === null) return false;
    await pushEntitlements(deps, account.subscription);
    return true;
  } catch (error) {
    deps.log.error('reconcile.push_failed', { entityId: id, reason: errorText(error) });
    return false;
  }
}

async function* unpushed(
  deps: Pick<BillingDeps, 'billing'>,
  region: DataRegion,
): AsyncGenerator<string> {
  let afterId = '';
  for (;;) {
    const ids = await deps.billing(region).unpushed(afterId, PAGE_LENGTH);
    yield* ids;
    const last = ids.at(-1);
    if (last === undefined || ids.length < PAGE_LENGTH) return;
    afterId = last;
  }
}
