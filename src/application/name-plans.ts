/** Tells which plans would open a service, when a hold is refused for want of one. */
import type { KeyedReply } from '../contracts/durable-rpc.ts';
import { errorText } from '../domain/assert.ts';
import type { PlanStore } from './billing-ports.ts';
import type { Logger } from './ports.ts';

/** Adds `plans: [{id, name}]` to a `subscription_required`; every other reply passes through. */
export async function namePlans<T>(
  { plans, log }: { plans: Pick<PlanStore, 'published' | 'namesOf'>; log: Logger },
  reply: KeyedReply<T>,
): Promise<KeyedReply<T>> {
  if (reply.ok || reply.refusal.code !== 'subscription_required') return reply;
  const { planIds, ...extra } = reply.refusal.extra ?? {};
  const wanted = Array.isArray(planIds) ? planIds.filter((id) => typeof id === 'string') : [];
  const named = await (wanted.length > 0 ? plans.namesOf(wanted) : plans.published()).catch(
    (error: unknown) => {
      // The refusal stands without the names; a catalogue that is down must not turn a no into a fault.
      log.warn('plans.unnamed', { reason: errorText(error) });
      return [];
    },
  );
  const list = named.map(({ id, name }) => ({ id, name }));
  return { ...reply, refusal: { ...reply.refusal, extra: { ...extra, plans: list } } };
}
