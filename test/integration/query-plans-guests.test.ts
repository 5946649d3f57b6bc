/** No statement about guests and look-ups of bookings reads a whole table. */
import { describe, expect, it } from 'vitest';
import { GuestRepository } from '../../src/storage/d1/guest-repository.ts';
import { LookupRepository } from '../../src/storage/d1/lookup-repository.ts';
import { faultsOf, statementsOf } from '../support/query-plan.ts';

const NOW = Date.parse('2026-11-21T09:00:00Z');

describe('statements find their rows by an index', () => {
  it('guests, and look-ups of bookings', async () => {
    const guest = {
      id: 'gst_plan',
      email: 'plan@example.test',
      emailKey: 'key',
      name: 'Ada',
      phone: null,
      draft: null,
      userId: null,
      createdAtMs: NOW,
      expiresAtMs: NOW + 1,
    };
    const guests = await statementsOf(GuestRepository, async (repository) => {
      await repository.insert(guest);
      await repository.saveDraft(guest.id, { slotIds: ['slt_1'] });
      expect(await repository.take(guest.id, 'usr_first')).toBe(true);
      expect(await repository.take(guest.id, 'usr_second')).toBe(false);
      expect(await repository.take(guest.id, 'usr_first')).toBe(true);
      expect(await repository.take('gst_nobody', 'usr_first')).toBe(false);
      expect(await repository.byId(guest.id)).toEqual({
        ...guest,
        userId: 'usr_first',
        draft: { slotIds: ['slt_1'] },
      });
    });
    const lookup = { code: '7K2M-Q4VX', emailKey: 'key' };
    const lookups = await statementsOf(LookupRepository, async (repository) => {
      await repository.add(lookup, { nowMs: NOW, notSinceMs: NOW - 1 });
      expect(await repository.due({ nowMs: NOW, limit: 1 })).toEqual([lookup]);
      const taken = { ...lookup, attempts: 1, requestedAtMs: NOW };
      expect(await repository.take(lookup, { nowMs: NOW, untilMs: NOW + 5 })).toEqual(taken);
      expect(await repository.take(lookup, { nowMs: NOW + 4, untilMs: NOW + 9 })).toBeNull();
      await repository.postpone(lookup, NOW + 1);
      await repository.finish(lookup, NOW + 2);
      await repository.add(lookup, { nowMs: NOW + 3, notSinceMs: NOW + 1 });
      expect(await repository.due({ nowMs: NOW + 3, limit: 1 })).toEqual([]);
      await repository.forgetFinished(NOW + 2);
      await repository.add(lookup, { nowMs: NOW + 3, notSinceMs: NOW + 1 });
      expect(await repository.due({ nowMs: NOW + 3, limit: 1 })).toEqual([lookup]);
      await repository.finish(lookup, NOW + 4);
    });
    expect(await faultsOf([...guests, ...lookups])).toEqual([]);
  });
});
