/** Builds the body of a new order. A repeat under the same key must have the same body, so all of it comes from the request. Pure. */
import type { PaymentReference } from '../../application/ports.ts';
import type { PaypalAmount } from './amounts.ts';
import { customIdOf, invoiceIdOf } from './reference.ts';

/** What an order is made of. */
export interface NewOrder {
  readonly intent: 'AUTHORIZE' | 'CAPTURE';
  readonly amount: PaypalAmount;
  readonly reference: PaymentReference;
  /** Null for a kept method, which is named when the money is taken. */
  readonly payer: {
    readonly returnUrl: string;
    /** Our id of the member for whom what they pay with is kept; null keeps nothing. */
    readonly keepFor: string | null;
  } | null;
}

/** The body. `custom_id` leads events back to us; PayPal takes an `invoice_id` once, so an order is paid once. */
export function newOrder(order: NewOrder): object {
  const { intent, amount, reference, payer } = order;
  return {
    intent,
    purchase_units: [
      {
        reference_id: 'default',
        custom_id: customIdOf(reference),
        invoice_id: invoiceIdOf(reference),
        amount,
      },
    ],
    ...(payer === null
      ? {}
      : {
          payment_source: {
            paypal: {
              experience_context: experience(payer.returnUrl),
              ...(payer.keepFor === null ? {} : { attributes: keeping(payer.keepFor) }),
            },
          },
        }),
  };
}

/** The payer's way there and back; whoever turns back comes to the same page, which asks us how it stands. */
export function experience(returnUrl: string): object {
  return {
    return_url: returnUrl,
    cancel_url: returnUrl,
    user_action: 'PAY_NOW',
    shipping_preference: 'NO_SHIPPING',
  };
}

/**
 * A payment with a kept method, told as what it is, because the rules differ: by the customer who asks for it now, or by us
 * for a period while they are away.
 */
export function keptSource(vaultId: string, initiator: 'CUSTOMER' | 'MERCHANT'): object {
  return {
    paypal: {
      vault_id: vaultId,
      stored_credential: {
        payment_initiator: initiator,
        payment_type: initiator === 'CUSTOMER' ? 'ONE_TIME' : 'RECURRING',
        usage: 'SUBSEQUENT',
      },
    },
  };
}

function keeping(merchantCustomerId: string): object {
  return {
    customer: { merchant_customer_id: merchantCustomerId },
    vault: { store_in_vault: 'ON_SUCCESS', usage_type: 'MERCHANT' },
  };
}
