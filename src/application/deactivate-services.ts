/**
 * Takes the services of a venue or provider off sale, one by one in their shards, so that no new hold is placed.
 * Repeating it after a crash goes on where it stopped; what is sold keeps its snapshot.
 */
import type { Caller } from '../contracts/calls.ts';
import type { ServiceCard } from '../domain/inventory/cards.ts';
import type { Result } from '../domain/result.ts';
import type { CatalogueDeps } from './catalogue-deps.ts';
import type { CardStore } from './catalogue-ports.ts';

/** Services handled between two writes of D1. */
const PAGE_LENGTH = 50;

/** Deactivates every active service of the owner; the first refusal of a shard ends it. */
export async function deactivateServices(
  deps: Pick<CatalogueDeps, 'ids' | 'objects' | 'clock'>,
  cards: CardStore,
  request: {
    readonly caller: Caller;
    readonly owner: { readonly providerId: string } | { readonly venueId: string };
  },
): Promise<Result<null>> {
  for (let afterId = ''; ;) {
    const ids = await cards.activeServiceIds(request.owner, { afterId, limit: PAGE_LENGTH });
    const last = ids.at(-1);
    if (last === undefined) return { ok: true, value: null };
    const changed: ServiceCard[] = [];
    for (const id of ids) {
      const reply = await deactivateOne(deps, request.caller, id);
      if (!reply.ok) return reply;
      changed.push(reply.value);
    }
    await cards.putServices(changed, deps.clock.nowMs());
    afterId = last;
  }
}

async function deactivateOne(
  deps: Pick<CatalogueDeps, 'ids' | 'objects'>,
  caller: Caller,
  id: string,
): Promise<Result<ServiceCard>> {
  // An id that this deployment's key did not make cannot be in the catalogue; opening it names the shard.
  const shardKey = deps.ids.open('svc', id)?.locator ?? '';
  return deps.objects.shard(shardKey).patchService({ caller, id, patch: { active: false } });
}
