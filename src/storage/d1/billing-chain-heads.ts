/**
 * The heads of the subscriptions' chains as the subscriptions themselves have them: the witness against which the audit
 * trail is verified. Reads only. Called by the verification of the trail.
 */
import { and, asc, eq, gt } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { ChainHead, ChainHeads } from '../../application/audit-ports.ts';
import { subscription } from './schema/billing.ts';

const HEAD = {
  stream: subscription.id,
  seq: subscription.chainSeq,
  hash: subscription.chainHash,
};

/** The heads of one database. */
export class ChainHeadRepository implements ChainHeads {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  list(afterStream: string, limit: number): Promise<ChainHead[]> {
    return this.#orm
      .select(HEAD)
      .from(subscription)
      .where(and(gt(subscription.id, afterStream), gt(subscription.chainSeq, 0)))
      .orderBy(asc(subscription.id))
      .limit(limit);
  }

  async of(stream: string): Promise<ChainHead | null> {
    const [row] = await this.#orm
      .select(HEAD)
      .from(subscription)
      .where(and(eq(subscription.id, stream), gt(subscription.chainSeq, 0)));
    return row ?? null;
  }
}
