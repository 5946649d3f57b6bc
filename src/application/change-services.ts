/**
 * Changes the services of a venue or provider, one by one in their shards: takes them off sale, or gives them the tax of
 * their venue. Repeating it after a crash goes on where it stopped; what is sold keeps its snapshot.
 */
import type { Caller } from '../contracts/calls.ts';
import type { PatchServiceCommand } from '../contracts/shard-catalogue.ts';
import type { ServiceCard, TaxRule } from '../domain/inventory/cards.ts';
import type { Result } from '../domain/result.ts';
import type { CatalogueDeps } from './catalogue-deps.ts';
import type { CardStore } from './catalogue-ports.ts';

/** Services handled between two writes of D1. */
const PAGE_LENGTH = 50;

type Deps = Pick<CatalogueDeps, 'ids' | 'objects' | 'clock'>;

/** Deactivates every active service of the owner; the first refusal of a shard ends it. */
export function deactivateServices(
  deps: Deps,
  cards: CardStore,
  request: {
    readonly caller: Caller;
    readonly owner: { readonly providerId: string } | { readonly venueId: string };
  },
): Promise<Result<null>> {
  return changeServices(deps, cards, { ...request, isOnSale: true, patch: { active: false } });
}

/** Has every service of a venue sold with its tax from now on; the first refusal of a shard ends it. */
export function taxServices(
  deps: Deps,
  cards: CardStore,
  request: { readonly caller: Caller; readonly venueId: string; readonly tax: TaxRule | null },
): Promise<Result<null>> {
  const { caller, venueId, tax } = request;
  return changeServices(deps, cards, {
    caller,
    owner: { venueId },
    isOnSale: false,
    patch: { tax },
  });
}

async function changeServices(
  deps: Deps,
  cards: CardStore,
  request: {
    readonly caller: Caller;
    readonly owner: { readonly providerId: string } | { readonly venueId: string };
    readonly isOnSale: boolean;
    readonly patch: PatchServiceCommand['patch'];
  },
): Promise<Result<null>> {
  const { caller, owner, isOnSale, patch } = request;
  for (let afterId = ''; ;) {
    const ids = await cards.serviceIds(owner, { afterId, limit: PAGE_LENGTH, isOnSale });
    const last = ids.at(-1);
    if (last === undefined) return { ok: true, value: null };
    const changed: ServiceCard[] = [];
    for (const id of ids) {
      // An id that this deployment's key did not make cannot be in the catalogue; opening it names the shard.
      const shardKey = deps.ids.open('svc', id)?.locator ?? '';
      const reply = await deps.objects.shard(shardKey).patchService({ caller, id, patch });
      if (!reply.ok) return reply;
      changed.push(reply.value);
    }
    await cards.putServices(changed, deps.clock.nowMs());
    afterId = last;
  }
}
