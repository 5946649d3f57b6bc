/**
 * iCalendar texts, by a library that escapes and folds. Instants are written in UTC, which every calendar shows in its
 * reader's own zone and which no change of a zone's rules can move. Source: RFC 5545, RFC 5546 (methods), RFC 7986.
 */
import ical, { ICalCalendarMethod, ICalEventStatus, type ICalEventData } from 'ical-generator';
import type { Appointment } from '../contracts/booking-sheet.ts';

/** An appointment with its place. */
export interface CalendarEntry extends Appointment {
  readonly place: CalendarPlace | null;
}

export interface CalendarPlace {
  readonly name: string;
  readonly address: string | null;
  readonly latitude: number | null;
  readonly longitude: number | null;
}

const STATUS = {
  tentative: ICalEventStatus.TENTATIVE,
  confirmed: ICalEventStatus.CONFIRMED,
  cancelled: ICalEventStatus.CANCELLED,
} as const;

/** A calendar of appointments. `name` is shown by those who subscribe to it; null for a single booking's. */
export function renderCalendar(calendar: {
  readonly entries: readonly CalendarEntry[];
  readonly name: string | null;
}): string {
  const { entries, name } = calendar;
  // A feed publishes whatever its entries are; a single booking that was called off is a cancellation.
  const isCancelled =
    name === null && entries.length > 0 && entries.every(({ status }) => status === 'cancelled');
  return ical({
    prodId: { company: 'Holdfast', product: 'Bookings', language: 'EN' },
    method: isCancelled ? ICalCalendarMethod.CANCEL : ICalCalendarMethod.PUBLISH,
    ...(name === null ? {} : { name }),
    events: entries.map(toEvent),
  }).toString();
}

function toEvent(entry: CalendarEntry): ICalEventData {
  const changedAt = new Date(entry.changedAtMs);
  return {
    id: entry.uid,
    sequence: entry.sequence,
    // The stamp of a published entry says when it was last written, not when somebody asked for it.
    stamp: changedAt,
    lastModified: changedAt,
    start: new Date(entry.startAtMs),
    end: new Date(entry.endAtMs),
    summary: entry.summary,
    description: entry.description,
    status: STATUS[entry.status],
    ...(entry.url === null ? {} : { url: entry.url }),
    ...(entry.place === null ? {} : { location: locationOf(entry.place) }),
  };
}

function locationOf({ name, address, latitude, longitude }: CalendarPlace) {
  return {
    title: name,
    ...(address === null ? {} : { address }),
    ...(latitude === null || longitude === null ? {} : { geo: { lat: latitude, lon: longitude } }),
  };
}
