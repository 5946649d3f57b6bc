/** `/v1/ops/reviews`: subscriptions' money that waits for a person: refunds that failed, payments that are disputed. */
import type { Context } from 'hono';
import {
  listReviews,
  retryRefund,
  settleReview,
  type ReviewCommand,
} from '../../application/billing/reviews.ts';
import { pageQuerySchema } from '../../contracts/http/common.ts';
import {
  decisionSchema,
  reviewPageSchema,
  reviewSchema,
  toReviewView,
} from '../../contracts/http/reviews.ts';
import type { App, AppEnv } from '../context.ts';
import { lasting } from '../lasting.ts';
import { mappedResponse, pageResponse } from '../map-response.ts';
import { idempotent } from '../middleware/idempotent-call.ts';
import { requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';
import { billingDeps } from '../use-case-deps.ts';

const tag = 'Operations';
const access = ['operator'] as const;
const pathIds = { id: 'chg' } as const;
const decided = {
  access,
  key: 'required',
  pathIds,
  body: decisionSchema,
  answers: { 200: { description: 'The charge that was looked at.', schema: reviewSchema } },
  refusals: ['invalid_transition', 'overloaded'],
} as const;

const list = defineRoute({
  method: 'get',
  path: '/v1/ops/reviews',
  tag,
  summary: 'List subscriptions’ money that waits for a person',
  description:
    'Refunds that the processor refused for good, and payments that their payers object to.',
  access,
  query: pageQuerySchema,
  answers: { 200: { description: 'Charges, oldest first.', schema: reviewPageSchema } },
});

const retry = defineRoute({
  method: 'post',
  path: '/v1/ops/reviews/{id}/retry',
  tag,
  summary: 'Ask for a refund again that failed',
  ...decided,
});

const settle = defineRoute({
  method: 'post',
  path: '/v1/ops/reviews/{id}/settle',
  tag,
  summary: 'Take what was seen to in another way off the list',
  ...decided,
});

/** Registers the routes. */
export function registerOpsReviews(app: App): void {
  app.openapi(list, async (c) => {
    const result = await listReviews(billingDeps(c.get('services')), c.req.valid('query'));
    return pageResponse(c, result, toReviewView);
  });
  app.openapi(retry, (c) =>
    idempotent(async () => {
      const work = retryRefund(billingDeps(c.get('services')), commandOf(c, c.req.valid('json')));
      return mappedResponse(c, await lasting(c, work), { map: toReviewView });
    })(c),
  );
  app.openapi(settle, (c) =>
    idempotent(async () => {
      const work = settleReview(billingDeps(c.get('services')), commandOf(c, c.req.valid('json')));
      return mappedResponse(c, await lasting(c, work), { map: toReviewView });
    })(c),
  );
}

function commandOf(c: Context<AppEnv>, { reason }: { readonly reason: string }): ReviewCommand {
  return { caller: requireCaller(c), chargeId: c.req.param('id') ?? '', reason };
}
