/**
 * Nothing answered is lost: a restart, and a kill without warning, keep objects, books, keys, clocks
 * and the webhooks still to be sent. These tests run the real process.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  authorize,
  INTENT,
  makeRig,
  SECRET_KEY,
  startReceiver,
  until,
  WEBHOOK_SECRET,
  type Rig,
} from './support.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
let stateDirectory = '';
const children: ChildProcess[] = [];

beforeEach(() => {
  stateDirectory = mkdtempSync(path.join(tmpdir(), 'simulators-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) await end(child, 'SIGKILL');
  rmSync(stateDirectory, { recursive: true, force: true });
});

/** Starts the real entry, with its output as it grows. */
function start(env: Record<string, string>) {
  const child = spawn(path.join(ROOT, 'node_modules/.bin/node'), ['simulators/main.ts'], {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'],
      SIMULATORS_PORT: '0',
      STATE_DIR: stateDirectory,
      STRIPE_SECRET_KEY: SECRET_KEY,
      STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (output.stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (output.stderr += String(chunk)));
  return { child, output };
}

/** A process that listens, and handles on it. */
async function launch(env: Record<string, string> = {}) {
  const { child, output } = start(env);
  const url = await until(() => /^simulators ready on (http:\S+)\n$/.exec(output.stdout)?.[1]);
  const rig: Rig = makeRig({ url, close: () => Promise.resolve() });
  return { child, rig };
}

/** What a process says that refuses to start. */
async function launchRefused(env: Record<string, string> = {}): Promise<string> {
  const { child, output } = start(env);
  await once(child, 'close');
  expect(child.exitCode).toBe(1);
  expect(output.stdout).toBe('');
  return output.stderr;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

describe('a restart', () => {
  it('keeps objects, books, keys and the virtual clock, and never reuses an identifier', async () => {
    const first = await launch();
    const options = { idempotencyKey: 'kept' };
    const intent = await first.rig.stripe.paymentIntents.create(INTENT, options);
    await first.rig.stripe.paymentIntents.confirm(intent.id, { payment_method: 'pm_card_visa' });
    await first.rig.control('clock', { advanceSeconds: 86_400 });
    const books = await first.rig.books();
    await end(first.child, 'SIGTERM');

    const second = await launch();
    expect((await second.rig.stripe.paymentIntents.retrieve(intent.id)).status).toBe(
      'requires_capture',
    );
    expect(await second.rig.books()).toEqual(books);
    const replayed = await second.rig.stripe.paymentIntents.create(INTENT, options);
    expect(replayed.id).toBe(intent.id);
    expect((await second.rig.control('clock')).json['advancedSeconds']).toBe(86_400);
    const next = await second.rig.stripe.paymentIntents.create(INTENT);
    expect(next.id > intent.id).toBe(true);
    await second.rig.control('clock', { advanceSeconds: 6 * 86_400 });
    expect((await second.rig.stripe.paymentIntents.retrieve(intent.id)).status).toBe('canceled');
  });

  it('ends within half a second of SIGTERM, even with a call that hangs', async () => {
    const { child, rig } = await launch();
    await rig.control('faults', { processor: 'stripe', fault: 'timeout_before', ms: 60_000 });
    const hanging = rig.stripe.paymentIntents.list().catch(() => 'closed');
    await until(async () => (await rig.control('requests')).json.data.length === 1);
    const startMs = performance.now();
    await end(child, 'SIGTERM');
    expect(performance.now() - startMs).toBeLessThan(500);
    await hanging;
    expect(child.exitCode).toBe(0);
  });

  it('refuses an earlier clock, and a second instance on the same state', async () => {
    const first = await launch({ CLOCK_OFFSET_SECONDS: '3600' });
    const { created } = await first.rig.stripe.paymentIntents.create(INTENT);
    expect(created - Date.now() / 1000).toBeGreaterThan(3500);
    expect(await launchRefused()).toContain('in use by another simulator');
    await end(first.child, 'SIGTERM');
    const refusal = await launchRefused({ CLOCK_OFFSET_SECONDS: '60' });
    expect(refusal).toContain('would turn the clock back');
  });
});

describe('a kill without warning', () => {
  it('between an effect and its webhook: the webhook comes after the restart', async () => {
    const receiver = await startReceiver();
    const env = { PLATFORM_URL: receiver.url };
    const first = await launch(env);
    const rule = { processor: 'stripe', operation: 'confirm', fault: 'webhook_delay', ms: 400 };
    await first.rig.control('faults', rule);
    const { id } = await authorize(first.rig.stripe);
    await end(first.child, 'SIGKILL');
    expect(receiver.calls).toEqual([]);

    const second = await launch(env);
    const call = await until(() => receiver.calls[0]);
    expect(call.event.data.object).toMatchObject({ id, status: 'requires_capture' });
    expect((await second.rig.books(id)).map((row) => row.kind)).toEqual(['authorization']);
    await receiver.close();
  });

  it('in the middle of a crowd loses no payment that was answered', async () => {
    const first = await launch();
    const answered: string[] = [];
    const crowd = Array.from({ length: 20 }, async () => {
      for (;;) {
        const intent = await authorize(first.rig.stripe);
        answered.push(intent.id);
      }
    });
    await until(() => answered.length > 60);
    await end(first.child, 'SIGKILL');
    await Promise.allSettled(crowd);
    const second = await launch();
    const booked = new Set((await second.rig.books()).map((row) => row.of));
    expect(answered.filter((id) => !booked.has(id))).toEqual([]);
  });
});
