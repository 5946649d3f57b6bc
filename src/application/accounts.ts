/**
 * Accounts: signing up, logging in, refreshing and logging out. Answers of these calls are never stored.
 * Must not tell by answer or by time whether an address is known, except to whoever tries to register it.
 * Source: RFC 9700 (refresh token rotation with reuse detection).
 */
import type { Role } from '../contracts/calls.ts';
import type { DataRegion } from '../domain/ids.ts';
import { regionLetter, regionOf, regionOfId } from '../domain/ids.ts';
import { ok, refuse, type Result } from '../domain/result.ts';
import { DAY_MS } from '../domain/time.ts';
import type {
  GuestRecord,
  Passwords,
  PeopleStores,
  RefreshTokenRecord,
  UserRecord,
} from './account-ports.ts';
import type { Clock, Digest, Entropy, IdCodec } from './ports.ts';

/** A refresh token that is not used for so long is dead. */
const REFRESH_IDLE_MS = 30 * DAY_MS;

/** After so long a person logs in again, however often they refresh. */
const REFRESH_FAMILY_MS = 90 * DAY_MS;

/** Bytes of a refresh token: 256 bits. */
const REFRESH_TOKEN_BYTES = 32;

const REFRESH_TOKEN = /^hfr_([ge])_[0-9a-f]{64}$/;

export interface AccountDeps {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly digest: Digest;
  readonly ids: IdCodec;
  readonly people: PeopleStores;
  readonly passwords: Passwords;
  /** The key of an address that was normalised. */
  emailKey(email: string): string;
}

/** Somebody who has just proved who they are. */
export interface SignedIn {
  readonly user: UserRecord;
  readonly refreshToken: string;
  /** The guest whose bookings are theirs; null for none. */
  readonly guestId: string | null;
}

/** What it takes to sign up; the address is normalised. */
export interface Registration {
  readonly email: string;
  readonly password: string;
  readonly name: string | null;
  /** Null for wherever a guest's session is, else for the global region. */
  readonly dataRegion: DataRegion | null;
  /** The guest who registers, with everything that they booked; null for somebody new. */
  readonly guestId: string | null;
}

/**
 * Signs somebody up as a customer. Refusals: `unauthenticated` for a guest whom an account has taken over already,
 * `validation_failed` for a guest of another region, `email_taken`.
 */
export async function register(deps: AccountDeps, wanted: Registration): Promise<Result<SignedIn>> {
  const joining = await joiningGuest(deps, wanted);
  if (!joining.ok) return joining;
  const guest = joining.value;
  const dataRegion = wanted.dataRegion ?? (guest === null ? 'global' : regionOfId(guest.id));
  const emailKey = deps.emailKey(wanted.email);
  if ((await deps.people.emails.find(emailKey)) !== null) return emailTaken();
  const user: UserRecord = {
    id: deps.ids.mintInRegion('usr', dataRegion),
    email: wanted.email,
    emailKey,
    name: wanted.name ?? guest?.name ?? null,
    passwordHash: deps.passwords.hash(wanted.password),
    roles: ['customer'],
    dataRegion,
    createdAtMs: deps.clock.nowMs(),
    guestId: guest?.id ?? null,
  };
  // The person first and the claim second: one without a claim cannot be found, a claim without a person could not be undone.
  const users = deps.people.users(dataRegion);
  await users.insert(user);
  if (!(await deps.people.emails.claim(user))) {
    await users.remove(user.id);
    return emailTaken();
  }
  return ok(await signIn(deps, user));
}

/** Logs somebody in. Refusals: `unauthenticated`, the same for an unknown address and a wrong password. */
export async function logIn(
  deps: AccountDeps,
  credentials: { readonly email: string; readonly password: string },
): Promise<Result<SignedIn>> {
  const claim = await deps.people.emails.find(deps.emailKey(credentials.email));
  const user = claim === null ? null : await deps.people.users(claim.dataRegion).byId(claim.userId);
  const isGenuine = deps.passwords.verify(credentials.password, user?.passwordHash ?? null);
  if (user === null || !isGenuine) {
    return refuse('unauthenticated', 'The e-mail address or the password is wrong.');
  }
  return ok(await signIn(deps, user));
}

/**
 * Gives a new refresh token for one that was not used yet. A second use, also one at the same instant, revokes the whole
 * family: one of the two users stole it, and nobody can say which. Refusals: `unauthenticated`.
 */
export async function refresh(deps: AccountDeps, token: string): Promise<Result<SignedIn>> {
  const region = regionOfToken(token);
  if (region === null) return notRefreshable();
  const store = deps.people.refreshTokens(region);
  const nowMs = deps.clock.nowMs();
  const used = await store.byHash(deps.digest.sha256(token));
  if (used === null || used.revokedAtMs !== null || used.expiresAtMs <= nowMs)
    return notRefreshable();
  const user = await deps.people.users(region).byId(used.userId);
  if (user === null) return notRefreshable();
  const { record, refreshToken } = newToken(deps, user, used);
  const isRotated = used.usedAtMs === null && (await store.rotate(used.tokenHash, record));
  if (!isRotated) {
    await store.revokeFamily(used.familyId, nowMs);
    return notRefreshable();
  }
  return ok({ user, refreshToken, guestId: await takenGuest(deps, user) });
}

