/** Hands on one processor of running simulators: what its payers do, its fault script, its clock, its books, its calls. */
import type { Processor } from '../../src/domain/payment/processor-reply.ts';

/** A row of the simulators' books, of a payment (`id`) or of what was made of one (`of`). */
export interface BookRow {
  readonly processor: string;
  readonly kind: string;
  readonly id: string;
  readonly of: string | null;
  readonly amount: number;
  readonly currency: string;
  readonly status: string;
  readonly metadata: unknown;
}

export class ProcessorControl {
  readonly #baseUrl: string;
  readonly #processor: Processor;

  constructor(baseUrl: string, processor: Processor) {
    this.#baseUrl = baseUrl;
    this.#processor = processor;
  }

  /** Something that a payer does about a payment. Errors: what cannot be done now. */
  act(ref: string, action: object): Promise<void> {
    return this.#send('POST', `payers/${this.#processor}/${ref}`, action);
  }

  /** Adds a rule to the fault script. */
  addFault(rule: object): Promise<void> {
    return this.#send('POST', 'faults', { processor: this.#processor, ...rule });
  }

  /** The rules in force, and how often each fired. */
  async faults(): Promise<{ readonly fault: string; readonly fired: number }[]> {
    const rules = await this.#rows('faults');
    return rules.map(({ fault, fired }) => ({ fault: String(fault), fired: Number(fired) }));
  }

  /** Ends every rule. */
  clearFaults(): Promise<void> {
    return this.#send('DELETE', 'faults');
  }

  /** Moves the lifetimes of the processor's objects. */
  advanceSeconds(advanceSeconds: number): Promise<void> {
    return this.#send('POST', 'clock', { advanceSeconds });
  }

  /** Every movement of money of this processor, in order of effect. */
  async books(): Promise<BookRow[]> {
    const rows = await this.#rows('books');
    return rows.map(toBookRow).filter(({ processor }) => processor === this.#processor);
  }

  /** The movements of one payment. */
  async movements(ref: string): Promise<BookRow[]> {
    return (await this.books()).filter((row) => row.id === ref || row.of === ref);
  }

  /** The last calls that came in. */
  calls(): Promise<Record<string, unknown>[]> {
    return this.#rows(`requests?processor=${this.#processor}`);
  }

  /** How many of the last calls had this header. */
  async countCallsWith(header: string, value: string): Promise<number> {
    const calls = await this.calls();
    return calls.filter(({ headers }) => isRecord(headers) && headers[header] === value).length;
  }

  /** How many of the newest 1,000 events are still to be sent. */
  async pendingDeliveries(): Promise<number> {
    const rows = await this.#rows('webhooks');
    return rows.filter(({ status }) => status === 'pending').length;
  }

  async #send(method: 'POST' | 'DELETE', path: string, body?: object): Promise<void> {
    const response = await fetch(`${this.#baseUrl}/control/${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${path}: ${String(response.status)} ${answer}`);
  }

  async #rows(path: string): Promise<Record<string, unknown>[]> {
    const answer: unknown = await (await fetch(`${this.#baseUrl}/control/${path}`)).json();
    if (!isRecord(answer) || !Array.isArray(answer['data'])) throw new Error(`${path} has no data`);
    return answer['data'].filter(isRecord);
  }
}

function toBookRow(row: Record<string, unknown>): BookRow {
  return {
    processor: String(row['processor']),
    kind: String(row['kind']),
    id: String(row['id']),
    of: typeof row['of'] === 'string' ? row['of'] : null,
    amount: Number(row['amount']),
    currency: String(row['currency']),
    status: String(row['status']),
    metadata: row['metadata'],
  };
}

/** Narrows what came over the wire. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
