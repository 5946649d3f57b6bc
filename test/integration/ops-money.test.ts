/** The operators' view of money over HTTP: sums, differences, the entries of a booking, and the bank's statements. */
import { env, exports } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { LedgerRepository } from '../../src/storage/d1/ledger-repository.ts';
import { MoneyRepository } from '../../src/storage/d1/money-repository.ts';
import { servicesOf } from '../../src/worker/services.ts';
import { call, makePerson, type Person } from '../support/api.ts';

const NOON_MS = Date.parse('2026-11-21T12:00:00Z');
const OPS = [
  'GET /v1/ops/money',
  'GET /v1/ops/money/daily?from=2026-11-21T00:00:00Z&to=2026-11-22T00:00:00Z',
  'GET /v1/ops/money/unmatched',
  'POST /v1/ops/money/settlements',
  'POST /v1/ops/bank-statements?format=csv',
  'GET /v1/ops/bank-statements/x',
];

let operator: Person;
let bookingId: string;

/** Two lines between a processor and another account; positive came in. */
function lines(account: string, amountMinor: number) {
  return [
    { account: 'processor:stripe', amountMinor },
    { account, amountMinor: -amountMinor },
  ];
}

/** 25.00 of a booking, 10.00 of it given back, a fee of 1.03, in the ledger of a region. */
async function postBooking(database: D1Database, booking: string): Promise<void> {
  const base = {
    currency: 'usd',
    processor: 'stripe',
    processorRef: `pi_${booking}`,
    paymentRef: `pi_${booking}`,
    bookingId: booking,
    subscriptionId: null,
    providerId: 'prv_ops',
    payoutId: null,
    availableFromMs: NOON_MS,
  } as const;
  const id = (kind: string) => `${kind}:${booking}`;
  await new LedgerRepository(database).post([
    {
      ...base,
      id: id('capture'),
      kind: 'capture',
      atMs: NOON_MS,
      postings: lines('provider:prv_ops', 2_500),
    },
    { ...base, id: id('fee'), kind: 'fee', atMs: NOON_MS, postings: lines('platform:fees', -103) },
    {
      ...base,
      id: id('refund'),
      kind: 'refund',
      atMs: NOON_MS + 86_400_000,
      postings: lines('provider:prv_ops', -1_000),
    },
  ]);
}

beforeAll(async () => {
  operator = await makePerson(['operator']);
  const { ids } = servicesOf(env);
  bookingId = ids.mintInShard('bkg', ids.deriveShardKey('global', 'ops-money'));
  await postBooking(env.DB, bookingId);
  await postBooking(env.DB_EU, ids.mintInShard('bkg', ids.deriveShardKey('eu', 'ops-money')));
});

describe('who may', () => {
  it('only operators', async () => {
    const owner = await makePerson(['provider']);
    for (const route of [...OPS, `GET /v1/ops/bookings/${bookingId}/money`]) {
      const answer = await call(route, {
        as: owner,
        ...(route.startsWith('POST') ? { body: {} } : {}),
      });
      expect([route, answer.status, answer.json.code]).toEqual([route, 403, 'role_required']);
    }
  });
});

describe('money at a glance', () => {
  it('is the sum of all regions, with what does not match', async () => {
    const before = await call('GET /v1/ops/money', { as: operator });
    expect(before.json).toEqual({
      unmatched: { amount: 0, count: 0, byCurrency: {} },
      processors: [
        {
          processor: 'stripe',
          currency: 'usd',
          captured: 5_000,
          refunded: 2_000,
          fees: 206,
          unmatched: 0,
        },
      ],
    });
    const money = new MoneyRepository(env.DB_EU);
    const row = {
      processor: 'paypal',
      ref: 'ORDER1',
      currency: 'eur',
      bookingId,
      subscriptionId: null,
    } as const;
    const looked = { processor: 'paypal', refs: ['ORDER1'], nowMs: NOON_MS } as const;
    const captured = {
      ...row,
      kind: 'captured',
      ourMinor: 0,
      theirMinor: 700,
      isCounted: true,
    } as const;
    const refunded = {
      ...row,
      kind: 'refunded',
      ourMinor: 900,
      theirMinor: 0,
      isCounted: true,
    } as const;
    await money.recordComparison({ ...looked, unmatched: [captured, refunded] });
    const during = await call('GET /v1/ops/money', { as: operator });
    expect(during.json.unmatched).toEqual({ amount: 1_600, count: 1, byCurrency: { eur: 1_600 } });
    expect(during.json.processors).toContainEqual({
      processor: 'paypal',
      currency: 'eur',
      captured: 0,
      refunded: 0,
      fees: 0,
      unmatched: 1_600,
    });
    const later = { ...looked, nowMs: NOON_MS + 5_000 };
    await money.recordComparison({ ...later, unmatched: [{ ...captured, isCounted: false }] });
    const listed = await call('GET /v1/ops/money/unmatched', { as: operator });
    expect(listed.json.data).toEqual([
      {
        processor: 'paypal',
        processorId: 'ORDER1',
        kind: 'captured',
        currency: 'eur',
        ours: 0,
        theirs: 700,
        bookingId,
        subscriptionId: null,
        isCounted: false,
        firstSeenAt: '2026-11-21T12:00:00Z',
        lastSeenAt: '2026-11-21T12:00:05Z',
      },
    ]);
    await money.recordComparison({ ...later, unmatched: [] });
    expect((await call('GET /v1/ops/money', { as: operator })).json).toEqual(before.json);
  });

  it('is told day by day', async () => {
    const days = await call(
      'GET /v1/ops/money/daily?from=2026-11-21T08:00:00Z&to=2026-11-23T00:00:00Z',
      { as: operator },
    );
    const none = {
      processor: 'stripe',
      currency: 'usd',
      captured: 0,
      refunded: 0,
      fees: 0,
      disputed: 0,
      tax: 0,
    };
    expect(days.json.data).toEqual([
      { ...none, day: '2026-11-21', captured: 5_000, fees: 206 },
      { ...none, day: '2026-11-22', refunded: 2_000 },
    ]);
    const wrong = await call(
      'GET /v1/ops/money/daily?from=2026-11-22T00:00:00Z&to=2026-11-21T00:00:00Z',
      { as: operator },
    );
    expect([wrong.status, wrong.json.code]).toEqual([422, 'validation_failed']);
  });

  it('is told entry by entry for a booking', async () => {
    const answer = await call(`GET /v1/ops/bookings/${bookingId}/money`, { as: operator });
    expect(answer.json.data.map((entry: { kind: string }) => entry.kind)).toEqual([
      'capture',
      'fee',
      'refund',
    ]);
    expect(answer.json.data[0]).toEqual({
      id: `capture:${bookingId}`,
      kind: 'capture',
      currency: 'usd',
      postings: [
        { account: 'processor:stripe', amount: 2_500 },
        { account: 'provider:prv_ops', amount: -2_500 },
      ],
      processor: 'stripe',
      processorId: `pi_${bookingId}`,
      at: '2026-11-21T12:00:00Z',
    });
  });
});

