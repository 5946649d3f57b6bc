/**
 * Looking a booking up by its code and the address of whoever booked it: the manage link is sent to that address again.
 * Every look-up is written down and answered the same, and only then looked at, so that neither answer nor time tells
 * whether there is such a booking. What was written is tried until somebody took the message, at least once. The address
 * is not written: its keyed hash is enough to compare.
 */
import { regionOfId, type DataRegion } from '../domain/ids.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS, type EpochMs } from '../domain/time.ts';
import type { PeopleStores, UserRecord } from './account-ports.ts';
import type { Clock, IdCodec, Logger, ObjectDirectory } from './ports.ts';

/** A look-up is answered once in so long, however often it is asked: nobody fills somebody else's mailbox. */
const QUIET_MS = 5 * MINUTE_MS;

/** The list of bookings may lag by seconds, so that what is not found is looked for so long. */
const LAG_MS = 2 * MINUTE_MS;

/** A message that nobody took for so long would surprise its reader. */
const PATIENCE_MS = 12 * HOUR_MS;

/** Whoever answers has so long until somebody else tries; the pause doubles with each try. */
const PAUSE_FIRST_MS = 20 * SECOND_MS;
const PAUSE_MAX_MS = HOUR_MS;

/** Look-ups that one run answers; the next goes on. */
const RUN_MAX = 200;

/** Characters of a code, without its hyphen. */
const CODE_LENGTH = 8;

/** What was typed, in one writing. */
export interface Lookup {
  readonly code: string;
  readonly emailKey: string;
}

export interface WaitingLookup extends Lookup {
  readonly requestedAtMs: EpochMs;
  /** This try included. */
  readonly attempts: number;
}

/** Look-ups that wait. */
export interface LookupStore {
  /** Writes one; changes nothing where the same waits already, or was answered after `notSinceMs`. */
  add(
    lookup: Lookup,
    when: { readonly nowMs: EpochMs; readonly notSinceMs: EpochMs },
  ): Promise<void>;
  due(query: { readonly nowMs: EpochMs; readonly limit: number }): Promise<Lookup[]>;
  /** Takes one that is due, for one caller alone until then; null where there is nothing to do. */
  take(
    lookup: Lookup,
    when: { readonly nowMs: EpochMs; readonly untilMs: EpochMs },
  ): Promise<WaitingLookup | null>;
  postpone(lookup: Lookup, nextAttemptAtMs: EpochMs): Promise<void>;
  finish(lookup: Lookup, nowMs: EpochMs): Promise<void>;
  forgetFinished(beforeMs: EpochMs): Promise<void>;
}

/** Bookings by what a person reads out. */
export interface BookingCodeStore {
  byCode(code: string): Promise<{ readonly id: string; readonly customerId: string }[]>;
}

/** A manage link on its way to whoever booked. Repeated it has the same id. */
export interface LinkNotice {
  readonly id: string;
  readonly kind: 'booking_link';
  readonly bookingId: string;
  readonly code: string;
  readonly to: { readonly email: string; readonly name: string | null };
  readonly link: string;
}

export interface LookupDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly ids: IdCodec;
  readonly lookups: LookupStore;
  readonly people: Pick<PeopleStores, 'users' | 'guests'>;
  readonly objects: Pick<ObjectDirectory, 'shard'>;
  bookings(region: DataRegion): BookingCodeStore;
  /** The key of an address that was normalised. */
  emailKey(email: string): string;
  /** Hands one on; null when it was taken, else why not. Never throws. */
  tell(notice: LinkNotice): Promise<string | null>;
}

/** Writes a look-up down; the address is normalised. What comes back is to be answered with `answerLookup`. */
export async function askForLink(
  deps: Pick<LookupDeps, 'clock' | 'lookups' | 'emailKey'>,
  asked: { readonly code: string; readonly email: string },
): Promise<Lookup> {
  const lookup = { code: normalizeCode(asked.code), emailKey: deps.emailKey(asked.email) };
  const nowMs = deps.clock.nowMs();
  await deps.lookups.add(lookup, { nowMs, notSinceMs: nowMs - QUIET_MS });
  return lookup;
}

/** done: it needs no further try, or is somebody else's. unknown: there is no such booking yet. untaken: nobody took the message. */
type LookupOutcome = 'done' | 'unknown' | 'untaken';

