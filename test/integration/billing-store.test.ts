/**
 * Billing's store on D1: the rules that every store keeps, and those that the database keeps by itself, whoever writes.
 */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { verifyAudit } from '../../src/application/verify-audit.ts';
import { systemDigest } from '../../src/platform/digest.ts';
import { AuditRepository, auditStatements } from '../../src/storage/d1/audit-repository.ts';
import { ChainHeadRepository } from '../../src/storage/d1/chain-heads.ts';
import { BillingRepository } from '../../src/storage/d1/billing-repository.ts';
import { LegalEntityRepository } from '../../src/storage/d1/legal-entity-repository.ts';
import { NoticeRepository } from '../../src/storage/d1/notice-repository.ts';
import { insertRowsSql, rowValues } from '../../src/storage/d1/row-statements.ts';
import { creditNote, invoice } from '../../src/storage/d1/schema/billing.ts';
import {
  PAID,
  makeCharge,
  makeInvoice,
  makeNote,
  makeSubscription,
  next,
  withEvents,
} from '../support/billing-fixtures.ts';
import { describeBillingStore } from '../support/billing-store.case.ts';
import { FakeClock, NOON_MS } from '../support/fake-clock.ts';

const clock = new FakeClock();
const store = new BillingRepository(env.DB, { region: 'global', clock });
const audit = new AuditRepository(env.DB);
const notices = new NoticeRepository(env.DB);

describe('billing in D1', () => {
  describeBillingStore({
    store,
    trail: (subscriptionId) => audit.readStream(subscriptionId, 0, 100),
    noticesOf: async (userId) => {
      const waiting = await notices.unsent({ nowMs: NOON_MS, limit: 1_000 });
      return waiting
        .filter((notice) => notice.userId === userId)
        .map(({ id: _id, attempts: _attempts, ...notice }) => notice);
    },
  });
});

/** What the database says to a statement. */
async function refusal(sql: string, ...values: (string | number)[]): Promise<string> {
  return env.DB.prepare(sql)
    .bind(...values)
    .run()
    .then(() => 'accepted')
    .catch((error: unknown) => String(error));
}

