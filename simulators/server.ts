/**
 * The simulators' HTTP server: one process, one port, every processor. Composes the world, the
 * processors' routes, the payer's page and the control routes; must never be imported by the
 * platform, of whose money it is an independent witness. Started by main.ts and by tests.
 */
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { Server } from 'node:http';
import { makeBtcpaySimulator, type BtcpayOptions } from './btcpay/simulator.ts';
import { controlRoutes } from './control-routes.ts';
import { payerRoutes } from './payer-routes.ts';
import { makePaypalSimulator, type PaypalOptions } from './paypal/simulator.ts';
import type { PayerDesk } from './payers.ts';
import { ControlRefusal } from './problem.ts';
import type { StateLocation } from './store.ts';
import { makeStripeSimulator, type StripeOptions } from './stripe/simulator.ts';
import { World } from './world.ts';

/** How often lifetimes are looked at besides every call; a person sees an expiry within this. */
const DEADLINE_CHECK_MS = 1000;
/** Longer than clients keep idle connections, so that a reuse never meets a closing socket. */
const KEEP_ALIVE_MS = 620_000;

/** How the simulators are started. */
export interface SimulatorOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  /** Null keeps everything in memory. */
  readonly state: StateLocation;
  /** Base of the webhook addresses; null sends none. */
  readonly platformUrl: string | null;
  readonly clockOffsetSeconds: number;
  readonly stripe: Omit<StripeOptions, 'webhookUrl'>;
  /** Absent: PayPal is not served. */
  readonly paypal?: Omit<PaypalOptions, 'webhookUrl'> | null;
  /** Absent: BTCPay is not served. */
  readonly btcpay?: Omit<BtcpayOptions, 'webhookUrl'> | null;
}

/** What a processor's folder gives the server. */
interface Processor {
  readonly routes: Hono<{ Bindings: HttpBindings }>;
  readonly desk: PayerDesk;
}

/** Running simulators. */
export interface Simulators {
  readonly url: string;
  /** Ends connections at once and closes the state file; what was answered is on disk. */
  close(): Promise<void>;
}

/** Starts them on 127.0.0.1. Errors: port taken, state in use, clock turned back. */
export async function startSimulators(options: SimulatorOptions): Promise<Simulators> {
  const world = new World({
    state: options.state,
    clockOffsetSeconds: options.clockOffsetSeconds,
  });
  let url = '';
  const processors = makeProcessors(world, options, () => url);
  const server = makeServer(compose(world, processors));
  try {
    url = await listen(server, options.port);
  } catch (error) {
    world.close();
    throw error;
  }
  const timer = setInterval(() => {
    world.applyDeadlines();
  }, DEADLINE_CHECK_MS);
  world.applyDeadlines();
  world.webhooks.resume();
  return {
    url,
    close: async () => {
      clearInterval(timer);
      await stop(server);
      world.close();
    },
  };
}

/** The processors that are served, by name. */
function makeProcessors(
  world: World,
  options: SimulatorOptions,
  baseUrl: () => string,
): ReadonlyMap<string, Processor> {
  const webhookUrl = (name: string): string | null =>
    options.platformUrl === null ? null : `${trimmed(options.platformUrl)}/v1/webhooks/${name}`;
  const processors = new Map<string, Processor>();
  const stripe = { ...options.stripe, webhookUrl: webhookUrl('stripe') };
  processors.set('stripe', makeStripeSimulator(world, stripe, baseUrl));
  if (options.paypal) {
    const paypal = { ...options.paypal, webhookUrl: webhookUrl('paypal') };
    processors.set('paypal', makePaypalSimulator(world, paypal, baseUrl));
  }
  if (options.btcpay) {
    const btcpay = { ...options.btcpay, webhookUrl: webhookUrl('btcpay') };
    processors.set('btcpay', makeBtcpaySimulator(world, btcpay, baseUrl));
  }
  return processors;
}

function compose(
  world: World,
  processors: ReadonlyMap<string, Processor>,
): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.onError((error) => {
    if (error instanceof ControlRefusal) return error.toResponse();
    return new ControlRefusal(500, 'internal_error', error.message).toResponse();
  });
  app.notFound((http) => {
    const detail = `There is nothing at ${http.req.method} ${http.req.path}.`;
    return new ControlRefusal(404, 'not_found', detail).toResponse();
  });
  app.use(async (_http, next) => {
    world.applyDeadlines();
    await next();
  });
  for (const { routes } of processors.values()) app.route('/', routes);
  const desks = new Map([...processors].map(([name, { desk }]) => [name, desk]));
  app.route('/', payerRoutes(desks));
  app.route('/', controlRoutes(world, [...processors.keys()]));
  return app;
}

function makeServer(app: Hono<{ Bindings: HttpBindings }>): Server {
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: { keepAliveTimeout: KEEP_ALIVE_MS },
  });
  if (!(server instanceof Server)) throw new Error('The adaptor made no HTTP/1 server.');
  return server;
}

function listen(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      const address = server.address();
      const actual = typeof address === 'object' && address ? address.port : port;
      resolve(`http://127.0.0.1:${String(actual)}`);
    });
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, '');
}
