/**
 * What PayPal holds for us since an instant. PayPal lists no orders, so they are put together from its list of events, which
 * it keeps for 30 days. An order that was never approved has no event: no money can move on it, so nobody misses it.
 * One page is read by itself: a state that spans pages may look older than it is, and whoever acts on it looks first.
 */
import type { ListedPayment, PaymentGateway } from '../../application/ports.ts';
import { readAnswer, type PaypalCalls } from './calls.ts';
import { replyOfFailure } from './errors.ts';
import { eventReferenceOf, orderRefOf } from './events.ts';
import { amountSchema, eventListSchema, type Links, type PaypalEvent } from './wire.ts';

/** Events of one page. */
const PAGE_COUNT = 100;

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
  if (!page.ok) {
    const reply = replyOfFailure(page.answer);
    return { failed: 'reason' in reply ? `${reply.kind}: ${reply.reason}` : reply.kind };
  }
  return { payments: fold(page.value.events), next: nextOf(page.value.links) };
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
  };
  return { listed, isVoided: false };
}

function after({ listed, isVoided }: Folded, event: PaypalEvent): Folded {
  const amountMinor = amountOf(event);
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
      return { listed: { ...listed, state: 'captured', capturedMinor }, isVoided };
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

function amountOf({ resource }: PaypalEvent): number {
  const amount = amountSchema.safeParse(resource.amount);
  return amount.success ? amount.data.amount : 0;
}

/** PayPal takes instants in whole seconds. */
function isoSeconds(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
