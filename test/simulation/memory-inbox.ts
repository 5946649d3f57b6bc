/** An inbox of processors' events in memory: kept once per key, handled only when its consumer says so. */
import type { InboxEvent, InboxStore, NewInboxEvent } from '../../src/application/inbox-ports.ts';

type Mutable<T> = { -readonly [member in keyof T]: T[member] };

export class MemoryInbox implements InboxStore {
  readonly #events = new Map<string, Mutable<InboxEvent>>();

  async insert(event: NewInboxEvent) {
    const known = this.#events.get(event.id);
    if (known !== undefined)
      return { inserted: false, id: event.id, handled: known.handledAtMs !== null };
    this.#events.set(event.id, { ...event, handledAtMs: null, attempts: 0, lastError: null });
    return { inserted: true, id: event.id, handled: false };
  }

  async byId(id: string) {
    return this.#events.get(id) ?? null;
  }

  async markHandled(id: string, nowMs: number) {
    const event = this.#events.get(id);
    if (event !== undefined) event.handledAtMs = nowMs;
  }

  async markFailed(id: string, failure: { error: string; nextAttemptAtMs: number }) {
    const event = this.#events.get(id);
    if (event === undefined) return;
    event.attempts += 1;
    event.lastError = failure.error;
    event.nextAttemptAtMs = failure.nextAttemptAtMs;
  }

  async due(nowMs: number, limit: number) {
    return this.unhandled()
      .filter(({ nextAttemptAtMs }) => nextAttemptAtMs <= nowMs)
      .slice(0, limit);
  }

  async list() {
    return [...this.#events.values()];
  }

  /** Events that were received and not handled. */
  unhandled(): InboxEvent[] {
    return [...this.#events.values()].filter(({ handledAtMs }) => handledAtMs === null);
  }
}
