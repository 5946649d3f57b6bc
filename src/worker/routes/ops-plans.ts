/**
 * `/v1/ops/plans`: operators write, sell and retire versions of plans and move subscribers to them, and change what one
 * subscription grants. What touches subscriptions is handed in, because it is billing's work.
 */
import {
  addPlanVersion,
  createPlan,
  listPlanVersions,
  migratePlan,
  publishPlan,
  readPlan,
  retirePlan,
  type ManagePlansDeps,
  type PlanDetail,
} from '../../application/billing/manage-plans.ts';
import { pageQuerySchema } from '../../contracts/http/common.ts';
import {
  createPlanSchema,
  emptyBodySchema,
  migrationSchema,
  overridesSchema,
  planDetailSchema,
  planVersionBodySchema,
  planVersionPageSchema,
  planVersionSchema,
  publishPlanSchema,
  toPlanVersionView,
  type PlanDetailView,
} from '../../contracts/http/plans.ts';
import type { Result } from '../../domain/result.ts';
import type { Features } from '../../domain/subscription/plan.ts';
import { PlanRepository } from '../../storage/d1/plan-repository.ts';
import type { App, Services } from '../context.ts';
import { mappedResponse, pageResponse } from '../map-response.ts';
import { idempotent } from '../middleware/idempotent-call.ts';
import { requireCaller, resultResponse } from '../respond.ts';
import { defineRoute } from '../route.ts';

/** Billing's part of what operators command. */
export interface SubscriberCommands {
  /** Moves subscribers of older versions of a plan to a version; gives how many moved and how many are left. */
  migrateSubscribers(
    planId: string,
    version: number,
  ): Promise<{ readonly migrated: number; readonly remaining: number }>;
  /** Replaces what a subscription grants beyond and below its plan. Refusals: `not_found`. */
  setOverrides(
    subscriptionId: string,
    own: { readonly overrides: Features; readonly removals: readonly string[] },
    actor: string,
  ): Promise<Result<object>>;
}

const tag = 'Operators';
const access = ['operator'] as const;
const pathIds = { id: 'pln' } as const;
const plan = { description: 'The version of the plan.', schema: planVersionSchema };

const create = defineRoute({
  method: 'post',
  path: '/v1/ops/plans',
  tag,
  summary: 'Write a plan',
  description:
    'A draft, until it is published. Terms that are left out have their defaults: no trial, 7 days of grace, tries after 1, 3, 5, 7, 10 and 14 days, cancelled after 28.',
  access,
  body: createPlanSchema,
  answers: { 201: plan },
});

const list = defineRoute({
  method: 'get',
  path: '/v1/ops/plans',
  tag,
  summary: 'List the versions of all plans',
  access,
  query: pageQuerySchema,
  answers: { 200: { description: 'Versions, newest first.', schema: planVersionPageSchema } },
});

const read = defineRoute({
  method: 'get',
  path: '/v1/ops/plans/{id}',
  tag,
  summary: 'Read a plan with its versions',
  access,
  pathIds,
  answers: { 200: { description: 'The plan.', schema: planDetailSchema } },
});

const publish = defineRoute({
  method: 'post',
  path: '/v1/ops/plans/{id}/publish',
  tag,
  summary: 'Put a version on sale',
  description:
    'The newest one, or the one that is named. The version before goes off sale; its subscribers stay on it.',
  access,
  pathIds,
  body: publishPlanSchema,
  isBodyOptional: true,
  answers: { 200: plan },
  refusals: ['invalid_transition'],
});

const retire = defineRoute({
  method: 'post',
  path: '/v1/ops/plans/{id}/retire',
  tag,
  summary: 'Take a plan off sale',
  description: 'Its subscribers stay.',
  access,
  pathIds,
  body: emptyBodySchema,
  isBodyOptional: true,
  answers: { 200: plan },
});

const addVersion = defineRoute({
  method: 'post',
  path: '/v1/ops/plans/{id}/versions',
  tag,
  summary: 'Write a further version of a plan',
  description:
    'A draft, until it is published. What is left out is as in the newest version. The code, the group and the currency stay.',
  access,
  pathIds,
  body: planVersionBodySchema,
  answers: { 201: plan },
});

