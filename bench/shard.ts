/**
 * `npm run bench:shard`: what the size of a shard costs. The same holds, lists of a day and restarts against a shard with
 * 1,000 slots and one with 100,000 slots and 10,000 live claims, and the memory of each. Each shard is filled once through
 * the API; every round starts a fresh process on a copy of its disk, so that both begin as cold, the order turned round.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildWorker, bundle, type BuiltWorker } from '../scripts/local/build-worker.ts';
import { makeKeys } from '../scripts/local/keys.ts';
import type { SigningKey } from '../src/platform/settings.ts';
import { drive } from './load/drive.ts';
import { openShop, type Shop } from './prepare.ts';
import { startProduct, type RunningWorkerd } from './runtime/workerd.ts';
import { ISSUER, runtimeOf } from './subject.ts';
import { OPEN_HOLD, requestsOf } from './workloads.ts';

interface Size {
  readonly slots: number;
  readonly claims: number;
}

const SIZES: readonly Size[] = [
  { slots: 1_000, claims: 100 },
  { slots: 100_000, claims: 10_000 },
];
/** A hold in the large shard may cost this much more than in the small one. */
const GROWTH_MAX = 1.2;
const CUSTOMERS = 200;
const FILL_PER_SECOND = 200;
/** Holds of a round; together with the claims they fit into the smaller shard. */
const WARM_HOLDS = 250;
const HOLDS = 600;
const HOLDS_PER_SECOND = 100;
const CONNECTIONS = 32;
/** A busy machine answers the stragglers of the filling late; nothing is measured there. */
const GRACE_MS = 60_000;
const LISTS = 200;
const DAY_MS = 86_400_000;
const MIB = 1_024 * 1_024;

interface Bench {
  readonly worker: BuiltWorker;
  readonly bundleFile: string;
  readonly keys: ReturnType<typeof makeKeys>;
}

interface Filled {
  readonly size: Size;
  readonly shop: Shop;
  readonly disk: string;
}

interface Sample {
  readonly startMs: number;
  readonly memoryMib: number;
  readonly listMs: number;
  readonly holdCpuMicros: number;
  readonly holdP50Ms: number;
}

function start(bench: Bench, diskFrom?: string): Promise<RunningWorkerd> {
  const { worker, bundleFile, keys } = bench;
  const disk = diskFrom === undefined ? {} : { diskFrom };
  return startProduct({ bundleFile, hasConsumers: false, ...runtimeOf(worker, keys), ...disk });
}

/** Makes a shard of a size, with its claims held, and keeps what it wrote. */
async function fill(bench: Bench, size: Size): Promise<Filled> {
  const running = await start(bench);
  try {
    return await fillStarted(bench, size, running);
  } catch (error) {
    await running.stop();
    throw error;
  }
}

async function fillStarted(bench: Bench, size: Size, running: RunningWorkerd): Promise<Filled> {
  const [signingKey] = JSON.parse(bench.keys.TOKEN_SIGNING_KEYS) as [SigningKey];
  const shop = await openShop(running, {
    idSecret: bench.keys.ID_SECRET,
    signingKey,
    issuer: ISSUER,
    migrations: bench.worker.migrations,
    slotCount: size.slots,
    customerCount: CUSTOMERS,
    priceMinor: OPEN_HOLD.priceMinor,
    holder: 'guest',
  });
  const take = requestsOf(OPEN_HOLD, shop);
  await hold(running, take(size.claims), FILL_PER_SECOND);
  const disk = await running.stopKeepingDisk();
  return { size, shop: { ...shop, slotIds: shop.slotIds.slice(size.claims) }, disk };
}

async function hold(running: RunningWorkerd, requests: readonly string[], ratePerSecond: number) {
  const result = await drive({
    port: running.port,
    ratePerSecond,
    requests,
    connections: CONNECTIONS,
    graceMs: GRACE_MS,
  });
  if (result.statuses['201'] !== requests.length)
    throw new Error(
      `holds were refused or not answered: ${JSON.stringify(result.statuses)}, ${result.unanswered} silent`,
    );
  return result;
}

