/**
 * All SQL of bank statements. A line is kept once, whichever statements it stands on, and says at most once which entry
 * of the ledger it is: the triggers of migrations/0012_create_bank_statement.sql see to that.
 * Called by the operators' routes for statements.
 */
import { and, asc, eq, gte, inArray, lte, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { BankLine, BankStatement, BankStore } from '../../application/bank-ports.ts';
import type { EpochMs } from '../../domain/time.ts';
import { bindRows, insertRowsSql } from './row-statements.ts';
import { bankLine, bankStatement } from './schema/bank.ts';

const INSERT_STATEMENT = `${insertRowsSql(bankStatement)} ON CONFLICT (id) DO NOTHING`;
const INSERT_LINES = `${insertRowsSql(bankLine)} ON CONFLICT (id) DO NOTHING RETURNING id`;

const MATCH = `
  UPDATE bank_line SET transaction_id = ?2
  WHERE id = ?1 AND transaction_id IS NULL
    AND NOT EXISTS (SELECT 1 FROM bank_line AS other WHERE other.transaction_id = ?2 AND other.transaction_id IS NOT NULL)`;

// Written out, because a partial index serves only a query that says its condition in the same words.
const IS_MATCHED = sql`${bankLine.transactionId} IS NOT NULL`;

/** The bank statements of one database. */
export class BankRepository implements BankStore {
  readonly #database: D1Database;
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#database = database;
    this.#orm = drizzle(database);
  }

  async insert(statement: BankStatement, lines: readonly BankLine[]): Promise<number> {
    const [, ...added] = await this.#database.batch([
      ...bindRows(this.#database.prepare(INSERT_STATEMENT), bankStatement, [statement]),
      ...bindRows(this.#database.prepare(INSERT_LINES), bankLine, lines),
    ]);
    return added.reduce((sum, { results }) => sum + results.length, 0);
  }

  async byId(id: string): Promise<BankStatement | null> {
    const [row] = await this.#orm.select().from(bankStatement).where(eq(bankStatement.id, id));
    return row ?? null;
  }

  linesOf(query: { account: string; fromAtMs: EpochMs; toAtMs: EpochMs }): Promise<BankLine[]> {
    return this.#orm
      .select()
      .from(bankLine)
      .where(
        and(
          eq(bankLine.account, query.account),
          gte(bankLine.bookedAtMs, query.fromAtMs),
          lte(bankLine.bookedAtMs, query.toAtMs),
        ),
      )
      .orderBy(asc(bankLine.bookedAtMs), asc(bankLine.id));
  }

  async known(transactionIds: readonly string[]): Promise<string[]> {
    const wanted = sql`(SELECT value FROM json_each(${JSON.stringify(transactionIds)}))`;
    const rows = await this.#orm
      .select({ transactionId: bankLine.transactionId })
      .from(bankLine)
      .where(and(inArray(bankLine.transactionId, wanted), IS_MATCHED));
    return rows.flatMap(({ transactionId }) => (transactionId === null ? [] : [transactionId]));
  }

  async match(pairs: readonly { lineId: string; transactionId: string }[]): Promise<void> {
    if (pairs.length === 0) return;
    const statement = this.#database.prepare(MATCH);
    await this.#database.batch(
      pairs.map(({ lineId, transactionId }) => statement.bind(lineId, transactionId)),
    );
  }
}
