/** No statement about provisionings reads a whole table, and making and undoing never cross. */
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import type { Provisioning } from '../../src/application/provisioning/provisioning-ports.ts';
import { ProvisioningRepository } from '../../src/storage/d1/provisioning-repository.ts';
import { faultsOf, statementsOf } from '../support/query-plan.ts';

const NOW = Date.parse('2026-11-21T09:00:00Z');

function aRecord(id: string): Provisioning {
  const who = { callerId: 'usr_plan', fingerprint: 'f', providerId: 'prv_plan' };
  return { id, ...who, state: 'making', made: {}, touchedAtMs: NOW, createdAtMs: NOW };
}

it('finds its rows by an index', async () => {
  const statements = await statementsOf(ProvisioningRepository, async (store) => {
    await store.begin(aRecord('pvn_plan'));
    await store.byId('pvn_plan');
    await store.saveMade('pvn_plan', { made: { venue: 'ven_1' }, isAll: false, nowMs: NOW });
    await store.move('pvn_plan', { from: ['making', 'done'], to: 'undoing' });
  });
  expect(await faultsOf(statements)).toEqual([]);
});

it('keeps what began first, and records nothing of what is being undone', async () => {
  const store = new ProvisioningRepository(env.DB);
  const record = aRecord('pvn_race');
  expect(await store.begin(record)).toEqual(record);
  expect(await store.begin({ ...record, fingerprint: 'other' })).toEqual(record);
  const done = { made: { venue: 'ven_1' }, isAll: true, nowMs: NOW + 1 };
  expect(await store.saveMade(record.id, done)).toBe(true);
  expect(await store.saveMade(record.id, done)).toBe(false);
  expect(await store.move(record.id, { from: ['making'], to: 'undoing' })).toBe(false);
  expect(await store.move(record.id, { from: ['making', 'done'], to: 'undoing' })).toBe(true);
  expect(await store.byId(record.id)).toEqual({
    ...record,
    state: 'undoing',
    made: done.made,
    touchedAtMs: NOW + 1,
  });
});
