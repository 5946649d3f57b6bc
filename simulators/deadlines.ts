/**
 * Lifetimes on the virtual clock: when an authorisation lapses, a refund settles, a dispute is due.
 * Owns the `deadline` table and the order in which due rows are applied; must never decide what a
 * deadline means, which the processors' folders register by kind.
 */
import type { Clock } from './clock.ts';
import type { Store } from './store.ts';

/** What to do when an object's deadline of one kind has passed. Runs inside the store's call. */
export type DeadlineHandler = (objectId: string) => void;

/** Schedules and applies deadlines; one handler per `processor:kind`. */
export class Deadlines {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #handlers = new Map<string, DeadlineHandler>();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Registers what a kind of deadline does. */
  onDue(name: string, handler: DeadlineHandler): void {
    this.#handlers.set(name, handler);
  }

  /** Sets a deadline `inSeconds` from now on the virtual clock. `name` is `processor:kind`. */
  set(name: string, objectId: string, inSeconds: number): void {
    const [processor = '', kind = ''] = name.split(':');
    this.#store
      .statement('INSERT INTO deadline (processor, kind, object_id, due_s) VALUES (?, ?, ?, ?)')
      .run(processor, kind, objectId, this.#clock.virtualSeconds() + inSeconds);
  }

  /** Drops every deadline of an object. */
  clear(objectId: string): void {
    this.#store.statement('DELETE FROM deadline WHERE object_id = ?').run(objectId);
  }

  /** Applies what is due, oldest first, inside the current call; answers how many were applied. */
  applyDue(): number {
    let appliedCount = 0;
    for (;;) {
      const row = this.#store
        .statement('SELECT * FROM deadline WHERE due_s <= ? ORDER BY due_s, seq LIMIT 1')
        .get(this.#clock.virtualSeconds());
      if (!row) return appliedCount;
      this.#store.statement('DELETE FROM deadline WHERE seq = ?').run(Number(row['seq']));
      this.#handlers.get(`${String(row['processor'])}:${String(row['kind'])}`)?.(
        String(row['object_id']),
      );
      appliedCount += 1;
    }
  }

  /** True when applyDue() would find work; a read, so that idle time costs no commit. */
  hasDue(): boolean {
    const row = this.#store
      .statement('SELECT 1 FROM deadline WHERE due_s <= ? LIMIT 1')
      .get(this.#clock.virtualSeconds());
    return row !== undefined;
  }
}
