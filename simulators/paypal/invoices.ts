/**
 * The account's rule that an invoice_id is used for one transaction only. Owns who an invoice_id
 * belongs to; called before money is reserved, taken or given back.
 * Source: PayPal REST API specifications, issue DUPLICATE_INVOICE_ID.
 */
import { find, insert, save, stamps, type PaypalContext } from './context.ts';
import { unprocessable } from './errors.ts';

/** The owner of an invoice_id whose transaction failed. */
const NOBODY = '';

/** Payments of one order may share an invoice_id; a refund has one of its own. */
export type InvoiceUse = 'payment' | 'refund';

/** Who asks for an invoice_id. */
export interface InvoiceClaim {
  readonly use: InvoiceUse;
  readonly invoiceId: string | null;
  readonly ownerId: string;
}

/** Errors: DUPLICATE_INVOICE_ID when it belongs to another order or refund. */
export function checkInvoice(ctx: PaypalContext, claim: InvoiceClaim): void {
  if (claim.invoiceId === null) return;
  const known = find(ctx, 'invoice', recordId(claim));
  if (known === null || known.ownerId === claim.ownerId || known.ownerId === NOBODY) return;
  const parts = { field: '/invoice_id', value: claim.invoiceId };
  throw unprocessable('DUPLICATE_INVOICE_ID', parts);
}

/** Takes an invoice_id. Errors: as checkInvoice(). */
export function claimInvoice(ctx: PaypalContext, claim: InvoiceClaim): void {
  checkInvoice(ctx, claim);
  const id = recordId(claim);
  if (claim.invoiceId === null) return;
  const known = find(ctx, 'invoice', id);
  if (known) save(ctx, { ...known, ownerId: claim.ownerId });
  else insert(ctx, { id, kind: 'invoice', ownerId: claim.ownerId, ...stamps(ctx) });
}

/** A transaction that failed frees its invoice_id for the next one. */
export function freeInvoice(ctx: PaypalContext, claim: InvoiceClaim): void {
  const known = find(ctx, 'invoice', recordId(claim));
  if (known?.ownerId === claim.ownerId) save(ctx, { ...known, ownerId: NOBODY });
}

function recordId(claim: InvoiceClaim): string {
  return `invoice:${claim.use}:${String(claim.invoiceId)}`;
}
