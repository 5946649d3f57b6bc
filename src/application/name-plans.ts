/** Tells which plans would open a service, when a hold is refused for want of one. */
import type { KeyedReply } from '../contracts/durable-rpc.ts';
import type { PlanStore } from './billing-ports.ts';

/** Adds `plans: [{id, name}]` to a `subscription_required`; every other reply passes through. */
export async function namePlans<T>(
  plans: Pick<PlanStore, 'published' | 'namesOf'>,
  reply: KeyedReply<T>,
): Promise<KeyedReply<T>> {
  if (reply.ok || reply.refusal.code !== 'subscription_required') return reply;
  const { planIds, ...extra } = reply.refusal.extra ?? {};
  const wanted = Array.isArray(planIds) ? planIds.filter((id) => typeof id === 'string') : [];
  const named = wanted.length > 0 ? await plans.namesOf(wanted) : await plans.published();
  const list = named.map(({ id, name }) => ({ id, name }));
  return { ...reply, refusal: { ...reply.refusal, extra: { ...extra, plans: list } } };
}
