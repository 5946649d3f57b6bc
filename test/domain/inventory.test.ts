/** What a claim means, one rule at a time; the property test beside this one looks for what these examples miss. */
import { describe, expect, test } from 'vitest';
import type { ServiceCard, Slot } from '../../src/domain/inventory/cards.ts';
import type { ClaimOutcome } from '../../src/domain/inventory/claim.ts';
import type { Inventory } from '../../src/domain/inventory/inventory.ts';
import { MINUTE_MS } from '../../src/domain/time.ts';
import { makeResourceCard, makeServiceCard } from '../support/cards.ts';
import { ANY_COURT, COURT_AND_POOL, makeSlot, SEATS, stock, SWIM } from './inventory-model.ts';

const COURT = makeServiceCard({ id: 'svc_court', resourceIds: ['res_one'] });
const KIDS = makeServiceCard({ id: 'svc_kids', resourceIds: ['res_one'] });
const BUFFERED = makeServiceCard({
  id: 'svc_buffered',
  resourceIds: ['res_one'],
  bufferBeforeMinutes: 15,
  bufferAfterMinutes: 30,
});
const SHOP = [COURT, KIDS, BUFFERED, ANY_COURT, COURT_AND_POOL, SWIM, SEATS];

function claim(
  inventory: Inventory,
  slots: readonly Slot[],
  wish: { quantity?: number; units?: readonly string[]; fareId?: string } = {},
): ClaimOutcome {
  const lines = slots.map((slot) => ({
    slot,
    service: inventory.service(slot.serviceId) as ServiceCard,
  }));
  return inventory.claim({
    slots: lines,
    quantity: wish.quantity ?? wish.units?.length ?? 1,
    units: wish.units ?? null,
    fareId: wish.fareId ?? null,
  });
}

function shop(slots: readonly Slot[]): Inventory {
  return stock(slots, SHOP);
}

describe('an exclusive resource', () => {
  const taken = makeSlot(COURT, 600);

  test.each([
    ['the same interval', 600, 60, false],
    ['10:30 to 11:30', 630, 60, false],
    ['09:30 to 10:30', 570, 60, false],
    ['10:15 to 10:45', 615, 30, false],
    ['09:00 to 12:00', 540, 180, false],
    ['11:00 to 12:00', 660, 60, true],
    ['09:00 to 10:00', 540, 60, true],
    ['a minute into it', 541, 60, false],
  ])('taken from 10:00 to 11:00: %s of another service', (...[, from, minutes, isFree]) => {
    const other = makeSlot(KIDS, from, { minutes });
    const inventory = shop([taken, other]);
    expect(claim(inventory, [taken]).ok).toBe(true);
    expect(claim(inventory, [other]).ok).toBe(isFree);
  });

  test('is one and the same through every service that uses it', () => {
    const [kids, both] = [makeSlot(KIDS, 600), makeSlot(COURT_AND_POOL, 600)];
    const inventory = shop([taken, kids, both]);
    claim(inventory, [taken]);
    expect(claim(inventory, [kids])).toEqual({ ok: false, conflicts: [kids.id] });
    expect(claim(inventory, [both])).toEqual({ ok: false, conflicts: [both.id] });
  });

  test('gives the refused names of all slots in the way, and of no other', () => {
    const [first, second, third] = [makeSlot(KIDS, 600), makeSlot(KIDS, 700), makeSlot(KIDS, 800)];
    const blocker = makeSlot(COURT, 790);
    const inventory = shop([taken, first, second, third, blocker]);
    claim(inventory, [taken]);
    claim(inventory, [blocker]);
    expect(claim(inventory, [third, first, second])).toEqual({
      ok: false,
      conflicts: [first.id, third.id],
    });
    expect(inventory.availability(second, 0).status).toBe('available');
  });
});

