/**
 * The Idempotency-Key header: its form, whether it is there, and the fingerprint of what was asked under it.
 * Remembers nothing; that is done by the shard, or by idempotent-call.ts for calls that reach none.
 * Source: IETF draft httpapi-idempotency-key-header-07; the bare form is what most clients send.
 */
import type { Context } from 'hono';
import { refuse, type Refusal } from '../../domain/result.ts';
import type { AppEnv } from '../context.ts';
import type { RouteRules } from '../route.ts';

/** Longest key in characters. */
const KEY_LENGTH_MAX = 255;

/** Who is nobody, in a fingerprint. */
const ANONYMOUS = 'anonymous';

/** Reads the key; the fingerprint follows when the caller is known. Refusals: `idempotency_key_required`, `idempotency_key_invalid`. */
export function readCallKey(c: Context<AppEnv>, rules: RouteRules): Refusal | null {
  if (rules.key === 'none') return null;
  const header = c.req.header('Idempotency-Key');
  if (header === undefined) {
    if (rules.key === 'optional') return null;
    return refuse(
      'idempotency_key_required',
      'Send an Idempotency-Key header with a fresh random value.',
    ).refusal;
  }
  const key = parseKey(header);
  if (key === null) {
    return refuse(
      'idempotency_key_invalid',
      'A key has 1 to 255 visible ASCII characters, bare or quoted.',
    ).refusal;
  }
  c.set('callKey', { key, fingerprint: '' });
  return null;
}

/** Completes the key with the fingerprint of method, path, body and caller. */
export function sealCallKey(c: Context<AppEnv>): Refusal | null {
  const callKey = c.get('callKey');
  const services = c.get('services');
  const body = c.get('body');
  const caller = c.get('caller');
  if (callKey === null) return null;
  const asked = {
    method: c.req.method,
    path: c.req.path,
    body: body.kind === 'json' ? body.value : {},
    caller: caller?.id ?? ANONYMOUS,
  };
  try {
    const fingerprint = services.digest.sha256(services.digest.canonical(asked));
    c.set('callKey', { key: callKey.key, fingerprint });
    return null;
  } catch {
    // RFC 8785 has no form for a lone surrogate, which JSON lets through as an escape.
    return refuse('invalid_json', 'The body holds text that is not Unicode.').refusal;
  }
}

/** The key that a header names, bare or as a structured-field string (RFC 9651); null when it is neither. */
export function parseKey(header: string): string | null {
  const text = header.trim();
  const key = text.startsWith('"') ? unquote(text) : text;
  if (key === null || key.length > KEY_LENGTH_MAX) return null;
  return /^[\x21-\x7e]+$/.test(key) ? key : null;
}

function unquote(text: string): string | null {
  const inner = /^"((?:[^"\\]|\\["\\])*)"$/.exec(text)?.[1];
  return inner === undefined ? null : inner.replace(/\\(["\\])/g, '$1');
}
