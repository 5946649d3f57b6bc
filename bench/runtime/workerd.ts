/**
 * Plain workerd with a configuration of our own: no dev server, no proxy, no per-request log between load and product.
 * Every start has a folder and a process of its own, so that no variant inherits a warm cache or a grown database.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  renameSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { workerdPath } from '../../scripts/local/runtime.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const READY_WITHIN_MS = 20_000;

export interface RunningWorkerd {
  readonly url: string;
  readonly port: number;
  /** The door of the stand-ins; absent where there are none. */
  readonly adminUrl: string | null;
  /** CPU seconds that the process has used so far. */
  cpuSeconds(): number;
  /** Bytes of memory that the process has resident. */
  memoryBytes(): number;
  /** Ends the process and leaves what it wrote in the folder that is named; whoever took it removes it. */
  stopKeepingDisk(): Promise<string>;
  stop(): Promise<void>;
}

export interface ProductSetup {
  /** The bundle that a deployment would upload. */
  readonly bundleFile: string;
  readonly compatibilityDate: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Whether what is sent to the queues is delivered to the product's consumers, on the same processor. */
  readonly hasConsumers: boolean;
  /** A folder that an earlier process wrote, to be copied and gone on from; an empty disk where it is left out. */
  readonly diskFrom?: string;
  /** Where the runtime's inspector listens, for a profile; it slows everything down. */
  readonly inspectorPort?: number;
}

/** Starts the product. */
export async function startProduct(setup: ProductSetup): Promise<RunningWorkerd> {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  copyFileSync(setup.bundleFile, join(dir, 'product.js'));
  if (setup.diskFrom !== undefined) cpSync(setup.diskFrom, join(dir, 'disk'), { recursive: true });
  writeWorker(dir, 'stand-ins');
  const [port, adminPort] = [await freePort(), await freePort()];
  writeFileSync(join(dir, 'bench.capnp'), productConfig(setup, { port, adminPort }));
  const { inspectorPort } = setup;
  return await start(dir, { port, adminPort, inspectorPort });
}

/** Starts the bare object. */
export async function startBare(compatibilityDate: string): Promise<RunningWorkerd> {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  writeWorker(dir, 'bare');
  const port = await freePort();
  writeFileSync(join(dir, 'bench.capnp'), bareConfig(compatibilityDate, port));
  return await start(dir, { port, adminPort: null, inspectorPort: undefined });
}

async function start(
  dir: string,
  ports: { port: number; adminPort: number | null; inspectorPort: number | undefined },
): Promise<RunningWorkerd> {
  mkdirSync(join(dir, 'disk'), { recursive: true });
  const inspector =
    ports.inspectorPort === undefined ? [] : [`--inspector-addr=127.0.0.1:${ports.inspectorPort}`];
  const child = spawn(workerdPath(), ['serve', '--experimental', ...inspector, 'bench.capnp'], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-8_000);
    });
  }
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  const running: RunningWorkerd = {
    url: `http://127.0.0.1:${ports.port}`,
    port: ports.port,
    adminUrl: ports.adminPort === null ? null : `http://127.0.0.1:${ports.adminPort}`,
    cpuSeconds: () => cpuSecondsOf(child),
    memoryBytes: () => memoryBytesOf(child),
    stopKeepingDisk: async () => {
      await end();
      const kept = mkdtempSync(join(tmpdir(), 'holdfast-bench-disk-'));
      renameSync(join(dir, 'disk'), join(kept, 'disk'));
      rmSync(dir, { recursive: true, force: true });
      return join(kept, 'disk');
    },
    stop: async () => {
      await end();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!(await answers(running.url))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await running.stop();
      throw new Error(`workerd does not serve:\n${output}`);
    }
    await sleep(25);
  }
  return running;
}

/** Node takes the types out; workerd knows no TypeScript. */
function writeWorker(dir: string, name: string): void {
  const source = readFileSync(join(HERE, `${name}.worker.ts`), 'utf8');
  writeFileSync(join(dir, `${name}.js`), stripTypeScriptTypes(source));
}

