/**
 * The simulators as a process: reads the environment, starts the server, says where it listens.
 * The only file that may print; prints exactly one line when ready. SIGTERM and SIGINT end it.
 */
import { startSimulators, type SimulatorOptions } from './server.ts';

function required(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== '') return value;
  throw new Error(`The environment variable ${name} must be set.`);
}

function optional(name: string): string | null {
  const value = process.env[name];
  return value === undefined || value === '' ? null : value;
}

function integer(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`${name} must be an integer, not below 0; it is ${text}.`);
}

/** PayPal is served when its client is set, and then it needs all three. */
function readPaypal(): NonNullable<SimulatorOptions['paypal']> | null {
  const clientId = optional('PAYPAL_CLIENT_ID');
  if (clientId === null) return null;
  return {
    clientId,
    clientSecret: required('PAYPAL_CLIENT_SECRET'),
    webhookId: required('PAYPAL_WEBHOOK_ID'),
  };
}

/** BTCPay is served when its key is set, and then it needs all that is required. */
function readBtcpay(): NonNullable<SimulatorOptions['btcpay']> | null {
  const apiKey = optional('BTCPAY_API_KEY');
  if (apiKey === null) return null;
  const confirmation = optional('BTCPAY_CONFIRMATION_SECONDS');
  return {
    apiKey,
    storeId: required('BTCPAY_STORE_ID'),
    webhookSecret: required('BTCPAY_WEBHOOK_SECRET'),
    confirmationSeconds:
      confirmation === null ? null : integer('BTCPAY_CONFIRMATION_SECONDS', confirmation),
  };
}

function readOptions(): SimulatorOptions {
  return {
    port: integer('SIMULATORS_PORT', required('SIMULATORS_PORT')),
    state: { directory: required('STATE_DIR') },
    platformUrl: optional('PLATFORM_URL'),
    clockOffsetSeconds: integer('CLOCK_OFFSET_SECONDS', optional('CLOCK_OFFSET_SECONDS') ?? '0'),
    stripe: {
      secretKey: required('STRIPE_SECRET_KEY'),
      webhookSecret: required('STRIPE_WEBHOOK_SECRET'),
      webhookSecretPrevious: optional('STRIPE_WEBHOOK_SECRET_PREVIOUS'),
      webhookEvents: optional('STRIPE_WEBHOOK_EVENTS')?.split(',') ?? null,
    },
    paypal: readPaypal(),
    btcpay: readBtcpay(),
  };
}

async function main(): Promise<void> {
  const simulators = await startSimulators(readOptions());
  process.stdout.write(`simulators ready on ${simulators.url}\n`);
  const end = (): void => {
    void simulators.close().finally(() => {
      process.exit(0);
    });
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
}

try {
  await main();
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`simulators: ${reason}\n`);
  process.exit(1);
}
