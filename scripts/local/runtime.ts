/**
 * The Worker with its objects, databases and queues on the local runtime. Requests reach the Worker directly:
 * the runtime's own front door, which would cost most of the throughput, is used for maintenance alone.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { D1Database } from '@cloudflare/workers-types';
import { Miniflare, NoOpLog, convertV4MiniflareOptions } from 'miniflare';
import type { MiniflareOptions, V4MiniflareOptions } from 'miniflare';
import type { BuiltWorker } from './build-worker.ts';
import { LogFile } from './log-file.ts';
import {
  RECORDED_EXEC,
  findRecorded,
  killRecorded,
  recordedEnvironment,
} from './recorded-process.ts';
import { LOOPBACK } from './settings.ts';
import type { StateFolder } from './state-folder.ts';

export interface RuntimeSetup {
  readonly worker: BuiltWorker;
  readonly folder: StateFolder;
  readonly variables: Readonly<Record<string, string>>;
  readonly onError: (line: string) => void;
}

/** Databases of the platform by binding. */
const DATABASES = ['DB', 'DB_EU'] as const;

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
/** How often a runtime that died is looked for. It restarts by itself; this is for the times when that fails. */
const WATCH_EVERY_MS = 500;
/** Misses in a row before the runtime is built anew: its own restart takes less. */
const MISSES_BEFORE_REBUILD = 6;

export class LocalRuntime {
  readonly #setup: RuntimeSetup;
  readonly #log: LogFile;
  #miniflare: Miniflare | null = null;
  #port: number | null = null;
  #watch: NodeJS.Timeout | null = null;
  #misses = 0;

  constructor(setup: RuntimeSetup) {
    this.#setup = setup;
    this.#log = new LogFile(join(setup.folder.logsDir, 'runtime.log'));
  }

  /**
   * Starts, or starts again with other sockets. With a port the platform is open to callers there;
   * without one only the maintenance address answers, which is returned.
   */
  async open(port: number | null): Promise<URL> {
    this.#port = port;
    this.#unwatch();
    const address = await this.#build();
    this.#watch = setInterval(() => this.#look(), WATCH_EVERY_MS).unref();
    return address;
  }

  /** A database of the platform. */
  async database(binding: (typeof DATABASES)[number]): Promise<D1Database> {
    return await this.#require().getD1Database(binding);
  }

  /** All databases of the platform. */
  databases(): Promise<D1Database[]> {
    return Promise.all(DATABASES.map((binding) => this.database(binding)));
  }

  /** Calls the Worker's scheduled handler; the local runtime never does so by itself. */
  async fireCron(cron: string): Promise<void> {
    const worker = await this.#require().getWorker();
    await worker.scheduled({ cron, scheduledTime: new Date() });
  }

  /** Ends the runtime. What was answered is on disk already, so that nothing needs to be waited for. */
  async close(): Promise<void> {
    this.#unwatch();
    await this.#dispose();
    this.#log.flush();
  }

  async #build(): Promise<URL> {
    await this.#dispose();
    // An orphan of a killed run would share the databases with us, which they do not survive.
    await killRecorded(this.#setup.folder.runtimePidFile);
    process.env['MINIFLARE_WORKERD_PATH'] = RECORDED_EXEC;
    const own = SIGNALS.map((signal) => [signal, new Set(process.listeners(signal))] as const);
    this.#miniflare = new Miniflare(this.#options());
    // Miniflare would end the process with a signal's code before anything could be put in order.
    for (const [signal, listeners] of own) {
      const added = process.listeners(signal).filter((listener) => !listeners.has(listener));
      for (const listener of added) process.removeListener(signal, listener);
    }
    return await this.#miniflare.ready;
  }

  async #dispose(): Promise<void> {
    const miniflare = this.#miniflare;
    this.#miniflare = null;
    // A runtime that failed to start fails its disposal the same way, and there is nothing left to end.
    await miniflare?.dispose().catch(() => undefined);
  }

  #options(): MiniflareOptions {
    const { worker, folder, variables } = this.#setup;
    const options: V4MiniflareOptions = {
      ...worker.options,
      name: 'holdfast',
      modules: [{ type: 'ESModule', path: '/holdfast/index.js', contents: worker.script }],
      modulesRoot: '/holdfast',
      bindings: { ...worker.options.bindings, ...variables },
      host: LOOPBACK,
      port: 0,
      ...(this.#port === null
        ? {}
        : { unsafeDirectSockets: [{ host: LOOPBACK, port: this.#port }] }),
      resourcePersistencePath: folder.dataDir,
      cf: false,
      logRequests: false,
      log: new NoOpLog(),
      handleStructuredLogs: (entry) => this.#record(entry.level, entry.message),
      unsafeRuntimeEnv: recordedEnvironment(workerdPath(), folder.runtimePidFile),
    };
    return convertV4MiniflareOptions(options);
  }

  #record(level: string, message: string): void {
    const isStructured = message.startsWith('{');
    const line = isStructured
      ? message
      : JSON.stringify({ at: new Date().toISOString(), level, message });
    this.#log.line(line);
    if (level === 'error' || (isStructured && message.includes('"level":"error"'))) {
      this.#setup.onError(message);
    }
  }

  #look(): void {
    if (findRecorded(this.#setup.folder.runtimePidFile) !== null) {
      this.#misses = 0;
      return;
    }
    this.#misses += 1;
    if (this.#misses < MISSES_BEFORE_REBUILD) return;
    this.#misses = 0;
    this.open(this.#port).catch((error: unknown) => {
      this.#setup.onError(`The runtime does not come back: ${String(error)}`);
      this.#watch ??= setInterval(() => this.#look(), WATCH_EVERY_MS).unref();
    });
  }

  #unwatch(): void {
    if (this.#watch !== null) clearInterval(this.#watch);
    this.#watch = null;
    this.#misses = 0;
  }

  #require(): Miniflare {
    if (this.#miniflare === null) throw new Error('The runtime is not running.');
    return this.#miniflare;
  }
}

/** The runtime's own program, found where miniflare would find it. */
export function workerdPath(): string {
  const fromMiniflare = createRequire(createRequire(import.meta.url).resolve('miniflare'));
  const module_: unknown = fromMiniflare('workerd');
  if (typeof module_ === 'object' && module_ !== null && 'default' in module_) {
    if (typeof module_.default === 'string') return module_.default;
  }
  throw new Error('workerd is not installed.');
}
