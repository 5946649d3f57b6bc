/**
 * The page behind a manage link: what was booked, and the form that cancels it, for whoever holds the link. No script,
 * nothing from elsewhere.
 */
import type { BookingView } from '../../contracts/http/booking.ts';
import { BOOKING_MACHINE } from '../../domain/booking/booking-machine.ts';
import { step } from '../../domain/machine.ts';
import { formatAmount } from './money-text.ts';
import { escapeHtml, renderPage } from './page.ts';

/** The whole page. */
export function renderBookingPage(
  booking: BookingView,
  shown: { readonly cancelUrl: string; readonly notice: string | null },
): string {
  const { total } = booking.quote;
  const slots = booking.slots.map(
    ({ localStart, timeZone, units }) =>
      `<li>${escapeHtml(localStart.replace('T', ' '))} (${escapeHtml(timeZone)})${units === undefined ? '' : ` · ${escapeHtml(units.join(', '))}`}</li>`,
  );
  const notice = shown.notice === null ? '' : `<p role="alert">${escapeHtml(shown.notice)}</p>`;
  return renderPage({
    title: `Booking ${booking.code}`,
    body: `<h1>Booking ${escapeHtml(booking.code)}</h1>
     ${notice}
     <p>Status: <strong>${escapeHtml(booking.status.replaceAll('_', ' '))}</strong></p>
     <ul>${slots.join('')}</ul>
     <p>Total: ${escapeHtml(formatAmount(total.amount, total.currency))}</p>
     ${refunds(booking)}
     ${cancelForm(booking, shown.cancelUrl)}`,
  });
}

function refunds({ refunds: made }: BookingView): string {
  return made
    .map(({ amount, status }) => {
      const text = `Refund of ${formatAmount(amount.amount, amount.currency)}: ${status}`;
      return `<p>${escapeHtml(text)}</p>`;
    })
    .join('');
}

/** Behind a fold, so that one stray click cancels nothing. */
function cancelForm(booking: BookingView, cancelUrl: string): string {
  if (!step(BOOKING_MACHINE, booking.status, 'cancel').ok || booking.status === 'cancelled')
    return '';
  const rungs = booking.policy.map(
    ({ hoursBefore, refundPercent }) =>
      `<li>at least ${hoursBefore} hours before the start: ${refundPercent} %</li>`,
  );
  return `<details><summary>Cancel this booking</summary>
     <p>What comes back of the price, when it is cancelled</p>
     <ul>${rungs.join('')}</ul>
     <form method="post" action="${escapeHtml(cancelUrl)}"><button>Cancel the booking now</button></form>
     </details>`;
}
