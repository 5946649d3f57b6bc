/** What the load generator is told and what it answers; both cross a process boundary as plain data. */

export interface LoadPlan {
  readonly port: number;
  /** Arrivals are this many a second, at even distances, whether or not the answers keep up. */
  readonly ratePerSecond: number;
  /** Whole HTTP/1.1 requests, in order; there are as many arrivals as requests. */
  readonly requests: readonly string[];
  readonly connections: number;
  /** How long the stragglers are waited for after the last arrival. */
  readonly graceMs: number;
}

export interface LoadResult {
  readonly offeredPerSecond: number;
  /** Answers 2xx a second, over the time from the first arrival to the last answer. */
  readonly goodputPerSecond: number;
  readonly answered: number;
  /** Never answered within the grace. */
  readonly unanswered: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** Milliseconds from the instant a request should have been sent to its last byte. */
  readonly latencyMs: Latency;
}

export interface Latency {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}
