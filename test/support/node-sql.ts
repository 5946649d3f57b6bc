/**
 * The SQL of a Durable Object over Node's own SQLite: the shipping schema, triggers and statements run unchanged.
 * Like the platform it enforces foreign keys, and runs a text of several statements when nothing is bound.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/** What the shard's storage is built from. */
export interface NodeSql {
  readonly sql: SqlStorage;
  readonly storage: DurableObjectStorage;
  transactionSync<T>(work: () => T): T;
  /** Rows of a statement of the test's own. */
  rows(statement: string, ...values: SQLInputValue[]): Record<string, unknown>[];
  close(): void;
}

const SINGLE_STATEMENT = /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b/i;

/** Opens a database in memory, or in a file when one is named. */
export function openNodeSql(path = ':memory:'): NodeSql {
  const database = new DatabaseSync(path);
  const prepared = new Map<string, StatementSync>();
  const rows = (statement: string, ...values: SQLInputValue[]): Record<string, unknown>[] => {
    let ready = prepared.get(statement);
    if (ready === undefined) {
      ready = database.prepare(statement);
      prepared.set(statement, ready);
    }
    return ready.all(...values);
  };
  const exec = (statement: string, ...values: SQLInputValue[]) => {
    if (values.length === 0 && !SINGLE_STATEMENT.test(statement)) {
      database.exec(statement);
      return cursor([]);
    }
    return cursor(rows(statement, ...values));
  };
  const transactionSync = <T>(work: () => T): T => {
    database.exec('BEGIN');
    try {
      const result = work();
      database.exec('COMMIT');
      return result;
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
  };
  const sql = { exec } as unknown as SqlStorage;
  const storage = { sql, transactionSync } as unknown as DurableObjectStorage;
  return {
    sql,
    storage,
    transactionSync,
    rows,
    close: () => database.close(),
  };
}

function cursor(rows: Record<string, unknown>[]) {
  return {
    toArray: () => rows,
    raw: () => rows.map((row) => Object.values(row)).values(),
    [Symbol.iterator]: () => rows[Symbol.iterator](),
  };
}
