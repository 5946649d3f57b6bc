/**
 * The ledger on D1: what the database refuses by itself, what others read of it, and that billing posts in the very
 * transaction that it tells of.
 */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { advanceMoney } from '../../src/application/ledger-advance.ts';
import type { MoneyBatch, MoneyFact } from '../../src/contracts/shard-streams.ts';
import { required } from '../../src/domain/assert.ts';
import type { LedgerEntry } from '../../src/domain/ledger/entry.ts';
import { BillingRepository } from '../../src/storage/d1/billing-repository.ts';
import { LedgerRepository } from '../../src/storage/d1/ledger-repository.ts';
import { MoneyRepository } from '../../src/storage/d1/money-repository.ts';
import {
  makeCharge,
  makeInvoice,
  makeSubscription,
  next,
  PAID,
} from '../support/billing-fixtures.ts';
import { FakeClock, NOON_MS } from '../support/fake-clock.ts';

const ledger = new LedgerRepository(env.DB);
const money = new MoneyRepository(env.DB);
const HOUR_MS = 3_600_000;

/** A capture of 25.00 that a booking of a provider earned, with ids of its own. */
function makeEntry(values: Partial<LedgerEntry> = {}): LedgerEntry {
  const mark = crypto.randomUUID();
  const providerId = values.providerId ?? `prv_${mark}`;
  return {
    id: `capture:${mark}`,
    kind: 'capture',
    currency: 'usd',
    postings: [
      { account: 'processor:stripe', amountMinor: 2_500 },
      { account: `provider:${providerId}`, amountMinor: -2_250 },
      { account: 'platform:commission', amountMinor: -250 },
    ],
    processor: 'stripe',
    processorRef: `pi_${mark}`,
    paymentRef: `pi_${mark}`,
    bookingId: `bkg_${mark}`,
    subscriptionId: null,
    providerId,
    payoutId: null,
    atMs: NOON_MS,
    availableFromMs: NOON_MS,
    ...values,
  };
}

/** Two lines between a provider and a processor; positive is the provider's loss. */
function between(providerId: string, amountMinor: number) {
  return [
    { account: `provider:${providerId}`, amountMinor },
    { account: 'processor:stripe', amountMinor: -amountMinor },
  ];
}

async function refusal(sql: string, ...values: (string | number)[]): Promise<string> {
  return env.DB.prepare(sql)
    .bind(...values)
    .run()
    .then(() => 'accepted')
    .catch((error: unknown) => String(error));
}

/** All that a provider is owed, whenever it is available. */
function owedTo(providerId: string): Promise<number> {
  const availableUntilMs = Number.MAX_SAFE_INTEGER;
  return ledger.payable({ providerId, currency: 'usd', availableUntilMs });
}

describe('the database', () => {
  it('refuses what does not add up, and nothing of it is left', async () => {
    const wrong: LedgerEntry['postings'][] = [
      [],
      [{ account: 'processor:stripe', amountMinor: 0 }],
      [
        { account: 'processor:stripe', amountMinor: 1 },
        { account: 'payer:surplus', amountMinor: -2 },
      ],
    ];
    for (const postings of wrong) {
      const entry = makeEntry({ postings });
      await expect(ledger.post([makeEntry(), entry])).rejects.toThrow('ledger_unbalanced');
      expect(await ledger.transactionsOf({ bookingId: String(entry.bookingId) })).toEqual([]);
    }
    const cents = [
      { account: 'processor:stripe', amountMinor: 0.5 },
      { account: 'payer:surplus', amountMinor: -0.5 },
    ];
    await expect(ledger.post([makeEntry({ postings: cents })])).rejects.toThrow(
      'ledger_unbalanced',
    );
  });

  it('keeps every line for ever, and takes none by itself', async () => {
    const entry = makeEntry();
    await ledger.post([entry]);
    const changes = [
      ['UPDATE ledger_transaction SET at_ms = 0 WHERE id = ?1', entry.id],
      ['DELETE FROM ledger_transaction WHERE id = ?1', entry.id],
      ['UPDATE ledger_posting SET amount_minor = 1 WHERE transaction_id = ?1', entry.id],
      ['DELETE FROM ledger_posting WHERE transaction_id = ?1', entry.id],
      [
        `INSERT INTO ledger_posting VALUES (?1, 3, 'provider:x', 'usd', -5, 'capture', ${NOON_MS}, ${NOON_MS})`,
        entry.id,
      ],
      [
        `INSERT OR REPLACE INTO ledger_posting VALUES (?1, 0, 'processor:stripe', 'usd', 2500, 'capture', ${NOON_MS}, ${NOON_MS})`,
        entry.id,
      ],
      [
        `INSERT OR REPLACE INTO ledger_transaction (id, kind, currency, postings, at_ms, available_from_ms)
         SELECT id, kind, currency, '[]', 0, 0 FROM ledger_transaction WHERE id = ?1`,
        entry.id,
      ],
    ] as const;
    for (const [sql, id] of changes) expect(await refusal(sql, id)).toContain('ledger_append_only');
  });

  it('counts what is told twice once, also within one call', async () => {
    const entry = makeEntry();
    await ledger.post([entry, entry]);
    await ledger.post([{ ...entry, postings: between('prv_else', 1) }, makeEntry()]);
    expect(await owedTo(String(entry.providerId))).toBe(2_250);
    const bookingId = required(entry.bookingId, 'an entry of a booking');
    expect(await ledger.transactionsOf({ bookingId })).toEqual([entry]);
  });

  it('sums to zero, in the lines and in every sum that is kept of them', async () => {
    for (const table of ['ledger_posting', 'ledger_balance', 'ledger_day']) {
      const sum = await env.DB.prepare(`SELECT sum(amount_minor) AS sum FROM ${table}`).first(
        'sum',
      );
      expect([table, sum]).toEqual([table, 0]);
    }
  });
});

