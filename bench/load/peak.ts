/** Finds the highest rate that is still served well, and how fast the service is at half of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { drive } from './drive.ts';
import type { LoadResult } from './plan.ts';

/** Served well: nearly everything answered with success, and the slowest hundredth within this. */
export const P99_BOUND_MS = 150;
const GOODPUT_SHARE_MIN = 0.97;
const CONNECTIONS = 128;
const GRACE_MS = 2_000;
/** Below this many a second nothing is looked for. */
const RATE_MIN = 30;
/** Between two steps the queues drain, so that a step pays for itself alone. */
const PAUSE_MS = 250;
/** Arrivals a second before anything is measured. */
const WARM_UP_RATE = 300;

export interface PeakSettings {
  readonly port: number;
  readonly firstRate: number;
  readonly factor: number;
  readonly warmSeconds: number;
  readonly stepSeconds: number;
  readonly halfSeconds: number;
  /** The next requests of the workload, as many as asked for; fewer when they run out. */
  readonly take: (count: number) => Promise<string[]> | string[];
}

export interface Peak {
  /** The highest goodput of a step that was served well, answers a second. */
  readonly peakPerSecond: number;
  readonly p99AtHalfMs: number;
  readonly half: LoadResult;
  readonly steps: readonly (LoadResult & { isServedWell: boolean })[];
}

/** Steps the rate up until it is not served well twice in a row; down first, where even the first step was too much. */
export async function findPeak(settings: PeakSettings): Promise<Peak> {
  const { firstRate, factor, stepSeconds } = settings;
  // A runtime that has just started interprets; what is measured is the code that it has compiled.
  await offer(settings, { ratePerSecond: WARM_UP_RATE, seconds: settings.warmSeconds });
  const steps: (LoadResult & { isServedWell: boolean })[] = [];
  let rate = firstRate;
  let misses = 0;
  let hasServedWell = false;
  while (misses < 2) {
    const result = await offer(settings, { ratePerSecond: Math.round(rate), seconds: stepSeconds });
    if (result === null) break;
    const isServedWell =
      result.latencyMs.p99 <= P99_BOUND_MS &&
      result.goodputPerSecond >= result.offeredPerSecond * GOODPUT_SHARE_MIN;
    steps.push({ ...result, isServedWell });
    misses = isServedWell ? 0 : misses + 1;
    hasServedWell ||= isServedWell;
    // A miss is tried once more at the same rate: one hiccup of the machine is not the product's limit.
    if (isServedWell) rate *= factor;
    if (misses === 2 && !hasServedWell && rate > RATE_MIN) {
      rate /= 2;
      misses = 0;
    }
  }
  const well = steps.filter((step) => step.isServedWell);
  const peakPerSecond = Math.max(0, ...well.map((step) => step.goodputPerSecond));
  const half = await offer(settings, {
    ratePerSecond: Math.max(1, Math.round(peakPerSecond / 2)),
    seconds: settings.halfSeconds,
  });
  if (half === null) throw new Error('No requests were left for the measurement at half of peak.');
  return { peakPerSecond, p99AtHalfMs: half.latencyMs.p99, half, steps };
}

async function offer(
  settings: PeakSettings,
  step: { ratePerSecond: number; seconds: number },
): Promise<LoadResult | null> {
  const count = Math.ceil(step.ratePerSecond * step.seconds);
  const requests = await settings.take(count);
  if (requests.length < count) return null;
  const result = await drive({
    port: settings.port,
    ratePerSecond: step.ratePerSecond,
    requests,
    connections: CONNECTIONS,
    graceMs: GRACE_MS,
  });
  await sleep(PAUSE_MS);
  return result;
}
