/** What operators may write into a plan, what it has where they say nothing, and what a repeat of their call meets. */
import { describe, expect, it } from 'vitest';
import type { PlanRecord } from '../../src/application/billing-ports.ts';
import {
  addPlanVersion,
  createPlan,
  migratePlan,
  publishPlan,
  retirePlan,
  type ManagePlansDeps,
} from '../../src/application/billing/manage-plans.ts';
import type { PlanCatalogue } from '../../src/application/billing/plan-catalogue.ts';
import type { Asker } from '../../src/application/catalogue-deps.ts';
import { createPlanSchema, planVersionBodySchema } from '../../src/contracts/http/plans.ts';
import { systemDigest } from '../../src/platform/digest.ts';
import { createIdCodec } from '../../src/platform/id-codec.ts';
import { FakeClock, NOON_MS, seededEntropy } from '../support/fake-clock.ts';

const ASKER: Asker = { caller: { id: 'usr_o', roles: ['operator'] }, call: null };
const KEYED: Asker = { ...ASKER, call: { key: 'k1', fingerprint: 'f' } };

const BODY = {
  code: 'club',
  name: 'Club',
  price: { amount: 1_900, currency: 'usd' },
  interval: { unit: 'month', count: 1 },
  entitlements: { 'access.members': true },
} as const;

/** Plans in memory, by the rules of PlanCatalogue. */
class MemoryPlans implements PlanCatalogue {
  readonly #rows: PlanRecord[] = [];
  readonly #calls = new Map<string, PlanRecord>();
  readonly #targets = new Map<string, number>();
  /** Runs once, right before the next version is written: somebody else is faster. */
  beforeWrite: (() => Promise<unknown>) | null = null;

  async insert(plan: PlanRecord) {
    const owner = this.#rows.find(({ code }) => code === plan.code);
    if (owner !== undefined) return owner.id === plan.id ? 'done' : 'taken';
    this.#rows.push(plan);
    return 'done';
  }

  async insertVersion(plan: PlanRecord, callDigest: string | null = null) {
    const meanwhile = this.beforeWrite;
    this.beforeWrite = null;
    await meanwhile?.();
    if ((await this.version(plan.id, plan.terms.version)) !== null) return 'taken';
    this.#rows.push(plan);
    if (callDigest !== null) this.#calls.set(callDigest, plan);
    return 'done';
  }

  async newest(planId: string) {
    return (await this.versionsOf(planId))[0] ?? null;
  }

  async version(planId: string, version: number) {
    return (await this.versionsOf(planId)).find(({ terms }) => terms.version === version) ?? null;
  }

  async versionOfCall(callDigest: string) {
    return this.#calls.get(callDigest) ?? null;
  }

  async onSale(planId: string) {
    return (await this.versionsOf(planId)).find(({ status }) => status === 'published') ?? null;
  }

  async versionsOf(planId: string) {
    const own = this.#rows.filter(({ id }) => id === planId);
    return own.toSorted((a, b) => b.terms.version - a.terms.version);
  }

  async publish(planId: string, version: number) {
    await this.retire(planId);
    this.#set((row) => row.id === planId && row.terms.version === version, 'published');
  }

  async retire(planId: string) {
    this.#set((row) => row.id === planId && row.status === 'published', 'retired');
  }

  async published() {
    return this.#rows.filter(({ status }) => status === 'published');
  }

  async list() {
    return this.#rows;
  }

  async migrationTarget(planId: string) {
    return this.#targets.get(planId) ?? null;
  }

  async setMigrationTarget(planId: string, version: number) {
    this.#targets.set(planId, version);
  }

  #set(isMeant: (row: PlanRecord) => boolean, status: PlanRecord['status']): void {
    for (const [index, row] of this.#rows.entries()) {
      if (isMeant(row)) this.#rows[index] = { ...row, status };
    }
  }
}

function office(): ManagePlansDeps & { plans: MemoryPlans } {
  return {
    clock: new FakeClock(),
    ids: createIdCodec('secret', seededEntropy(1)),
    digest: systemDigest,
    plans: new MemoryPlans(),
  };
}

async function written(deps: ManagePlansDeps, more: object = {}): Promise<PlanRecord> {
  return valueOf(await createPlan(deps, ASKER, createPlanSchema.parse({ ...BODY, ...more })));
}

async function cancelledAfter(more: object): Promise<number> {
  return (await written(office(), more)).terms.cancelAfterDays;
}

