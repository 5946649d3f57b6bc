/**
 * Stripe's lists: cursors, ranges of `created`, and the envelope. Newest first.
 * Source: Stripe API reference, "Pagination".
 */
import type { JsonObject } from '../json.ts';
import { find, type StripeContext, type StripeKinds } from './context.ts';
import { invalidParameter, invalidRequest, missingResource } from './errors.ts';
import type { FormValue } from './form-encoding.ts';
import type { Parameters, ParameterRules } from './parameters.ts';

/** Parameters that every list takes. */
export const LIST_RULES: ParameterRules = {
  created: 'free',
  ending_before: 'text',
  expand: 'texts',
  limit: 'integer',
  starting_after: 'text',
};

/** One page asked for; ranges are inclusive Unix seconds. */
export interface Page {
  readonly limit: number;
  readonly startingAfter: string | undefined;
  readonly endingBefore: string | undefined;
  readonly createdFrom: number | undefined;
  readonly createdTo: number | undefined;
}

const LIMIT_DEFAULT = 10;
const LIMIT_MAX = 100;

/** Reads the page out of the parameters. Errors: invalid `limit` or `created`. */
export function readPage(parameters: Parameters): Page {
  const limit = parameters.integer('limit') ?? LIMIT_DEFAULT;
  if (limit < 1 || limit > LIMIT_MAX) {
    const message = `Invalid limit: must be between 1 and ${String(LIMIT_MAX)}`;
    throw invalidParameter('limit', 'parameter_invalid_integer', message);
  }
  const startingAfter = parameters.text('starting_after') ?? undefined;
  const endingBefore = parameters.text('ending_before') ?? undefined;
  if (startingAfter !== undefined && endingBefore !== undefined) {
    throw invalidRequest('You can only use one of starting_after and ending_before.');
  }
  return { limit, startingAfter, endingBefore, ...readRange(parameters) };
}

/** A page of objects of one kind, optionally of one customer or parent. */
export function listObjects(
  ctx: StripeContext,
  query: {
    readonly kind: keyof StripeKinds;
    readonly page: Page;
    readonly customerId?: string | undefined;
    readonly parentId?: string | undefined;
  },
): JsonObject {
  const { kind, page } = query;
  checkCursor(ctx, kind, page);
  const rows = ctx.world.objects.list({
    processor: 'stripe',
    kind,
    ...page,
    customerId: query.customerId,
    parentId: query.parentId,
  });
  return expandedPage(rows, page, `/v1/${kind}s`);
}

/** Wraps rows (one more than `limit` when there is a next page) into Stripe's list envelope. */
export function expandedPage(rows: JsonObject[], page: Page, url: string): JsonObject {
  const kept = rows.slice(0, page.limit);
  const data = page.endingBefore === undefined ? kept : kept.toReversed();
  return { object: 'list', data, has_more: rows.length > page.limit, url };
}

function checkCursor(ctx: StripeContext, kind: keyof StripeKinds, page: Page): void {
  const isBefore = page.endingBefore !== undefined;
  const cursor = page.startingAfter ?? page.endingBefore;
  if (cursor === undefined || find(ctx, kind, cursor)) return;
  const param = isBefore ? 'ending_before' : 'starting_after';
  throw missingResource(kind, cursor, { param, isAddressed: false });
}

function readRange(parameters: Parameters): Pick<Page, 'createdFrom' | 'createdTo'> {
  const exact = parameters.text('created');
  if (exact !== null) {
    const at = seconds(exact, 'created');
    return { createdFrom: at, createdTo: at };
  }
  const bounds = parameters.nested('created') ?? {};
  let createdFrom: number | undefined;
  let createdTo: number | undefined;
  for (const [name, value] of Object.entries(bounds)) {
    const at = seconds(value, `created[${name}]`);
    if (name === 'gte') createdFrom = at;
    else if (name === 'gt') createdFrom = at + 1;
    else if (name === 'lte') createdTo = at;
    else if (name === 'lt') createdTo = at - 1;
    else {
      const message = `Received unknown parameter: created[${name}]`;
      throw invalidParameter(`created[${name}]`, 'parameter_unknown', message);
    }
  }
  return { createdFrom, createdTo };
}

function seconds(value: FormValue, name: string): number {
  if (typeof value === 'string' && /^\d{1,12}$/.test(value)) return Number(value);
  throw invalidParameter(name, 'parameter_invalid_integer', `Invalid timestamp in ${name}`);
}