/** One round: restart, list days, hold. */
async function measure(bench: Bench, filled: Filled): Promise<Sample> {
  const running = await start(bench, filled.disk);
  try {
    const serviceId = filled.shop.serviceIds[0] ?? '';
    // The first read of the shard loads all of it.
    const startMs = await timed(() => listDay(running, serviceId, 2));
    const memoryMib = running.memoryBytes() / MIB;
    const take = requestsOf(OPEN_HOLD, filled.shop);
    await hold(running, take(WARM_HOLDS), HOLDS_PER_SECOND);
    const lists: number[] = [];
    for (let n = 0; n < LISTS; n += 1)
      lists.push(await timed(() => listDay(running, serviceId, 2 + (n % 10))));
    const before = running.cpuSeconds();
    const result = await hold(running, take(HOLDS), HOLDS_PER_SECOND);
    const holdCpuMicros = ((running.cpuSeconds() - before) * 1e6) / HOLDS;
    return {
      startMs,
      memoryMib,
      listMs: median(lists),
      holdCpuMicros,
      holdP50Ms: result.latencyMs.p50,
    };
  } finally {
    await running.stop();
  }
}

async function listDay(running: RunningWorkerd, serviceId: string, day: number): Promise<void> {
  const fromMs = Math.floor(Date.now() / DAY_MS) * DAY_MS + day * DAY_MS;
  const from = new Date(fromMs).toISOString();
  const to = new Date(fromMs + DAY_MS).toISOString();
  const url = `${running.url}/v1/services/${serviceId}/slots?from=${from}&to=${to}`;
  const response = await fetch(url);
  const { data } = (await response.json()) as { data?: unknown[] };
  if (data?.length !== 24) throw new Error(`a day lists ${String(data?.length)} slots`);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const COLUMNS = {
  startMs: 'first read ms',
  memoryMib: 'memory MiB',
  listMs: 'list a day ms',
  holdCpuMicros: 'CPU µs a hold',
  holdP50Ms: 'hold p50 ms',
} as const satisfies Record<keyof Sample, string>;

function report(samples: ReadonlyMap<Size, readonly Sample[]>, rounds: number): void {
  const keys = Object.keys(COLUMNS) as (keyof Sample)[];
  console.log(`\n${cpus().length} × ${cpus()[0]?.model}, medians of ${rounds} rounds`);
  console.log(`slots    claims ${keys.map((key) => COLUMNS[key].padStart(14)).join('')}`);
  const middle = (of: readonly Sample[], key: keyof Sample) => median(of.map((one) => one[key]));
  for (const [size, of] of samples) {
    const row = keys.map((key) => middle(of, key).toFixed(1).padStart(14));
    console.log(`${String(size.slots).padEnd(9)}${String(size.claims).padEnd(7)}${row.join('')}`);
  }
  const [small = [], large = []] = [...samples.values()];
  const growth = middle(large, 'holdCpuMicros') / middle(small, 'holdCpuMicros');
  const verdict = growth <= GROWTH_MAX ? 'within' : 'beyond';
  console.log(`a hold costs ${growth.toFixed(2)} × as much, ${verdict} the aim of ${GROWTH_MAX}`);
  console.log(`raw: ${JSON.stringify([...samples].map(([size, of]) => ({ ...size, of })))}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
  const outDir = mkdtempSync(join(tmpdir(), 'holdfast-shard-'));
  const filled: Filled[] = [];
  try {
    const worker = await buildWorker();
    await bundle(outDir, ['--minify']);
    const bench = { worker, bundleFile: join(outDir, 'index.js'), keys: makeKeys() };
    for (const size of SIZES) filled.push(await fill(bench, size));
    const samples = new Map<Size, Sample[]>(SIZES.map((size) => [size, []]));
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const one of round % 2 === 0 ? filled : filled.toReversed())
        samples.get(one.size)?.push(await measure(bench, one));
    }
    report(samples, Number(values.rounds));
  } finally {
    rmSync(outDir, { recursive: true, force: true });
    for (const { disk } of filled) rmSync(dirname(disk), { recursive: true, force: true });
  }
}

await main();
