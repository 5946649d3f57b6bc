/** No statement about availability rules reads a whole table. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { RuleRepository } from '../../src/storage/d1/rule-repository.ts';
import { makeRuleRecord } from '../support/availability.ts';
import { faultsOf, statementsOf } from '../support/query-plan.ts';

const NOW = Date.parse('2026-11-21T09:00:00Z');

describe('every statement finds its rows by an index', () => {
  it('rules and how far they were carried out', async () => {
    const statements = await statementsOf(RuleRepository, async (store) => {
      const rule = makeRuleRecord({ id: 'rul_plan', serviceId: 'svc_plan' });
      await store.insert(rule);
      await store.byId(rule.id);
      await store.replace({ ...rule, version: 2 });
      await store.ofService('svc_plan');
      await store.widenGenerated('svc_plan', { startAtMs: NOW, endAtMs: NOW + 1 });
      await store.dueWindows(NOW, 10);
      await store.windows('', 10);
      await store.saveFilled({
        serviceId: 'svc_plan',
        version: 2,
        basis: 'plan',
        untilMs: NOW,
        nextFillAtMs: NOW,
      });
      await store.postpone('svc_plan', NOW);
    });
    expect(await faultsOf(statements)).toEqual([]);
  });
});

describe('a rule in D1', () => {
  it('is replaced by whoever read it last, and counts for its service', async () => {
    const store = new RuleRepository(env.DB);
    const rule = makeRuleRecord({ id: 'rul_race', serviceId: 'svc_race' });
    expect(await store.insert(rule)).toEqual(rule);
    expect(await store.insert({ ...rule, endMinute: 0 })).toEqual(rule);
    expect((await store.ofService('svc_race')).version).toBe(1);
    const first = { ...rule, version: 2, endMinute: 700 };
    expect(await store.replace(first)).toBe(true);
    expect(await store.replace({ ...rule, version: 2, endMinute: 800 })).toBe(false);
    expect(await store.ofService('svc_race')).toMatchObject({ version: 2, rules: [first] });
    await store.saveFilled({
      serviceId: 'svc_race',
      version: 1,
      basis: 'old',
      untilMs: NOW,
      nextFillAtMs: NOW + 1,
    });
    const due = (await store.dueWindows(NOW, 500)).find(
      ({ serviceId }) => serviceId === 'svc_race',
    );
    expect(due).toMatchObject({ filledBasis: null, filledUntilMs: null });
    expect(await store.replace({ ...first, version: 3, active: false })).toBe(true);
    expect((await store.ofService('svc_race')).rules).toEqual([]);
  });
});
