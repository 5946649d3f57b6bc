/** What every use case of availability shares: its dependencies, and the service of somebody who may manage it. */
import type { Caller, Reply } from '../../contracts/calls.ts';
import type { Calendars } from '../../domain/availability/rule.ts';
import { regionOf, regionOfId, type DataRegion } from '../../domain/ids.ts';
import type { ServiceCard } from '../../domain/inventory/cards.ts';
import { isManager, notFound, type CatalogueDeps } from '../catalogue-deps.ts';
import type { Logger } from '../ports.ts';
import type { RuleStore } from './rule-ports.ts';

export interface AvailabilityDeps extends Pick<
  CatalogueDeps,
  'clock' | 'ids' | 'objects' | 'catalogue'
> {
  readonly calendars: Calendars;
  readonly log: Logger;
  rules(region: DataRegion): RuleStore;
}

/** A service with the store that has its rules. */
export interface RuledService {
  readonly service: ServiceCard;
  readonly store: RuleStore;
}

/** A service, for whoever may manage it. Refusals: `not_found`, also for somebody else's. */
export async function managedService(
  deps: AvailabilityDeps,
  caller: Caller,
  id: string,
): Promise<Reply<RuledService>> {
  const parts = deps.ids.open('svc', id);
  if (parts === null) return notFound('service');
  const found = await deps.objects.shard(parts.locator).getService(id);
  if (!found.ok) return found;
  const { providers } = deps.catalogue(regionOf(parts.locator));
  if (!(await isManager(providers, caller, found.value.providerId))) return notFound('service');
  return { ok: true, value: { service: found.value, store: rulesOf(deps, id) } };
}

/** The store that has a rule, or the rules of a service, by a genuine id of either. */
export function rulesOf(deps: Pick<AvailabilityDeps, 'rules'>, id: string): RuleStore {
  return deps.rules(regionOfId(id));
}
