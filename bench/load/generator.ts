/**
 * Open-loop load in a process of its own: arrivals keep their times however slow the answers are, and latency counts
 * from the time a request should have been sent. A closed loop would wait politely and hide the queue.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Latency, LoadPlan, LoadResult } from './plan.ts';

process.once('message', (plan: LoadPlan) => void answer(plan));

async function answer(plan: LoadPlan): Promise<void> {
  const result = await generate(plan);
  process.send?.(result, () => process.disconnect());
}

async function generate(plan: LoadPlan): Promise<LoadResult> {
  const run = new Run(plan);
  await run.connect();
  return await run.finish();
}

class Run {
  readonly #plan: LoadPlan;
  readonly #idle: Connection[] = [];
  readonly #all: Connection[] = [];
  readonly #latencies: number[] = [];
  readonly #statuses = new Map<number, number>();
  /** Arrivals that found no free connection, by their place in the plan. */
  #waiting: number[] = [];
  #firstWaiting = 0;
  #startMs = 0;
  #lastAnswerMs = 0;

  constructor(plan: LoadPlan) {
    this.#plan = plan;
  }

  async connect(): Promise<void> {
    for (let n = 0; n < this.#plan.connections; n += 1) {
      const connection = new Connection((status, index) => this.#answered(status, index));
      connection.onFree = () => this.#free(connection);
      await connection.open(this.#plan.port);
      this.#all.push(connection);
      this.#idle.push(connection);
    }
  }

  async finish(): Promise<LoadResult> {
    const { requests, ratePerSecond, graceMs } = this.#plan;
    this.#startMs = performance.now();
    let sent = 0;
    while (sent < requests.length) {
      const elapsedMs = performance.now() - this.#startMs;
      const due = Math.floor((elapsedMs * ratePerSecond) / 1000) + 1;
      while (sent < Math.min(due, requests.length)) {
        this.#arrive(sent);
        sent += 1;
      }
      await sleep(1);
    }
    const deadline = performance.now() + graceMs;
    while (this.#latencies.length < requests.length && performance.now() < deadline) await sleep(5);
    for (const connection of this.#all) connection.close();
    return this.#result();
  }

  #arrive(index: number): void {
    const connection = this.#idle.pop();
    if (connection === undefined) this.#waiting.push(index);
    else this.#send(connection, index);
  }

  #send(connection: Connection, index: number): void {
    connection.send(this.#plan.requests[index] ?? '', index);
  }

  #free(connection: Connection): void {
    const next = this.#waiting[this.#firstWaiting];
    if (next === undefined) {
      this.#waiting = [];
      this.#firstWaiting = 0;
      this.#idle.push(connection);
      return;
    }
    this.#firstWaiting += 1;
    this.#send(connection, next);
  }

  #answered(status: number, index: number): void {
    const dueMs = this.#startMs + (index * 1000) / this.#plan.ratePerSecond;
    this.#lastAnswerMs = performance.now();
    this.#latencies.push(this.#lastAnswerMs - dueMs);
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
  }

  #result(): LoadResult {
    const seconds = (this.#lastAnswerMs - this.#startMs) / 1000;
    const good = [...this.#statuses].reduce(
      (sum, [status, count]) => (status >= 200 && status < 300 ? sum + count : sum),
      0,
    );
    return {
      offeredPerSecond: this.#plan.ratePerSecond,
      goodputPerSecond: good / seconds,
      answered: this.#latencies.length,
      unanswered: this.#plan.requests.length - this.#latencies.length,
      statuses: Object.fromEntries(this.#statuses),
      latencyMs: percentiles(this.#latencies),
    };
  }
}

/** One keep-alive connection with at most one request on it; one that the server closed while it was idle is opened anew. */
class Connection {
  onFree: () => void = () => undefined;
  readonly #onAnswer: (status: number, index: number) => void;
  #socket: Socket | null = null;
  #port = 0;
  #received = '';
  #index = -1;

  constructor(onAnswer: (status: number, index: number) => void) {
    this.#onAnswer = onAnswer;
  }

  open(port: number): Promise<void> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    this.#port = port;
    socket.once('end', () => socket.destroy());
    // Byte for byte, so that lengths count bytes whatever the text is.
    socket.setEncoding('latin1').on('data', (text: string) => this.#take(text));
    return new Promise((resolve, reject) => {
      socket.once('connect', () => resolve());
      // After the connect an error shows as answers that never come.
      socket.on('error', reject);
    });
  }

  send(request: string, index: number): void {
    this.#index = index;
    if (this.#socket?.readyState === 'open') this.#socket.write(request);
    // An error of the new connection shows as an answer that never comes, like one of the first.
    else
      void this.open(this.#port).then(
        () => this.#socket?.write(request),
        () => undefined,
      );
  }

  close(): void {
    this.#socket?.destroy();
  }

  #take(text: string): void {
    this.#received += text;
    const status = completeStatus(this.#received);
    if (status === null) return;
    this.#received = '';
    this.#onAnswer(status, this.#index);
    this.onFree();
  }
}

/** The status of a whole answer; null while bytes are missing. */
function completeStatus(received: string): number | null {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const head = received.slice(0, headEnd);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const isWhole =
    length === undefined
      ? received.endsWith('\r\n0\r\n\r\n')
      : received.length >= headEnd + 4 + Number(length);
  return isWhole ? Number(head.slice(9, 12)) : null;
}

function percentiles(values: number[]): Latency {
  const sorted = Float64Array.from(values).toSorted();
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}
