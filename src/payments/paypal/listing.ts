/**
 * What PayPal holds for us since an instant. PayPal lists no orders, so they are put together from its list of events, which
 * it keeps for 30 days. An order that was never approved has no event: no money can move on it, so nobody misses it.
 * One page is read by itself: a state that spans pages may look older than it is, and whoever acts on it looks first.
 */
import type { ListedDispute, ListedPayment, PaymentGateway } from '../../application/ports.ts';
import type { ProcessorReply } from '../../domain/payment/processor-reply.ts';
import { readAnswer, type PaypalCalls } from './calls.ts';
import { replyOfFailure } from './errors.ts';
import { eventReferenceOf, orderRefOf } from './events.ts';
import { referenceOf } from './reference.ts';
import {
  amountSchema,
  disputeListSchema,
  disputeSchema,
  eventListSchema,
  type Links,
  type PaypalEvent,
} from './wire.ts';

/** Events of one page. */
const PAGE_COUNT = 100;

/** Disputes of one page: all of a page are asked for within one call's time. */
const DISPUTE_PAGE_COUNT = 10;

const DISPUTES_PATH = '/v1/customer/disputes';

const LIST_PATH = '/v1/notifications/webhooks-events';

interface Folded {
  readonly listed: ListedPayment;
  readonly isVoided: boolean;
}

/** One page, newest first. Source: PayPal REST API specifications, Webhooks v1, "List event notifications". */
export async function listSince(
  calls: PaypalCalls,
  request: Parameters<PaymentGateway['listSince']>[0],
): ReturnType<PaymentGateway['listSince']> {
  const first = new URLSearchParams({
    start_time: isoSeconds(request.sinceMs),
    end_time: isoSeconds(Math.max(calls.nowMs(), request.sinceMs)),
    page_size: String(PAGE_COUNT),
  });
  const path = `${LIST_PATH}?${request.cursor ?? first.toString()}`;
  const page = readAnswer(eventListSchema, await calls.session()({ method: 'GET', path }));
  if (!page.ok) return { failed: wordsOf(replyOfFailure(page.answer)) };
  return { payments: fold(page.value.events), next: nextOf(page.value.links) };
}

/**
 * One page of disputes, newest first. A row of PayPal's list does not name the payment, so each is asked for; a page is
 * therefore a short one. Source: PayPal REST API specifications, Disputes v1, "List disputes", "Show dispute details".
 */
export async function listDisputesSince(
  calls: PaypalCalls,
  request: Parameters<PaymentGateway['listDisputesSince']>[0],
): ReturnType<PaymentGateway['listDisputesSince']> {
  const session = calls.session();
  const first = new URLSearchParams({
    start_time: new Date(request.sinceMs).toISOString(),
    page_size: String(DISPUTE_PAGE_COUNT),
  });
  const path = `${DISPUTES_PATH}?${request.cursor ?? first.toString()}`;
  const page = readAnswer(disputeListSchema, await session({ method: 'GET', path }));
  if (!page.ok) return { failed: wordsOf(replyOfFailure(page.answer)) };
  const disputes: ListedDispute[] = [];
  for (const { dispute_id: ref } of page.value.items) {
    const one = { method: 'GET', path: `${DISPUTES_PATH}/${encodeURIComponent(ref)}` } as const;
    const dispute = readAnswer(disputeSchema, await session(one));
    if (!dispute.ok) return { failed: wordsOf(replyOfFailure(dispute.answer)) };
    const [disputed] = dispute.value.disputed_transactions;
    disputes.push({ ref, reference: referenceOf(disputed?.custom) });
  }
  return { disputes, next: nextOf(page.value.links) };
}

function wordsOf(reply: ProcessorReply): string {
  return 'reason' in reply ? `${reply.kind}: ${reply.reason}` : reply.kind;
}

/** Only the query of PayPal's own link is used: where to call is ours to say. */
function nextOf(links: Links): string | null {
  const link = links.find(({ rel }) => rel === 'next');
  if (link === undefined || !URL.canParse(link.href)) return null;
  return new URL(link.href).searchParams.toString();
}

/** Oldest first, each event moves its order on. */
function fold(events: readonly PaypalEvent[]): ListedPayment[] {
  const orders = new Map<string, Folded>();
  const orderOfCapture = new Map<string, string>();
  const oldestFirst = events.toSorted((a, b) => a.create_time - b.create_time);
  for (const event of oldestFirst) {
    const { resource, event_type: type } = event;
    const ref = orderRefOf(event) ?? orderOfCapture.get(captureRefOf(event) ?? '') ?? null;
    if (ref === null) continue;
    if (type.startsWith('PAYMENT.CAPTURE.') && resource.id !== undefined) {
      orderOfCapture.set(resource.id, ref);
    }
    orders.set(ref, after(orders.get(ref) ?? opened(event, ref), event));
  }
  return [...orders.values()].map(({ listed }) => listed).toReversed();
}

function opened(event: PaypalEvent, ref: string): Folded {
  const listed: ListedPayment = {
    ref,
    state: 'open',
    reference: eventReferenceOf(event),
    createdAtMs: event.create_time,
    capturedMinor: 0,
    refundedMinor: 0,
    currency: null,
  };
  return { listed, isVoided: false };
}

function after({ listed, isVoided }: Folded, event: PaypalEvent): Folded {
  const { amount: amountMinor, currency } = amountOf(event);
  switch (event.event_type) {
    case 'PAYMENT.AUTHORIZATION.CREATED':
      return { listed: { ...listed, state: isVoided ? 'ended' : 'authorized' }, isVoided };
    case 'PAYMENT.AUTHORIZATION.VOIDED':
    case 'CHECKOUT.PAYMENT-APPROVAL.REVERSED': {
      const state = listed.capturedMinor > 0 ? listed.state : 'ended';
      return { listed: { ...listed, state }, isVoided: true };
    }
    case 'PAYMENT.CAPTURE.COMPLETED': {
      const capturedMinor = listed.capturedMinor + amountMinor;
      return { listed: { ...listed, state: 'captured', capturedMinor, currency }, isVoided };
    }
    case 'PAYMENT.CAPTURE.REFUNDED': {
      const refundedMinor = listed.refundedMinor + amountMinor;
      return { listed: { ...listed, refundedMinor }, isVoided };
    }
    default:
      return { listed, isVoided };
  }
}

/** The capture that a refund returns: PayPal names it by a link alone. */
function captureRefOf({ resource }: PaypalEvent): string | null {
  const up = resource.links.find(({ rel }) => rel === 'up');
  return /\/captures\/([A-Za-z0-9_-]+)$/.exec(up?.href ?? '')?.[1] ?? null;
}

function amountOf({ resource }: PaypalEvent): { amount: number; currency: string | null } {
  const amount = amountSchema.safeParse(resource.amount);
  return amount.success ? amount.data : { amount: 0, currency: null };
}

/** PayPal takes instants in whole seconds. */
function isoSeconds(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
