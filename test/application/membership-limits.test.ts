/**
 * However calls, repeats, lost and late words, crashes and unreachable shards follow each other: what holds and bookings
 * really take never exceeds what the plan allows, and once everything was told exactly that is counted.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { GrantOutcome } from '../../src/contracts/membership-rpc.ts';
import { DAY_MS, MembershipWorld, PERIOD_MS } from './membership-world.ts';

const FEATURES = {
  'bookings.perPeriod': 6,
  'minutes.perPeriod': 500,
  'holds.concurrent': 3,
  'bookings.included': 4,
  'guestPasses.perPeriod': 5,
  'overage.price': 700,
};

const SHARDS = ['g00000001', 'g00000002', 'g00000003'];

const shard = fc.constantFrom(...SHARDS);
const call = fc.record({
  grantId: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  shardKey: shard,
  slots: fc.integer({ min: 1, max: 3 }),
  guests: fc.integer({ min: 0, max: 2 }),
  /** What becomes of it at the shard, and how long it is on its way. */
  fate: fc.constantFrom('held', 'held', 'held', 'refused', 'lost'),
  delayMs: fc.constantFrom(0, 0, 0, 3_000, 9_999, 10_000, 14_000),
});
const pick = fc.integer({ min: 0, max: 50 });
const move = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('call' as const), call }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('crowd' as const),
      calls: fc.array(call, { minLength: 2, maxLength: 8 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom('end' as const, 'keep' as const, 'tell' as const, 'tellOld' as const),
      pick,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(500, 5_000, 15_000, 16 * 60_000, 4 * DAY_MS, 20 * DAY_MS),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('down' as const), shard }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('look' as const, 'crash' as const, 'up' as const),
    }),
  },
);

type Move = typeof move extends fc.Arbitrary<infer T> ? T : never;
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

class Run {
  readonly world = new MembershipWorld();
  readonly #told: GrantOutcome[] = [];

  constructor() {
    this.world.subscribe(FEATURES);
  }

  async make(step: Move): Promise<void> {
    const { world } = this;
    switch (step.kind) {
      case 'call':
        return this.#call(step.call);
      case 'crowd':
        await Promise.all(step.calls.map((one) => this.#call({ ...one, delayMs: 0 })));
        return;
      case 'end':
      case 'keep': {
        const grant = this.#pick(step.pick);
        if (grant === null || grant.state === 'returned') return;
        this.#told.push(world.outcome(grant.id));
        grant.state = step.kind === 'keep' ? 'kept' : 'returned';
        return;
      }
      case 'tell': {
        const grant = this.#pick(step.pick);
        if (grant !== null) world.desk.settle([world.outcome(grant.id)]);
        return;
      }
      case 'tellOld': {
        const outcome = this.#told[step.pick % Math.max(1, this.#told.length)];
        if (outcome !== undefined) world.desk.settle([outcome]);
        return;
      }
      case 'wait':
        world.clock.advance(step.ms);
        return this.#renew();
      case 'down':
        world.isDown.add(step.shard);
        return;
      case 'up':
        world.isDown.clear();
        return;
      case 'look':
        return world.desk.look();
      case 'crash':
        return world.crash();
    }
  }

  /** Nothing is lost any more: shards answer, the outbox delivers, the alarm rings. */
  async heal(): Promise<void> {
    const { world } = this;
    world.isDown.clear();
    const ended = [...world.taken.values()].filter(({ state }) => state !== 'held');
    world.desk.settle(ended.map(({ id }) => world.outcome(id)));
    world.clock.advance(16 * 60_000);
    await world.desk.look();
  }

  counted(): Record<string, number> {
    const [membership] = this.world.desk.usage().memberships;
    return { ...membership?.used };
  }

  currentPeriodStartMs(): number {
    const { periodStartMs, clock } = this.world;
    return periodStartMs + Math.floor((clock.nowMs() - periodStartMs) / PERIOD_MS) * PERIOD_MS;
  }

  async #call({ fate, delayMs, ...ask }: Call): Promise<void> {
    const { world } = this;
    const { grant, refusal } = await world.admit(ask);
    world.clock.advance(delayMs);
    if (refusal !== null || grant === null || fate === 'lost') return;
    if (fate === 'held') world.place(ask, grant);
    else if (world.turnDown(ask)) {
      world.desk.settle([{ grantId: grant.id, state: 'returned', uses: null }]);
    }
  }

  /** Billing pushes the next period when it comes. */
  #renew(): void {
    const periodStartMs = this.currentPeriodStartMs();
    this.world.subscribe(FEATURES, {
      periodStartMs,
      periodEndMs: periodStartMs + PERIOD_MS,
      validUntilMs: periodStartMs + 2 * PERIOD_MS,
      version: periodStartMs,
    });
  }

  #pick(index: number) {
    const all = [...this.world.taken.values()];
    return all[index % Math.max(1, all.length)] ?? null;
  }
}

it('never lets a member take more than the plan allows, and counts in the end what was taken', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(move, { maxLength: 60, size: 'max' }), async (moves) => {
      const run = new Run();
      const periods = new Set<number>();
      for (const step of moves) {
        await run.make(step);
        periods.add(run.currentPeriodStartMs());
        for (const period of periods) expectWithinLimits(run.world.truth(period));
      }
      await run.heal();
      const { live, ...used } = run.world.truth(run.currentPeriodStartMs());
      expect(run.counted()).toEqual({
        'bookings.perPeriod': used.bookings,
        'minutes.perPeriod': used.minutes,
        'bookings.included': used.included,
        'guestPasses.perPeriod': used.guestPasses,
        'holds.concurrent': live,
      });
    }),
    { numRuns: 300 },
  );
});

function expectWithinLimits(truth: ReturnType<MembershipWorld['truth']>): void {
  expect(truth.bookings).toBeLessThanOrEqual(FEATURES['bookings.perPeriod']);
  expect(truth.minutes).toBeLessThanOrEqual(FEATURES['minutes.perPeriod']);
  expect(truth.included).toBeLessThanOrEqual(FEATURES['bookings.included']);
  expect(truth.guestPasses).toBeLessThanOrEqual(FEATURES['guestPasses.perPeriod']);
  expect(truth.live).toBeLessThanOrEqual(FEATURES['holds.concurrent']);
}
