/**
 * What the ledger says of one provider, for statements. Reads only: the sums and postings are the ledger's own. Totals walk
 * all transactions of the provider by their index. Callers: the payouts' use cases.
 */
import type {
  ProviderLedger,
  ProviderLine,
  ProviderLinesQuery,
  ProviderTotals,
} from '../../application/payouts/payout-ports.ts';
import { COMMISSION_ACCOUNT, providerAccount, taxAccount } from '../../domain/ledger/entry.ts';

const TOTALS = `
  SELECT
    entry.currency AS currency,
    sum(iif(posting.account = ?2 AND entry.kind NOT IN ('transfer', 'transfer_reversed'), -posting.amount_minor, 0))
      AS keptMinor,
    sum(iif(posting.account = ?3, -posting.amount_minor, 0)) AS takenMinor,
    sum(iif(posting.account = ?4, -posting.amount_minor, 0)) AS taxMinor,
    sum(iif(posting.account = ?2 AND entry.kind IN ('transfer', 'transfer_reversed'), posting.amount_minor, 0))
      AS paidOutMinor
  FROM ledger_transaction AS entry
  JOIN ledger_posting AS posting ON posting.transaction_id = entry.id
  WHERE entry.provider_id = ?1
  GROUP BY entry.currency ORDER BY entry.currency`;

const LINE = `
  entry.id AS id, entry.kind AS kind, entry.currency AS currency, -posting.amount_minor AS amountMinor,
  entry.booking_id AS bookingId, entry.payout_id AS payoutId, entry.at_ms AS atMs,
  entry.available_from_ms AS availableFromMs`;

/** An entry has at most one posting per account. */
const LINES = `
  SELECT ${LINE} FROM ledger_transaction AS entry
  JOIN ledger_posting AS posting ON posting.transaction_id = entry.id AND posting.account = ?2
  WHERE entry.provider_id = ?1 AND (entry.at_ms, entry.id) < (?3, ?4)
  ORDER BY entry.at_ms DESC, entry.id DESC LIMIT ?5`;

const LINES_OF_PAYOUT = `
  SELECT ${LINE} FROM payout_line AS stated
  JOIN ledger_transaction AS entry ON entry.id = stated.transaction_id
  JOIN ledger_posting AS posting
    ON posting.transaction_id = stated.transaction_id AND posting.line = stated.line AND posting.account = ?2
  WHERE stated.payout_id = ?1 AND (entry.at_ms, entry.id) < (?3, ?4)
  ORDER BY entry.at_ms DESC, entry.id DESC LIMIT ?5`;

const STATED = `
  SELECT coalesce(-sum(posting.amount_minor), 0) AS statedMinor FROM payout_line AS stated
  JOIN ledger_posting AS posting
    ON posting.transaction_id = stated.transaction_id AND posting.line = stated.line
  WHERE stated.payout_id = ?1`;

/** Statements of one database. */
export class ProviderStatementRepository implements ProviderLedger {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = database;
  }

  async totals(providerId: string): Promise<ProviderTotals[]> {
    const { results } = await this.#database
      .prepare(TOTALS)
      .bind(providerId, providerAccount(providerId), COMMISSION_ACCOUNT, taxAccount(providerId))
      .all<{
        currency: string;
        keptMinor: number;
        takenMinor: number;
        taxMinor: number;
        paidOutMinor: number;
      }>();
    return results.map(({ currency, keptMinor, takenMinor, taxMinor, paidOutMinor }) => ({
      currency,
      earnedMinor: keptMinor + takenMinor,
      takenMinor,
      taxMinor,
      paidOutMinor,
      owedMinor: keptMinor - paidOutMinor,
    }));
  }

  lines(query: ProviderLinesQuery): Promise<ProviderLine[]> {
    return this.#linesBy(LINES, query.providerId, query);
  }

  linesOfPayout(
    query: ProviderLinesQuery & { readonly payoutId: string },
  ): Promise<ProviderLine[]> {
    return this.#linesBy(LINES_OF_PAYOUT, query.payoutId, query);
  }

  async statedMinor(payoutId: string): Promise<number> {
    const minor = await this.#database.prepare(STATED).bind(payoutId).first<number>('statedMinor');
    return minor ?? 0;
  }

  async #linesBy(
    statement: string,
    id: string,
    { providerId, before, limit }: ProviderLinesQuery,
  ): Promise<ProviderLine[]> {
    const { results } = await this.#database
      .prepare(statement)
      .bind(
        id,
        providerAccount(providerId),
        before?.atMs ?? Number.MAX_SAFE_INTEGER,
        before?.id ?? '',
        limit,
      )
      .all<ProviderLine>();
    return results;
  }
}
