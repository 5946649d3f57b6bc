/**
 * The platform's share: operators set it for everybody, for a provider or for a venue; the nearest one counts. A rate is in
 * force for a service once its card in the shard has it, so that services follow in the same call as far as it gets, and
 * the run of payouts sees to the rest. What is booked keeps the rate that it was booked at.
 */
import type { Caller } from '../../contracts/calls.ts';
import { required } from '../../domain/assert.ts';
import { regionOf, type DataRegion } from '../../domain/ids.ts';
import type { CommissionTerms, ServiceCard } from '../../domain/inventory/cards.ts';
import { ok, type Result } from '../../domain/result.ts';
import { notFound } from '../catalogue-deps.ts';
import type { CatalogueStores } from '../catalogue-ports.ts';
import type { Clock, IdCodec, Logger, ObjectDirectory } from '../ports.ts';
import type {
  CommissionRates,
  CommissionScope,
  CommissionStore,
  PlatformRates,
  StaleService,
} from './commission-ports.ts';

/** Services handled between two writes of D1. */
const PAGE_LENGTH = 50;

/** Services that one call changes; the next run of payouts goes on. */
const CALL_MAX = 500;

const REGIONS: readonly DataRegion[] = ['global', 'eu'];

export interface CommissionDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly ids: IdCodec;
  readonly objects: Pick<ObjectDirectory, 'shard'>;
  /** The configured share, where no operator has set a global one. */
  readonly configuredBps: number;
  commissions(region: DataRegion): CommissionStore;
  catalogue(region: DataRegion): Pick<CatalogueStores, 'cards'>;
}

/** What a call to set rates changed. */
export interface CommissionChange {
  readonly scope: CommissionScope;
  readonly rates: CommissionRates;
  /** How many services follow already, and whether others are still to. */
  readonly services: { readonly changed: number; readonly isDone: boolean };
}

/** The shares of what is sold at a venue. Throws where there is no such venue. */
export async function commissionTermsOf(
  deps: Pick<CommissionDeps, 'ids' | 'commissions' | 'configuredBps'>,
  venueId: string,
): Promise<CommissionTerms> {
  const region = required(regionOfScope(deps, { scope: 'venue', id: venueId }), 'a genuine venue');
  const terms = await deps.commissions(region).termsOf(venueId, await platformRates(deps));
  return required(terms, 'a venue whose services are sold');
}

/** The shares of whoever has no rate of their own. */
async function platformRates(
  deps: Pick<CommissionDeps, 'commissions' | 'configuredBps'>,
): Promise<PlatformRates> {
  const rates = await deps.commissions('global').rates({ scope: 'global' });
  const anyBps = rates?.anyBps ?? deps.configuredBps;
  return { anyBps, guestBps: rates?.guestBps ?? anyBps, memberBps: rates?.memberBps ?? anyBps };
}

/** Sets the rates that are named; null takes one away, so that the next wider one counts. Refusals: `not_found`. */
export async function setCommissions(
  deps: CommissionDeps,
  caller: Caller,
  command: { readonly scope: CommissionScope; readonly rates: Partial<CommissionRates> },
): Promise<Result<CommissionChange>> {
  const { scope } = command;
  const region = regionOfScope(deps, scope);
  if (region === null) return notFound('provider or venue');
  const store = deps.commissions(region);
  const known = await store.rates(scope);
  const rates: CommissionRates = {
    ...(known ?? { anyBps: null, guestBps: null, memberBps: null }),
    ...command.rates,
  };
  const change = { actor: `operator:${caller.id}`, atMs: deps.clock.nowMs() };
  if (!(await store.save(scope, rates, change))) return notFound('provider or venue');
  const services = await applyCommissions(deps, caller, scope);
  return ok({ scope, rates, services });
}

/** Brings services to the rate that they should be sold at, as many as one call may. */
export async function applyCommissions(
  deps: CommissionDeps,
  caller: Caller,
  scope: CommissionScope,
): Promise<CommissionChange['services']> {
  const own = regionOfScope(deps, scope);
  const regions = scope.scope === 'global' || own === null ? REGIONS : [own];
  const platform = await platformRates(deps);
  let changed = 0;
  for (const region of regions) {
    const query = { scope, platform };
    changed += await rerateRegion(deps, caller, { region, query, limit: CALL_MAX - changed });
  }
  return { changed, isDone: changed < CALL_MAX };
}

async function rerateRegion(
  deps: CommissionDeps,
  caller: Caller,
  wanted: {
    readonly region: DataRegion;
    readonly query: { readonly scope: CommissionScope; readonly platform: PlatformRates };
    readonly limit: number;
  },
): Promise<number> {
  const store = deps.commissions(wanted.region);
  const { cards: copies } = deps.catalogue(wanted.region);
  let changed = 0;
  let afterId = '';
  while (changed < wanted.limit) {
    const limit = Math.min(PAGE_LENGTH, wanted.limit - changed);
    const stale = await store.staleServices({ ...wanted.query, afterId, limit });
    const last = stale.at(-1);
    if (last === undefined) break;
    const cards = await reratedCards(deps, caller, stale);
    await copies.putServices(cards, deps.clock.nowMs());
    changed += cards.length;
    afterId = last.serviceId;
  }
  return changed;
}

async function reratedCards(
  deps: CommissionDeps,
  caller: Caller,
  stale: readonly StaleService[],
): Promise<ServiceCard[]> {
  const cards: ServiceCard[] = [];
  for (const service of stale) {
    const card = await rerate(deps, caller, service);
    if (card !== null) cards.push(card);
  }
  return cards;
}

/** One that its shard refuses keeps its rate and never stops the others. */
async function rerate(
  deps: CommissionDeps,
  caller: Caller,
  { serviceId: id, ...patch }: StaleService,
): Promise<ServiceCard | null> {
  const shardKey = deps.ids.open('svc', id)?.locator;
  if (shardKey === undefined) return null;
  const reply = await deps.objects.shard(shardKey).patchService({ caller, id, patch });
  if (reply.ok) return reply.value;
  deps.log.warn('commissions.service_refused', { entityId: id, code: reply.refusal.code });
  return null;
}

/** Null for an id that is not genuine. */
function regionOfScope(
  { ids }: Pick<CommissionDeps, 'ids'>,
  scope: CommissionScope,
): DataRegion | null {
  if (scope.scope === 'global') return 'global';
  const parts = ids.open(scope.scope === 'venue' ? 'ven' : 'prv', scope.id);
  return parts === null ? null : regionOf(parts.locator);
}
