/**
 * Customers, as far as saving payment methods needs them.
 * Source: Stripe API reference, "Customers".
 */
import type { JsonObject } from '../json.ts';
import { findAddressed, insert, newId, now, save, type StripeContext } from './context.ts';
import { invalidParameter } from './errors.ts';
import { emit } from './events.ts';
import { listObjects, type Page } from './lists.ts';
import type { Parameters, ParameterRules } from './parameters.ts';
import { attachMethod } from './payment-methods.ts';
import type { CustomerObject } from './shapes.ts';

/** Parameters of POST /v1/customers and POST /v1/customers/{id}. */
export const CUSTOMER_RULES: ParameterRules = {
  address: 'unserved',
  balance: 'unserved',
  business_name: 'unserved',
  cash_balance: 'unserved',
  description: 'text',
  email: 'text',
  expand: 'texts',
  individual_name: 'unserved',
  invoice_prefix: 'unserved',
  invoice_settings: { fields: { default_payment_method: 'text' } },
  metadata: 'metadata',
  name: 'text',
  next_invoice_sequence: 'unserved',
  payment_method: 'text',
  phone: 'text',
  preferred_locales: 'texts',
  shipping: 'unserved',
  source: 'unserved',
  tax: 'unserved',
  tax_exempt: 'unserved',
  tax_id_data: 'unserved',
  test_clock: 'unserved',
};

/** POST /v1/customers. */
export function createCustomer(ctx: StripeContext, parameters: Parameters): object {
  const id = newId(ctx, 'cus');
  const customer: CustomerObject = {
    id,
    object: 'customer',
    address: null,
    balance: 0,
    created: now(ctx),
    currency: null,
    customer_account: null,
    default_source: null,
    delinquent: false,
    description: null,
    discount: null,
    email: null,
    invoice_prefix: id.slice(-8).toUpperCase(),
    invoice_settings: {
      custom_fields: null,
      default_payment_method: null,
      footer: null,
      rendering_options: null,
    },
    livemode: false,
    metadata: {},
    name: null,
    next_invoice_sequence: 1,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  };
  applyFields(customer, parameters);
  insert(ctx, customer);
  emit(ctx, 'customer.created', { object: customer });
  const method = parameters.text('payment_method');
  if (method !== null) attachMethod(ctx, method, id);
  return customer;
}

/** POST /v1/customers/{id}. */
export function updateCustomer(ctx: StripeContext, id: string, parameters: Parameters): object {
  const customer = findAddressed(ctx, 'customer', id);
  applyFields(customer, parameters);
  save(ctx, customer);
  emit(ctx, 'customer.updated', { object: customer });
  return customer;
}

/** GET /v1/customers. */
export function listCustomers(ctx: StripeContext, page: Page): JsonObject {
  return listObjects(ctx, { kind: 'customer', page });
}

function applyFields(customer: CustomerObject, parameters: Parameters): void {
  const email = parameters.text('email');
  if (email !== null && !email.includes('@')) {
    throw invalidParameter('email', 'email_invalid', `Invalid email address: ${email}`);
  }
  for (const name of ['description', 'email', 'name', 'phone'] as const) {
    if (parameters.has(name)) customer[name] = parameters.text(name);
  }
  const locales = parameters.texts('preferred_locales');
  if (locales.length > 0) customer.preferred_locales = locales;
  const method = parameters.nestedText('invoice_settings', 'default_payment_method');
  if (method !== null) customer.invoice_settings.default_payment_method = method;
  customer.metadata = parameters.mergeMetadata(customer.metadata);
}
