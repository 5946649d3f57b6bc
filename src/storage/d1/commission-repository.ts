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
  PlatformRates,
  StaleService,
} from '../../application/payouts/commission-ports.ts';
import type { CommissionTerms } from '../../domain/inventory/cards.ts';
import type { EpochMs } from '../../domain/time.ts';
import { provider, venue } from './schema/catalogue.ts';
import { commissionRate } from './schema/payout.ts';

/** The nearest rates; ?1 to ?3 are the platform's. A rate that is everybody's is not repeated. */
const GENERAL = 'coalesce(venue.commission_bps, provider.commission_bps, ?1)';
const GUESTS = `nullif(coalesce(
    venue_rate.guest_bps, venue.commission_bps, provider_rate.guest_bps, provider.commission_bps, ?2
  ), ${GENERAL})`;
const MEMBERS = `nullif(coalesce(
    venue_rate.member_bps, venue.commission_bps, provider_rate.member_bps, provider.commission_bps, ?3
  ), ${GENERAL})`;
const TERMS = `${GENERAL} AS commissionBps, ${GUESTS} AS guestCommissionBps, ${MEMBERS} AS memberCommissionBps`;

/** Where the rates of a venue stand. */
const SCOPES = `
  JOIN provider ON provider.id = venue.provider_id
  LEFT JOIN commission_rate AS venue_rate ON venue_rate.scope = 'venue' AND venue_rate.scope_id = venue.id
  LEFT JOIN commission_rate AS provider_rate ON provider_rate.scope = 'provider' AND provider_rate.scope_id = provider.id`;

const TERMS_OF = `SELECT ${TERMS} FROM venue ${SCOPES} WHERE venue.id = ?4`;

/** The cards of the shards, as D1 has them, beside what their rates should be. Cards of old name no rate but the general. */
const STALE = `
  SELECT service.id AS serviceId, ${TERMS}
  FROM service
  JOIN venue ON venue.id = service.venue_id ${SCOPES}
  WHERE service.active = 1 AND service.id > ?4
    AND (service.card ->> '$.commissionBps' <> ${GENERAL}
      OR service.card ->> '$.guestCommissionBps' IS NOT ${GUESTS}
      OR service.card ->> '$.memberCommissionBps' IS NOT ${MEMBERS})`;

const STALE_OF = {
  global: `${STALE} ORDER BY service.id LIMIT ?5`,
  provider: `${STALE} AND service.provider_id = ?6 ORDER BY service.id LIMIT ?5`,
  venue: `${STALE} AND service.venue_id = ?6 ORDER BY service.id LIMIT ?5`,
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

  async termsOf(venueId: string, platform: PlatformRates): Promise<CommissionTerms | null> {
    return this.#database
      .prepare(TERMS_OF)
      .bind(platform.anyBps, platform.guestBps, platform.memberBps, venueId)
      .first<CommissionTerms>();
  }

  async staleServices(query: {
    readonly scope: CommissionScope;
    readonly platform: PlatformRates;
    readonly afterId: string;
    readonly limit: number;
  }): Promise<StaleService[]> {
    const { scope, platform, afterId, limit } = query;
    const ids = scope.scope === 'global' ? [] : [scope.id];
    const { results } = await this.#database
      .prepare(STALE_OF[scope.scope])
      .bind(platform.anyBps, platform.guestBps, platform.memberBps, afterId, limit, ...ids)
      .all<StaleService>();
    return results;
  }
}

function idOf(scope: CommissionScope): string {
  return scope.scope === 'global' ? '' : scope.id;
}
