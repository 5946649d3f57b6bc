/**
 * Plans as data: operators write numbered versions, put one on sale, take it off, and move subscribers to it. A version's
 * terms never change, so that whoever subscribed to it has what was promised. Called by the operators' plan routes.
 */
import type { CreatePlanBody, PlanVersionBody } from '../../contracts/http/plans.ts';
import { required } from '../../domain/assert.ts';
import { ok, refuse, type Result } from '../../domain/result.ts';
import type { PlanTerms } from '../../domain/subscription/plan.ts';
import type { PlanRecord } from '../billing-ports.ts';
import { invalidField, notFound, regionId, seedOf, type Asker } from '../catalogue-deps.ts';
import { decodeCursor, mergePage, type Page } from '../page-cursor.ts';
import type { Clock, Digest, IdCodec } from '../ports.ts';
import type { PlanCatalogue } from './plan-catalogue.ts';

export interface ManagePlansDeps {
  readonly clock: Clock;
  readonly ids: IdCodec;
  readonly digest: Pick<Digest, 'sha256'>;
  readonly plans: PlanCatalogue;
}

/** What became of a migration so far. */
export interface Migration {
  readonly planId: string;
  readonly version: number;
  readonly migrated: number;
  /** Subscribers of older versions that are still to be moved. */
  readonly remaining: number;
}

/** A plan with all its versions. */
export interface PlanDetail {
  readonly newest: PlanRecord;
  /** Newest first. */
  readonly versions: readonly PlanRecord[];
  readonly migrationTarget: number | null;
}

/** When a failed charge is tried again where the operator names no days; a number cuts it off. */
const DUNNING_DAYS = [1, 3, 5, 7, 10, 14] as const;

/** What a plan has where the operator says nothing. */
const DEFAULTS = {
  group: 'membership',
  trialDays: 0,
  trialNeedsMethod: true,
  trialEnd: 'cancel',
  graceDays: 7,
  dunningDays: DUNNING_DAYS,
  cancelAfterDays: 28,
  changePolicy: { upgrade: 'now', downgrade: 'period_end', trial: 'now' },
  cancelRefund: 'none',
  tax: { rateBps: 0, inclusive: true },
} as const satisfies Partial<PlanTerms>;

/** Numbers tried for a further version while others write versions too; then the caller is asked to come again. */
const VERSION_ATTEMPTS_MAX = 5;

/**
 * Writes a new plan as a draft. Refusals: `validation_failed` for a code that is taken or terms that contradict each other,
 * `idempotency_key_reused` where an expired key made another plan before.
 */
export async function createPlan(
  deps: ManagePlansDeps,
  asker: Asker,
  body: CreatePlanBody,
): Promise<Result<PlanRecord>> {
  const id = regionId(deps, asker, { kind: 'pln', region: 'global' });
  const terms = firstTerms(id, body);
  const fault = faultOf(terms);
  if (fault !== null) return fault;
  const record: PlanRecord = {
    id,
    code: body.code,
    terms,
    status: 'draft',
    createdAtMs: deps.clock.nowMs(),
  };
  const before = await deps.plans.version(id, terms.version);
  if (before !== null && before.code !== body.code) {
    return refuse('idempotency_key_reused', 'The key made another plan before.');
  }
  if ((await deps.plans.insert(record)) === 'taken') {
    return invalidField('/code', 'is the code of another plan');
  }
  return ok(required(await deps.plans.version(id, terms.version), 'a plan that was written'));
}

/**
 * Writes a further version as a draft; what is not given is as in the newest one. Refusals: `not_found`,
 * `validation_failed`, `overloaded` when others write versions faster than this call.
 */
export async function addPlanVersion(
  deps: ManagePlansDeps,
  asker: Asker,
  change: { readonly planId: string; readonly body: PlanVersionBody },
): Promise<Result<PlanRecord>> {
  const callDigest =
    asker.call === null ? null : deps.digest.sha256(seedOf(asker.caller, asker.call));
  for (let attempt = 1; attempt <= VERSION_ATTEMPTS_MAX; attempt += 1) {
    const before = callDigest === null ? null : await deps.plans.versionOfCall(callDigest);
    if (before !== null) return ok(before);
    const newest = await deps.plans.newest(change.planId);
    if (newest === null) return notFound('plan');
    const terms = nextTerms(newest.terms, change.body);
    const fault = faultOf(terms) ?? currencyFault(newest.terms, terms);
    if (fault !== null) return fault;
    const record = { ...newest, terms, status: 'draft', createdAtMs: deps.clock.nowMs() } as const;
    if ((await deps.plans.insertVersion(record, callDigest)) === 'done') return ok(record);
  }
  return refuse('overloaded', 'Others are writing versions of this plan. Try again.');
}