describe('what a provider is owed', () => {
  it('is what is available, less what was taken: a transfer at once, a refund with its capture', async () => {
    const providerId = `prv_${crypto.randomUUID()}`;
    const later = { providerId, availableFromMs: NOON_MS + HOUR_MS };
    const capture = makeEntry(later);
    const refund = makeEntry({ ...later, kind: 'refund', postings: between(providerId, 1_000) });
    const payable = (availableUntilMs: number) =>
      ledger.payable({ providerId, currency: 'usd', availableUntilMs });
    await ledger.post([capture, refund]);
    expect(await payable(NOON_MS)).toBe(0);
    expect(await payable(NOON_MS + HOUR_MS)).toBe(1_250);
    const transfer = makeEntry({
      providerId,
      kind: 'transfer',
      postings: between(providerId, 1_250),
      availableFromMs: NOON_MS + 9 * HOUR_MS,
    });
    await ledger.post([transfer]);
    expect(await payable(NOON_MS + HOUR_MS)).toBe(0);
    expect(await payable(NOON_MS)).toBe(-1_250);
    expect(await ledger.payable({ providerId, currency: 'eur', availableUntilMs: NOON_MS })).toBe(
      0,
    );
  });

  it('is listed provider by provider, all currencies of one together', async () => {
    const mark = crypto.randomUUID();
    const of = (name: string, currency: string) => {
      const providerId = `prv_~${mark}${name}`;
      return makeEntry({ providerId, currency });
    };
    const even = of('b', 'usd');
    await ledger.post([
      of('a', 'usd'),
      of('a', 'eur'),
      even,
      makeEntry({ kind: 'transfer', postings: between(String(even.providerId), 2_250) }),
      of('c', 'usd'),
    ]);
    const seen: string[] = [];
    let after = `prv_~${mark}`;
    for (let page = 0; page < 3; page += 1) {
      const rows = await ledger.providersWithBalance(after, page === 0 ? 1 : 2);
      seen.push(...rows.map(({ providerId, currency }) => `${providerId.slice(-1)} ${currency}`));
      after = rows.at(-1)?.providerId ?? after;
    }
    expect(seen).toEqual(['a eur', 'a usd', 'c usd']);
  });
});

describe('a shard’s money', () => {
  it('is posted once, in as many messages as come, at once or twice', async () => {
    const shardKey = 'gmoney000';
    const providerId = `prv_${crypto.randomUUID()}`;
    const facts: MoneyFact[] = Array.from({ length: 1_200 }, (_, index) => ({
      seq: index + 1,
      eventId: `evt_${providerId}_${index}`,
      kind: index % 3 === 2 ? 'refunded' : 'captured',
      bookingId: `bkg_${providerId}`,
      paymentId: 'pay_1',
      processor: 'stripe',
      processorRef: `pi_${providerId}`,
      entityRef: null,
      amountMinor: 1_000,
      currency: 'usd',
      feeMinor: 30,
      isEarned: true,
      providerId,
      venueId: 'ven_1',
      customerId: 'usr_1',
      commissionMinor: 100,
      taxMinor: 0,
      serviceEndsAtMs: NOON_MS,
      atMs: NOON_MS,
    }));
    const acknowledged: number[] = [];
    const deps = {
      appliedSeq: (key: string) => ledger.appliedSeq(key),
      readMoney: async (key: string, query: { afterSeq: number; limit: number }) => {
        const stretch = facts.filter(({ seq }) => seq > query.afterSeq).slice(0, query.limit);
        const throughSeq = stretch.at(-1)?.seq ?? query.afterSeq;
        return { shardKey: key, throughSeq, headSeq: 1_200, facts: stretch } satisfies MoneyBatch;
      },
      apply: ledger.apply.bind(ledger),
      acknowledge: async (_key: string, _stream: string, applied: { seq: number }) => {
        acknowledged.push(applied.seq);
        return 1_200;
      },
    };
    await Promise.all([1, 2, 3].map(() => advanceMoney(deps, shardKey)));
    expect(await advanceMoney(deps, shardKey)).toEqual({ appliedSeq: 1_200, isAtHead: true });
    expect(Math.max(...acknowledged)).toBe(1_200);
    expect(await owedTo(providerId)).toBe((800 - 400) * 900);
    expect(await money.booksOf('stripe', [`pi_${providerId}`, 'pi_none'])).toEqual([
      {
        ref: `pi_${providerId}`,
        currency: 'usd',
        capturedMinor: 800_000,
        refundedMinor: 400_000,
        hasFee: true,
      },
    ]);
  });
});

