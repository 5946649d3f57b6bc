/**
 * `npm run bench:gate`: what the members' gate costs a hold. The same holds at the same rate by a guest (nobody is asked),
 * by a customer without a plan and by a member whose plan counts nothing (one answer from memory more), and by a member
 * with a counted limit (one durable write more). Medians of the rounds; a fresh process for every variant of every round.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildWorker, bundle } from '../scripts/local/build-worker.ts';
import { drive } from './load/drive.ts';
import { openProduct } from './subject.ts';
import type { Holder } from './prepare.ts';
import { OPEN_HOLD } from './workloads.ts';

const HOLDERS: readonly Holder[] = ['guest', 'customer', 'member', 'counted'];
const RATE_PER_SECOND = 150;
const WARM_SECONDS = 6;
const SECONDS = 8;
const CONNECTIONS = 64;
const GRACE_MS = 2_000;

interface Sample {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMicros: number;
}

interface Bundled {
  readonly worker: Awaited<ReturnType<typeof buildWorker>>;
  readonly bundleFile: string;
}

async function measure(bundled: Bundled, holder: Holder): Promise<Sample> {
  const { running, take } = await openProduct({
    ...bundled,
    hasConsumers: true,
    workload: { ...OPEN_HOLD, holder },
    slotCount: RATE_PER_SECOND * (WARM_SECONDS + SECONDS),
  });
  const load = (seconds: number) =>
    drive({
      port: running.port,
      ratePerSecond: RATE_PER_SECOND,
      requests: take(RATE_PER_SECOND * seconds),
      connections: CONNECTIONS,
      graceMs: GRACE_MS,
    });
  try {
    await load(WARM_SECONDS);
    const before = running.cpuSeconds();
    const result = await load(SECONDS);
    const cpuMicros = ((running.cpuSeconds() - before) * 1e6) / result.answered;
    const held = result.statuses['201'] ?? 0;
    if (held < result.answered) throw new Error(`${holder}: ${JSON.stringify(result.statuses)}`);
    return { p50Ms: result.latencyMs.p50, p99Ms: result.latencyMs.p99, cpuMicros };
  } finally {
    await running.stop();
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' } } });
  const outDir = mkdtempSync(join(tmpdir(), 'holdfast-gate-'));
  try {
    const worker = await buildWorker();
    await bundle(outDir, ['--minify']);
    const bundled = { worker, bundleFile: join(outDir, 'index.js') };
    const samples = new Map<Holder, Sample[]>(HOLDERS.map((holder) => [holder, []]));
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const holder of round % 2 === 0 ? HOLDERS : HOLDERS.toReversed())
        samples.get(holder)?.push(await measure(bundled, holder));
    }
    console.log(`\n${RATE_PER_SECOND} holds a second, medians of ${values.rounds} rounds`);
    console.log('held by      p50 ms   p99 ms   CPU µs each');
    for (const [holder, of] of samples) {
      const row = [
        holder.padEnd(10),
        median(of.map(({ p50Ms }) => p50Ms))
          .toFixed(1)
          .padStart(8),
        median(of.map(({ p99Ms }) => p99Ms))
          .toFixed(1)
          .padStart(8),
        median(of.map(({ cpuMicros }) => cpuMicros))
          .toFixed(0)
          .padStart(13),
      ];
      console.log(row.join(' '));
    }
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

await main();
