/** What payers do at the processors in memory while their payments are under way. */
import type { Chance } from '../support/fake-clock.ts';
import type { FakeProcessor } from '../support/fake-processor.ts';

/** What payers do where. */
export interface PayersHands {
  readonly chance: Chance;
  readonly processor: FakeProcessor;
  readonly ref: string;
  readonly seen: Set<string>;
}

/** One payer does one thing about one payment. */
export function payerActs({ chance, processor, ref, seen }: PayersHands): void {
  const act = chance.pick([
    () => processor.payerApproves(ref),
    () => processor.payerApproves(ref),
    () => processor.payerApproves(ref),
    () => processor.payerApproves(ref, chance.happens(0.3) ? 999 : null),
    () => processor.payerFails(ref),
    () => processor.finishPending(ref),
    () => processor.finishPending(ref),
    () => {
      if (chance.happens(0.3)) processor.expire(ref);
    },
    () => {
      if (processor.deliverLate() > 0) seen.add('a lost call arrived late');
    },
  ]);
  act();
}
