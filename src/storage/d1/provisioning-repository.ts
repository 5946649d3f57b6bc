/** All SQL of provisionings. Each change states the states that it may follow, so that making and undoing never cross. */
import { and, eq, inArray } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type {
  Made,
  Provisioning,
  ProvisioningState,
  ProvisioningStore,
} from '../../application/provisioning/provisioning-ports.ts';
import { required } from '../../domain/assert.ts';
import type { EpochMs } from '../../domain/time.ts';
import { provisioning } from './schema/provisioning.ts';

/** Provisionings of one database. */
export class ProvisioningRepository implements ProvisioningStore {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  async begin(record: Provisioning): Promise<Provisioning> {
    const [, stored] = await this.#orm.batch([
      this.#orm.insert(provisioning).values(record).onConflictDoNothing(),
      this.#orm.select().from(provisioning).where(eq(provisioning.id, record.id)),
    ]);
    return required(stored[0], 'a provisioning just written is there');
  }

  async byId(id: string): Promise<Provisioning | null> {
    const [row] = await this.#orm.select().from(provisioning).where(eq(provisioning.id, id));
    return row ?? null;
  }

  async saveMade(
    id: string,
    done: { readonly made: Made; readonly isAll: boolean; readonly nowMs: EpochMs },
  ): Promise<boolean> {
    const rows = await this.#orm
      .update(provisioning)
      .set({
        made: done.made,
        state: done.isAll ? 'done' : 'making',
        touchedAtMs: done.nowMs,
      })
      .where(and(eq(provisioning.id, id), eq(provisioning.state, 'making')))
      .returning({ id: provisioning.id });
    return rows.length > 0;
  }

  async move(
    id: string,
    step: { readonly from: readonly ProvisioningState[]; readonly to: ProvisioningState },
  ): Promise<boolean> {
    const rows = await this.#orm
      .update(provisioning)
      .set({ state: step.to })
      .where(and(eq(provisioning.id, id), inArray(provisioning.state, [...step.from])))
      .returning({ id: provisioning.id });
    return rows.length > 0;
  }
}
