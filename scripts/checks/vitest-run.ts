/** One vitest project, run in its own process: what it printed is passed on, what it counted is answered. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../local/project.ts';
import { readJson } from '../local/state-folder.ts';

export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/**
 * Files at a time. Where tests only compute, each processor takes one; whole platforms wait for time and for one another, so
 * that two share a machine well. The rest starts runtimes beside itself, and is left to the default.
 */
const MAX_WORKERS: ReadonlyMap<string, string> = new Map([
  ['unit', '100%'],
  ['simulators', '100%'],
  ['simulation', '100%'],
  ['e2e', '2'],
]);

/** Runs a project; a run that fails without a failed test (a file that does not load, say) counts as one failure. */
export async function runVitest(project: string): Promise<Tally> {
  const workDir = mkdtempSync(join(tmpdir(), 'holdfast-vitest-'));
  const reportFile = join(workDir, 'report.json');
  try {
    console.log(`\n== ${project}`);
    const child = spawn(
      process.execPath,
      [
        join(PROJECT_ROOT, 'node_modules', 'vitest', 'vitest.mjs'),
        'run',
        '--project',
        project,
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${reportFile}`,
        ...(MAX_WORKERS.has(project) ? [`--maxWorkers=${MAX_WORKERS.get(project)}`] : []),
      ],
      { cwd: PROJECT_ROOT, stdio: ['ignore', 'inherit', 'inherit'] },
    );
    const [code]: unknown[] = await once(child, 'exit');
    return tallyOf(readJson(reportFile), code === 0);
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}

/** Sums tallies. */
export function sum(tallies: readonly Tally[]): Tally {
  return {
    passed: tallies.reduce((total, tally) => total + tally.passed, 0),
    failed: tallies.reduce((total, tally) => total + tally.failed, 0),
  };
}

function tallyOf(report: unknown, isOk: boolean): Tally {
  const passed = countIn(report, 'numPassedTests');
  const failed = countIn(report, 'numFailedTests');
  return { passed, failed: isOk ? failed : Math.max(failed, 1) };
}

function countIn(report: unknown, name: string): number {
  if (typeof report !== 'object' || report === null) return 0;
  const value = Object.entries(report).find(([key]) => key === name)?.[1];
  return typeof value === 'number' ? value : 0;
}
