/** Answers that carry a hash of themselves, so that a client which asks again pays for a change only. */
import type { Context } from 'hono';
import type { AppEnv } from './context.ts';

/** The text with the hash of itself, or 304 where the client has just that. Source: RFC 9110, 13.1.2. */
export function taggedResponse(
  c: Context<AppEnv>,
  answer: { readonly text: string; readonly type: string; readonly cacheControl: string },
): Response {
  const etag = `"${c.get('services').digest.sha256(answer.text).slice(0, 32)}"`;
  const headers = { ETag: etag, 'Cache-Control': answer.cacheControl };
  const known = c.req.header('If-None-Match')?.split(',') ?? [];
  // Weak comparison: a proxy that compressed the answer has marked the tag with W/.
  const isKnown = known.some((value) => ['*', etag].includes(value.trim().replace(/^W\//, '')));
  if (isKnown) return c.body(null, 304, headers);
  return c.body(answer.text, 200, { ...headers, 'Content-Type': answer.type });
}
