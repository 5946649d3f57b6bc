/**
 * Nothing answered is lost to a kill without warning: neither a payment nor the webhook still to be
 * sent for it. These tests run the real process.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { authorize, startReceiver, until } from './support.ts';
import { end, ProcessRig } from './support-process.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let processes: ProcessRig;
beforeEach(() => {
  processes = new ProcessRig();
});
afterEach(() => processes.clean());

describe('a kill without warning', () => {
  it('between an effect and its webhook: the webhook comes after the restart', async () => {
    const receiver = await startReceiver();
    const env = { PLATFORM_URL: receiver.url };
    const first = await processes.launch(env);
    const rule = { processor: 'stripe', operation: 'confirm', fault: 'webhook_delay', ms: 60_000 };
    await first.rig.control('faults', rule);
    const { id } = await authorize(first.rig.stripe);
    await end(first.child, 'SIGKILL');
    expect(receiver.calls).toEqual([]);

    // Two minutes later by the clock, the delayed delivery is due at once.
    const second = await processes.launch({ ...env, CLOCK_OFFSET_SECONDS: '120' });
    const call = await until(() => receiver.calls[0]);
    expect(call.event.data.object).toMatchObject({ id, status: 'requires_capture' });
    expect((await second.rig.books(id)).map((row) => row.kind)).toEqual(['authorization']);
    await receiver.close();
  });

  it('in the middle of a crowd loses no payment that was answered', async () => {
    const first = await processes.launch();
    const answered: string[] = [];
    const payer = async (): Promise<void> => {
      for (;;) answered.push((await authorize(first.rig.stripe)).id);
    };
    const crowd = Promise.allSettled(Array.from({ length: 20 }, payer));
    await until(() => answered.length > 60, 20_000);
    await end(first.child, 'SIGKILL');
    await crowd;
    const second = await processes.launch();
    const booked = new Set((await second.rig.books()).map((row) => row.of));
    expect(answered.filter((id) => !booked.has(id))).toEqual([]);
  });
});