const DATABASES = { DB: 'global', DB_EU: 'eu' } as const;
const QUEUES = {
  AUDIT_QUEUE: 'holdfast-audit',
  PROJECTION_QUEUE: 'holdfast-projections',
  PAYMENT_QUEUE: 'holdfast-payments',
  WEBHOOK_QUEUE: 'holdfast-webhooks',
} as const;

function productConfig(setup: ProductSetup, ports: { port: number; adminPort: number }): string {
  const variables = Object.entries(setup.variables).map(
    ([name, value]) => `(name = ${quote(name)}, text = ${quote(value)})`,
  );
  const databases = Object.entries(DATABASES).map(
    ([binding, name]) =>
      `(name = "${binding}", wrapped = (moduleName = "cloudflare-internal:d1-api", innerBindings = [` +
      `(name = "fetcher", service = ${standIn('D1Entry', name)})]))`,
  );
  const queues = Object.entries(QUEUES).map(
    ([binding, name]) => `(name = "${binding}", queue = ${standIn('QueueEntry', name)})`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .product),
    (name = "stand-ins", worker = .standIns),
    ${DISK},
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:${ports.port}", http = (), service = "main"),
    (name = "admin", address = "127.0.0.1:${ports.adminPort}", http = (), service = "stand-ins"),
  ],
);
const product :Workerd.Worker = (
  modules = [(name = "product.js", esModule = embed "product.js")],
  compatibilityDate = "${setup.compatibilityDate}",
  compatibilityFlags = ["global_fetch_strictly_public"],
  durableObjectNamespaces = [
    (className = "InventoryShard", uniqueKey = "inventory", enableSql = true),
    (className = "Membership", uniqueKey = "membership", enableSql = true),
    (className = "Promotion", uniqueKey = "promotion", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [
    (name = "INVENTORY", durableObjectNamespace = "InventoryShard"),
    (name = "MEMBERSHIP", durableObjectNamespace = "Membership"),
    (name = "PROMOTION", durableObjectNamespace = "Promotion"),
    ${[...databases, ...queues, ...variables].join(',\n    ')},
  ],
);
const standIns :Workerd.Worker = (
  modules = [(name = "stand-ins.js", esModule = embed "stand-ins.js")],
  compatibilityDate = "${setup.compatibilityDate}",
  compatibilityFlags = ["experimental", "service_binding_extra_handlers"],
  durableObjectNamespaces = [
    (className = "Database", uniqueKey = "database", enableSql = true),
    (className = "QueueBroker", uniqueKey = "queue", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [
    (name = "DATABASE", durableObjectNamespace = "Database"),
    (name = "QUEUE", durableObjectNamespace = "QueueBroker"),
    (name = "DELIVERS", text = "${setup.hasConsumers ? 'yes' : 'no'}"),
    (name = "CONSUMER", service = "main"),
  ],
);
`;
}

function bareConfig(compatibilityDate: string, port: number): string {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .bare), ${DISK}],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const bare :Workerd.Worker = (
  modules = [(name = "bare.js", esModule = embed "bare.js")],
  compatibilityDate = "${compatibilityDate}",
  durableObjectNamespaces = [(className = "BareObject", uniqueKey = "bare", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [(name = "BARE", durableObjectNamespace = "BareObject")],
);
`;
}

const DISK = '(name = "disk", disk = (path = "disk", writable = true))';

function standIn(entrypoint: string, name: string): string {
  return `(name = "stand-ins", entrypoint = "${entrypoint}", props = (json = ${quote(JSON.stringify({ name }))}))`;
}

/** Cap'n Proto's text format takes the escapes of C, of which JSON's are a part. */
function quote(text: string): string {
  return JSON.stringify(text);
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/healthz`);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false; // Not listening yet.
  }
}

/** Clock ticks of a second in /proc, the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

function cpuSecondsOf(child: ChildProcess): number {
  try {
    const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return Number.NaN; // Not Linux: the figure is left out.
  }
}

function memoryBytesOf(child: ChildProcess): number {
  try {
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
  } catch {
    return Number.NaN; // Not Linux: the figure is left out.
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
