/**
 * Saved methods in memory, under the rules that the database keeps: one version after the other, a token once, a limit, and
 * what a subscription is paid with stays. For tests on Node; the same suite of behaviours runs over it and over D1.
 */
import type {
  MethodChange,
  PaymentMethodStore,
} from '../../src/application/payment-methods/method-ports.ts';
import type { ChainLink } from '../../src/domain/chain.ts';
import type { Processor } from '../../src/domain/payment/processor-reply.ts';
import { SAVED_METHODS_MAX, type SavedMethod } from '../../src/domain/payment/saved-method.ts';

export class MemoryPaymentMethods implements PaymentMethodStore {
  readonly #rows = new Map<string, SavedMethod>();
  readonly #customers = new Map<string, string>();
  readonly #trail: ChainLink[] = [];
  /** Tokens that live subscriptions are paid with. */
  readonly inUse = new Set<string>();

  /** Types of the events of a method, in order. */
  trail(id: string): string[] {
    return this.#trail.filter(({ entityId }) => entityId === id).map(({ type }) => type);
  }

  async byId(id: string): Promise<SavedMethod | null> {
    return this.#rows.get(id) ?? null;
  }

  async liveOf(userId: string): Promise<SavedMethod[]> {
    return this.#live()
      .filter((method) => method.userId === userId)
      .toSorted((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  }

  async insert({ method, events }: MethodChange): Promise<'done' | 'exists' | 'limit'> {
    const own = await this.liveOf(method.userId);
    if (own.length >= SAVED_METHODS_MAX) return 'limit';
    const isSame = (other: SavedMethod) =>
      other.offered !== null &&
      other.offered === method.offered &&
      other.processor === method.processor;
    if (this.#rows.has(method.id) || own.some(isSame)) return 'exists';
    this.#rows.set(method.id, method);
    this.#trail.push(...events);
    return 'done';
  }

  async save({ method, events }: MethodChange): Promise<'done' | 'conflict' | 'in_use'> {
    const known = this.#rows.get(method.id);
    if (known?.version !== method.version - 1) return 'conflict';
    const isGoing = known.state === 'active' && method.state === 'removing';
    if (isGoing && this.inUse.has(known.methodRef ?? '')) return 'in_use';
    this.#rows.set(method.id, method);
    this.#trail.push(...events);
    return 'done';
  }

  async due(query: {
    dueUntilMs: number | null;
    afterId: string;
    limit: number;
  }): Promise<SavedMethod[]> {
    const untilMs = query.dueUntilMs ?? Number.MAX_SAFE_INTEGER;
    return [...this.#rows.values()]
      .filter(({ id, dueAtMs }) => id > query.afterId && dueAtMs !== null && dueAtMs <= untilMs)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, query.limit);
  }

  async customerOf(userId: string, processor: Processor): Promise<string | null> {
    return this.#customers.get(`${userId} ${processor}`) ?? null;
  }

  async keepCustomer(userId: string, customer: { processor: Processor; ref: string }) {
    const name = `${userId} ${customer.processor}`;
    if (!this.#customers.has(name)) this.#customers.set(name, customer.ref);
    return this.#customers.get(name) ?? customer.ref;
  }

  #live(): SavedMethod[] {
    return [...this.#rows.values()].filter(
      ({ state }) => state === 'pending' || state === 'active',
    );
  }
}
