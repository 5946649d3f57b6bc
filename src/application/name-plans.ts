/** Tells which plans would open a service, when a hold is refused for want of one. */
import type { KeyedReply } from '../contracts/calls.ts';
import { errorText } from '../domain/assert.ts';
import { listOf } from '../domain/membership/features.ts';
import type { Json } from '../domain/result.ts';
import type { PlanRecord, PlanStore } from './billing-ports.ts';
import type { Logger } from './ports.ts';

/** Adds `plans: [{id, name}]` to a `subscription_required`; every other reply passes through. */
export async function namePlans<T>(
  { plans, log }: { plans: Pick<PlanStore, 'published'>; log: Logger },
  reply: KeyedReply<T>,
): Promise<KeyedReply<T>> {
  if (reply.ok || reply.refusal.code !== 'subscription_required') return reply;
  const { planIds = null, category = null, ...extra } = reply.refusal.extra ?? {};
  const onSale = await plans.published().catch((error: unknown) => {
    // The refusal stands without the names; a catalogue that is down must not turn a no into a fault.
    log.warn('plans.unnamed', { reason: errorText(error) });
    return [];
  });
  const list = onSale
    .filter((plan) => wouldDo(plan, { planIds, category }))
    .map(({ id, terms }) => ({ id, name: terms.name }));
  return { ...reply, refusal: { ...reply.refusal, extra: { ...extra, plans: list } } };
}

/** A service that names plans wants one of them; any other, a plan that opens members' services of its category. */
function wouldDo({ id, terms }: PlanRecord, wanted: { planIds: Json; category: Json }): boolean {
  if (Array.isArray(wanted.planIds) && wanted.planIds.length > 0)
    return wanted.planIds.includes(id);
  const categories = listOf(terms.entitlements, 'categories');
  const isOpen =
    categories === null ||
    (typeof wanted.category === 'string' && categories.includes(wanted.category));
  return terms.entitlements['access.members'] === true && isOpen;
}
