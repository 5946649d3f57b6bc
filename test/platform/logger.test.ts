/** What must not be logged cannot get into the log, also inside what may be. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLogger, errorFields } from '../../src/platform/logger.ts';

const lines: string[] = [];
const log = createLogger({ nowMs: () => 0 });

afterEach(() => {
  lines.length = 0;
  vi.restoreAllMocks();
});

function logged(write: () => void): string {
  vi.spyOn(console, 'log').mockImplementation((line: string) => lines.push(line));
  write();
  return lines.join('\n');
}

describe('the log', () => {
  it('writes one JSON object per line', () => {
    const line = logged(() =>
      log.info('shard.flushed', { shardKey: 'g0', durationMs: 3, count: 2 }),
    );
    expect(JSON.parse(line)).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      level: 'info',
      event: 'shard.flushed',
      shardKey: 'g0',
      durationMs: 3,
      count: 2,
    });
  });

  it('drops fields that are not on its list, and says so', () => {
    const line = logged(() =>
      log.warn('x', { password: 'hunter22', email: 'a@b.test', code: 'ok' }),
    );
    expect(JSON.parse(line)).toMatchObject({ code: 'ok', dropped: ['password', 'email'] });
    expect(line).not.toMatch(/hunter22|a@b/);
  });

  it.each([
    'ada@example.test',
    'sk_live_abcdef0123456789',
    'whsec_abcdef0123456789',
    `hfr_g_${'a'.repeat(64)}`,
    'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3IifQ.c2lnbmF0dXJl',
    '4242 4242 4242 4242',
    'pi_3Abc_secret_Def456',
  ])('takes %s out of a message', (secret) => {
    const line = logged(() =>
      log.error('x', errorFields(new Error(`failed for ${secret}, sorry`))),
    );
    expect(line).not.toContain(secret);
    expect(line).toContain('failed for');
  });

  it('keeps a line short', () => {
    expect(logged(() => log.info('x', { error: 'e '.repeat(10_000) })).length).toBeLessThan(2_200);
  });
});
