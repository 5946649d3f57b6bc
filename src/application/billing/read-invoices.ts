/** Invoices as their member reads them: one, or those of a subscription, each with its credit notes and its sender. */
import type { Caller } from '../../contracts/calls.ts';
import type { ShownInvoice } from '../../contracts/http/subscriptions.ts';
import { regionOf, regionOfId, type DataRegion } from '../../domain/ids.ts';
import { ok, refuse, type Result } from '../../domain/result.ts';
import type { Charge, Invoice } from '../../domain/subscription/subscription.ts';
import { decodeCursor, mergePage, type Page } from '../page-cursor.ts';
import type { BillingDeps } from './billing-deps.ts';
import { readSubscription } from './read-subscription.ts';

export interface ReadInvoicesDeps extends Pick<BillingDeps, 'billing' | 'plans' | 'ids'> {
  /** Who sends the invoices of a region. */
  readonly legalEntity: (region: DataRegion) => Promise<NonNullable<ShownInvoice['legalEntity']>>;
}

/** `GET /v1/invoices/{id}`. Refusals: not_found, for somebody else's too. */
export async function readInvoice(
  deps: ReadInvoicesDeps,
  asked: { readonly caller: Caller; readonly invoiceId: string },
): Promise<Result<ShownInvoice>> {
  const parts = deps.ids.open('inv', asked.invoiceId);
  const region = parts === null ? null : regionOf(parts.locator);
  const invoice = region === null ? null : await deps.billing(region).invoice(asked.invoiceId);
  const { caller } = asked;
  const isTheirs = invoice?.userId === caller.id || caller.roles.includes('operator');
  if (region === null || invoice === null || !isTheirs)
    return refuse('not_found', 'There is no such invoice.');
  const refunds = await deps.billing(region).refundsOf(invoice.subscriptionId);
  return ok(await shown(deps, { invoice, refunds, sender: await deps.legalEntity(region) }));
}

/** `GET /v1/subscriptions/{id}/invoices`, newest first. Refusals: not_found, validation_failed. */
export async function listInvoices(
  deps: ReadInvoicesDeps,
  asked: {
    readonly caller: Caller;
    readonly subscriptionId: string;
    readonly limit: number;
    readonly cursor?: string | undefined;
  },
): Promise<Result<Page<ShownInvoice>>> {
  const { subscriptionId, limit } = asked;
  const theirs = await readSubscription(deps, asked);
  if (!theirs.ok) return theirs;
  const cursor = decodeCursor(asked.cursor, ['number', 'string']);
  if (!cursor.ok) return cursor;
  const [atMs, id] = cursor.value ?? [];
  const before = atMs === undefined || id === undefined ? null : { atMs, id };
  const region = regionOfId(subscriptionId);
  const rows = await deps.billing(region).invoicesOf({ subscriptionId, before, limit: limit + 1 });
  const page = mergePage([rows], {
    compare: () => 0,
    place: (invoice) => [invoice.createdAtMs, invoice.id],
    limit,
  });
  const sender = await deps.legalEntity(region);
  const refunds = await deps.billing(region).refundsOf(subscriptionId);
  const data = await Promise.all(
    page.data.map((invoice) => shown(deps, { invoice, refunds, sender })),
  );
  return ok({ data, nextCursor: page.nextCursor });
}

/** A credit note is written with what it gives back, so that most invoices need no look. */
async function shown(
  deps: Pick<BillingDeps, 'billing'>,
  parts: {
    readonly invoice: Invoice;
    readonly refunds: readonly Charge[];
    readonly sender: ShownInvoice['legalEntity'];
  },
): Promise<ShownInvoice> {
  const { invoice, sender } = parts;
  const store = deps.billing(regionOfId(invoice.id));
  const creditNotes = invoice.refundedMinor > 0 ? await store.creditNotesOf(invoice.id) : [];
  const refunds = parts.refunds.filter(({ invoiceId }) => invoiceId === invoice.id);
  return { invoice, creditNotes, refunds, legalEntity: sender };
}
