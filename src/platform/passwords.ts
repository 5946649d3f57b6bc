/**
 * Password hashes: scrypt over a peppered password, as a PHC string. Runs in the Worker and in Node scripts alike.
 * Must never log or return a password, and takes the same time whether the user exists or not.
 * Source: OWASP Password Storage Cheat Sheet (scrypt N=2^14, r=8, p=5). WebCrypto's PBKDF2 is no choice:
 * production Workers refuse the iterations that it needs.
 */
import { createHmac, scryptSync, timingSafeEqual } from 'node:crypto';
import { fromBase64, toBase64 } from './base64.ts';

/** Work factors; about 100 ms and 16 MiB. Stored in each hash, so that raising them breaks no login. */
const LOG_N = 14;
const R = 8;
const P = 5;
const HASH_LENGTH = 32;
const SALT_LENGTH = 16;

/** The dearest factors that a stored hash may ask for: the runtime refuses N * r * p above 2^20. */
const WORK_MAX = 2 ** 20;

/** Node's own default allows less than N=2^14, r=8 needs with overhead. */
const MEMORY_BYTES_MAX = 64 * 1024 * 1024;

const PHC =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{16,86})\$([A-Za-z0-9+/]{16,86})$/;

/** What hashing needs beside the password. */
export interface PasswordKey {
  /** A deployment secret; hashes from a stolen database alone cannot be tried without it. */
  readonly pepper: string;
}

/**
 * Hashes a password. `salt` is random and of one use.
 * Shape: `$scrypt$ln=14,r=8,p=5$<salt>$<hash>`, base 64 without padding.
 */
export function hashPassword(
  password: string,
  key: PasswordKey & { readonly salt: Uint8Array },
): string {
  const hash = derive(peppered(password, key.pepper), { salt: key.salt, logN: LOG_N, r: R, p: P });
  return `$scrypt$ln=${LOG_N},r=${R},p=${P}$${toBase64(key.salt)}$${toBase64(hash)}`;
}

/** True when the password has this hash. A text that is no hash of ours is never true. */
export function verifyPassword(password: string, stored: string, key: PasswordKey): boolean {
  const parsed = parsePhc(stored);
  if (parsed === null) return false;
  const hash = derive(peppered(password, key.pepper), parsed);
  return hash.length === parsed.hash.length && timingSafeEqual(hash, parsed.hash);
}

/** A random-looking hash that no password has, to be checked where there is no user. */
export const UNKNOWN_USER_HASH = `$scrypt$ln=${LOG_N},r=${R},p=${P}$${'A'.repeat(22)}$${'A'.repeat(43)}`;

/** Bytes of a salt. */
export const PASSWORD_SALT_LENGTH = SALT_LENGTH;

interface ScryptInput {
  readonly salt: Uint8Array;
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

function parsePhc(stored: string): (ScryptInput & { readonly hash: Uint8Array }) | null {
  const match = PHC.exec(stored);
  if (match === null) return null;
  const [, logN = '', r = '', p = ''] = match;
  const salt = fromBase64(match[4] ?? '');
  const hash = fromBase64(match[5] ?? '');
  if (salt === null || hash === null) return null;
  const input = { logN: Number(logN), r: Number(r), p: Number(p) };
  const work = 2 ** input.logN * input.r * input.p;
  if (work === 0 || work > WORK_MAX) return null;
  return { ...input, salt, hash };
}

function derive(secret: Uint8Array, input: ScryptInput): Uint8Array {
  return scryptSync(secret, input.salt, HASH_LENGTH, {
    N: 2 ** input.logN,
    r: input.r,
    p: input.p,
    maxmem: MEMORY_BYTES_MAX,
  });
}

/** Normalised first, so that the same password typed on another keyboard is the same password. */
function peppered(password: string, pepper: string): Uint8Array {
  return createHmac('sha256', pepper).update(password.normalize('NFKC'), 'utf8').digest();
}
