/**
 * Payers' objections whose every event was lost: a processor's list of disputes names the payment, and who does not know
 * of one yet looks at it. A dispute comes weeks after its payment, so that the list of payments does not show it.
 * Called by the reconciliation alone.
 */
import { errorText } from '../domain/assert.ts';
import { DAY_MS } from '../domain/time.ts';
import { advancePayment } from './advance-payment.ts';
import type { ListedDispute, PaymentGateway, SubscriptionReference } from './ports.ts';
import { subjectOf, type WebhookPorts } from './receive-webhook.ts';

/** How far back the lists are read: for as long the processors themselves repeat what was not taken. */
const LIST_BACK_MS = 3 * DAY_MS;
/** Pages of a processor's list that one run reads; who has more objections than that has the next run too. */
const PAGES_MAX = 20;

export interface DisputePorts extends Omit<WebhookPorts, 'inbox' | 'send' | 'advanceSubscription'> {
  /** Looks at a charge of which a dispute is not known yet; true when it was not. */
  readonly learnOfDispute: (
    dispute: SubscriptionReference & { readonly ref: string },
  ) => Promise<boolean>;
}

/** What a walk over one processor's disputes found. */
export interface DisputesReport {
  /** Disputes that nobody here knew of. */
  readonly found: number;
  /** The list could not be read to its end. */
  readonly isCut: boolean;
}

/** Looks at every payment that a payer objected to and of which we do not know it. */
export async function walkDisputes(
  ports: DisputePorts,
  gateway: PaymentGateway,
): Promise<DisputesReport> {
  const sinceMs = ports.clock.nowMs() - LIST_BACK_MS;
  let found = 0;
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const listed = await gateway.listDisputesSince({ sinceMs, cursor });
    if ('failed' in listed) return { found, isCut: true };
    for (const dispute of listed.disputes) {
      const isNew = await learn(ports, dispute).catch((error: unknown) => {
        // One that cannot be looked at must not hide the others; the next run tries again.
        const { processor } = gateway;
        ports.log.error('reconcile.dispute_failed', { processor, reason: errorText(error) });
        return false;
      });
      if (isNew) found += 1;
    }
    cursor = listed.next;
    if (cursor === null) break;
  }
  return { found, isCut: false };
}

/** What carries no genuine reference of ours is another deployment's, under another secret. */
async function learn(ports: DisputePorts, { ref, reference }: ListedDispute): Promise<boolean> {
  const subject = subjectOf(ports.ids, reference);
  if (reference === null || subject === null) return false;
  if (!('bookingId' in reference)) return ports.learnOfDispute({ ...reference, ref });
  const shard = ports.objects.shard(subject.locator);
  if (await shard.knowsDispute({ paymentId: reference.paymentId, ref })) return false;
  const { bookingId } = reference;
  await advancePayment({ ...ports, shard }, { bookingId, cause: 'reconciler', look: true });
  return true;
}
