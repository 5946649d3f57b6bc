/** What the environment says about a local instance: ports, the state folder and the clock's offset. */
import { resolve } from 'node:path';

export interface LocalSettings {
  readonly port: number;
  readonly simulatorsPort: number;
  readonly stateDir: string;
  readonly clockOffsetSeconds: number;
  /** How long a payment in crypto waits for its confirmation at the simulator. */
  readonly btcpayConfirmationSeconds: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The only address that a local instance listens on: nobody else on the network may use it. */
export const LOOPBACK = '127.0.0.1';

/** Something that the person at the keyboard can put right; shown without a stack. */
export class StartRefused extends Error {}

/** Reads the settings; throws StartRefused for a value that makes no sense. */
export function readSettings(env: Environment): LocalSettings {
  const port = readInteger(env, 'PORT', { fallback: 8787, min: 1, max: 65_535 });
  const simulatorsPort = readInteger(env, 'SIMULATORS_PORT', {
    fallback: port + 1000 <= 65_535 ? port + 1000 : port - 1000,
    min: 1,
    max: 65_535,
  });
  if (simulatorsPort === port) throw new StartRefused('PORT and SIMULATORS_PORT are the same.');
  return {
    port,
    simulatorsPort,
    stateDir: resolve(env['STATE_DIR'] || '.holdfast'),
    clockOffsetSeconds: readInteger(env, 'CLOCK_OFFSET_SECONDS', {
      fallback: 0,
      min: 0,
      // Ten years, as the Worker's own settings say: more is a mistake in the unit.
      max: 3_660 * 86_400,
    }),
    // Short, so that whoever tries it sees a payment arrive and then settle without moving the clock.
    btcpayConfirmationSeconds: readInteger(env, 'BTCPAY_CONFIRMATION_SECONDS', {
      fallback: 2,
      min: 0,
      max: 86_400,
    }),
  };
}

/** Where the platform of these settings answers. */
export function platformUrl(settings: LocalSettings): string {
  return `http://${LOOPBACK}:${settings.port}`;
}

/** Where the simulators of these settings answer. */
export function simulatorsUrl(settings: LocalSettings): string {
  return `http://${LOOPBACK}:${settings.simulatorsPort}`;
}

function readInteger(
  env: Environment,
  name: string,
  rule: { fallback: number; min: number; max: number },
): number {
  const text = env[name];
  if (text === undefined || text === '') return rule.fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < rule.min || value > rule.max) {
    throw new StartRefused(
      `${name} must be a whole number from ${rule.min} to ${rule.max}, not "${text}".`,
    );
  }
  return value;
}
