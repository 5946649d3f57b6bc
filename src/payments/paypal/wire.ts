/**
 * The parts of PayPal's objects that this adapter reads, checked before they are believed. What PayPal adds is let through,
 * and a state that is not known is text: the mapping waits and looks again.
 * Source: PayPal REST API specifications, Orders v2, Payments v2, Payment Method Tokens v3, Disputes v1, Webhooks v1.
 */
import { z } from 'zod';
import { fromPaypalAmount } from './amounts.ts';

/** An amount in our own minor units. */
export const amountSchema = z
  .looseObject({ currency_code: z.string(), value: z.string() })
  .transform((amount, context) => {
    const money = fromPaypalAmount(amount);
    if (money !== null) return money;
    context.addIssue({ code: 'custom', message: 'no amount of a currency on sale' });
    return z.NEVER;
  });

const instantSchema = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

const linksSchema = z
  .array(z.looseObject({ rel: z.string(), href: z.string() }))
  .optional()
  .default([]);

/** A reservation, alone or in its order. */
export const authorizationSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  amount: amountSchema,
  create_time: instantSchema.optional(),
  update_time: instantSchema.optional(),
  expiration_time: instantSchema.optional(),
});

/** Money taken, alone or in its order. */
export const captureSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  amount: amountSchema,
  seller_receivable_breakdown: z.looseObject({ paypal_fee: amountSchema.optional() }).optional(),
});

/** A refund, alone or in its order. */
export const refundSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  amount: amountSchema,
  invoice_id: z.string().optional(),
});

const unitSchema = z.looseObject({
  amount: amountSchema,
  custom_id: z.string().optional(),
  payments: z
    .looseObject({
      authorizations: z.array(authorizationSchema).optional().default([]),
      captures: z.array(captureSchema).optional().default([]),
      refunds: z.array(refundSchema).optional().default([]),
    })
    .optional(),
});

/** An order of ours has one purchase unit; one with several is somebody else's. */
export const orderSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  intent: z.string().optional(),
  purchase_units: z.array(unitSchema).length(1),
  payment_source: z
    .looseObject({
      paypal: z
        .looseObject({
          attributes: z
            .looseObject({ vault: z.looseObject({ id: z.string().optional() }).optional() })
            .optional(),
        })
        .optional(),
    })
    .optional(),
  links: linksSchema,
});

/** A dispute as its own call shows it. */
export const disputeSchema = z.looseObject({
  dispute_id: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  dispute_amount: amountSchema,
  dispute_life_cycle_stage: z.string().optional(),
  seller_response_due_date: instantSchema.optional(),
  dispute_outcome: z.looseObject({ outcome_code: z.string().optional() }).optional(),
  disputed_transactions: z
    .array(z.looseObject({ custom: z.string().optional() }))
    .optional()
    .default([]),
});

/** What names the disputes of a transaction; the rest is asked for each. */
export const disputeListSchema = z.looseObject({
  items: z
    .array(z.looseObject({ dispute_id: z.string() }))
    .optional()
    .default([]),
  links: linksSchema,
});

export const setupTokenSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  links: linksSchema,
});

export const paymentTokenSchema = z.looseObject({
  id: z.string(),
  payment_source: z
    .looseObject({ paypal: z.looseObject({ email_address: z.string().optional() }).optional() })
    .optional(),
});

/** A thing that an event is about, in the few words that lead to a payment. */
const resourceSchema = z.looseObject({
  id: z.string().optional(),
  amount: z.unknown().optional(),
  custom_id: z.string().optional(),
  order_id: z.string().optional(),
  purchase_units: z.array(z.looseObject({ custom_id: z.string().optional() })).optional(),
  supplementary_data: z
    .looseObject({
      related_ids: z.looseObject({ order_id: z.string().optional() }).optional(),
    })
    .optional(),
  disputed_transactions: z.array(z.looseObject({ custom: z.string().optional() })).optional(),
  links: linksSchema,
});

export const eventSchema = z.looseObject({
  id: z.string().min(1).max(255),
  event_type: z.string(),
  create_time: instantSchema,
  resource: resourceSchema,
});

export const eventListSchema = z.looseObject({
  events: z.array(eventSchema).optional().default([]),
  links: linksSchema,
});

export type Order = z.infer<typeof orderSchema>;
export type Unit = z.infer<typeof unitSchema>;
export type Authorization = z.infer<typeof authorizationSchema>;
export type Capture = z.infer<typeof captureSchema>;
export type WireRefund = z.infer<typeof refundSchema>;
export type WireDispute = z.infer<typeof disputeSchema>;
export type SetupToken = z.infer<typeof setupTokenSchema>;
export type PaypalEvent = z.infer<typeof eventSchema>;
export type Links = z.infer<typeof linksSchema>;
