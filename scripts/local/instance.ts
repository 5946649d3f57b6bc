/**
 * One local instance of the platform: takes the state folder, starts the simulators and the runtime, migrates, seeds,
 * and only then opens the port. All processes stay in the caller's process group.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { buildWorker } from './build-worker.ts';
import type { BuiltWorker } from './build-worker.ts';
import { takeInstanceLock } from './instance-lock.ts';
import type { InstanceLock } from './instance-lock.ts';
import { loadKeys } from './keys.ts';
import type { LocalKeys } from './keys.ts';
import { migrate } from './migrations.ts';
import { PROJECT_ROOT } from './project.ts';
import { killRecorded } from './recorded-process.ts';
import type { LocalRuntime } from './runtime.ts';
import { LOOPBACK, StartRefused, platformUrl, simulatorsUrl } from './settings.ts';
import type { LocalSettings } from './settings.ts';
import { SimulatorsProcess } from './simulators-process.ts';
import { openStateFolder, readJson, writeJson } from './state-folder.ts';
import type { StateFolder } from './state-folder.ts';
import { isSeedDue, seed } from '../seed.ts';

/** The schedules of wrangler.toml, kept here by timers because the local runtime has none. */
const CRONS = [
  { cron: '*/5 * * * *', everyMs: 300_000 },
  { cron: '* * * * *', everyMs: 60_000 },
  { cron: '20 * * * *', everyMs: 3_600_000 },
  { cron: '40 * * * *', everyMs: 3_600_000 },
] as const;
/** A port of an instance that was just killed is free within this time. */
const PORT_FREE_WITHIN_MS = 5_000;
const SIMULATORS_GRACE_MS = 1_000;

export interface Console {
  info(line: string): void;
  error(line: string): void;
}

export class Instance {
  readonly settings: LocalSettings;
  readonly #console: Console;
  readonly #folder: StateFolder;
  readonly #lock: InstanceLock;
  #guard: ChildProcess | null = null;
  #simulators: SimulatorsProcess | null = null;
  #runtime: LocalRuntime | null = null;
  #crons: NodeJS.Timeout[] = [];
  #isStopping = false;

  private constructor(settings: LocalSettings, console_: Console, taken: Taken) {
    this.settings = settings;
    this.#console = console_;
    this.#folder = taken.folder;
    this.#lock = taken.lock;
  }

  /** Takes the state folder; throws StartRefused while another instance has it. */
  static take(settings: LocalSettings, console_: Console): Instance {
    const folder = openStateFolder(settings.stateDir);
    const lock = takeInstanceLock(folder.lockFile);
    if (lock === null) throw new StartRefused(describeHolder(folder));
    try {
      checkClock(folder, settings.clockOffsetSeconds);
    } catch (error) {
      lock.release();
      throw error;
    }
    return new Instance(settings, console_, { folder, lock });
  }

  /** Brings everything up; answers when the platform serves. */
  async start(): Promise<void> {
    const folder = this.#folder;
    await killRecorded(folder.runtimePidFile);
    await killRecorded(folder.simulatorsPidFile);
    const { settings } = this;
    writeJson(folder.runFile, {
      supervisorPid: process.pid,
      url: platformUrl(settings),
      simulatorsUrl: simulatorsUrl(settings),
    });
    this.#spawnGuard();
    const keys = loadKeys(folder.keysFile);
    for (const port of [settings.port, settings.simulatorsPort]) await waitForFreePort(port);
    const [, worker, runtimeModule] = await Promise.all([
      this.#startSimulators(keys),
      buildWorker(),
      // Loaded here because it takes longest of all and the simulators can start meanwhile.
      import('./runtime.ts'),
    ]);
    if (this.#isStopping) return;
    this.#runtime = new runtimeModule.LocalRuntime({
      worker,
      folder,
      variables: { ...localVariables(settings), ...keys },
      onError: (line) => this.#console.error(line),
    });
    await this.#prepare(this.#runtime, worker);
    if (this.#isStopping) return;
    await this.#runtime.open(settings.port);
    for (const { cron, everyMs } of CRONS) {
      this.#crons.push(setInterval(() => this.#fireCron(cron), everyMs));
      this.#fireCron(cron);
    }
  }

  /** Ends everything; safe to call at any moment, also twice. */
  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    for (const timer of this.#crons) clearInterval(timer);
    await Promise.all([this.#runtime?.close(), this.#simulators?.stop(SIMULATORS_GRACE_MS)]);
    rmSync(this.#folder.runFile, { force: true });
    this.#guard?.stdin?.end();
    this.#lock.release();
  }

  async #startSimulators(keys: LocalKeys): Promise<void> {
    const { settings } = this;
    this.#simulators = new SimulatorsProcess({
      folder: this.#folder,
      url: simulatorsUrl(settings),
      env: {
        SIMULATORS_PORT: String(settings.simulatorsPort),
        STATE_DIR: this.#folder.simulatorsDir,
        PLATFORM_URL: platformUrl(settings),
        STRIPE_SECRET_KEY: keys.STRIPE_SECRET_KEY,
        STRIPE_WEBHOOK_SECRET: keys.STRIPE_WEBHOOK_SECRETS,
        PAYPAL_CLIENT_ID: keys.PAYPAL_CLIENT_ID,
        PAYPAL_CLIENT_SECRET: keys.PAYPAL_CLIENT_SECRET,
        PAYPAL_WEBHOOK_ID: keys.PAYPAL_WEBHOOK_ID,
        BTCPAY_API_KEY: keys.BTCPAY_API_KEY,
        BTCPAY_STORE_ID: keys.BTCPAY_STORE_ID,
        BTCPAY_WEBHOOK_SECRET: keys.BTCPAY_WEBHOOK_SECRETS,
        BTCPAY_CONFIRMATION_SECONDS: String(settings.btcpayConfirmationSeconds),
        CLOCK_OFFSET_SECONDS: String(settings.clockOffsetSeconds),
      },
      onError: (line) => this.#console.error(line),
    });
    await this.#simulators.start();
  }

