/** The page behind a manage link: what was booked, for whoever holds the link. No script, nothing from elsewhere. */
import type { BookingView } from '../../contracts/http/booking.ts';
import { CURRENCY_EXPONENTS } from '../../domain/money.ts';
import { escapeHtml, renderPage } from './page.ts';

/** The whole page. */
export function renderBookingPage(booking: BookingView): string {
  const { total } = booking.quote;
  const slots = booking.slots.map(
    ({ localStart, timeZone, units }) =>
      `<li>${escapeHtml(localStart.replace('T', ' '))} (${escapeHtml(timeZone)})${units === undefined ? '' : ` · ${escapeHtml(units.join(', '))}`}</li>`,
  );
  return renderPage({
    title: `Booking ${booking.code}`,
    body: `<h1>Booking ${escapeHtml(booking.code)}</h1>
     <p>Status: <strong>${escapeHtml(booking.status.replaceAll('_', ' '))}</strong></p>
     <ul>${slots.join('')}</ul>
     <p>Total: ${escapeHtml(formatAmount(total.amount, total.currency))}</p>`,
  });
}

/** Minor units as people read them, by the currency's own number of decimals. */
function formatAmount(amountMinor: number, currency: string): string {
  const decimals = CURRENCY_EXPONENTS[currency] ?? 2;
  const digits = String(amountMinor).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const amount = decimals === 0 ? digits : `${whole}.${digits.slice(-decimals)}`;
  return `${amount} ${currency.toUpperCase()}`;
}
