/** Wire shapes of plans: the list that everybody reads, the operators' commands, and what a member's plan allows. */
import { z } from '@hono/zod-openapi';
import { FEATURES, featureFault, type Feature } from '../../domain/membership/features.ts';
import type { Json } from '../../domain/result.ts';
import type { Features, PlanTerms } from '../../domain/subscription/plan.ts';
import type { EpochMs } from '../../domain/time.ts';
import {
  MAX_AMOUNT_MINOR,
  instantSchema,
  jsonSchema,
  moneySchema,
  nameSchema,
  pageSchema,
} from './common.ts';
import { formatInstant } from './views.ts';

/** Two years: longer than any trial that is meant. */
const TRIAL_DAYS_MAX = 730;

/** A year: a subscription that stays unpaid longer is no subscription. */
const UNPAID_DAYS_MAX = 366;

/** Processors refuse a charge that is tried again much later. */
const DUNNING_DAY_MAX = 60;

const intervalSchema = z.strictObject({
  unit: z.enum(['day', 'week', 'month', 'year']),
  count: z.int().min(1).max(366),
});
const changeTimeSchema = z.enum(['now', 'period_end']);
const dunningDaySchema = z.int().min(1).max(DUNNING_DAY_MAX);
const featureNames = Object.keys(FEATURES) as [Feature, ...Feature[]];

/** Features with their values, each judged by its own rule; every one may be left out. */
export const featuresSchema = z
  .strictObject(
    Object.fromEntries(featureNames.map((feature) => [feature, valueSchema(feature).optional()])),
  )
  .openapi('Features', {
    description: 'Feature to value. Absent: not granted. null: unlimited.',
  }) as unknown as z.ZodType<Features>;

/** Days after the due instant, ascending; a single number n stands for those of the usual days that are up to n. */
const dunningDaysSchema = z
  .union([
    z
      .array(dunningDaySchema)
      .max(DUNNING_DAY_MAX)
      .refine(
        (days) => days.every((day, index) => index === 0 || day > (days[index - 1] ?? 0)),
        'must be ascending days',
      ),
    z.int().min(0).max(DUNNING_DAY_MAX),
  ])
  .openapi({
    description:
      'Days after the due instant on which a failed charge is tried again. A number n stands for 1, 3, 5, 7, 10, 14 up to n.',
    example: [1, 3, 5, 7, 10, 14],
  });

/** Every term of a version; left out at a plan's creation it has its default, in a further version that of the one before. */
const termFields = {
  name: nameSchema,
  price: moneySchema,
  interval: intervalSchema,
  trialDays: z.int().min(0).max(TRIAL_DAYS_MAX).optional(),
  trialNeedsPaymentMethod: z.boolean().optional(),
  trialEnd: z.enum(['cancel', 'pause']).optional(),
  graceDays: z.int().min(0).max(UNPAID_DAYS_MAX).optional(),
  dunningDays: dunningDaysSchema.optional(),
  cancelAfterDays: z.int().min(0).max(UNPAID_DAYS_MAX).optional(),
  changePolicy: z
    .strictObject({
      upgrade: changeTimeSchema.optional(),
      downgrade: changeTimeSchema.optional(),
      trial: changeTimeSchema.optional(),
    })
    .optional(),
  cancelRefund: z.enum(['none', 'prorated']).optional(),
  tax: z
    .strictObject({ rateBps: z.int().min(0).max(10_000), inclusive: z.boolean().optional() })
    .optional(),
  entitlements: featuresSchema,
};

export const createPlanSchema = z
  .strictObject({
    code: z.string().regex(/^[a-z0-9-]{1,60}$/, 'must be 1 to 60 of a-z, 0-9 and -'),
    group: z
      .string()
      .regex(/^[a-z0-9-]{1,60}$/, 'must be 1 to 60 of a-z, 0-9 and -')
      .optional(),
    ...termFields,
  })
  .openapi('CreatePlan');

export const planVersionBodySchema = z
  .strictObject({
    ...termFields,
    name: nameSchema.optional(),
    price: moneySchema.optional(),
    interval: intervalSchema.optional(),
    entitlements: featuresSchema.optional(),
  })
  .openapi('CreatePlanVersion');

export const publishPlanSchema = z
  .strictObject({ version: z.int().min(1).optional() })
  .openapi('PublishPlan');

export const emptyBodySchema = z.strictObject({}).openapi('EmptyBody');

export const overridesSchema = z
  .strictObject({
    overrides: featuresSchema.optional(),
    removals: z.array(z.enum(featureNames)).max(featureNames.length).optional(),
  })
  .check((context) => {
    const { overrides = {}, removals = [] } = context.value;
    for (const [index, feature] of removals.entries()) {
      if (!Object.hasOwn(overrides, feature) && removals.indexOf(feature) === index) continue;
      context.issues.push({
        code: 'custom',
        message: 'is given a value or removed before',
        path: ['removals', index],
        input: context.value,
      });
    }
  })
  .openapi('SubscriptionOverrides');

