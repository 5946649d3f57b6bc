/** The documentation that the platform serves of itself: the OpenAPI document, the reference, a page for each problem. */
import { z } from '@hono/zod-openapi';
import type { App } from '../context.ts';
import { openApiDocument } from '../openapi.ts';
import { renderFrontPage } from '../pages/front-page.ts';
import { pageResponse } from '../pages/page.ts';
import { renderProblemPage } from '../pages/problem-page.ts';
import { renderReference, type ReferenceDocument } from '../pages/reference-page.ts';
import { isProblemCode } from '../problem.ts';
import { refusalResponse } from '../respond.ts';
import { defineRoute } from '../route.ts';

const READ = { method: 'get', tag: 'Reference', access: 'public', rate: 'none' } as const;

/** Documentation changes with a deployment only. */
const MAX_AGE_SECONDS = 300;

const frontRoute = defineRoute({
  ...READ,
  path: '/',
  summary: 'Where to begin',
  answers: { 200: { description: 'A page.', schema: z.string(), type: 'text/html' } },
});

const documentRoute = defineRoute({
  ...READ,
  path: '/openapi.json',
  summary: 'This reference for machines',
  answers: { 200: { description: 'OpenAPI 3.1.', schema: z.looseObject({ openapi: z.string() }) } },
});

const pageRoute = defineRoute({
  ...READ,
  path: '/docs',
  summary: 'This reference for people',
  answers: { 200: { description: 'A page.', schema: z.string(), type: 'text/html' } },
});

const problemRoute = defineRoute({
  ...READ,
  path: '/problems/{code}',
  summary: 'What a problem means',
  params: z.object({ code: z.string() }),
  answers: { 200: { description: 'A page.', schema: z.string(), type: 'text/html' } },
  refusals: ['not_found'],
});

/** Registers the routes. */
export function registerReference(app: App): void {
  let json: string | null = null;
  let page: string | null = null;
  app.openapi(frontRoute, () => pageResponse(renderFrontPage(), MAX_AGE_SECONDS));
  app.openapi(documentRoute, (c) => {
    json ??= JSON.stringify(openApiDocument(app, c.get('services').settings.publicUrl));
    c.header('Content-Type', 'application/json');
    c.header('Cache-Control', `public, max-age=${MAX_AGE_SECONDS}`);
    return c.body(json);
  });
  app.openapi(pageRoute, (c) => {
    const { publicUrl } = c.get('services').settings;
    page ??= renderReference(openApiDocument(app, publicUrl) as unknown as ReferenceDocument);
    return pageResponse(page, MAX_AGE_SECONDS);
  });
  app.openapi(problemRoute, (c) => {
    const { code } = c.req.valid('param');
    if (!isProblemCode(code)) {
      return refusalResponse(c, { code: 'not_found', detail: 'There is no such problem code.' });
    }
    return pageResponse(renderProblemPage(code), MAX_AGE_SECONDS);
  });
}
