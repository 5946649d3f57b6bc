/** `/v1/ops/money`, `/v1/ops/bookings/{id}/money`, `/v1/ops/bank-statements`: the money as operators see it. */
import { z } from '@hono/zod-openapi';
import {
  importStatement,
  readStatement,
  recordSettlement,
} from '../../application/bank-statements.ts';
import {
  listUnmatched,
  readBookingMoney,
  readDailyMoney,
  readMoneyOverview,
} from '../../application/read-money.ts';
import {
  bookingMoneySchema,
  dailyMoneyQuerySchema,
  dailyMoneySchema,
  ledgerEntrySchema,
  moneyOverviewSchema,
  settlementRequestSchema,
  statementQuerySchema,
  statementSchema,
  toDay,
  toEntryView,
  toStatementView,
  toSumsView,
  unmatchedQuerySchema,
  unmatchedSchema,
} from '../../contracts/http/money.ts';
import { formatInstant, parseInstant } from '../../contracts/http/views.ts';
import type { App } from '../context.ts';
import { bankDeps, readMoneyDeps } from '../ledger-deps.ts';
import { mappedResponse } from '../map-response.ts';
import { idempotent } from '../middleware/idempotent-call.ts';
import { requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';

const tag = 'Operations';
const access = ['operator'] as const;

const overview = defineRoute({
  method: 'get',
  path: '/v1/ops/money',
  tag,
  summary: 'See all money at a glance',
  description:
    'What each processor captured, gave back and kept, and what of it differs from the ledger: the last reconciliation left 0 unmatched, or somebody has to look. Amounts are minor units; `unmatched.amount` adds up currencies and only tells zero from not.',
  access,
  answers: { 200: { description: 'The sums.', schema: moneyOverviewSchema } },
});

const daily = defineRoute({
  method: 'get',
  path: '/v1/ops/money/daily',
  tag,
  summary: 'See the sums of each day',
  description: 'Days are in UTC; `from` is rounded down to its day, and `to` is not included.',
  access,
  query: dailyMoneyQuerySchema,
  answers: { 200: { description: 'By day, processor and currency.', schema: dailyMoneySchema } },
});

const differences = defineRoute({
  method: 'get',
  path: '/v1/ops/money/unmatched',
  tag,
  summary: 'List what differs from the processors',
  description: 'Oldest first. A difference counts once it has stood for two minutes.',
  access,
  query: unmatchedQuerySchema,
  answers: { 200: { description: 'Differences.', schema: unmatchedSchema } },
});

const bookingMoney = defineRoute({
  method: 'get',
  path: '/v1/ops/bookings/{id}/money',
  tag,
  summary: 'See every entry of the ledger about a booking',
  access,
  pathIds: { id: 'bkg' },
  answers: { 200: { description: 'Entries, oldest first.', schema: bookingMoneySchema } },
});

const postSettlement = defineRoute({
  method: 'post',
  path: '/v1/ops/money/settlements',
  tag,
  summary: 'Record a payout of a processor to the bank',
  description: 'The same processor and id is the same payout: a repeat changes nothing.',
  access,
  body: settlementRequestSchema,
  answers: { 201: { description: 'The entry of the ledger.', schema: ledgerEntrySchema } },
});

const postStatement = defineRoute({
  method: 'post',
  path: '/v1/ops/bank-statements',
  tag,
  summary: 'Import a bank statement',
  description:
    'The body is the file: CSV with the header `account,bookedOn,amount,currency,reference,entryRef`, or CAMT.053. A line that was imported before is not added again, so that a repeat changes nothing.',
  access,
  key: 'none',
  query: statementQuerySchema,
  isBodyRaw: true,
  answers: { 201: { description: 'The statement as it stands.', schema: statementSchema } },
});

const getStatement = defineRoute({
  method: 'get',
  path: '/v1/ops/bank-statements/{id}',
  tag,
  summary: 'See what of a bank statement does not match',
  description: 'Compares it again with what the ledger has learnt since.',
  access,
  params: z.strictObject({ id: z.string().min(1).max(100) }),
  answers: { 200: { description: 'The statement as it stands.', schema: statementSchema } },
  refusals: ['not_found'],
});

/** Registers the routes. */
export function registerOpsMoney(app: App): void {
  registerSums(app);
  app.openapi(bookingMoney, async (c) => {
    const entries = await readBookingMoney(readMoneyDeps(c.get('services')), c.req.param('id'));
    return c.json({ data: entries.map((entry) => toEntryView(entry)) }, 200);
  });
  app.openapi(postSettlement, (c) =>
    idempotent(async () => {
      const { processor, processorId, amount, paidAt } = c.req.valid('json');
      const entry = await recordSettlement(bankDeps(c.get('services')), {
        processor,
        ref: processorId,
        amountMinor: amount.amount,
        currency: amount.currency,
        atMs: parseInstant(paidAt),
      });
      return c.json(toEntryView(entry), 201);
    })(c),
  );
  app.openapi(postStatement, async (c) => {
    const { format } = c.req.valid('query');
    const file = { format, text: await c.req.text(), actor: requireCaller(c).id };
    const result = await importStatement(bankDeps(c.get('services')), file);
    return mappedResponse(c, result, { map: toStatementView, status: 201 });
  });
  app.openapi(getStatement, async (c) => {
    const { id } = c.req.valid('param');
    const result = await readStatement(bankDeps(c.get('services')), id);
    return mappedResponse(c, result, { map: toStatementView });
  });
}

function registerSums(app: App): void {
  app.openapi(overview, async (c) => {
    const { unmatched, processors } = await readMoneyOverview(readMoneyDeps(c.get('services')));
    const { amountMinor, count, byCurrency } = unmatched;
    const rows = processors.map((row) => ({ ...toSumsView(row), unmatched: row.unmatchedMinor }));
    return c.json({ unmatched: { amount: amountMinor, count, byCurrency }, processors: rows }, 200);
  });
  app.openapi(daily, async (c) => {
    const { from, to } = c.req.valid('query');
    const interval = { fromMs: parseInstant(from), toMs: parseInstant(to) };
    const result = await readDailyMoney(readMoneyDeps(c.get('services')), interval);
    return mappedResponse(c, result, {
      map: (rows) => ({
        data: rows.map((row) => ({
          day: toDay(row.dayAtMs),
          ...toSumsView(row),
          disputed: row.disputedMinor,
          tax: row.taxMinor,
        })),
      }),
    });
  });
  app.openapi(differences, async (c) => {
    const rows = await listUnmatched(readMoneyDeps(c.get('services')), c.req.valid('query').limit);
    const data = rows.map(({ ref, ourMinor, theirMinor, firstSeenAtMs, lastSeenAtMs, ...row }) => ({
      ...row,
      processorId: ref,
      ours: ourMinor,
      theirs: theirMinor,
      firstSeenAt: formatInstant(firstSeenAtMs),
      lastSeenAt: formatInstant(lastSeenAtMs),
    }));
    return c.json({ data }, 200);
  });
}
