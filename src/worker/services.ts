/**
 * Builds what handlers, consumers and jobs work with, once per environment: a wrong configuration fails the first
 * request of an isolate, not the first payment.
 */
import type { AccountDeps } from '../application/accounts.ts';
import type { Clock } from '../application/ports.ts';
import { createGatewayRegistry, type GatewaySettings } from '../payments/gateway-registry.ts';
import { createClock } from '../platform/clock.ts';
import { systemDigest } from '../platform/digest.ts';
import { emailKey } from '../platform/email-keys.ts';
import { systemEntropy } from '../platform/entropy.ts';
import { createIdCodec } from '../platform/id-codec.ts';
import { createLogger } from '../platform/logger.ts';
import { createObjectDirectory } from '../platform/objects.ts';
import {
  PASSWORD_SALT_LENGTH,
  UNKNOWN_USER_HASH,
  hashPassword,
  verifyPassword,
} from '../platform/passwords.ts';
import { readSettings, type Settings } from '../platform/settings.ts';
import { createTickets } from '../platform/tickets.ts';
import { createAccessTokens } from '../platform/tokens.ts';
import { createDatabases } from '../storage/d1/databases.ts';
import type { Services } from './context.ts';

const built = new WeakMap<object, Services>();

/** The services of an environment. Errors: SettingsError, when it cannot be run with. */
export function servicesOf(env: Env): Services {
  const known = built.get(env);
  if (known !== undefined) return known;
  const services = buildServices(env);
  built.set(env, services);
  return services;
}

function buildServices(env: Env): Services {
  const settings = readSettings(env);
  const clock = createClock(settings.clockOffsetMs);
  const entropy = systemEntropy;
  const ids = createIdCodec(settings.idSecret, entropy);
  const databases = createDatabases({ global: env.DB, eu: env.DB_EU });
  return {
    settings,
    clock,
    entropy,
    digest: systemDigest,
    ids,
    databases,
    objects: createObjectDirectory({
      inventory: env.INVENTORY,
      membership: env.MEMBERSHIP,
      promotion: env.PROMOTION,
      hasJurisdictions: settings.environment === 'production',
      entropy,
    }),
    gateways: createGatewayRegistry(gatewaySettings(settings, clock)),
    tokens: createAccessTokens({
      issuer: settings.publicUrl,
      keys: settings.tokenSigningKeys,
      clock,
      entropy,
    }),
    tickets: createTickets({
      issuer: settings.publicUrl,
      keys: settings.tokenSigningKeys,
      clock,
    }),
    accounts: {
      clock,
      entropy,
      digest: systemDigest,
      ids,
      people: databases.people,
      passwords: passwordsOf(settings),
      emailKey: (email) => emailKey(settings.idSecret, email),
    },
    log: createLogger(clock),
  };
}

function gatewaySettings(settings: Settings, clock: Clock): GatewaySettings {
  const { publicUrl, stripe, paypal, btcpay } = settings;
  const nowMs = () => clock.nowMs();
  return { publicUrl, stripe, paypal: paypal && { ...paypal, nowMs }, btcpay };
}

function passwordsOf({ passwordPepper: pepper }: Settings): AccountDeps['passwords'] {
  return {
    hash: (password) =>
      hashPassword(password, { pepper, salt: systemEntropy.bytes(PASSWORD_SALT_LENGTH) }),
    verify: (password, hash) => {
      const isSame = verifyPassword(password, hash ?? UNKNOWN_USER_HASH, { pepper });
      return isSame && hash !== null;
    },
  };
}