/**
 * Puts a version on sale in place of the one before; without a number the newest, unless it was taken off sale.
 * Refusals: `not_found`, `invalid_transition` where nothing is left to publish.
 */
export async function publishPlan(
  deps: Pick<ManagePlansDeps, 'plans'>,
  wanted: { readonly planId: string; readonly version: number | undefined },
): Promise<Result<PlanRecord>> {
  const { planId, version } = wanted;
  const [found, current] = await Promise.all([
    version === undefined ? deps.plans.newest(planId) : deps.plans.version(planId, version),
    deps.plans.onSale(planId),
  ]);
  if (found === null) return notFound(version === undefined ? 'plan' : 'version of this plan');
  // Only by its number does a version that was taken off sale come back.
  const isLeft = version !== undefined || found.status !== 'retired';
  if (!isLeft) {
    return current === null
      ? refuse(
          'invalid_transition',
          'The plan has no draft. Name the version to put on sale again.',
        )
      : ok(current);
  }
  await deps.plans.publish(planId, found.terms.version);
  return reread(deps, found);
}

/** Takes a plan off sale; its subscribers stay. A plan that is not on sale stays as it is. Refusals: `not_found`. */
export async function retirePlan(
  deps: Pick<ManagePlansDeps, 'plans'>,
  planId: string,
): Promise<Result<PlanRecord>> {
  const found = (await deps.plans.onSale(planId)) ?? (await deps.plans.newest(planId));
  if (found === null) return notFound('plan');
  await deps.plans.retire(planId);
  return reread(deps, found);
}

/**
 * Names the version on sale as the one that subscribers of older ones move to, and moves them. Safe to repeat until none
 * remains. Refusals: `not_found`, `invalid_transition` where no version is on sale.
 */
export async function migratePlan(
  deps: Pick<ManagePlansDeps, 'plans'> & {
    migrateSubscribers(
      planId: string,
      version: number,
    ): Promise<{ readonly migrated: number; readonly remaining: number }>;
  },
  planId: string,
): Promise<Result<Migration>> {
  const current = await deps.plans.onSale(planId);
  if (current === null) {
    return (await deps.plans.newest(planId)) === null
      ? notFound('plan')
      : refuse('invalid_transition', 'No version of the plan is on sale.');
  }
  const { version } = current.terms;
  await deps.plans.setMigrationTarget(planId, version);
  const { migrated, remaining } = await deps.migrateSubscribers(planId, version);
  return ok({ planId, version, migrated, remaining });
}

