/**
 * Tells members' objects what became of their grants: before an answer that gave quota back, and again from the queue
 * until each of them has acknowledged it. Decides nothing; settling twice changes nothing.
 */
import type { InventoryShardRpc } from '../contracts/durable-rpc.ts';
import type { GrantOutcome, QuotaNotice } from '../contracts/membership-rpc.ts';
import { errorText } from '../domain/assert.ts';
import { providerOfPromotion } from '../domain/promotion/coupon.ts';
import type { Logger, ObjectDirectory } from './ports.ts';

/** Notices of one message; what is left follows with the shard's next one. */
const NOTICES_PER_MESSAGE = 200;

/** Whom to tell, and where to say that somebody could not be told. */
export interface TellPorts {
  readonly objects: Pick<ObjectDirectory, 'member' | 'promotion'>;
  readonly log: Logger;
}

/** One member's or promotion's outcomes: told, or left to the outbox and to its own alarm. Never throws. */
export async function tellMember(
  { objects, log }: TellPorts,
  memberId: string,
  outcomes: readonly GrantOutcome[],
): Promise<boolean> {
  try {
    const isPromotion = providerOfPromotion(memberId) !== null;
    const giver = isPromotion ? objects.promotion(memberId) : objects.member(memberId);
    await giver.settle(outcomes);
    return true;
  } catch (error) {
    log.warn('quota.member_not_told', { userId: memberId, reason: errorText(error) });
    return false;
  }
}

/** Tells every member that notices name; gives those that were told. */
export async function tellMembers(
  ports: TellPorts,
  notices: readonly QuotaNotice[],
): Promise<QuotaNotice[]> {
  const byMember = Map.groupBy(notices, ({ memberId }) => memberId);
  const told = await Promise.all(
    [...byMember].map(async ([memberId, theirs]) => {
      const outcomes = theirs.map(({ outcome }) => outcome);
      return (await tellMember(ports, memberId, outcomes)) ? theirs : [];
    }),
  );
  return told.flat();
}

/**
 * Works off a shard's outbox of notices, the oldest first; forgets only what was acknowledged.
 * Errors: some member could not be told, so that the message comes again.
 */
export async function advanceQuota(
  ports: TellPorts & {
    readonly shard: Pick<InventoryShardRpc, 'readQuotaNotices' | 'forgetQuotaNotices'>;
  },
): Promise<void> {
  const notices = await ports.shard.readQuotaNotices(NOTICES_PER_MESSAGE);
  const told = await tellMembers(ports, notices);
  if (told.length > 0) await ports.shard.forgetQuotaNotices(told.map(({ seq }) => seq));
  if (told.length < notices.length)
    throw new Error(`${notices.length - told.length} notices of quota were not acknowledged`);
}
