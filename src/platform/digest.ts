/**
 * Digests, keyed and not, all synchronous: a hash inside a transaction must not give way to another call.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Digest } from '../application/ports.ts';
import { required } from '../domain/assert.ts';

/** SHA-256 and canonical JSON. Errors: a value that JSON cannot say is a broken invariant. Source: RFC 8785. */
export const systemDigest: Digest = {
  sha256: (text) => createHash('sha256').update(text, 'utf8').digest('hex'),
  canonical: (value) => required(canonicalize(value), 'only JSON values have a canonical form'),
};

/** Base 64 SHA-256 of a text, as a Content-Security-Policy names what it allows. */
export function sha256Base64(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('base64');
}

/**
 * HMAC-SHA-256 of a text under a key derived for one purpose, so that what is made for one
 * can never be shown for another.
 */
export function keyedDigest(secret: string, purpose: string): (text: string) => Uint8Array {
  const key = createHmac('sha256', secret).update(`holdfast/${purpose}`, 'utf8').digest();
  return (text) => createHmac('sha256', key).update(text, 'utf8').digest();
}

/** Compares two texts in a time that does not tell where they differ; the lengths are no secret. */
export function isSameText(a: string, b: string): boolean {
  const left = new TextEncoder().encode(a);
  const right = new TextEncoder().encode(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
