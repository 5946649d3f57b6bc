/** Calendar texts as calendars read them: unfolded, unescaped, in UTC, with the status that the booking has. */
import { describe, expect, test } from 'vitest';
import { appointmentsOf } from '../../src/application/booking-calendar.ts';
import type { BookingState } from '../../src/domain/booking/booking-machine.ts';
import { BOOKING_STATES } from '../../src/domain/booking/booking-machine.ts';
import { renderCalendar } from '../../src/platform/icalendar.ts';
import { HOUR_MS } from '../../src/domain/time.ts';

/** The Sunday on which New York's clocks go back; the instants are what they are. */
const START_MS = Date.UTC(2026, 10, 1, 5, 30);
const PLACE = {
  name: 'Hall; the big one',
  address: '1, Main\nStreet',
  latitude: 1.5,
  longitude: -2,
};

interface Shown {
  readonly version?: number;
  readonly cancelledSlot?: number;
}

function booking(state: BookingState, { version = 3, cancelledSlot = -1 }: Shown) {
  return {
    id: 'bkg_1',
    code: 'ABCD-EFGH',
    state,
    version,
    changedAtMs: Date.UTC(2026, 0, 2),
    url: 'https://holdfast.test/manage/bkg_1.secret',
    slots: [0, 1].map((n) => ({
      label: 'Court, floodlit; "big" \\ é',
      startAtMs: START_MS + n * HOUR_MS,
      endAtMs: START_MS + (n + 1) * HOUR_MS,
      isCancelled: n === cancelledSlot,
    })),
  };
}

function render(state: BookingState, options: Shown & { name?: string } = {}): string {
  const entries = appointmentsOf(booking(state, options), 'holdfast.test');
  return renderCalendar({
    entries: entries.map((entry) => ({ ...entry, place: PLACE })),
    name: options.name ?? null,
  });
}

/** The values of a property, unfolded. */
function values(text: string, property: string): string[] {
  const lines = text.replaceAll('\r\n ', '').split('\r\n');
  return lines
    .filter((line) => line.startsWith(`${property}:`) || line.startsWith(`${property};`))
    .map((line) => line.slice(line.indexOf(':') + 1));
}

describe('the calendar of a booking', () => {
  test('has an entry per slot in UTC, whatever the clocks of the place do', () => {
    const text = render('confirmed');
    expect(values(text, 'DTSTART')).toEqual(['20261101T053000Z', '20261101T063000Z']);
    expect(values(text, 'DTEND')).toEqual(['20261101T063000Z', '20261101T073000Z']);
    expect(values(text, 'UID')).toEqual(['bkg_1-1@holdfast.test', 'bkg_1-2@holdfast.test']);
    expect(values(text, 'METHOD')).toEqual(['PUBLISH']);
    expect(values(text, 'STATUS')).toEqual(['CONFIRMED', 'CONFIRMED']);
  });

  test('escapes what has a meaning and folds at 75 octets', () => {
    const text = render('confirmed');
    expect(values(text, 'SUMMARY')[0]).toBe('Court\\, floodlit\\; "big" \\\\ é');
    expect(values(text, 'LOCATION')[0]).toBe('Hall\\; the big one\\n1\\, Main\\nStreet');
    expect(text.endsWith('END:VCALENDAR')).toBe(true);
    for (const line of text.split('\r\n'))
      expect(new TextEncoder().encode(line).length).toBeLessThanOrEqual(75);
    expect(text.replaceAll('\r\n', '')).not.toContain('\n');
  });

  test('keeps its names while its sequence grows, and is the same text while nothing has changed', () => {
    expect(values(render('cancelled', { version: 9 }), 'UID')).toEqual(
      values(render('confirmed', { version: 3 }), 'UID'),
    );
    expect(values(render('cancelled', { version: 9 }), 'SEQUENCE')).toEqual(['9', '9']);
    expect(render('confirmed')).toBe(render('confirmed'));
  });

  test('says that a booking is called off, and a feed does so without calling off the others', () => {
    expect(values(render('cancelled'), 'METHOD')).toEqual(['CANCEL']);
    expect(values(render('cancelled'), 'STATUS')).toEqual(['CANCELLED', 'CANCELLED']);
    expect(values(render('cancelled', { name: 'Mine' }), 'METHOD')).toEqual(['PUBLISH']);
  });

  test('calls off one slot that was cancelled by itself, and leaves the others', () => {
    const text = render('confirmed', { cancelledSlot: 1 });
    expect(values(text, 'METHOD')).toEqual(['PUBLISH']);
    expect(values(text, 'STATUS')).toEqual(['CONFIRMED', 'CANCELLED']);
  });

  test('has a status for every state of a booking', () => {
    const statuses = BOOKING_STATES.map((state) => [state, values(render(state), 'STATUS')[0]]);
    expect(Object.fromEntries(statuses)).toEqual({
      pending: 'TENTATIVE',
      awaiting_approval: 'TENTATIVE',
      confirming: 'TENTATIVE',
      confirmed: 'CONFIRMED',
      in_progress: 'CONFIRMED',
      completed: 'CONFIRMED',
      no_show: 'CONFIRMED',
      cancelled: 'CANCELLED',
      expired: 'CANCELLED',
      payment_failed: 'CANCELLED',
      refunded: 'CANCELLED',
    });
  });
});
