/**
 * A name for each request, on the answer and in the log. Always our own: a caller's would let it write into our log.
 */
import type { MiddlewareHandler } from 'hono';
import { encodeIdChars } from '../../domain/ids.ts';
import type { AppEnv } from '../context.ts';

/** Characters of a request id: 80 bits. */
const REQUEST_ID_LENGTH = 16;

/** Sets the request id. */
export const requestId: MiddlewareHandler<AppEnv> = async (c, next) => {
  const id = `req_${encodeIdChars(c.get('services').entropy.bytes(REQUEST_ID_LENGTH))}`;
  c.set('requestId', id);
  await next();
  c.res.headers.set('X-Request-Id', id);
};
