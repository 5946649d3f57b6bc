/**
 * Counters of this isolate in Prometheus' text format. They begin at zero with each isolate and are a sample,
 * not a total: the platform's own analytics sum over isolates.
 * Source: Prometheus exposition format 0.0.4.
 */

/** Upper bounds in seconds, around the promised 50, 100 and 150 ms. */
const BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10];

const MS_PER_SECOND = 1_000;

/** One answered request. */
export interface RequestSample {
  readonly method: string;
  /** The pattern of the route, never the path: a path is not bounded in number. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
}

interface Histogram {
  readonly labels: string;
  readonly counts: number[];
  sumSeconds: number;
  count: number;
}

const requests = new Map<string, number>();
const durations = new Map<string, Histogram>();

/** Counts one request. */
export function countRequest({ method, route, status, durationMs }: RequestSample): void {
  const place = `method="${method}",route="${route}"`;
  const key = `${place},status="${status}"`;
  requests.set(key, (requests.get(key) ?? 0) + 1);
  let histogram = durations.get(place);
  if (histogram === undefined) {
    histogram = { labels: place, counts: BUCKETS_SECONDS.map(() => 0), sumSeconds: 0, count: 0 };
    durations.set(place, histogram);
  }
  const seconds = durationMs / MS_PER_SECOND;
  histogram.sumSeconds += seconds;
  histogram.count += 1;
  for (const [index, bound] of BUCKETS_SECONDS.entries()) {
    if (seconds <= bound) histogram.counts[index] = (histogram.counts[index] ?? 0) + 1;
  }
}

/** The counters as text. */
export function renderMetrics(): string {
  const lines = [
    '# HELP holdfast_http_requests_total Requests answered by this isolate.',
    '# TYPE holdfast_http_requests_total counter',
    ...[...requests].map(([labels, count]) => `holdfast_http_requests_total{${labels}} ${count}`),
    '# HELP holdfast_http_request_duration_seconds Time to the answer, as this isolate saw it.',
    '# TYPE holdfast_http_request_duration_seconds histogram',
    ...[...durations.values()].flatMap(renderHistogram),
  ];
  return `${lines.join('\n')}\n`;
}

function renderHistogram({ labels, counts, sumSeconds, count }: Histogram): string[] {
  const name = 'holdfast_http_request_duration_seconds';
  return [
    ...BUCKETS_SECONDS.map(
      (bound, index) => `${name}_bucket{${labels},le="${bound}"} ${counts[index] ?? 0}`,
    ),
    `${name}_bucket{${labels},le="+Inf"} ${count}`,
    `${name}_sum{${labels}} ${sumSeconds}`,
    `${name}_count{${labels}} ${count}`,
  ];
}
