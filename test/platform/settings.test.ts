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

const PAYPAL = {
  PAYPAL_API_URL: 'https://api-m.paypal.com',
  PAYPAL_CERT_HOSTS: 'api.paypal.com',
  PAYPAL_CLIENT_ID: 'client-id-0123456789',
  PAYPAL_CLIENT_SECRET: 'client-5e3r3t-0123456789',
  PAYPAL_WEBHOOK_ID: '1JE4291016473214C',
};

const BTCPAY = {
  BTCPAY_API_URL: 'https://pay.venue.example/',
  BTCPAY_API_KEY: 'key-5e3r3t-0123456789abcdef',
  BTCPAY_STORE_ID: '9xMZUnQk5eCwPZK9VbXq',
  BTCPAY_WEBHOOK_SECRETS: 'webhook-5e3r3t-current,webhook-5e3r3t-previous',
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

  it('does without PayPal and BTCPay where they are not configured', () => {
    expect(readSettings(PRODUCTION)).toMatchObject({ paypal: null, btcpay: null });
    // wrangler.toml names addresses, and leaves out what has none by an empty text.
    const addresses = {
      PAYPAL_API_URL: PAYPAL.PAYPAL_API_URL,
      PAYPAL_CERT_HOSTS: PAYPAL.PAYPAL_CERT_HOSTS,
      BTCPAY_API_URL: '',
    };
    const settings = readSettings({ ...PRODUCTION, ...addresses });
    expect(settings).toMatchObject({ paypal: null, btcpay: null });
  });

  it('reads a production that is paid through PayPal and BTCPay too', () => {
    const settings = readSettings({ ...PRODUCTION, ...PAYPAL, ...BTCPAY });
    expect(settings.paypal).toEqual({
      apiUrl: 'https://api-m.paypal.com',
      clientId: 'client-id-0123456789',
      clientSecret: 'client-5e3r3t-0123456789',
      webhookIds: ['1JE4291016473214C'],
      certHosts: ['api.paypal.com'],
      isLive: true,
    });
    expect(settings.btcpay).toEqual({
      apiUrl: 'https://pay.venue.example',
      apiKey: 'key-5e3r3t-0123456789abcdef',
      storeId: '9xMZUnQk5eCwPZK9VbXq',
      webhookSecrets: ['webhook-5e3r3t-current', 'webhook-5e3r3t-previous'],
      isLive: true,
    });
  });

  it.each([...Object.keys(PAYPAL), ...Object.keys(BTCPAY)])(
    'refuses a processor that is configured but for %s, wherever it runs',
    (name) => {
      for (const ENVIRONMENT of ['production', 'local', 'test']) {
        for (const value of [undefined, '']) {
          const message = faultOf({ ...PAYPAL, ...BTCPAY, ENVIRONMENT, [name]: value });
          expect(message).toContain(name);
          expect(message).not.toContain('5e3r3t');
        }
      }
    },
  );

  it.each([
    ['PAYPAL_API_URL', 'http://127.0.0.1:9787/paypal'],
    ['PAYPAL_API_URL', 'https://api-m.sandbox.paypal.com'],
    ['PAYPAL_API_URL', 'http://api-m.paypal.com'],
    ['PAYPAL_API_URL', 'https://api-m.paypal.com.evil.example'],
    ['PAYPAL_CERT_HOSTS', 'api.sandbox.paypal.com'],
    ['PAYPAL_CERT_HOSTS', 'api.paypal.com,127.0.0.1:9787'],
    ['PAYPAL_CERT_HOSTS', 'https://api.paypal.com/'],
    ['PAYPAL_CLIENT_SECRET', 'short'],
    ['PAYPAL_WEBHOOK_ID', 'not an id'],
    ['BTCPAY_API_URL', 'http://pay.venue.example'],
    ['BTCPAY_API_URL', 'http://127.0.0.1:9787/btcpay'],
    ['BTCPAY_API_URL', 'https://127.0.0.1:9787/btcpay'],
    ['BTCPAY_API_URL', 'https://[::1]/'],
    ['BTCPAY_API_URL', 'https://localhost/'],
    ['BTCPAY_API_URL', 'https://testnet.demo.btcpayserver.org'],
    ['BTCPAY_STORE_ID', '../stores'],
    ['BTCPAY_WEBHOOK_SECRETS', 'short'],
  ])('refuses a production that is paid with %s = %s', (name, value) => {
    expect(faultOf({ ...PAYPAL, ...BTCPAY, [name]: value })).toContain(name);
  });

  it('refuses a simulator’s address in production even for a processor without credentials', () => {
    const url = 'http://127.0.0.1:9787/paypal';
    expect(faultOf({ PAYPAL_API_URL: url })).toContain('PAYPAL_API_URL');
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
      ...PAYPAL,
      PAYPAL_API_URL: 'http://127.0.0.1:9787/paypal',
      PAYPAL_CERT_HOSTS: '127.0.0.1:9787',
      ...BTCPAY,
      BTCPAY_API_URL: 'http://127.0.0.1:9787/btcpay',
      RATE_LIMITS: 'off',
    });
    expect(settings.paypal).toMatchObject({ certHosts: ['127.0.0.1:9787'], isLive: false });
    expect(settings.btcpay).toMatchObject({ isLive: false });
    expect(settings.clockOffsetMs).toBe(86_400_000);
    expect(settings.stripe.apiUrl).toBe('http://127.0.0.1:9787/stripe');
    expect(settings.rateLimits.isEnforced).toBe(false);
  });
});
