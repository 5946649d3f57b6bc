/**
 * Processes that outlive a killed supervisor are found again by the records that recorded-exec.sh wrote,
 * and are ended only if the record's start time still fits: a process id alone may by now belong to somebody else.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface RecordedProcess {
  readonly pid: number;
  readonly startedAt: string;
}

/** The wrapper that records a process and becomes it. */
export const RECORDED_EXEC = join(dirname(fileURLToPath(import.meta.url)), 'recorded-exec.sh');

/** What the wrapper needs to know of the program that it becomes. */
export function recordedEnvironment(program: string, pidFile: string): Record<string, string> {
  return { HOLDFAST_EXEC: program, HOLDFAST_PID_FILE: pidFile };
}

/** The process of a record, if it still runs. */
export function findRecorded(pidFile: string): RecordedProcess | null {
  if (!existsSync(pidFile)) return null;
  const text = readFileSync(pidFile, 'utf8').trim();
  const space = text.indexOf(' ');
  const pid = Number(text.slice(0, space));
  const startedAt = text.slice(space + 1).trim();
  if (space < 1 || !Number.isInteger(pid) || pid < 2 || startedAt === '') return null;
  return startTimeOf(pid) === startedAt ? { pid, startedAt } : null;
}

/** Ends the process of a record at once, waits until it is gone, and forgets the record. */
export async function killRecorded(pidFile: string): Promise<boolean> {
  const found = findRecorded(pidFile);
  if (found !== null) {
    signalQuietly(found.pid, 'SIGKILL');
    await waitUntilGone(found, 5_000);
  }
  rmSync(pidFile, { force: true });
  return found !== null;
}

/** Sends a signal to a process that may be gone by now. */
export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already, which is what the signal was for.
  }
}

async function waitUntilGone(process_: RecordedProcess, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (startTimeOf(process_.pid) === process_.startedAt) {
    if (Date.now() > deadline) throw new Error(`Process ${process_.pid} does not end.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Identifies one life of a process id; null when no such process runs (a zombie counts as gone). */
function startTimeOf(pid: number): string | null {
  if (existsSync('/proc/self/stat')) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The name in parentheses may hold spaces; state is field 3, the start time field 22.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
    } catch {
      return null;
    }
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return null;
  }
}
