/** `/v1/ops/webhook-events` and `/v1/ops/dead-letters`: what came in and what was given up on, to see and to send again. */
import {
  listDeadLetters,
  listWebhookEvents,
  replayDeadLetter,
  replayWebhookEvent,
} from '../../application/replay-messages.ts';
import { pageQuerySchema } from '../../contracts/http/common.ts';
import {
  deadLetterPageSchema,
  letterPathSchema,
  replayedSchema,
  toDeadLetterView,
  toWebhookEventView,
  webhookEventPageSchema,
} from '../../contracts/http/operations.ts';
import type { App } from '../context.ts';
import { mappedResponse, pageResponse } from '../map-response.ts';
import { idempotent } from '../middleware/idempotent-call.ts';
import { defineRoute } from '../route.ts';
import { replayDeps } from '../use-case-deps.ts';

const tag = 'Operations';
const access = ['operator'] as const;
const replayed = { 202: { description: 'It is on its way again.', schema: replayedSchema } };

const listEvents = defineRoute({
  method: 'get',
  path: '/v1/ops/webhook-events',
  tag,
  summary: 'List received webhook events',
  access,
  query: pageQuerySchema,
  answers: { 200: { description: 'Events, newest first.', schema: webhookEventPageSchema } },
});

const replayEvent = defineRoute({
  method: 'post',
  path: '/v1/ops/webhook-events/{id}/replay',
  tag,
  summary: 'Handle a webhook event again',
  access,
  pathIds: { id: 'whk' },
  answers: replayed,
});

const listLetters = defineRoute({
  method: 'get',
  path: '/v1/ops/dead-letters',
  tag,
  summary: 'List dead letters',
  access,
  query: pageQuerySchema,
  answers: { 200: { description: 'Letters, newest first.', schema: deadLetterPageSchema } },
});

const replayLetter = defineRoute({
  method: 'post',
  path: '/v1/ops/dead-letters/{id}/replay',
  tag,
  summary: 'Send a dead letter again',
  access,
  params: letterPathSchema,
  answers: replayed,
  refusals: ['not_found', 'invalid_transition'],
});

/** Registers the routes. */
export function registerOpsMessages(app: App): void {
  app.openapi(listEvents, async (c) => {
    const result = await listWebhookEvents(
      replayDeps(c.env, c.get('services')),
      c.req.valid('query'),
    );
    return pageResponse(c, result, toWebhookEventView);
  });
  app.openapi(replayEvent, (c) =>
    idempotent(async () => {
      const id = c.req.param('id');
      const result = await replayWebhookEvent(replayDeps(c.env, c.get('services')), id);
      return mappedResponse(c, result, { map: () => ({ id, status: 'enqueued' }), status: 202 });
    })(c),
  );
  app.openapi(listLetters, async (c) => {
    const result = await listDeadLetters(
      replayDeps(c.env, c.get('services')),
      c.req.valid('query'),
    );
    return pageResponse(c, result, toDeadLetterView);
  });
  app.openapi(replayLetter, (c) =>
    idempotent(async () => {
      const { id } = c.req.valid('param');
      const result = await replayDeadLetter(replayDeps(c.env, c.get('services')), id);
      return mappedResponse(c, result, { map: () => ({ id, status: 'enqueued' }), status: 202 });
    })(c),
  );
}