describe('the database', () => {
  it('numbers the invoices of the other region in a series of its own', async () => {
    const europe = new BillingRepository(env.DB_EU, { region: 'eu', clock });
    const numbers: (string | null | undefined)[] = [];
    for (let index = 0; index < 3; index += 1) {
      const subscription = makeSubscription();
      const paid = makeInvoice(subscription, PAID);
      await europe.insert({ subscription, invoices: [paid] });
      numbers.push((await europe.invoice(paid.id))?.number);
    }
    expect(numbers).toEqual(['HFE-000001', 'HFE-000002', 'HFE-000003']);
    const entity = await new LegalEntityRepository(env.DB_EU).platform();
    expect(entity).toEqual({ name: 'Holdfast', address: '', taxId: null });
  });

  it('refuses to jump or go back in a series, and to forget it', async () => {
    const move = "UPDATE legal_entity SET next_invoice = next_invoice + ?1 WHERE code = 'platform'";
    expect(await refusal(move, 2)).toContain('legal_entity_series');
    expect(await refusal(move, -1)).toContain('legal_entity_series');
    expect(await refusal('DELETE FROM legal_entity')).toContain('legal_entity_series');
  });

  it('refuses to forget a subscription, an invoice or a charge, and to write a paid one anew', async () => {
    const subscription = makeSubscription();
    const { id } = subscription;
    const paid = makeInvoice(subscription, PAID);
    const charge = makeCharge(paid, { state: 'succeeded' });
    await store.insert({ subscription, invoices: [paid], charges: [charge] });
    expect(await refusal('DELETE FROM charge WHERE id = ?1', charge.id)).toContain('immutable');
    expect(await refusal('DELETE FROM invoice WHERE id = ?1', paid.id)).toContain('immutable');
    expect(await refusal('DELETE FROM subscription WHERE id = ?1', id)).toContain('immutable');
    const number = 'UPDATE invoice SET number = ?2 WHERE id = ?1';
    expect(await refusal(number, paid.id, 'HF-1')).toContain('immutable');
    const skip = 'UPDATE subscription SET version = version + 2 WHERE id = ?1';
    expect(await refusal(skip, id)).toContain('billing_version_conflict');
  });

  it('refuses an invoice whose lines are not its total', async () => {
    const subscription = makeSubscription();
    const open = makeInvoice(subscription);
    await store.insert({ subscription, invoices: [open] });
    const lines = 'UPDATE invoice SET lines = ?2 WHERE id = ?1';
    const other = JSON.stringify([{ kind: 'period', label: 'x', amountMinor: 1 }]);
    expect(await refusal(lines, open.id, other)).toContain('invoice_lines_mismatch');
    const more = makeInvoice(subscription, { kind: 'change', totalMinor: 1, ...PAID });
    const row = JSON.stringify([rowValues(invoice, more)]);
    expect(await refusal(insertRowsSql(invoice), row)).toContain('invoice_lines_mismatch');
  });

  it('refuses to make an invoice one of something else, paid or not', async () => {
    const subscription = makeSubscription();
    const open = makeInvoice(subscription);
    await store.insert({ subscription, invoices: [open] });
    const changes = [
      "user_id = 'usr_other'",
      "kind = 'change'",
      "currency = 'eur'",
      'created_at_ms = created_at_ms + 1',
    ];
    for (const change of changes) {
      const sql = `UPDATE invoice SET ${change} WHERE id = ?1`;
      expect(await refusal(sql, open.id)).toContain('invoice_immutable');
    }
  });

  it('refuses to change, replace or forget a credit note', async () => {
    const subscription = makeSubscription();
    const paid = makeInvoice(subscription, PAID);
    const note = makeNote(paid, 5);
    await store.insert({ subscription, invoices: [paid], creditNotes: [note] });
    const change = 'UPDATE credit_note SET reason = ?2 WHERE id = ?1';
    expect(await refusal(change, note.id, 'x')).toContain('credit_note_immutable');
    expect(await refusal('DELETE FROM credit_note WHERE id = ?1', note.id)).toContain('immutable');
    const replace = insertRowsSql(creditNote).replace('INSERT', 'INSERT OR REPLACE');
    const row = JSON.stringify([rowValues(creditNote, { ...note, amountMinor: 6 })]);
    expect(await refusal(replace, row)).toContain('credit_note_immutable');
  });

  it('refuses a trail that does not end where its subscription says', async () => {
    const silent = makeSubscription();
    await store.insert({ subscription: silent });
    const begun = audit.append(silent.id, withEvents(silent, 1).events);
    await expect(begun).rejects.toThrow('subscription_chain_mismatch');
    const linked = withEvents(makeSubscription(), 2);
    const { id } = linked.subscription;
    await store.insert(linked);
    const more = withEvents(linked.subscription, 1);
    const appended = audit.append(id, more.events);
    await expect(appended).rejects.toThrow('subscription_chain_mismatch');
    expect(await audit.readStream(id, 2, 1)).toEqual([]);
  });

  it('refuses to give a subscription to somebody else, or to take it back in time', async () => {
    const linked = withEvents(makeSubscription(), 2);
    const { id } = linked.subscription;
    await store.insert(linked);
    const changes = [
      "user_id = 'usr_other'",
      'created_at_ms = created_at_ms + 1',
      'chain_seq = chain_seq - 1',
      'entitlement_version = entitlement_version - 1',
    ];
    for (const change of changes) {
      const sql = `UPDATE subscription SET ${change} WHERE id = ?1`;
      expect(await refusal(sql, id)).toContain('subscription_immutable');
    }
  });

  it('has a trail that verifies against the subscriptions, until a row is added beside them', async () => {
    const first = withEvents(makeSubscription(), 3);
    const { id } = first.subscription;
    await store.insert(first);
    const second = withEvents(next(first.subscription), 2);
    await store.save(second);
    const sound = await verdict();
    expect(sound.valid).toBe(true);
    expect(sound.streams.find(({ stream }) => stream === id)).toMatchObject({ rows: 5 });
    const beside = withEvents(second.subscription, 1);
    const [insert] = auditStatements(env.DB, { stream: id, events: beside.events });
    await insert?.run();
    const move = 'UPDATE audit_stream SET applied_seq = 6, head_hash = ?2 WHERE stream = ?1';
    const moved = await refusal(move, id, beside.subscription.chainHash);
    expect(moved).toContain('subscription_chain_mismatch');
    const broken = (await verdict()).streams.filter(({ firstBad }) => firstBad !== undefined);
    expect(broken).toMatchObject([{ stream: id, rows: 6, firstBad: 6 }]);
  });
});

/** Verifies all that this file has written. */
function verdict() {
  const heads = new ChainHeadRepository(env.DB);
  return verifyAudit({
    digest: systemDigest,
    trails: [{ audit, shardKeys: () => Promise.resolve([]), heads }],
    chainHashAt: () => Promise.resolve(null),
  });
}

describe('a notice', () => {
  it('waits until it is sent, tries again later when that failed, and is never sent twice', async () => {
    const subscription = makeSubscription();
    const { id: subscriptionId, userId } = subscription;
    const notice = { kind: 'payment_failed', subscriptionId, userId, invoiceId: null } as const;
    await store.insert({ subscription, notices: [notice, { ...notice, kind: 'invoice_paid' }] });
    const waiting = async (nowMs: number) => {
      const all = await notices.unsent({ nowMs, limit: 1_000 });
      return all.filter((entry) => entry.userId === userId);
    };
    const [first, second] = await waiting(NOON_MS);
    if (first === undefined || second === undefined) throw new Error('both wait');
    await notices.markFailed(first.id, {
      error: 'x'.repeat(900),
      nextAttemptAtMs: NOON_MS + 60_000,
    });
    await notices.markSent(second.id, NOON_MS);
    expect(await waiting(NOON_MS)).toEqual([]);
    expect(await waiting(NOON_MS + 60_000)).toEqual([{ ...first, attempts: 1 }]);
    await notices.markSent(first.id, NOON_MS + 60_000);
    await notices.markFailed(first.id, { error: 'late', nextAttemptAtMs: NOON_MS });
    expect(await waiting(NOON_MS + 60_000)).toEqual([]);
  });
});
