/**
 * The payer's page as HTML: what is to be paid, its state, and a button for each thing the payer can
 * do. Self-contained, without scripts or foreign assets; must never show a secret.
 */
import { createHash } from 'node:crypto';
import type { PayerView } from './payers.ts';

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: Canvas; color: CanvasText; }
main { width: min(26rem, calc(100vw - 4rem)); padding: 1.75rem; border: 1px solid color-mix(in srgb, CanvasText 20%, Canvas); border-radius: .75rem; }
h1 { font-size: 1rem; font-weight: 600; margin: 0; }
.amount { font-size: 2rem; font-weight: 650; margin: .5rem 0 0; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; margin: 1rem 0; font-size: .875rem; }
dt { opacity: .7; } dd { margin: 0; overflow-wrap: anywhere; }
p { font-size: .875rem; margin: .75rem 0; }
form { display: grid; gap: .6rem; margin-top: 1rem; }
label { font-size: .875rem; display: grid; gap: .25rem; }
select, button { font: inherit; padding: .6rem .75rem; border-radius: .5rem; border: 1px solid color-mix(in srgb, CanvasText 30%, Canvas); }
button { cursor: pointer; background: Canvas; color: CanvasText; }
button.go { background: #1a56db; border-color: #1a56db; color: #fff; font-weight: 600; }
footer { margin-top: 1.25rem; font-size: .75rem; opacity: .7; }
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** The page for one payment. `processor` and the view's identifier address it again. */
export function payerPage(
  processor: string,
  view: PayerView,
  options: { readonly returnUrl: string | null; readonly message: string | null },
): Response {
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(view.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(view.title)}</h1>
${view.amountMinor === null ? '' : `<p class="amount">${escapeHtml(spokenAmount(view))}</p>`}
<dl>
<dt>State</dt><dd>${escapeHtml(view.status)}</dd>
<dt>Reference</dt><dd>${escapeHtml(view.id)}</dd>
</dl>
${paragraph(options.message)}${paragraph(view.note)}
${form(view, options.returnUrl)}
<footer>Simulated ${escapeHtml(processor)}. No money moves.</footer>
</main>
</body>
</html>
`;
  return new Response(html, {
    headers: { ...pageHeaders(options.returnUrl), 'content-type': 'text/html; charset=utf-8' },
  });
}

/** A page that only says something, for instance that there is no such payment. */
export function messagePage(status: number, message: string): Response {
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Payment</title><style>${STYLE}</style></head>
<body><main><h1>${escapeHtml(message)}</h1></main></body></html>
`;
  return new Response(html, {
    status,
    headers: { ...pageHeaders(null), 'content-type': 'text/html; charset=utf-8' },
  });
}

/** Form posts may redirect to where the payer came from, and nowhere else. */
function pageHeaders(returnUrl: string | null): Record<string, string> {
  const origin = returnUrl === null ? '' : ` ${new URL(returnUrl).origin}`;
  return {
    'cache-control': 'no-store',
    'content-security-policy':
      `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'${origin}; ` +
      "base-uri 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
}

function form(view: PayerView, returnUrl: string | null): string {
  if (view.actions.length === 0) {
    return returnUrl === null
      ? ''
      : `<p><a href="${escapeHtml(returnUrl)}">Back to where you came from</a></p>`;
  }
  const options = view.methods
    .map((name) => `<option value="${escapeHtml(name)}">${escapeHtml(name)}</option>`)
    .join('');
  const select =
    options === ''
      ? ''
      : `<label>Test payment method<select name="paymentMethod">${options}</select></label>`;
  const buttons = view.actions
    .map(
      ({ action, label, amountMinor }, index) =>
        `<button name="action" value="${action}${amountMinor === undefined ? '' : `:${String(amountMinor)}`}"` +
        `${index === 0 ? ' class="go"' : ''}>${escapeHtml(label)}</button>`,
    )
    .join('\n');
  const back =
    returnUrl === null
      ? ''
      : `<input type="hidden" name="returnUrl" value="${escapeHtml(returnUrl)}">`;
  return `<form method="post">${select}${back}\n${buttons}\n</form>`;
}

function paragraph(text: string | null): string {
  return text === null ? '' : `<p>${escapeHtml(text)}</p>`;
}

/** The amount as people write it; Intl knows how many decimals a currency has. */
function spokenAmount(view: PayerView): string {
  const currency = (view.currency ?? 'usd').toUpperCase();
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  const text = String(view.amountMinor ?? 0).padStart(digits + 1, '0');
  const whole = digits === 0 ? text : text.slice(0, -digits);
  const fraction = digits === 0 ? '' : `.${text.slice(-digits)}`;
  return `${whole}${fraction} ${currency}`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
