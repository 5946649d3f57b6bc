/** A production that could take test money, trust a simulator or live in another time does not start, and says why. */
import { describe, expect, it } from 'vitest';
import { SettingsError, readSettings } from '../../src/platform/settings.ts';
import { makeWorkerBindings } from '../worker-bindings.ts';

const PRODUCTION = {
  ...makeWorkerBindings(),
  ENVIRONMENT: 'production',
  STRIPE_API_URL: 'https://api.stripe.com',
  STRIPE_SECRET_KEY: 'sk_live_0123456789abcdef',
  RATE_LIMITS: 'binding',
};

function faultOf(changes: Record<string, string | undefined>): string {
  try {
    readSettings({ ...PRODUCTION, ...changes });
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  return '';
}

describe('settings', () => {
  it('reads a production', () => {
    const settings = readSettings(PRODUCTION);
    expect(settings.environment).toBe('production');
    expect(settings.publicUrl).toBe('https://holdfast.test');
    expect(settings.stripe).toMatchObject({
      isLive: true,
      webhookSecrets: ['whsec_current0123456789', 'whsec_previous0123456789'],
    });
    expect(settings.rateLimits).toEqual({ isEnforced: true, perMinute: 600, authPerMinute: 30 });
  });

  it.each([
    ['CLOCK_OFFSET_SECONDS', '1'],
    ['CLOCK_OFFSET_SECONDS', '-1'],
    ['CLOCK_OFFSET_SECONDS', 'soon'],
    ['STRIPE_API_URL', 'http://127.0.0.1:9787/stripe'],
    ['STRIPE_API_URL', 'https://api.stripe.com.evil.example'],
    ['STRIPE_API_URL', 'https://api.stripe.com/stripe'],
    ['STRIPE_SECRET_KEY', 'sk_test_0123456789abcdef'],
    ['STRIPE_SECRET_KEY', 'rk_test_0123456789abcdef'],
    ['STRIPE_SECRET_KEY', 'not a key'],
    ['STRIPE_WEBHOOK_SECRETS', ''],
    ['PUBLIC_URL', 'http://holdfast.example'],
    ['RATE_LIMITS', 'off'],
    ['NOTIFICATIONS_URL', 'http://mail.example/notices'],
    ['NOTIFICATIONS_URL', 'mail.example'],
    ['NOTIFICATIONS_SECRET', 'short'],
    ['ID_SECRET', 'short'],
    ['PASSWORD_PEPPER', undefined],
    ['TOKEN_SIGNING_KEYS', undefined],
    ['TOKEN_SIGNING_KEYS', '[]'],
    ['TOKEN_SIGNING_KEYS', '{"secret":'],
    ['ENVIRONMENT', 'staging'],
    ['RATE_LIMIT_PER_MINUTE', '0'],
  ])('refuses production with %s = %s', (name, value) => {
    expect(faultOf({ [name]: value })).toContain(name);
  });

  it('sends notices where it is told to, under a secret, and nowhere else', () => {
    const secret = 'secret-of-the-notices-0123456789abcdef';
    const url = 'https://mail.example/notices';
    expect(readSettings(PRODUCTION).notifications).toBeNull();
    const told = { ...PRODUCTION, NOTIFICATIONS_URL: url, NOTIFICATIONS_SECRET: secret };
    expect(readSettings(told).notifications).toEqual({ url, secret });
    expect(faultOf({ NOTIFICATIONS_URL: url })).toContain('NOTIFICATIONS_SECRET');
  });

  it('names every fault at once, and the value of none', () => {
    const message = faultOf({
      ID_SECRET: 'short-secret',
      STRIPE_SECRET_KEY: 'nokey-5e3r3t',
      TOKEN_SIGNING_KEYS: '[{"d":"private-part"}',
    });
    for (const name of ['ID_SECRET', 'STRIPE_SECRET_KEY', 'TOKEN_SIGNING_KEYS']) {
      expect(message).toContain(name);
    }
    for (const value of ['short-secret', 'nokey-5e3r3t', 'private-part']) {
      expect(message).not.toContain(value);
    }
  });

  it('lets a local platform move its clock and use simulators', () => {
    const settings = readSettings({
      ...PRODUCTION,
      ENVIRONMENT: 'local',
      CLOCK_OFFSET_SECONDS: '86400',
      STRIPE_API_URL: 'http://127.0.0.1:9787/stripe/',
      STRIPE_SECRET_KEY: 'sk_test_0123456789abcdef',
      RATE_LIMITS: 'off',
    });
    expect(settings.clockOffsetMs).toBe(86_400_000);
    expect(settings.stripe.apiUrl).toBe('http://127.0.0.1:9787/stripe');
    expect(settings.rateLimits.isEnforced).toBe(false);
  });
});
