/**
 * Claims against a count made minute by minute: whatever is claimed, refused, committed, released and blocked, no
 * two live claims conflict, no capacity is exceeded, a refusal leaves no trace, and a release gives back what was taken.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { required } from '../../src/domain/assert.ts';
import type { Slot } from '../../src/domain/inventory/cards.ts';
import type { ClaimWish } from '../../src/domain/inventory/claim.ts';
import type { Inventory } from '../../src/domain/inventory/inventory.ts';
import { MINUTE_MS, overlaps } from '../../src/domain/time.ts';
import {
  Count,
  keptFree,
  makeSlot,
  RESOURCES,
  SERVICES,
  stock,
  type Block,
  type Live,
} from './inventory-model.ts';

const BEFORE_ALL = -1;

const SLOTS: readonly Slot[] = SERVICES.flatMap((service) => [
  ...[100, 130, 160, 190, 220, 300].map((from) => makeSlot(service, from, { minutes: 30 })),
  ...[100, 160, 200, 260].map((from) => makeSlot(service, from)),
  ...[130, 220].map((from) => makeSlot(service, from, { minutes: 30, capacity: 2 })),
  makeSlot(service, 110, { minutes: 50, resourceId: service.resourceIds[0] ?? null }),
]);

const step = fc.record({
  service: fc.integer({ min: 0, max: SERVICES.length - 1 }),
  slots: fc.uniqueArray(fc.nat({ max: 12 }), { minLength: 1, maxLength: 3 }),
  quantity: fc.integer({ min: 1, max: 2 }),
  units: fc.option(fc.subarray(['A', 'B', 'C'], { minLength: 1 }), { freq: 4 }),
  after: fc.constantFrom('keep', 'keep', 'commit', 'releaseOther', 'block', 'unblock'),
  resource: fc.integer({ min: 0, max: RESOURCES.length - 1 }),
  from: fc.integer({ min: 8, max: 30 }),
  length: fc.integer({ min: 1, max: 8 }),
  other: fc.nat(),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function wishOf({ service, slots, quantity, units }: Step): ClaimWish {
  const card = required(SERVICES[service], 'a service of the shop');
  const own = SLOTS.filter(({ serviceId }) => serviceId === card.id);
  const named = card.id === 'svc_seats' ? units : null;
  const wanted = slots.map((index) => required(own[index % own.length], 'a slot'));
  // Slots of a pool that overlap inside one hold are two uses, each with its buffers: the count does not model them.
  const chosen = card.id === 'svc_swim' ? apartOf(wanted) : wanted;
  return {
    slots: chosen.map((slot) => ({ slot, service: card })),
    quantity: named?.length ?? quantity,
    units: named,
    fareId: null,
  };
}

function apartOf(slots: readonly Slot[]): Slot[] {
  return slots.filter((slot, index) =>
    slots.slice(0, index).every((earlier) => !overlaps(earlier, slot)),
  );
}

/** Everything that can be seen of the inventory from outside. */
function picture(inventory: Inventory): string {
  return JSON.stringify(SLOTS.map((slot) => inventory.availability(slot, BEFORE_ALL)));
}

function release(inventory: Inventory, set: Live): void {
  for (const claim of set.claims) inventory.release(claim, set.isHold);
}

/** True when no two slots of the wish touch the same minute, so that the wish cannot stand in its own way. */
function isApart({ slots }: ClaimWish): boolean {
  return apartOf(slots.map(({ slot }) => slot)).length === slots.length;
}

/** What is sold and blocked, beside the inventory that is to know it. */
interface World {
  readonly inventory: Inventory;
  readonly live: Live[];
  readonly blocks: Block[];
}

function openWorld(): World {
  return { inventory: stock(SLOTS), live: [], blocks: [] };
}

function checkNothingConflicts({ inventory, live, blocks }: World): void {
  const count = new Count(inventory, live, blocks);
  const whole = { startAtMs: 0, endAtMs: 500 * MINUTE_MS };
  for (const { id, capacity, units } of RESOURCES) {
    expect(count.peak({ resourceId: id, unit: null }, whole)).toBeLessThanOrEqual(capacity);
    for (const unit of units ?? [])
      expect(count.peak({ resourceId: id, unit }, whole)).toBeLessThanOrEqual(1);
  }
  for (const slot of SLOTS) {
    expect(count.ownLeft(slot)).toBeGreaterThanOrEqual(0);
    const { remaining, status } = inventory.availability(slot, BEFORE_ALL);
    expect({ slot: slot.id, remaining, status }).toEqual({ slot: slot.id, ...count.shown(slot) });
  }
}

