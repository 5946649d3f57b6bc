/**
 * E-mail addresses as keys: one person has one key in whatever case the address was typed, and the key tells nobody the address.
 * Used by the Worker and by scripts that seed accounts.
 */
import { keyedDigest } from './digest.ts';
import { toBase64Url } from './base64.ts';

/** The address as it is compared and shown: trimmed and in lower case. */
export function normalizeEmail(email: string): string {
  return email.trim().normalize('NFC').toLowerCase();
}

/** The key of an address under the deployment's id secret: HMAC-SHA-256, 43 characters. */
export function emailKey(idSecret: string, email: string): string {
  return toBase64Url(keyedDigest(idSecret, 'email')(normalizeEmail(email)));
}
