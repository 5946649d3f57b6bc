/**
 * Refusals in Greenfield's two shapes: one problem `{code, message}`, or a list `[{path, message}]` of what is
 * wrong with a body. Source: BTCPay Server, Greenfield API, "ProblemDetails" and "ValidationProblemDetails".
 */
import type { Json } from '../json.ts';

/** A refusal with its status and body. A null body is sent empty, as a fault in front of the API is. */
export class GreenfieldError extends Error {
  readonly status: number;
  readonly body: Json;

  constructor(status: number, body: Json, message: string) {
    super(message);
    this.name = 'GreenfieldError';
    this.status = status;
    this.body = body;
  }
}

/** One problem; `status` is 400 for what the state of an object does not allow. */
export function refused(status: number, code: string, message: string): GreenfieldError {
  return new GreenfieldError(status, { code, message }, message);
}

/** A body or parameter that is wrong. */
export function invalid(path: string, message: string): GreenfieldError {
  return new GreenfieldError(422, [{ path, message }], `${path}: ${message}`);
}

/** No key, or not the one that is known. */
export function unauthenticated(): GreenfieldError {
  const message = 'Authentication is required for accessing this endpoint';
  return refused(401, 'unauthenticated', message);
}

/** A store that the key does not reach. */
export function missingPermission(permission: string): GreenfieldError {
  const message = `Insufficient API Permissions. Please use an API key with permission "${permission}".`;
  const body = { missingPermission: permission, code: 'missing-permission', message };
  return new GreenfieldError(403, body, message);
}

/** No invoice of that id in the store. */
export function invoiceNotFound(): GreenfieldError {
  return refused(404, 'invoice-not-found', 'The invoice was not found');
}

/** No pull payment of that id. */
export function pullPaymentNotFound(): GreenfieldError {
  return refused(404, 'pullpayment-not-found', 'The pull payment was not found');
}

/** No payout of that id. */
export function payoutNotFound(): GreenfieldError {
  return refused(404, 'payout-not-found', 'The payout was not found');
}
