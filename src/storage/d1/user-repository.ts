/**
 * All SQL of people and of who has which e-mail address. People live in their region's database,
 * claims of addresses in the global one.
 */
import { and, eq, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type {
  EmailClaim,
  EmailClaimStore,
  UserRecord,
  UserStore,
} from '../../application/account-ports.ts';
import type { Role } from '../../contracts/calls.ts';
import { emailClaim, user } from './schema/people.ts';

/** People of one database. */
export class UserRepository implements UserStore {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  async insert(record: UserRecord): Promise<void> {
    await this.#orm.insert(user).values(record);
  }

  async byId(id: string): Promise<UserRecord | null> {
    const [row] = await this.#orm.select().from(user).where(eq(user.id, id));
    return row ?? null;
  }

  async remove(id: string): Promise<void> {
    await this.#orm.delete(user).where(eq(user.id, id));
  }

  async grantRole(id: string, role: Role): Promise<void> {
    const roles = sql<readonly Role[]>`json_insert(${user.roles}, '$[#]', ${role})`;
    const hasNot = sql`not exists (select 1 from json_each(${user.roles}) where value = ${role})`;
    await this.#orm
      .update(user)
      .set({ roles })
      .where(and(eq(user.id, id), hasNot));
  }
}

/** Claims of addresses; for the global database alone. */
export class EmailClaimRepository implements EmailClaimStore {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  async find(emailKey: string): Promise<EmailClaim | null> {
    const [row] = await this.#orm
      .select({ userId: emailClaim.userId, dataRegion: emailClaim.dataRegion })
      .from(emailClaim)
      .where(eq(emailClaim.emailKey, emailKey));
    return row ?? null;
  }

  async claim(record: UserRecord): Promise<boolean> {
    const rows = await this.#orm
      .insert(emailClaim)
      .values({
        emailKey: record.emailKey,
        userId: record.id,
        dataRegion: record.dataRegion,
        createdAtMs: record.createdAtMs,
      })
      .onConflictDoNothing()
      .returning({ userId: emailClaim.userId });
    return rows.length > 0;
  }
}
