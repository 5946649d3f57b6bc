/**
 * The BTCPay simulator put together: routes, webhooks' target, payer's desk and what the virtual clock does to its
 * objects. The only file of this folder that the server imports.
 */
import type { HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import type { PayerDesk } from '../payers.ts';
import type { Cause, World } from '../world.ts';
import { PROCESSOR, type BtcpayContext } from './context.ts';
import { webhookTarget } from './events.ts';
import { BtcpayPayerDesk } from './payer-desk.ts';
import { confirmPayment, expireInvoice, stopWatching } from './payments.ts';
import { advancePayout } from './refunds.ts';
import { btcpayRoutes } from './routes.ts';

/** A block comes about every ten minutes, and one block is one confirmation. */
const CONFIRMATION_SECONDS = 600;

/** How BTCPay is simulated: one server with one store and one key. */
export interface BtcpayOptions {
  readonly apiKey: string;
  readonly storeId: string;
  readonly webhookSecret: string;
  /** Where events go; null sends none. */
  readonly webhookUrl: string | null;
  /** How long one confirmation takes on the virtual clock; null for ten minutes. */
  readonly confirmationSeconds: number | null;
}

/** What the server mounts. */
export interface BtcpaySimulator {
  readonly routes: Hono<{ Bindings: HttpBindings }>;
  readonly desk: PayerDesk;
}

/** Builds it on a world. `baseUrl` is asked late, because the port may be chosen by the system. */
export function makeBtcpaySimulator(
  world: World,
  options: BtcpayOptions,
  baseUrl: () => string,
): BtcpaySimulator {
  const { apiKey, storeId } = options;
  const makeContext = (cause: Cause): BtcpayContext => ({
    world,
    cause,
    baseUrl: baseUrl(),
    storeId,
    confirmationSeconds: options.confirmationSeconds ?? CONFIRMATION_SECONDS,
  });
  world.addTarget(PROCESSOR, webhookTarget(options.webhookUrl, options.webhookSecret));
  const due = (name: string, handler: (ctx: BtcpayContext, id: string) => void): void => {
    world.deadlines.onDue(`${PROCESSOR}:${name}`, (id) => {
      handler(makeContext(world.deadlineCause), id);
    });
  };
  due('expiration', expireInvoice);
  due('monitoring', stopWatching);
  due('confirmation', confirmPayment);
  due('payout', advancePayout);
  return {
    routes: btcpayRoutes({ world, apiKey, storeId, makeContext }),
    desk: new BtcpayPayerDesk(world, makeContext),
  };
}
