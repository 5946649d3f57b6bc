/** What a processor in the simulation does to its callers: calls that go wrong, and events that come or are lost. */
import type { Chance } from '../support/fake-clock.ts';
import type { FakeProcessor } from '../support/fake-processor.ts';
import type { NodeShop } from '../support/node-shop.ts';
import type { Mix } from './mix.ts';

/** An event on its way to us. */
export interface ProcessorEvent {
  readonly processor: FakeProcessor;
  readonly rawBody: string;
}

/** Lets a processor fail as the mix says, and hands its events over; some get lost. */
export function listenTo(ears: {
  processor: FakeProcessor;
  chance: Chance;
  mix: Mix;
  shop: NodeShop;
  send: (event: ProcessorEvent) => void;
}): void {
  const { processor, chance, mix, shop } = ears;
  processor.faultFor = () =>
    mix.kinds.length > 0 && chance.happens(mix.faults) ? chance.pick(mix.kinds) : null;
  let events = 0;
  processor.changed = ({ ref, disputes, refunds }) => {
    events += 1;
    const rawBody = JSON.stringify({ id: `${processor.processor}_event_${events}`, ref });
    // Nothing else than their events would ever tell of what was done there by others.
    const isTheirs = disputes.length > 0 || refunds.some(({ refundId }) => refundId === null);
    if (!isTheirs && !isPaid(shop, ref) && chance.happens(0.1)) return;
    ears.send({ processor, rawBody });
  };
}

/** A payment that is settled here is not looked at again without a reason. */
function isPaid(shop: NodeShop, ref: string): boolean {
  const where = "SELECT 1 FROM payment WHERE ref = ? AND state IN ('captured', 'refunded')";
  return shop.shard.sql.rows(where, ref).length > 0;
}