describe('buffers', () => {
  const slot = makeSlot(BUFFERED, 600);

  test.each([
    ['ends where the buffer before begins', 525, true],
    ['ends inside the buffer before', 526, false],
    ['begins inside the buffer after', 689, false],
    ['begins where the buffer after ends', 690, true],
  ])('are compared with a slot without buffers that %s', (_, from, isFree) => {
    const other = makeSlot(COURT, from);
    const inventory = shop([slot, other]);
    claim(inventory, [slot]);
    expect(claim(inventory, [other]).ok).toBe(isFree);
  });

  test('the buffer of the newcomer counts as much as that of the one who was first', () => {
    const early = makeSlot(COURT, 535);
    const inventory = shop([slot, early]);
    claim(inventory, [early]);
    expect(claim(inventory, [slot]).ok).toBe(false);
  });

  test('do not apply between slots of one hold, in whatever order they are named', () => {
    const next = makeSlot(BUFFERED, 660);
    expect(claim(shop([slot, next]), [slot, next]).ok).toBe(true);
    expect(claim(shop([slot, next]), [next, slot]).ok).toBe(true);
  });

  test('apply between the same slots in two holds', () => {
    const next = makeSlot(BUFFERED, 660);
    const inventory = shop([slot, next]);
    claim(inventory, [slot]);
    expect(claim(inventory, [next])).toEqual({ ok: false, conflicts: [next.id] });
  });

  test('around a hold of neighbouring slots stay whole at both ends', () => {
    const next = makeSlot(BUFFERED, 660);
    const around = [525, 526, 749, 750].map((from) => makeSlot(COURT, from));
    const inventory = shop([slot, next, ...around]);
    claim(inventory, [slot, next]);
    const seen = around.map((one) => inventory.availability(one, 0).status);
    expect(seen).toEqual(['available', 'held', 'held', 'available']);
  });

  test('of a long rest stay whole when a shorter slot of the same hold follows at once', () => {
    const short = makeSlot(COURT, 660, { minutes: 10 });
    const inRest = makeSlot(COURT, 675, { minutes: 10 });
    const inventory = shop([slot, short, inRest]);
    expect(claim(inventory, [slot, short]).ok).toBe(true);
    expect(claim(inventory, [inRest])).toEqual({ ok: false, conflicts: [inRest.id] });
  });

  test('of a long preparation stay whole when a shorter slot of the same hold precedes it', () => {
    const short = makeSlot(COURT, 590, { minutes: 10 });
    const inPreparation = makeSlot(COURT, 580, { minutes: 10 });
    const inventory = shop([slot, short, inPreparation]);
    expect(claim(inventory, [short, slot]).ok).toBe(true);
    expect(claim(inventory, [inPreparation]).ok).toBe(false);
  });
});

describe('any of several resources', () => {
  test('is had as often as there are resources, each time on another one', () => {
    const slot = makeSlot(ANY_COURT, 600);
    const inventory = shop([slot]);
    const used = [claim(inventory, [slot]), claim(inventory, [slot])].flatMap((outcome) =>
      outcome.ok ? outcome.claims.map(({ resourceId }) => resourceId) : [],
    );
    expect(used.toSorted()).toEqual(['res_one', 'res_two']);
    expect(claim(inventory, [slot]).ok).toBe(false);
  });

  test('takes turns, so that no resource wears out first', () => {
    const slots = [600, 700, 800, 900].map((from) => makeSlot(ANY_COURT, from));
    const inventory = shop(slots);
    const used = slots.flatMap((slot) => {
      const outcome = claim(inventory, [slot]);
      return outcome.ok ? outcome.claims.map(({ resourceId }) => resourceId) : [];
    });
    expect(used).toEqual(['res_one', 'res_two', 'res_one', 'res_two']);
  });

  test('leaves out a resource that is no longer in use', () => {
    const slot = makeSlot(ANY_COURT, 600);
    const inventory = shop([slot]);
    inventory.putResource(makeResourceCard({ id: 'res_one', active: false }));
    expect(inventory.availability(slot, 0)).toMatchObject({ capacity: 2, remaining: 1 });
    expect(claim(inventory, [slot])).toMatchObject({ claims: [{ resourceId: 'res_two' }] });
    expect(claim(inventory, [slot]).ok).toBe(false);
  });
});

