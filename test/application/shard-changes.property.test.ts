/**
 * Whatever is held, booked, moved, reassigned, cancelled whole or in part and left to expire: no two live claims conflict (the
 * storage's guard is on), memory shows what storage has, and in the end everything that was taken has gone back once.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { standing } from '../../src/domain/booking/booked-items.ts';
import { MINUTE_MS } from '../../src/domain/time.ts';
import { METHODS } from '../support/fake-processor.ts';
import { OWNER } from '../support/node-shard.ts';
import { card, customer, NodeShop, ORDER } from '../support/node-shop.ts';

const PEOPLE = ['usr_ann', 'usr_bob'] as const;
const COURTS = ['res_court', 'res_other'] as const;
/** Half hours and hours, side by side and over one another, at prices that differ. */
const SLOTS = [
  { at: 0 },
  { at: 30, priceMinor: 4_000 },
  { at: 60 },
  { at: 120, priceMinor: 1_000 },
  { at: 120, resourceId: 'res_other', priceMinor: 3_000 },
  { at: 180, minutes: 30 },
];

const slots = fc.uniqueArray(fc.nat({ max: SLOTS.length - 1 }), { minLength: 1, maxLength: 3 });
const step = fc.record({
  kind: fc.constantFrom(
    ...([
      'hold',
      'book',
      'book',
      'move',
      'move',
      'move',
      'part',
      'whole',
      'reassign',
      'wait',
    ] as const),
  ),
  by: fc.nat({ max: 1 }),
  isSeller: fc.boolean(),
  which: fc.nat({ max: 5 }),
  court: fc.nat({ max: 1 }),
  slots,
  method: fc.constantFrom('pm_good', 'pm_good', METHODS.declines, METHODS.captureRefused, 'order'),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Run {
  readonly shop: NodeShop;
  readonly bookings: { id: string; by: string }[] = [];

  constructor(shop: NodeShop) {
    this.shop = shop;
  }

  async take(one: Step): Promise<void> {
    const { shop } = this;
    const by = PEOPLE[one.by] ?? 'usr_ann';
    const slotIds = one.slots.map((index) => shop.slot(index));
    const payment = one.method === 'order' ? ORDER : card(one.method);
    if (one.kind === 'hold') return void (await shop.hold(slotIds, { by }));
    if (one.kind === 'wait') return shop.pass(3 * MINUTE_MS);
    if (one.kind === 'book') {
      const reply = await shop.book(slotIds, payment, { by });
      if (reply.ok) this.bookings.push({ id: reply.value.id, by });
      return;
    }
    const booking = this.bookings[one.which % Math.max(this.bookings.length, 1)];
    if (booking !== undefined) await this.change(booking, one, { slotIds, payment });
  }

  private async change(
    { id, by }: { id: string; by: string },
    one: Step,
    wish: { slotIds: string[]; payment: ReturnType<typeof card> },
  ): Promise<void> {
    const { shop } = this;
    const caller = one.isSeller ? OWNER : customer(by);
    const own = standing(shop.bookingRow(id).items).map(({ slotId }) => slotId);
    if (one.kind === 'move') {
      const [first = '', ...others] = own;
      const target = wish.slotIds.find((slotId) => !own.includes(slotId)) ?? first;
      await shop.reschedule(id, [target, ...others], { by: caller, payment: wish.payment });
    } else if (one.kind === 'reassign') {
      await shop.act(id, { kind: 'reassign', resourceId: COURTS[one.court] ?? 'res_court' });
    } else {
      const slotIds = one.kind === 'part' ? own.slice(0, 1) : own;
      await shop.cancel(id, { by: caller, slotIds });
    }
  }

  /** What every slot shows, from memory. */
  async picture(): Promise<string> {
    const seen = this.shop.slotIds.map(async (id) => {
      const reply = await this.shop.shard.getSlot(id);
      return reply.ok ? [reply.value.status, reply.value.remaining] : null;
    });
    return JSON.stringify(await Promise.all(seen));
  }

  /** Each booking that stands has exactly the slots that it says, on the resources that it says. */
  checkClaims(): void {
    const { store } = this.shop.shard;
    for (const { id } of this.bookings) {
      const booking = this.shop.bookingRow(id);
      const isStanding = ['confirming', 'confirmed', 'in_progress'].includes(booking.state);
      const claimed = store
        .claimsOf(booking.holdId)
        .map(({ slotId, resourceId }) => `${slotId} ${resourceId}`);
      const agreed = standing(booking.items).map(
        ({ slotId, resourceIds }) => `${slotId} ${resourceIds[0] ?? ''}`,
      );
      if (isStanding) expect(claimed.toSorted()).toEqual(agreed.toSorted());
      const { lines, totalMinor } = booking.quote;
      expect(lines.reduce((sum, { amount }) => sum + amount, 0)).toBe(totalMinor);
      if (booking.state !== 'confirmed') continue;
      const left = this.shop
        .payments(id)
        .reduce((sum, one) => sum + one.capturedMinor - one.refundedMinor, 0);
      expect(left).toBe(totalMinor);
    }
  }
}

describe('changes of bookings', () => {
  test('never break capacity, agree with memory, and give back exactly what was taken, once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
        const shop = await NodeShop.open({
          resources: COURTS.map((id) => ({ id })),
          service: { resourceIds: [...COURTS], bufferBeforeMinutes: 10, bufferAfterMinutes: 10 },
          slots: SLOTS,
        });
        const run = new Run(shop);
        for (const one of steps) {
          await run.take(one);
          await shop.drain();
          run.checkClaims();
        }
        const before = await run.picture();
        shop.shard.crash();
        expect(await run.picture()).toBe(before);

        for (let i = 0; i < 8; i++) await shop.pass(2 * MINUTE_MS);
        for (const { id } of run.bookings) await shop.cancel(id, { by: OWNER });
        for (let i = 0; i < 3; i++) await shop.pass(2 * MINUTE_MS);
        expect(shop.shard.sql.rows('SELECT id FROM claim WHERE is_live = 1')).toEqual([]);
        expect(shop.shard.store.bookingsWithWork(null, 10)).toEqual([]);
        for (const processor of [shop.stripe, shop.paypal])
          for (const one of processor.objects.values())
            expect(one.refundedMinor).toBe(one.capturedMinor);
        const facts = await shop.facts();
        const share = facts.map(
          ({ kind, commissionMinor }) => (kind === 'captured' ? 1 : -1) * commissionMinor,
        );
        expect(share.reduce((sum, one) => sum + one, 0)).toBe(0);
      }),
      { numRuns: 80 },
    );
  });
});