/** The sum of each account over a subscription's entries. */
async function sums(subscriptionId: string): Promise<Record<string, number>> {
  const entries = await ledger.transactionsOf({ subscriptionId });
  const sum = new Map<string, number>();
  for (const { account, amountMinor } of entries.flatMap(({ postings }) => postings))
    sum.set(account, (sum.get(account) ?? 0) + amountMinor);
  return Object.fromEntries(sum);
}

describe('money of subscriptions', () => {
  const store = new BillingRepository(env.DB, { region: 'global', clock: new FakeClock(NOON_MS) });

  /** A subscription of 19.00 with 3.00 of tax in it and 1.00 of credit used, paid with a fee of 0.85. */
  async function payUp() {
    const before = makeSubscription({ creditMinor: 100 });
    const invoice = makeInvoice(before);
    const open = makeCharge(invoice, { state: 'pending' });
    await store.insert({ subscription: before, invoices: [invoice], charges: [open] });
    const charge = { ...open, state: 'succeeded', capturedMinor: 1_900, feeMinor: 85 } as const;
    const subscription = next(before, { creditMinor: 0 });
    const paid = { subscription, invoices: [{ ...invoice, ...PAID }], charges: [charge] };
    return { paid, subscription, charge };
  }

  it('is posted with the payment, and not at all when the payment is not written', async () => {
    const { paid, subscription } = await payUp();
    const late = { ...paid, subscription: next(subscription) };
    expect(await store.save(late)).toBe('conflict');
    expect(await sums(subscription.id)).toEqual({});
    expect(await store.save(paid)).toBe('done');
    expect(await sums(subscription.id)).toEqual({
      'processor:stripe': 1_815,
      'platform:revenue': -1_700,
      'platform:tax': -300,
      'platform:fees': 85,
      'member:credit': 100,
    });
  });

  it('goes back in its shares, once, and comes again where a refund fails', async () => {
    const { paid, subscription, charge } = await payUp();
    await store.save(paid);
    const standing = await sums(subscription.id);
    let current = subscription;
    const write = async (
      state: 'pending' | 'failed' | 'succeeded',
      amountMinor: number,
      id: string,
    ) => {
      current = next(current);
      const refund = {
        ...charge,
        id,
        ofChargeId: charge.id,
        purpose: 'refund',
        state,
        ref: `re_${id}`,
        amountMinor,
        capturedMinor: null,
        feeMinor: null,
      } as const;
      expect(await store.save({ subscription: current, charges: [refund] })).toBe('done');
    };
    const one = `chg_${crypto.randomUUID()}`;
    await write('pending', 1_000, one);
    const given = await sums(subscription.id);
    expect(given).toMatchObject({ 'processor:stripe': 815, 'platform:tax': -300 + 157 });
    await write('succeeded', 1_000, one);
    expect(await sums(subscription.id)).toEqual(given);
    const two = `chg_${crypto.randomUUID()}`;
    await write('pending', 900, two);
    const none = { 'processor:stripe': -85, 'platform:fees': 85, 'member:credit': 100 };
    expect(await sums(subscription.id)).toEqual({
      ...none,
      'platform:revenue': -100,
      'platform:tax': 0,
    });
    await write('failed', 900, two);
    expect(await sums(subscription.id)).toEqual(given);
    expect(await money.booksOf('stripe', [String(charge.ref)])).toMatchObject([
      { capturedMinor: 1_900, refundedMinor: 1_000, hasFee: true },
    ]);
    expect(given).not.toEqual(standing);
  });

  it('that came for nobody is the payer’s, until it went back', async () => {
    const { paid, subscription, charge } = await payUp();
    await store.save(paid);
    const again = {
      ...charge,
      id: `chg_${crypto.randomUUID()}`,
      ref: `pi_${crypto.randomUUID()}`,
      feeMinor: null,
    };
    const back = {
      ...again,
      id: `chg_${crypto.randomUUID()}`,
      ofChargeId: again.id,
      purpose: 'refund',
      state: 'created',
      ref: null,
      capturedMinor: null,
    } as const;
    await store.save({ subscription: next(subscription), charges: [again, back] });
    expect(await sums(subscription.id)).toMatchObject({ 'payer:surplus': -1_900 });
    const done = { ...back, state: 'succeeded', ref: `re_${back.id}` } as const;
    await store.save({ subscription: next(next(subscription)), charges: [done] });
    expect(await sums(subscription.id)).toMatchObject({
      'payer:surplus': 0,
      'processor:stripe': 1_815,
    });
  });
});
