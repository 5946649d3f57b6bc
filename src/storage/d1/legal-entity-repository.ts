/**
 * Who sends the invoices of a database, as its printed page names them. Reads only: the counters of the series move in
 * the transactions that give numbers, and the names are for an operator to write. Called by the invoice routes.
 */
import { eq } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import { required } from '../../domain/assert.ts';
import { legalEntity } from './schema/billing.ts';

/** The one row that the migration makes. */
const PLATFORM = 'platform';

/** What an invoice says of its sender. An empty address was never filled in. */
export interface LegalEntity {
  readonly name: string;
  readonly address: string;
  readonly taxId: string | null;
}

/** The legal entity of one database. */
export class LegalEntityRepository {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  async platform(): Promise<LegalEntity> {
    const [row] = await this.#orm
      .select({
        name: legalEntity.name,
        address: legalEntity.address,
        taxId: legalEntity.taxId,
      })
      .from(legalEntity)
      .where(eq(legalEntity.code, PLATFORM));
    return required(row, 'the migration makes the platform');
  }
}