const migrate = defineRoute({
  method: 'post',
  path: '/v1/ops/plans/{id}/migrate',
  tag,
  summary: 'Move subscribers of older versions to the one on sale',
  description: 'Repeat it, with a new key, until none remains.',
  access,
  pathIds,
  body: emptyBodySchema,
  isBodyOptional: true,
  answers: { 200: { description: 'How far it came.', schema: migrationSchema } },
  refusals: ['invalid_transition'],
});

const override = defineRoute({
  method: 'put',
  path: '/v1/ops/subscriptions/{id}/overrides',
  tag,
  summary: 'Change what one subscription grants',
  description:
    'Values that replace those of the plan, and features that are taken away. What is left out is as in the plan.',
  access,
  pathIds: { id: 'sub' },
  body: overridesSchema,
  answers: { 200: { description: 'The subscription.' } },
});

/** Registers the routes. */
export function registerOpsPlans(
  app: App,
  commandsOf: (services: Services, env: Env) => SubscriberCommands,
): void {
  registerReads(app);
  registerWrites(app);
  app.openapi(migrate, (c) =>
    idempotent(async () => {
      const commands = commandsOf(c.get('services'), c.env);
      const deps = {
        ...depsOf(c.get('services')),
        migrateSubscribers: (planId: string, version: number) =>
          commands.migrateSubscribers(planId, version),
      };
      return resultResponse(c, await migratePlan(deps, c.req.param('id')));
    })(c),
  );
  app.openapi(override, async (c) => {
    const { overrides = {}, removals = [] } = c.req.valid('json');
    const commands = commandsOf(c.get('services'), c.env);
    const own = { overrides, removals };
    const actor = requireCaller(c).id;
    return resultResponse(c, await commands.setOverrides(c.req.param('id'), own, actor));
  });
}

function registerReads(app: App): void {
  app.openapi(list, async (c) => {
    const result = await listPlanVersions(depsOf(c.get('services')), c.req.valid('query'));
    return pageResponse(c, result, toPlanVersionView);
  });
  app.openapi(read, async (c) => {
    const result = await readPlan(depsOf(c.get('services')), c.req.param('id'));
    return mappedResponse(c, result, { map: toDetailView });
  });
}

function registerWrites(app: App): void {
  app.openapi(create, (c) =>
    idempotent(async () => {
      const asker = { caller: requireCaller(c), call: c.get('callKey') };
      const result = await createPlan(depsOf(c.get('services')), asker, c.req.valid('json'));
      return mappedResponse(c, result, { map: toPlanVersionView, status: 201 });
    })(c),
  );
  app.openapi(addVersion, (c) =>
    idempotent(async () => {
      const asker = { caller: requireCaller(c), call: c.get('callKey') };
      const change = { planId: c.req.param('id'), body: c.req.valid('json') };
      const result = await addPlanVersion(depsOf(c.get('services')), asker, change);
      return mappedResponse(c, result, { map: toPlanVersionView, status: 201 });
    })(c),
  );
  app.openapi(publish, (c) =>
    idempotent(async () => {
      const { version } = c.req.valid('json');
      const wanted = { planId: c.req.param('id'), version };
      const result = await publishPlan(depsOf(c.get('services')), wanted);
      return mappedResponse(c, result, { map: toPlanVersionView });
    })(c),
  );
  app.openapi(retire, (c) =>
    idempotent(async () => {
      const result = await retirePlan(depsOf(c.get('services')), c.req.param('id'));
      return mappedResponse(c, result, { map: toPlanVersionView });
    })(c),
  );
}

function depsOf({ clock, ids, digest, databases }: Services): ManagePlansDeps {
  return { clock, ids, digest, plans: new PlanRepository(databases.of('global')) };
}

function toDetailView({ newest, versions, migrationTarget }: PlanDetail): PlanDetailView {
  return {
    ...toPlanVersionView(newest),
    migrationTarget,
    versions: versions.map(toPlanVersionView),
  };
}
