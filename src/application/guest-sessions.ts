/**
 * Guest sessions: who books without an account says how they are reached, and may leave an unfinished booking with us.
 * A guest is their token: it carries the id that holds and bookings belong to, and nothing of it is looked up on a hold.
 * Answers that carry a token are never stored.
 */
import { isOwnedBy, type Caller } from '../contracts/calls.ts';
import type { Draft } from '../contracts/http/guests.ts';
import { regionOfId, type DataRegion } from '../domain/ids.ts';
import { ok, refuse, type Result } from '../domain/result.ts';
import { DAY_MS } from '../domain/time.ts';
import type { GuestRecord, PeopleStores } from './account-ports.ts';
import type { Clock, IdCodec } from './ports.ts';

/** How long a session and its token live. Nothing prolongs it: by then the manage links are what a guest has. */
export const GUEST_SESSION_MS = DAY_MS;

export interface GuestDeps {
  readonly clock: Clock;
  readonly ids: IdCodec;
  readonly people: Pick<PeopleStores, 'guests'>;
  /** The key of an address that was normalised. */
  emailKey(email: string): string;
}

/** How a guest is reached; the address is normalised. */
export interface GuestContact {
  readonly email: string;
  readonly name: string;
  readonly phone: string | null;
  readonly dataRegion: DataRegion;
}

/** Begins a session. */
export async function beginGuestSession(
  deps: GuestDeps,
  { dataRegion, ...contact }: GuestContact,
): Promise<GuestRecord> {
  const nowMs = deps.clock.nowMs();
  const guest: GuestRecord = {
    ...contact,
    id: deps.ids.mintInRegion('gst', dataRegion),
    emailKey: deps.emailKey(contact.email),
    draft: null,
    userId: null,
    createdAtMs: nowMs,
    expiresAtMs: nowMs + GUEST_SESSION_MS,
  };
  await deps.people.guests(dataRegion).insert(guest);
  return guest;
}

/**
 * The session, for its guest and for the account that took it over. Refusals: `not_found`, also for a guest whom an
 * account has taken over: from then on the account is who reads it.
 */
export async function readGuest(
  deps: Pick<GuestDeps, 'people'>,
  caller: Caller,
  id: string,
): Promise<Result<GuestRecord>> {
  const guest = isOwnedBy(caller, id) ? await deps.people.guests(regionOfId(id)).byId(id) : null;
  if (guest === null || (caller.id === id && guest.userId !== null)) {
    return refuse('not_found', 'There is no such guest session.');
  }
  return ok(guest);
}

/** Keeps what the client knows of an unfinished booking; null forgets it. Refusals: `not_found`. */
export async function saveDraft(
  deps: Pick<GuestDeps, 'people'>,
  caller: Caller,
  { id, draft }: { readonly id: string; readonly draft: Draft | null },
): Promise<Result<GuestRecord>> {
  const found = await readGuest(deps, caller, id);
  if (!found.ok) return found;
  await deps.people.guests(regionOfId(id)).saveDraft(id, draft);
  return ok({ ...found.value, draft });
}
