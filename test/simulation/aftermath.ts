/** What happens at a processor once it has money, and nobody asks us: more is pushed, some is given back, a payer objects. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import type { Chance } from '../support/fake-clock.ts';
import type { FakeProcessor } from '../support/fake-processor.ts';

/** The waits of a healing, long enough for the longest pause between two looks. */
export const HEALING_MS: readonly number[] = [
  ...Array.from({ length: 5 }, () => 3 * MINUTE_MS),
  ...Array.from({ length: 4 }, () => 70 * MINUTE_MS),
  // Until nobody can approve anything any more.
  3 * DAY_MS + HOUR_MS,
  2 * MINUTE_MS,
  2 * HOUR_MS,
];

/** How a dispute goes on that is not decided. */
const NEXT = { inquiry: 'open', open: 'under_review', under_review: 'lost' } as const;

/** One such thing. Only what the processor still has is given back by hand, as there. */
export function actLater(chance: Chance, processor: FakeProcessor, ref: string): void {
  const { capturedMinor, refundedMinor, refunds, disputes } = processor.objectOf(ref);
  const asked = refunds
    .filter(({ status }) => status === 'pending')
    .reduce((total, { amountMinor }) => total + amountMinor, refundedMinor);
  if (chance.happens(0.3)) return processor.payerPushes(ref, chance.pick([200, 2_500]));
  if (capturedMinor === 0) return;
  if (chance.happens(0.4)) {
    if (capturedMinor - asked >= 150) processor.refundByHand(ref, 150);
    return;
  }
  const stands = disputes[0]?.status ?? null;
  if (stands === null) processor.dispute(ref, chance.pick(['inquiry', 'open']));
  else if (stands !== 'won' && stands !== 'lost')
    processor.dispute(ref, chance.happens(0.3) ? 'won' : NEXT[stands]);
}

/** What is under way there comes to its end. */
export function settleThere(chance: Chance, processor: FakeProcessor): void {
  processor.deliverLate();
  for (const { ref, disputes } of processor.objects.values()) {
    processor.finishPending(ref);
    const isOpen = disputes.some(({ status }) => status !== 'won' && status !== 'lost');
    if (isOpen) processor.dispute(ref, chance.pick(['won', 'lost']));
  }
}
