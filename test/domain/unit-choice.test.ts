/** The best seats: side by side in one row where there are enough, and the same ones for every slot of a hold. */
import { expect, test } from 'vitest';
import { Inventory } from '../../src/domain/inventory/inventory.ts';
import { makeResourceCard, makeServiceCard } from '../support/cards.ts';
import { makeSlot } from './inventory-model.ts';

const ROWS = ['A1', 'A2', 'A3', 'B1', 'B2', 'B3', 'B4'];
const SERVICE = makeServiceCard({ id: 'svc_hall', resourceIds: ['res_hall'] });
const [FIRST, SECOND] = [makeSlot(SERVICE, 600), makeSlot(SERVICE, 660)];

function hall(bufferAfterMinutes = 0) {
  const inventory = new Inventory();
  const service = { ...SERVICE, bufferAfterMinutes };
  inventory.putResource(makeResourceCard({ id: 'res_hall', capacity: ROWS.length, units: ROWS }));
  inventory.putService(service);
  inventory.putSlots([FIRST, SECOND]);
  function take(wish: { quantity?: number; units?: string[]; slots?: (typeof FIRST)[] }) {
    const { units = null, slots = [FIRST] } = wish;
    const outcome = inventory.claim({
      slots: slots.map((slot) => ({ slot, service })),
      quantity: units?.length ?? wish.quantity ?? 1,
      units,
      fareId: null,
    });
    return outcome.ok ? outcome.claims.map(({ unit }) => unit) : null;
  }
  return { take };
}

test('two who come together sit together, in the first row that has room for both', () => {
  const { take } = hall();
  take({ units: ['A2'] });
  expect(take({ quantity: 2 })).toEqual(['B1', 'B2']);
  expect(take({ quantity: 2 })).toEqual(['B3', 'B4']);
});

test('a row ends where its letter does: the last of one and the first of the next are not neighbours', () => {
  const { take } = hall();
  take({ units: ['A1', 'A2'] });
  expect(take({ quantity: 2 })).toEqual(['B1', 'B2']);
});

test('those who cannot sit together are given what is left, rather than nothing', () => {
  const { take } = hall();
  take({ units: ['A2', 'B1', 'B3'] });
  expect(take({ quantity: 3 })).toEqual(['A1', 'A3', 'B2']);
  expect(take({ quantity: 2 })).toBe(null);
});

test('one hold keeps its seats from slot to slot, buffers between them or not', () => {
  for (const buffer of [0, 15]) {
    const { take } = hall(buffer);
    take({ units: ['A1'], slots: [FIRST] });
    const seats = take({ quantity: 2, slots: [FIRST, SECOND] });
    expect(seats?.toSorted()).toEqual(['A2', 'A2', 'A3', 'A3']);
  }
});
