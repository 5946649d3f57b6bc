/** All SQL of venues. Callers: the catalogue's use cases. */
import { and, eq } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { VenuePatch, VenueRecord, VenueStore } from '../../application/catalogue-ports.ts';
import { required } from '../../domain/assert.ts';
import { venue } from './schema/catalogue.ts';

/** Venues of one database. */
export class VenueRepository implements VenueStore {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  async insert(record: VenueRecord): Promise<VenueRecord> {
    const [, stored] = await this.#orm.batch([
      this.#orm.insert(venue).values(record).onConflictDoNothing(),
      this.#orm.select().from(venue).where(eq(venue.id, record.id)),
    ]);
    return required(stored[0], 'a venue just written is there');
  }

  async byId(id: string): Promise<VenueRecord | null> {
    const [row] = await this.#orm.select().from(venue).where(eq(venue.id, id));
    return row ?? null;
  }

  async patch(id: string, patch: VenuePatch): Promise<VenueRecord | null> {
    if (Object.keys(patch).length === 0) return this.byId(id);
    const [row] = await this.#orm.update(venue).set(patch).where(eq(venue.id, id)).returning();
    return row ?? null;
  }

  async deactivateAllOf(providerId: string): Promise<void> {
    await this.#orm
      .update(venue)
      .set({ active: false })
      .where(and(eq(venue.providerId, providerId), eq(venue.active, true)));
  }
}
