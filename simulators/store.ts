/**
 * The simulators' state file: one SQLite database, durable before any answer that relies on it.
 * Owns transactions, migrations, key-value settings and identifiers; must never know a processor.
 * Calls run synchronously inside a group transaction; one fsync commits everything that arrived in
 * the same turn of the event loop, and every caller waits for it with durable().
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import { MIGRATIONS } from './migrations.ts';

/** One row as SQLite gives it. */
export type Row = Record<string, SQLOutputValue>;

/** A prepared statement with the three ways the simulators use one. */
export interface Statement {
  run(...values: SQLInputValue[]): void;
  get(...values: SQLInputValue[]): Row | undefined;
  all(...values: SQLInputValue[]): Row[];
}

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

/** Identifiers are reserved in blocks, so that the counter costs no write per object. */
const ID_BLOCK_COUNT = 4096;
const RANDOM_POOL_BYTES = 8192;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Where the state file lives; `null` keeps the state in memory, for tests. */
export type StateLocation = { readonly directory: string } | null;

/**
 * Opens (and migrates) the state. Effects: writes go to the open group transaction.
 * Errors: throws when another process holds the file.
 */
export class Store {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, Statement>();
  readonly #random = new RandomText();
  #waiters: Waiter[] = [];
  #isGroupOpen = false;
  #nextNumber = 0;
  #lastReservedNumber = 0;
  /** Whether the running call reserved a block of identifiers. */
  #isBlockNew = false;

  constructor(location: StateLocation) {
    this.#db = openDatabase(location);
    migrate(this.#db);
  }

  /** Prepares a statement once and keeps it. */
  statement(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known) return known;
    const prepared = this.#db.prepare(sql);
    const statement: Statement = {
      run: (...values) => {
        prepared.run(...values);
      },
      get: (...values) => prepared.get(...values),
      all: (...values) => prepared.all(...values),
    };
    this.#statements.set(sql, statement);
    return statement;
  }

  /**
   * Runs synchronous work that applies wholly or, when it throws, not at all.
   * `work` must not await: the savepoint belongs to this call alone because nothing can interleave.
   */
  apply<T>(work: () => T): T {
    this.#openGroup();
    this.#isBlockNew = false;
    this.statement('SAVEPOINT call').run();
    try {
      const result = work();
      this.statement('RELEASE call').run();
      return result;
    } catch (error) {
      this.#db.exec('ROLLBACK TO call; RELEASE call');
      // A block reserved inside this call was rolled back with it: reserve anew before the next id.
      if (this.#isBlockNew) this.#lastReservedNumber = this.#nextNumber;
      throw error;
    }
  }

  /** Resolves when everything applied so far is on disk; at once when nothing is open. */
  durable(): Promise<void> {
    if (!this.#isGroupOpen) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  /** Reads a setting, or null. */
  setting(key: string): string | null {
    const row = this.statement('SELECT value FROM meta WHERE key = ?').get(key);
    return row ? String(row['value']) : null;
  }

  /** Writes a setting inside the current call. */
  saveSetting(key: string, value: string): void {
    this.statement('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)').run(key, value);
  }

  /**
   * A new identifier: prefix, a persisted counter, a random tail. Never reused, not even after a
   * crash, because a block is reserved in the same transaction that first uses it.
   */
  newId(prefix: string): string {
    if (this.#nextNumber >= this.#lastReservedNumber) {
      this.apply(() => {
        this.#reserveNumbers();
      });
    }
    const number = this.#nextNumber.toString(36).padStart(7, '0').toUpperCase();
    this.#nextNumber += 1;
    return `${prefix}_3${number}${this.#random.next(16)}`;
  }

  /** Commits what is open and closes the file. */
  close(): void {
    this.#commitGroup();
    this.#db.close();
  }

  #reserveNumbers(): void {
    const reserved = Number(this.setting('reserved_ids') ?? '0');
    this.#nextNumber = Math.max(reserved, this.#nextNumber);
    this.#lastReservedNumber = this.#nextNumber + ID_BLOCK_COUNT;
    this.#isBlockNew = true;
    this.saveSetting('reserved_ids', String(this.#lastReservedNumber));
  }

  #openGroup(): void {
    if (this.#isGroupOpen) return;
    this.statement('BEGIN IMMEDIATE').run();
    this.#isGroupOpen = true;
    setImmediate(() => {
      this.#commitGroup();
    });
  }

  #commitGroup(): void {
    if (!this.#isGroupOpen) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    this.#isGroupOpen = false;
    try {
      this.statement('COMMIT').run();
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      for (const waiter of waiters) waiter.reject(error);
      return;
    }
    for (const waiter of waiters) waiter.resolve();
  }
}

/** Random bytes are drawn in bulk: one draw per identifier would cost more than the rest of it. */
class RandomText {
  #pool = randomBytes(RANDOM_POOL_BYTES);
  #used = 0;

  next(length: number): string {
    if (this.#used + length > this.#pool.length) {
      this.#pool = randomBytes(RANDOM_POOL_BYTES);
      this.#used = 0;
    }
    let text = '';
    for (const byte of this.#pool.subarray(this.#used, this.#used + length)) {
      text += ALPHABET.charAt(byte % ALPHABET.length);
    }
    this.#used += length;
    return text;
  }
}

function openDatabase(location: StateLocation): DatabaseSync {
  if (location === null) return new DatabaseSync(':memory:');
  const directory = path.join(location.directory, 'simulators');
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, 'books.sqlite');
  const db = new DatabaseSync(file);
  // Exclusive locking refuses a second instance; FULL makes a commit survive power loss, not only kill.
  try {
    db.exec('PRAGMA page_size = 8192; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;');
    // Bodies are a few kilobytes each: larger pages and rarer checkpoints halve what is written.
    db.exec('PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 4000;');
    db.exec('PRAGMA synchronous = FULL; BEGIN IMMEDIATE; COMMIT;');
  } catch (error) {
    db.close();
    throw new Error(`The state file ${file} is in use by another simulator.`, { cause: error });
  }
  return db;
}

function migrate(db: DatabaseSync): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (version > MIGRATIONS.length) {
    throw new Error(`The state file was written by newer code (schema ${String(version)}).`);
  }
  for (const [step, sql] of MIGRATIONS.entries()) {
    if (step < version) continue;
    db.exec(`BEGIN; ${sql}; PRAGMA user_version = ${String(step + 1)}; COMMIT;`);
  }
}
