/**
 * Bitcoin and Lightning through the operator's own BTCPay Server. Speaks the PaymentGateway port; the payer sends the
 * money, so nothing is authorised or captured by us. Owns no state and never retries. Subscriptions are in recurring.ts.
 */
import type { PaymentGateway } from '../../application/ports.ts';
import { invariant } from '../../domain/assert.ts';
import { createBtcpayClient, type BtcpayClientConfig } from './client.ts';
import { answering, CallFailure } from './errors.ts';
import {
  fetchInvoice,
  listInvoices,
  nothingToDo,
  openInvoice,
  voidInvoice,
  type BtcpayCalls,
  type InvoiceRequest,
  type SpeedPolicy,
} from './invoices.ts';
import { createRecurringGateway } from './recurring.ts';
import { fetchRefund, findRefund, refundInvoice } from './refunds.ts';
import { createWebhookReader, type BtcpayWebhookConfig } from './webhook.ts';

/** Everything the gateway needs to know; the environment's names are the composition root's affair. */
export interface BtcpayGatewayConfig extends BtcpayClientConfig, BtcpayWebhookConfig {
  readonly isLive: boolean;
  /** Where a payer goes from BTCPay's page when the caller named no page; an absolute URL. */
  readonly returnUrl: string;
  /** When money is certain; one confirmation, where this is left out. */
  readonly speedPolicy?: SpeedPolicy;
}

/**
 * The BTCPay gateway.
 * Errors: replies only; a broken configuration is an InvariantError, because no caller's input reaches it.
 * The key needs btcpay.store.cancreateinvoice, canviewinvoices, canmodifyinvoices, canviewpullpayments,
 * cancreatenonapprovedpullpayments and canviewpayouts.
 * Source: BTCPay Server, Greenfield API v1 of BTCPay Server 2.
 */
export function createBtcpayGateway(config: BtcpayGatewayConfig): PaymentGateway {
  invariant(
    !config.isLive || config.apiUrl.startsWith('https://'),
    'live payments are made over TLS',
  );
  const { returnUrl, speedPolicy = 'MediumSpeed' } = config;
  const calls: BtcpayCalls = { client: createBtcpayClient(config), returnUrl, speedPolicy };
  return {
    processor: 'btcpay',
    capabilities: { authorizesFirst: false, refunds: 'claim' },
    recurring: createRecurringGateway(calls),
    open: (request: InvoiceRequest) => answering(() => openInvoice(calls, request)),
    authorize: ({ ref }) => answering(() => nothingToDo(calls, ref)),
    fetch: (ref) => answering(() => fetchInvoice(calls, ref)),
    capture: ({ ref }) => answering(() => nothingToDo(calls, ref)),
    void: ({ ref }) => answering(() => voidInvoice(calls, ref)),
    refund: (request) => answering(() => refundInvoice(calls, request)),
    fetchRefund: (ref) => answering(() => fetchRefund(calls, ref)),
    findRefund: (request) => answering(() => findRefund(calls, request)),
    listSince: (request) => listSince(calls, request),
    // Nobody can take back what they sent.
    listDisputesSince: async () => ({ disputes: [], next: null }),
    readWebhook: createWebhookReader(config),
  };
}

async function listSince(
  calls: BtcpayCalls,
  request: Parameters<PaymentGateway['listSince']>[0],
): ReturnType<PaymentGateway['listSince']> {
  try {
    return await listInvoices(calls, request);
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error;
    const { reply } = error;
    return { failed: 'reason' in reply ? `${reply.kind}: ${reply.reason}` : reply.kind };
  }
}
