/**
 * Turns a saved method that a booking or a subscription names into what its processor understands. Reads D1 for nothing
 * else: a token of the processor passes as it is. Called by the routes before anything is claimed.
 */
import type { Caller } from '../../contracts/calls.ts';
import { required } from '../../domain/assert.ts';
import type { PaymentChoice } from '../../domain/booking/booking.ts';
import { ok, type Result } from '../../domain/result.ts';
import { invalidField, notFound } from '../catalogue-deps.ts';
import { ownMethod } from './manage-methods.ts';
import type { MethodDeps } from './method-ports.ts';

/** Refusals: not_found for one that is not the caller's or cannot pay, validation_failed for another processor's. */
export async function resolveMethod(
  deps: Pick<MethodDeps, 'ids' | 'methods'>,
  caller: Caller,
  choice: PaymentChoice,
): Promise<Result<PaymentChoice>> {
  const { paymentMethod } = choice;
  if (paymentMethod === null || !paymentMethod.startsWith('pmt_')) return ok(choice);
  const own = await ownMethod(deps, { caller, id: paymentMethod });
  if (own?.state !== 'active') return notFound('payment method');
  if (own.processor !== choice.processor)
    return invalidField('/payment/processor', `must be ${own.processor}, which keeps the method`);
  return ok({
    ...choice,
    paymentMethod: required(own.methodRef, 'an active method is kept'),
    customerRef: required(own.customerRef, 'an active method belongs to a customer'),
  });
}
