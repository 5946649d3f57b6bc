/**
 * Payments by each processor through the adapters that ship, over real sockets, under the simulators' own fault script.
 * SIM_PAYMENTS sets how many each processor plays, SIM_SEED the first world.
 */
import { describe, expect, test } from 'vitest';
import { PROCESSORS, type Processor } from '../../src/domain/payment/processor-reply.ts';
import { checkEnd, checkNow, type Sums } from './wire-checks.ts';
import { settleThere, visit } from './wire-visits.ts';
import { WireWorld } from './wire-world.ts';

/** Visitors of one hall; each has its own shard, simulator and fault script. */
const VISITORS = 200;
/** Payments of a run that is asked what it reached. */
const FULL_PAYMENTS = 2_000;

const PAYMENTS = Number(process.env['SIM_PAYMENTS'] ?? 150);
const FIRST_SEED = Number(process.env['SIM_SEED'] ?? 1);

/** What a full run has to have met, with every processor and with one. */
const MET: readonly string[] = [
  'a call was resumed',
  'a booking was cancelled',
  'a caller died over refund',
  'a message of the queue was lost',
  'a refund was made by hand',
  'fault http_429',
  'fault http_500',
  'fault reset',
  'fault timeout_after',
  'fault timeout_before',
  'fault webhook_delay',
  'fault webhook_drop',
  'fault webhook_duplicate',
  'fault webhook_reorder',
  'the seller gave money back',
  'the sweep handled an event',
];
const MET_WITH: Record<Processor, readonly string[]> = {
  stripe: [
    'a caller died over capture',
    'a payer did authenticate',
    'a payer did fail',
    'a payment was declined',
  ],
  paypal: ['a caller died over capture', 'a payer objected', 'an order was approved'],
  btcpay: ['money was pushed', 'a refund was fetched', 'pushed money: fail'],
};

/** One world from its first visitor to its last cent. Gives the payments that exist at the processor. */
async function playOut(world: WireWorld): Promise<{ played: number; sums: Sums }> {
  await world.live(VISITORS, { visit, look: checkNow });
  await world.heal(settleThere);
  const sums = await checkEnd(world);
  await world.replayAll();
  const counted = 'SELECT count(*) AS played FROM payment WHERE ref IS NOT NULL';
  const [row] = world.shop.shard.sql.rows(counted);
  return { played: Number(row?.['played']), sums };
}

describe('payments over sockets, under the fault script', () => {
  test.for(PROCESSORS)(
    'end as the books of %s say, to the cent',
    { timeout: 1_800_000 },
    async (processor, { annotate }) => {
      const seen = new Set<string>();
      const total = { played: 0, captured: 0, refunded: 0, disputed: 0 };
      for (let seed = FIRST_SEED; total.played < PAYMENTS; seed++) {
        const world = await WireWorld.open(seed, processor);
        try {
          const { played, sums } = await playOut(world);
          total.played += played;
          total.captured += sums.captured;
          total.refunded += sums.refunded;
          total.disputed += sums.disputed;
          for (const path of world.seen.keys()) seen.add(path);
        } catch (cause) {
          const again = `SIM_SEED=${seed} npx vitest run test/simulation/money-over-sockets`;
          throw new Error(`${processor}, seed ${seed} failed; repeat it by: ${again}`, { cause });
        } finally {
          await world.close();
        }
      }
      await annotate(`${processor}: ${JSON.stringify(total)}`);
      if (total.played < FULL_PAYMENTS) return;
      expect([...MET, ...MET_WITH[processor]].filter((path) => !seen.has(path))).toEqual([]);
    },
  );
});
