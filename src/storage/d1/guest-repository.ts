/** All SQL of guests. Called by the routes of guest sessions, by registering and by the look-up of bookings. */
import { and, eq, isNull } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { GuestRecord, GuestStore } from '../../application/account-ports.ts';
import type { Draft } from '../../contracts/http/guests.ts';
import { guestSession } from './schema/people.ts';

/** Guests of one database. */
export class GuestRepository implements GuestStore {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  async insert(guest: GuestRecord): Promise<void> {
    await this.#orm.insert(guestSession).values(guest);
  }

  async byId(id: string): Promise<GuestRecord | null> {
    const [row] = await this.#orm.select().from(guestSession).where(eq(guestSession.id, id));
    return row ?? null;
  }

  async saveDraft(id: string, draft: Draft | null): Promise<void> {
    await this.#orm.update(guestSession).set({ draft }).where(eq(guestSession.id, id));
  }

  async take(id: string, userId: string): Promise<boolean> {
    const guest = await this.byId(id);
    if (guest?.userId !== null) return guest?.userId === userId;
    const taken = await this.#orm
      .update(guestSession)
      .set({ userId })
      .where(and(eq(guestSession.id, id), isNull(guestSession.userId)))
      .returning({ id: guestSession.id });
    return taken.length > 0;
  }
}
