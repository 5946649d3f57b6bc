/**
 * Invoices: read by their member as JSON or as a page to print, and paid by whoever holds the link that a notice carries.
 * The link's secret is its credential; a wrong one is 404 like anything unknown.
 */
import type { Context } from 'hono';
import { accepts } from 'hono/accepts';
import { z } from '@hono/zod-openapi';
import {
  confirmInvoice,
  payInvoice,
  readPayableInvoice,
  type PayableInvoice,
} from '../../application/billing/pay-invoice.ts';
import { readInvoice } from '../../application/billing/read-invoices.ts';
import { invoiceSchema, payLinkSchema, toInvoiceView } from '../../contracts/http/subscriptions.ts';
import { isChargeOpen } from '../../domain/subscription/billing-step.ts';
import type { App, AppEnv } from '../context.ts';
import { lasting } from '../lasting.ts';
import {
  payPageResponse,
  renderInvoicePage,
  renderPayPage,
  type PayOffer,
} from '../pages/invoice-page.ts';
import { pageResponse } from '../pages/page.ts';
import { refusalResponse, requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';
import { billingDeps, invoiceDeps } from '../use-case-deps.ts';

const tag = 'Subscriptions';
const pathIds = { id: 'inv' } as const;
const page = { description: 'A page.', schema: z.string(), type: 'text/html' };

const read = defineRoute({
  method: 'get',
  path: '/v1/invoices/{id}',
  tag,
  summary: 'Read an invoice',
  description: 'With `Accept: text/html` a page to print.',
  access: 'signed_in',
  pathIds,
  answers: { 200: { description: 'The invoice.', schema: invoiceSchema } },
});

const payPage = defineRoute({
  method: 'get',
  path: '/invoices/{id}/pay',
  tag,
  summary: 'The page behind the link of an invoice',
  description: 'With `returned=1` the processor is asked first: its payer has come back.',
  access: 'public',
  pathIds,
  query: payLinkSchema,
  answers: { 200: page },
});

const pay = defineRoute({
  method: 'post',
  path: '/invoices/{id}/pay',
  tag,
  summary: 'Pay an invoice from its page',
  access: 'public',
  pathIds,
  query: payLinkSchema,
  answers: { 303: { description: 'On to the processor, or back to the page.' } },
});

/** Registers the routes. */
export function registerInvoices(app: App): void {
  app.openapi(read, async (c) => {
    const asked = { caller: requireCaller(c), invoiceId: c.req.param('id') };
    const result = await readInvoice(invoiceDeps(c.get('services')), asked);
    if (!result.ok) return refusalResponse(c, result.refusal);
    const view = toInvoiceView(result.value);
    return isPageWanted(c) ? pageResponse(renderInvoicePage(view), null) : c.json(view, 200);
  });

  app.openapi(payPage, async (c) => {
    const { token, returned } = c.req.valid('query');
    const deps = billingDeps(c.get('services'));
    const link = { invoiceId: c.req.param('id'), token };
    const find = returned === undefined ? readPayableInvoice : confirmInvoice;
    const found = await lasting(c, find(deps, link));
    if (!found.ok) return refusalResponse(c, found.refusal);
    return answerPayPage(c, found.value, pathOf(link));
  });

  app.openapi(pay, async (c) => {
    const link = { invoiceId: c.req.param('id'), token: c.req.valid('query').token };
    const { publicUrl } = c.get('services').settings;
    const back = `${publicUrl}${pathOf(link)}`;
    const request = { ...link, returnUrl: `${back}&returned=1` };
    const tried = await lasting(c, payInvoice(billingDeps(c.get('services')), request));
    if (!tried.ok && tried.refusal.code === 'not_found') return refusalResponse(c, tried.refusal);
    // Whatever else was in the way, the page says how the invoice stands.
    const charge = tried.ok ? tried.value.charge : null;
    const isTheirs = charge?.invoiceId === link.invoiceId && isChargeOpen(charge);
    return c.redirect((isTheirs ? charge.action?.url : null) ?? back, 303);
  });
}

async function answerPayPage(
  c: Context<AppEnv>,
  { invoice, standing }: PayableInvoice,
  path: string,
): Promise<Response> {
  const { settings } = c.get('services');
  const { legalEntity } = invoiceDeps(c.get('services'));
  const { region } = c.get('services').databases.forId(invoice.id);
  const sender = await legalEntity(region);
  const view = toInvoiceView({ invoice, creditNotes: [], refunds: [], legalEntity: sender });
  const html = renderPayPage(view, offerOf({ invoice, standing }, path));
  return payPageResponse(html, { isSecure: settings.publicUrl.startsWith('https://') });
}

/** What whoever has the link can do now. */
function offerOf({ invoice, standing }: PayableInvoice, path: string): PayOffer {
  if (invoice.state === 'paid') return { kind: 'sentence', text: 'This invoice is paid.' };
  if (invoice.state !== 'open') {
    return { kind: 'sentence', text: 'This invoice is closed; there is nothing to pay.' };
  }
  const { charge, subscription } = standing;
  const isUnderWay = charge?.invoiceId === invoice.id && isChargeOpen(charge);
  if (isUnderWay && charge.state !== 'action_required') {
    return { kind: 'sentence', text: 'A payment of this invoice is under way.' };
  }
  if (!isUnderWay && subscription.method === null) {
    return { kind: 'sentence', text: 'Keep a payment method with your subscription first.' };
  }
  return { kind: 'button', action: path };
}

function pathOf(link: { invoiceId: string; token: string }): string {
  return `/invoices/${link.invoiceId}/pay?token=${encodeURIComponent(link.token)}`;
}

/** JSON unless a page is what the caller prefers. */
function isPageWanted(c: Context<AppEnv>): boolean {
  const supports = ['application/json', 'text/html'];
  return accepts(c, { header: 'Accept', supports, default: 'application/json' }) === 'text/html';
}
