/**
 * A restart keeps objects, books, keys and both clocks, and the process ends and refuses to start as
 * documented. These tests run the real process.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { INTENT, until } from './support.ts';
import { end, ProcessRig } from './support-process.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let processes: ProcessRig;
beforeEach(() => {
  processes = new ProcessRig();
});
afterEach(() => processes.clean());

describe('a restart', () => {
  it('keeps objects, books, keys and the virtual clock, and never reuses an identifier', async () => {
    const first = await processes.launch();
    const options = { idempotencyKey: 'kept' };
    const intent = await first.rig.stripe.paymentIntents.create(INTENT, options);
    await first.rig.stripe.paymentIntents.confirm(intent.id, { payment_method: 'pm_card_visa' });
    await first.rig.control('clock', { advanceSeconds: 86_400 });
    const books = await first.rig.books();
    await end(first.child, 'SIGTERM');

    const second = await processes.launch();
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

  it('ends at once on SIGTERM, even with a call that hangs', async () => {
    const { child, rig } = await processes.launch();
    await rig.control('faults', { processor: 'stripe', fault: 'timeout_before', ms: 60_000 });
    const hanging = rig.stripe.paymentIntents.list().catch(() => 'closed');
    await until(async () => (await rig.control('requests')).json.data.length === 1);
    const startMs = performance.now();
    await end(child, 'SIGTERM');
    expect(performance.now() - startMs).toBeLessThan(1000);
    await hanging;
    expect(child.exitCode).toBe(0);
  });

  it('refuses an earlier clock, and a second instance on the same state', async () => {
    const first = await processes.launch({ CLOCK_OFFSET_SECONDS: '3600' });
    const { created } = await first.rig.stripe.paymentIntents.create(INTENT);
    expect(created - Date.now() / 1000).toBeGreaterThan(3500);
    const rival = await processes.launchRefused();
    expect(rival.stderr).toContain('in use by another simulator');
    expect([rival.code, rival.stdout]).toEqual([1, '']);
    await end(first.child, 'SIGTERM');
    const earlier = await processes.launchRefused({ CLOCK_OFFSET_SECONDS: '60' });
    expect(earlier.stderr).toContain('would turn the clock back');
  });
});