describe('slots of a pool that overlap inside one hold', () => {
  test('take a place each for as long as both last, also when a third adjoins one of them', () => {
    const [first, second, third] = [
      makeSlot(SWIM, 600, { minutes: 120 }),
      makeSlot(SWIM, 660, { minutes: 120 }),
      makeSlot(SWIM, 780, { minutes: 60 }),
    ];
    const both = makeSlot(SWIM, 670, { minutes: 30 });
    const inventory = shop([first, second, third, both]);
    expect(claim(inventory, [first, second, third]).ok).toBe(true);
    expect(inventory.availability(both, 0)).toMatchObject({ capacity: 3, remaining: 1 });
  });
});

describe('all of several resources', () => {
  test('takes every one, and counts once against the slot', () => {
    const slot = makeSlot(COURT_AND_POOL, 600, { capacity: 1 });
    const inventory = shop([slot]);
    const outcome = claim(inventory, [slot]);
    expect(outcome).toMatchObject({
      claims: [{ resourceId: 'res_one' }, { resourceId: 'res_pool' }],
    });
    const counts = outcome.ok ? outcome.claims.map((one) => inventory.slotQuantity(one)) : [];
    expect(counts).toEqual([1, 0]);
  });

  test('takes none when one is taken', () => {
    const slot = makeSlot(COURT_AND_POOL, 600);
    const swim = makeSlot(SWIM, 600);
    const court = makeSlot(COURT, 600);
    const inventory = shop([slot, swim, court]);
    claim(inventory, [swim], { quantity: 3 });
    expect(claim(inventory, [slot]).ok).toBe(false);
    expect(claim(inventory, [court]).ok).toBe(true);
  });
});

describe('a pool', () => {
  test('is full by its peak, not by the sum of what overlaps', () => {
    const [early, late, across] = [
      makeSlot(SWIM, 600),
      makeSlot(SWIM, 700),
      makeSlot(SWIM, 600, { minutes: 200 }),
    ];
    const inventory = shop([early, late, across]);
    claim(inventory, [early], { quantity: 2 });
    claim(inventory, [late], { quantity: 2 });
    expect(claim(inventory, [across], { quantity: 2 }).ok).toBe(false);
    expect(claim(inventory, [across], { quantity: 1 }).ok).toBe(true);
    expect(inventory.availability(early, 0)).toMatchObject({ remaining: 0, status: 'held' });
  });

  test('of which a slot sells less is full for that slot only', () => {
    const [small, large] = [makeSlot(SWIM, 600, { capacity: 2 }), makeSlot(SWIM, 600)];
    const inventory = shop([small, large]);
    expect(claim(inventory, [small], { quantity: 3 }).ok).toBe(false);
    expect(claim(inventory, [small], { quantity: 2 }).ok).toBe(true);
    expect(inventory.availability(small, 0)).toMatchObject({ capacity: 2, remaining: 0 });
    expect(inventory.availability(large, 0)).toMatchObject({ capacity: 3, remaining: 1 });
  });
});

