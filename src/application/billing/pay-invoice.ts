/**
 * The page behind the link that dunning sends: with the payer there, the same invoice is tried once more, and whatever the
 * bank asks for is asked of them; who pays each period is offered it anew. The link's secret is the only credential.
 */
import type { Caller } from '../../contracts/calls.ts';
import { regionOf } from '../../domain/ids.ts';
import { ok, refuse, type Refusal, type Result } from '../../domain/result.ts';
import { isChargeOpen } from '../../domain/subscription/billing-step.ts';
import type { Invoice } from '../../domain/subscription/subscription.ts';
import { advanceSubscription } from './advance-subscription.ts';
import type { BillingDraft } from './billing-draft.ts';
import type { BillingDeps } from './billing-deps.ts';
import { changeSubscription } from './change-subscription.ts';
import { newCharge } from './new-documents.ts';
import { readStanding, type SubscriptionStanding } from './read-subscription.ts';

/** An invoice with the subscription that it belongs to. */
export interface PayableInvoice {
  readonly invoice: Invoice;
  readonly standing: SubscriptionStanding;
}

/** The invoice behind a link. Refusals: not_found, for a wrong secret too. */
export async function readPayableInvoice(
  deps: BillingDeps,
  link: { invoiceId: string; token: string },
): Promise<Result<PayableInvoice>> {
  const invoice = await invoiceOfLink(deps, link);
  const standing = invoice === null ? null : await readStanding(deps, invoice.subscriptionId);
  if (invoice === null || standing === null)
    return refuse('not_found', 'There is no such invoice.');
  return ok({ invoice, standing });
}

/** Tries the invoice with the payer there. Refusals: not_found, invalid_transition when there is nothing to pay. */
export async function payInvoice(
  deps: BillingDeps,
  link: { invoiceId: string; token: string; returnUrl: string },
): Promise<Result<SubscriptionStanding>> {
  const invoice = await invoiceOfLink(deps, link);
  if (invoice === null) return refuse('not_found', 'There is no such invoice.');
  const payer: Caller = { id: invoice.userId, roles: [] };
  const { subscriptionId } = invoice;
  // What was offered before may be paid or over by now, and its payer must not be sent there again.
  await advanceSubscription(deps, { subscriptionId, cause: 'confirm', look: true });
  return changeSubscription(deps, {
    caller: payer,
    subscriptionId,
    decide: (draft) => tryOnSession(draft, { invoiceId: invoice.id, returnUrl: link.returnUrl }),
  });
}

/** The payer came back from the processor: ask it. */
export async function confirmInvoice(
  deps: BillingDeps,
  link: { invoiceId: string; token: string },
): Promise<Result<PayableInvoice>> {
  const invoice = await invoiceOfLink(deps, link);
  if (invoice !== null)
    await advanceSubscription(deps, {
      subscriptionId: invoice.subscriptionId,
      cause: 'confirm',
      look: true,
    });
  return readPayableInvoice(deps, link);
}

function tryOnSession(
  draft: BillingDraft,
  { invoiceId, returnUrl }: { invoiceId: string; returnUrl: string },
): Refusal | null {
  const { openInvoice, subscription } = draft;
  const { method } = subscription;
  if (openInvoice?.id !== invoiceId || openInvoice.totalMinor === 0)
    return { code: 'invalid_transition', detail: 'There is nothing to pay on this invoice.' };
  const isUnderWay = draft.charges.some(
    (charge) => isChargeOpen(charge) && charge.purpose === 'payment',
  );
  if (isUnderWay) return null;
  const isKeeping = draft.charges.some(
    (charge) => isChargeOpen(charge) && charge.purpose === 'setup',
  );
  if (isKeeping)
    return { code: 'payment_in_progress', detail: 'A payment method is being kept first.' };
  if (method === null) return { code: 'payment_required', detail: 'Keep a payment method first.' };
  draft.addCharge(
    newCharge(draft, {
      purpose: 'payment',
      processor: method.processor,
      methodRef: method.ref,
      isOffSession: false,
      returnUrl,
      invoice: openInvoice,
    }),
  );
  return null;
}

async function invoiceOfLink(
  deps: Pick<BillingDeps, 'ids' | 'billing' | 'digest'>,
  { invoiceId, token }: { invoiceId: string; token: string },
): Promise<Invoice | null> {
  const parts = deps.ids.open('inv', invoiceId);
  if (parts === null) return null;
  const invoice = await deps.billing(regionOf(parts.locator)).invoice(invoiceId);
  if (invoice === null) return null;
  // Digests are compared, so that the time it takes tells nothing about the secret.
  const isGenuine = deps.digest.sha256(invoice.payToken) === deps.digest.sha256(token);
  return isGenuine ? invoice : null;
}
