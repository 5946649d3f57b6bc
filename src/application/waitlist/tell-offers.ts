/**
 * Tells customers of what they are offered, and the shard who was told. Decides nothing; telling twice changes nothing,
 * for an offer has an id of its own. Called for the queue's messages.
 */
import type { InventoryShardRpc } from '../../contracts/durable-rpc.ts';
import { formatInstant } from '../../contracts/http/views.ts';
import type { UntoldOffer } from '../../contracts/shard-waitlist.ts';

/** Offers of one message; what is left follows with the shard's next one. */
const OFFERS_PER_MESSAGE = 100;

/** An offer as it leaves the platform; repeated it has the same id. */
export interface OfferNotice {
  readonly id: string;
  readonly kind: 'waitlist_offer';
  readonly userId: string;
  readonly waitlistId: string;
  readonly slotId: string;
  readonly serviceName: string;
  readonly startAt: string;
  readonly quantity: number;
  readonly expiresAt: string;
}

/** Errors: some customer could not be told, so that the message comes again. */
export async function tellOffers(ports: {
  readonly shard: Pick<InventoryShardRpc, 'untoldOffers' | 'offersTold'>;
  /** Hands one on; null when it was taken, else why not. Never throws. */
  readonly tellCustomer: (notice: OfferNotice) => Promise<string | null>;
}): Promise<void> {
  const faults: string[] = [];
  const told: UntoldOffer[] = [];
  for (const offer of await ports.shard.untoldOffers(OFFERS_PER_MESSAGE)) {
    const fault = await ports.tellCustomer(noticeOf(offer));
    if (fault === null) told.push(offer);
    else faults.push(fault);
  }
  if (told.length > 0) await ports.shard.offersTold(told.map(({ offerId }) => offerId));
  if (faults.length > 0) throw new Error(`${faults.length} offers were not told: ${faults[0]}`);
}

function noticeOf(offer: UntoldOffer): OfferNotice {
  return {
    id: offer.offerId,
    kind: 'waitlist_offer',
    userId: offer.customerId,
    waitlistId: offer.waitlistId,
    slotId: offer.slotId,
    serviceName: offer.serviceName,
    startAt: formatInstant(offer.startAtMs),
    quantity: offer.quantity,
    expiresAt: formatInstant(offer.expiresAtMs),
  };
}
