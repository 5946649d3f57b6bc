/** The processors' simulators as a child process that is started again whenever it ends by itself. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { LogFile } from './log-file.ts';
import { PROJECT_ROOT } from './project.ts';
import {
  RECORDED_EXEC,
  killRecorded,
  recordedEnvironment,
  signalQuietly,
} from './recorded-process.ts';
import type { StateFolder } from './state-folder.ts';

export interface SimulatorsSetup {
  readonly folder: StateFolder;
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onError: (line: string) => void;
}

const READY_WITHIN_MS = 15_000;
const RESTART_AFTER_MS = 200;
/** Waited between two starts when the first ended at once, so that a broken setup does not spin. */
const RESTART_AFTER_MS_MAX = 3_000;
const LIVED_LONG_MS = 10_000;

export class SimulatorsProcess {
  readonly #setup: SimulatorsSetup;
  readonly #log: LogFile;
  #child: ChildProcess | null = null;
  #isStopping = false;
  #restartAfterMs = RESTART_AFTER_MS;

  constructor(setup: SimulatorsSetup) {
    this.#setup = setup;
    this.#log = new LogFile(join(setup.folder.logsDir, 'simulators.log'));
  }

  /** Starts the process and answers when it serves. */
  async start(): Promise<void> {
    await killRecorded(this.#setup.folder.simulatorsPidFile);
    this.#spawn();
    const deadline = Date.now() + READY_WITHIN_MS;
    while (!(await isHealthy(this.#setup.url))) {
      if (Date.now() > deadline) throw new Error('The simulators do not answer; see their log.');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** Asks the process to end, and ends it when it does not within the grace. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    const child = this.#child;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const pid = child.pid;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      const timer = setTimeout(() => signalQuietly(pid, 'SIGKILL'), graceMs);
      signalQuietly(pid, 'SIGTERM');
      await ended;
      clearTimeout(timer);
    }
    this.#log.flush();
  }

  #spawn(): void {
    const startedAt = Date.now();
    const child = spawn(RECORDED_EXEC, [join(PROJECT_ROOT, 'simulators', 'main.ts')], {
      cwd: PROJECT_ROOT,
      env: {
        ...process.env,
        ...this.#setup.env,
        ...recordedEnvironment(process.execPath, this.#setup.folder.simulatorsPidFile),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.#log.line(text.trimEnd()));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log.line(text.trimEnd());
      if (!text.includes('ExperimentalWarning'))
        this.#setup.onError(`simulators: ${text.trimEnd()}`);
    });
    child.once('error', (error) => this.#setup.onError(`simulators: ${error.message}`));
    child.once('exit', () => this.#restart(Date.now() - startedAt));
  }

  #restart(livedMs: number): void {
    if (this.#isStopping) return;
    this.#restartAfterMs =
      livedMs > LIVED_LONG_MS
        ? RESTART_AFTER_MS
        : Math.min(this.#restartAfterMs * 2, RESTART_AFTER_MS_MAX);
    setTimeout(() => {
      if (!this.#isStopping) this.#spawn();
    }, this.#restartAfterMs);
  }
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/healthz`)).ok;
  } catch {
    return false; // Not listening yet.
  }
}
