/**
 * Support for tests that need the simulators as a real process: starting, ending, killing, each test
 * with a state folder of its own. Holds no assertions.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeRig, SECRET_KEY, until, WEBHOOK_SECRET, type Rig } from './support.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** A process start on a loaded machine takes its time. */
const START_DEADLINE_MS = 20_000;

/** One state folder and the processes that used it. */
export class ProcessRig {
  readonly #stateDirectory = mkdtempSync(path.join(tmpdir(), 'simulators-'));
  readonly #children: ChildProcess[] = [];

  /** A process that listens, and handles on it. */
  async launch(env: Record<string, string> = {}): Promise<{ child: ChildProcess; rig: Rig }> {
    const { child, output } = this.#start(env);
    const ready = /^simulators ready on (http:\S+)\n$/;
    const url = await until(() => ready.exec(output.stdout)?.[1], START_DEADLINE_MS);
    return { child, rig: makeRig({ url, close: () => Promise.resolve() }) };
  }

  /** How a process that refuses to start ends: its code and what it said. */
  async launchRefused(
    env: Record<string, string> = {},
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const { child, output } = this.#start(env);
    await once(child, 'close');
    return { code: child.exitCode, ...output };
  }

  /** Ends every process and removes the state. */
  async clean(): Promise<void> {
    for (const child of this.#children) await end(child, 'SIGKILL');
    rmSync(this.#stateDirectory, { recursive: true, force: true });
  }

  #start(env: Record<string, string>) {
    const child = spawn(path.join(ROOT, 'node_modules/.bin/node'), ['simulators/main.ts'], {
      cwd: ROOT,
      env: {
        PATH: process.env['PATH'],
        SIMULATORS_PORT: '0',
        STATE_DIR: this.#stateDirectory,
        STRIPE_SECRET_KEY: SECRET_KEY,
        STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.push(child);
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => (output.stdout += String(chunk)));
    child.stderr.on('data', (chunk) => (output.stderr += String(chunk)));
    return { child, output };
  }
}

/** Sends a signal and waits for the end; at once when it has ended already. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}