/** Answers one look-up, if nobody else does. */
export async function answerLookup(deps: LookupDeps, lookup: Lookup): Promise<LookupOutcome> {
  const nowMs = deps.clock.nowMs();
  const waiting = await deps.lookups.take(lookup, { nowMs, untilMs: nowMs + PAUSE_FIRST_MS });
  if (waiting === null) return 'done';
  const links = await linksFor(deps, waiting);
  const faults: string[] = [];
  for (const link of links) {
    const fault = await deps.tell(link);
    if (fault !== null) faults.push(fault);
  }
  const ageMs = nowMs - waiting.requestedAtMs;
  if (faults.length > 0) {
    deps.log.warn('lookup.send_failed', { attempts: waiting.attempts, reason: faults[0] ?? null });
  }
  const isOver = faults.length > 0 ? ageMs >= PATIENCE_MS : links.length > 0 || ageMs >= LAG_MS;
  if (isOver) {
    await deps.lookups.finish(lookup, nowMs);
    return 'done';
  }
  const pauseMs = Math.min(PAUSE_FIRST_MS * 2 ** Math.min(waiting.attempts - 1, 10), PAUSE_MAX_MS);
  await deps.lookups.postpone(lookup, nowMs + pauseMs);
  return faults.length > 0 ? 'untaken' : 'unknown';
}

/**
 * Answers what waits, and forgets what was answered a while ago. Where a message was not taken the rest is left to the next
 * run, which begins with others.
 */
export async function answerLookups(
  deps: LookupDeps,
): Promise<{ lookupsAnswered: number; lookupsWaiting: number }> {
  const report = { lookupsAnswered: 0, lookupsWaiting: 0 };
  const nowMs = deps.clock.nowMs();
  for (const lookup of await deps.lookups.due({ nowMs, limit: RUN_MAX })) {
    const outcome = await answerLookup(deps, lookup);
    if (outcome === 'done') report.lookupsAnswered += 1;
    else report.lookupsWaiting += 1;
    if (outcome === 'untaken') break;
  }
  await deps.lookups.forgetFinished(nowMs - QUIET_MS);
  return report;
}

/** A code as it was made, from what a person typed: in capitals, with its hyphen, and with no letter that reads like a digit. */
export function normalizeCode(typed: string): string {
  const code = typed
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
  return `${code.slice(0, CODE_LENGTH / 2)}-${code.slice(CODE_LENGTH / 2)}`;
}

async function linksFor(deps: LookupDeps, waiting: WaitingLookup): Promise<LinkNotice[]> {
  const regions = ['global', 'eu'] as const;
  const found = await Promise.all(
    regions.map((region) => deps.bookings(region).byCode(waiting.code)),
  );
  const links: LinkNotice[] = [];
  for (const { id, customerId } of found.flat()) {
    const to = await contactOf(deps, { customerId, emailKey: waiting.emailKey });
    const booking = to === null ? null : deps.ids.open('bkg', id);
    if (to === null || booking === null) continue;
    const link = await deps.objects.shard(booking.locator).getManageUrl(id);
    if (!link.ok) continue;
    links.push({
      id: `${id}-${waiting.requestedAtMs}`,
      kind: 'booking_link',
      bookingId: id,
      code: waiting.code,
      to,
      link: link.value,
    });
  }
  return links;
}

/** Who booked, if that is their address: as the guest that they were, or as the account that they have. */
async function contactOf(
  deps: LookupDeps,
  { customerId, emailKey }: { customerId: string; emailKey: string },
): Promise<LinkNotice['to'] | null> {
  if (!customerId.startsWith('gst_')) return matching(await userOf(deps, customerId), emailKey);
  const guest = await deps.people.guests(regionOfId(customerId)).byId(customerId);
  const own = matching(guest, emailKey);
  const userId = guest?.userId ?? null;
  return own !== null || userId === null ? own : matching(await userOf(deps, userId), emailKey);
}

function userOf(deps: LookupDeps, userId: string): Promise<UserRecord | null> {
  return deps.people.users(regionOfId(userId)).byId(userId);
}

function matching(
  person: { email: string; emailKey: string; name: string | null } | null,
  emailKey: string,
): LinkNotice['to'] | null {
  if (person === null || person.emailKey !== emailKey) return null;
  return { email: person.email, name: person.name };
}
