/**
 * How recoveries come in: in the write that posts the facts that they are of, each once. What becomes of them is the
 * payouts' to write. Called by the ledger's storage.
 */
import type { Recovery } from '../../domain/payout/recovery.ts';
import { bindRows, insertRowsSql } from './row-statements.ts';
import { payoutRecovery } from './schema/payout.ts';

const INSERT_RECOVERIES = `${insertRowsSql(payoutRecovery)} ON CONFLICT (id) DO NOTHING`;

/** The writes of recoveries, for a caller that commits them together with its own. */
export function recoveryStatements(
  database: D1Database,
  recoveries: readonly Recovery[],
): D1PreparedStatement[] {
  return bindRows(database.prepare(INSERT_RECOVERIES), payoutRecovery, recoveries);
}
