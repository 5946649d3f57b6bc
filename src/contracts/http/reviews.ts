/** Wire shapes of what operators have to look at in subscriptions' money. Pure translation; it must decide nothing. */
import { z } from '@hono/zod-openapi';
import { DISPUTE_STATES } from '../../domain/payment/dispute-machine.ts';
import { PROCESSORS } from '../../domain/payment/processor-reply.ts';
import type { Charge } from '../../domain/subscription/subscription.ts';
import { instantSchema, moneySchema, pageSchema, textSchema } from './common.ts';
import { formatInstant } from './views.ts';

/** What was decided; it is kept in the audit trail. */
export const decisionSchema = z.strictObject({ reason: textSchema }).openapi('ReviewDecision');

export const reviewSchema = z
  .strictObject({
    id: z.string(),
    subscriptionId: z.string(),
    invoiceId: z.string().nullable(),
    kind: z.enum(['payment', 'setup', 'refund']),
    status: z.string(),
    /** Why somebody has to look; null once somebody did. */
    review: z.string().nullable(),
    processor: z.enum(PROCESSORS),
    processorId: z.string().nullable(),
    amount: moneySchema,
    declineCode: z.string().nullable(),
    disputes: z.array(
      z.strictObject({
        processorId: z.string(),
        status: z.enum(DISPUTE_STATES),
        amount: moneySchema,
        reason: z.string().nullable(),
      }),
    ),
    createdAt: instantSchema,
  })
  .openapi('Review');

export const reviewPageSchema = pageSchema(reviewSchema).openapi('ReviewPage');

export type ReviewView = z.infer<typeof reviewSchema>;

/** A charge as its operators see it. */
export function toReviewView(charge: Charge): ReviewView {
  const { id, subscriptionId, invoiceId, review, processor, declineCode, currency } = charge;
  return {
    id,
    subscriptionId,
    invoiceId,
    kind: charge.purpose,
    status: charge.state,
    review,
    processor,
    processorId: charge.ref,
    amount: { amount: charge.amountMinor, currency },
    declineCode,
    disputes: charge.disputes.map((dispute) => ({
      processorId: dispute.ref,
      status: dispute.state,
      amount: { amount: dispute.amountMinor, currency: dispute.currency },
      reason: dispute.reason,
    })),
    createdAt: formatInstant(charge.createdAtMs),
  };
}