/** Ends a log-in on every device that shares its tokens. An unknown token is as good as ended. */
export async function logOut(deps: AccountDeps, token: string): Promise<void> {
  const region = regionOfToken(token);
  if (region === null) return;
  const store = deps.people.refreshTokens(region);
  const record = await store.byHash(deps.digest.sha256(token));
  if (record !== null) await store.revokeFamily(record.familyId, deps.clock.nowMs());
}

/** The person behind a token, as the database knows them now. Refusals: `not_found`, for one who was erased. */
export async function readProfile(deps: AccountDeps, userId: string): Promise<Result<UserRecord>> {
  const parts = deps.ids.open('usr', userId);
  const user =
    parts === null ? null : await deps.people.users(regionOf(parts.locator)).byId(userId);
  return user === null ? refuse('not_found', 'There is no such account.') : ok(user);
}

/** The guest whose bookings are the person's; null for none. */
export async function guestOf(
  people: Pick<PeopleStores, 'users' | 'guests'>,
  userId: string,
): Promise<string | null> {
  const guestId = (await people.users(regionOfId(userId)).byId(userId))?.guestId ?? null;
  if (guestId === null) return null;
  const guest = await people.guests(regionOfId(guestId)).byId(guestId);
  return guest?.userId === userId ? guestId : null;
}

/** Adds a role; it shows at the next log-in or refresh. */
export async function grantRole(
  deps: Pick<AccountDeps, 'people' | 'ids'>,
  grant: { readonly userId: string; readonly role: Role },
): Promise<void> {
  const parts = deps.ids.open('usr', grant.userId);
  if (parts !== null) {
    await deps.people.users(regionOf(parts.locator)).grantRole(grant.userId, grant.role);
  }
}

async function signIn(deps: AccountDeps, user: UserRecord): Promise<SignedIn> {
  const { record, refreshToken } = newToken(deps, user, null);
  await deps.people.refreshTokens(user.dataRegion).insert(record);
  return { user, refreshToken, guestId: await takenGuest(deps, user) };
}

/** The guest who registers. */
async function joiningGuest(
  deps: AccountDeps,
  { guestId, dataRegion }: Registration,
): Promise<Result<GuestRecord | null>> {
  if (guestId === null) return ok(null);
  const region = regionOfId(guestId);
  const guest = await deps.people.guests(region).byId(guestId);
  if (guest === null || guest.userId !== null) {
    return refuse('unauthenticated', 'An account has taken the guest session over. Log in.');
  }
  if (dataRegion === null || dataRegion === region) return ok(guest);
  const detail = `the guest session is in the region ${region}; leave it out`;
  return refuse('validation_failed', 'The request is not valid.', {
    errors: [{ pointer: '/dataRegion', detail }],
  });
}

/**
 * The guest whose bookings are the person's. The account names the guest before it can be found, and the guest is given to
 * it here, at every sign-in until it is done: whatever dies in between loses no booking. Of two accounts that name one
 * guest the first to come here has them.
 */
async function takenGuest(deps: AccountDeps, user: UserRecord): Promise<string | null> {
  if (user.guestId === null) return null;
  const guests = deps.people.guests(regionOfId(user.guestId));
  return (await guests.take(user.guestId, user.id)) ? user.guestId : null;
}

function newToken(
  deps: AccountDeps,
  user: UserRecord,
  previous: RefreshTokenRecord | null,
): { record: RefreshTokenRecord; refreshToken: string } {
  const nowMs = deps.clock.nowMs();
  const secret = hex(deps.entropy.bytes(REFRESH_TOKEN_BYTES));
  const refreshToken = `hfr_${regionLetter(user.dataRegion)}_${secret}`;
  const tokenHash = deps.digest.sha256(refreshToken);
  const familyExpiresAtMs = previous?.familyExpiresAtMs ?? nowMs + REFRESH_FAMILY_MS;
  const record: RefreshTokenRecord = {
    tokenHash,
    // A family is named after its first token, so that it needs no name of its own.
    familyId: previous?.familyId ?? tokenHash,
    userId: user.id,
    generation: (previous?.generation ?? 0) + 1,
    familyExpiresAtMs,
    expiresAtMs: Math.min(nowMs + REFRESH_IDLE_MS, familyExpiresAtMs),
    usedAtMs: null,
    revokedAtMs: null,
    createdAtMs: nowMs,
  };
  return { record, refreshToken };
}

function regionOfToken(token: string): DataRegion | null {
  const letter = REFRESH_TOKEN.exec(token)?.[1];
  return letter === undefined ? null : regionOf(letter);
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function emailTaken() {
  return refuse('email_taken', 'An account with this e-mail address exists.');
}

function notRefreshable() {
  return refuse('unauthenticated', 'The refresh token is not valid any more. Log in again.');
}
