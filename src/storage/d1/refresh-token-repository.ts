/**
 * All SQL of refresh tokens. Rotation is one batch, which D1 runs as a transaction: the successor is inserted
 * from the token's row while that is still unused, and only then is the token used up.
 */
import { and, eq, isNull, lt, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { RefreshTokenRecord, RefreshTokenStore } from '../../application/account-ports.ts';
import type { EpochMs } from '../../domain/time.ts';
import { refreshToken } from './schema/people.ts';

/** Refresh tokens of one database. */
export class RefreshTokenRepository implements RefreshTokenStore {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  async insert(token: RefreshTokenRecord): Promise<void> {
    await this.#orm.insert(refreshToken).values(token);
  }

  async byHash(tokenHash: string): Promise<RefreshTokenRecord | null> {
    const [row] = await this.#orm
      .select()
      .from(refreshToken)
      .where(eq(refreshToken.tokenHash, tokenHash));
    return row ?? null;
  }

  async rotate(usedHash: string, successor: RefreshTokenRecord): Promise<boolean> {
    const unused = and(
      eq(refreshToken.tokenHash, usedHash),
      isNull(refreshToken.usedAtMs),
      isNull(refreshToken.revokedAtMs),
    );
    const next = this.#orm
      .select({
        tokenHash: sql<string>`${successor.tokenHash}`.as('token_hash'),
        familyId: refreshToken.familyId,
        userId: refreshToken.userId,
        generation: sql<number>`${refreshToken.generation} + 1`.as('generation'),
        familyExpiresAtMs: refreshToken.familyExpiresAtMs,
        expiresAtMs: sql<number>`${successor.expiresAtMs}`.as('expires_at_ms'),
        usedAtMs: sql<null>`null`.as('used_at_ms'),
        revokedAtMs: sql<null>`null`.as('revoked_at_ms'),
        createdAtMs: sql<number>`${successor.createdAtMs}`.as('created_at_ms'),
      })
      .from(refreshToken)
      .where(unused);
    const [inserted] = await this.#orm.batch([
      this.#orm.insert(refreshToken).select(next).returning({ tokenHash: refreshToken.tokenHash }),
      this.#orm.update(refreshToken).set({ usedAtMs: successor.createdAtMs }).where(unused),
    ]);
    return inserted.length > 0;
  }

  async revokeFamily(familyId: string, nowMs: EpochMs): Promise<void> {
    await this.#orm
      .update(refreshToken)
      .set({ revokedAtMs: nowMs })
      .where(and(eq(refreshToken.familyId, familyId), isNull(refreshToken.revokedAtMs)));
  }

  /** Forgets tokens that expired before the instant; answers how many. */
  async forgetExpired(beforeMs: EpochMs): Promise<number> {
    const rows = await this.#orm
      .delete(refreshToken)
      .where(lt(refreshToken.expiresAtMs, beforeMs))
      .returning({ tokenHash: refreshToken.tokenHash });
    return rows.length;
  }
}