  /** Migrates and seeds where something is missing. */
  async #prepare(runtime: LocalRuntime, worker: BuiltWorker): Promise<void> {
    const folder = this.#folder;
    const names = worker.migrations.map((migration) => migration.name);
    const isMigrated = JSON.stringify(readJson(folder.migratedFile)) === JSON.stringify(names);
    const nowMs = Date.now() + this.settings.clockOffsetSeconds * 1000;
    if (isMigrated && !isSeedDue(folder.seedFile, nowMs)) return;
    // Nobody sees the platform half prepared: until it is, it answers on a private address alone.
    const address = await runtime.open(null);
    for (const database of await runtime.databases()) await migrate(database, worker.migrations);
    writeJson(folder.migratedFile, names);
    await seed({
      baseUrl: address.origin,
      database: await runtime.database('DB'),
      seedFile: folder.seedFile,
      nowMs,
    });
  }

  #fireCron(cron: string): void {
    this.#runtime?.fireCron(cron).catch((error: unknown) => {
      if (!this.#isStopping) this.#console.error(`The cron ${cron} did not run: ${String(error)}`);
    });
  }

  #spawnGuard(): void {
    const script = join(PROJECT_ROOT, 'scripts', 'local', 'guard.ts');
    const guard = spawn(process.execPath, [script, this.#folder.root, String(process.pid)], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#guard = guard;
    guard.stdin.on('error', () => undefined);
    guard.once('error', (error) => this.#console.error(`guard: ${error.message}`));
    guard.once('exit', () => {
      if (!this.#isStopping) setTimeout(() => this.#spawnGuard(), 1_000).unref();
    });
    guard.unref();
  }
}

interface Taken {
  readonly folder: StateFolder;
  readonly lock: InstanceLock;
}

/** The variables of wrangler.toml that are others on one machine. */
function localVariables(settings: LocalSettings): Record<string, string> {
  return {
    ENVIRONMENT: 'local',
    PUBLIC_URL: platformUrl(settings),
    STRIPE_API_URL: `${simulatorsUrl(settings)}/stripe`,
    PAYPAL_API_URL: `${simulatorsUrl(settings)}/paypal`,
    PAYPAL_CERT_HOSTS: new URL(simulatorsUrl(settings)).host,
    BTCPAY_API_URL: `${simulatorsUrl(settings)}/btcpay`,
    CLOCK_OFFSET_SECONDS: String(settings.clockOffsetSeconds),
    // A load from one address must not be refused, and the local limiter writes to disk at each call.
    RATE_LIMITS: 'off',
    RATE_LIMIT_PER_MINUTE: '100000000',
    AUTH_RATE_LIMIT_PER_MINUTE: '100000000',
    HOLDS_PER_PRINCIPAL: '1000000',
    GUEST_HOLDS_PER_ADDRESS: '1000000',
  };
}

/** Time never goes backwards on the same state: expiries and periods that were decided would become undone. */
function checkClock(folder: StateFolder, offsetSeconds: number): void {
  const stored = readJson(folder.clockFile);
  const before =
    typeof stored === 'object' && stored !== null && 'offsetSeconds' in stored
      ? Number(stored.offsetSeconds)
      : 0;
  if (offsetSeconds < before) {
    throw new StartRefused(
      `CLOCK_OFFSET_SECONDS is ${offsetSeconds}, but this state has seen ${before}: ` +
        `time cannot go back. Start with ${before} or more, or run \`npm run reset\`.`,
    );
  }
  if (offsetSeconds > before) writeJson(folder.clockFile, { offsetSeconds });
}

function describeHolder(folder: StateFolder): string {
  const run = readJson(folder.runFile);
  const holder =
    typeof run === 'object' && run !== null && 'supervisorPid' in run && 'url' in run
      ? ` (process ${String(run.supervisorPid)}, ${String(run.url)})`
      : '';
  return `Another instance${holder} is using ${folder.root}. Stop it, or set STATE_DIR to another folder.`;
}

async function waitForFreePort(port: number): Promise<void> {
  const deadline = Date.now() + PORT_FREE_WITHIN_MS;
  while (!(await isPortFree(port))) {
    if (Date.now() > deadline) {
      throw new StartRefused(
        `Port ${port} is in use. Set PORT (and SIMULATORS_PORT) to free ones.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, LOOPBACK);
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
