/**
 * All SQL of commissions. A provider's and a venue's general rate stand in their own rows, where the catalogue reads them;
 * what differs by who pays, and the global rate, in a table of their own. Callers: the operators' commissions, the run of
 * payouts.
 */
import { and, eq } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type {
  CommissionRates,
  CommissionScope,
  CommissionStore,
  StaleService,
} from '../../application/payouts/commission-ports.ts';
import type { EpochMs } from '../../domain/time.ts';
import { provider, venue } from './schema/catalogue.ts';
import { commissionRate } from './schema/payout.ts';

/** The cards of the shards, as D1 has them, beside what their rate should be. */
const STALE = `
  SELECT service.id AS serviceId, coalesce(venue.commission_bps, provider.commission_bps, ?1) AS commissionBps
  FROM service
  JOIN venue ON venue.id = service.venue_id
  JOIN provider ON provider.id = service.provider_id
  WHERE service.active = 1 AND service.id > ?2
    AND service.card ->> '$.commissionBps' <> coalesce(venue.commission_bps, provider.commission_bps, ?1)`;

const STALE_OF = {
  global: `${STALE} ORDER BY service.id LIMIT ?3`,
  provider: `${STALE} AND service.provider_id = ?4 ORDER BY service.id LIMIT ?3`,
  venue: `${STALE} AND service.venue_id = ?4 ORDER BY service.id LIMIT ?3`,
} as const;

/** Commissions of one database. */
export class CommissionRepository implements CommissionStore {
  readonly #database: D1Database;
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#database = database;
    this.#orm = drizzle(database);
  }

  async rates(scope: CommissionScope): Promise<CommissionRates | null> {
    const [row] = await this.#orm
      .select({
        anyBps: commissionRate.anyBps,
        guestBps: commissionRate.guestBps,
        memberBps: commissionRate.memberBps,
      })
      .from(commissionRate)
      .where(and(eq(commissionRate.scope, scope.scope), eq(commissionRate.scopeId, idOf(scope))));
    const kept = row ?? null;
    if (scope.scope === 'global') return kept;
    // Whoever created the provider or venue may have given it a rate, which no operator has touched since.
    const owner = scope.scope === 'provider' ? provider : venue;
    const [own] = await this.#orm
      .select({ anyBps: owner.commissionBps })
      .from(owner)
      .where(eq(owner.id, scope.id));
    return own === undefined ? kept : { guestBps: null, memberBps: null, ...kept, ...own };
  }

  async save(
    scope: CommissionScope,
    rates: CommissionRates,
    { actor, atMs }: { readonly actor: string; readonly atMs: EpochMs },
  ): Promise<boolean> {
    const row = { ...rates, changedBy: actor, changedAtMs: atMs };
    const write = this.#orm
      .insert(commissionRate)
      .values({ scope: scope.scope, scopeId: idOf(scope), ...row })
      .onConflictDoUpdate({ target: [commissionRate.scope, commissionRate.scopeId], set: row });
    if (scope.scope === 'global') {
      await write;
      return true;
    }
    const owner = scope.scope === 'provider' ? provider : venue;
    const known = await this.#orm
      .select({ id: owner.id })
      .from(owner)
      .where(eq(owner.id, scope.id));
    if (known.length === 0) return false;
    const own = this.#orm
      .update(owner)
      .set({ commissionBps: rates.anyBps })
      .where(eq(owner.id, scope.id));
    await this.#orm.batch([write, own]);
    return true;
  }

  async staleServices(query: {
    readonly scope: CommissionScope;
    readonly platformBps: number;
    readonly afterId: string;
    readonly limit: number;
  }): Promise<StaleService[]> {
    const { scope, platformBps, afterId, limit } = query;
    const ids = scope.scope === 'global' ? [] : [scope.id];
    const { results } = await this.#database
      .prepare(STALE_OF[scope.scope])
      .bind(platformBps, afterId, limit, ...ids)
      .all<StaleService>();
    return results;
  }
}

function idOf(scope: CommissionScope): string {
  return scope.scope === 'global' ? '' : scope.id;
}
