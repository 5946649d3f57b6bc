/**
 * Reads a request's body once, never more of it than a body may have, and says what it is.
 * Must not refuse by itself: the order of refusals is the routes' affair (middleware/guard.ts).
 */
import type { Context } from 'hono';
import type { AppEnv } from './context.ts';

/** Largest body in bytes; a request for 500 slots has about 60 KiB. */
export const BODY_BYTES_MAX = 256 * 1024;

/** What came as a body. `foreign` is a body of another media type; it is not read as JSON. */
export type RequestBody =
  | { readonly kind: 'empty' }
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'invalid_json'; readonly detail: string }
  | { readonly kind: 'raw' }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'foreign' };

/** Reads the body as JSON. Effect: Hono's body cache holds the text, so that validators do not read the stream again. */
export async function readJsonBody(c: Context<AppEnv>): Promise<RequestBody> {
  const bytes = await readBytes(c.req.raw);
  if (bytes === 'too_large') return { kind: 'too_large' };
  if (bytes.length === 0) return { kind: 'empty' };
  if (!isJsonType(c.req.header('Content-Type'))) return { kind: 'foreign' };
  return parse(c, bytes);
}

/**
 * Leaves the body as it came for `c.req.text()`, for signatures.
 * Invalid UTF-8 is replaced, which makes any signature over it wrong.
 */
export async function readRawBody(c: Context<AppEnv>): Promise<RequestBody> {
  const bytes = await readBytes(c.req.raw);
  if (bytes === 'too_large') return { kind: 'too_large' };
  cacheText(c, new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(bytes));
  return { kind: 'raw' };
}

/** Hands a text to the validators; Hono's cache holds promises, whatever its type says. */
export function cacheText(c: Context<AppEnv>, text: string): void {
  c.req.bodyCache.text = Promise.resolve(text) as unknown as string;
}

function parse(c: Context<AppEnv>, bytes: Uint8Array): RequestBody {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    cacheText(c, text);
    return { kind: 'json', value };
  } catch (error) {
    // The parser's message quotes the body, which may hold a password.
    const isEncoding = error instanceof TypeError;
    return {
      kind: 'invalid_json',
      detail: isEncoding ? 'The body is not valid UTF-8.' : 'The body does not parse as JSON.',
    };
  }
}

async function readBytes(request: Request): Promise<Uint8Array | 'too_large'> {
  if (request.body === null) return new Uint8Array();
  const declared = request.headers.get('Content-Length');
  if (declared === null) return readStream(request);
  if (Number(declared) > BODY_BYTES_MAX) return 'too_large';
  // A body of a declared length ends there; should the header lie all the same, the bytes are counted.
  const bytes = new Uint8Array(await request.arrayBuffer());
  return bytes.length > BODY_BYTES_MAX ? 'too_large' : bytes;
}

/** Reads a body of unknown length, and stops where it grows too large. */
async function readStream(request: Request): Promise<Uint8Array | 'too_large'> {
  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return joined(chunks, length);
    length += value.length;
    if (length > BODY_BYTES_MAX) {
      await reader.cancel();
      return 'too_large';
    }
    chunks.push(value);
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** `application/json`, in UTF-8 where a charset is named. */
function isJsonType(header: string | undefined): boolean {
  const [type = '', ...parameters] = (header ?? '').toLowerCase().split(';');
  if (type.trim() !== 'application/json') return false;
  const charset = parameters.map((text) => text.trim()).find((text) => text.startsWith('charset='));
  return charset === undefined || /^charset="?utf-?8"?$/.test(charset);
}