/** A plan as everybody sees it: the version on sale. */
export const planSchema = z
  .strictObject({
    id: z.string(),
    code: z.string(),
    name: z.string(),
    group: z.string(),
    price: moneySchema,
    interval: intervalSchema,
    trialDays: z.int(),
    trialNeedsPaymentMethod: z.boolean(),
    trialEnd: z.enum(['cancel', 'pause']),
    graceDays: z.int(),
    changePolicy: z.strictObject({
      upgrade: changeTimeSchema,
      downgrade: changeTimeSchema,
      trial: changeTimeSchema,
    }),
    cancelRefund: z.enum(['none', 'prorated']),
    tax: z.strictObject({ rateBps: z.int(), inclusive: z.boolean() }),
    entitlements: z.record(z.string(), jsonSchema),
    version: z.int(),
  })
  .openapi('Plan');

export const planPageSchema = pageSchema(planSchema).openapi('PlanPage');

/** One version of a plan as operators see it. */
export const planVersionSchema = planSchema
  .extend({
    dunningDays: z.array(z.int()),
    cancelAfterDays: z.int(),
    status: z.enum(['draft', 'published', 'retired']),
    createdAt: instantSchema,
  })
  .openapi('PlanVersion');

export const planVersionPageSchema = pageSchema(planVersionSchema).openapi('PlanVersionPage');

/** A plan with its versions, newest first; the plan's own fields are those of the newest. */
export const planDetailSchema = planVersionSchema
  .extend({ migrationTarget: z.int().nullable(), versions: z.array(planVersionSchema) })
  .openapi('PlanDetail');

export const migrationSchema = z
  .strictObject({
    planId: z.string(),
    version: z.int(),
    migrated: z.int(),
    remaining: z.int(),
  })
  .openapi('PlanMigration');

const allowanceFields = {
  plan: z.strictObject({ id: z.string(), name: z.string() }).nullable(),
  /** The features that the plan grants; null is unlimited. */
  limits: z.record(z.string(), jsonSchema),
  /** What is used of each counted feature in the running period. */
  used: z.record(z.string(), z.int()),
  /** What is left of each counted feature; null is unlimited. */
  remaining: z.record(z.string(), z.int().nullable()),
  /** The instant from which on the plan grants nothing unless it is paid again. */
  until: instantSchema.nullable(),
};

export const entitlementsSchema = z
  .strictObject({
    ...allowanceFields,
    memberships: z.array(
      z.strictObject({
        group: z.string(),
        subscriptionId: z.string(),
        ...allowanceFields,
        periodStart: instantSchema,
        periodEnd: instantSchema,
      }),
    ),
  })
  .openapi('MyEntitlements');

export type CreatePlanBody = z.infer<typeof createPlanSchema>;
export type PlanVersionBody = z.infer<typeof planVersionBodySchema>;
export type PlanView = z.infer<typeof planSchema>;
export type PlanVersionView = z.infer<typeof planVersionSchema>;
export type PlanDetailView = z.infer<typeof planDetailSchema>;
export type EntitlementsView = z.infer<typeof entitlementsSchema>;

/** One version of a plan, as storage has it. */
interface PlanLike {
  readonly id: string;
  readonly code: string;
  readonly terms: PlanTerms;
  readonly status: PlanVersionView['status'];
  readonly createdAtMs: EpochMs;
}

/** A plan on the wire. */
export function toPlanView({ id, code, terms }: Pick<PlanLike, 'id' | 'code' | 'terms'>): PlanView {
  return {
    id,
    code,
    name: terms.name,
    group: terms.group,
    price: { amount: terms.priceMinor, currency: terms.currency },
    interval: { ...terms.interval },
    trialDays: terms.trialDays,
    trialNeedsPaymentMethod: terms.trialNeedsMethod,
    trialEnd: terms.trialEnd,
    graceDays: terms.graceDays,
    changePolicy: { ...terms.changePolicy },
    cancelRefund: terms.cancelRefund,
    tax: { ...terms.tax },
    entitlements: { ...terms.entitlements },
    version: terms.version,
  };
}

/** A version of a plan on the wire, for operators. */
export function toPlanVersionView(record: PlanLike): PlanVersionView {
  return {
    ...toPlanView(record),
    dunningDays: [...record.terms.dunningDays],
    cancelAfterDays: record.terms.cancelAfterDays,
    status: record.status,
    createdAt: formatInstant(record.createdAtMs),
  };
}

/** The rule of one feature as a schema, so that a fault is told at its own place in the body. */
function valueSchema(feature: Feature): z.ZodType<Json> {
  return jsonSchema
    .refine((value) => featureFault(feature, value) === null, {
      error: ({ input }) => featureFault(feature, input as Json) ?? 'is not valid',
    })
    .refine((value) => feature !== 'overage.price' || Number(value) <= MAX_AMOUNT_MINOR, {
      error: `must be at most ${MAX_AMOUNT_MINOR}`,
    })
    .openapi(documented(feature));
}

/** How the reference shows a feature's value. */
function documented(feature: Feature) {
  const { type, canBeUnlimited } = FEATURES[feature];
  const orNull = canBeUnlimited ? (['null'] as const) : [];
  const description = canBeUnlimited ? 'null is unlimited.' : 'Cannot be unlimited.';
  switch (type) {
    case 'boolean':
      return { type: ['boolean' as const, ...orNull], description };
    case 'integer':
      return { type: ['integer' as const, ...orNull], minimum: 0, description };
    case 'bps':
      return { type: ['integer' as const, ...orNull], minimum: 0, maximum: 10_000, description };
    case 'list':
      return {
        type: ['array' as const, ...orNull],
        items: { type: 'string' as const },
        description,
      };
  }
}
