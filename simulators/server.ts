/**
 * The simulators' HTTP server: one process, one port, every processor. Composes the world, the
 * processors' routes, the payer's page and the control routes; must never be imported by the
 * platform, of whose money it is an independent witness. Started by main.ts and by tests.
 */
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { Server } from 'node:http';
import { controlRoutes } from './control-routes.ts';
import { payerRoutes } from './payer-routes.ts';
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
  const webhookUrl =
    options.platformUrl === null ? null : `${trimmed(options.platformUrl)}/v1/webhooks/stripe`;
  const stripe = makeStripeSimulator(world, { ...options.stripe, webhookUrl }, () => url);
  const server = makeServer(compose(world, stripe));
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

function compose(
  world: World,
  stripe: ReturnType<typeof makeStripeSimulator>,
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
  app.route('/', stripe.routes);
  app.route('/', payerRoutes(new Map([['stripe', stripe.desk]])));
  app.route('/', controlRoutes(world, ['stripe']));
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
