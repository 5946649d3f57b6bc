/**
 * All SQL of subscriptions, their invoices, charges and credit notes. A change is one transaction under the version of
 * its subscription: the triggers of migrations/0009_create_subscriptions.sql undo the whole of it for whoever read an older
 * one, and keep what was paid. Numbers of documents are given inside that transaction, so that a series has no gap, and
 * what a change means for the ledger is posted in it.
 * Callers: the use cases of billing, the reconciler.
 */
import { and, asc, desc, eq, gt, lt, lte, ne, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type {
  BillingAccount,
  BillingChange,
  BillingStore,
} from '../../application/billing-ports.ts';
import type { Clock } from '../../application/ports.ts';
import { invariant } from '../../domain/assert.ts';
import type { DataRegion } from '../../domain/ids.ts';
import type {
  Charge,
  CreditNote,
  Invoice,
  Subscription,
} from '../../domain/subscription/subscription.ts';
import type { EpochMs } from '../../domain/time.ts';
import { auditStatements } from './audit-repository.ts';
import { chargesInOrder, checkChange, invoicesInOrder } from './billing-change.ts';
import { billingEntries } from './billing-ledger.ts';
import {
  fromChargeRow,
  fromSubscriptionRow,
  toChargeRow,
  toSubscriptionRow,
} from './billing-rows.ts';
import { ledgerStatements } from './ledger-repository.ts';
import {
  bindRows,
  insertRowsSql,
  rowValues,
  updateRowSql,
  upsertRowsSql,
} from './row-statements.ts';
import {
  billingCustomer,
  charge,
  creditNote,
  invoice,
  notice,
  subscription,
} from './schema/billing.ts';

/** Raised by the trigger when somebody else wrote first. */
const CONFLICT = 'billing_version_conflict';

/** Said by the database of a second live subscription of a group, and of an id that is there. */
const EXISTS = 'UNIQUE constraint failed: subscription.';

/** Databases number apart; the mark keeps their numbers apart. */
const REGION_MARKS: { readonly [region in DataRegion]: string } = { global: '', eu: 'E' };

const INSERT_SUBSCRIPTION = insertRowsSql(subscription, ['pushedVersion']);
const UPDATE_SUBSCRIPTION = updateRowSql(subscription, ['pushedVersion', 'chainSeq', 'chainHash']);
/** The head of the chain moves only with the links that lead there. */
const UPDATE_SUBSCRIPTION_WITH_CHAIN = updateRowSql(subscription, ['pushedVersion']);
const UPSERT_INVOICES = upsertRowsSql(invoice, ['number']);
const UPSERT_CHARGES = upsertRowsSql(charge, []);
const INSERT_CREDIT_NOTES = insertRowsSql(creditNote);
const INSERT_NOTICES = insertRowsSql(notice, ['id']);

const UPSERT_CUSTOMER = `
  INSERT INTO billing_customer (user_id, processor, ref) VALUES (?1, ?2, ?3)
  ON CONFLICT (user_id, processor) DO UPDATE SET ref = excluded.ref`;

const NEXT_INVOICE = "printf('%s%s-%06d', invoice_prefix, ?2, next_invoice)";
const NEXT_CREDIT_NOTE = "printf('%s%s-CN-%06d', invoice_prefix, ?2, next_credit_note)";

/** Gives a document the next number, then counts on; either does nothing where the number was given before. */
const NUMBER_INVOICE = [
  `UPDATE invoice SET number = (SELECT ${NEXT_INVOICE} FROM legal_entity WHERE code = 'platform')
   WHERE id = ?1 AND state = 'paid' AND number IS NULL`,
  `UPDATE legal_entity SET next_invoice = next_invoice + 1
   WHERE code = 'platform' AND EXISTS (SELECT 1 FROM invoice WHERE id = ?1 AND number = ${NEXT_INVOICE})`,
];
const NUMBER_CREDIT_NOTE = [
  `UPDATE credit_note SET number = (SELECT ${NEXT_CREDIT_NOTE} FROM legal_entity WHERE code = 'platform')
   WHERE id = ?1 AND number IS NULL`,
  `UPDATE legal_entity SET next_credit_note = next_credit_note + 1
   WHERE code = 'platform'
     AND EXISTS (SELECT 1 FROM credit_note WHERE id = ?1 AND number = ${NEXT_CREDIT_NOTE})`,
];

// Written out, because a partial index serves only a query that says its condition in the same words.
const IS_LIVE = sql`${subscription.state} NOT IN ('cancelled', 'expired')`;
const IS_UNPUSHED = sql`${subscription.pushedVersion} < ${subscription.entitlementVersion}`;
const IS_OPEN = sql`${invoice.state} = 'open'`;
const IS_PAID = sql`${invoice.state} = 'paid'`;
const IS_NO_REFUND = sql`${charge.purpose} <> 'refund'`;
const IS_UNDER_WAY = sql`${charge.state} IN ('created', 'action_required', 'pending')`;

const IS_FOR_REVIEW = sql`${charge.review} IS NOT NULL`;

/** Orders by id without walking the ids: the plus keeps the planner on the index of the condition. */
const ID_BY_SORTING = sql`+${subscription.id}`;

/** Subscriptions and their money in one database. */
export class BillingRepository implements BillingStore {
  readonly #database: D1Database;
  readonly #orm: DrizzleD1Database;
  readonly #mark: string;
  readonly #clock: Clock;

  /** The clock tells when a notice or an entry of the ledger was written; nothing is decided by it. */
  constructor(database: D1Database, { region, clock }: { region: DataRegion; clock: Clock }) {
    this.#database = database;
    this.#orm = drizzle(database);
    this.#mark = REGION_MARKS[region];
    this.#clock = clock;
  }

  async load(subscriptionId: string): Promise<BillingAccount | null> {
    const owner = this.#orm
      .select({ userId: subscription.userId })
      .from(subscription)
      .where(eq(subscription.id, subscriptionId));
    const [[row], [openInvoice], charges, customers] = await this.#orm.batch([
      this.#orm.select().from(subscription).where(eq(subscription.id, subscriptionId)),
      this.#orm
        .select()
        .from(invoice)
        .where(and(eq(invoice.subscriptionId, subscriptionId), IS_OPEN)),
      this.#orm
        .select()
        .from(charge)
        .where(and(eq(charge.subscriptionId, subscriptionId), IS_UNDER_WAY))
        .orderBy(asc(charge.createdAtMs), asc(charge.id)),
      this.#orm
        .select()
        .from(billingCustomer)
        .where(eq(billingCustomer.userId, sql`(${owner})`)),
    ]);
    if (row === undefined) return null;
    return {
      subscription: fromSubscriptionRow(row),
      openInvoice: openInvoice ?? null,
      charges: charges.map((entry) => fromChargeRow(entry)),
      customers: Object.fromEntries(customers.map(({ processor, ref }) => [processor, ref])),
    };
  }

  async insert(change: BillingChange): Promise<'done' | 'exists'> {
    checkChange(change);
    const row = rowValues(subscription, toSubscriptionRow(change.subscription));
    const insert = this.#database.prepare(INSERT_SUBSCRIPTION).bind(JSON.stringify([row]));
    try {
      await this.#database.batch([insert, ...(await this.#statementsOf(change))]);
      return 'done';
    } catch (error) {
      if (error instanceof Error && error.message.includes(EXISTS)) return 'exists';
      throw error;
    }
  }

  async save(change: BillingChange): Promise<'done' | 'conflict'> {
    checkChange(change);
    const row = rowValues(subscription, toSubscriptionRow(change.subscription));
    const hasEvents = (change.events ?? []).length > 0;
    const update = this.#database
      .prepare(hasEvents ? UPDATE_SUBSCRIPTION_WITH_CHAIN : UPDATE_SUBSCRIPTION)
      .bind(JSON.stringify(row));
    try {
      const statements = [update, ...(await this.#statementsOf(change))];
      const [updated] = await this.#database.batch(statements);
      invariant(updated?.results.length === 1, `${change.subscription.id} is there to be saved`);
      return 'done';
    } catch (error) {
      if (error instanceof Error && error.message.includes(CONFLICT)) return 'conflict';
      throw error;
    }
  }

  async liveOf(userId: string, group: string | null): Promise<Subscription | null> {
    const [row] = await this.#orm
      .select()
      .from(subscription)
      .where(
        and(
          eq(subscription.userId, userId),
          group === null ? undefined : eq(subscription.planGroup, group),
          IS_LIVE,
        ),
      )
      .orderBy(asc(subscription.createdAtMs), asc(subscription.id))
      .limit(1);
    return row === undefined ? null : fromSubscriptionRow(row);
  }

  /** A sign-up that was never completed had none. */
  async hadTrial(userId: string, group: string): Promise<boolean> {
    const rows = await this.#orm
      .select({ id: subscription.id })
      .from(subscription)
      .where(
        and(
          eq(subscription.userId, userId),
          eq(subscription.planGroup, group),
          sql`${subscription.trialEndMs} IS NOT NULL`,
          ne(subscription.state, 'expired'),
        ),
      )
      .limit(1);
    return rows.length > 0;
  }

  async due(query: { nowMs: EpochMs; afterId: string; limit: number }): Promise<string[]> {
    const rows = await this.#orm
      .select({ id: subscription.id })
      .from(subscription)
      .where(and(lte(subscription.dueAtMs, query.nowMs), sql`${ID_BY_SORTING} > ${query.afterId}`))
      .orderBy(ID_BY_SORTING)
      .limit(query.limit);
    return rows.map(({ id }) => id);
  }

  async underWay(query: { afterId: string; limit: number }): Promise<string[]> {
    const rows = await this.#orm
      .selectDistinct({ id: charge.subscriptionId })
      .from(charge)
      .where(and(IS_UNDER_WAY, gt(charge.subscriptionId, query.afterId)))
      .orderBy(asc(charge.subscriptionId))
      .limit(query.limit);
    return rows.map(({ id }) => id);
  }

  async reviews(query: {
    after: { atMs: EpochMs; id: string } | null;
    limit: number;
  }): Promise<Charge[]> {
    const { atMs, id } = query.after ?? { atMs: 0, id: '' };
    const rows = await this.#orm
      .select()
      .from(charge)
      .where(and(IS_FOR_REVIEW, sql`(${charge.createdAtMs}, ${charge.id}) > (${atMs}, ${id})`))
      .orderBy(asc(charge.createdAtMs), asc(charge.id))
      .limit(query.limit);
    return rows.map((row) => fromChargeRow(row));
  }

  /** Live ones alone: nothing moves what is over. */
  async olderThan(query: {
    planId: string;
    version: number;
    afterId: string;
    limit: number;
  }): Promise<string[]> {
    const rows = await this.#orm
      .select({ id: subscription.id })
      .from(subscription)
      .where(
        and(
          eq(subscription.planId, query.planId),
          lt(subscription.planVersion, query.version),
          IS_LIVE,
          sql`${ID_BY_SORTING} > ${query.afterId}`,
        ),
      )
      .orderBy(ID_BY_SORTING)
      .limit(query.limit);
    return rows.map(({ id }) => id);
  }

  async invoice(id: string): Promise<Invoice | null> {
    const [row] = await this.#orm.select().from(invoice).where(eq(invoice.id, id));
    return row ?? null;
  }

  invoicesOf(query: {
    subscriptionId: string;
    before: { atMs: EpochMs; id: string } | null;
    limit: number;
  }): Promise<Invoice[]> {
    const { before } = query;
    return this.#orm
      .select()
      .from(invoice)
      .where(
        and(
          eq(invoice.subscriptionId, query.subscriptionId),
          before === null
            ? undefined
            : sql`(${invoice.createdAtMs}, ${invoice.id}) < (${before.atMs}, ${before.id})`,
        ),
      )
      .orderBy(desc(invoice.createdAtMs), desc(invoice.id))
      .limit(query.limit);
  }

  creditNotesOf(invoiceId: string): Promise<CreditNote[]> {
    return this.#orm
      .select()
      .from(creditNote)
      .where(eq(creditNote.invoiceId, invoiceId))
      .orderBy(asc(creditNote.createdAtMs), asc(creditNote.id));
  }

  async chargesOf(invoiceId: string): Promise<Charge[]> {
    const rows = await this.#orm
      .select()
      .from(charge)
      .where(eq(charge.invoiceId, invoiceId))
      .orderBy(asc(charge.createdAtMs), asc(charge.id));
    return rows.map((row) => fromChargeRow(row));
  }

  async refundsOf(subscriptionId: string): Promise<Charge[]> {
    const rows = await this.#orm
      .select()
      .from(charge)
      .where(and(eq(charge.subscriptionId, subscriptionId), eq(charge.purpose, 'refund')))
      .orderBy(asc(charge.createdAtMs), asc(charge.id));
    return rows.map((row) => fromChargeRow(row));
  }

  paidAfter(subscriptionId: string, atMs: EpochMs): Promise<Invoice[]> {
    return this.#orm
      .select()
      .from(invoice)
      .where(
        and(eq(invoice.subscriptionId, subscriptionId), gt(invoice.periodEndMs, atMs), IS_PAID),
      )
      .orderBy(desc(invoice.createdAtMs), desc(invoice.id));
  }

  async charge(id: string): Promise<Charge | null> {
    const [row] = await this.#orm.select().from(charge).where(eq(charge.id, id));
    return row === undefined ? null : fromChargeRow(row);
  }

  async latestCharge(subscriptionId: string): Promise<Charge | null> {
    const [row] = await this.#orm
      .select()
      .from(charge)
      .where(and(eq(charge.subscriptionId, subscriptionId), IS_NO_REFUND))
      .orderBy(desc(charge.createdAtMs), desc(charge.id))
      .limit(1);
    return row === undefined ? null : fromChargeRow(row);
  }

  async markPushed(subscriptionId: string, version: number): Promise<void> {
    await this.#orm
      .update(subscription)
      .set({ pushedVersion: sql`max(${subscription.pushedVersion}, ${version})` })
      .where(eq(subscription.id, subscriptionId));
  }

  async unpushed(afterId: string, limit: number): Promise<string[]> {
    const rows = await this.#orm
      .select({ id: subscription.id })
      .from(subscription)
      .where(and(IS_UNPUSHED, gt(subscription.id, afterId)))
      .orderBy(asc(subscription.id))
      .limit(limit);
    return rows.map(({ id }) => id);
  }

  /** All of a change but the subscription's own row, in the order in which one needs the other. */
  async #statementsOf(change: BillingChange): Promise<D1PreparedStatement[]> {
    const { invoices = [], charges = [], creditNotes = [], notices = [], events = [] } = change;
    const { id, userId } = change.subscription;
    const prepare = (statement: string) => this.#database.prepare(statement);
    const unnumbered = invoices.filter(({ state, number }) => state === 'paid' && number === null);
    const nowMs = this.#clock.nowMs();
    const entries = await billingEntries(this.#database, change, nowMs);
    return [
      ...(change.customer === undefined
        ? []
        : [prepare(UPSERT_CUSTOMER).bind(userId, change.customer.processor, change.customer.ref)]),
      ...bindRows(
        prepare(UPSERT_INVOICES),
        invoice,
        invoicesInOrder(invoices).map((entry) => ({ ...entry, number: null })),
      ),
      ...bindRows(
        prepare(UPSERT_CHARGES),
        charge,
        chargesInOrder(charges).map((entry) => toChargeRow(entry)),
      ),
      ...this.#numberStatements(NUMBER_INVOICE, unnumbered),
      ...bindRows(
        prepare(INSERT_CREDIT_NOTES),
        creditNote,
        creditNotes.map((entry) => ({ ...entry, number: null })),
      ),
      ...this.#numberStatements(NUMBER_CREDIT_NOTE, creditNotes),
      ...ledgerStatements(this.#database, entries),
      ...auditStatements(this.#database, { stream: id, events }),
      ...bindRows(
        prepare(INSERT_NOTICES),
        notice,
        notices.map((entry) => ({
          ...entry,
          createdAtMs: nowMs,
          sentAtMs: null,
          attempts: 0,
          lastError: null,
          nextAttemptAtMs: nowMs,
        })),
      ),
    ];
  }

  #numberStatements(
    statements: readonly string[],
    documents: readonly { readonly id: string }[],
  ): D1PreparedStatement[] {
    return documents.flatMap(({ id }) =>
      statements.map((statement) => this.#database.prepare(statement).bind(id, this.#mark)),
    );
  }
}
