/** Webhooks of processors: a 2xx only after the raw event is durable. The body is read raw, because it was signed raw. */
import { z } from '@hono/zod-openapi';
import { receiveWebhook } from '../../application/receive-webhook.ts';
import { webhookPorts } from '../background.ts';
import type { App } from '../context.ts';
import { refusalResponse } from '../respond.ts';
import { defineRoute } from '../route.ts';

const postWebhook = defineRoute({
  method: 'post',
  path: '/v1/webhooks/{processor}',
  tag: 'Processors',
  summary: 'Receive a signed event of a processor',
  access: 'public',
  key: 'none',
  rate: 'none',
  params: z.object({ processor: z.string() }),
  isBodyRaw: true,
  answers: {
    200: {
      description: 'The event is kept.',
      schema: z.strictObject({ received: z.literal(true) }),
    },
  },
  refusals: ['invalid_signature', 'not_found'],
});

/** Mounts the webhook endpoint. */
export function registerWebhooks(app: App): void {
  app.openapi(postWebhook, async (c) => {
    const gateway = c.get('services').gateways.get(c.req.valid('param').processor);
    if (gateway === null) {
      return refusalResponse(c, { code: 'not_found', detail: 'This processor is not configured.' });
    }
    const incoming = { gateway, rawBody: await c.req.text(), headers: c.req.raw.headers };
    const received = await receiveWebhook(webhookPorts(c.env, c.get('services')), incoming);
    return received.ok
      ? c.json({ received: true as const }, 200)
      : refusalResponse(c, received.refusal);
  });
}