describe('bank statements', () => {
  it('are matched with what the ledger says of the bank, and what is left is listed on both sides', async () => {
    const settle = (processorId: string, amount: number) =>
      call('POST /v1/ops/money/settlements', {
        as: operator,
        body: {
          processor: 'stripe',
          processorId,
          amount: { amount, currency: 'usd' },
          paidAt: '2026-11-23T06:00:00Z',
        },
      });
    expect((await settle('po_111111', 120_000)).status).toBe(201);
    expect((await settle('po_111111', 120_000)).status).toBe(201);
    expect((await settle('po_222222', 500)).status).toBe(201);
    const csv = [
      'account,bookedOn,amount,currency,reference,entryRef',
      'GB33BUKB,2026-11-24,1200.00,USD,"STRIPE, PO-111111",B1',
      'GB33BUKB,2026-11-23,-15.00,USD,account fee,B2',
    ].join('\n');
    for (const format of ['csv', 'camt053', 'pdf']) {
      const refused = await call(`POST /v1/ops/bank-statements?format=${format}`, { as: operator });
      expect([refused.status, refused.json.code]).toEqual([422, 'validation_failed']);
    }
    const imported = await sendText(operator, 'csv', csv);
    expect(imported).toMatchObject({ account: 'GB33BUKB', added: 2, matched: 1 });
    expect(imported.unmatched).toEqual([
      {
        entryRef: 'B2',
        bookedOn: '2026-11-23',
        amount: -1_500,
        currency: 'usd',
        reference: 'account fee',
        entryId: null,
      },
    ]);
    expect(imported.missing).toEqual([
      {
        entryId: 'bank:stripe:po_222222',
        at: '2026-11-23T06:00:00Z',
        amount: 500,
        currency: 'usd',
      },
    ]);
    expect(await sendText(operator, 'csv', csv)).toMatchObject({
      id: imported.id,
      added: 0,
      matched: 1,
    });
    const camt = `<?xml version="1.0" encoding="UTF-8"?>
      <Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>
        <Acct><Id><Othr><Id>GB33BUKB</Id></Othr></Id></Acct>
        <Ntry><Amt Ccy="USD">15.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
          <BookgDt><Dt>2026-11-23</Dt></BookgDt><AcctSvcrRef>B2</AcctSvcrRef></Ntry>
        <Ntry><Amt Ccy="USD">5.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
          <BookgDt><Dt>2026-11-24</Dt></BookgDt><AcctSvcrRef>B3</AcctSvcrRef>
          <NtryDtls><TxDtls><RmtInf><Ustrd>Stripe &amp; Co po_222222</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
      </Stmt></BkToCstmrStmt></Document>`;
    expect(await sendText(operator, 'camt053', camt)).toMatchObject({
      added: 1,
      matched: 2,
      missing: [],
      unmatched: [{ entryRef: 'B2' }],
    });
    const again = await call(`GET /v1/ops/bank-statements/${imported.id}`, { as: operator });
    expect(again.json).toMatchObject({ matched: 2, missing: [] });
    const unknown = await call('GET /v1/ops/bank-statements/none', { as: operator });
    expect([unknown.status, unknown.json.code]).toEqual([404, 'not_found']);
  });
});

interface Imported {
  readonly id: string;
  readonly unmatched: unknown[];
  readonly missing: unknown[];
}

/** Sends a file as it is. */
async function sendText(as: Person, format: string, text: string): Promise<Imported> {
  const worker = (exports as unknown as { default: Fetcher }).default;
  const response = await worker.fetch(
    new Request(`https://holdfast.test/v1/ops/bank-statements?format=${format}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${as.token}`, 'Content-Type': 'text/plain' },
      body: text,
    }),
  );
  expect(response.status).toBe(201);
  return response.json();
}
