/**
 * The PayPal simulator put together: routes, webhooks' target, payer's desk and what the virtual clock
 * does to its objects. The only file of this folder that the server imports.
 */
import type { HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import { parseBody } from '../event-log.ts';
import type { PayerDesk } from '../payers.ts';
import type { Cause, World } from '../world.ts';
import { expireAuthorization, settleReview } from './authorizations.ts';
import { textOf } from './body.ts';
import { settleCapture } from './captures.ts';
import { loadCertificate } from './certificate.ts';
import { PROCESSOR, type PaypalContext } from './context.ts';
import { expireDispute } from './disputes.ts';
import { forgetOrder } from './orders.ts';
import { PaypalPayerDesk } from './payer-desk.ts';
import { settleRefund } from './refunds.ts';
import { paypalRoutes } from './routes.ts';
import { signatureHeaders } from './signature.ts';
import { forgetSetup } from './vault.ts';

/** How PayPal is simulated. */
export interface PaypalOptions {
  readonly clientId: string;
  readonly clientSecret: string;
  /** The id of the platform's webhook, which is part of what is signed. */
  readonly webhookId: string;
  /** Where events go; null when nobody is subscribed. */
  readonly webhookUrl: string | null;
}

/** What the server mounts. */
export interface PaypalSimulator {
  readonly routes: Hono<{ Bindings: HttpBindings }>;
  readonly desk: PayerDesk;
}

/** Builds it on a world. `baseUrl` is asked late, because the port may be chosen by the system. */
export function makePaypalSimulator(
  world: World,
  options: PaypalOptions,
  baseUrl: () => string,
): PaypalSimulator {
  const makeContext = (cause: Cause): PaypalContext => ({ world, cause, baseUrl: baseUrl() });
  const certificate = loadCertificate(world.store);
  world.addTarget(PROCESSOR, {
    url: options.webhookUrl,
    wireBody: (body) => body,
    headers: (body) => {
      const event = parseBody(body);
      const certificateUrl = `${baseUrl()}/paypal/v1/notifications/certs/${certificate.id}`;
      const signer = { certificate, certificateUrl, webhookId: options.webhookId };
      return {
        accept: '*/*',
        'content-type': 'application/json',
        'user-agent': 'PayPal/AUHD-214.0-58843136',
        ...signatureHeaders(signer, {
          eventId: textOf(event['id']),
          createdAtMs: Date.parse(textOf(event['create_time'])),
          nowMs: world.clock.nowMs(),
          body,
        }),
      };
    },
  });
  const due = (name: string, handler: (ctx: PaypalContext, id: string) => void): void => {
    world.deadlines.onDue(`${PROCESSOR}:${name}`, (id) => {
      handler(makeContext(world.deadlineCause), id);
    });
  };
  due('order', forgetOrder);
  due('authorization', expireAuthorization);
  due('authorization_review', settleReview);
  due('capture', settleCapture);
  due('refund', settleRefund);
  due('dispute', expireDispute);
  due('setup', forgetSetup);
  const client = { clientId: options.clientId, clientSecret: options.clientSecret };
  return {
    routes: paypalRoutes({ world, client, certificate, makeContext }),
    desk: new PaypalPayerDesk(world, makeContext),
  };
}
