/** Places that others agreed on. Protects: Apple finds the text as it was configured, and nothing where none was. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/worker/app.ts';
import { registerWellKnown } from '../../src/worker/routes/well-known.ts';
import { expectProblem } from '../support/http.ts';

const PATH = '/.well-known/apple-developer-merchantid-domain-association';

function ask(variables: Readonly<Record<string, string>>): Promise<Response> {
  const app = createApp();
  if (!app.routes.some(({ path }) => path === PATH)) registerWellKnown(app);
  return Promise.resolve(app.request(PATH, {}, { ...env, ...variables }));
}

describe('the proof for Apple Pay', () => {
  it('is served as it was configured, to anyone', async () => {
    const response = await ask({ APPLE_PAY_DOMAIN_ASSOCIATION: '7B227073704964223A\n' });
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toBe('text/plain; charset=utf-8');
    expect(await response.text()).toBe('7B227073704964223A\n');
  });

  it('goes on in further variables, because one holds too little', async () => {
    const response = await ask({
      APPLE_PAY_DOMAIN_ASSOCIATION: 'first ',
      APPLE_PAY_DOMAIN_ASSOCIATION_2: 'second ',
      APPLE_PAY_DOMAIN_ASSOCIATION_3: 'third',
      APPLE_PAY_DOMAIN_ASSOCIATION_5: 'not meant',
    });
    expect(await response.text()).toBe('first second third');
  });

  it('is not there where Apple Pay is not configured', async () => {
    for (const variables of [{}, { APPLE_PAY_DOMAIN_ASSOCIATION: '' }]) {
      const response = await ask(variables);
      expect(response.status).toBe(404);
      await expectProblem(response, 'not_found');
    }
  });
});
