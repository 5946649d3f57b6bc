/**
 * Headers that keep an answer from being read as something else: no sniffing, no framing, no scripts, TLS only.
 * Pages of our own allow their style sheet by its hash. Answers are private unless a route says otherwise.
 */
import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../context.ts';

const HEADERS: readonly [string, string][] = [
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Frame-Options', 'DENY'],
  ['Referrer-Policy', 'no-referrer'],
  ['Cross-Origin-Resource-Policy', 'same-site'],
  ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'"],
  ['Cache-Control', 'private, no-store'],
];

/** Sets what the route did not set. */
export const secureHeaders: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  const { headers } = c.res;
  for (const [name, value] of HEADERS) {
    if (!headers.has(name)) headers.set(name, value);
  }
  if (c.get('services').settings.publicUrl.startsWith('https://')) {
    headers.set('Strict-Transport-Security', 'max-age=31536000; includeSubDomains');
  }
};