function takeStep({ inventory, live, blocks }: World, one: Step): void {
  const wish = wishOf(one);
  const before = picture(inventory);
  const count = new Count(inventory, live, blocks);
  const isFree = wish.slots.every(({ slot }) => count.fits(slot, wish));
  const [line] = wish.slots;
  const isClaimable = line !== undefined && inventory.canClaim(line, wish);
  const outcome = inventory.claim(wish);
  if (wish.slots.length === 1) expect(isClaimable).toBe(outcome.ok);
  if (isApart(wish)) expect(outcome.ok).toBe(isFree);
  else if (!isFree) expect(outcome.ok).toBe(false);
  if (!outcome.ok) {
    expect(picture(inventory)).toBe(before);
    return;
  }
  const set: Live = { claims: outcome.claims, isHold: true };
  release(inventory, set);
  expect(picture(inventory)).toBe(before);
  for (const claim of set.claims) inventory.restore(claim, true);
  live.push(set);
}

function thenMaybe({ inventory, live, blocks }: World, one: Step): void {
  if (one.after === 'block') {
    const { id: resourceId } = required(RESOURCES[one.resource], 'a resource of the shop');
    const startAtMs = one.from * 10 * MINUTE_MS;
    const span = { startAtMs, endAtMs: startAtMs + one.length * 10 * MINUTE_MS };
    inventory.block(resourceId, span);
    blocks.push({ resourceId, span });
  }
  if (one.after === 'unblock' && blocks.length > 0) {
    const [ended] = blocks.splice(one.other % blocks.length, 1);
    if (ended !== undefined) inventory.unblock(ended.resourceId, ended.span);
  }
  const index = live.length === 0 ? 0 : one.other % live.length;
  const set = live[index];
  if (set === undefined) return;
  if (one.after === 'commit' && set.isHold) {
    for (const claim of set.claims) inventory.commit(claim);
    set.isHold = false;
  }
  if (one.after === 'releaseOther') {
    release(inventory, set);
    live.splice(index, 1);
  }
}

describe('claims, step by step', () => {
  test('never conflict, are refused only when they must be, and leave no trace when refused or released', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 14 }), (steps) => {
        const world = openWorld();
        const { inventory } = world;
        const empty = picture(inventory);
        for (const one of steps) {
          takeStep(world, one);
          thenMaybe(world, one);
          checkNothingConflicts(world);
        }
        for (const set of world.live) release(inventory, set);
        for (const { resourceId, span } of world.blocks) inventory.unblock(resourceId, span);
        expect(picture(inventory)).toBe(empty);
      }),
      { numRuns: 60 },
    );
  });

  test('what is restored from the claims alone shows the same as what decided them', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const world = openWorld();
        for (const one of steps) {
          takeStep(world, one);
          thenMaybe(world, one);
        }
        const again = stock(SLOTS);
        for (const { resourceId, span } of world.blocks) again.block(resourceId, span);
        for (const { claims, isHold } of world.live)
          for (const claim of claims) again.restore(claim, isHold);
        expect(picture(again)).toBe(picture(world.inventory));
      }),
      { numRuns: 60 },
    );
  });

  test('the claims of one hold cover the buffered intervals of its slots, whole and without a gap', () => {
    fc.assert(
      fc.property(step, (one) => {
        const wish = wishOf(one);
        const outcome = stock(SLOTS).claim(wish);
        if (!outcome.ok || !isApart(wish)) return;
        for (const { slot, service } of wish.slots) {
          const kept = keptFree(slot, service);
          const own = outcome.claims.find(({ slotId }) => slotId === slot.id);
          const same = outcome.claims.filter((claim) => claim.resourceId === own?.resourceId);
          for (let atMs = kept.startAtMs; atMs < kept.endAtMs; atMs += 10 * MINUTE_MS) {
            expect(same.some(({ span }) => span.startAtMs <= atMs && atMs < span.endAtMs)).toBe(
              true,
            );
          }
        }
      }),
    );
  });
});
