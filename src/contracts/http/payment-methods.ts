/**
 * Wire shapes of a customer's saved payment methods: tokens come in, and what may be shown goes out, never a token. Called
 * by the routes of payment methods.
 */
import { z } from '@hono/zod-openapi';
import { holdsCardNumber } from '../../domain/payment/card-number.ts';
import { METHOD_KINDS, PROCESSORS } from '../../domain/payment/processor-reply.ts';
import { labelOf, type SavedMethod } from '../../domain/payment/saved-method.ts';
import { paymentActionSchema, paymentRequestSchema } from './booking.ts';
import { instantSchema, pageSchema } from './common.ts';
import { formatInstant } from './views.ts';

const NO_CARD_NUMBER = 'must hold no card number';

const hasNone = (text: string): boolean => !holdsCardNumber(text);

export const addPaymentMethodSchema = z
  .strictObject({
    processor: paymentRequestSchema.shape.processor,
    /** Left out where the payer chooses with the processor. */
    paymentMethod: paymentRequestSchema.shape.paymentMethod.refine(
      (token) => token === undefined || !token.startsWith('pmt_'),
      'is saved already',
    ),
    returnUrl: paymentRequestSchema.shape.returnUrl.refine(
      (url) => url === undefined || hasNone(url),
      NO_CARD_NUMBER,
    ),
    isDefault: z.boolean().optional(),
  })
  .openapi('AddPaymentMethod');

/** How a saved method stands: kept, waiting for its payer, or at work with the processor. */
const METHOD_STATUSES = ['active', 'action_required', 'pending'] as const;

export const savedMethodSchema = z
  .strictObject({
    id: z.string(),
    processor: z.enum(PROCESSORS),
    status: z.enum(METHOD_STATUSES),
    kind: z.enum(METHOD_KINDS).optional(),
    brand: z.string().optional(),
    last4: z.string().optional(),
    expiresMonth: z.int().min(1).max(12).optional(),
    expiresYear: z.int().optional(),
    label: z.string(),
    /** The one to propose first. */
    isDefault: z.boolean(),
    action: paymentActionSchema.optional(),
    createdAt: instantSchema,
  })
  .openapi('PaymentMethod');

export const savedMethodPageSchema = pageSchema(savedMethodSchema);

export type SavedMethodView = z.infer<typeof savedMethodSchema>;

/** A method as its owner sees it. */
export function toSavedMethodView(own: {
  readonly method: SavedMethod;
  readonly isDefault: boolean;
}): SavedMethodView {
  const { method, isDefault } = own;
  const { id, processor, state, kind, brand, last4, expiresMonth, expiresYear, action } = method;
  const waits = action === null ? ('pending' as const) : ('action_required' as const);
  return {
    id,
    processor,
    status: state === 'active' ? 'active' : waits,
    ...(kind === null ? {} : { kind }),
    ...(brand === null ? {} : { brand }),
    ...(last4 === null ? {} : { last4 }),
    ...(expiresMonth === null ? {} : { expiresMonth }),
    ...(expiresYear === null ? {} : { expiresYear }),
    label: labelOf(method),
    isDefault,
    ...(action === null ? {} : { action }),
    createdAt: formatInstant(method.createdAtMs),
  };
}
