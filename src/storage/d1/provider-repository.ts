/**
 * All SQL of providers, their owners, their staff and the shards that they own.
 * Callers: the catalogue's use cases, the verification of the audit trail.
 */
import { and, asc, eq, gt } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type {
  ProviderPatch,
  ProviderRecord,
  ProviderStore,
  ShardRecord,
  StaffRecord,
} from '../../application/catalogue-ports.ts';
import { required } from '../../domain/assert.ts';
import { provider, providerMember, providerStaff, shard } from './schema/catalogue.ts';

/** Providers of one database. */
export class ProviderRepository implements ProviderStore {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  async insert(record: ProviderRecord, ownerId: string): Promise<ProviderRecord> {
    const { createdAtMs } = record;
    const [, , , stored] = await this.#orm.batch([
      this.#orm.insert(provider).values(record).onConflictDoNothing(),
      this.#orm
        .insert(providerMember)
        .values({ providerId: record.id, userId: ownerId, role: 'owner', createdAtMs })
        .onConflictDoNothing(),
      this.#orm
        .insert(shard)
        .values({
          shardKey: record.shardKey,
          providerId: record.id,
          venueId: null,
          name: record.name,
          regionHint: record.region,
          createdAtMs,
        })
        .onConflictDoNothing(),
      this.#orm.select().from(provider).where(eq(provider.id, record.id)),
    ]);
    return required(stored[0], 'a provider just written is there');
  }

  async byId(id: string): Promise<ProviderRecord | null> {
    const [row] = await this.#orm.select().from(provider).where(eq(provider.id, id));
    return row ?? null;
  }

  async patch(id: string, patch: ProviderPatch): Promise<ProviderRecord | null> {
    if (Object.keys(patch).length === 0) return this.byId(id);
    const [row] = await this.#orm
      .update(provider)
      .set(patch)
      .where(eq(provider.id, id))
      .returning();
    return row ?? null;
  }

  async isOwner(providerId: string, userId: string): Promise<boolean> {
    const rows = await this.#orm
      .select({ role: providerMember.role })
      .from(providerMember)
      .where(and(eq(providerMember.providerId, providerId), eq(providerMember.userId, userId)));
    return rows.length > 0;
  }

  async isMember(providerId: string, userId: string): Promise<boolean> {
    const [owners, staff] = await this.#orm.batch([
      this.#orm
        .select({ userId: providerMember.userId })
        .from(providerMember)
        .where(and(eq(providerMember.providerId, providerId), eq(providerMember.userId, userId))),
      this.#orm
        .select({ userId: providerStaff.userId })
        .from(providerStaff)
        .where(and(eq(providerStaff.providerId, providerId), eq(providerStaff.userId, userId))),
    ]);
    return owners.length + staff.length > 0;
  }

  async members(providerId: string): Promise<string[]> {
    const [owners, staff] = await this.#orm.batch([
      this.#orm
        .select({ userId: providerMember.userId })
        .from(providerMember)
        .where(eq(providerMember.providerId, providerId)),
      this.#orm
        .select({ userId: providerStaff.userId })
        .from(providerStaff)
        .where(eq(providerStaff.providerId, providerId)),
    ]);
    const ids = new Set([...owners, ...staff].map(({ userId }) => userId));
    return [...ids].toSorted();
  }

  async staffOf(providerId: string): Promise<StaffRecord[]> {
    return this.#orm
      .select({ userId: providerStaff.userId, createdAtMs: providerStaff.createdAtMs })
      .from(providerStaff)
      .where(eq(providerStaff.providerId, providerId))
      .orderBy(asc(providerStaff.createdAtMs), asc(providerStaff.userId));
  }

  async addStaff(providerId: string, staff: StaffRecord): Promise<void> {
    await this.#orm
      .insert(providerStaff)
      .values({ providerId, ...staff })
      .onConflictDoNothing();
  }

  async removeStaff(providerId: string, userId: string): Promise<void> {
    await this.#orm
      .delete(providerStaff)
      .where(and(eq(providerStaff.providerId, providerId), eq(providerStaff.userId, userId)));
  }

  async insertShard(record: ShardRecord): Promise<ShardRecord> {
    const [, stored] = await this.#orm.batch([
      this.#orm.insert(shard).values(record).onConflictDoNothing(),
      this.#orm.select().from(shard).where(eq(shard.shardKey, record.shardKey)),
    ]);
    return required(stored[0], 'a shard just written is there');
  }

  async shardsOf(providerId: string): Promise<ShardRecord[]> {
    return this.#orm
      .select()
      .from(shard)
      .where(eq(shard.providerId, providerId))
      .orderBy(asc(shard.createdAtMs), asc(shard.shardKey));
  }

  async shardOwner(shardKey: string): Promise<string | null> {
    const [row] = await this.#orm
      .select({ providerId: shard.providerId })
      .from(shard)
      .where(eq(shard.shardKey, shardKey));
    return row?.providerId ?? null;
  }

  async shardKeys(afterKey: string, limit: number): Promise<string[]> {
    const rows = await this.#orm
      .select({ shardKey: shard.shardKey })
      .from(shard)
      .where(gt(shard.shardKey, afterKey))
      .orderBy(asc(shard.shardKey))
      .limit(limit);
    return rows.map((row) => row.shardKey);
  }
}
