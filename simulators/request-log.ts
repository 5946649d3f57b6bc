/**
 * The last calls the simulators received, as they came. Kept in memory only: the log must never cost
 * a disk write per call, so a restart empties it. Secrets in headers are shortened before storing.
 */
import type { Json } from './json.ts';

/** One call. `status` and `response` stay null when it was never answered. `at` is RFC 3339 UTC. */
export interface LoggedRequest {
  readonly processor: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  status: number | null;
  response: string | null;
  /** From the arrival to the answer, in milliseconds; null while it was never answered. */
  tookMs: number | null;
  readonly at: string;
}

/** How many calls are remembered; the oldest is forgotten first. */
const REMEMBERED_COUNT = 1000;

/** A ring of the last calls. */
export class RequestLog {
  readonly #ring: LoggedRequest[] = [];
  readonly #arrivals = new WeakMap<LoggedRequest, number>();
  #next = 0;

  /** Records a call on arrival. */
  add(arrived: Omit<LoggedRequest, 'status' | 'response' | 'tookMs'>): LoggedRequest {
    const request: LoggedRequest = { ...arrived, status: null, response: null, tookMs: null };
    this.#arrivals.set(request, performance.now());
    this.#ring[this.#next] = request;
    this.#next = (this.#next + 1) % REMEMBERED_COUNT;
    return request;
  }

  /** Records what a call is answered with. */
  answer(request: LoggedRequest, answer: { status: number; body: string }): void {
    request.status = answer.status;
    request.response = answer.body;
    request.tookMs = performance.now() - (this.#arrivals.get(request) ?? performance.now());
  }

  /** Oldest first, optionally of one processor. */
  rows(processor: string | undefined): Json[] {
    const ordered = [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)];
    const isFull = this.#ring.length === REMEMBERED_COUNT;
    return (isFull ? ordered : [...this.#ring])
      .filter((row) => processor === undefined || row.processor === processor)
      .map((row) => ({ ...row }));
  }
}

/** Copies headers, leaving of a secret only its last four characters. */
export function redactHeaders(headers: Headers): Record<string, string> {
  const copy: Record<string, string> = {};
  for (const [name, value] of headers) {
    copy[name] = name === 'authorization' ? `…${value.slice(-4)}` : value;
  }
  return copy;
}
