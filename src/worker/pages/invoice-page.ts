/**
 * An invoice as a page: to be printed by its member, and to be paid by whoever holds its link. No script, nothing from
 * elsewhere; every value is escaped.
 */
import type { InvoiceView } from '../../contracts/http/subscriptions.ts';
import { formatAmount } from './money-text.ts';
import { escapeHtml, PAGE_POLICY, pageResponse, renderPage } from './page.ts';

/** What the link of an invoice offers: a button, or the sentence that says why there is none. */
export type PayOffer =
  | { readonly kind: 'button'; readonly action: string }
  | { readonly kind: 'sentence'; readonly text: string };

/** The printed invoice. */
export function renderInvoicePage(invoice: InvoiceView): string {
  return renderPage({ title: titleOf(invoice), body: invoiceBody(invoice) });
}

/** The page behind the link. */
export function renderPayPage(invoice: InvoiceView, offer: PayOffer): string {
  const pay =
    offer.kind === 'sentence'
      ? `<p><strong>${escapeHtml(offer.text)}</strong></p>`
      : `<form method="post" action="${escapeHtml(offer.action)}"><button type="submit">Pay ${escapeHtml(money(invoice.total))}</button></form>`;
  return renderPage({ title: titleOf(invoice), body: `${invoiceBody(invoice)}\n${pay}` });
}

/**
 * The answer with the page behind the link. Its button leads back to us and from there perhaps to the processor, which
 * browsers count as the form's own target; hence any secure address, and on one machine any address.
 */
export function payPageResponse(html: string, { isSecure }: { isSecure: boolean }): Response {
  const response = pageResponse(html, null);
  const targets = isSecure ? "'self' https:" : "'self' https: http:";
  response.headers.set(
    'Content-Security-Policy',
    PAGE_POLICY.replace("form-action 'none'", `form-action ${targets}`),
  );
  return response;
}

function titleOf({ number }: InvoiceView): string {
  return number === null ? 'Invoice' : `Invoice ${number}`;
}

function invoiceBody(invoice: InvoiceView): string {
  const { currency, creditNotes, refunded, refunds } = invoice;
  const rows = [
    ...invoice.lines.map(({ label, amount }) => row(label, formatAmount(amount, currency))),
    row('Total', money(invoice.total)),
    row('Tax in the total', money(invoice.tax)),
    ...(refunded.amount === 0 ? [] : [row('Given back', money(refunded))]),
  ];
  const notes = creditNotes.map(
    ({ number, amount, reason }) =>
      `<li>${escapeHtml(`${number ?? ''} ${money(amount)}: ${reason}`.trim())}</li>`,
  );
  const claims = refunds.flatMap(({ amount, claimUrl }) =>
    claimUrl === undefined
      ? []
      : [`<p><a href="${escapeHtml(claimUrl)}">Fetch ${escapeHtml(money(amount))}</a></p>`],
  );
  return `<h1>${escapeHtml(titleOf(invoice))}</h1>
${senderOf(invoice)}
<p>Status: <strong>${escapeHtml(invoice.status)}</strong><br>
Period: ${day(invoice.periodStart)} to ${day(invoice.periodEnd)}<br>
Issued: ${day(invoice.createdAt)}. Due: ${day(invoice.dueAt)}.${invoice.paidAt === null ? '' : ` Paid: ${day(invoice.paidAt)}.`}</p>
<table><tbody>
${rows.join('\n')}
</tbody></table>
${notes.length === 0 ? '' : `<h2>Credit notes</h2><ul>${notes.join('')}</ul>`}
${claims.join('\n')}
<p class="muted">Reference ${escapeHtml(invoice.id)}. Days are those of UTC.</p>`;
}

function senderOf({ legalEntity }: InvoiceView): string {
  if (legalEntity === undefined) return '';
  const { name, address, taxId } = legalEntity;
  const lines = [name, address, taxId === null ? '' : `Tax id ${taxId}`].filter(Boolean);
  return `<p>${lines.map(escapeHtml).join('<br>')}</p>`;
}

function row(label: string, amount: string): string {
  return `<tr><td>${escapeHtml(label)}</td><td>${escapeHtml(amount)}</td></tr>`;
}

function money({ amount, currency }: { amount: number; currency: string }): string {
  return formatAmount(amount, currency);
}

function day(instant: string): string {
  return escapeHtml(instant.slice(0, 10));
}
