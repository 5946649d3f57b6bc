/** `npm start` for a measurement: on free ports, in a state folder of its own that is removed afterwards. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROJECT_ROOT } from '../scripts/local/project.ts';
import { freePort } from './runtime/workerd.ts';

const READY_WITHIN_MS = 60_000;

/** Where a platform under measurement listens. */
export interface Place {
  readonly base: string;
  readonly simulators: string;
}

/** What a call was answered. */
export interface Answer {
  readonly status: number;
  readonly json: { readonly [field: string]: unknown };
}

/** Runs the work against a fresh platform and ends it. */
export async function withPlatform(work: (place: Place) => Promise<void>): Promise<void> {
  const stateDir = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  const port = await freePort();
  const simulatorsPort = await freePort();
  const platform = spawn(process.execPath, ['scripts/start.ts'], {
    cwd: PROJECT_ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      PORT: String(port),
      SIMULATORS_PORT: String(simulatorsPort),
      STATE_DIR: stateDir,
    },
  });
  const ended = once(platform, 'exit');
  try {
    const base = `http://127.0.0.1:${port}`;
    await ready(base);
    await work({ base, simulators: `http://127.0.0.1:${simulatorsPort}` });
  } finally {
    platform.kill('SIGTERM');
    await ended;
    rmSync(stateDir, { recursive: true, force: true });
  }
}

/** One call, under a key of its own. */
export async function call(
  url: string,
  request: { method: string; token?: string; body?: unknown },
): Promise<Answer> {
  const response = await fetch(url, {
    method: request.method,
    headers: {
      'content-type': 'application/json',
      'idempotency-key': randomUUID(),
      ...(request.token === undefined ? {} : { authorization: `Bearer ${request.token}` }),
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  });
  const text = await response.text();
  return { status: response.status, json: text === '' ? {} : (JSON.parse(text) as Answer['json']) };
}

/** The body of an answer that must have this status. */
export function expectStatus(answer: Answer, status: number): Answer['json'] {
  if (answer.status !== status) throw new Error(`${answer.status}: ${JSON.stringify(answer.json)}`);
  return answer.json;
}

/** Percentiles of one measure, as a line. */
export function line(name: string, values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
  return `${name.padEnd(40)} p50 ${at(0.5)} ms   p90 ${at(0.9)} ms   p99 ${at(0.99)} ms   max ${at(1)} ms`;
}

async function ready(base: string): Promise<void> {
  const untilMs = performance.now() + READY_WITHIN_MS;
  while (performance.now() < untilMs) {
    const isReady = await fetch(`${base}/v1/plans`)
      .then(async (response) => ((await response.json()) as { data: unknown[] }).data.length > 0)
      .catch(() => false);
    if (isReady) return;
    await sleep(200);
  }
  throw new Error('The platform did not come up.');
}
