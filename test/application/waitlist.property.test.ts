/**
 * Whatever is held, booked, moved, cancelled, released, blocked, waited for, offered, declined, left to lapse or lost to a crash:
 * at no moment is more sold, held, offered and blocked than there is; nobody is offered what a stranger can have, no
 * offer stands without its claim, and memory is what storage says.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LIVE_HOLD_STATES } from '../../src/domain/hold/hold-machine.ts';
import type { Claim } from '../../src/domain/inventory/claim.ts';
import { HOUR_MS, MINUTE_MS, overlaps } from '../../src/domain/time.ts';
import { OWNER } from '../support/node-shard.ts';
import { customer, NodeShop, TOMORROW_MS } from '../support/node-shop.ts';

const PEOPLE = ['usr_ann', 'usr_bob', 'usr_cyd', 'usr_dan'] as const;
const FREE = { amount: 0, currency: 'usd' };
/** A court, a pool and a row of seats: what one claim frees may be what another slot waits for. */
const CAPACITY = { res_court: 1, res_pool: 3, res_hall: 3 } as const;

const act = fc.record({
  kind: fc.constantFrom(
    'hold',
    'hold',
    'book',
    'join',
    'join',
    'leave',
    'release',
    'cancel',
    'move',
    'move',
    'pass',
    'block',
    'unblock',
    'crash',
  ),
  who: fc.nat({ max: PEOPLE.length - 1 }),
  slot: fc.nat({ max: 6 }),
  quantity: fc.integer({ min: 1, max: 2 }),
  pick: fc.nat(),
  minutes: fc.constantFrom(1, 5, 15, 60, 600),
});

type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

class World {
  readonly shop: NodeShop;
  readonly #holds: { id: string; by: string }[] = [];
  readonly #bookings: { id: string; by: string }[] = [];
  readonly #entries: string[] = [];

  private constructor(shop: NodeShop) {
    this.shop = shop;
  }

  static async open(): Promise<World> {
    const common = { price: FREE, maxQuantity: 2, holdTtlSeconds: 600 };
    const shop = await NodeShop.open({
      resources: [
        { id: 'res_court' },
        { id: 'res_pool', capacity: 3 },
        { id: 'res_hall', capacity: 3, units: ['A1', 'A2', 'A3'] },
      ],
      services: [
        { ...common, id: 'svc_court', resourceIds: ['res_court'], bufferAfterMinutes: 10 },
        { ...common, id: 'svc_swim', resourceIds: ['res_pool'] },
        { ...common, id: 'svc_show', resourceIds: ['res_hall'] },
        {
          ...common,
          id: 'svc_camp',
          resourceIds: ['res_court', 'res_pool'],
          allocation: 'all',
        },
      ],
      slots: [
        { at: 0, serviceId: 'svc_court' },
        { at: 30, serviceId: 'svc_court' },
        { at: 0, serviceId: 'svc_swim' },
        { at: 20, serviceId: 'svc_swim', capacity: 2 },
        { at: 0, serviceId: 'svc_show' },
        { at: 0, minutes: 90, serviceId: 'svc_camp' },
        { at: 40, serviceId: 'svc_show', minutes: 30 },
      ],
    });
    return new World(shop);
  }

