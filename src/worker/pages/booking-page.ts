/** The page behind a manage link: what was booked, for whoever holds the link. No script, nothing from elsewhere. */
import type { BookingView } from '../../contracts/http/booking.ts';
import { formatAmount } from './money-text.ts';
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
