/**
 * One machine is a supported way to run the product: it starts from nothing, refuses a second instance on its state,
 * ends in time, and keeps what it answered through every kind of end.
 */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PlatformProcess, rowsOf, textOf, until } from './support/platform-process.ts';

describe('npm start', { timeout: 120_000 }, () => {
  let platform: PlatformProcess;

  beforeAll(async () => {
    platform = await PlatformProcess.start();
  }, 120_000);

  afterAll(async () => {
    await platform.killAll();
    await platform.stop();
  });

  /** A name that was answered with 201, and whether it can still be read. */
  async function register(): Promise<string> {
    const email = `keeper-${crypto.randomUUID()}@example.test`;
    const answer = await platform.call('POST', '/v1/auth/register', {
      body: { email, password: 'correct horse battery 9' },
    });
    expect(answer.status).toBe(201);
    return email;
  }

  async function isKept(email: string): Promise<boolean> {
    return (await platform.logIn(email, 'correct horse battery 9')) !== '';
  }

  it('serves with the demo accounts, services and slots in place', async () => {
    for (const name of ['operator', 'provider', 'subscriber', 'customer']) {
      expect(await platform.logIn(`${name}@example.test`)).not.toBe('');
    }
    const services = await platform.call('GET', '/v1/services');
    const found = rowsOf(services);
    expect(new Set(found.map((service) => service['access']))).toEqual(
      new Set(['open', 'subscribers']),
    );
    for (const service of found) {
      const slots = await platform.call('GET', `/v1/services/${textOf(service, 'id')}/slots`);
      expect(rowsOf(slots).length).toBeGreaterThan(0);
    }
  });

  it('refuses a second instance on the same state, and says who has it', async () => {
    const second = await PlatformProcess.on(platform.stateDir);
    const child = second.spawn();
    await until(async () => child.exitCode !== null, 20_000);
    expect(child.exitCode).toBe(1);
    expect(second.output).toContain(`process ${platform.pids.supervisor}`);
    expect(await platform.isReady()).toBe(true);
  });

  it('serves again, with its state, after the runtime was killed', async () => {
    const email = await register();
    await platform.crashRuntime();
    expect(await isKept(email)).toBe(true);
  });

  it('brings killed simulators back', async () => {
    const { simulators } = platform.pids;
    process.kill(Number(simulators), 'SIGKILL');
    await until(async () => {
      const now = platform.pids.simulators;
      return now !== null && now !== simulators && (await answers(platform.simulatorsUrl));
    }, 10_000);
  });

  it('ends within 3 s of SIGTERM with exit code 0 and leaves no process', async () => {
    const email = await register();
    const { runtime, simulators } = platform.pids;
    const { code, tookMs } = await platform.terminate();
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(3_000);
    await untilEnded([runtime, simulators]);
    await platform.boot();
    expect(await isKept(email)).toBe(true);
  });

  it('leaves nobody serving when only the supervisor was killed, and starts again', async () => {
    const email = await register();
    const { supervisor, runtime, simulators } = platform.pids;
    process.kill(supervisor, 'SIGKILL');
    await untilEnded([runtime, simulators]);
    await platform.boot();
    expect(await isKept(email)).toBe(true);
  });

  it('starts again at once after the whole group was killed', async () => {
    const email = await register();
    await platform.killAll();
    await platform.boot();
    expect(await isKept(email)).toBe(true);
  });

  it('completes a seed that was killed, and doubles nothing', async () => {
    const fresh = await PlatformProcess.create();
    try {
      fresh.spawn();
      await until(async () => existsSync(`${fresh.stateDir}/seed.json`), 90_000);
      await fresh.killAll();
      await fresh.boot();
      const services = await fresh.call('GET', '/v1/services');
      expect(rowsOf(services).length).toBe(2);
    } finally {
      await fresh.killAll();
      await fresh.stop();
    }
  });

  it('refuses to go back in time on the same state', async () => {
    await platform.terminate();
    await platform.boot({ CLOCK_OFFSET_SECONDS: '3600' });
    await platform.terminate();
    const child = platform.spawn({ CLOCK_OFFSET_SECONDS: '60' });
    await until(async () => child.exitCode !== null, 20_000);
    expect(child.exitCode).toBe(1);
    expect(platform.output).toContain('time cannot go back');
  });
});

async function untilEnded(pids: readonly (number | null)[]): Promise<void> {
  await until(async () => pids.every((pid) => pid === null || !isAlive(pid)), 3_000);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/healthz`)).ok;
  } catch {
    return false;
  }
}