  async take(one: Act): Promise<void> {
    const { shop } = this;
    const by = PEOPLE[one.who] ?? 'usr_ann';
    const slotId = shop.slot(one.slot);
    const over = { startAtMs: TOMORROW_MS, endAtMs: TOMORROW_MS + HOUR_MS };
    const where = { caller: OWNER, call: null, resourceId: this.#resource(one), over };
    switch (one.kind) {
      case 'hold': {
        const held = await shop.hold([slotId], { by, quantity: one.quantity });
        if (held.ok) this.#holds.push({ id: held.value.id, by });
        return;
      }
      case 'book': {
        const hold = pick(this.#holds, one.pick);
        const target = hold?.id ?? [slotId];
        const booked = await shop.book(target, null, { by: hold?.by ?? by });
        if (booked.ok) this.#bookings.push({ id: booked.value.id, by: hold?.by ?? by });
        return;
      }
      case 'join': {
        const { quantity } = one;
        const command = { caller: customer(by), call: null, slotId, quantity, fareId: null };
        const joined = await shop.shard.joinWaitlist(command);
        if (joined.ok) this.#entries.push(joined.value.id);
        return;
      }
      case 'leave':
        await shop.shard.leaveWaitlist(OWNER, pick(this.#entries, one.pick) ?? '');
        return;
      case 'release': {
        const hold = pick(this.#holds, one.pick);
        if (hold !== undefined) await shop.giveUp(hold.id, hold.by);
        return;
      }
      case 'cancel': {
        const booking = pick(this.#bookings, one.pick);
        if (booking !== undefined) await shop.cancel(booking.id, { by: customer(booking.by) });
        return;
      }
      case 'move': {
        const booking = pick(this.#bookings, one.pick);
        if (booking === undefined) return;
        const wish = { by: customer(booking.by) };
        await shop.reschedule(booking.id, [slotId], wish);
        return;
      }
      case 'pass':
        return shop.pass(one.minutes * MINUTE_MS);
      case 'block':
        await shop.shard.blockResource({
          ...where,
          reason: 'floor',
          cancelsBookings: one.quantity === 2,
        });
        return;
      case 'unblock':
        await shop.shard.unblockResource(where);
        return;
      case 'crash':
        shop.shard.crash();
    }
  }

  check(): void {
    const { store, state } = this.shop.shard;
    const live = [...store.liveClaims()];
    for (const [resourceId, capacity] of Object.entries(CAPACITY)) {
      const claims = live
        .map(({ claim }) => claim)
        .filter((claim) => claim.resourceId === resourceId);
      expect(peak(claims)).toBeLessThanOrEqual(capacity);
      const units = claims.map(({ unit }) => unit);
      for (const unit of new Set(units.filter((name) => name !== null)))
        expect(peak(claims.filter((claim) => claim.unit === unit))).toBeLessThanOrEqual(1);
    }
    this.#checkOffers();
    this.#checkOrder();
    const again = this.shop.shard.load();
    for (const slotId of this.shop.slotIds) {
      const [slot, nowMs] = [state.inventory.slot(slotId), state.nowMs];
      if (slot === null) throw new Error('a slot is gone');
      expect(again.inventory.availability(slot, nowMs)).toEqual(
        state.inventory.availability(slot, nowMs),
      );
      expect(again.waitlist.line(slotId)).toEqual(state.waitlist.line(slotId));
    }
  }

  /** An offer and its hold are there together or not at all, and the hold has its claims. */
  #checkOffers(): void {
    const { store, state } = this.shop.shard;
    const offered = this.shop.slotIds
      .flatMap((slotId) => state.waitlist.line(slotId))
      .filter((entry) => entry.state === 'offered');
    for (const { holdId, customerId, quantity } of offered) {
      const hold = store.hold(holdId ?? '');
      expect(hold).toMatchObject({ state: 'active', callerId: customerId, quantity });
      expect(store.claimsOf(holdId ?? '').length).toBeGreaterThan(0);
    }
    const reserving = [...store.liveHolds()].filter(
      ({ entryId, state: holdState }) => entryId !== null && LIVE_HOLD_STATES.has(holdState),
    );
    expect(new Set(reserving.map(({ id }) => id))).toEqual(
      new Set(offered.map(({ holdId }) => holdId)),
    );
  }

  /** Whoever waits could not have what they wait for: what is free for them was offered to them. */
  #checkOrder(): void {
    const { state } = this.shop.shard;
    for (const slotId of this.shop.slotIds) {
      const slot = state.inventory.slot(slotId);
      const service = slot === null ? null : state.inventory.service(slot.serviceId);
      if (slot === null || service === null || slot.startAtMs - 15 * MINUTE_MS < state.nowMs)
        continue;
      for (const { quantity, state: status } of state.waitlist.line(slotId)) {
        if (status !== 'waiting') continue;
        const wish = { quantity, units: null, fareId: null };
        expect(state.inventory.canClaim({ slot, service }, wish)).toBe(false);
      }
    }
  }

  #resource({ pick: index }: Act): string {
    const ids = Object.keys(CAPACITY);
    return ids[index % ids.length] ?? 'res_court';
  }
}

function peak(claims: readonly Claim[]): number {
  const at = (instant: number): number =>
    claims
      .filter(({ span }) => overlaps(span, { startAtMs: instant, endAtMs: instant + 1 }))
      .reduce((total, { quantity }) => total + quantity, 0);
  return Math.max(0, ...claims.map(({ span }) => at(span.startAtMs)));
}

function pick<T>(list: readonly T[], index: number): T | undefined {
  return list.length === 0 ? undefined : list[index % list.length];
}

test('whatever people, sellers and time do, no more is sold, held and offered than there is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 40 }), async (acts) => {
      const world = await World.open();
      for (const one of acts) {
        await world.take(one);
        world.check();
      }
    }),
    { numRuns: 40 },
  );
}, 60_000);