/** All versions of all plans, newest first. Refusals: `validation_failed`. */
export async function listPlanVersions(
  deps: Pick<ManagePlansDeps, 'plans'>,
  page: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<Result<Page<PlanRecord>>> {
  const cursor = decodeCursor(page.cursor, ['number', 'string', 'number']);
  if (!cursor.ok) return cursor;
  const [createdAtMs, id, version] = cursor.value ?? [];
  const isFirst = createdAtMs === undefined || id === undefined || version === undefined;
  const after = isFirst ? null : { createdAtMs, id, version };
  const rows = await deps.plans.list({ after, limit: page.limit + 1 });
  const value = mergePage([rows], {
    compare: () => 0, // One list, sorted by storage.
    place: (row) => [row.createdAtMs, row.id, row.terms.version],
    limit: page.limit,
  });
  return ok(value);
}

/** A plan with its versions. Refusals: `not_found`. */
export async function readPlan(
  deps: Pick<ManagePlansDeps, 'plans'>,
  planId: string,
): Promise<Result<PlanDetail>> {
  const [versions, migrationTarget] = await Promise.all([
    deps.plans.versionsOf(planId),
    deps.plans.migrationTarget(planId),
  ]);
  const [newest] = versions;
  return newest === undefined ? notFound('plan') : ok({ newest, versions, migrationTarget });
}

async function reread(
  deps: Pick<ManagePlansDeps, 'plans'>,
  { id, terms }: PlanRecord,
): Promise<Result<PlanRecord>> {
  return ok(required(await deps.plans.version(id, terms.version), 'versions are never removed'));
}

function firstTerms(planId: string, body: CreatePlanBody): PlanTerms {
  const dunningDays = dunningDaysOf(body.dunningDays) ?? DEFAULTS.dunningDays;
  const graceDays = body.graceDays ?? DEFAULTS.graceDays;
  const { changePolicy, price, tax } = body;
  return {
    planId,
    version: 1,
    group: body.group ?? DEFAULTS.group,
    name: body.name,
    priceMinor: price.amount,
    currency: price.currency,
    interval: body.interval,
    trialDays: body.trialDays ?? DEFAULTS.trialDays,
    trialNeedsMethod: body.trialNeedsPaymentMethod ?? DEFAULTS.trialNeedsMethod,
    trialEnd: body.trialEnd ?? DEFAULTS.trialEnd,
    graceDays,
    dunningDays,
    // A long grace or a late try moves the end that nobody named.
    cancelAfterDays:
      body.cancelAfterDays ?? Math.max(DEFAULTS.cancelAfterDays, graceDays, lastOf(dunningDays)),
    changePolicy: {
      upgrade: changePolicy?.upgrade ?? DEFAULTS.changePolicy.upgrade,
      downgrade: changePolicy?.downgrade ?? DEFAULTS.changePolicy.downgrade,
      trial: changePolicy?.trial ?? DEFAULTS.changePolicy.trial,
    },
    cancelRefund: body.cancelRefund ?? DEFAULTS.cancelRefund,
    tax: {
      rateBps: tax?.rateBps ?? DEFAULTS.tax.rateBps,
      inclusive: tax?.inclusive ?? DEFAULTS.tax.inclusive,
    },
    entitlements: body.entitlements,
  };
}

function nextTerms(before: PlanTerms, body: PlanVersionBody): PlanTerms {
  const { changePolicy, price, tax } = body;
  return {
    planId: before.planId,
    version: before.version + 1,
    group: before.group,
    name: body.name ?? before.name,
    priceMinor: price?.amount ?? before.priceMinor,
    currency: price?.currency ?? before.currency,
    interval: body.interval ?? before.interval,
    trialDays: body.trialDays ?? before.trialDays,
    trialNeedsMethod: body.trialNeedsPaymentMethod ?? before.trialNeedsMethod,
    trialEnd: body.trialEnd ?? before.trialEnd,
    graceDays: body.graceDays ?? before.graceDays,
    dunningDays: dunningDaysOf(body.dunningDays) ?? before.dunningDays,
    cancelAfterDays: body.cancelAfterDays ?? before.cancelAfterDays,
    changePolicy: {
      upgrade: changePolicy?.upgrade ?? before.changePolicy.upgrade,
      downgrade: changePolicy?.downgrade ?? before.changePolicy.downgrade,
      trial: changePolicy?.trial ?? before.changePolicy.trial,
    },
    cancelRefund: body.cancelRefund ?? before.cancelRefund,
    tax: {
      rateBps: tax?.rateBps ?? before.tax.rateBps,
      inclusive: tax?.inclusive ?? before.tax.inclusive,
    },
    entitlements: body.entitlements ?? before.entitlements,
  };
}

/** A number n stands for the usual days that are up to n. */
function dunningDaysOf(wanted: number | readonly number[] | undefined) {
  return typeof wanted === 'number' ? DUNNING_DAYS.filter((day) => day <= wanted) : wanted;
}

/** Nobody is cancelled while access still runs or a charge is still to be tried. */
function faultOf({ cancelAfterDays, graceDays, dunningDays }: PlanTerms) {
  if (cancelAfterDays < graceDays) {
    return invalidField('/cancelAfterDays', 'must not be less than graceDays');
  }
  if (cancelAfterDays < lastOf(dunningDays)) {
    return invalidField('/cancelAfterDays', 'must not be before the last of dunningDays');
  }
  return null;
}

/** Subscribers who move to a version keep paying in their currency; another one is another plan. */
function currencyFault(before: PlanTerms, after: PlanTerms) {
  return before.currency === after.currency
    ? null
    : invalidField('/price/currency', 'must be the currency of the plan');
}

function lastOf(days: readonly number[]): number {
  return days.at(-1) ?? 0;
}