function valueOf<T>(result: { ok: true; value: T } | { ok: false }): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result)}`);
  return result.value;
}

/** Where the body is wrong, or what was refused. */
function faultOf(result: { ok: boolean } & object): unknown {
  const { refusal } = result as {
    refusal?: { code: string; extra?: { errors?: { pointer: string }[] } };
  };
  return refusal?.extra?.errors?.map(({ pointer }) => pointer) ?? refusal?.code ?? null;
}

describe('a plan of which only the price is said', () => {
  it('has no trial, a week of grace, six tries in two weeks and ends after four', async () => {
    const plan = await written(office());
    expect(plan).toMatchObject({ code: 'club', status: 'draft', createdAtMs: NOON_MS });
    expect(plan.terms).toEqual({
      planId: plan.id,
      version: 1,
      group: 'membership',
      name: 'Club',
      priceMinor: 1_900,
      currency: 'usd',
      interval: { unit: 'month', count: 1 },
      trialDays: 0,
      trialNeedsMethod: true,
      trialEnd: 'cancel',
      graceDays: 7,
      dunningDays: [1, 3, 5, 7, 10, 14],
      cancelAfterDays: 28,
      changePolicy: { upgrade: 'now', downgrade: 'period_end', trial: 'now' },
      cancelRefund: 'none',
      tax: { rateBps: 0, inclusive: true },
      entitlements: { 'access.members': true },
    });
  });
});

describe('when a failed charge is tried again', () => {
  it.each([
    [
      [2, 9],
      [2, 9],
    ],
    [[], []],
    [0, []],
    [4, [1, 3]],
    [5, [1, 3, 5]],
    [60, [1, 3, 5, 7, 10, 14]],
  ])('%j means %j', async (dunningDays, expected) => {
    const { terms } = await written(office(), { dunningDays });
    expect(terms.dunningDays).toEqual(expected);
  });

  it.each([[[3, 1]], [[1, 1]], [[0]], [[61]], [[1.5]], [61], [-1], ['7']])(
    '%j is not valid',
    (dunningDays) => {
      expect(createPlanSchema.safeParse({ ...BODY, dunningDays }).success).toBe(false);
    },
  );
});

describe('a subscription that stays unpaid is cancelled', () => {
  it('after the grace and the last try, where nobody says when', async () => {
    expect(await cancelledAfter({ graceDays: 28 })).toBe(28);
    expect(await cancelledAfter({ graceDays: 29 })).toBe(29);
    expect(await cancelledAfter({ dunningDays: [1, 45] })).toBe(45);
  });

  it.each([
    [{ graceDays: 10, cancelAfterDays: 14 }, null],
    [{ graceDays: 15, cancelAfterDays: 14 }, ['/cancelAfterDays']],
    [{ dunningDays: [1, 20], cancelAfterDays: 20 }, null],
    [{ dunningDays: [1, 20], cancelAfterDays: 19 }, ['/cancelAfterDays']],
  ])('never before either: %j', async (more, expected) => {
    const body = createPlanSchema.parse({ ...BODY, ...more });
    expect(faultOf(await createPlan(office(), ASKER, body))).toEqual(expected);
  });
});

describe('what a plan grants', () => {
  it.each([
    [{}, null],
    [{ 'bookings.perPeriod': null, categories: ['sport'], 'price.discountBps': 10_000 }, null],
    [{ 'bookings.perPeriod': 1.5 }, 'bookings.perPeriod'],
    [{ 'bookings.perPeriod': -1 }, 'bookings.perPeriod'],
    [{ 'access.members': null }, 'access.members'],
    [{ 'access.members': 'yes' }, 'access.members'],
    [{ 'price.discountBps': 10_001 }, 'price.discountBps'],
    [{ categories: ['sport', ''] }, 'categories'],
    [{ 'overage.price': 99_999_999 }, null],
    [{ 'overage.price': 100_000_000 }, 'overage.price'],
  ])('%j is judged value by value', (entitlements, feature) => {
    const { error } = createPlanSchema.safeParse({ ...BODY, entitlements });
    const paths = error?.issues.map(({ path }) => path) ?? [];
    expect(paths).toEqual(feature === null ? [] : [['entitlements', feature]]);
  });
});

describe('a call with a key', () => {
  it('writes one plan, however often it runs', async () => {
    const deps = office();
    const body = createPlanSchema.parse(BODY);
    const first = valueOf(await createPlan(deps, KEYED, body));
    expect(valueOf(await createPlan(deps, KEYED, body))).toEqual(first);
    expect(await deps.plans.versionsOf(first.id)).toHaveLength(1);
  });

  it('is not answered with a plan that the same key made long ago', async () => {
    const deps = office();
    await createPlan(deps, KEYED, createPlanSchema.parse(BODY));
    const other = createPlanSchema.parse({ ...BODY, code: 'other' });
    expect(faultOf(await createPlan(deps, KEYED, other))).toBe('idempotency_key_reused');
  });

  it('writes one version, also when it runs again after a crash', async () => {
    const deps = office();
    const { id: planId } = await written(deps);
    const body = planVersionBodySchema.parse({ name: 'Club two' });
    const first = valueOf(await addPlanVersion(deps, KEYED, { planId, body }));
    await addPlanVersion(deps, ASKER, { planId, body });
    expect(valueOf(await addPlanVersion(deps, KEYED, { planId, body }))).toEqual(first);
    expect(first.terms.version).toBe(2);
    expect(await deps.plans.versionsOf(planId)).toHaveLength(3);
  });
});

describe('a further version', () => {
  it('changes what is said, and keeps the rest of the newest version', async () => {
    const deps = office();
    const { id: planId, terms } = await written(deps, { trialDays: 14, tax: { rateBps: 2_000 } });
    const body = planVersionBodySchema.parse({
      price: { amount: 2_400, currency: 'usd' },
      changePolicy: { downgrade: 'now' },
      tax: { rateBps: 500 },
    });
    const next = valueOf(await addPlanVersion(deps, ASKER, { planId, body }));
    expect(next.terms).toEqual({
      ...terms,
      version: 2,
      priceMinor: 2_400,
      changePolicy: { ...terms.changePolicy, downgrade: 'now' },
      tax: { rateBps: 500, inclusive: true },
    });
    expect(next.status).toBe('draft');
  });

  it('takes the next number when somebody else was faster, and builds on what they wrote', async () => {
    const deps = office();
    const { id: planId } = await written(deps);
    const add = (body: object) =>
      addPlanVersion(deps, ASKER, { planId, body: planVersionBodySchema.parse(body) });
    deps.plans.beforeWrite = () => add({ graceDays: 9 });
    const mine = valueOf(await add({ name: 'Mine' }));
    expect(mine.terms).toMatchObject({ version: 3, name: 'Mine', graceDays: 9 });
  });

  it('keeps the currency, and may not contradict what it keeps', async () => {
    const deps = office();
    const { id: planId } = await written(deps);
    const faultFor = async (body: object) =>
      faultOf(
        await addPlanVersion(deps, ASKER, { planId, body: planVersionBodySchema.parse(body) }),
      );
    expect(await faultFor({ price: { amount: 1, currency: 'eur' } })).toEqual(['/price/currency']);
    expect(await faultFor({ graceDays: 29 })).toEqual(['/cancelAfterDays']);
    expect(await faultFor({ graceDays: 28 })).toBeNull();
  });

  it.each([{ code: 'other' }, { group: 'other' }])('cannot change %j', (body) => {
    expect(planVersionBodySchema.safeParse(body).success).toBe(false);
  });
});

describe('what is on sale', () => {
  it('is the newest version, until another is named; a repeat changes nothing', async () => {
    const deps = office();
    const { id: planId } = await written(deps);
    const publish = async (version?: number) =>
      valueOf(await publishPlan(deps, { planId, version })).terms.version;
    const statuses = async () => (await deps.plans.versionsOf(planId)).map(({ status }) => status);
    expect(await publish()).toBe(1);
    await addPlanVersion(deps, ASKER, { planId, body: {} });
    await addPlanVersion(deps, ASKER, { planId, body: {} });
    expect(await publish()).toBe(3);
    // The draft in between is older than what is on sale: nobody meant it.
    expect(await publish()).toBe(3);
    expect(await statuses()).toEqual(['published', 'draft', 'retired']);
    expect(await publish(1)).toBe(1);
    expect(await statuses()).toEqual(['retired', 'draft', 'published']);
    // The newest was taken off sale on purpose.
    expect(await publish()).toBe(1);
  });

  it('is nothing once the plan is retired, and comes back only by its number', async () => {
    const deps = office();
    const { id: planId } = await written(deps);
    await publishPlan(deps, { planId, version: undefined });
    expect(valueOf(await retirePlan(deps, planId)).status).toBe('retired');
    expect(valueOf(await retirePlan(deps, planId)).status).toBe('retired');
    expect(await deps.plans.published()).toEqual([]);
    const again = await publishPlan(deps, { planId, version: undefined });
    expect(faultOf(again)).toBe('invalid_transition');
    expect(valueOf(await publishPlan(deps, { planId, version: 1 })).status).toBe('published');
  });

  it('cannot be a version or a plan that does not exist', async () => {
    const deps = office();
    const { id: planId } = await written(deps);
    const publish = async (wanted: { planId: string; version: number | undefined }) =>
      faultOf(await publishPlan(deps, wanted));
    expect(await publish({ planId, version: 2 })).toBe('not_found');
    expect(await publish({ planId: 'pln_none', version: undefined })).toBe('not_found');
    expect(faultOf(await retirePlan(deps, 'pln_none'))).toBe('not_found');
  });
});

describe('subscribers of older versions', () => {
  it('move to the version on sale, and only when one is', async () => {
    const deps = office();
    const asked: unknown[] = [];
    const migrateSubscribers = async (planId: string, version: number) => {
      asked.push([planId, version, await deps.plans.migrationTarget(planId)]);
      return { migrated: 2, remaining: 1 };
    };
    const { id: planId } = await written(deps);
    const migrate = (id: string) => migratePlan({ ...deps, migrateSubscribers }, id);
    expect(faultOf(await migrate(planId))).toBe('invalid_transition');
    expect(faultOf(await migrate('pln_none'))).toBe('not_found');
    await publishPlan(deps, { planId, version: undefined });
    const expected = { planId, version: 1, migrated: 2, remaining: 1 };
    expect(valueOf(await migrate(planId))).toEqual(expected);
    expect(asked).toEqual([[planId, 1, 1]]);
  });
});