describe('named units', () => {
  const slot = makeSlot(SEATS, 600);

  test('named ones are had exactly, and by one only', () => {
    const inventory = shop([slot]);
    const outcome = claim(inventory, [slot], { units: ['C', 'A'] });
    expect(outcome).toMatchObject({ claims: [{ unit: 'C' }, { unit: 'A' }] });
    expect(claim(inventory, [slot], { units: ['B', 'A'] }).ok).toBe(false);
    expect(claim(inventory, [slot], { units: ['B'] }).ok).toBe(true);
    expect(inventory.availability(slot, 0)).toMatchObject({ remaining: 0, status: 'held' });
  });

  test('unnamed ones are the first that are free', () => {
    const inventory = shop([slot]);
    claim(inventory, [slot], { units: ['A'] });
    expect(claim(inventory, [slot], { quantity: 2 })).toMatchObject({
      claims: [{ unit: 'B' }, { unit: 'C' }],
    });
  });

  test('a unit that does not exist, or of a resource without units, is not had', () => {
    const swim = makeSlot(SWIM, 600);
    const inventory = shop([slot, swim]);
    expect(claim(inventory, [slot], { units: ['Z'] }).ok).toBe(false);
    expect(claim(inventory, [swim], { units: ['A'] }).ok).toBe(false);
  });

  test('each shows its own status', () => {
    const inventory = shop([slot]);
    const held = claim(inventory, [slot], { units: ['A'] });
    const booked = claim(inventory, [slot], { units: ['B'] });
    expect(held.ok).toBe(true);
    for (const one of booked.ok ? booked.claims : []) inventory.commit(one);
    expect(inventory.availability(slot, 0).units).toEqual([
      { id: 'A', status: 'held' },
      { id: 'B', status: 'booked' },
      { id: 'C', status: 'available' },
    ]);
  });
});

describe('what a slot shows', () => {
  const slot = makeSlot(COURT, 600);

  test('available until its start, past from its start on', () => {
    const inventory = shop([slot]);
    expect(inventory.availability(slot, slot.startAtMs - 1).status).toBe('available');
    expect(inventory.availability(slot, slot.startAtMs).status).toBe('past');
  });

  test('held while a hold is in the way, booked once it is committed, available when it is gone', () => {
    const inventory = shop([slot]);
    const outcome = claim(inventory, [slot]);
    const claims = outcome.ok ? outcome.claims : [];
    expect(inventory.availability(slot, 0).status).toBe('held');
    for (const one of claims) inventory.commit(one);
    expect(inventory.availability(slot, 0).status).toBe('booked');
    for (const one of claims) inventory.release(one, false);
    expect(inventory.availability(slot, 0).status).toBe('available');
  });

  test('blocked, and not to be had, when it is blocked or its service is not on sale', () => {
    const blocked = makeSlot(COURT, 700, { blockedReason: 'repairs' });
    const inventory = shop([slot, blocked]);
    expect(inventory.availability(blocked, 0).status).toBe('blocked');
    expect(claim(inventory, [blocked]).ok).toBe(false);
    inventory.putService({ ...COURT, active: false });
    expect(inventory.availability(slot, 0).status).toBe('blocked');
    expect(claim(inventory, [slot]).ok).toBe(false);
  });

  test('the same interval of the same service and resource is the same slot', () => {
    const pinned = makeSlot(ANY_COURT, 600, { resourceId: 'res_two' });
    const open = makeSlot(ANY_COURT, 600);
    const inventory = shop([pinned, open]);
    expect(inventory.findSlot('svc_any', { ...open, resourceId: null })).toBe(open);
    expect(inventory.findSlot('svc_any', { ...open, resourceId: 'res_two' })).toBe(pinned);
    expect(inventory.findSlot('svc_any', { ...open, resourceId: 'res_one' })).toBeNull();
    const longer = { ...open, resourceId: null, endAtMs: open.endAtMs + MINUTE_MS };
    expect(inventory.findSlot('svc_any', longer)).toBeNull();
  });

  test('a schedule stays in order of start, however slots are added and changed', () => {
    const slots = [900, 600, 800, 700].map((from) => makeSlot(COURT, from));
    const inventory = shop([]);
    for (const one of slots) inventory.putSlot(one);
    const changed = { ...makeSlot(COURT, 800), version: 2 };
    inventory.putSlot(changed);
    const starts = inventory.schedule('svc_court').map(({ startAtMs }) => startAtMs / MINUTE_MS);
    expect(starts).toEqual([600, 700, 800, 900]);
    expect(inventory.slot(changed.id)?.version).toBe(2);
    expect(inventory.slotCount).toBe(4);
  });
});
