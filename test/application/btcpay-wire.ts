/**
 * A BTCPay gateway on a wire that a test writes: every call is kept, and answered by its path.
 */
import type { PaymentGateway } from '../../src/application/ports.ts';
import {
  createBtcpayGateway,
  type BtcpayGatewayConfig,
} from '../../src/payments/btcpay/gateway.ts';

/** A call as it left the gateway. */
export interface SentCall {
  readonly method: string;
  /** Behind the address, with the query. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: unknown;
}

/** What the wire does with one call. */
export type WireAnswer = (signal: AbortSignal) => Promise<Response>;

/** Answers by `METHOD /path` without the query, below `/api/v1`; the first of several once, the last for ever. */
export type WireAnswers = Readonly<Record<string, WireAnswer | readonly WireAnswer[]>>;

/** A JSON answer. */
export function json(body: unknown, status = 200): WireAnswer {
  return async () => Response.json(body, { status });
}

/** A problem as Greenfield writes it. */
export function problem(status: number, code: string): WireAnswer {
  return json({ code, message: 'Quotes the payer zoe@example.org' }, status);
}

export const STORE = 'store1';
export const INVOICES = `/stores/${STORE}/invoices`;
export const PULL_PAYMENTS = `/stores/${STORE}/pull-payments`;
export const WEBHOOK_SECRET = 'btcpay-current';

/** An invoice as the API shows it, as far as the gateway reads it. */
export function invoiceJson(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 'inv1',
    storeId: STORE,
    amount: '50.00',
    paidAmount: '0',
    currency: 'EUR',
    type: 'Standard',
    checkoutLink: 'https://btcpay.example/i/inv1',
    createdTime: 1_800_000_000,
    expirationTime: 1_800_000_900,
    monitoringExpiration: 1_800_087_300,
    status: 'New',
    additionalStatus: 'None',
    availableStatusesForManualMarking: ['Settled', 'Invalid'],
    archived: false,
    metadata: { orderId: 'pay_1', booking_id: 'bkg_1', payment_id: 'pay_1' },
    ...overrides,
  };
}

/** A payment of an invoice, in bitcoins. */
export function paymentJson(value: string, status = 'Settled', fee = '0'): Record<string, unknown> {
  return {
    id: `tx-${value}`,
    receivedDate: 1_800_000_100,
    value,
    fee,
    status,
    destination: 'bc1q',
  };
}

/** A payment method of an invoice. */
export function methodJson(
  payments: readonly Record<string, unknown>[],
  overrides: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    paymentMethodId: 'BTC-CHAIN',
    currency: 'BTC',
    destination: 'bc1q',
    paymentLink: 'bitcoin:bc1q',
    rate: '50000.00',
    paymentMethodPaid: '0',
    totalPaid: '0',
    due: '0',
    amount: '0.001',
    paymentMethodFee: '0',
    payments,
    activated: true,
    ...overrides,
  };
}

/** A pull payment for a refund of ours. */
export function pullPaymentJson(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 'pp1',
    name: 'rfd_1',
    description: 'Refund of invoice inv1',
    currency: 'EUR',
    amount: '7.00',
    autoApproveClaims: false,
    archived: false,
    viewLink: 'https://btcpay.example/pull-payments/pp1',
    ...overrides,
  };
}

/** A payout of a pull payment. */
export function payoutJson(originalAmount: string, state: string): Record<string, unknown> {
  return { id: `po-${originalAmount}`, originalCurrency: 'EUR', originalAmount, state };
}

/** What the wire answers for an invoice that was paid, and for its refunds. */
export function paidInvoice(
  payments: readonly Record<string, unknown>[],
  overrides: { invoice?: Record<string, unknown>; pullPayments?: readonly unknown[] } = {},
): WireAnswers {
  return {
    [`GET ${INVOICES}/inv1`]: json(invoiceJson({ status: 'Settled', ...overrides.invoice })),
    [`GET ${INVOICES}/inv1/payment-methods`]: json([methodJson(payments)]),
    [`GET ${PULL_PAYMENTS}`]: json(overrides.pullPayments ?? []),
  };
}

/** A gateway on the wire. A call that has no answer fails the test. */
export function makeWiredGateway(
  answers: WireAnswers,
  overrides: Partial<BtcpayGatewayConfig> = {},
): { gateway: PaymentGateway; calls: SentCall[] } {
  const calls: SentCall[] = [];
  const gateway = createBtcpayGateway({
    apiUrl: 'https://btcpay.example',
    apiKey: 'verysecret',
    storeId: STORE,
    webhookSecrets: [WEBHOOK_SECRET],
    isLive: false,
    returnUrl: 'https://book.example/return',
    timeoutMs: 50,
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const url = new URL(request.url);
      const text = await request.text();
      const path = url.href.slice(url.origin.length);
      const body: unknown = text === '' ? null : JSON.parse(text);
      const { method, headers } = request;
      calls.push({ method, path, headers, body });
      const endpoint = `${method} ${url.pathname.replace(/^.*\/api\/v1/, '')}`;
      // The signal as it was given: the one of a Request is a copy that may be collected before it fires.
      return answerOf(answers, endpoint, calls)(init?.signal ?? request.signal);
    },
    ...overrides,
  });
  return { gateway, calls };
}

function answerOf(answers: WireAnswers, endpoint: string, calls: readonly SentCall[]): WireAnswer {
  const given = answers[endpoint] ?? [];
  const list = typeof given === 'function' ? [given] : given;
  const before = calls.filter(
    ({ method, path }) =>
      endpoint === `${method} ${path.split('?')[0]?.replace(/^.*\/api\/v1/, '')}`,
  );
  const answer = list[Math.min(before.length, list.length) - 1];
  if (answer === undefined) throw new TypeError(`the wire has no answer for ${endpoint}`);
  return answer;
}
