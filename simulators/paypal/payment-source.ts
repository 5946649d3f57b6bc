/**
 * Reading the `payment_source` of an order's request. Only PayPal's wallet is simulated; any other
 * source is refused by name. Source: PayPal REST API specifications, checkout_orders_v2.
 */
import type { JsonObject } from '../json.ts';
import { objectAt, textAt, urlAt } from './body.ts';
import { invalidRequest } from './errors.ts';
import type { PaymentSource } from './records.ts';

const AT = '/payment_source/paypal';

/** How a request wants to pay, or null when it does not say. Errors: 400. */
export function readSource(body: JsonObject): PaymentSource | null {
  const source = objectAt(body, 'payment_source');
  if (!source) return null;
  const other = Object.keys(source).find((name) => name !== 'paypal');
  if (other !== undefined) {
    const field = `/payment_source/${other}`;
    throw invalidRequest(
      'NOT_SIMULATED',
      { field },
      'The simulator knows payment_source.paypal only.',
    );
  }
  const paypal = objectAt(source, 'paypal', '/payment_source');
  if (!paypal) throw invalidRequest('MISSING_REQUIRED_PARAMETER', { field: AT });
  return readWallet(paypal);
}

function readWallet(paypal: JsonObject): PaymentSource {
  const attributes = objectAt(paypal, 'attributes', AT);
  const vault = attributes ? objectAt(attributes, 'vault', `${AT}/attributes`) : null;
  const experience = objectAt(paypal, 'experience_context', AT) ?? {};
  if (vault && vault['store_in_vault'] !== 'ON_SUCCESS') {
    throw invalidRequest('INVALID_PARAMETER_VALUE', {
      field: `${AT}/attributes/vault/store_in_vault`,
    });
  }
  return {
    returnUrl: urlAt(experience, 'return_url', `${AT}/experience_context`),
    cancelUrl: urlAt(experience, 'cancel_url', `${AT}/experience_context`),
    isToBeKept: vault !== null,
    customer: attributes ? objectAt(attributes, 'customer', `${AT}/attributes`) : null,
    tokenId: textAt(paypal, 'vault_id', { max: 255, at: AT }),
    storedCredential: objectAt(paypal, 'stored_credential', AT),
  };
}
