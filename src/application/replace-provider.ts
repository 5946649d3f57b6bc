/**
 * Giving a shard the card of its provider anew: another name, other people. Who gave whom a right to what is sold here is on
 * the record. Synchronous, inside the shard's transaction; a repeat changes and records nothing.
 */
import type { Reply } from '../contracts/calls.ts';
import type { ProvisionCommand } from '../contracts/shard-catalogue.ts';
import { ok, refuse } from '../domain/result.ts';
import { actorOf } from './read-booking.ts';
import type { ShardState } from './shard-state.ts';

/** Refusals: `overloaded` where the shard is another provider's, should two keys ever be the same. */
export function replaceProvider(shard: ShardState, command: ProvisionCommand): Reply<null> {
  const { provider: after, caller } = command;
  const before = shard.provider;
  if (before.providerId !== after.providerId) {
    return refuse('overloaded', 'The shard key is taken; try again for another.', {
      retryAfterSeconds: 1,
    });
  }
  const added = after.owners.filter((id) => !before.owners.includes(id));
  const removed = before.owners.filter((id) => !after.owners.includes(id));
  if (added.length + removed.length > 0) {
    shard.record({
      entityId: after.providerId,
      parentId: null,
      type: 'provider.people_changed',
      from: null,
      to: 'changed',
      actor: caller === undefined ? 'system:provisioning' : actorOf(shard, caller),
      metadata: { added, removed },
    });
  }
  shard.provider = after;
  shard.store.saveProvider(command.shardKey, after);
  return ok(null);
}
