/**
 * `npm start` as a test drives it: on free ports, in a state folder of its own, killed as hard as the test wants.
 * Processes are found by the records in the state folder, so that nothing but this instance is ever ended.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../../scripts/local/project.ts';
import { findRecorded } from '../../../scripts/local/recorded-process.ts';
import { stateFolderAt } from '../../../scripts/local/state-folder.ts';

/** Starting may include a build, on a machine that is busy with other tests. */
const READY_WITHIN_MS = 90_000;

export interface ReplyJson {
  readonly status: number;
  // Tests read into answers freely; what a field must be is what they assert.
  readonly json: JsonObject;
  readonly headers: Headers;
}

export type JsonObject = { readonly [field: string]: JsonValue };
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

export interface CallOptions {
  readonly token?: string;
  readonly body?: unknown;
  /** Idempotency key; a fresh one for every POST that names none. */
  readonly key?: string;
}

export class PlatformProcess {
  readonly port: number;
  readonly simulatorsPort: number;
  readonly stateDir: string;
  #child: ChildProcess | null = null;
  #output = '';

  private constructor(place: { port: number; simulatorsPort: number; stateDir: string }) {
    this.port = place.port;
    this.simulatorsPort = place.simulatorsPort;
    this.stateDir = place.stateDir;
  }

  /** An instance that is not started yet. */
  static async create(): Promise<PlatformProcess> {
    return new PlatformProcess({
      port: await freePort(),
      simulatorsPort: await freePort(),
      stateDir: mkdtempSync(join(tmpdir(), 'holdfast-e2e-')),
    });
  }

  /** An instance on the state of another, which must be refused while that one runs. */
  static async on(stateDir: string): Promise<PlatformProcess> {
    return new PlatformProcess({
      port: await freePort(),
      simulatorsPort: await freePort(),
      stateDir,
    });
  }

  /** An instance that serves. */
  static async start(): Promise<PlatformProcess> {
    const platform = await PlatformProcess.create();
    await platform.boot();
    return platform;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get simulatorsUrl(): string {
    return `http://127.0.0.1:${this.simulatorsPort}`;
  }

  /** Everything that the instance has printed. */
  get output(): string {
    return this.#output;
  }

  /** The process ids of this instance: the one that `npm start` is, the runtime and the simulators. */
  get pids(): { supervisor: number; runtime: number | null; simulators: number | null } {
    const folder = stateFolderAt(this.stateDir);
    return {
      supervisor: this.#require().pid ?? 0,
      runtime: findRecorded(folder.runtimePidFile)?.pid ?? null,
      simulators: findRecorded(folder.simulatorsPidFile)?.pid ?? null,
    };
  }

  /** Starts the processes, in a group of their own, without waiting. */
  spawn(env: Readonly<Record<string, string>> = {}): ChildProcess {
    const child = spawn(
      join(PROJECT_ROOT, 'node_modules', '.bin', 'node'),
      ['--disable-warning=ExperimentalWarning', join(PROJECT_ROOT, 'scripts', 'start.ts')],
      {
        cwd: PROJECT_ROOT,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          PORT: String(this.port),
          SIMULATORS_PORT: String(this.simulatorsPort),
          STATE_DIR: this.stateDir,
          // Journeys confirm by hand what they want confirmed.
          BTCPAY_CONFIRMATION_SECONDS: '600',
          ...env,
        },
      },
    );
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
    this.#child = child;
    return child;
  }

  /** Starts and waits until the platform serves. */
  async boot(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const child = this.spawn(env);
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`npm start ended:\n${this.#output}`);
      return await this.isReady();
    }, READY_WITHIN_MS).catch(async (error: unknown) => {
      await this.killAll();
      throw error;
    });
  }

  /** Whether the platform says that it can serve. */
  async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/readyz`)).ok;
    } catch {
      return false; // Nobody listens.
    }
  }

  /** `kill -9` of the runtime alone; answers the id that was killed. */
  killRuntime(): number {
    const { runtime } = this.pids;
    if (runtime === null) throw new Error('The runtime is not running.');
    process.kill(runtime, 'SIGKILL');
    return runtime;
  }

  /** `kill -9` of the runtime, and waits until another serves. */
  async crashRuntime(): Promise<void> {
    const killed = this.killRuntime();
    await until(async () => {
      const { runtime } = this.pids;
      return runtime !== null && runtime !== killed && (await this.isReady());
    }, 20_000);
  }

  /** `kill -9` of the whole process group, as when a machine loses power. */
  async killAll(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }

  /** SIGTERM to the supervisor; answers its exit code and how long it took. */
  async terminate(): Promise<{ code: number | null; tookMs: number }> {
    const child = this.#require();
    const startedAtMs = performance.now();
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const [code]: unknown[] = await ended;
    this.#child = null;
    return {
      code: typeof code === 'number' ? code : null,
      tookMs: performance.now() - startedAtMs,
    };
  }

  /** Ends the instance and removes its state. */
  async stop(): Promise<void> {
    if (this.#child !== null && this.#child.exitCode === null) await this.terminate();
    rmSync(this.stateDir, { recursive: true, force: true });
  }

  /** Calls the platform, or any address that is given whole. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<ReplyJson> {
    const isKeyed = method === 'POST';
    const response = await fetch(path.startsWith('http') ? path : this.url + path, {
      method,
      headers: {
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        ...(isKeyed ? { 'idempotency-key': options.key ?? randomUUID() } : {}),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    const text = await response.text();
    return { status: response.status, json: parse(text), headers: response.headers };
  }

  /** Logs a demo account in and answers its access token. */
  async logIn(email: string, password = 'holdfast-demo'): Promise<string> {
    const answer = await this.call('POST', '/v1/auth/login', { body: { email, password } });
    return textOf(answer.json, 'accessToken');
  }

  #require(): ChildProcess {
    if (this.#child === null) throw new Error('The platform was not started.');
    return this.#child;
  }
}

/** The rows of a list that was answered. */
export function rowsOf(answer: ReplyJson): readonly JsonObject[] {
  const rows = answer.json['data'];
  if (!Array.isArray(rows)) throw new Error(`No list: ${JSON.stringify(answer.json)}`);
  return rows as readonly JsonObject[];
}

/** A text field of an object that was answered. */
export function textOf(value: JsonObject | undefined, name: string): string {
  const text = value?.[name];
  if (typeof text !== 'string') throw new Error(`No text ${name} in ${JSON.stringify(value)}`);
  return text;
}

/** Polls until the condition holds; throws when the time is up. */
export async function until(condition: () => Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`It did not come true within ${withinMs} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** A port that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function parse(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
  } catch {
    return {}; // Not every answer is JSON; the status tells.
  }
}
