/** `GET /v1/plans`: the plans on sale, open to all. Plans are few, so that one page has them all. */
import { planPageSchema, toPlanView } from '../../contracts/http/plans.ts';
import { PlanRepository } from '../../storage/d1/plan-repository.ts';
import type { App } from '../context.ts';
import { defineRoute } from '../route.ts';

const list = defineRoute({
  method: 'get',
  path: '/v1/plans',
  tag: 'Subscriptions',
  summary: 'List plans',
  access: 'public',
  answers: { 200: { description: 'The plans on sale.', schema: planPageSchema } },
});

/** Registers the route. */
export function registerPlans(app: App): void {
  app.openapi(list, async (c) => {
    const plans = await new PlanRepository(c.get('services').databases.of('global')).published();
    return c.json({ data: plans.map(toPlanView), nextCursor: null }, 200);
  });
}
