/**
 * The heads of the chains that D1 itself writes, of subscriptions and saved methods, as their own rows have them: the
 * witness against which the audit trail is verified. Reads only. Called by the verification of the trail.
 */
import { and, asc, eq, gt } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { ChainHead, ChainHeads } from '../../application/audit-ports.ts';
import { subscription } from './schema/billing.ts';
import { paymentMethod } from './schema/payment-method.ts';

type Witness = typeof subscription | typeof paymentMethod;

/** In the order of the prefixes of their ids, so that one list after the other is one list. */
const WITNESSES: readonly { readonly prefix: string; readonly table: Witness }[] = [
  { prefix: 'pmt_', table: paymentMethod },
  { prefix: 'sub_', table: subscription },
];

/** The heads of one database. */
export class ChainHeadRepository implements ChainHeads {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  async list(afterStream: string, limit: number): Promise<ChainHead[]> {
    const heads: ChainHead[] = [];
    for (const { table } of WITNESSES) {
      if (heads.length < limit)
        heads.push(
          ...(await this.#orm
            .select(headOf(table))
            .from(table)
            .where(and(gt(table.id, afterStream), gt(table.chainSeq, 0)))
            .orderBy(asc(table.id))
            .limit(limit - heads.length)),
        );
    }
    return heads;
  }

  async of(stream: string): Promise<ChainHead | null> {
    const witness = WITNESSES.find(({ prefix }) => stream.startsWith(prefix));
    if (witness === undefined) return null;
    const { table } = witness;
    const [row] = await this.#orm
      .select(headOf(table))
      .from(table)
      .where(and(eq(table.id, stream), gt(table.chainSeq, 0)));
    return row ?? null;
  }
}

function headOf(table: Witness) {
  return { stream: table.id, seq: table.chainSeq, hash: table.chainHash };
}
