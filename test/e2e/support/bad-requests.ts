/** Requests for a slot that make no sense, each with the refusal that is documented for it. */
import type { Sent } from './shop.ts';

export interface BadRequest {
  readonly what: string;
  readonly status: number;
  readonly code: string;
  readonly sent: (slotId: string) => Sent;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const TOO_LARGE = JSON.stringify({ slotIds: ['x'.repeat(300_000)] });

/** The same id with its last character changed. */
export function forged(id: string): string {
  return id.slice(0, -1) + (id.endsWith('0') ? '1' : '0');
}

const unkeyed = (what: string, code: string, key: string | null): BadRequest => ({
  what,
  status: 400,
  code,
  sent: (slotId) => ({ body: { slotIds: [slotId] }, key }),
});

const invalid = (what: string, change: (slotId: string) => object): BadRequest => ({
  what,
  status: 422,
  code: 'validation_failed',
  sent: (slotId) => ({ body: { slotIds: [slotId], ...change(slotId) } }),
});

const unknown = (what: string, id: (slotId: string) => string): BadRequest => ({
  what,
  status: 404,
  code: 'not_found',
  sent: (slotId) => ({ body: { slotIds: [id(slotId)] } }),
});

export const BAD_REQUESTS: readonly BadRequest[] = [
  invalid('an unknown field', () => ({ bogus: 1 })),
  invalid('a text for a list', (slotId) => ({ slotIds: slotId })),
  invalid('no slot', () => ({ slotIds: [] })),
  invalid('a slot twice', (slotId) => ({ slotIds: [slotId, slotId] })),
  invalid('a quantity of zero', () => ({ quantity: 0 })),
  invalid('a part of a place', () => ({ quantity: 1.5 })),
  invalid('a number as text', () => ({ quantity: '1' })),
  invalid('a huge quantity', () => ({ quantity: 1e15 })),
  invalid('a seat twice', () => ({ units: ['A1', 'A1'] })),
  invalid('a quantity that is not that of the seats', () => ({ units: ['A1'], quantity: 2 })),
  { ...invalid('a list for an object', () => ({})), sent: () => ({ body: [] }) },
  {
    ...invalid('more than is sold at a time', () => ({ quantity: 3 })),
    code: 'quantity_limit_exceeded',
  },
  unknown('an id of nothing', () => 'slt_nope'),
  unknown('a forged id', forged),
  unknown('an id of another kind', (slotId) => slotId.replace('slt_', 'ven_')),
  {
    what: 'a malformed token',
    status: 401,
    code: 'unauthenticated',
    sent: (slotId) => ({ body: { slotIds: [slotId] }, as: { email: '', token: 'x' } }),
  },
  {
    what: 'JSON that does not parse',
    status: 400,
    code: 'invalid_json',
    sent: () => ({ raw: '{"slotIds":', headers: JSON_TYPE }),
  },
  {
    what: 'a form',
    status: 415,
    code: 'unsupported_media_type',
    sent: () => ({ raw: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
  },
  {
    what: 'a body that is too large',
    status: 413,
    code: 'body_too_large',
    sent: () => ({ raw: TOO_LARGE, headers: JSON_TYPE }),
  },
  unkeyed('no key', 'idempotency_key_required', null),
  unkeyed('a key that is too long', 'idempotency_key_invalid', 'x'.repeat(256)),
  unkeyed('a key that is half quoted', 'idempotency_key_invalid', '"x'),
  unkeyed('a key of two words', 'idempotency_key_invalid', 'one two'),
];
