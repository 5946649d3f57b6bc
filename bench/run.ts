/**
 * `npm run bench`: what the production bundle serves on plain workerd, beside the least that is durable.
 * A fresh process for every variant of every round, the order turned round each time, medians of the rounds; the raw
 * values go to bench/results. `--quick` shows that everything works and measures little; `--no-consumers` drops what
 * is sent to the queues, so that the load has the processor for itself.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildWorker, bundle } from '../scripts/local/build-worker.ts';
import type { BuiltWorker } from '../scripts/local/build-worker.ts';
import { PROJECT_ROOT } from '../scripts/local/project.ts';
import { P99_BOUND_MS, findPeak } from './load/peak.ts';
import type { Peak, PeakSettings } from './load/peak.ts';
import { startBare } from './runtime/workerd.ts';
import { openProduct } from './subject.ts';
import { BARE, WORKLOADS, bareRequests } from './workloads.ts';

/** The product's aims: at least this many times the bare object, and p99 at half of peak within the bound. */
const RATIO_MIN = 1.5;

interface Effort {
  readonly rounds: number;
  readonly slotCount: number;
  readonly warmSeconds: number;
  readonly stepSeconds: number;
  readonly halfSeconds: number;
  readonly factor: number;
  readonly firstRate: number;
}

const FULL: Effort = {
  rounds: 3,
  slotCount: 30_000,
  warmSeconds: 6,
  stepSeconds: 2,
  halfSeconds: 3,
  factor: 1.3,
  firstRate: 250,
};
const QUICK: Effort = {
  rounds: 1,
  slotCount: 9_000,
  warmSeconds: 5,
  stepSeconds: 1,
  halfSeconds: 1,
  factor: 1.5,
  firstRate: 150,
};

interface Bench {
  readonly effort: Effort;
  readonly worker: BuiltWorker;
  readonly bundleFile: string;
  readonly hasConsumers: boolean;
  /** The peak of the last round: the next begins not far below it. */
  readonly lastPeaks: Map<string, number>;
}

interface Measured extends Peak {
  readonly variant: string;
  readonly round: number;
  /** CPU that the runtime used for each answer while the load ran, in microseconds. */
  readonly cpuMicrosPerAnswer: number;
}

async function measure(bench: Bench, variant: string, round: number): Promise<Measured> {
  const workload = WORKLOADS.find((each) => each.name === variant);
  const { worker, bundleFile, hasConsumers } = bench;
  const { slotCount } = bench.effort;
  const { running, take } =
    workload === undefined
      ? { running: await startBare(String(worker.options.compatibilityDate)), take: bareRequests }
      : await openProduct({ worker, bundleFile, hasConsumers, workload, slotCount });
  try {
    const last = bench.lastPeaks.get(variant);
    const { warmSeconds, stepSeconds, halfSeconds, factor, firstRate } = bench.effort;
    const settings: PeakSettings = {
      port: running.port,
      take,
      factor,
      warmSeconds,
      stepSeconds,
      halfSeconds,
      firstRate: last === undefined ? firstRate : last * 0.64,
    };
    const cpuBefore = running.cpuSeconds();
    const peak = await findPeak(settings);
    const answers = peak.steps.reduce((sum, step) => sum + step.answered, peak.half.answered);
    bench.lastPeaks.set(variant, Math.max(firstRate, peak.peakPerSecond));
    const cpuMicrosPerAnswer = ((running.cpuSeconds() - cpuBefore) * 1e6) / answers;
    return { ...peak, variant, round, cpuMicrosPerAnswer };
  } finally {
    await running.stop();
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

interface Summary {
  readonly variant: string;
  readonly peakPerSecond: number;
  readonly p99AtHalfMs: number;
  readonly ratioToBare: number;
}

function summarise(results: readonly Measured[]): Summary[] {
  const of = (variant: string): Measured[] => results.filter((each) => each.variant === variant);
  const barePeak = median(of(BARE.name).map((each) => each.peakPerSecond));
  return [BARE, ...WORKLOADS].map(({ name }) => {
    const peakPerSecond = median(of(name).map((each) => each.peakPerSecond));
    return {
      variant: name,
      peakPerSecond,
      p99AtHalfMs: median(of(name).map((each) => each.p99AtHalfMs)),
      ratioToBare: peakPerSecond / barePeak,
    };
  });
}

function report(summaries: readonly Summary[]): void {
  console.log(
    `\nvariant        peak /s   x bare   p99 at half of peak (served well: p99 <= ${P99_BOUND_MS} ms)`,
  );
  for (const { variant, peakPerSecond, ratioToBare, p99AtHalfMs } of summaries) {
    const columns = [
      variant.padEnd(13),
      peakPerSecond.toFixed(0).padStart(8),
      ratioToBare.toFixed(2).padStart(8),
      `${p99AtHalfMs.toFixed(1)} ms`.padStart(12),
    ];
    console.log(columns.join(' '));
  }
  const products = summaries.filter((each) => each.variant !== BARE.name);
  const isAimMet = products.every(
    (each) => each.ratioToBare >= RATIO_MIN && each.p99AtHalfMs < P99_BOUND_MS,
  );
  console.log(
    `\nAim (at least ${RATIO_MIN} x bare, p99 at half of peak under ${P99_BOUND_MS} ms): ${isAimMet ? 'met' : 'missed'}.`,
  );
}

function machine(): Record<string, string | number> {
  const [first] = cpus();
  return {
    processor: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    system: `${process.platform} ${process.arch}`,
  };
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: PROJECT_ROOT, encoding: 'utf8' }).trim();
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      'no-consumers': { type: 'boolean', default: false },
    },
  });
  const effort = values.quick ? QUICK : FULL;
  const outDir = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  try {
    const [worker] = [await buildWorker(), await bundle(outDir, ['--minify'])];
    const bench: Bench = {
      effort,
      worker,
      bundleFile: join(outDir, 'index.js'),
      hasConsumers: !values['no-consumers'],
      lastPeaks: new Map(),
    };
    const results: Measured[] = [];
    const order: string[] = [BARE.name, ...WORKLOADS.map((each) => each.name)];
    for (let round = 1; round <= effort.rounds; round += 1) {
      for (const variant of round % 2 === 1 ? order : order.toReversed()) {
        const result = await measure(bench, variant, round);
        results.push(result);
        console.log(
          `round ${round}  ${variant.padEnd(13)} peak ${result.peakPerSecond.toFixed(0)}/s, ` +
            `p99 at half ${result.p99AtHalfMs.toFixed(1)} ms, ${result.cpuMicrosPerAnswer.toFixed(0)} µs CPU each`,
        );
      }
    }
    const summaries = summarise(results);
    report(summaries);
    if (!values.quick) save({ hasConsumers: bench.hasConsumers, summaries, results });
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

function save(outcome: object): void {
  const isDirty = git('status', '--porcelain', '--', 'src', 'bench', 'wrangler.toml') !== '';
  const commit = `${git('rev-parse', '--short=12', 'HEAD')}${isDirty ? '-changed' : ''}`;
  const dir = join(PROJECT_ROOT, 'bench', 'results');
  mkdirSync(dir, { recursive: true });
  const command = ['npm run bench', ...process.argv.slice(2)].join(' -- ');
  const file = join(dir, `${commit}.json`);
  writeFileSync(
    file,
    `${JSON.stringify({ commit, command, machine: machine(), ...outcome }, null, 1)}\n`,
  );
  console.log(`Raw values: bench/results/${commit}.json`);
}

await main();
