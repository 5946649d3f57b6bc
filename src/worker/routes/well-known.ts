/**
 * What others look for at agreed places of our domain: Apple's proof that payments on these pages are ours.
 * Owns no secret: what it serves is made to be public. Called by app.ts.
 */
import { z } from '@hono/zod-openapi';
import type { App } from '../context.ts';
import { refusalResponse } from '../respond.ts';
import { defineRoute } from '../route.ts';

/** Apple reads it when the domain is registered, and again from time to time. */
const applePayRoute = defineRoute({
  method: 'get',
  path: '/.well-known/apple-developer-merchantid-domain-association',
  tag: 'Processors',
  summary: 'Prove to Apple Pay that this domain is ours',
  access: 'public',
  key: 'none',
  rate: 'none',
  answers: {
    200: { description: 'The text as it was configured.', schema: z.string(), type: 'text/plain' },
  },
  refusals: ['not_found'],
});

/** Mounts the agreed places. */
export function registerWellKnown(app: App): void {
  app.openapi(applePayRoute, (c) => {
    const text = domainAssociation(c.env);
    if (text === null) {
      return refusalResponse(c, { code: 'not_found', detail: 'Apple Pay is not configured.' });
    }
    c.header('Content-Type', 'text/plain; charset=utf-8');
    return c.body(text);
  });
}

const VARIABLE = 'APPLE_PAY_DOMAIN_ASSOCIATION';

/**
 * The text, byte for byte; null when it is not configured. A variable of a Worker holds 5 kB and Apple's text may be
 * longer, so it goes on in variables with `_2`, `_3` and so on behind the name.
 */
function domainAssociation(env: object): string | null {
  const variables = new Map<string, unknown>(Object.entries(env));
  let text = '';
  for (let part = 1; ; part += 1) {
    const value = variables.get(part === 1 ? VARIABLE : `${VARIABLE}_${String(part)}`);
    if (typeof value !== 'string' || value === '') return text === '' ? null : text;
    text += value;
  }
}
