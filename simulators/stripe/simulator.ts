/**
 * The Stripe simulator put together: routes, webhooks' target, payer's desk and what the virtual
 * clock does to its objects. The only file of this folder that the server imports.
 */
import type { HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import type { PayerDesk } from '../payers.ts';
import type { Cause, World } from '../world.ts';
import { isOnboarding, OnboardingDesk } from './account-links.ts';
import { payOut, settlePayout } from './account-payouts.ts';
import type { StripeContext } from './context.ts';
import { expireDispute } from './disputes.ts';
import { DEFAULT_SUBSCRIPTIONS } from './events.ts';
import { StripePayerDesk } from './payer-desk.ts';
import { settleBankDebit } from './payment-attempt.ts';
import { settleRefund } from './refunds.ts';
import { stripeRoutes } from './routes.ts';
import { expireAuthorization } from './settlement.ts';
import { signatureHeader } from './signature.ts';

/** How Stripe is simulated. Secrets are the whole `sk_…` and `whsec_…` texts. */
export interface StripeOptions {
  readonly secretKey: string;
  readonly webhookSecret: string;
  readonly webhookSecretPrevious: string | null;
  /** Where events go; null when nobody is subscribed. */
  readonly webhookUrl: string | null;
  /** Subscribed event types; `['*']` for all; null for the default list. */
  readonly webhookEvents: readonly string[] | null;
}

/** What the server mounts. */
export interface StripeSimulator {
  readonly routes: Hono<{ Bindings: HttpBindings }>;
  readonly desk: PayerDesk;
}

/** Builds it on a world. `baseUrl` is asked late, because the port may be chosen by the system. */
export function makeStripeSimulator(
  world: World,
  options: StripeOptions,
  baseUrl: () => string,
): StripeSimulator {
  const types = options.webhookEvents ?? DEFAULT_SUBSCRIPTIONS;
  const subscribed = new Set(types);
  const isSubscribed = (type: string): boolean => subscribed.has('*') || subscribed.has(type);
  const makeContext = (cause: Cause): StripeContext => ({
    world,
    cause,
    baseUrl: baseUrl(),
    isSubscribed,
  });
  const secrets = [options.webhookSecret, options.webhookSecretPrevious].filter(
    (secret) => secret !== null,
  );
  world.addTarget('stripe', {
    url: options.webhookUrl,
    // Indented like Stripe's own, so that a receiver which re-serialises before verifying is caught.
    wireBody: (body) => JSON.stringify(JSON.parse(body), null, 2),
    headers: (body) => ({
      accept: '*/*; q=0.5, application/xml',
      'cache-control': 'no-cache',
      'content-type': 'application/json; charset=utf-8',
      'stripe-signature': signatureHeader(body, world.clock.nowSeconds(), secrets),
      'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
    }),
  });
  const due = (name: string, handler: (ctx: StripeContext, id: string) => void): void => {
    world.deadlines.onDue(name, (id) => {
      handler(makeContext(world.deadlineCause), id);
    });
  };
  due('stripe:authorization', expireAuthorization);
  due('stripe:bank_debit', settleBankDebit);
  due('stripe:refund', settleRefund);
  due('stripe:dispute', expireDispute);
  due('stripe:account_payout', payOut);
  due('stripe:payout', settlePayout);
  const payers = new StripePayerDesk(world, makeContext);
  const owners = new OnboardingDesk(world, makeContext);
  const deskOf = (id: string): PayerDesk => (isOnboarding(id) ? owners : payers);
  return {
    routes: stripeRoutes({ world, secretKey: options.secretKey, makeContext }),
    desk: {
      view: (id) => deskOf(id).view(id),
      act: (id, action) => deskOf(id).act(id, action),
    },
  };
}
