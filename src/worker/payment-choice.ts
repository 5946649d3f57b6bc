/**
 * What a body says of how its payer wants to pay, for bookings and subscriptions alike: a saved method is resolved for its
 * owner. Decides nothing. Called by the routes.
 */
import type { Context } from 'hono';
import type { MethodDeps } from '../application/payment-methods/method-ports.ts';
import { resolveMethod } from '../application/payment-methods/resolve-method.ts';
import type { PaymentChoice } from '../domain/booking/booking.ts';
import type { Result } from '../domain/result.ts';
import { PaymentMethodRepository } from '../storage/d1/payment-method-repository.ts';
import type { AppEnv, Services } from './context.ts';
import { requireCaller } from './respond.ts';

/** How a payer wants to pay, as a body has it. */
interface PaymentWish {
  readonly processor: PaymentChoice['processor'];
  readonly paymentMethod?: string | undefined;
  readonly returnUrl?: string | undefined;
}

/** The wish as it came. */
export function toChoice(wish: PaymentWish): PaymentChoice {
  const { processor, paymentMethod = null, returnUrl = null } = wish;
  return { processor, paymentMethod, returnUrl };
}

/** The wish with its saved method resolved. Refusals: not_found, validation_failed. */
export function resolvedChoice(
  c: Context<AppEnv>,
  wish: PaymentWish,
): Promise<Result<PaymentChoice>> {
  return resolveMethod(methodDeps(c.get('services')), requireCaller(c), toChoice(wish));
}

/** For saved methods. */
export function methodDeps(services: Services): MethodDeps {
  const { clock, ids, digest, gateways, log, databases } = services;
  return {
    clock,
    ids,
    digest,
    gateways,
    log,
    methods: (region) => new PaymentMethodRepository(databases.of(region)),
  };
}
