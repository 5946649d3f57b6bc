/** What no route takes: 405 with the methods that a path has, 404 for a path that nobody has. */
import type { NotFoundHandler } from 'hono';
import { TrieRouter } from 'hono/router/trie-router';
import { refuse } from '../../domain/result.ts';
import type { App, AppEnv } from '../context.ts';
import { refusalResponse } from '../respond.ts';

/** Stands for every method, in Hono's table of routes. */
const ANY_METHOD = 'ALL';

/** Answers `not_found` or `method_not_allowed`. Source: RFC 9110, section 15.5.6 (Allow). */
export function answerUnrouted(app: App): NotFoundHandler<AppEnv> {
  let methodsOf: TrieRouter<string> | null = null;
  return (c) => {
    // Made at the first use, when all routes are there.
    methodsOf ??= indexMethods(app);
    const found = new Set(methodsOf.match(ANY_METHOD, c.req.path)[0].map(([method]) => method));
    if (found.size === 0) {
      return refusalResponse(c, refuse('not_found', 'There is nothing at this address.').refusal);
    }
    const allowed = [...found, ...(found.has('GET') ? ['HEAD'] : [])].join(', ');
    const response = refusalResponse(
      c,
      refuse('method_not_allowed', `This address takes ${allowed}.`).refusal,
    );
    response.headers.set('Allow', allowed);
    return response;
  };
}

function indexMethods(app: App): TrieRouter<string> {
  const router = new TrieRouter<string>();
  const seen = new Set<string>();
  for (const { method, path } of app.routes) {
    // Middleware is in the table too, for every method.
    if (method === ANY_METHOD || seen.has(`${method} ${path}`)) continue;
    seen.add(`${method} ${path}`);
    router.add(ANY_METHOD, path, method);
  }
  return router;
}
