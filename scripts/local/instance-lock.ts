/**
 * One instance per state folder. The lock is the operating system's, held on a SQLite file: it ends with the process
 * however that ends, so that a kill leaves no stale lock and no process id is ever trusted to mean "still running".
 */
import { DatabaseSync } from 'node:sqlite';

export interface InstanceLock {
  release(): void;
}

/** Takes the lock, or answers null while another process has it. */
export function takeInstanceLock(lockFile: string): InstanceLock | null {
  const database = new DatabaseSync(lockFile);
  try {
    database.exec('PRAGMA busy_timeout = 0');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
  return { release: () => database.close() };
}

const SQLITE_BUSY = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}
