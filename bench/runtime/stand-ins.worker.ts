/**
 * Databases and queues for the product's bundle where no platform gives them: the private contracts of the bindings,
 * as far as the product uses them. Pinned with the runtime, because the contracts may change with it.
 * D1 is a SQLite object that answers POST /query and /execute; a queue keeps messages in memory and delivers batches.
 */
import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers';

interface StandInEnv {
  readonly DATABASE: DurableObjectNamespace<Database>;
  readonly QUEUE: DurableObjectNamespace<QueueBroker>;
  readonly CONSUMER: ConsumerService;
  /** `no` drops what is sent: the load then has the processor for itself. */
  readonly DELIVERS: 'yes' | 'no';
}

interface Named {
  readonly name: string;
}

interface Query {
  readonly sql: string;
  readonly params?: readonly (string | number | null | readonly number[])[] | null;
}

export class D1Entry extends WorkerEntrypoint<StandInEnv, Named> {
  override async fetch(request: Request): Promise<Response> {
    const body: Query | Query[] = await request.json();
    const database = this.env.DATABASE.getByName(this.ctx.props.name);
    const answer = await database.run(Array.isArray(body) ? body : [body]);
    return new Response(answer, { headers: { 'content-type': 'application/json' } });
  }
}

/** One database. The queries of one call are one transaction, as D1 promises for a batch. */
export class Database extends DurableObject<StandInEnv> {
  run(queries: readonly Query[]): string {
    try {
      const results = this.ctx.storage.transactionSync(() =>
        queries.map((query) => this.#query(query)),
      );
      return JSON.stringify(results);
    } catch (error) {
      return JSON.stringify({ success: false, error: String(error) });
    }
  }

  #query({ sql, params }: Query): unknown {
    const before = this.#changes();
    const values = (params ?? []).map((value) =>
      typeof value === 'object' && value !== null ? new Uint8Array(value) : value,
    );
    const cursor = this.ctx.storage.sql.exec(sql, ...values);
    const rows = [...cursor.raw()].map((row) =>
      row.map((value) => (value instanceof ArrayBuffer ? [...new Uint8Array(value)] : value)),
    );
    const after = this.#changes();
    return {
      success: true,
      results: { columns: cursor.columnNames, rows },
      meta: {
        served_by: 'stand-in',
        duration: 0,
        changes: after.total - before.total,
        last_row_id: after.lastRow,
        changed_db: after.total !== before.total,
        size_after: this.ctx.storage.sql.databaseSize,
        rows_read: cursor.rowsRead,
        rows_written: cursor.rowsWritten,
      },
    };
  }

  #changes(): { total: number; lastRow: number } {
    return this.ctx.storage.sql
      .exec<{ total: number; lastRow: number }>(
        'SELECT total_changes() AS total, last_insert_rowid() AS lastRow',
      )
      .one();
  }
}

export class QueueEntry extends WorkerEntrypoint<StandInEnv, Named> {
  override async fetch(request: Request): Promise<Response> {
    const broker = this.env.QUEUE.getByName(this.ctx.props.name);
    if (new URL(request.url).pathname === '/batch') {
      const batch: { messages: { body: string; delaySecs?: number }[] } = await request.json();
      await broker.add(batch.messages.map(({ body }) => atob(body)));
    } else {
      await broker.add([await request.text()]);
    }
    return Response.json({ metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } });
  }
}

/** Most messages of one delivery, and how long a lonely one waits: the values of the product's configuration. */
const BATCH_SIZE = 50;
const BATCH_WAIT_MS = 1_000;

/** One queue. Messages are JSON texts; one that fails is delivered again with the next batch. */
export class QueueBroker extends DurableObject<StandInEnv> {
  #waiting: { id: string; body: string; attempts: number }[] = [];
  #isScheduled = false;
  #isDelivering = false;

  add(bodies: readonly string[]): void {
    if (this.env.DELIVERS === 'no') return;
    for (const body of bodies) {
      this.#waiting.push({ id: crypto.randomUUID(), body, attempts: 1 });
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isDelivering || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    const waitMs = this.#waiting.length >= BATCH_SIZE ? 0 : BATCH_WAIT_MS;
    setTimeout(() => void this.#deliver(), waitMs);
  }

  async #deliver(): Promise<void> {
    this.#isScheduled = false;
    this.#isDelivering = true;
    const batch = this.#waiting.splice(0, BATCH_SIZE);
    const outcome = await this.env.CONSUMER.queue(
      String(this.ctx.id.name),
      batch.map(({ id, body, attempts }) => ({
        id,
        attempts,
        timestamp: new Date(),
        body: JSON.parse(body) as unknown,
      })),
    ).catch(() => null);
    const again = new Set(outcome?.retryMessages?.map((message) => message.msgId));
    const isAll = outcome === null || outcome.outcome !== 'ok' || outcome.retryBatch.retry;
    for (const message of batch) {
      if (isAll || again.has(message.id)) {
        this.#waiting.push({ ...message, attempts: message.attempts + 1 });
      }
    }
    this.#isDelivering = false;
    this.#schedule();
  }
}

interface ConsumerService {
  queue(
    name: string,
    messages: readonly { id: string; attempts: number; timestamp: Date; body: unknown }[],
  ): Promise<{
    outcome: string;
    retryBatch: { retry: boolean };
    retryMessages?: readonly { msgId: string }[];
  }>;
}

export default {
  /** The benchmark's own door: applies statements to a database before the load begins. */
  async fetch(request, env) {
    if (request.method === 'GET') return new Response('ready');
    const { name, statements }: { name: string; statements: string[] } = await request.json();
    const answer = await env.DATABASE.getByName(name).run(statements.map((sql) => ({ sql })));
    return new Response(answer);
  },
} satisfies ExportedHandler<StandInEnv>;
