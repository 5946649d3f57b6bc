/**
 * The shape of ids: prefix, locator, random part, keyed check. The locator routes a request without a look-up:
 * nine characters of a shard key, or one character of a data region. The check is made and verified by a port,
 * so that a forged id is refused before any object is named.
 */

/** Where personal data lives: `g` global, `e` European Union. */
export type DataRegion = 'global' | 'eu';

/** Prefixes of ids that live in one inventory shard; their locator is the shard key. */
export const SHARD_ID_KINDS = [
  'slt',
  'hld',
  'bkg',
  'pay',
  'rfd',
  'wtl',
  'res',
  'svc',
  'shd',
  'evt',
  'rul',
  'blk',
] as const;

/** Prefixes of ids that live in D1; their locator is the data region. */
export const REGION_ID_KINDS = [
  'sub',
  'pln',
  'inv',
  'chg',
  'crn',
  'usr',
  'prv',
  'ven',
  'whk',
  'pmt',
  'pot',
  'fed',
  'cpn',
  'gst',
  'pvn',
] as const;

export type ShardIdKind = (typeof SHARD_ID_KINDS)[number];
export type RegionIdKind = (typeof REGION_ID_KINDS)[number];
export type IdKind = ShardIdKind | RegionIdKind;

/** Crockford's base 32, lower case: no letter that reads like a digit. */
export const ID_ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Characters of the random part: 100 bits, so that ids minted apart do not meet. */
export const ID_RANDOM_LENGTH = 20;

/** Characters of the keyed check: 50 bits, far beyond what can be tried against a rate limit. */
export const ID_CHECK_LENGTH = 10;

const SHARD_KEY = /^[ge][0-9a-hjkmnp-tv-z]{8}$/;
const BODY = /^([ge][0-9a-hjkmnp-tv-z]{8}|[ge])([0-9a-hjkmnp-tv-z]{20})([0-9a-hjkmnp-tv-z]{10})$/;

/** The parts of a well-formed id; whether its check is genuine is for the port to say. */
export interface IdParts {
  readonly kind: IdKind;
  /** Shard key or region character. */
  readonly locator: string;
  /** What the check signs: everything before it. */
  readonly signed: string;
  readonly check: string;
}

/** Splits an id of the wanted kind, or returns null when it is malformed. */
export function parseId(kind: IdKind, text: string): IdParts | null {
  if (!text.startsWith(`${kind}_`)) return null;
  const match = BODY.exec(text.slice(kind.length + 1));
  const [, locator, , check] = match ?? [];
  if (locator === undefined || check === undefined) return null;
  const isShardKind = (SHARD_ID_KINDS as readonly string[]).includes(kind);
  if ((locator.length === 9) !== isShardKind) return null;
  return { kind, locator, signed: text.slice(0, -ID_CHECK_LENGTH), check };
}

/** True for the key of an inventory shard. */
export function isShardKey(text: string): boolean {
  return SHARD_KEY.test(text);
}

/** The region character of a locator. */
export function regionLetter(region: DataRegion): 'g' | 'e' {
  return region === 'eu' ? 'e' : 'g';
}

/** The data region that a locator or shard key names. */
export function regionOf(locator: string): DataRegion {
  return locator.startsWith('e') ? 'eu' : 'global';
}

/** The data region in which what an id names lives; whether the id is genuine is checked before. */
export function regionOfId(id: string): DataRegion {
  return regionOf(id.slice(id.indexOf('_') + 1));
}

/** Encodes bytes in the id alphabet, five bits of each byte, so that every character is uniform. */
export function encodeIdChars(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += ID_ALPHABET.charAt(byte & 31);
  return text;
}
